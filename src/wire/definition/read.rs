//! Reading a change out of a body.

use aws_sdk_ecs::types::ContainerDefinition;
use serde_json::{Map, Value};

use super::{ContainerChange, DefinitionChange, ImageChange, MemberChange};
use crate::image::{ImageReference, Tag};
use crate::text::printable;
use crate::wire::members::{join, key_of};
use crate::wire::read::{kind, read};
use crate::wire::validation::{Invalid, Validation};
use crate::wire::write::write_with_aws_names;

/// The members of a container that AWS has as maps, or as lists of names and values.
const MAPS: [&str; 3] = ["environment", "secrets", "dockerLabels"];

impl DefinitionChange {
    /// Takes `image`, `tag`, `containers`, `cpu` and `memory` out of a body.
    ///
    /// # Errors
    /// [`Invalid`] if anything is wrong with them; what it is goes to `validation`.
    pub fn take(
        body: &mut Map<String, Value>,
        validation: &mut Validation,
    ) -> Result<Self, Invalid> {
        let before = validation.count();
        let change = Self {
            image: take_image(body, "", validation),
            containers: take_containers(body, validation),
            cpu: take_amount(body, "cpu", validation),
            memory: take_amount(body, "memory", validation),
        };
        validation.check_since(before)?;
        Ok(change)
    }
}

/// Takes `image` or `tag` of the object at `path`.
fn take_image(
    object: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Option<ImageChange> {
    let image = take_text(object, path, "image", validation);
    let tag = take_text(object, path, "tag", validation);
    let (place, change) = match (image, tag) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            let message = "given beside `image`, which has a tag of its own; give one of them";
            validation.refuse(join(path, "tag"), message);
            return None;
        }
        (Some(image), None) => {
            let reference = ImageReference::parse(&image);
            ("image", reference.map(ImageChange::Whole))
        }
        (None, Some(tag)) => ("tag", Tag::parse(&tag).map(ImageChange::Tag)),
    };
    change
        .map_err(|error| validation.refuse(join(path, place), error.to_string()))
        .ok()
}

fn take_text(
    object: &mut Map<String, Value>,
    path: &str,
    name: &str,
    validation: &mut Validation,
) -> Option<String> {
    match validation.take(object, path, name)? {
        Value::String(text) => Some(text),
        other => {
            let message = format!("expected string, got {}", kind(&other));
            validation.refuse(join(path, name), message);
            None
        }
    }
}

/// Takes an amount of the task: AWS has it as text, and most people write a number.
fn take_amount(
    body: &mut Map<String, Value>,
    name: &str,
    validation: &mut Validation,
) -> Option<String> {
    match validation.take(body, "", name)? {
        Value::String(text) => Some(text),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        other => {
            let message = format!("expected string or integer, got {}", kind(&other));
            validation.refuse(name, message);
            None
        }
    }
}

fn take_containers(
    body: &mut Map<String, Value>,
    validation: &mut Validation,
) -> Vec<ContainerChange> {
    let containers = match validation.take(body, "", "containers") {
        None => return Vec::new(),
        Some(Value::Object(containers)) => containers,
        Some(other) => {
            let message = format!(
                "expected an object of containers by name, got {}",
                kind(&other)
            );
            validation.refuse("containers", message);
            return Vec::new();
        }
    };
    let changes = containers.into_iter().filter_map(|(name, value)| {
        let path = join("containers", &printable(&name));
        match value {
            Value::Object(members) => Some(take_container(name, members, &path, validation)),
            Value::Null => None,
            other => {
                validation.refuse(path, format!("expected object, got {}", kind(&other)));
                None
            }
        }
    });
    changes.collect()
}

fn take_container(
    name: String,
    mut object: Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> ContainerChange {
    let image = take_image(&mut object, path, validation);
    if validation
        .take(&mut object, path, "name")
        .is_some_and(|given| given != *name)
    {
        let message = "a container keeps its name; the member of `containers` says which it is";
        validation.refuse(join(path, "name"), message);
    }
    let (mut members, mut others) = (Vec::new(), Map::new());
    for member in ContainerDefinition::SCHEMA.members() {
        let Some(known) = member.member_name() else {
            continue;
        };
        let Some(key) = key_of(&object, known) else {
            continue;
        };
        let is_null = object[&key].is_null();
        match validation.take(&mut object, path, known) {
            None if is_null => members.push((known, MemberChange::Remove)),
            None => {}
            Some(Value::Object(entries)) if MAPS.contains(&known) => {
                let entries = read_entries(entries, &join(path, known), validation);
                members.push((known, MemberChange::Merge(entries)));
            }
            Some(value) => {
                others.insert(known.to_owned(), value);
            }
        }
    }
    // What is left is unknown, which the reader says in its own words.
    let given: Vec<_> = others.keys().cloned().collect();
    others.extend(object);
    let read = read::<ContainerDefinition>(&Value::Object(others), path, validation);
    if let Ok(Ok(Value::Object(mut read))) = read.map(|read| write_with_aws_names(&read)) {
        let known = ContainerDefinition::SCHEMA.members().iter();
        let known = known.filter_map(|member| member.member_name());
        // The SDK fills in what it has no absence for: only what was given is a change.
        for name in known.filter(|known| given.iter().any(|given| given == known)) {
            let value = read.remove(name).unwrap_or_default();
            members.push((name, MemberChange::Replace(value)));
        }
    }
    ContainerChange {
        name,
        image,
        members,
    }
}

/// Reads `{"A": "1", "B": null}`.
fn read_entries(
    entries: Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Vec<(String, Option<String>)> {
    let read = entries.into_iter().filter_map(|(key, value)| match value {
        Value::Null => Some((key, None)),
        Value::String(text) => Some((key, Some(text))),
        other => {
            // Not the value itself: it may be a secret.
            let message = format!(
                "expected string, or null to remove it, got {}",
                kind(&other)
            );
            validation.refuse(join(path, &printable(&key)), message);
            None
        }
    });
    read.collect()
}
