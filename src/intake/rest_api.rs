//! API Gateway REST API proxy events; HTTP APIs send the same with payload format 1.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::HashMap;

use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayProxyRequest, ApiGatewayProxyRequestContext,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Call, MalformedEvent, parts, take_tokens};
use crate::auth::Evidence;

/// Reads the request in the event.
pub(super) fn call(event: Value) -> Result<Call, MalformedEvent> {
    let event: ApiGatewayProxyRequest = parts::typed(event)?;
    let (prefix, path) = split_prefix(&event);
    let mut headers = if event.multi_value_headers.is_empty() {
        event.headers
    } else {
        event.multi_value_headers
    };
    let tokens = take_tokens(&mut headers);
    // Both maps are decoded, other than an ALB's.
    let query = if event.multi_value_query_string_parameters.is_empty() {
        event.query_string_parameters
    } else {
        event.multi_value_query_string_parameters
    };
    Ok(Call {
        method: event.http_method,
        prefix,
        path,
        query: parts::sorted(query.iter()),
        headers,
        body: parts::body(event.body, event.is_base64_encoded)?,
        evidence: Evidence {
            tokens,
            ..verified(event.request_context)
        },
    })
}

/// Splits what a gateway put before the path from the path.
///
/// The event's `path` is without the stage on the API's own domain, but with the base path, and with the stage where
/// the mapping names none, on a custom domain. `requestContext.path` is always what the client asked for. REST APIs
/// leave both encoded, HTTP APIs decode them; no name in a path of ours has a `%` that a second decoding could change.
/// Observed, since AWS's documentation does not say: <https://github.com/localstack/localstack/pull/12296>,
/// <https://github.com/middleapi/standard-server/pull/93>.
fn split_prefix(event: &ApiGatewayProxyRequest) -> (String, String) {
    let path = event.path.clone().unwrap_or_default();
    let resource = resource_path(
        event.resource.as_deref().unwrap_or_default(),
        &event.path_parameters,
    );
    let slashes = path.match_indices('/').map(|(at, _)| at);
    let (prefix, path) = match slashes
        .into_iter()
        .find(|at| is_same(&path[*at..], &resource))
    {
        Some(at) => (path[..at].to_owned(), path[at..].to_owned()),
        None => parts::split_stage(path, event.request_context.stage.as_deref()),
    };
    let asked = event
        .request_context
        .path
        .as_deref()
        .and_then(|asked| asked.strip_suffix(path.as_str()));
    (asked.map_or(prefix, str::to_owned), path)
}

/// Fills the parameters of the API's resource in: `/{proxy+}` → `/v1/ecs/ping`.
fn resource_path(resource: &str, parameters: &HashMap<String, String>) -> String {
    let fill = |path: String, (name, value): (&String, &String)| {
        path.replace(&format!("{{{name}+}}"), value)
            .replace(&format!("{{{name}}}"), value)
    };
    parameters.iter().fold(resource.to_owned(), fill)
}

fn is_same(one: &str, other: &str) -> bool {
    let decoded = |path| percent_decode_str(path).decode_utf8_lossy();
    let bare = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    bare(&decoded(one)) == bare(&decoded(other))
}

/// Reads what the authorizer in front has verified: IAM in `identity`; the claims of a JWT or of a Cognito user pool in
/// `authorizer.claims`. What a Lambda authorizer returns stands beside these, and is no proof here: its values are
/// texts, numbers and booleans, never an object.
fn verified(context: ApiGatewayProxyRequestContext) -> Evidence {
    Evidence {
        principal: context.identity.user_arn,
        claims: parts::claims(context.authorizer.fields.get("claims")),
        ..Evidence::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `path`, `requestContext.path`, stage, resource and `proxy` of an event → prefix and path.
    #[test]
    fn stage_and_base_path_are_split_off_however_the_domain_is_mapped() {
        for (path, asked, resource, proxy, expected) in [
            // The API's own domain.
            (
                "/v1/ecs/ping",
                "/prod/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/prod", "/v1/ecs/ping"),
            ),
            (
                "/v1/ecs/ping",
                "/prod/v1/ecs/ping",
                "/v1/ecs/{proxy+}",
                "ping",
                ("/prod", "/v1/ecs/ping"),
            ),
            (
                "/v1/ecs/ping/",
                "/prod/v1/ecs/ping/",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/prod", "/v1/ecs/ping/"),
            ),
            // A custom domain: with base path and stage; the base path alone; the stage in the path; both in the path.
            (
                "/v1/ecs/ping",
                "/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("", "/v1/ecs/ping"),
            ),
            (
                "/tools/v1/ecs/ping",
                "/tools/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/tools", "/v1/ecs/ping"),
            ),
            (
                "/prod/v1/ecs/ping",
                "/prod/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/prod", "/v1/ecs/ping"),
            ),
            (
                "/t/prod/v1/ecs/ping",
                "/t/prod/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/t/prod", "/v1/ecs/ping"),
            ),
            (
                "/v1/v1/ecs/ping",
                "/v1/v1/ecs/ping",
                "/{proxy+}",
                "v1/ecs/ping",
                ("/v1", "/v1/ecs/ping"),
            ),
            // Encoded in the path, decoded in the parameter.
            (
                "/v1/ecs/a%3Ab",
                "/prod/v1/ecs/a%3Ab",
                "/{proxy+}",
                "v1/ecs/a:b",
                ("/prod", "/v1/ecs/a%3Ab"),
            ),
            // An HTTP API with payload format 1.0, which keeps the stage in the path.
            (
                "/prod/v1/ecs/ping",
                "/prod/v1/ecs/ping",
                "$default",
                "",
                ("/prod", "/v1/ecs/ping"),
            ),
            // Nothing of ours.
            (
                "/v2/ecs/ping",
                "/prod/v2/ecs/ping",
                "/{proxy+}",
                "v2/ecs/ping",
                ("/prod", "/v2/ecs/ping"),
            ),
        ] {
            let event = json!({
                "path": path, "resource": resource, "httpMethod": "GET", "pathParameters": {"proxy": proxy},
                "requestContext": {"path": asked, "stage": "prod", "httpMethod": "GET"},
            });
            let (prefix, rest) = split_prefix(&serde_json::from_value(event).unwrap());
            assert_eq!(
                (prefix.as_str(), rest.as_str()),
                expected,
                "{path} {asked} {resource}"
            );
        }
    }
}
