//! Direct invocations, from Step Functions, EventBridge or the AWS CLI: `{"method", "path", "query"?, "headers"?,
//! "body"?}`, answered `{"status", "headers", "body"}` with `body` as JSON.
//!
//! Whoever sends one may invoke the function, which IAM has allowed: that is its evidence, beside a token if it has
//! one.

use std::collections::BTreeMap;

use lambda_http::http::Method;
use lambda_http::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, MalformedEvent, parts, query_pairs, take_tokens};
use crate::auth::Evidence;
use crate::reply::{Body, Reply};
use crate::text::printable;

/// The event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invocation {
    method: String,
    path: String,
    query: Option<BTreeMap<String, Values>>,
    headers: Option<BTreeMap<String, Values>>,
    body: Option<Value>,
}

/// The values of a name: nothing, one text, number or boolean, or several.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, a number, a boolean, or a list of them"
)]
enum Values {
    None(()),
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Boolean(bool),
    Number(serde_json::Number),
}

impl Values {
    fn texts(self) -> Vec<String> {
        let text = |scalar| match scalar {
            Scalar::Text(text) => text,
            Scalar::Boolean(flag) => flag.to_string(),
            Scalar::Number(number) => number.to_string(),
        };
        match self {
            Self::None(()) => Vec::new(),
            Self::One(scalar) => vec![text(scalar)],
            Self::Many(scalars) => scalars.into_iter().map(text).collect(),
        }
    }
}

/// Reads the request in the event.
pub(super) fn call(event: Value) -> Result<Call, MalformedEvent> {
    let event: Invocation = parts::typed(event)?;
    let method = Method::from_bytes(event.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| MalformedEvent::Method(printable(&event.method)))?;
    let mut headers = header_map(event.headers.unwrap_or_default())?;
    let tokens = take_tokens(&mut headers);
    // The target of a `Link` is a path with a query: it can be asked for as it is.
    let (path, query) = event.path.split_once('?').unwrap_or((&event.path, ""));
    let mut query = query_pairs(query);
    query.extend(pairs(event.query.unwrap_or_default()));
    Ok(Call {
        method,
        prefix: String::new(),
        path: path.to_owned(),
        query,
        headers,
        body: body(event.body),
        evidence: Evidence {
            tokens,
            is_direct_invocation: true,
            ..Evidence::default()
        },
    })
}

fn pairs(map: BTreeMap<String, Values>) -> impl Iterator<Item = (String, String)> {
    map.into_iter().flat_map(|(name, values)| {
        values
            .texts()
            .into_iter()
            .map(move |value| (name.clone(), value))
    })
}

fn header_map(headers: BTreeMap<String, Values>) -> Result<HeaderMap, MalformedEvent> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs(headers) {
        let refused = || MalformedEvent::Header(printable(&name));
        let value = HeaderValue::try_from(value).map_err(|_| refused())?;
        let name = HeaderName::try_from(name.as_str()).map_err(|_| refused())?;
        map.append(name, value);
    }
    Ok(map)
}

/// Takes a text for the body as it would be sent, and anything else for the JSON itself.
fn body(body: Option<Value>) -> Vec<u8> {
    match body {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.into_bytes(),
        Some(json) => json.to_string().into_bytes(),
    }
}

/// Writes the answer. No body is `null`.
pub(super) fn seal(reply: Reply) -> Value {
    let headers = parts::joined(&reply.headers);
    let is_json = reply
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    let body = match reply.body {
        Body::Json(value) => value,
        Body::Empty => Value::Null,
        Body::Text(text) if is_json => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        text => parts::written(text).0.into(),
    };
    json!({"status": reply.status.as_u16(), "headers": headers, "body": body})
}
