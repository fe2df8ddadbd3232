//! The API's description: an OpenAPI 3.1 document of [`OPERATIONS`] and the SDK's own schemas.
//!
//! Nothing of it runs in the function: a test writes the document to `openapi.json` and, compressed, to `assets/`, from
//! where it is answered as it is.

pub mod collection;
mod examples;
mod parameters;
mod problems;
mod responses;
mod schemas;
mod shapes;
pub mod tables;

use ecs_api::api::operation::{Group, Handler, Operation};
use ecs_api::api::schema::Body;
use ecs_api::routes::OPERATIONS;
use schemas::Schemas;
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "One HTTPS API over Amazon ECS on Fargate, AWS Cloud Map and CloudWatch Logs for many AWS accounts.

- **Requests** are JSON. Names of members match in any case (`clustername`, `clusterName`, `ClusterName`); `null` means \
absent; map keys keep their case. An unknown member is refused with its path and the nearest known name, and everything that is \
wrong with a body is reported together. What AWS answers may be sent back.
- **Answers** have AWS's members with a capital first letter, RFC 3339 timestamps in UTC, and no `null`. AWS may add members \
and values of enumerations at any time: let a client pass over what it does not know.
- **Every answer** carries `X-Request-Id`. `HEAD` goes where `GET` goes, without the body; `OPTIONS` is answered 204 with `Allow`; \
another method 405, an unknown path 404.
- **A token** comes as `Authorization: Bearer …`, `X-Auth-Token` or `Auth-Token`. A deployment may ask API Gateway for a \
signature or a JWT instead.
- **Errors** are problem details (RFC 9457), `application/problem+json`:

";

/// The sentences of every body.
const READ_AS_JSON: &str = "Read as JSON, whatever its content type says. At most 1 MiB. Names of members match in any \
                            case; `null` means absent.";

/// Makes the document.
///
/// # Panics
/// If something that an operation names is not there, as a sample event, or is there twice, as a component.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut schemas);
        let method = operation.method.as_str().to_ascii_lowercase();
        let operations = paths.entry(operation.path).or_insert_with(|| json!({}));
        operations[method] = described;
    }
    problems::add_schemas(&mut schemas);
    let groups =
        Group::ALL.map(|group| json!({"name": group.name(), "description": group.description()}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ecs-api",
            "version": ecs_api::api::meta::VERSION,
            "summary": "A REST API over Amazon ECS on Fargate in many AWS accounts",
            "description": format!("{DESCRIPTION}{}", problems::table()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        // Relative to the document, so that it is right behind every domain and stage prefix.
        "servers": [{"url": "../ecs", "description": "Where this document comes from"}],
        "security": [{"Bearer": []}, {"AuthToken": []}, {"OriginalAuthToken": []}, {"Signature": []}],
        "tags": groups,
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "parameters": parameters::shared(),
            "responses": problems::shared(),
            "headers": responses::shared_headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

/// Describes an operation.
fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let body = operation
        .body
        .map(|body| describe_body(operation, body, schemas));
    let mut responses = responses::responses(operation, schemas);
    responses.extend(problems::problems(operation, schemas));
    let mut described = json!({
        "operationId": operation.name,
        "tags": [operation.group.name()],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": parameters::parameters(operation),
    });
    if let Some(body) = body {
        described["requestBody"] = examples::spelt(body, schemas);
    }
    described["responses"] = responses.into();
    if matches!(operation.handler, Handler::Public(_)) {
        described["security"] = json!([]);
    }
    described
}

fn describe_body(operation: &Operation, body: Body, schemas: &mut Schemas) -> Value {
    let mut content = json!({"schema": schemas.schema_of(&body.schema)});
    if let Some(example) = examples::body(operation) {
        content["example"] = example;
    }
    let description = match body.aws {
        Some(aws) => {
            let (name, url) = (aws.name(), aws.url());
            format!("AWS's {name} input, every member of it: <{url}>. {READ_AS_JSON}")
        }
        None => READ_AS_JSON.to_owned(),
    };
    json!({
        "description": description,
        "required": body.is_required,
        "content": {"application/json": content},
    })
}

fn security_schemes() -> Value {
    let header = |name: &str, description: &str| json!({"type": "apiKey", "in": "header", "name": name, "description": description});
    json!({
        "Bearer": {
            "type": "http", "scheme": "bearer",
            "description": "A caller's token; or the JWT that a deployment with `AuthMode` `jwt` asks for.",
        },
        "AuthToken": header("X-Auth-Token", "A caller's token."),
        "OriginalAuthToken": header("Auth-Token", "A caller's token, as the original took it."),
        "Signature": header(
            "Authorization",
            "AWS Signature Version 4 for `execute-api`, which a deployment with `AuthMode` `iam` asks for.",
        ),
    })
}
