//! The documentation's own examples: those of the sample events.

use std::fs;
use std::path::PathBuf;

use ecs_api::api::operation::Operation;
use serde_json::Value;

use crate::schemas::Schemas;

/// Returns the body of an operation's sample event, where it has one.
pub(crate) fn body(operation: &Operation) -> Option<Value> {
    let event = read(&format!("{}.json", name(operation)))?;
    let body = event["body"].as_str()?;
    Some(serde_json::from_str(body).expect("the body of a sample event is JSON"))
}

/// Returns the answer to an operation's sample event, where one is kept.
pub(crate) fn answer(operation: &Operation) -> Option<Value> {
    read(&format!("answers/{}.json", name(operation)))
}

fn name(operation: &Operation) -> &'static str {
    operation.example.unwrap_or(operation.name)
}

/// Reads a file of `events`, if it is there.
fn read(name: &str) -> Option<Value> {
    let events = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"));
    let bytes = fs::read(events.join(name)).ok()?;
    Some(serde_json::from_slice(&bytes).expect("a sample event is JSON"))
}

/// Spells the members of a body's example as its schema does: the events' are in lower case, which is accepted too, but a
/// schema can't say so.
pub(crate) fn spelt(mut body: Value, schemas: &mut Schemas) -> Value {
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
