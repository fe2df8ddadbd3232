//! Holds every test that enters through the front door to one promise: what is secret is written down nowhere, neither in
//! the log nor in a problem, a record or a message of the queue.
//!
//! Secret are the tokens of all callers, the external ids of the test's accounts, what a request has in its headers for
//! credentials, and the values of environment variables in its body. A test runs in a thread of its own, and so does what
//! is known here of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, Read as _, Write};
use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecs_api::config::LogLevel;
use ecs_api::telemetry;
use fake_aws::FakeAws;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::app::Caller;

/// The shortest value that is looked for: a shorter one may be there by chance.
const SECRET_MIN: usize = 8;
/// The headers that hold credentials.
const CREDENTIALS: [&str; 5] = [
    "authorization",
    "x-auth-token",
    "auth-token",
    "x-amz-security-token",
    "cookie",
];
/// The calls by which the function writes something down for itself.
const WRITES: [&str; 4] = [
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "sqs:SendMessage",
    "sqs:SendMessageBatch",
];

thread_local! {
    static SECRETS: RefCell<BTreeSet<String>> = RefCell::new(callers_tokens());
    static LEAKS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn callers_tokens() -> BTreeSet<String> {
    [Caller::Stranger, Caller::Reader, Caller::Writer]
        .into_iter()
        .filter_map(Caller::token)
        .map(str::to_owned)
        .collect()
}

/// Keeps a value secret from here on, in this test.
pub fn keep_secret(value: &str) {
    if value.len() >= SECRET_MIN {
        SECRETS.with_borrow_mut(|secrets| secrets.insert(value.to_owned()));
    }
}

/// Keeps secret what an event brings along.
pub fn keep_event_secret(event: &Value) {
    for headers in ["headers", "multiValueHeaders"] {
        for (name, value) in event[headers].as_object().into_iter().flatten() {
            if CREDENTIALS.contains(&name.to_ascii_lowercase().as_str()) {
                keep_texts_secret(value);
            }
        }
    }
    let body = match &event["body"] {
        // Most bodies have none, and some are as long as can be.
        Value::String(text) if !text.to_ascii_lowercase().contains("environment") => return,
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        body => body.clone(),
    };
    keep_environment_secret(&body);
}

fn keep_texts_secret(value: &Value) {
    match value {
        Value::String(text) => text.split_whitespace().for_each(keep_secret),
        Value::Array(list) => list.iter().for_each(keep_texts_secret),
        _ => {}
    }
}

/// Keeps the values of all environments secret: AWS's list of names and values, or a map.
fn keep_environment_secret(body: &Value) {
    match body {
        Value::Array(list) => list.iter().for_each(keep_environment_secret),
        Value::Object(members) => {
            for (name, value) in members {
                if name.eq_ignore_ascii_case("environment") {
                    keep_values_secret(value);
                } else {
                    keep_environment_secret(value);
                }
            }
        }
        _ => {}
    }
}

fn keep_values_secret(environment: &Value) {
    let texts: Vec<_> = match environment {
        Value::Array(list) => list
            .iter()
            .filter_map(|entry| entry["value"].as_str())
            .collect(),
        Value::Object(members) => members.values().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().for_each(keep_secret);
}

/// Notes what is secret in a text that was written down; [`assert_kept`] tells.
fn check(place: &str, text: &str) {
    let leaked = SECRETS.with_borrow(|secrets| {
        let mut secrets = secrets.iter();
        secrets
            .find(|secret| text.contains(secret.as_str()))
            .cloned()
    });
    if let Some(secret) = leaked {
        let leak = format!("`{secret}` is written down in {place}: {text}");
        LEAKS.with_borrow_mut(|leaks| leaks.push(leak));
    }
}

/// Fails the test if something secret was written down so far.
#[track_caller]
fn assert_kept() {
    let leaks = LEAKS.take();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// Checks what a problem says.
pub fn check_answer(answer: &Value) {
    let status = [&answer["statusCode"], &answer["status"]];
    if !status.iter().any(|status| status.as_u64() >= Some(400)) {
        return;
    }
    check("a problem", &answer.to_string());
    if let Some(body) = answer["body"]
        .as_str()
        .filter(|_| answer["isBase64Encoded"] == true)
    {
        check("a problem", &unpack(body));
    }
}

fn unpack(body: &str) -> String {
    let bytes = STANDARD.decode(body).unwrap_or_default();
    let mut text = String::new();
    match flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Checks what a process of the function has logged, and fails the test if anything secret was written down so far.
#[track_caller]
pub fn check_process_log(log: &str) {
    check("the log of a process", log);
    assert_kept();
}

/// Checks what a function has written down for itself at its door of AWS, each call once.
#[derive(Debug, Default)]
pub struct WrittenCalls(Cell<usize>);

impl WrittenCalls {
    /// Checks the calls since the last time, and fails the test if anything secret was written down so far.
    #[track_caller]
    pub fn check(&self, aws: &FakeAws) {
        let seen = aws.visit_calls_since(self.0.get(), |call| {
            if WRITES.contains(&call.operation()) {
                check(call.operation(), &call.input().to_string());
            }
        });
        self.0.set(seen);
        assert_kept();
    }
}

/// Lets every line of the log be checked that no test listens to itself.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = telemetry::subscriber(LogLevel::Trace, || LogChecker(io::sink()));
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens to all");
    });
}

/// Checks each line of the log on its way.
#[derive(Debug, Clone)]
pub struct LogChecker<W>(pub W);

impl<W: Write> Write for LogChecker<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        check("the log", &String::from_utf8_lossy(line));
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<'w, W: Write + Clone + 'w> MakeWriter<'w> for LogChecker<W> {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
