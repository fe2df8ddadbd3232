//! The parameters of operations: those of path and query, and the headers that are heeded.

use ecs_api::api::operation::Operation;
use ecs_api::api::parameters::{OF_PATHS, Parameter, Values};
use ecs_api::router::names_in;
use serde_json::{Value, json};

/// The longest name in ECS, and what it consists of.
const NAME: &str = "[A-Za-z0-9_-]{1,255}";
/// The beginning of every ARN of ECS.
const ARN: &str = "arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:";

/// Describes the parameters of an operation.
pub(crate) fn parameters(operation: &Operation) -> Vec<Value> {
    let mut described: Vec<_> = names_in(operation.path)
        .map(|name| describe("path", of_path(name)))
        .collect();
    described.extend(
        operation
            .query
            .iter()
            .map(|parameter| describe("query", parameter)),
    );
    if operation.body.is_some() {
        described.push(json!({"$ref": "#/components/parameters/Prefer"}));
    }
    if operation.heeds_idempotency_key {
        described.push(json!({"$ref": "#/components/parameters/Idempotency-Key"}));
    }
    if operation.heeds_if_match {
        described.push(json!({"$ref": "#/components/parameters/If-Match"}));
    }
    described
}

fn of_path(name: &str) -> &'static Parameter {
    OF_PATHS
        .iter()
        .find(|parameter| parameter.name == name)
        .unwrap_or_else(|| panic!("the path parameter `{name}` is not described"))
}

fn describe(place: &str, parameter: &Parameter) -> Value {
    let mut described = json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.example.is_some(),
        "description": parameter.description,
        "schema": schema(parameter.values),
    });
    if let Some(example) = parameter.example {
        described["example"] = example.into();
    }
    described
}

/// Describes the parameters that several operations share.
pub(crate) fn shared() -> Value {
    json!({
        "Prefer": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`handling=lenient` (RFC 7240) drops members that AWS does not know, instead of refusing \
                            them, and lists them in `X-Ignored-Members`.",
            "schema": {"type": "string"},
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "1 to 64 printable ASCII characters of your choice. The same request with the same key is done \
                            once, however often it is sent; with another body it is a 409.",
            "schema": text("^[!-~]([ -~]{0,62}[!-~])?$"),
        },
        "If-Match": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "The `ETag` of the service's GET, in its double quotes: nothing is done if something else has \
                            been deployed since.",
            "schema": text(r#"^(\*|"[0-9A-Za-z-]+"(, ?"[0-9A-Za-z-]+")*)$"#),
        },
    })
}

fn schema(values: Values) -> Value {
    match values {
        Values::Text => json!({"type": "string"}),
        Values::SomeText => json!({"type": "string", "minLength": 1}),
        Values::Flag => {
            json!({"oneOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}]})
        }
        Values::OneOf(choices) => json!({"type": "string", "enum": choices}),
        Values::UpTo(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
        Values::Time => json!({"oneOf": [
            {"type": "integer", "format": "int64", "minimum": 0},
            {"type": "string", "format": "date-time"},
        ]}),
        Values::Name => text(&format!("^{NAME}$")),
        Values::Cluster => text(&format!("^({ARN}cluster/)?{NAME}$")),
        Values::InCluster(kind) => text(&format!("^({ARN}{kind}/)?({NAME}/)?{NAME}$")),
        Values::QuotedTask => text(&format!("^\"?({ARN}task/)?({NAME}/)?{NAME}\"?$")),
        Values::TaskDefinition => text(&format!(
            "^({ARN}task-definition/)?{NAME}(:[1-9][0-9]{{0,8}})?$"
        )),
        Values::Pattern(pattern) => text(pattern),
    }
}

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}
