//! The documentation's own examples: of the README, and of the sample events.

use serde_json::Value;

use super::schemas::Schemas;
use crate::routes::Endpoint;

const README: &str = include_str!("../../README.md");

/// The documented body of a request.
pub(super) fn body(endpoint: Endpoint) -> Option<Value> {
    let event = match endpoint {
        Endpoint::CreateOrchestration => return Some(in_readme("/services -d '")),
        Endpoint::CreateCluster => include_str!("../../events/create_cluster.json"),
        Endpoint::CreateService => include_str!("../../events/create_service.json"),
        Endpoint::UpdateService => include_str!("../../events/update_service.json"),
        Endpoint::RunTask => include_str!("../../events/run_task.json"),
        Endpoint::RegisterTaskDefinition => {
            include_str!("../../events/register_task_definition.json")
        }
        Endpoint::CreateRegistry => include_str!("../../events/create_registry.json"),
        _ => return None,
    };
    let event: Value = serde_json::from_str(event).expect("a sample event is JSON");
    let body = event["body"]
        .as_str()
        .expect("the event of a request with a body has one");
    Some(serde_json::from_str(body).expect("the body of a sample event is JSON"))
}

/// The documented answer of a request.
pub(super) fn answer(endpoint: Endpoint) -> Option<Value> {
    (endpoint == Endpoint::CreateOrchestration)
        .then(|| in_readme("answers, here without most of AWS's members:"))
}

/// The JSON that follows a text of the README.
fn in_readme(text: &str) -> Value {
    let (_, rest) = README
        .split_once(text)
        .unwrap_or_else(|| panic!("the README does not say `{text}`"));
    let mut values = serde_json::Deserializer::from_str(rest).into_iter();
    values
        .next()
        .and_then(Result::ok)
        .expect("JSON follows the text in the README")
}

/// The same description of a body, with its example's members spelt as its schema spells them: the documentation's are
/// in lower case, which is accepted too, but a schema can't say so.
pub(super) fn spelt(mut body: Value, schemas: &mut Schemas) -> Value {
    let content = &mut body["content"]["application/json"];
    let schema = content["schema"].clone();
    if let Some(example) = content.get_mut("example") {
        *example = spell(example.take(), &schema, schemas);
    }
    body
}

fn spell(value: Value, schema: &Value, schemas: &mut Schemas) -> Value {
    // The first of `anyOf` is what is meant; the second is `null`.
    let schema = schema.pointer("/anyOf/0").unwrap_or(schema);
    let schema = if schema["$ref"].is_null() {
        schema.clone()
    } else {
        schemas.component_of(schema).clone()
    };
    match value {
        Value::Array(list) => list
            .into_iter()
            .map(|value| spell(value, &schema["items"], schemas))
            .collect(),
        Value::Object(object) => {
            let known = schema["properties"].as_object();
            let spelt = object.into_iter().map(|(name, value)| {
                match known.and_then(|known| {
                    known
                        .iter()
                        .find(|(known, _)| known.eq_ignore_ascii_case(&name))
                }) {
                    Some((known, schema)) => (known.clone(), spell(value, schema, schemas)),
                    None => (name, value),
                }
            });
            Value::Object(spelt.collect())
        }
        other => other,
    }
}
