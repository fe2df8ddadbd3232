//! A configuration in files: one with everything, or a folder with a file for each part.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::environment::{contents, is_local, unreadable};
use super::report::Report;
use super::{ConfigError, Texts};

/// The most bytes that an SSM parameter takes, an advanced one
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).
const PARAMETER_MAX_BYTES: usize = 8192;

/// Checks a file or a folder as the function would at its start, and says what each account and caller comes to. Calls
/// nothing.
///
/// # Errors
/// [`ConfigError`], as the function would say it.
pub fn check(path: &Path) -> Result<String, ConfigError> {
    let texts = if path.is_dir() {
        Texts::Parts(parts(path)?)
    } else {
        Texts::Whole(contents(path)?)
    };
    let config = texts.checked(is_local())?;
    let report = Report {
        config: &config,
        texts: &texts,
    };
    Ok(report.to_string())
}

/// Reads the parts of a folder: `NAME.json`, and those of its folders `accounts` and `callers`. Files and folders whose names
/// begin with `.` are left out.
fn parts(folder: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let (mut parts, mut faults) = (BTreeMap::new(), Vec::new());
    read_parts(folder, "", &mut parts, &mut faults)?;
    for (name, text) in &parts {
        if text.len() > PARAMETER_MAX_BYTES {
            let bytes = text.len();
            faults.push(format!(
                "`{name}` has {bytes} bytes; a parameter takes {PARAMETER_MAX_BYTES}"
            ));
        }
    }
    if faults.is_empty() {
        Ok(parts)
    } else {
        Err(ConfigError::Invalid(faults))
    }
}

fn read_parts(
    folder: &Path,
    prefix: &str,
    parts: &mut BTreeMap<String, String>,
    faults: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for entry in entries.map_err(|source| unreadable(folder, source))? {
        let (path, file) = (entry.path(), entry.file_name());
        let file = file.to_string_lossy();
        // A repository's, an editor's, Finder's: nobody means it as a part.
        if file.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{file}");
        if path.is_dir() && prefix.is_empty() {
            read_parts(&path, &format!("{name}/"), parts, faults)?;
        } else if let Some(part) = name.strip_suffix(".json") {
            let text = contents(&path)?;
            parts.insert(part.to_owned(), String::from_utf8_lossy(&text).into_owned());
        } else if name != "README.md" {
            faults.push(format!(
                "`{name}` is no part: the name of one ends in `.json`"
            ));
        }
    }
    Ok(())
}
