//! The checks of `make fuzz`, on the checked-in corpus instead of random input.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod checks;

#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let inputs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    for input in inputs {
        check(&fs::read(&input).unwrap());
    }
}

#[test]
fn any_request_of_the_corpus_is_answered_whatever_aws_does() {
    replay("requests", checks::requests);
}

#[test]
fn any_event_of_the_corpus_is_answered() {
    replay("events", checks::events);
}

#[test]
fn any_body_of_the_corpus_is_read_or_refused() {
    replay("bodies", checks::bodies);
}

#[test]
fn any_configuration_of_the_corpus_is_taken_or_refused() {
    replay("config", checks::config);
}

#[test]
fn any_path_of_the_corpus_leads_somewhere_or_nowhere() {
    replay("paths", checks::paths);
}
