//! Namespaces, and services of Cloud Map, which are registries of ECS's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::cloud_map::{NAMESPACE_NOT_FOUND, NOT_FOUND};
use crate::value::{extend, last, list, remove, text, texts};

/// The registry that the documentation's requests name is the first one that an AWS makes.
const FIRST: &str = "srv-tvtbgvkkxtts3qlf";

/// The things of an account in Cloud Map.
#[derive(Debug, Default)]
pub(super) struct CloudMap {
    namespaces: BTreeMap<String, Value>,
    registries: Vec<Value>,
    /// Instances that were registered by hand, or that ECS did not deregister, by the registry's id.
    instances: BTreeMap<String, Vec<Value>>,
    operations: BTreeMap<String, Value>,
}

impl CloudMap {
    pub(super) fn registries(&self) -> impl Iterator<Item = &Value> {
        self.registries.iter()
    }
}

impl At<'_> {
    pub(super) fn cloud_map(
        &mut self,
        name: &str,
        input: &Value,
    ) -> Option<Result<Value, Refusal>> {
        Some(match name {
            "CreatePrivateDnsNamespace" => Ok(self.create_namespace("DNS_PRIVATE", input)),
            "CreatePublicDnsNamespace" => Ok(self.create_namespace("DNS_PUBLIC", input)),
            "CreateHttpNamespace" => Ok(self.create_namespace("HTTP", input)),
            // No operation of AWS, but what a test begins with.
            "PutNamespace" => {
                self.put_namespace(text(input, "Id"), "DNS_PRIVATE", text(input, "Name"));
                Ok(json!({}))
            }
            "GetNamespace" => self.get_namespace(input),
            "ListNamespaces" => Ok(self.list_namespaces()),
            "GetOperation" => Ok(self.get_operation(input)),
            "CreateService" => Ok(self.create_registry(input)),
            "GetService" => self.get_registry(input),
            "ListServices" => Ok(self.list_registries(input)),
            "DeleteService" => self.delete_registry(input),
            "ListInstances" => Ok(self.list_instances(input)),
            "RegisterInstance" => Ok(self.register_instance(input)),
            "DeregisterInstance" => Ok(self.deregister_instance(input)),
            "TagResource" => Ok(self.tag_registry(input)),
            "UntagResource" => Ok(self.untag_registry(input)),
            "ListTagsForResource" => Ok(json!({"Tags": self.tags_of(text(input, "ResourceARN"))})),
            _ => return None,
        })
    }

    fn create_namespace(&mut self, kind: &str, input: &Value) -> Value {
        let number = self.next();
        let id = format!("ns-{number:016}");
        let operation = format!("operation-{number}");
        self.put_namespace(&id, kind, text(input, "Name"));
        let done = json!({"Id": operation, "Type": "CREATE_NAMESPACE", "Status": "SUCCESS",
            "Targets": {"NAMESPACE": id}});
        self.place
            .cloud_map
            .operations
            .insert(operation.clone(), done);
        json!({"OperationId": operation})
    }

    pub(super) fn put_namespace(&mut self, id: &str, kind: &str, name: &str) {
        let arn = self.arn("servicediscovery", &format!("namespace/{id}"));
        let namespace = json!({"Id": id, "Arn": arn, "Name": name, "Type": kind,
            "CreateDate": self.clock.created_at(), "Properties": {"HttpProperties": {"HttpName": name}}});
        let namespaces = &mut self.place.cloud_map.namespaces;
        namespaces.insert(id.to_owned(), namespace);
    }

    fn get_namespace(&self, input: &Value) -> Result<Value, Refusal> {
        match self.place.cloud_map.namespaces.get(last(text(input, "Id"))) {
            Some(namespace) => Ok(json!({"Namespace": namespace})),
            None => NAMESPACE_NOT_FOUND.refuse(),
        }
    }

    fn list_namespaces(&self) -> Value {
        let namespaces = &self.place.cloud_map.namespaces;
        json!({"Namespaces": namespaces.values().collect::<Vec<_>>()})
    }

    fn get_operation(&self, input: &Value) -> Value {
        let operations = &self.place.cloud_map.operations;
        json!({"Operation": operations.get(text(input, "OperationId"))})
    }

    fn create_registry(&mut self, input: &Value) -> Value {
        let registries = &self.place.cloud_map.registries;
        let id = if registries.is_empty() && *self.made < 100 {
            FIRST.to_owned()
        } else {
            format!("srv-{:016}", self.next())
        };
        let id = input["ReusedId"].as_str().map_or(id, str::to_owned);
        let arn = self.arn("servicediscovery", &format!("service/{id}"));
        let mut registry = input.clone();
        for member in ["Tags", "ReusedId"] {
            remove(&mut registry, member);
        }
        extend(
            &mut registry,
            json!({"Id": id, "Arn": arn, "CreateDate": self.clock.created_at()}),
        );
        self.place.tags.insert(arn, list(input, "Tags").to_vec());
        self.place.cloud_map.registries.push(registry.clone());
        json!({"Service": registry})
    }

    fn registry(&self, id: &str) -> Option<&Value> {
        let mut registries = self.place.cloud_map.registries.iter();
        registries.find(|registry| text(registry, "Id") == last(id))
    }

    fn get_registry(&self, input: &Value) -> Result<Value, Refusal> {
        match self.registry(text(input, "Id")) {
            Some(registry) => Ok(json!({"Service": registry})),
            None => NOT_FOUND.refuse(),
        }
    }

    fn list_registries(&self, input: &Value) -> Value {
        let is_it = |registry: &&Value| {
            let mut filters = list(input, "Filters").iter();
            filters.all(|filter| {
                text(filter, "Name") != "NAMESPACE_ID"
                    || texts(filter, "Values").any(|id| registry["NamespaceId"] == id)
            })
        };
        let found = self.place.cloud_map.registries.iter().filter(is_it);
        json!({"Services": found.collect::<Vec<_>>()})
    }

    fn delete_registry(&mut self, input: &Value) -> Result<Value, Refusal> {
        let Some(registry) = self.registry(text(input, "Id")) else {
            return NOT_FOUND.refuse();
        };
        let id = text(registry, "Id").to_owned();
        let registries = &mut self.place.cloud_map.registries;
        registries.retain(|registry| text(registry, "Id") != id);
        Ok(json!({}))
    }

    /// Returns the tasks that ECS has registered, and what was registered by hand.
    fn list_instances(&self, input: &Value) -> Value {
        let id = last(text(input, "ServiceId"));
        let users = self.place.services.iter().filter(|service| {
            let mut registries = list(service, "serviceRegistries").iter();
            registries.any(|registry| last(text(registry, "registryArn")) == id)
        });
        let mut instances: Vec<_> = users
            .flat_map(|service| self.instances_of(service))
            .collect();
        let by_hand = self.place.cloud_map.instances.get(id);
        instances.extend(by_hand.into_iter().flatten().cloned());
        json!({"Instances": instances})
    }

    fn instances_of(&self, service: &Value) -> Vec<Value> {
        let name = text(service, "serviceName");
        let group = format!("service:{name}");
        let tasks = self.place.tasks.iter().filter(|task| {
            text(task, "group") == group
                && text(task, "clusterArn") == text(service, "clusterArn")
                && text(task, "lastStatus") == "RUNNING"
        });
        let instance = |task: &Value| {
            json!({"Id": last(text(task, "taskArn")), "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.7",
                "ECS_SERVICE_NAME": name, "ECS_CLUSTER_NAME": last(text(service, "clusterArn"))}})
        };
        tasks.map(instance).collect()
    }

    fn register_instance(&mut self, input: &Value) -> Value {
        let id = last(text(input, "ServiceId")).to_owned();
        let instance = json!({"Id": input["InstanceId"], "Attributes": input["Attributes"]});
        let instances = self.place.cloud_map.instances.entry(id).or_default();
        instances.retain(|other| other["Id"] != instance["Id"]);
        instances.push(instance);
        json!({"OperationId": format!("operation-{}", self.next())})
    }

    fn deregister_instance(&mut self, input: &Value) -> Value {
        let id = last(text(input, "ServiceId"));
        if let Some(instances) = self.place.cloud_map.instances.get_mut(id) {
            instances.retain(|instance| instance["Id"] != input["InstanceId"]);
        }
        json!({"OperationId": format!("operation-{}", self.next())})
    }

    fn tag_registry(&mut self, input: &Value) -> Value {
        self.tag(&json!({"resourceArn": input["ResourceARN"], "tags": input["Tags"]}))
    }

    fn untag_registry(&mut self, input: &Value) -> Value {
        self.untag(&json!({"resourceArn": input["ResourceARN"], "tagKeys": input["TagKeys"]}))
    }
}
