//! The query of a request, and the `Link` that leads on with another.

use std::str::FromStr;

use lambda_http::http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;
use crate::intake::Call;
use crate::reply::Reply;
use crate::wire::validation::FieldError;

/// The characters that stand for themselves in the query of a `Link`.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Returns a parameter's value. Dispatch has seen to it that there are no others.
pub(super) fn value<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let mut pairs = call.query.iter();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// Returns a parameter that is one of `choices`, whatever its case.
///
/// # Errors
/// [`Error::Input`] for any other value.
pub(super) fn choice(
    call: &Call,
    name: &str,
    choices: &[&'static str],
) -> Result<Option<&'static str>, Error> {
    let Some(text) = value(call, name) else {
        return Ok(None);
    };
    let choice = choices
        .iter()
        .copied()
        .find(|choice| choice.eq_ignore_ascii_case(text));
    let refused = || Error::input(name, &format!("expected one of {}", choices.join(", ")));
    choice.map(Some).ok_or_else(refused)
}

/// Returns the place that `nextToken` names, by default the beginning, and the most entries that `limit` (1 to 1000) asks for,
/// if it asks.
///
/// # Errors
/// [`Error::Input`] for any other values.
pub(super) fn page<T: FromStr + Default>(call: &Call) -> Result<(T, Option<usize>), Error> {
    let mut faults = Vec::new();
    let mut refuse = |name: &str, message: &str| {
        faults.push(FieldError {
            path: name.to_owned(),
            message: message.to_owned(),
        });
    };
    let limit = value(call, "limit")
        .map(|text| text.parse().ok().filter(|limit| (1..=1000).contains(limit)));
    if limit == Some(None) {
        refuse("limit", "expected a whole number from 1 to 1000");
    }
    let start = value(call, "nextToken").map(|text| text.parse().ok());
    if matches!(start, Some(None)) {
        refuse(
            "nextToken",
            "expected the `nextToken` of an earlier answer's `Link`",
        );
    }
    if faults.is_empty() {
        Ok((start.flatten().unwrap_or_default(), limit.flatten()))
    } else {
        Err(Error::Input(faults))
    }
}

/// Adds a `Link` to this request with another `nextToken`.
pub(super) fn link_next(call: &Call, reply: Reply, token: &str) -> Reply {
    let others = call.query.iter().filter(|(name, _)| name != "nextToken");
    let pairs = others
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([("nextToken", token)]);
    let query: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY_VALUE)))
        .collect();
    let (prefix, path, query) = (&call.prefix, &call.path, query.join("&"));
    reply.with_header(
        header::LINK,
        &format!("<{prefix}{path}?{query}>; rel=\"next\""),
    )
}
