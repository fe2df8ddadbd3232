//! The README tells of every route, and of no other.

use std::fs;

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
