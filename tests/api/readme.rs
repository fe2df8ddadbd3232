//! The README tells of every operation, and of no other, and its example is the sample event's.

use std::fs;
use std::path::Path;

use ecs_api::api::operation::Handler;
use ecs_api::config::Config;
use ecs_api::routes::{BASE, OPERATIONS};
use serde_json::{Deserializer, Value};

fn project(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_table_of_the_readme_is_that_of_the_operations() {
    let readme = project("README.md");
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter(|row| row.contains(" /v1/ecs/"));
    let told: Vec<_> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    let known: Vec<_> = OPERATIONS
        .iter()
        .map(|operation| format!("{} {BASE}{}", operation.method, operation.path))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn the_readme_says_which_operations_are_public() {
    let readme = project("README.md");
    for operation in OPERATIONS {
        let place = format!("`{} {BASE}{}`", operation.method, operation.path);
        let row = readme.lines().find(|line| line.contains(&place)).unwrap();
        let is_public = matches!(operation.handler, Handler::Public(_));
        assert_eq!(row.contains("public"), is_public, "{row}");
        for parameter in operation.query {
            let name = format!("`{}`", parameter.name);
            assert!(row.contains(&name), "{name} is missing: {row}");
        }
    }
}

/// The first object of JSON below a heading, without its indentation.
fn sample_below(heading: &str, readme: &str) -> String {
    let lines = readme
        .lines()
        .skip_while(|line| *line != heading)
        .skip_while(|line| *line != "    {");
    let lines = lines.map_while(|line| line.strip_prefix("    "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whoever copies the sample as it is must not let in whoever has read it too.
#[test]
fn the_sample_configuration_is_valid_but_for_the_digest_that_it_leaves_to_its_reader() {
    let readme = project("README.md");
    let sample = sample_below("## Configuration", &readme);
    let error = Config::parse(sample.as_bytes()).unwrap_err().to_string();
    assert!(
        error.contains("`callers[0].tokenSha256`: expected a SHA-256: 64 hexadecimal digits"),
        "{error}"
    );
    let digest = "9f".repeat(32);
    let completed = sample.replace("THE DIGEST OF A RANDOM TOKEN", &digest);
    Config::parse(completed.as_bytes()).unwrap();
    let words = readme.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_digest = |word: &&str| word.len() == 64 && hex::decode(word).is_ok();
    assert_eq!(words.filter(is_digest).count(), 0);
}

#[test]
fn the_example_of_the_readme_is_that_of_the_sample_event() {
    let readme = project("README.md");
    let json_after = |text: &str| -> Value {
        let (_, rest) = readme.split_once(text).unwrap();
        let mut values = Deserializer::from_str(rest).into_iter();
        values.next().unwrap().unwrap()
    };
    let event: Value = serde_json::from_str(&project(
        "events/create_orchestration_without_registry.json",
    ))
    .unwrap();
    let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    assert_eq!(json_after("/services -d '"), body);
    let answer: Value = serde_json::from_str(&project(
        "events/answers/create_orchestration_without_registry.json",
    ))
    .unwrap();
    assert_eq!(
        json_after("answers, here without most of AWS's members:"),
        answer
    );
}
