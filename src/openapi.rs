//! The API's description: an OpenAPI 3.1 document from the route table, the words of `operations` and `parameters`, and
//! the SDK's own schemas.
//!
//! Nothing of it runs in the function: a test writes the document to `openapi.json` and, compressed, to `assets/`, from
//! where it is answered as it is. A route that is added without a description does not compile, or fails that test.

mod answers;
mod bodies;
pub mod collection;
mod examples;
mod operations;
mod parameters;
mod problems;
mod schemas;
mod shapes;

use serde_json::{Map, Value, json};

use crate::routes::{Guard, ROUTES, Route};
use schemas::Schemas;

/// What paths have in common; the document's server stands for it.
const BASE: &str = "/v1/ecs";

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

/// The document.
///
/// # Panics
/// If the route table has something that is not described, which a test rules out.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for route in ROUTES {
        let path = route
            .pattern
            .strip_prefix(BASE)
            .expect("every path has the same base");
        let operation = operation(route, &mut schemas);
        let method = route.method.as_str().to_ascii_lowercase();
        let operations = paths.entry(path).or_insert_with(|| json!({}));
        operations[method] = operation;
    }
    problems::add_schemas(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ecs-api",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A REST API over Amazon ECS on Fargate in many AWS accounts",
            "description": format!("{DESCRIPTION}{}", problems::table()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        // Relative to the document, so that it is right behind every domain and stage prefix.
        "servers": [{"url": "../ecs", "description": "Where this document comes from"}],
        "security": [{"Bearer": []}, {"AuthToken": []}, {"OriginalAuthToken": []}, {"Signature": []}],
        "tags": operations::TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "parameters": parameters::shared(),
            "responses": problems::shared(),
            "headers": answers::shared_headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let words = operations::words(route.endpoint);
    let body = bodies::body(route.endpoint, schemas);
    let mut responses = answers::answers(route.endpoint, schemas);
    responses.extend(problems::problems(route, body.is_some()));
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [words.tag],
        "summary": words.summary,
        "description": words.description,
        "parameters": parameters::parameters(route, body.is_some()),
    });
    if let Some(body) = body {
        operation["requestBody"] = examples::spelt(body, schemas);
    }
    operation["responses"] = responses.into();
    if route.guard == Guard::Public {
        operation["security"] = json!([]);
    }
    operation
}

/// The endpoint's name in snake case: `CreateCluster` → `create_cluster`.
fn operation_id(route: &Route) -> String {
    let mut id = String::new();
    for letter in format!("{:?}", route.endpoint).chars() {
        if letter.is_ascii_uppercase() && !id.is_empty() {
            id.push('_');
        }
        id.push(letter.to_ascii_lowercase());
    }
    id
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
