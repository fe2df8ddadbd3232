//! The package: what its builder chooses where the manifest is silent.

use crate::openapi::project;

/// The keys of a release profile that cargo-lambda sets to its own liking unless the manifest has them: a panic would abort
/// (<https://github.com/cargo-lambda/cargo-lambda/blob/main/crates/cargo-lambda-metadata/src/cargo/mod.rs>).
const CHOSEN: [&str; 4] = ["codegen-units", "lto", "panic", "strip"];

#[test]
fn a_panic_unwinds_and_nothing_of_the_release_profile_is_left_to_the_builder() {
    let manifest = std::fs::read_to_string(project("Cargo.toml")).unwrap();
    let profile = manifest.split("[profile.release]\n").nth(1).unwrap();
    let profile = profile.split("\n[").next().unwrap();
    let settings: Vec<_> = profile
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .collect();
    for key in CHOSEN {
        assert!(settings.iter().any(|(name, _)| *name == key), "{key}");
    }
    assert!(settings.contains(&("panic", "\"unwind\"")), "{settings:?}");
}

/// cargo-lambda takes each binary of a member for a function, and with two has no default one.
#[test]
fn the_function_is_the_only_binary_of_the_workspace() {
    let manifest = std::fs::read_to_string(project("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap();
    let members = members.split(']').next().unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        let text = std::fs::read_to_string(project(&format!("{member}/Cargo.toml"))).unwrap();
        let has_binary =
            ["src/main.rs", "src/bin"].map(|place| project(&format!("{member}/{place}")).exists());
        assert!(
            has_binary == [false; 2] && !text.contains("[[bin]]"),
            "{member}"
        );
    }
}

/// A build without cargo's configuration of this folder would spend 50 ms of a core on each process's first random number.
#[test]
fn the_configuration_of_cargo_is_that_of_the_builds() {
    assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
}
