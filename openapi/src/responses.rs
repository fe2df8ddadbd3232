//! The answers of operations when nothing goes wrong.

use ecs_api::api::operation::Operation;
use ecs_api::api::schema::Answer;
use serde_json::{Map, Value, json};

use crate::examples;
use crate::schemas::Schemas;

/// The header that every answer carries.
const REQUEST_ID: &str = "X-Request-Id";

/// Describes the answers of an operation, by status.
pub(crate) fn responses(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for (index, answer) in operation.answers.iter().enumerate() {
        let mut described = describe(answer, schemas);
        if index == 0 {
            if operation.body.is_some() {
                described = with_headers(described, &["Preference-Applied", "X-Ignored-Members"]);
            }
            if let Some(example) = examples::answer(operation) {
                described["content"]["application/json"]["example"] = example;
            }
        }
        responses.insert(answer.status.to_string(), described);
    }
    responses
}

fn describe(answer: &Answer, schemas: &mut Schemas) -> Value {
    let mut described = json!({"description": answer.description});
    if let Some((content_type, schema)) = &answer.content {
        described["content"][content_type]["schema"] = schemas.schema_of(schema);
    }
    with_headers(described, answer.headers)
}

/// Describes the headers that are named elsewhere.
pub(crate) fn shared_headers() -> Value {
    let header =
        |description: &str, schema: Value| json!({"description": description, "schema": schema});
    json!({
        REQUEST_ID: header("Finds the request in the log.", json!({"type": "string"})),
        "Link": header("`<…>; rel=\"next\"`: the path and query of what follows. Absent at the end.", json!({"type": "string"})),
        "Location": header("The path and query that go on from here.", json!({"type": "string"})),
        "Retry-After": header("When to ask again, in seconds.", json!({"type": "integer", "minimum": 0})),
        "Preference-Applied": header("`handling=lenient`, if that was asked for.", json!({"type": "string"})),
        "X-Ignored-Members": header("The paths of the members that were dropped, comma-separated.", json!({"type": "string"})),
        "Accept-Encoding": header("How a body may be packed.", json!({"type": "string", "const": "gzip"})),
        "WWW-Authenticate": header("How to say who calls.", json!({"type": "string"})),
        "ETag": header("The version of what is answered.", json!({"type": "string"})),
    })
}

/// Adds `X-Request-Id` and these.
pub(crate) fn with_headers(mut response: Value, names: &[&str]) -> Value {
    for name in [REQUEST_ID].iter().chain(names) {
        response["headers"][*name] = json!({"$ref": format!("#/components/headers/{name}")});
    }
    response
}
