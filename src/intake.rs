//! An event of any kind → a [`Call`], and the answer back into the envelope that the event's sender reads.
//!
//! A batch of the stack's own queue carries no request; it is handed on as it is.
//!
//! No routing and no decisions here: what arrives is taken apart, credentials become digests, and that is all.

pub mod batch;
mod bounds;
mod direct;
mod http_api;
mod load_balancer;
mod parts;
mod payload;
mod rest_api;

use std::fmt;
use std::time::Duration;

use lambda_http::http::Method;
use lambda_http::http::header::{self, HeaderMap};
use lambda_runtime::Diagnostic;
use serde_json::Value;

use self::batch::Batch;
use crate::auth::{Evidence, Tokens};
use crate::deadline::GATEWAY_LIMIT;
use crate::digest::Digest;
use crate::reply::Reply;

pub use parts::HeaderStyle;
pub use payload::Payload;

/// The longest body that is accepted, unpacked where it is compressed: 1 MiB.
pub const BODY_MAX_BYTES: usize = 1 << 20;

/// A request, whatever brought it.
pub struct Call {
    /// The method.
    pub method: Method,
    /// The prefix that API Gateway put before the path: a stage as `/prod`, or nothing.
    pub prefix: String,
    /// The path without the prefix, still percent-encoded.
    pub path: String,
    /// The query's names and values, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers, without those that carry credentials.
    pub headers: HeaderMap,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// The sender, as far as the event tells.
    pub evidence: Evidence,
}

impl fmt::Debug for Call {
    /// Leaves query, headers and body out: they may hold what only the caller and AWS should know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// An event that Lambda hands to the function.
#[derive(Debug)]
pub enum Event {
    /// A request, with the envelope that its answer goes into.
    Request(Box<EnvelopedCall>),
    /// Messages of the stack's own queue.
    Batch(Batch),
}

impl Event {
    /// Returns the time that the sender waits for an answer, as [`Envelope::gateway_limit`].
    pub fn gateway_limit(&self) -> Option<Duration> {
        match self {
            Self::Request(opened) => opened.envelope.gateway_limit(),
            Self::Batch(_) => None,
        }
    }
}

/// A request taken out of its event, with the envelope of its answer.
#[derive(Debug)]
pub struct EnvelopedCall {
    /// The envelope to answer in.
    pub envelope: Envelope,
    /// The request, or why it can't be read.
    pub call: Result<Call, MalformedEvent>,
}

/// The kinds of event that carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// API Gateway HTTP API, payload format 2.0; also a Lambda function URL.
    HttpApi,
    /// API Gateway REST API; also an HTTP API with payload format 1.0.
    RestApi(HeaderStyle),
    /// An Application Load Balancer.
    LoadBalancer(HeaderStyle),
    /// Whoever may invoke the function: Step Functions, EventBridge, the AWS CLI.
    Direct,
}

impl Envelope {
    /// Finds the kind of an event, by what each kind has and no other. An event that is two kinds at once is none.
    fn of(event: &Value) -> Option<Self> {
        let has = |place: &str| event.pointer(place).is_some_and(|value| !value.is_null());
        let version = event.get("version").and_then(Value::as_str);
        let is_direct = has("/method");
        let (is_v2, is_elb) = (has("/requestContext/http"), has("/requestContext/elb"));
        let is_v1 = has("/requestContext/apiId") && !is_v2;
        match (
            has("/requestContext"),
            has("/httpMethod") && has("/path"),
            version,
        ) {
            _ if has("/Records") => None,
            (false, _, None) if is_direct && has("/path") && !has("/httpMethod") => {
                Some(Self::Direct)
            }
            _ if is_direct => None,
            // Tools that imitate an HTTP API also send an `httpMethod`.
            (true, _, Some("2.0")) if is_v2 && !is_elb => Some(Self::HttpApi),
            (true, true, None | Some("1.0")) if is_v1 && !is_elb => {
                Some(Self::RestApi(HeaderStyle::of(event)))
            }
            (true, true, None) if is_elb && !is_v1 && !is_v2 => {
                Some(Self::LoadBalancer(HeaderStyle::of(event)))
            }
            _ => None,
        }
    }

