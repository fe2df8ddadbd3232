//! Services of ECS.

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::services::{NOT_FOUND, TASK_DEFINITION_NOT_FOUND};
use crate::value::{default, extend, last, list, remove, text, texts};

impl At<'_> {
    fn service_arn(&self, input: &Value, name: &str) -> String {
        let cluster = last(input["cluster"].as_str().unwrap_or("default"));
        self.arn("ecs", &format!("service/{cluster}/{}", last(name)))
    }

    fn service(&mut self, input: &Value) -> Option<&mut Value> {
        let arn = self.service_arn(input, text(input, "service"));
        let mut services = self.place.services.iter_mut();
        services.find(|service| text(service, "serviceArn") == arn)
    }

    pub(super) fn create_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let cluster = last(input["cluster"].as_str().unwrap_or("default")).to_owned();
        let name = text(input, "serviceName");
        let arn = self.service_arn(input, name);
        let Some(definition) = self.definition(text(input, "taskDefinition")) else {
            return TASK_DEFINITION_NOT_FOUND.refuse();
        };
        let definition = text(definition, "taskDefinitionArn").to_owned();
        let now = self.clock.created_at();
        let mut service = input.clone();
        for member in ["cluster", "clientToken", "tags"] {
            remove(&mut service, member);
        }
        extend(
            &mut service,
            json!({"serviceArn": arn, "clusterArn": self.arn("ecs", &format!("cluster/{cluster}")), "status": "ACTIVE",
                "taskDefinition": definition, "createdAt": now, "events": [], "deployments": []}),
        );
        default(&mut service, json!({"desiredCount": 0}));
        self.place
            .tags
            .insert(arn.clone(), list(input, "tags").to_vec());
        self.place
            .services
            .retain(|other| text(other, "serviceArn") != arn);
        self.place.services.push(service);
        self.deploy(&arn, now);
        self.scale(&arn);
        Ok(json!({"service": self.shown_service(&arn)}))
    }

    /// Makes a new PRIMARY deployment.
    fn deploy(&mut self, arn: &str, now: f64) {
        let number = self.next();
        let mut services = self.place.services.iter_mut();
        let Some(service) = services.find(|service| text(service, "serviceArn") == arn) else {
            return;
        };
        let mut deployment = json!({"id": format!("ecs-svc/{number:019}"), "status": "PRIMARY",
            "taskDefinition": service["taskDefinition"], "desiredCount": service["desiredCount"], "pendingCount": 0,
            "runningCount": 0, "failedTasks": 0, "createdAt": now, "updatedAt": now, "rolloutState": "IN_PROGRESS"});
        for member in [
            "launchType",
            "networkConfiguration",
            "capacityProviderStrategy",
        ] {
            if let Some(value) = service.get(member) {
                deployment[member] = value.clone();
            }
        }
        if let Some(deployments) = service["deployments"].as_array_mut() {
            for old in deployments.iter_mut() {
                old["status"] = "ACTIVE".into();
            }
            deployments.insert(0, deployment);
        }
    }

    /// Starts and stops tasks until there are as many as desired.
    fn scale(&mut self, arn: &str) {
        let found = self
            .place
            .services
            .iter()
            .find(|service| text(service, "serviceArn") == arn);
        let Some(service) = found.cloned() else {
            return;
        };
        let group = format!("service:{}", text(&service, "serviceName"));
        let cluster = text(&service, "clusterArn").to_owned();
        let desired = match text(&service, "status") {
            "ACTIVE" => service["desiredCount"].as_u64().unwrap_or_default(),
            _ => 0,
        };
        let is_its = |task: &Value| {
            text(task, "clusterArn") == cluster
                && text(task, "group") == group
                && text(task, "desiredStatus") == "RUNNING"
        };
        let running = self.place.tasks.iter().filter(|task| is_its(task)).count() as u64;
        for _ in running..desired.min(50) {
            let started_by = service["deployments"][0]["id"].clone();
            let mut task = self.start_task(&cluster, text(&service, "taskDefinition"), &group);
            extend(&mut task, json!({"startedBy": started_by}));
            default(&mut task, json!({"launchType": service["launchType"]}));
            if text(&service, "propagateTags") == "SERVICE" {
                let tags = self.tags_of(arn);
                let task = text(&task, "taskArn").to_owned();
                self.place.tags.insert(task, tags);
            }
            self.place.tasks.push(task);
        }
        let surplus = usize::try_from(running.saturating_sub(desired)).unwrap_or_default();
        let now = self.clock.created_at();
        let deployment = text(&service["deployments"][0], "id").to_owned();
        let stopped = self.place.tasks.iter_mut().filter(|task| is_its(task));
        for task in stopped.take(surplus) {
            let reason = format!("Scaling activity initiated by (deployment {deployment})");
            extend(
                task,
                json!({"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": reason,
                    "stopCode": "ServiceSchedulerInitiated", "stoppingAt": now, "stoppedAt": now}),
            );
        }
    }

    fn shown_service(&self, arn: &str) -> Option<Value> {
        let mut services = self.place.services.iter();
        let mut service = services
            .find(|service| text(service, "serviceArn") == arn)?
            .clone();
        let group = format!("service:{}", text(&service, "serviceName"));
        let running = self.place.tasks.iter().filter(|task| {
            text(task, "clusterArn") == text(&service, "clusterArn")
                && text(task, "group") == group
                && text(task, "lastStatus") == "RUNNING"
        });
        let running = running.count();
        extend(
            &mut service,
            json!({"runningCount": running, "pendingCount": 0, "tags": self.tags_of(arn)}),
        );
        let desired = service["desiredCount"].clone();
        if let Some(deployment) = service["deployments"].get_mut(0) {
            deployment["runningCount"] = running.into();
            deployment["desiredCount"] = desired;
        }
        Some(service)
    }

    pub(super) fn describe_services(&self, input: &Value) -> Value {
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in texts(input, "services") {
            let arn = self.service_arn(input, name);
            match self.shown_service(&arn) {
                Some(service) => services.push(service),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        json!({"services": services, "failures": failures})
    }

    pub(super) fn list_services(&self, input: &Value) -> Value {
        let cluster = last(input["cluster"].as_str().unwrap_or("default"));
        let arn = self.arn("ecs", &format!("cluster/{cluster}"));
        let is_it = |service: &&Value| {
            text(service, "clusterArn") == arn
                && text(service, "status") == "ACTIVE"
                && input["launchType"]
                    .as_str()
                    .is_none_or(|kind| text(service, "launchType") == kind)
        };
        let found = self.place.services.iter().filter(is_it);
        json!({"serviceArns": found.map(|service| text(service, "serviceArn")).collect::<Vec<_>>()})
    }

    pub(super) fn update_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let definition = input["taskDefinition"]
            .as_str()
            .and_then(|name| self.definition(name))
            .map(|definition| definition["taskDefinitionArn"].clone());
        let now = self.clock.created_at();
        let Some(service) = self.service(input) else {
            return NOT_FOUND.refuse();
        };
        let mut members = input.clone();
        for member in ["cluster", "service", "forceNewDeployment", "taskDefinition"] {
            remove(&mut members, member);
        }
        extend(service, members);
        let arn = text(service, "serviceArn").to_owned();
        // The revision that it runs already is none to deploy.
        let is_another = definition
            .as_ref()
            .is_some_and(|definition| service["taskDefinition"] != *definition);
        let is_deployed = is_another || input["forceNewDeployment"] == true;
        if let Some(definition) = definition {
            service["taskDefinition"] = definition;
        }
        if is_deployed {
            self.deploy(&arn, now);
        }
        self.scale(&arn);
        Ok(json!({"service": self.shown_service(&arn)}))
    }

    pub(super) fn delete_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let Some(service) = self.service(input) else {
            return NOT_FOUND.refuse();
        };
        extend(service, json!({"status": "INACTIVE", "desiredCount": 0}));
        let arn = text(service, "serviceArn").to_owned();
        self.scale(&arn);
        Ok(json!({"service": self.shown_service(&arn)}))
    }

    pub(super) fn delete_express_service(&mut self, input: &Value) -> Result<Value, Refusal> {
        let arn = text(input, "serviceArn");
        let parts: Vec<_> = arn.split('/').collect();
        let [_, cluster, name] = parts[..] else {
            return NOT_FOUND.refuse();
        };
        self.delete_service(&json!({"cluster": cluster, "service": name}))
    }
}
