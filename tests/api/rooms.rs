//! The rooms of the house stay apart: who may name what.

use std::fs;
use std::path::{Path, PathBuf};

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The files of `src` in which `name` stands, without their tests.
fn files_naming(name: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in sources(&root) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if code.contains(name) {
            found.push(
                path.strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    assert!(
        !found.is_empty(),
        "no file names {name}: the test looks in the wrong place"
    );
    found
}

fn is_in(file: &str, rooms: &[&str]) -> bool {
    rooms
        .iter()
        .any(|room| file == format!("{room}.rs") || file.starts_with(&format!("{room}/")))
}

#[test]
fn the_sdk_is_named_only_where_aws_is_called_and_its_types_are_read_and_written() {
    for file in files_naming("aws_sdk_") {
        assert!(
            is_in(&file, &["aws", "orchestration", "wire"]),
            "src/{file} names the SDK"
        );
    }
}

#[test]
fn http_stays_out_of_the_rooms_that_know_aws() {
    for name in ["lambda_http", "StatusCode"] {
        for file in files_naming(name) {
            assert!(
                !is_in(
                    &file,
                    &[
                        "aws",
                        "orchestration",
                        "wire",
                        "config",
                        "auth",
                        "ids",
                        "error"
                    ]
                ),
                "src/{file} names {name}"
            );
        }
    }
}

#[test]
fn the_environment_is_read_in_one_place() {
    assert_eq!(files_naming("std::env"), ["config/environment.rs"]);
}
