//! Every answer of every test is held against the API's description: a status or a member that it does not tell of is a
//! failure of the test that met it.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use ecs_api::router::Router;
use ecs_api::routes::ROUTES;
use ecs_api_openapi as openapi;
use jsonschema::Validator;
use lambda_http::http::Method;
use serde_json::{Value, json};

use super::app::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| closed(openapi::document()));
static ROUTER: LazyLock<Router> =
    LazyLock::new(|| Router::new(&ROUTES).expect("the route table is checked by a test"));
/// The schemas that were compiled, by pointer.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

/// Fails where the description does not tell of the answer. Paths and methods that there are not are not described.
#[track_caller]
pub fn check(method: &str, path: &str, answer: &Answer) {
    let Ok(method) = method.parse::<Method>() else {
        return;
    };
    let Ok(route) = ROUTER.find(path).and_then(|found| found.route(&method)) else {
        return;
    };
    let operation = format!(
        "/paths/{}/{}",
        route.path.replace('/', "~1"),
        route.method.as_str().to_lowercase()
    );
    let at = format!("{operation}/responses/{}", answer.status);
    let response = DOCUMENT
        .pointer(&at)
        .unwrap_or_else(|| panic!("{at} is not described: {}", answer.text()));
    let at = match response["$ref"].as_str() {
        Some(reference) => reference.trim_start_matches('#').to_owned(),
        None => at,
    };
    let Some(content) = DOCUMENT
        .pointer(&at)
        .and_then(|response| response["content"].as_object())
    else {
        return;
    };
    if method == Method::HEAD {
        return;
    }
    let kind = answer
        .header("content-type")
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    assert!(
        content.contains_key(kind),
        "{at} is not described as {kind}"
    );
    if !kind.ends_with("json") {
        return;
    }
    let body = answer.json();
    let validator = validator(&format!("{at}/content/{}/schema", kind.replace('/', "~1")));
    let errors: Vec<_> = validator
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{at} is not described so: {errors:#?}\n{body:#}"
    );
}

fn validator(pointer: &str) -> &'static Validator {
    let mut validators = VALIDATORS
        .lock()
        .expect("no test panics while it compiles a schema");
    validators.entry(pointer.to_owned()).or_insert_with(|| {
        let schema =
            json!({"allOf": [DOCUMENT.pointer(pointer)], "components": DOCUMENT["components"]});
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema);
        Box::leak(Box::new(validator.expect("a described schema is one")))
    })
}

/// The same document, where answers have no other members than those that it tells of. Clients must let AWS add some;
/// these tests run against the SDK that it was made of.
fn closed(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            for value in object.values_mut() {
                *value = closed(value.take());
            }
            if object.get("properties").is_some_and(Value::is_object)
                && object.get("type") == Some(&json!("object"))
            {
                object.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| *value = closed(value.take())),
        _ => {}
    }
    value
}
