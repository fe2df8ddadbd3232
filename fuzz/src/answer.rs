//! The checks that every answer must pass.

use serde_json::Value;

/// The members of every problem.
const FIXED: [&str; 7] = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "requestId",
    "retryable",
];

/// Checks an answer in its envelope; the body, where it is JSON.
#[track_caller]
pub fn check(answer: &Value) -> Option<Value> {
    let Some(status) = answer
        .get("statusCode")
        .or_else(|| answer.get("status"))
        .and_then(Value::as_u64)
    else {
        // A batch of the queue is answered with what of it failed.
        assert!(answer["batchItemFailures"].is_array(), "{answer}");
        return None;
    };
    assert!((200..600).contains(&status) && status != 500, "{answer}");
    if matches!(status, 202 | 429 | 503) {
        let seconds = header(answer, "retry-after").and_then(|value| value.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0), "{answer}");
    }
    // A direct invocation is answered with JSON, every other way with a text.
    let body = match &answer["body"] {
        Value::String(text) => serde_json::from_str::<Value>(text).ok(),
        body => Some(body.clone()),
    };
    if let Some(problem) = body
        .as_ref()
        .filter(|body| status >= 400 && body.is_object())
    {
        check_problem(problem, status);
    }
    body.iter().for_each(check_leftovers);
    body
}

fn header<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let maps = ["headers", "multiValueHeaders"]
        .into_iter()
        .filter_map(|map| answer[map].as_object());
    let found = maps
        .flatten()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.and_then(|(_, value)| value.get(0).unwrap_or(value).as_str())
}

#[track_caller]
fn check_problem(problem: &Value, status: u64) {
    for fixed in FIXED {
        assert!(!problem[fixed].is_null(), "{fixed} is missing: {problem}");
    }
    assert_eq!(problem["status"], status, "{problem}");
    assert_ne!(problem["code"], "", "{problem}");
    assert!(
        !problem["detail"]
            .as_str()
            .unwrap_or_default()
            .contains(char::is_control),
        "{problem}"
    );
}

/// Checks that what is said to be left can be taken away.
#[track_caller]
fn check_leftovers(body: &Value) {
    for left in body["LeftBehind"].as_array().into_iter().flatten() {
        for member in ["Arn", "Error", "Command"] {
            assert!(left[member].is_string(), "{member} is missing: {body}");
        }
    }
}

/// Checks that the log is JSON line by line, and that nothing secret is in it.
#[track_caller]
pub fn check_log(log: &str, secrets: &[String]) {
    for line in log.lines() {
        assert!(
            serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()),
            "{line}"
        );
    }
    for secret in secrets {
        assert!(
            !log.contains(secret.as_str()),
            "`{secret}` is logged: {log}"
        );
    }
}
