//! An event of any kind → a [`Call`], and the answer back into the envelope that the event's sender reads.
//!
//! A batch of the stack's own queue carries no request; it is handed on as it is.
//!
//! No routing and no decisions here: what arrives is taken apart, credentials become digests, and that is all.

pub mod batch;
mod http_api;

use std::time::Duration;

use lambda_http::http::Method;
use lambda_http::http::header::{self, HeaderMap};
use lambda_runtime::Diagnostic;
use serde_json::Value;

use self::batch::Batch;
use crate::auth::Evidence;
use crate::deadline::GATEWAY_LIMIT;
use crate::digest::Digest;
use crate::reply::Reply;

/// A request, whatever brought it.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// What API Gateway put before the path: a stage as `/prod`, or nothing.
    pub prefix: String,
    /// The path without the prefix, still percent-encoded.
    pub path: String,
    /// The query's names and values, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers, without those that carry credentials.
    pub headers: HeaderMap,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Who sent it, as far as the event tells.
    pub evidence: Evidence,
}

/// What Lambda hands to the function.
#[derive(Debug)]
pub enum Event {
    /// A request, with the envelope that its answer goes into.
    Request(Box<Opened>),
    /// Messages of the stack's own queue.
    Batch(Batch),
}

/// What was in an event, and how to answer it.
#[derive(Debug)]
pub struct Opened {
    /// The envelope to answer in.
    pub envelope: Envelope,
    /// The request, or why it can't be read.
    pub call: Result<Call, Malformed>,
}

/// The kinds of event that carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// API Gateway HTTP API, payload format 2.0; also a Lambda function URL.
    HttpApi,
}

impl Envelope {
    /// How long the sender waits for an answer, where that is shorter than Lambda's own limit may be.
    pub fn gateway_limit(self) -> Option<Duration> {
        match self {
            Self::HttpApi => Some(GATEWAY_LIMIT),
        }
    }

    /// Puts an answer into the envelope.
    pub fn seal(self, reply: Reply) -> Value {
        match self {
            Self::HttpApi => http_api::seal(reply),
        }
    }
}

/// An event of a known kind whose request can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// An event of no known kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown event: expected an API Gateway HTTP API proxy event (payload format 2.0, with `version` and \
     `requestContext.http`), or a batch of the function's own cleanup queue"
)]
pub struct UnknownEvent;

impl From<UnknownEvent> for Diagnostic {
    /// What Lambda shows for the failed invocation.
    fn from(event: UnknownEvent) -> Self {
        Self { error_type: "UnknownEvent".to_owned(), error_message: event.to_string() }
    }
}

/// Takes an event apart.
///
/// # Errors
/// [`UnknownEvent`] if it is of no known kind, so that there is no envelope to answer in.
pub fn open(event: Value) -> Result<Event, UnknownEvent> {
    if http_api::recognises(&event) {
        let opened = Opened { envelope: Envelope::HttpApi, call: http_api::call(event) };
        return Ok(Event::Request(Box::new(opened)));
    }
    batch::batch(&event).map(Event::Batch).ok_or(UnknownEvent)
}

/// Takes the tokens out of the headers: from here on there are only digests of them.
fn take_tokens(headers: &mut HeaderMap) -> Vec<Digest> {
    let mut tokens = Vec::new();
    for name in [header::AUTHORIZATION.as_str(), "x-auth-token", "auth-token"] {
        let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        tokens.extend(values.into_iter().filter_map(|value| token(name, value)));
        headers.remove(name);
    }
    // A security token of SigV4 and cookies are of no use here; nobody should find them in a log.
    headers.remove("x-amz-security-token");
    headers.remove(header::COOKIE);
    tokens
}

fn token(header_name: &str, value: &str) -> Option<Digest> {
    let token = if header_name == header::AUTHORIZATION.as_str() {
        let (scheme, token) = value.trim().split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" }
    } else {
        value.trim()
    };
    (!token.is_empty()).then(|| Digest::of(token))
}

/// Decodes a query string.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
