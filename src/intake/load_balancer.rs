//! Events of an Application Load Balancer, whose target group has multi-value headers enabled or not.
//!
//! A load balancer verifies nobody for us: its `x-amzn-oidc-…` headers could be anybody's who reaches it on another
//! listener, and are no evidence.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>

use lambda_http::aws_lambda_events::alb::AlbTargetGroupRequest;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Call, HeaderStyle, MalformedEvent, parts, take_tokens};
use crate::auth::Evidence;
use crate::reply::Reply;

/// Reads the request in the event.
pub(super) fn call(event: Value, style: HeaderStyle) -> Result<Call, MalformedEvent> {
    let event: AlbTargetGroupRequest = parts::typed(without_nulls(event))?;
    let (mut headers, query) = match style {
        HeaderStyle::Single => (event.headers, event.query_string_parameters),
        HeaderStyle::Multi => (
            event.multi_value_headers,
            event.multi_value_query_string_parameters,
        ),
    };
    let tokens = take_tokens(&mut headers);
    // "If the query parameters are URL encoded, the load balancer does not decode them."
    let query = parts::sorted(query.iter());
    let query = query
        .into_iter()
        .map(|(name, value)| (decoded(&name), decoded(&value)))
        .collect();
    Ok(Call {
        method: event.http_method,
        prefix: String::new(),
        path: event.path.unwrap_or_default(),
        query,
        headers,
        body: parts::body(event.body, event.is_base64_encoded)?,
        evidence: Evidence {
            tokens,
            ..Evidence::default()
        },
    })
}

/// Takes a `null` map for no map.
fn without_nulls(mut event: Value) -> Value {
    if let Value::Object(members) = &mut event {
        members.retain(|_, value| !value.is_null());
    }
    event
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// Writes the answer as the load balancer expects it: with the reason beside the status.
pub(super) fn seal(reply: Reply, style: HeaderStyle) -> Value {
    let description = reply.status.to_string();
    let mut answer = parts::seal(reply, style);
    answer["statusDescription"] = description.into();
    answer
}
