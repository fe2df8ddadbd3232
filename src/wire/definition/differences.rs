//! The differences between two definitions, as an answer lists them. Of what may be secret only the names are told.

use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::{ContainerDefinition, Service, TaskDefinition};
use aws_smithy_schema::serde::SerializableStruct;
use serde_json::{Map, Value, json};

use super::RegisterTaskDefinitionInput;
use crate::wire::members::answer_name;
use crate::wire::write::write;

/// The members of a container that are lists of names and values, with the name of an entry's name.
const BY_NAME: [&str; 2] = ["environment", "secrets"];
/// The members of a container whose values may hold what nobody should read, such as a log driver's token.
const SILENT: [&str; 2] = ["logConfiguration", "firelensConfiguration"];
/// The members of `UpdateService`'s input that are told otherwise, or are no state of a service.
const NOT_TOLD: [&str; 4] = ["cluster", "service", "taskDefinition", "forceNewDeployment"];

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The place, as a body names it: `containers.web.image`; that of a container that is new or gone is its own.
    pub path: String,
    /// The value before; `None` if there was none, if it is not known, or must not be told.
    pub from: Option<Value>,
    /// The value after; `None` if there is none any more, or it must not be told.
    pub to: Option<Value>,
}

/// Lists the differences between a definition and the revision that follows it, or is to follow it.
pub fn differences(before: &TaskDefinition, after: &dyn SerializableStruct) -> Vec<FieldChange> {
    let (before, after) = (written(before), written(after));
    let mut changes = Vec::new();
    compare_all_containers(containers_of(&before), containers_of(&after), &mut changes);
    for member in RegisterTaskDefinitionInput::SCHEMA.members() {
        let Some(name) = member
            .member_name()
            .filter(|name| *name != "containerDefinitions")
        else {
            continue;
        };
        let answered = answer_name(name);
        compare(
            name,
            before.get(&answered),
            after.get(&answered),
            &mut changes,
        );
    }
    changes
}

/// Lists the members of an update that give a service another value, as far as the service shows one; without the
/// service, all of them.
pub fn member_changes(before: Option<&Service>, update: &UpdateServiceInput) -> Vec<FieldChange> {
    let before = before.map(|service| written(service));
    let after = written(update);
    let mut changes = Vec::new();
    for member in UpdateServiceInput::SCHEMA.members() {
        let Some(name) = member.member_name().filter(|name| !NOT_TOLD.contains(name)) else {
            continue;
        };
        let answered = answer_name(name);
        let old = before.as_ref().and_then(|before| before.get(&answered));
        if let Some(new) = after.get(&answered) {
            compare(name, old, Some(new), &mut changes);
        }
    }
    changes
}

/// Writes an SDK's value, which always has a JSON form.
fn written(value: &dyn SerializableStruct) -> Value {
    write(value).unwrap_or_default()
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    if before != after {
        changes.push(FieldChange {
            path: path.to_owned(),
            from: before.cloned(),
            to: after.cloned(),
        });
    }
}

fn containers_of(definition: &Value) -> &[Value] {
    let containers = definition["ContainerDefinitions"].as_array();
    containers.map_or(&[], Vec::as_slice)
}

/// Compares containers of the same name, whatever their places, and tells which are gone and which are new.
fn compare_all_containers(before: &[Value], after: &[Value], changes: &mut Vec<FieldChange>) {
    let find = |containers: &'_ [Value], name: &Value| {
        let mut containers = containers.iter();
        containers.position(|container| container["Name"] == *name)
    };
    for old in before {
        match find(after, &old["Name"]) {
            Some(place) => compare_containers(old, &after[place], changes),
            None => compare(&path_of(old), Some(&told(old)), None, changes),
        }
    }
    for new in after {
        if find(before, &new["Name"]).is_none() {
            compare(&path_of(new), None, Some(&told(new)), changes);
        }
    }
}

fn path_of(container: &Value) -> String {
    let name = container["Name"].as_str().unwrap_or_default();
    format!("containers.{name}")
}

/// Returns what is told of a container that is new, or gone: nothing that may be secret.
fn told(container: &Value) -> Value {
    json!({"Name": container["Name"], "Image": container["Image"]})
}

fn compare_containers(before: &Value, after: &Value, changes: &mut Vec<FieldChange>) {
    let container = path_of(before);
    for member in ContainerDefinition::SCHEMA.members() {
        let Some(name) = member.member_name() else {
            continue;
        };
        let answered = answer_name(name);
        let path = format!("{container}.{name}");
        let (old, new) = (before.get(&answered), after.get(&answered));
        match name {
            _ if old == new => {}
            name if BY_NAME.contains(&name) => compare_names(&path, old, new, changes),
            name if SILENT.contains(&name) => changes.push(FieldChange::silent(path)),
            "dockerLabels" => compare_entries(&path, old, new, changes),
            _ => compare(&path, old, new, changes),
        }
    }
}

/// Compares lists of names and values, and tells of the names alone.
fn compare_names(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    let (before, after) = (by_name(before), by_name(after));
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    let others = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(*value));
    let names = removed.chain(others.map(|(name, _)| name));
    changes.extend(names.map(|name| FieldChange::silent(format!("{path}.{name}"))));
}

/// Returns the values of a list by their names. No value is an empty one.
fn by_name(list: Option<&Value>) -> Map<String, Value> {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    let named = entries.map(|entry| {
        let name = entry["Name"].as_str().unwrap_or_default();
        let value = entry.get("Value").or_else(|| entry.get("ValueFrom"));
        let value = value.and_then(Value::as_str).unwrap_or_default();
        (name.to_owned(), value.into())
    });
    named.collect()
}

fn compare_entries(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    let entries = |map: Option<&Value>| map.and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (entries(before), entries(after));
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    for key in removed.chain(after.keys()) {
        let path = format!("{path}.{key}");
        compare(&path, before.get(key), after.get(key), changes);
    }
}

impl FieldChange {
    fn silent(path: String) -> Self {
        Self {
            path,
            from: None,
            to: None,
        }
    }
}
