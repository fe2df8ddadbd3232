//! Shapes → JSON Schema, as requests and answers spell them, and what a request must have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use ecs_api::api::schema::{InputSchema, Member, Schema};
use ecs_api::wire::members::{answer_name, join};
use ecs_api::wire::outputs::Walk;
use ecs_api::wire::read::ABSENT;

use crate::shapes::{Shape, Shapes};

/// The description of a member that AWS answers and a request may repeat.
const DROPPED: &str = "What AWS answers, so that it may be sent back: it is dropped.";

/// The schemas of the document's components, as they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    shapes: Shapes,
    /// The members that requests must have, by structure.
    required: BTreeMap<String, BTreeSet<String>>,
    components: BTreeMap<String, Value>,
}

/// The two sides of the API spell members differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

impl Schemas {
    /// Makes the JSON Schema of what a constant says.
    pub fn schema_of(&mut self, schema: &Schema) -> Value {
        match *schema {
            Schema::Anything => json!({}),
            Schema::Text => json!({"type": "string"}),
            Schema::Boolean => json!({"type": "boolean"}),
            Schema::Integer => json!({"type": "integer", "format": "int64"}),
            Schema::Json(text) => serde_json::from_str(text).expect("a schema's text is JSON"),
            Schema::Sdk(walk) => self.answer(walk),
            Schema::Input(input) => self.request(input),
            Schema::List(element) => json!({"type": "array", "items": self.schema_of(element)}),
            Schema::Object(members) => self.object(members),
            Schema::Closed(members) => {
                let mut object = self.object(members);
                if object["required"] == json!([]) {
                    object
                        .as_object_mut()
                        .map(|object| object.shift_remove("required"));
                }
                object["additionalProperties"] = false.into();
                object
            }
            Schema::Component(name, schema) => {
                if !self.has(name) {
                    let schema = self.schema_of(schema);
                    self.add(name, schema);
                }
                reference(name)
            }
            Schema::Extended(name, walk, members) => {
                let base = self.answer(walk);
                if base == reference(name) {
                    return self.extend_in_place(base, members);
                }
                let mut extended = self.component_of(&base).clone();
                let own = self.object(members);
                for (name, schema) in own["properties"].as_object().into_iter().flatten() {
                    extended["properties"][name] = schema.clone();
                }
                extended["required"] = own["required"].clone();
                self.add(name, extended)
            }
            Schema::AnyOf(schemas) => {
                let schemas: Vec<_> = schemas
                    .iter()
                    .map(|schema| self.schema_of(schema))
                    .collect();
                json!({"anyOf": schemas})
            }
            Schema::Described(schema, description) => {
                described(self.schema_of(schema), description)
            }
        }
    }

    /// Makes the schema of an object with these members.
    pub fn object(&mut self, members: &[Member]) -> Value {
        let properties: Map<_, _> = members
            .iter()
            .map(|member| (member.name.to_owned(), self.member(member)))
            .collect();
        let required: Vec<_> = members
            .iter()
            .filter(|member| member.is_always)
            .map(|member| member.name)
            .collect();
        json!({"type": "object", "properties": properties, "required": required})
    }

    fn member(&mut self, member: &Member) -> Value {
        let mut schema = self.schema_of(&member.schema);
        if member.is_nullable {
            schema = nullable(schema);
        }
        if member.description.is_empty() {
            schema
        } else {
            described(schema, member.description)
        }
    }

    /// Makes the schema of an answer of an SDK type.
    fn answer(&mut self, walk: Walk) -> Value {
        let shape = self.shapes.walk(walk);
        self.schema(&shape, Side::Answer)
    }

