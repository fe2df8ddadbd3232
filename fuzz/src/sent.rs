//! A request as HTTP writes it, and what of it is secret.

use serde_json::{Map, Value, json};

/// The headers whose values only the caller and this API know.
const SECRET_HEADERS: [&str; 6] = [
    "authorization",
    "x-auth-token",
    "auth-token",
    "idempotency-key",
    "cookie",
    "x-amz-security-token",
];
/// The marks of secrets: any other text may be in an answer by chance.
const SECRET_MARKS: [&str; 2] = ["hush", "demo-token"];

/// A request.
#[derive(Debug)]
pub struct Sent<'i> {
    method: &'i str,
    /// The path, and perhaps a query.
    target: &'i str,
    headers: Vec<(&'i str, &'i str)>,
    body: &'i str,
}

impl<'i> Sent<'i> {
    /// Reads `POST /v1/ecs/nonprod/clusters`, headers, an empty line, and the body.
    pub fn parse(text: &'i str) -> Option<Self> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let headers = lines.filter_map(|line| line.split_once(": ")).collect();
        Some(Self {
            method,
            target,
            headers,
            body: body.trim_end(),
        })
    }

    /// The direct invocation that sends it.
    pub fn invocation(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let values = headers
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| json!([]));
            values
                .as_array_mut()
                .expect("it is made as a list")
                .push((*value).into());
        }
        json!({"method": self.method, "path": self.target, "headers": headers, "body": self.body})
    }

    /// Returns `true` if it has a key that makes it happen once.
    pub fn is_keyed(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))
    }

    /// The secrets that stand nowhere else in an input: what is to be seen of them came from here.
    pub fn secrets(&self, input: &str) -> Vec<String> {
        let is_secret = |name: &str| {
            SECRET_HEADERS
                .iter()
                .any(|secret| secret.eq_ignore_ascii_case(name))
        };
        let headers = self.headers.iter().filter(|(name, _)| is_secret(name));
        // The scheme of `Bearer demo-token` is none.
        let tokens =
            headers.map(|(_, value)| value.rsplit(' ').next().unwrap_or_default().to_owned());
        let body = serde_json::from_str::<Value>(self.body).unwrap_or_default();
        let mut secrets: Vec<_> = tokens.chain(environment(&body)).collect();
        let is_marked = |secret: &String| SECRET_MARKS.iter().any(|mark| secret.contains(mark));
        secrets.retain(|secret| is_marked(secret) && input.matches(secret.as_str()).count() == 1);
        secrets
    }
}

/// The values of the containers' variables.
fn environment(body: &Value) -> Vec<String> {
    let member = |object: &Value, name: &str| {
        let found = object.as_object().and_then(|object| {
            object
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
        });
        found.map_or(Value::Null, |(_, value)| value.clone())
    };
    let list = |value: Value| {
        if let Value::Array(list) = value {
            list
        } else {
            Vec::new()
        }
    };
    let definition = match member(body, "taskDefinition") {
        Value::Object(definition) => Value::Object(definition),
        _ => body.clone(),
    };
    let containers = list(member(&definition, "containerDefinitions"));
    let variables = containers
        .iter()
        .flat_map(|container| list(member(container, "environment")));
    variables
        .filter_map(|variable| member(&variable, "value").as_str().map(str::to_owned))
        .collect()
}
