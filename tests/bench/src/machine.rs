//! What this machine says of itself.

use std::fs;
use std::process::Command;

/// Returns processor, cores, kernel and compiler in one line.
pub fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let compiler = said("rustc", &["--version"]);
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    format!(
        "{model}, {cores} cores, Linux {}, {compiler}, commit {commit}",
        kernel.trim()
    )
}

/// Returns what a command prints, or that it is not there.
fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map_or_else(
        |_| format!("no {command}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
