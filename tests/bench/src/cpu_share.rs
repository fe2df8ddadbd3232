//! A share of a core, as Lambda gives it by the memory of a function: 1,769 MB are one
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Microseconds over which a share is counted.
const PERIOD_US: u32 = 20_000;

/// A group of processes that have a share of a core together. It ends with this value.
pub struct CpuShare {
    group: PathBuf,
}

impl CpuShare {
    /// Makes a group with the share of a function of this many megabytes.
    ///
    /// # Errors
    /// Where this machine lets nobody make one: it asks for cgroups, and for root.
    pub fn of_memory(megabytes: u32) -> io::Result<Self> {
        let quota_us = PERIOD_US * megabytes / 1_769;
        let name = format!("ecs-api-bench-{}", std::process::id());
        let first = Path::new("/sys/fs/cgroup/cpu").join(&name);
        let unified = Path::new("/sys/fs/cgroup").join(&name);
        let is_first = first.parent().is_some_and(Path::exists);
        let group = if is_first { first } else { unified };
        fs::create_dir(&group)?;
        let share = Self { group };
        if is_first {
            share.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            share.write("cpu.cfs_quota_us", &quota_us.to_string())?;
        } else {
            share.write("cpu.max", &format!("{quota_us} {PERIOD_US}"))?;
        }
        Ok(share)
    }

    /// Puts a process into the group.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn hold(&self, process: u32) -> io::Result<()> {
        self.write("cgroup.procs", &process.to_string())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.group.join(file), text)
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // The kernel keeps a group as long as a process is in it; an empty one costs nothing.
        let _ = fs::remove_dir(&self.group);
    }
}
