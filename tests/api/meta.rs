//! `/ping` and `/version`: what anybody may ask.

use crate::support::{Caller, TestApp};

#[tokio::test]
async fn ping_answers_pong_to_anybody() {
    let answer = TestApp::new()
        .request("GET", "/ping")
        .by(Caller::Anonymous)
        .send()
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "pong"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn version_says_what_was_built_from_what_and_when() {
    let answer = TestApp::new()
        .request("GET", "/version")
        .by(Caller::Anonymous)
        .send()
        .await
        .expect(200);
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    let (hash, stamp) = (
        answer["githash"].as_str().unwrap(),
        answer["buildstamp"].as_str().unwrap(),
    );
    assert!(
        hash.len() == 40 && hash.chars().all(|letter| letter.is_ascii_hexdigit()),
        "{hash}"
    );
    assert!(
        stamp.starts_with("20") && stamp.ends_with('Z') && stamp.contains('T'),
        "{stamp}"
    );
    assert_eq!(answer.as_object().unwrap().len(), 3);
}
