//! Cloud Map.

use serde_json::{Value, json};

use super::{Exchange, pages};
use crate::answer::{Refusal, Rule};
use crate::value::{last, list, text};

pub(crate) const NOT_FOUND: Rule = Rule::new(
    "ServiceNotFound",
    "Service not found.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_GetService.html",
);
pub(crate) const NAMESPACE_NOT_FOUND: Rule = Rule::new(
    "NamespaceNotFound",
    "Namespace not found.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_GetNamespace.html",
);
const ALREADY_EXISTS: Rule = Rule::new(
    "ServiceAlreadyExists",
    "Service already exists.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html",
);
const IN_USE: Rule = Rule::new(
    "ResourceInUse",
    "Service contains registered instances; delete the instances before deleting the service",
    "https://github.com/hashicorp/terraform-provider-aws/issues/4853",
);
const TWO_HEALTH_CHECKS: Rule = Rule::new(
    "InvalidInput",
    "HealthCheckConfig and HealthCheckCustomConfig can not be specified together.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html",
);
const DNS_IN_HTTP: Rule = Rule::new(
    "InvalidInput",
    "DnsConfig can not be specified for a service in an HTTP namespace.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html",
);
const NO_NAMESPACE: Rule = Rule::new(
    "InvalidInput",
    "NamespaceId is required.",
    "https://docs.aws.amazon.com/cloud-map/latest/api/API_DnsConfig.html",
);
const SHARED: Rule = Rule::new(
    "AccessDeniedException",
    "User: {} is not authorized to perform: servicediscovery:TagResource on resource: {} because no resource-based policy \
     allows the servicediscovery:TagResource action",
    "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2472",
);

/// The account that shares the namespaces that are another's.
const OWNER: &str = "444455556666";

/// Describes a namespace, and tells whose it is
/// (<https://docs.aws.amazon.com/cloud-map/latest/api/API_Namespace.html>).
pub(super) async fn get_namespace(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let mut answer = exchange.pass().await?;
    let id = last(text(exchange.input(), "Id"));
    let owner = if exchange.is_shared(id) {
        OWNER
    } else {
        &exchange.call.account
    };
    answer["Namespace"]["ResourceOwner"] = owner.into();
    Ok(answer)
}

/// Makes a registry. The same request again is answered what it made; another one of the name is refused with the id of
/// what is there.
pub(super) async fn create(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let mut input = exchange.input().clone();
    let namespace = input["NamespaceId"]
        .as_str()
        .or(input["DnsConfig"]["NamespaceId"].as_str());
    let Some(namespace) = namespace.map(str::to_owned) else {
        return NO_NAMESPACE.refuse();
    };
    let described = exchange.namespace(&namespace).await?;
    let has_both =
        !input["HealthCheckConfig"].is_null() && !input["HealthCheckCustomConfig"].is_null();
    if has_both {
        return TWO_HEALTH_CHECKS.refuse();
    }
    if described["Type"] == "HTTP" && !input["DnsConfig"].is_null() {
        return DNS_IN_HTTP.refuse();
    }
    if !list(&input, "Tags").is_empty() {
        exchange.refuse_shared(&namespace)?;
    }
    input["NamespaceId"] = namespace.as_str().into();
    let name = text(&input, "Name").to_lowercase();
    if let Some(there) = exchange.registry_named(&namespace, &name).await? {
        let creator = &input["CreatorRequestId"];
        return if !creator.is_null() && *creator == there["CreatorRequestId"] {
            Ok(json!({"Service": there}))
        } else {
            let mut refusal = ALREADY_EXISTS
                .refusal()
                .with("ServiceId", there["Id"].clone());
            if let Some(creator) = there["CreatorRequestId"].as_str() {
                refusal = refusal.with("CreatorRequestId", creator);
            }
            Err(refusal)
        };
    }
    let place = (namespace, name);
    if let Some(id) = exchange.state.registry_ids.get(&place) {
        // One thread has seen it: https://github.com/hashicorp/terraform-provider-aws/issues/46930
        if exchange.circumstances.reuses_registry_ids && exchange.behind.is_memory() {
            input["ReusedId"] = id.as_str().into();
        }
    }
    exchange.ask(&exchange.call.operation, &input).await
}

