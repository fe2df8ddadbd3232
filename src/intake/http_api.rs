//! API Gateway HTTP API proxy events, payload format 2.0; Lambda function URLs send the same.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpRequestContext};
use serde_json::{Map, Value, json};

use super::{Call, Malformed, query_pairs, take_tokens};
use crate::auth::Evidence;
use crate::reply::{Body, Reply};

/// Whether the event has the shape of this kind.
pub(super) fn recognises(event: &Value) -> bool {
    event.get("version").and_then(Value::as_str) == Some("2.0") && event.pointer("/requestContext/http").is_some()
}

/// The request in the event.
pub(super) fn call(event: Value) -> Result<Call, Malformed> {
    let event: ApiGatewayV2httpRequest = serde_json::from_value(event)
        .map_err(|error| Malformed(format!("the event that carries the request can't be read: {error}")))?;
    let (prefix, path) = split_stage(event.raw_path.unwrap_or_default(), event.request_context.stage.as_deref());
    let mut headers = event.headers;
    let tokens = take_tokens(&mut headers);
    Ok(Call {
        method: event.request_context.http.method.clone(),
        prefix,
        path,
        query: query_pairs(event.raw_query_string.as_deref().unwrap_or_default()),
        headers,
        body: body(event.body, event.is_base64_encoded)?,
        evidence: Evidence { tokens, ..verified(event.request_context) },
    })
}

/// `/prod/v1/ecs/ping` of the stage `prod` → `/prod` and `/v1/ecs/ping`. The stage `$default` has no prefix.
fn split_stage(path: String, stage: Option<&str>) -> (String, String) {
    let rest = stage
        .filter(|stage| !stage.is_empty())
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'));
    match rest {
        Some(rest) => (path[..path.len() - rest.len()].to_owned(), rest.to_owned()),
        None => (String::new(), path),
    }
}

fn body(body: Option<String>, is_base64_encoded: bool) -> Result<Vec<u8>, Malformed> {
    let body = body.unwrap_or_default();
    if !is_base64_encoded {
        return Ok(body.into_bytes());
    }
    STANDARD.decode(body).map_err(|error| Malformed(format!("the body is marked as base64, but is not: {error}")))
}

/// What API Gateway's authorizer has verified. Nothing in headers or body can put anything here.
fn verified(context: ApiGatewayV2httpRequestContext) -> Evidence {
    let authorizer = context.authorizer.unwrap_or_default();
    let claims: BTreeMap<_, _> = authorizer.jwt.map(|jwt| jwt.claims.into_iter().collect()).unwrap_or_default();
    Evidence { principal: authorizer.iam.and_then(|iam| iam.user_arn), claims, ..Evidence::default() }
}

/// The answer as API Gateway expects it.
pub(super) fn seal(reply: Reply) -> Value {
    let headers: Map<_, _> = reply
        .headers
        .keys()
        .map(|name| {
            let values = reply.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            (name.as_str().to_owned(), Value::from(values.collect::<Vec<_>>().join(", ")))
        })
        .collect();
    let (body, is_base64_encoded) = match reply.body {
        Body::Empty => (String::new(), false),
        Body::Text(text) => (text, false),
        Body::Json(value) => (value.to_string(), false),
        Body::Binary(bytes) => (STANDARD.encode(bytes), true),
    };
    json!({
        "statusCode": reply.status.as_u16(),
        "headers": headers,
        // No answer sets one, but cargo-lambda's local gateway takes no answer without the list.
        "cookies": [],
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_split_off_and_nothing_else_is() {
        for (path, stage, expected) in [
            ("/v1/ecs/ping", Some("$default"), ("", "/v1/ecs/ping")),
            ("/v1/ecs/ping", None, ("", "/v1/ecs/ping")),
            ("/prod/v1/ecs/ping", Some("prod"), ("/prod", "/v1/ecs/ping")),
            ("/product/v1/ecs/ping", Some("prod"), ("", "/product/v1/ecs/ping")),
            ("/v1/v1/ecs/ping", Some("v1"), ("/v1", "/v1/ecs/ping")),
            ("/v1/ecs/ping", Some("prod"), ("", "/v1/ecs/ping")),
            ("/prod", Some("prod"), ("", "/prod")),
            ("", Some(""), ("", "")),
        ] {
            let (prefix, rest) = split_stage(path.to_owned(), stage);
            assert_eq!((prefix.as_str(), rest.as_str()), expected, "{path} {stage:?}");
        }
    }
}
