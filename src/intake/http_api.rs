//! API Gateway HTTP API proxy events, payload format 2.0; Lambda function URLs send the same.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

use std::collections::BTreeMap;

use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequest, ApiGatewayV2httpRequestContext,
};
use serde_json::{Value, json};

use super::{Call, Malformed, parts, query_pairs, take_tokens};
use crate::auth::Evidence;
use crate::reply::Reply;

/// Reads the request in the event.
pub(super) fn call(event: Value) -> Result<Call, Malformed> {
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
            ..verified(event.request_context)
        },
    })
}

/// Reads what the authorizer in front has verified. Nothing in headers or body can put anything here.
fn verified(context: ApiGatewayV2httpRequestContext) -> Evidence {
    let authorizer = context.authorizer.unwrap_or_default();
    let claims: BTreeMap<_, _> = authorizer
        .jwt
        .map(|jwt| jwt.claims.into_iter().collect())
        .unwrap_or_default();
    Evidence {
        principal: authorizer.iam.and_then(|iam| iam.user_arn),
        claims,
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
