//! Clusters, and the tags of everything in ECS.

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::clusters::NOT_FOUND;
use crate::value::{default, extend, last, list, text, texts};

impl At<'_> {
    pub(super) fn create_cluster(&mut self, input: &Value) -> Value {
        let name = input["clusterName"]
            .as_str()
            .unwrap_or("default")
            .to_owned();
        let arn = self.arn("ecs", &format!("cluster/{name}"));
        let mut cluster = input.clone();
        let made = json!({"clusterArn": arn, "clusterName": name, "status": "ACTIVE"});
        extend(&mut cluster, made);
        default(
            &mut cluster,
            json!({"registeredContainerInstancesCount": 0, "settings": [], "tags": [], "capacityProviders": [],
                "defaultCapacityProviderStrategy": []}),
        );
        self.place.tags.insert(arn, list(input, "tags").to_vec());
        self.place.clusters.insert(name.clone(), cluster);
        json!({"cluster": self.cluster(&name)})
    }

    /// Returns a cluster with what is in it.
    fn cluster(&self, name: &str) -> Option<Value> {
        let mut cluster = self.place.clusters.get(last(name))?.clone();
        let arn = text(&cluster, "clusterArn").to_owned();
        let tasks = |status: &str| {
            let is_it = |task: &&Value| {
                text(task, "clusterArn") == arn && text(task, "lastStatus") == status
            };
            self.place.tasks.iter().filter(is_it).count()
        };
        let is_active = |service: &&Value| {
            text(service, "clusterArn") == arn && text(service, "status") == "ACTIVE"
        };
        let services = self.place.services.iter().filter(is_active).count();
        extend(
            &mut cluster,
            json!({"runningTasksCount": tasks("RUNNING"), "pendingTasksCount": tasks("PENDING"),
                "activeServicesCount": services, "tags": self.tags_of(&arn)}),
        );
        Some(cluster)
    }

    pub(super) fn describe_clusters(&self, input: &Value) -> Value {
        let (mut clusters, mut failures) = (Vec::new(), Vec::new());
        for name in texts(input, "clusters") {
            match self.cluster(name) {
                Some(cluster) => clusters.push(cluster),
                None => failures.push(json!({"reason": "MISSING",
                    "arn": self.arn("ecs", &format!("cluster/{}", last(name)))})),
            }
        }
        json!({"clusters": clusters, "failures": failures})
    }

    pub(super) fn list_clusters(&self) -> Value {
        let clusters = self.place.clusters.values();
        let active = clusters.filter(|cluster| text(cluster, "status") == "ACTIVE");
        json!({"clusterArns": active.map(|cluster| text(cluster, "clusterArn")).collect::<Vec<_>>()})
    }

    pub(super) fn delete_cluster(&mut self, input: &Value) -> Result<Value, Refusal> {
        let name = last(text(input, "cluster"));
        let Some(cluster) = self.place.clusters.get_mut(name) else {
            return NOT_FOUND.refuse();
        };
        cluster["status"] = "INACTIVE".into();
        Ok(json!({"cluster": self.cluster(name)}))
    }

    pub(super) fn tags_of(&self, arn: &str) -> Vec<Value> {
        self.place.tags.get(arn).cloned().unwrap_or_default()
    }

    pub(super) fn tag(&mut self, input: &Value) -> Value {
        let arn = text(input, "resourceArn").to_owned();
        let tags = self.place.tags.entry(arn).or_default();
        for tag in list(input, "tags") {
            tags.retain(|other| other["key"] != tag["key"]);
            tags.push(tag.clone());
        }
        json!({})
    }

    pub(super) fn untag(&mut self, input: &Value) -> Value {
        if let Some(tags) = self.place.tags.get_mut(text(input, "resourceArn")) {
            tags.retain(|tag| !texts(input, "tagKeys").any(|key| tag["key"] == key));
        }
        json!({})
    }

    pub(super) fn list_tags(&self, input: &Value) -> Value {
        json!({"tags": self.tags_of(text(input, "resourceArn"))})
    }
}
