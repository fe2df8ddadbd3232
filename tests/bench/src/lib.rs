//! `make bench`: what the function costs, beside the least that a function can cost and beside a script.
//!
//! A function is a process of its own here, behind a Runtime API, and its AWS is the one of the tests, in another process.
//! Nothing is measured alone: what is compared is measured by turns, in one run.
//!
//! What is started are examples of the package: cargo-lambda takes each binary of the workspace for a function.

mod aws;
mod cpu_share;
mod function;
mod machine;
mod process;
mod quotas;
mod runtime_api;
mod sections;
mod slow_tls;
mod table;

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sections::{Bench, Section};

/// The sections by name, in the order in which they are printed.
const SECTIONS: [&str; 7] = ["start", "warm", "memory", "work", "cold", "scale", "size"];
/// The page that has the tables of one run.
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// Prints tables of Markdown, those of the sections that the command line names, or all; `docs/performance.md` has those of
/// one run.
///
/// `BEFORE` may name another build of the function, `PYTHON` a Python with boto3; with `WRITE` the tables go into that page.
///
/// # Errors
/// If a section is none, or can't be measured.
pub async fn run() -> Result<(), Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let repository = repository.canonicalize()?;
    let examples = env::current_exe()?;
    let examples = examples.parent().ok_or("the bench is in no folder")?;
    let folder = repository.join("target/bench");
    let unpacked = folder.join("unpacked");
    fs::create_dir_all(&unpacked)?;
    let before = env::var_os("BEFORE").map(PathBuf::from);
    let before = before.map(|before| unpack(&before, &unpacked.join("before")));
    let bench = Bench {
        function: unpack(
            &examples.with_file_name("ecs-api"),
            &unpacked.join("ecs-api"),
        )?,
        before: before.transpose()?,
        bare: unpack(&examples.join("bare"), &unpacked.join("bare"))?,
        python: env::var_os("PYTHON").map_or_else(|| "python3".into(), PathBuf::from),
        repository,
        folder,
    };
    let asked: Vec<_> = env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        return Err(format!("`{unknown}` is none of {}", SECTIONS.join(", ")).into());
    }
    let mut tables = format!("{}\n", machine::describe());
    print!("{tables}");
    for name in SECTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            let table = measure(name, &bench).await?;
            print!("{table}");
            tables += &table;
        }
    }
    if env::var_os("WRITE").is_some() {
        write(&bench.repository.join(PAGE), &tables)?;
    }
    Ok(())
}

/// Writes a binary anew, as Lambda does when it unpacks a package: the file that the linker wrote starts half a millisecond
/// slower, with the same bytes.
fn unpack(binary: &Path, to: &Path) -> io::Result<PathBuf> {
    // A file that is copied onto itself is empty.
    if binary != to {
        fs::copy(binary, to)
            .map_err(|error| io::Error::other(format!("{}: {error}", binary.display())))?;
    }
    Ok(to.to_owned())
}

/// Puts tables into the page, between its marks.
fn write(page: &Path, tables: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no mark")?;
    let (_, after) = rest.split_once(END).ok_or("the page's mark has no end")?;
    fs::write(page, format!("{before}{BEGIN}\n{tables}\n{END}{after}"))?;
    Ok(())
}

async fn measure(name: &str, bench: &Bench) -> Section {
    match name {
        "start" => sections::start::measure(bench).await,
        "warm" => sections::warm::measure(bench).await,
        "memory" => sections::memory::measure(bench).await,
        "work" => sections::flows::measure(bench).await,
        "cold" => sections::cold::measure(bench).await,
        "scale" => sections::scale::measure(bench).await,
        _ => sections::size::measure(bench),
    }
}
