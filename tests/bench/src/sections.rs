//! One table each: what is measured, and how.

pub mod cold;
pub mod flows;
pub mod memory;
pub mod scale;
pub mod size;
pub mod start;
pub mod warm;

use std::error::Error;
use std::path::PathBuf;

/// What the sections are given.
pub struct Bench {
    /// The function, with its symbols.
    pub function: PathBuf,
    /// The function of another commit, to be measured beside it.
    pub before: Option<PathBuf>,
    /// The bare handler.
    pub bare: PathBuf,
    /// A Python that has boto3.
    pub python: PathBuf,
    /// The repository.
    pub repository: PathBuf,
    /// A folder for what a section writes.
    pub folder: PathBuf,
}

/// A section as Markdown, or why there is none.
pub type Section = Result<String, Box<dyn Error>>;