    /// Returns the time that the sender waits for an answer, where that is shorter than Lambda's own limit may be.
    ///
    /// A load balancer waits for as long as the function runs, and so does who invokes it.
    pub fn gateway_limit(self) -> Option<Duration> {
        match self {
            Self::HttpApi | Self::RestApi(_) => Some(GATEWAY_LIMIT),
            Self::LoadBalancer(_) | Self::Direct => None,
        }
    }

    /// Returns `true` if the sender turns a base64 body back into bytes, without which nothing can be compressed.
    ///
    /// A REST API does so only for the media types that its owner has configured
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html>).
    pub fn takes_bytes(self) -> bool {
        matches!(self, Self::HttpApi | Self::LoadBalancer(_))
    }

    /// Returns the longest body of an answer, in bytes, with room for headers and envelope.
    ///
    /// Lambda answers 6 MB (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), a load balancer
    /// takes 1 MB of that
    /// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>).
    pub fn answer_max_bytes(self) -> usize {
        match self {
            Self::LoadBalancer(_) => 900_000,
            _ => 5_000_000,
        }
    }

    /// Puts an answer into the envelope.
    pub fn seal(self, reply: Reply) -> Value {
        match self {
            Self::HttpApi => http_api::seal(reply),
            Self::RestApi(style) => parts::seal(reply, style),
            Self::LoadBalancer(style) => load_balancer::seal(reply, style),
            Self::Direct => direct::seal(reply),
        }
    }
}

/// An event of a known kind whose request can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedEvent {
    /// A member is not of the type that it has in events of this kind.
    #[error("the event that carries the request can't be read at `{place}`: {fault}")]
    Member {
        /// The path of the member in the event.
        place: String,
        /// The fault, without the value: that may be a token.
        fault: String,
    },
    /// A part is longer than is accepted.
    #[error("the {part} {given} {unit}; at most {limit} are accepted")]
    TooLong {
        /// The part, with its verb: `query has`.
        part: &'static str,
        /// Its size.
        given: usize,
        /// The unit of both sizes: `bytes` or `values`.
        unit: &'static str,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// The body is JSON that is longer than is accepted.
    #[error("the body is longer than the {BODY_MAX_BYTES} bytes that are accepted")]
    BodyTooLong,
    /// The body is not the base64 that it is marked as.
    #[error("the body is marked as base64, but is not: {0}")]
    Base64(base64::DecodeError),
    /// The method of a direct invocation can't be one.
    #[error("`method`: `{0}` is not a method of HTTP, like `GET`")]
    Method(String),
    /// A header of a direct invocation can't be one.
    #[error("`headers`: the name or the value of `{0}` has characters that no header can hold")]
    Header(String),
}

/// An event that there is no envelope to answer in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEvent {
    /// It is of no known kind, or of two at once.
    #[error(
        "unknown event: expected an event of an API Gateway HTTP API (payload format 2.0) or REST API, of a function \
         URL, or of an Application Load Balancer, a direct invocation \
         `{{\"method\", \"path\", \"query\"?, \"headers\"?, \"body\"?}}`, or a batch of the function's own cleanup queue"
    )]
    Kind,
    /// It is not a direct invocation, but came through the alias for these.
    #[error(
        "the alias `{DIRECT_ALIAS}` takes direct invocations and nothing else: expected \
         `{{\"method\", \"path\", \"query\"?, \"headers\"?, \"body\"?}}`"
    )]
    NotDirect,
    /// It is a gateway's, but came past the alias for these.
    #[error(
        "events of gateways are taken through the function's alias `{0}` alone: let the gateway invoke that"
    )]
    PastGatewayAlias(String),
    /// It is no gateway's, but came through the alias for these.
    #[error("the alias `{0}` takes events of gateways and nothing else: invoke `{DIRECT_ALIAS}`")]
    NotOfAGateway(String),
}

impl From<UnknownEvent> for Diagnostic {
    /// Creates what Lambda shows for the failed invocation.
    fn from(event: UnknownEvent) -> Self {
        Self {
            error_type: "UnknownEvent".to_owned(),
            error_message: event.to_string(),
        }
    }
}

