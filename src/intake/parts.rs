//! The parts that several kinds of event have: stages, bodies, maps of headers and of query parameters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::header::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::MalformedEvent;
use crate::auth::Claim;
use crate::reply::{Body, Reply, unpacked};
use crate::text::printable;

/// The way in which an event writes headers, and its answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderStyle {
    /// `headers`: one text for each name.
    Single,
    /// `multiValueHeaders`: a list of texts for each name.
    Multi,
}

impl HeaderStyle {
    /// Finds the style of an event.
    pub(super) fn of(event: &Value) -> Self {
        if event.get("multiValueHeaders").is_some_and(Value::is_object) {
            Self::Multi
        } else {
            Self::Single
        }
    }

    /// Returns the answer's member of this style, and its value.
    pub(super) fn write(self, headers: &HeaderMap) -> (&'static str, Value) {
        match self {
            Self::Single => ("headers", joined(headers).into()),
            Self::Multi => ("multiValueHeaders", listed(headers).into()),
        }
    }
}

/// Writes each header with its values in one text.
pub(super) fn joined(headers: &HeaderMap) -> Map<String, Value> {
    let joined = |name| (texts(headers, name).collect::<Vec<_>>().join(", ")).into();
    headers
        .keys()
        .map(|name| (name.as_str().to_owned(), joined(name.as_str())))
        .collect()
}

/// Writes each header with a list of its values.
fn listed(headers: &HeaderMap) -> Map<String, Value> {
    let listed = |name| texts(headers, name).collect::<Vec<_>>().into();
    headers
        .keys()
        .map(|name| (name.as_str().to_owned(), listed(name.as_str())))
        .collect()
}

fn texts<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
}

/// Reads an event of a known kind.
pub(super) fn typed<T: DeserializeOwned>(event: Value) -> Result<T, MalformedEvent> {
    serde_path_to_error::deserialize(event).map_err(|error| {
        let place = printable(&error.path().to_string());
        let fault = printable(&without_value(&error.into_inner().to_string()));
        MalformedEvent::Member { place, fault }
    })
}

/// Leaves the text out of `invalid type: string "…", expected a map`, which may be a token and is not for the log.
fn without_value(message: &str) -> String {
    match (
        message.split_once(" \""),
        message.rsplit_once("\", expected "),
    ) {
        (Some((fault, _)), Some((_, expected))) => format!("{fault}, expected {expected}"),
        _ => message.to_owned(),
    }
}

/// Reads the claims of an authorizer, which are an object or nothing.
pub(super) fn claims(claims: Option<&Value>) -> BTreeMap<String, Claim> {
    let claims = claims.and_then(Value::as_object).into_iter().flatten();
    claims
        .filter_map(|(name, value)| Some((name.clone(), Claim::of(value)?)))
        .collect()
}

/// Decodes the body's bytes.
pub(super) fn body(
    body: Option<String>,
    is_base64_encoded: bool,
) -> Result<Vec<u8>, MalformedEvent> {
    let body = body.unwrap_or_default();
    if !is_base64_encoded {
        return Ok(body.into_bytes());
    }
    STANDARD.decode(body).map_err(MalformedEvent::Base64)
}

/// Takes the stage `prod` off `/prod/v1/ecs/ping`: `/prod` and `/v1/ecs/ping`. The stage `$default` has no prefix.
pub(super) fn split_stage(path: String, stage: Option<&str>) -> (String, String) {
    let rest = stage
        .filter(|stage| !stage.is_empty())
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'));
    match rest {
        Some(rest) => (path[..path.len() - rest.len()].to_owned(), rest.to_owned()),
        None => (String::new(), path),
    }
}

/// Names and values in the order of their names: an event's map has no order of its own.
pub(super) fn sorted<'q>(pairs: impl Iterator<Item = (&'q str, &'q str)>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other)); // stable: the values of one name keep their order
    pairs
}

/// Writes an answer's body as a text, and tells that this is base64.
pub(super) fn written(body: Body) -> (String, bool) {
    match body {
        Body::Empty => (String::new(), false),
        Body::Text(text) => (text, false),
        Body::Gzip(packed) => (unpacked(packed), false),
        Body::Json(value) => (value.to_string(), false),
        Body::Binary(bytes) => (STANDARD.encode(bytes), true),
    }
}

/// Writes an answer with its headers in a style.
pub(super) fn seal(reply: Reply, style: HeaderStyle) -> Value {
    let (name, headers) = style.write(&reply.headers);
    let (body, is_base64_encoded) = written(reply.body);
    json!({
        "statusCode": reply.status.as_u16(),
        name: headers,
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_is_named_and_not_repeated() {
        for (event, expected) in [
            (
                json!({"headers": "Bearer se\"cret"}),
                "at `headers`: invalid type: string, expected a map",
            ),
            (
                json!({"headers": {"b": ["secret", {}]}}),
                "at `headers.b[1]`: invalid type: map, expected a string",
            ),
            (
                json!({"headers": {"a\nb": 1}}),
                "at `headers.a\u{fffd}b`: invalid type: integer `1`, expected a sequence",
            ),
            (
                json!({"haeders": "secret"}),
                "at `haeders`: unknown field `haeders`, expected `headers`",
            ),
        ] {
            #[derive(Debug, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Event {
                #[expect(dead_code, reason = "it is only read")]
                headers: std::collections::BTreeMap<String, Vec<String>>,
            }
            let message = typed::<Event>(event).unwrap_err().to_string();
            assert!(
                message.ends_with(expected) && !message.contains("cret"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_stage_is_split_off_and_nothing_else_is() {
        for (path, stage, expected) in [
            ("/v1/ecs/ping", Some("$default"), ("", "/v1/ecs/ping")),
            ("/v1/ecs/ping", None, ("", "/v1/ecs/ping")),
            ("/prod/v1/ecs/ping", Some("prod"), ("/prod", "/v1/ecs/ping")),
            (
                "/product/v1/ecs/ping",
                Some("prod"),
                ("", "/product/v1/ecs/ping"),
            ),
            ("/v1/v1/ecs/ping", Some("v1"), ("/v1", "/v1/ecs/ping")),
            ("/v1/ecs/ping", Some("prod"), ("", "/v1/ecs/ping")),
            ("/prod", Some("prod"), ("", "/prod")),
            ("", Some(""), ("", "")),
        ] {
            let (prefix, rest) = split_stage(path.to_owned(), stage);
            assert_eq!(
                (prefix.as_str(), rest.as_str()),
                expected,
                "{path} {stage:?}"
            );
        }
    }
}