/// Deletes a registry in which no instance is registered any more.
pub(super) async fn delete(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let id = last(text(exchange.input(), "Id")).to_owned();
    let there = exchange.registry(&id).await?;
    let instances = exchange.instances(&id).await?;
    if !instances.is_empty() {
        return IN_USE.refuse();
    }
    let place = (
        text(&there, "NamespaceId").to_owned(),
        text(&there, "Name").to_lowercase(),
    );
    exchange.state.registry_ids.insert(place, id);
    exchange.pass().await?;
    Ok(json!({}))
}

/// Lists the instances: those of tasks are there until the tasks are STOPPED.
pub(super) async fn list_instances(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let id = last(text(exchange.input(), "ServiceId")).to_owned();
    exchange.registry(&id).await?;
    pages::check(exchange, &pages::INSTANCES)?;
    let instances = exchange.instances(&id).await?;
    pages::page(exchange, &pages::INSTANCES, json!({"Instances": instances}))
}

/// Deregisters an instance, also one that ECS has forgotten to.
pub(super) async fn deregister(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input();
    let registry = last(text(input, "ServiceId")).to_owned();
    let instance = input["InstanceId"].clone();
    exchange.registry(&registry).await?;
    let mut was_kept = false;
    for life in exchange.state.lives.values_mut() {
        let before = life.instances.len();
        life.instances
            .retain(|(id, listed)| *id != registry || listed["Id"] != instance);
        was_kept |= life.instances.len() < before;
    }
    match exchange.pass().await {
        // The AWS behind has done that already.
        Err(_) if was_kept => Ok(json!({"OperationId": "operation-kept"})),
        answer => answer,
    }
}

/// Tags a registry, unless its namespace is another account's.
pub(super) async fn tag(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let registry = exchange
        .registry(text(exchange.input(), "ResourceARN"))
        .await?;
    exchange.refuse_shared(text(&registry, "NamespaceId"))?;
    exchange.pass().await
}

impl Exchange<'_> {
    async fn namespace(&self, id: &str) -> Result<Value, Refusal> {
        let input = json!({"Id": last(id)});
        let answer = self.ask("servicediscovery:GetNamespace", &input).await?;
        Ok(answer["Namespace"].clone())
    }

    /// Describes a registry by its id or ARN.
    pub(super) async fn registry(&self, id: &str) -> Result<Value, Refusal> {
        let input = json!({"Id": last(id)});
        let answer = self.ask("servicediscovery:GetService", &input).await?;
        Ok(answer["Service"].clone())
    }

    async fn registry_named(&self, namespace: &str, name: &str) -> Result<Option<Value>, Refusal> {
        let filter = json!([{"Name": "NAMESPACE_ID", "Values": [namespace], "Condition": "EQ"}]);
        let input = json!({"Filters": filter, "MaxResults": 100});
        let answer = self.ask("servicediscovery:ListServices", &input).await?;
        let mut registries = list(&answer, "Services").iter();
        let named = registries.find(|registry| {
            let is_there = registry["NamespaceId"]
                .as_str()
                .is_none_or(|id| id == namespace);
            is_there && text(registry, "Name").to_lowercase() == name
        });
        match named {
            // A list does not tell who made it.
            Some(named) => Ok(Some(self.registry(text(named, "Id")).await?)),
            None => Ok(None),
        }
    }

    /// Lists the instances of a registry, with those of tasks that still stop.
    pub(super) async fn instances(&self, id: &str) -> Result<Vec<Value>, Refusal> {
        let input = json!({"ServiceId": id});
        let answer = self.ask("servicediscovery:ListInstances", &input).await?;
        let mut instances = list(&answer, "Instances").to_vec();
        let keeps = self.circumstances.keeps_instances;
        let lives = self
            .state
            .lives
            .values()
            .filter(|life| keeps || life.is_stopping());
        for (registry, instance) in lives.flat_map(|life| &life.instances) {
            let is_new = instances.iter().all(|other| other["Id"] != instance["Id"]);
            if registry == id && is_new {
                instances.push(instance.clone());
            }
        }
        Ok(instances)
    }

    fn is_shared(&self, namespace: &str) -> bool {
        let shared = &self.circumstances.shared_namespaces;
        shared.iter().any(|other| other == namespace)
    }

    fn refuse_shared(&self, namespace: &str) -> Result<(), Refusal> {
        if self.is_shared(namespace) {
            let caller = format!(
                "arn:aws:sts::{}:assumed-role/ecs-api/ecs-api",
                self.call.account
            );
            let arn = self
                .call
                .arn("servicediscovery", &format!("namespace/{namespace}"));
            return SHARED.refuse_naming(&[&caller, &arn]);
        }
        Ok(())
    }
}