/// The function's alias for direct invocations.
///
/// An event says of itself where it comes from: whoever may invoke the function itself can write an API Gateway's, with
/// any principal in it. Through this alias nobody can, and Lambda, not the event, says which alias was invoked.
pub const DIRECT_ALIAS: &str = "direct";

/// Takes an event apart that came through the function or alias of an ARN. With the name of an alias for gateways, their
/// events are taken through it alone.
///
/// # Errors
/// [`UnknownEvent`] if it is of no known kind, so that there is no envelope to answer in, or must not come this way.
pub fn open(
    payload: Payload,
    invoked_arn: &str,
    gateway_alias: Option<&str>,
) -> Result<Event, UnknownEvent> {
    let is_whole = payload.check();
    let event = payload.event;
    let envelope = Envelope::of(&event);
    check_way(envelope, qualifier(invoked_arn), gateway_alias)?;
    let Some(envelope) = envelope else {
        return batch::batch(&event)
            .map(Event::Batch)
            .ok_or(UnknownEvent::Kind);
    };
    let is_within_bounds = is_whole.and_then(|()| bounds::check(&event, envelope));
    let call = is_within_bounds.and_then(|()| call(event, envelope));
    Ok(Event::Request(Box::new(EnvelopedCall { envelope, call })))
}

/// Refuses an event that came through an alias which is not for its kind.
///
/// An event says of itself that it is a gateway's, and whom that has verified. Which alias was invoked Lambda says, and who
/// may invoke it IAM.
fn check_way(
    envelope: Option<Envelope>,
    invoked: Option<&str>,
    gateway_alias: Option<&str>,
) -> Result<(), UnknownEvent> {
    let is_direct = envelope == Some(Envelope::Direct);
    let is_of_a_gateway = envelope.is_some() && !is_direct;
    match gateway_alias {
        _ if !is_direct && invoked == Some(DIRECT_ALIAS) => Err(UnknownEvent::NotDirect),
        Some(alias) if is_of_a_gateway && invoked != Some(alias) => {
            Err(UnknownEvent::PastGatewayAlias(alias.to_owned()))
        }
        Some(alias) if !is_of_a_gateway && invoked == Some(alias) => {
            Err(UnknownEvent::NotOfAGateway(alias.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Reads the request of an event.
fn call(event: Value, envelope: Envelope) -> Result<Call, MalformedEvent> {
    match envelope {
        Envelope::HttpApi => http_api::call(event),
        Envelope::RestApi(_) => rest_api::call(event),
        Envelope::LoadBalancer(style) => load_balancer::call(event, style),
        Envelope::Direct => direct::call(event),
    }
}

/// Takes `direct` of `arn:aws:lambda:us-east-1:123456789012:function:ecs-api:direct`.
fn qualifier(arn: &str) -> Option<&str> {
    arn.split(':').nth(7)
}

/// Takes the tokens out of the headers: from here on there are only digests of them.
fn take_tokens(headers: &mut HeaderMap) -> Tokens {
    let bearer = trimmed(headers, header::AUTHORIZATION.as_str());
    let bearer = bearer.filter_map(bearer_token).map(Digest::of).collect();
    let own = trimmed(headers, "x-auth-token").chain(trimmed(headers, "auth-token"));
    let own = own.map(Digest::of).collect();
    for name in [header::AUTHORIZATION.as_str(), "x-auth-token", "auth-token"] {
        headers.remove(name);
    }
    // A security token of SigV4 and cookies are of no use here; nobody should find them in a log.
    headers.remove("x-amz-security-token");
    headers.remove(header::COOKIE);
    Tokens { bearer, own }
}

/// Returns the values of a header. Bytes that are no text are values too: a token that nobody has.
fn trimmed<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    let values = headers.get_all(name).iter();
    values.map(|value| value.as_bytes().trim_ascii())
}

/// Takes the token of `Bearer …`. Another scheme, as a signature's, has none.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, token) = value.split_at(at);
    scheme
        .eq_ignore_ascii_case(b"bearer")
        .then(|| token.trim_ascii())
}

/// Decodes a query string.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

#[cfg(test)]
mod tests;
