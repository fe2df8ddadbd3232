//! The README tells of every route, and of no other.

use std::fs;

use ecs_api::config::Config;
use ecs_api::routes::{Guard, ROUTES};

#[test]
fn the_route_table_of_the_readme_is_the_route_table() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter(|row| row.contains(" /v1/ecs/"));
    let told: Vec<_> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    let known: Vec<_> = ROUTES
        .iter()
        .map(|route| format!("{} {}", route.method, route.pattern))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn the_readme_says_which_routes_are_public() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for route in ROUTES {
        let row = readme
            .lines()
            .find(|line| line.contains(&format!("`{} {}`", route.method, route.pattern)))
            .unwrap();
        assert_eq!(
            row.contains("public"),
            route.guard == Guard::Public,
            "{row}"
        );
        for name in route.query {
            assert!(
                row.contains(&format!("`{name}`")),
                "{name} is missing: {row}"
            );
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
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
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
