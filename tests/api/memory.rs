//! The memory that the worst events take which pass all bounds, of the function's own process.

#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{FunctionProcess, TestAccount};

/// The most that Lambda hands to a function
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), in bytes.
const EVENT_MAX: usize = 6 << 20;
/// The longest body that is read, in bytes.
const BODY_MAX: usize = 1 << 20;
/// The most memory that an event may take, in bytes: a quarter of the stack's default, which leaves room for an answer.
const PEAK_MAX: u64 = 128 << 20;

/// An endpoint of AWS at which nobody listens: nothing may be called.
const NOWHERE: &str = "http://127.0.0.1:9";
/// The URL of the stack's queue.
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/cleanup";
/// The time that an invocation has.
const TIME: Duration = Duration::from_secs(20);

fn http_api(body: &str, is_base64: bool) -> Value {
    let path = "/v1/ecs/nonprod/taskdefs";
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "body": body, "isBase64Encoded": is_base64,
        "headers": {"authorization": "Bearer a-writers-token"},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": path}},
    })
}

/// Objects as deep as they are read, one after the other, so that each byte costs the most.
fn nested(bytes: usize) -> String {
    let chain = format!("{}0{},", "{\"\":".repeat(120), "}".repeat(120));
    let chains = chain.repeat((bytes - 10) / chain.len());
    format!("{{\"a\":[{}]}}", chains.trim_end_matches(','))
}

fn packed(body: &str) -> Value {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body.as_bytes()).unwrap();
    let mut event = http_api(&STANDARD.encode(gzip.finish().unwrap()), true);
    event["headers"]["content-encoding"] = "gzip".into();
    event
}

fn with_query() -> Value {
    let mut event = http_api("{}", false);
    let pairs: Vec<_> = (0..50)
        .map(|pair| format!("{pair}{}=%20", "n".repeat(320)))
        .collect();
    event["rawQueryString"] = pairs.join("&").into();
    event
}

fn with_headers() -> Value {
    let mut event = http_api("{}", false);
    for header in 0..499 {
        event["headers"][format!("n{header}")] = "x".repeat(120).into();
    }
    event
}

fn batch() -> Value {
    // SQS takes 256 KiB a message, and hands over ten where nothing else is said.
    let record = |index: usize| {
        json!({"messageId": format!("message-{index}"), "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "receiptHandle": "x", "attributes": {}, "messageAttributes": {}, "md5OfBody": "x",
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:cleanup", "body": nested(256 << 10)})
    };
    json!({"Records": (0..10).map(record).collect::<Vec<_>>()})
}

fn direct(bytes: usize) -> Value {
    json!({
        "method": "POST", "path": "/v1/ecs/nonprod/taskdefs",
        "headers": {"authorization": "Bearer a-writers-token"},
        "body": serde_json::from_str::<Value>(&nested(bytes)).unwrap(),
    })
}

fn with_member(bytes: usize) -> Value {
    let mut event = direct(100);
    event["query"] = json!({"a": serde_json::from_str::<Value>(&nested(bytes)).unwrap()});
    event
}

#[test]
fn the_worst_event_that_passes_all_bounds_takes_a_quarter_of_the_memory_at_most() {
    let account = TestAccount::new("nonprod");
    for (name, event) in [
        ("nested objects", http_api(&nested(BODY_MAX), false)),
        ("nested objects, packed", packed(&nested(BODY_MAX))),
        ("nested objects, directly", direct(BODY_MAX)),
        ("the most of a query", with_query()),
        ("the most headers", with_headers()),
        ("the largest batch", batch()),
    ] {
        let process = FunctionProcess::start(&account, NOWHERE, QUEUE, TIME, &event);
        let answer = process.answer();
        let peak = process.peak_memory_bytes();
        process.kill();
        let is_read = answer.contains("400") || answer.contains("batchItemFailures");
        let is_within_bounds = is_read && !answer.contains("are accepted");
        assert!(is_within_bounds, "{name}: {answer}");
        assert!(peak < PEAK_MAX, "{name}: {peak}");
    }
}

#[test]
fn an_event_that_is_refused_for_its_length_takes_no_more_memory_than_one_that_is_read() {
    let account = TestAccount::new("nonprod");
    for (name, event, status, told) in [
        (
            "a body",
            direct(EVENT_MAX - 1000),
            413,
            "the body is longer than the 1048576 bytes",
        ),
        (
            "a query",
            with_member(EVENT_MAX - 1000),
            400,
            "the event beside its body has at least",
        ),
    ] {
        let process = FunctionProcess::start(&account, NOWHERE, QUEUE, TIME, &event);
        let answer: Value = serde_json::from_str(&process.answer()).unwrap();
        let peak = process.peak_memory_bytes();
        process.kill();
        assert_eq!(answer["status"], status, "{name}: {answer}");
        let detail = answer["body"]["detail"].as_str().unwrap();
        assert!(detail.starts_with(told), "{name}: {detail}");
        assert!(peak < PEAK_MAX, "{name}: {peak}");
    }
}
