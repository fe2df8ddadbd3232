//! Task definitions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::task_definitions::CANNOT_DESCRIBE;
use crate::value::{extend, last, list, remove, text, texts};

impl At<'_> {
    pub(super) fn register(&mut self, input: &Value) -> Value {
        let family = text(input, "family");
        let is_of_family = |other: &&Value| text(other, "family") == family;
        let number = 1 + self
            .place
            .task_definitions
            .iter()
            .filter(is_of_family)
            .count();
        let arn = self.arn("ecs", &format!("task-definition/{family}:{number}"));
        let mut definition = input.clone();
        remove(&mut definition, "tags");
        extend(
            &mut definition,
            json!({"taskDefinitionArn": arn, "revision": number, "status": "ACTIVE",
                "registeredAt": self.clock.created_at()}),
        );
        self.place.tags.insert(arn, list(input, "tags").to_vec());
        self.place.task_definitions.push(definition.clone());
        self.shown(&definition)
    }

    fn shown(&self, definition: &Value) -> Value {
        let tags = self.tags_of(text(definition, "taskDefinitionArn"));
        json!({"taskDefinition": definition, "tags": tags})
    }

    /// Finds a revision by `family`, whose highest ACTIVE one it is then, by `family:revision`, or by its ARN.
    pub(super) fn definition(&self, name: &str) -> Option<&Value> {
        let is_it = |definition: &&Value| {
            let is_active = text(definition, "status") == "ACTIVE";
            last(text(definition, "taskDefinitionArn")) == last(name)
                || (text(definition, "family") == last(name) && is_active)
        };
        self.place.task_definitions.iter().rev().find(is_it)
    }

    pub(super) fn describe_task_definition(&self, input: &Value) -> Result<Value, Refusal> {
        match self.definition(text(input, "taskDefinition")) {
            Some(definition) => Ok(self.shown(definition)),
            None => CANNOT_DESCRIBE.refuse(),
        }
    }

    fn exact(&mut self, name: &str) -> Option<&mut Value> {
        let mut definitions = self.place.task_definitions.iter_mut();
        definitions.find(|definition| last(text(definition, "taskDefinitionArn")) == last(name))
    }

    pub(super) fn deregister(&mut self, input: &Value) -> Result<Value, Refusal> {
        let now = self.clock.created_at();
        let Some(definition) = self.exact(text(input, "taskDefinition")) else {
            return CANNOT_DESCRIBE.refuse();
        };
        let answer = json!({"taskDefinition": {}});
        definition["status"] = "INACTIVE".into();
        let mut answered = definition.clone();
        extend(definition, json!({"deregisteredAt": now}));
        answered["status"] = "INACTIVE".into();
        let mut answer = answer;
        answer["taskDefinition"] = answered;
        Ok(answer)
    }

    pub(super) fn delete_task_definitions(&mut self, input: &Value) -> Value {
        let now = self.clock.created_at();
        let mut deleted = Vec::new();
        for name in texts(input, "taskDefinitions") {
            if let Some(definition) = self.exact(name) {
                let gone = json!({"status": "DELETE_IN_PROGRESS", "deleteRequestedAt": now});
                extend(definition, gone);
                deleted.push(definition.clone());
            }
        }
        json!({"taskDefinitions": deleted, "failures": []})
    }

    pub(super) fn list_task_definitions(&self, input: &Value) -> Value {
        let status = input["status"].as_str().unwrap_or("ACTIVE");
        let is_it = |definition: &&Value| {
            text(definition, "status") == status
                && input["familyPrefix"]
                    .as_str()
                    .is_none_or(|family| text(definition, "family") == family)
        };
        let mut found: Vec<_> = self.place.task_definitions.iter().filter(is_it).collect();
        found.sort_by_key(|definition| {
            (
                text(definition, "family").to_owned(),
                definition["revision"].as_u64(),
            )
        });
        if text(input, "sort") == "DESC" {
            found.reverse();
        }
        let arns: Vec<_> = found
            .into_iter()
            .map(|definition| text(definition, "taskDefinitionArn"))
            .collect();
        json!({"taskDefinitionArns": arns})
    }

    pub(super) fn list_families(&self, input: &Value) -> Value {
        let prefix = text(input, "familyPrefix");
        let status = input["status"].as_str().unwrap_or("ACTIVE");
        let definitions = self.place.task_definitions.iter();
        let is_active = |family: &str| {
            let mut of_family = self
                .place
                .task_definitions
                .iter()
                .filter(|definition| text(definition, "family") == family);
            of_family.any(|definition| text(definition, "status") == "ACTIVE")
        };
        let families: BTreeSet<_> = definitions
            .map(|definition| text(definition, "family"))
            .filter(|family| family.starts_with(prefix))
            .filter(|family| match status {
                "ACTIVE" => is_active(family),
                "INACTIVE" => !is_active(family),
                _ => true,
            })
            .collect();
        json!({"families": families})
    }
}
