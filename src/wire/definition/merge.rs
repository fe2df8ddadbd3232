//! Merging a change into the definition that is there.

use aws_sdk_ecs::types::TaskDefinition;
use serde_json::{Map, Value, json};

use super::{
    ContainerChange, DefinitionChange, ImageChange, MemberChange, MergeError, MergedDefinition,
    RegisterTaskDefinitionInput, differences,
};
use crate::image::ImageReference;
use crate::wire::read::read;
use crate::wire::validation::{FieldError, Unknown, Validation};
use crate::wire::write::write_with_aws_names;

/// The lists of a container that stand for maps, each with the member that holds an entry's value.
const LISTS_OF_NAMES: [(&str, &str); 2] = [("environment", "value"), ("secrets", "valueFrom")];

impl DefinitionChange {
    /// Merges the change into a definition.
    ///
    /// # Errors
    /// [`MergeError`] if it does not fit the definition.
    pub fn merge(&self, present: &TaskDefinition) -> Result<MergedDefinition, MergeError> {
        let mut definition = write_with_aws_names(present).map_err(|error| unreadable(&error))?;
        let mut containers = definition["containerDefinitions"].take();
        let list = containers.as_array_mut().map_or(&mut [][..], |list| list);
        for container in list.iter_mut() {
            fill_in_empty_values(container);
        }
        if let Some(change) = &self.image {
            change_image(only_essential(list)?, change)?;
        }
        for change in &self.containers {
            apply(find(list, &change.name)?, change)?;
        }
        definition["containerDefinitions"] = containers;
        for (name, amount) in [("cpu", &self.cpu), ("memory", &self.memory)] {
            if let Some(amount) = amount {
                definition[name] = amount.as_str().into();
            }
        }
        let mut validation = Validation::new(Unknown::Refuse);
        let input = read::<RegisterTaskDefinitionInput>(&definition, "", &mut validation);
        let (input, _) = validation.finish_with(input).map_err(MergeError::Invalid)?;
        let changes = differences(present, &input);
        Ok(MergedDefinition { input, changes })
    }
}

fn unreadable(error: &dyn std::error::Error) -> MergeError {
    MergeError::Invalid(vec![FieldError {
        path: String::new(),
        message: error.to_string(),
    }])
}

fn name_of(container: &Value) -> &str {
    container["name"].as_str().unwrap_or_default()
}

fn names(containers: &[Value]) -> Vec<String> {
    let names = containers.iter().map(name_of);
    names.map(str::to_owned).collect()
}

fn find<'c>(containers: &'c mut [Value], name: &str) -> Result<&'c mut Value, MergeError> {
    let place = containers
        .iter()
        .position(|container| name_of(container) == name);
    match place {
        Some(place) => Ok(&mut containers[place]),
        None => Err(MergeError::NoContainer {
            name: name.to_owned(),
            known: names(containers),
        }),
    }
}

/// Finds the only essential container. One that does not say is essential
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>).
fn only_essential(containers: &mut [Value]) -> Result<&mut Value, MergeError> {
    let is_essential = |container: &Value| container["essential"] != json!(false);
    let count = containers
        .iter()
        .filter(|container| is_essential(container))
        .count();
    let place = containers.iter().position(is_essential);
    match place.filter(|_| count == 1) {
        Some(place) => Ok(&mut containers[place]),
        None => Err(MergeError::NoOnlyContainer(names(containers))),
    }
}

/// Gives a variable that AWS shows without a value the empty one that it stands for.
fn fill_in_empty_values(container: &mut Value) {
    let variables = container["environment"].as_array_mut();
    for variable in variables.into_iter().flatten() {
        if let Some(variable) = variable.as_object_mut() {
            variable.entry("value").or_insert_with(|| "".into());
        }
    }
}

fn change_image(container: &mut Value, change: &ImageChange) -> Result<(), MergeError> {
    let after = match change {
        ImageChange::Whole(image) => image.clone(),
        ImageChange::Tag(tag) => {
            let present = container["image"].as_str().unwrap_or_default();
            let present = ImageReference::parse(present);
            let present = present.map_err(|cause| MergeError::PresentImage {
                container: name_of(container).to_owned(),
                cause,
            })?;
            present.with_tag(tag)
        }
    };
    container["image"] = after.to_string().into();
    Ok(())
}

fn apply(container: &mut Value, change: &ContainerChange) -> Result<(), MergeError> {
    if let Some(image) = &change.image {
        change_image(container, image)?;
    }
    let Some(members) = container.as_object_mut() else {
        return Ok(());
    };
    for (name, change) in &change.members {
        match change {
            MemberChange::Remove => {
                members.shift_remove(*name);
            }
            MemberChange::Replace(value) => {
                members.insert((*name).to_owned(), value.clone());
            }
            MemberChange::Merge(entries) => merge_entries(members, name, entries),
        }
    }
    Ok(())
}

fn merge_entries(
    members: &mut Map<String, Value>,
    name: &str,
    entries: &[(String, Option<String>)],
) {
    let list = LISTS_OF_NAMES.iter().find(|(list, _)| *list == name);
    if let Some((_, value_member)) = list {
        let present = members.entry(name).or_insert_with(|| json!([]));
        for (key, value) in entries {
            merge_into_list(present, key, value.as_deref(), value_member);
        }
        return;
    }
    let present = members.entry(name).or_insert_with(|| json!({}));
    let Some(present) = present.as_object_mut() else {
        return;
    };
    for (key, value) in entries {
        match value {
            Some(value) => present.insert(key.clone(), value.as_str().into()),
            None => present.shift_remove(key),
        };
    }
}

/// Sets or removes one entry of a list of names and values; what is there keeps its place.
fn merge_into_list(list: &mut Value, key: &str, value: Option<&str>, value_member: &str) {
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let place = list.iter().position(|entry| entry["name"] == *key);
    match (place, value) {
        (Some(place), Some(value)) => list[place][value_member] = value.into(),
        (Some(_), None) => list.retain(|entry| entry["name"] != *key),
        (None, Some(value)) => list.push(json!({"name": key, value_member: value})),
        (None, None) => {}
    }
}