    /// Makes the schema of a body that is read into an SDK input.
    fn request(&mut self, input: &InputSchema) -> Value {
        let shape = self.shapes.walk(input.walk);
        let Shape::Structure(id) = &shape else {
            panic!("an input is a structure")
        };
        let name = component_name(id, &self.shapes.structure(id).name, Side::Request);
        if self.has(&name) {
            return reference(&name);
        }
        self.find_required(input, &shape);
        let schema = self.schema(&shape, Side::Request);
        self.add_answered(&name, input);
        for addition in input.additions {
            let member = self.member(&addition.member);
            let component = if addition.to.is_empty() {
                &name
            } else {
                addition.to
            };
            self.component(component)["properties"][addition.member.name] = member;
        }
        let component = self.component(&name);
        for name in input.given_by_path {
            component["properties"][name] = nullable(component["properties"][name].take());
        }
        if input.is_never_empty {
            component["minProperties"] = 1.into();
        }
        if let Some(required) = component.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|member| !input.given_by_path.iter().any(|given| member == given));
        }
        schema
    }

    /// Puts members into a component that is shown nowhere without them.
    fn extend_in_place(&mut self, base: Value, members: &[Member]) -> Value {
        let own = self.object(members);
        let component = self.component_of(&base);
        for (name, schema) in own["properties"].as_object().into_iter().flatten() {
            component["properties"][name] = schema.clone();
        }
        base
    }

    /// Adds what AWS answers for the same resource, and a request may repeat.
    fn add_answered(&mut self, name: &str, input: &InputSchema) {
        let component = self.component(name);
        let accepted: Vec<_> = members_of(component).map(str::to_ascii_lowercase).collect();
        let answered = input.answered.map(aws_smithy_schema::Schema::members);
        for member in answered.into_iter().flatten() {
            let Some(member) = member.member_name() else {
                continue;
            };
            if !accepted.contains(&member.to_ascii_lowercase()) {
                component["properties"][member] = json!({"description": DROPPED});
            }
        }
    }

    /// Returns `true` if there is a component of this name.
    pub fn has(&self, name: &str) -> bool {
        self.components.contains_key(name)
    }

    /// Adds a component of our own, and answers the reference to it.
    pub fn add(&mut self, name: &str, schema: Value) -> Value {
        let before = self.components.insert(name.to_owned(), schema);
        assert!(before.is_none(), "two components are called `{name}`");
        reference(name)
    }

    /// Returns the component that a reference leads to.
    pub fn component_of(&mut self, reference: &Value) -> &mut Value {
        let name = reference["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
            .unwrap_or_default();
        self.components
            .get_mut(name)
            .unwrap_or_else(|| panic!("there is no component `{name}`"))
    }

    /// Returns the component of this name.
    pub fn component(&mut self, name: &str) -> &mut Value {
        self.component_of(&reference(name))
    }

    /// Returns every component, by name.
    pub fn into_components(self) -> Map<String, Value> {
        self.components.into_iter().collect()
    }

    fn schema(&mut self, shape: &Shape, side: Side) -> Value {
        match shape {
            Shape::Structure(id) => self.structure(id, side),
            Shape::List(element) => json!({"type": "array", "items": self.schema(element, side)}),
            Shape::Map(value) => {
                json!({"type": "object", "additionalProperties": self.schema(value, side)})
            }
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Integer(32) => {
                json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            Shape::Integer(64) => json!({"type": "integer", "format": "int64"}),
            Shape::Integer(_) => json!({"type": "integer"}),
            Shape::Number => json!({"type": "number"}),
            Shape::Text => json!({"type": "string"}),
            Shape::Blob => json!({"type": "string", "contentEncoding": "base64"}),
            Shape::Timestamp => json!({"type": "string", "format": "date-time"}),
            Shape::Document => json!({}),
        }
    }

    /// Returns a reference to the component of a structure, which is made where it is not there yet.
    fn structure(&mut self, id: &str, side: Side) -> Value {
        let structure = self.shapes.structure(id).clone();
        let component = component_name(id, &structure.name, side);
        if self.components.contains_key(&component) {
            return reference(&component);
        }
        self.components.insert(component.clone(), Value::Null); // for a structure that contains itself
        let required = self.required.get(id).cloned().unwrap_or_default();
        let mut properties = Map::new();
        for (name, shape) in &structure.members {
            let schema = self.schema(shape, side);
            let (name, schema) = match side {
                Side::Answer => (answer_name(name), schema),
                Side::Request if required.contains(name) => (name.clone(), schema),
                Side::Request => (name.clone(), nullable(schema)),
            };
            properties.insert(name, schema);
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if side == Side::Request {
            schema["additionalProperties"] = false.into();
        }
        if side == Side::Request && !required.is_empty() {
            schema["required"] = json!(required);
        }
        self.components.insert(component.clone(), schema);
        reference(&component)
    }

    /// Finds what a request must have: takes each member in turn out of a body that has them all, and lets the reader
    /// of requests judge.
    fn find_required(&mut self, input: &InputSchema, shape: &Shape) {
        let whole = self.example(shape, &mut Vec::new());
        let mut places = Vec::new();
        self.places(shape, "", "", &whole, &mut places);
        for (id, pointer, path) in places {
            let required = self.required.entry(id.clone()).or_default();
            for (member, _) in &self.shapes.structure(&id).members {
                let mut body = whole.clone();
                let place = body.pointer_mut(&pointer).and_then(Value::as_object_mut);
                if place
                    .and_then(|object| object.shift_remove(member))
                    .is_some()
                    && lacks(input, &body, &path, member)
                {
                    required.insert(member.clone());
                }
            }
        }
    }

    /// Makes a value with every member, down to where a structure would contain itself.
    fn example(&self, shape: &Shape, inside: &mut Vec<String>) -> Value {
        match shape {
            Shape::Structure(id) if inside.contains(id) => json!({}),
            Shape::Structure(id) => {
                inside.push(id.clone());
                let members = self.shapes.structure(id).members.iter();
                let object = members
                    .map(|(name, shape)| (name.clone(), self.example(shape, inside)))
                    .collect();
                inside.pop();
                Value::Object(object)
            }
            Shape::List(element) => json!([self.example(element, inside)]),
            Shape::Map(value) => json!({"key": self.example(value, inside)}),
            Shape::Boolean => json!(true),
            Shape::Integer(_) | Shape::Number => json!(1),
            Shape::Text => json!("text"),
            Shape::Blob => json!("Ynl0ZXM="),
            Shape::Timestamp => json!("2026-11-22T14:08:06Z"),
            Shape::Document => json!({}),
        }
    }

    /// Finds the place where each structure first stands in an example: its id, the pointer to it, and the path that
    /// problems name.
    fn places(
        &self,
        shape: &Shape,
        pointer: &str,
        path: &str,
        value: &Value,
        found: &mut Vec<(String, String, String)>,
    ) {
        match shape {
            Shape::Structure(id) if found.iter().all(|(known, ..)| known != id) => {
                found.push((id.clone(), pointer.to_owned(), path.to_owned()));
                for (name, shape) in &self.shapes.structure(id).members {
                    self.places(
                        shape,
                        &format!("{pointer}/{name}"),
                        &join(path, name),
                        &value[name],
                        found,
                    );
                }
            }
            Shape::List(element) => {
                self.places(
                    element,
                    &format!("{pointer}/0"),
                    &format!("{path}[0]"),
                    &value[0],
                    found,
                );
            }
            Shape::Map(element) => {
                self.places(
                    element,
                    &format!("{pointer}/key"),
                    &join(path, "key"),
                    &value["key"],
                    found,
                );
            }
            _ => {}
        }
    }
}

/// Returns `true` if the reader misses `member` in the structure at `path`.
fn lacks(input: &InputSchema, body: &Value, path: &str, member: &str) -> bool {
    let path = join(path, member);
    (input.check)(body)
        .iter()
        .any(|problem| problem.path.eq_ignore_ascii_case(&path) && problem.message == ABSENT)
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// Lets a schema be `null` too, which means absent.
pub(crate) fn nullable(schema: Value) -> Value {
    match schema {
        Value::Object(mut object) if object.get("type").is_some_and(Value::is_string) => {
            let kind = object["type"].take();
            object["type"] = json!([kind, "null"]);
            Value::Object(object)
        }
        Value::Object(object) if object.is_empty() => Value::Object(object),
        other => json!({"anyOf": [other, {"type": "null"}]}),
    }
}

/// Returns the members of an object's schema.
pub(crate) fn members_of(schema: &Value) -> impl Iterator<Item = &str> {
    schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}

/// Returns a reference to a component.
pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Returns the name of a component: AWS's; with `Input` for what a request spells, and `ServiceDiscovery` for what is Cloud
/// Map's, where ECS has its own `Service` and `Tag`.
fn component_name(id: &str, name: &str, side: Side) -> String {
    let service = if id.starts_with("com.amazonaws.servicediscovery") {
        "ServiceDiscovery"
    } else {
        ""
    };
    let suffix = if side == Side::Request && !name.ends_with("Input") {
        "Input"
    } else {
        ""
    };
    format!("{service}{name}{suffix}")
}
