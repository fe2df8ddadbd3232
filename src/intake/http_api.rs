//! API Gateway HTTP API proxy events, payload format 2.0; Lambda function URLs send the same.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

use std::collections::BTreeMap;

use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequest, ApiGatewayV2httpRequestContext,
};
use serde_json::{Value, json};

use super::{Call, MalformedEvent, parts, query_pairs, take_tokens};
use crate::auth::{Claim, Evidence};
use crate::reply::Reply;

/// Reads the request in the event.
pub(super) fn call(mut event: Value) -> Result<Call, MalformedEvent> {
    let claims = take_claims(&mut event);
    let event: ApiGatewayV2httpRequest = parts::typed(event)?;
    let (prefix, path) = parts::split_stage(
        event.raw_path.unwrap_or_default(),
        event.request_context.stage.as_deref(),
    );
    let mut headers = event.headers;
    let tokens = take_tokens(&mut headers);
    Ok(Call {
        method: event.request_context.http.method.clone(),
        prefix,
        path,
        query: query_pairs(event.raw_query_string.as_deref().unwrap_or_default()),
        headers,
        body: parts::body(event.body, event.is_base64_encoded)?,
        evidence: Evidence {
            tokens,
            claims,
            ..verified(event.request_context)
        },
    })
}

/// Takes the claims of the JWT out of the event, whose type knows no others than texts.
fn take_claims(event: &mut Value) -> BTreeMap<String, Claim> {
    let jwt = event
        .pointer_mut("/requestContext/authorizer/jwt")
        .map(Value::take);
    parts::claims(jwt.as_ref().and_then(|jwt| jwt.get("claims")))
}

/// Reads which principal the authorizer in front has verified. Nothing in headers or body can put anything here.
fn verified(context: ApiGatewayV2httpRequestContext) -> Evidence {
    let authorizer = context.authorizer.unwrap_or_default();
    Evidence {
        principal: authorizer.iam.and_then(|iam| iam.user_arn),
        ..Evidence::default()
    }
}

/// Writes the answer as API Gateway expects it.
pub(super) fn seal(reply: Reply) -> Value {
    let headers = parts::joined(&reply.headers);
    let (body, is_base64_encoded) = parts::written(reply.body);
    json!({
        "statusCode": reply.status.as_u16(),
        "headers": headers,
        // No answer sets one, but cargo-lambda's local gateway takes no answer without the list.
        "cookies": [],
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}
