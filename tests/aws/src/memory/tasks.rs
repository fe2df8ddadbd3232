//! Tasks of ECS.

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::services::TASK_DEFINITION_NOT_FOUND;
use crate::rules::tasks::NOT_FOUND;
use crate::value::{default, extend, last, list, text, texts};

/// The id of the first task of an AWS, which the documentation's requests name.
const FIRST: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

impl At<'_> {
    /// Returns a task that runs.
    pub(super) fn start_task(&mut self, cluster: &str, definition: &str, group: &str) -> Value {
        let id = FIRST + u128::try_from(self.place.tasks.len()).unwrap_or_default();
        let id = format!("{id:032x}");
        let arn = self.arn("ecs", &format!("task/{}/{id}", last(cluster)));
        let now = self.clock.created_at();
        let described = self.definition(definition).cloned().unwrap_or_default();
        let containers = list(&described, "containerDefinitions").iter();
        let containers: Vec<_> = containers
            .enumerate()
            .map(|(number, container)| {
                let container_arn = self.arn(
                    "ecs",
                    &format!("container/{}/{id}/{number:036}", last(cluster)),
                );
                json!({"containerArn": container_arn, "taskArn": arn, "name": container["name"],
                    "image": container["image"], "lastStatus": "RUNNING", "networkInterfaces": [],
                    "healthStatus": "UNKNOWN", "cpu": "0"})
            })
            .collect();
        json!({
            "taskArn": arn, "clusterArn": cluster, "taskDefinitionArn": definition, "group": group,
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": now, "startedAt": now,
            "connectivity": "CONNECTED", "connectivityAt": now, "version": 1, "containers": containers,
            "attachments": [], "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
            "availabilityZone": format!("{}a", self.call.region), "enableExecuteCommand": false,
            "cpu": described["cpu"].as_str().unwrap_or("256"), "memory": described["memory"].as_str().unwrap_or("512"),
            "healthStatus": "UNKNOWN", "ephemeralStorage": {"sizeInGiB": 20},
        })
    }

    pub(super) fn run_task(&mut self, input: &Value) -> Result<Value, Refusal> {
        let cluster = last(input["cluster"].as_str().unwrap_or("default"));
        let cluster = self.arn("ecs", &format!("cluster/{cluster}"));
        let Some(definition) = self.definition(text(input, "taskDefinition")) else {
            return TASK_DEFINITION_NOT_FOUND.refuse();
        };
        let family = text(definition, "family").to_owned();
        let definition = text(definition, "taskDefinitionArn").to_owned();
        let group = input["group"]
            .as_str()
            .map_or_else(|| format!("family:{family}"), str::to_owned);
        let mut started = Vec::new();
        for _ in 0..input["count"].as_u64().unwrap_or(1) {
            let mut task = self.start_task(&cluster, &definition, &group);
            for member in [
                "overrides",
                "launchType",
                "startedBy",
                "platformVersion",
                "capacityProviderStrategy",
            ] {
                if let Some(value) = input.get(member) {
                    task[member] = value.clone();
                }
            }
            default(&mut task, json!({"overrides": {}}));
            let arn = text(&task, "taskArn").to_owned();
            self.place.tags.insert(arn, list(input, "tags").to_vec());
            self.place.tasks.push(task.clone());
            started.push(self.shown_task(&task));
        }
        Ok(json!({"tasks": started, "failures": []}))
    }

    fn shown_task(&self, task: &Value) -> Value {
        let mut shown = task.clone();
        shown["tags"] = self.tags_of(text(task, "taskArn")).into();
        shown
    }

    pub(super) fn describe_tasks(&self, input: &Value) -> Value {
        let cluster = last(input["cluster"].as_str().unwrap_or("default"));
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for name in texts(input, "tasks") {
            let arn = self.arn("ecs", &format!("task/{cluster}/{}", last(name)));
            let mut all = self.place.tasks.iter();
            match all.find(|task| text(task, "taskArn") == arn) {
                Some(task) => tasks.push(self.shown_task(task)),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        json!({"tasks": tasks, "failures": failures})
    }

    pub(super) fn list_tasks(&self, input: &Value) -> Value {
        let cluster = last(input["cluster"].as_str().unwrap_or("default"));
        let cluster = self.arn("ecs", &format!("cluster/{cluster}"));
        let status = input["desiredStatus"].as_str().unwrap_or("RUNNING");
        let is = |task: &Value, member: &str, asked: &str| {
            input[asked]
                .as_str()
                .is_none_or(|asked| text(task, member) == asked)
        };
        let is_it = |task: &&Value| {
            let service = input["serviceName"].as_str();
            let family = last(text(task, "taskDefinitionArn"));
            let family = family.split(':').next().unwrap_or_default();
            text(task, "clusterArn") == cluster
                && text(task, "desiredStatus") == status
                && service
                    .is_none_or(|name| text(task, "group") == format!("service:{}", last(name)))
                && input["family"].as_str().is_none_or(|asked| family == asked)
                && is(task, "startedBy", "startedBy")
                && is(task, "launchType", "launchType")
        };
        let found = self.place.tasks.iter().filter(is_it);
        json!({"taskArns": found.map(|task| text(task, "taskArn")).collect::<Vec<_>>()})
    }

    pub(super) fn stop_task(&mut self, input: &Value) -> Result<Value, Refusal> {
        let id = last(text(input, "task"));
        let now = self.clock.created_at();
        let mut tasks = self.place.tasks.iter_mut();
        let Some(task) = tasks.find(|task| last(text(task, "taskArn")) == id) else {
            return NOT_FOUND.refuse();
        };
        if text(task, "lastStatus") != "STOPPED" {
            extend(
                task,
                json!({"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "UserInitiated",
                    "stoppedReason": input["reason"].as_str().unwrap_or("Task stopped by user"),
                    "stoppingAt": now, "stoppedAt": now}),
            );
        }
        let task = task.clone();
        Ok(json!({"task": self.shown_task(&task)}))
    }
}
