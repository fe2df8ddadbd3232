//! Clusters.

use serde_json::{Value, json};

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::{default, extend, has, last, list, remove, text, texts, without};

pub(crate) const NOT_FOUND: Rule = Rule::new(
    "ClusterNotFoundException",
    "Cluster not found.",
    "[ecs/controls #21-#23, ecs/services #22-#26]",
);
const INCONSISTENT: Rule = Rule::new(
    "InvalidParameterException",
    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    "[ecs/controls #10, #11]",
);
const WRONG_INCLUDE: Rule = Rule::new(
    "InvalidParameterException",
    "include should be one of [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]",
    "[ecs/controls #20]",
);
const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "Clusters cannot have more than 100 elements.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeClusters.html",
);
const CONTAINS_SERVICES: Rule = Rule::new(
    "ClusterContainsServicesException",
    "The Cluster cannot be deleted while Services are active.",
    "[ecs/services #21]",
);
const CONTAINS_TASKS: Rule = Rule::new(
    "ClusterContainsTasksException",
    "The Cluster cannot be deleted while Tasks are active.",
    "[ecs/services #168]",
);
const CONTAINS_CAPACITY_PROVIDERS: Rule = Rule::new(
    "ClientException",
    "The Cluster cannot be deleted while Cluster Scoped Capacity Providers are attached to the cluster.",
    "https://github.com/ekristen/aws-nuke/issues/990",
);
const CONTAINS_DAEMONS: Rule = Rule::new(
    "ClientException",
    "The Cluster cannot be deleted while Daemons are active.",
    "https://github.com/ekristen/aws-nuke/issues/990, which has no text of it",
);

/// Members of which a request without a word says nothing.
const ARGUMENTS: [&str; 6] = [
    "settings",
    "tags",
    "configuration",
    "capacityProviders",
    "defaultCapacityProviderStrategy",
    "serviceConnectDefaults",
];

/// Makes a cluster. That of a name that is ACTIVE is answered only if the arguments are those that made it
/// (ecs/controls #9-#11); with nothing but the name its tags are not shown (ecs/controls #121). Of one that is INACTIVE
/// nothing comes back: the new tags and settings are its only ones (ecs/controls #30).
pub(super) async fn create(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let mut input = exchange.input().clone();
    let name = input["clusterName"]
        .as_str()
        .unwrap_or("default")
        .to_owned();
    let there = exchange.cluster(&name).await?;
    if let Some(there) = there.filter(|there| text(there, "status") == "ACTIVE") {
        let made_with = exchange.state.cluster_inputs.get(&name);
        let is_bare = ARGUMENTS.iter().all(|member| input.get(*member).is_none());
        let is_same = made_with.is_some_and(|made_with| arguments(made_with) == arguments(&input));
        if !is_bare && !is_same {
            return INCONSISTENT.refuse();
        }
        let mut cluster = described(there, &["TAGS", "SETTINGS"]);
        if is_bare && !is_same {
            cluster["tags"] = json!([]);
        }
        return Ok(json!({"cluster": cluster, "clusterCount": 1}));
    }
    default_base(&mut input);
    let operation = &exchange.call.operation;
    let mut answer = exchange.ask(operation, &input).await?;
    let cluster = answer["cluster"].take();
    exchange.state.cluster_inputs.insert(name, input.clone());
    let mut cluster = described(cluster, &["TAGS", "SETTINGS"]);
    // As they were given [ecs/services #7].
    cluster["tags"] = list(&input, "tags").into();
    remove(&mut cluster, "attachments");
    Ok(json!({"cluster": cluster, "clusterCount": 1}))
}

/// Gives each entry of a strategy its base (ecs/controls #30).
fn default_base(input: &mut Value) {
    let strategy = input["defaultCapacityProviderStrategy"].as_array_mut();
    for entry in strategy.into_iter().flatten() {
        default(entry, json!({"base": 0}));
    }
    if input["defaultCapacityProviderStrategy"].is_null() {
        remove(input, "defaultCapacityProviderStrategy");
    }
}

/// Returns what two requests for one cluster must have in common. The order of tags says nothing.
fn arguments(input: &Value) -> Vec<Value> {
    let argument = |member: &&str| {
        let mut argument = input[*member].clone();
        if let Some(entries) = argument.as_array_mut() {
            entries.sort_by_key(Value::to_string);
        }
        if argument == json!([]) {
            Value::Null
        } else {
            argument
        }
    };
    ARGUMENTS.iter().map(argument).collect()
}

/// Describes clusters. Of what is not included, the empty list is there (ecs/controls #7, ecs/services #20); a wrong word
/// is refused only where a cluster is found (ecs/controls #20); one that is missing is listed once (ecs/controls #19).
pub(super) async fn describe(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    if list(&input, "clusters").len() > 100 {
        return TOO_MANY.refuse();
    }
    let names: Vec<_> = texts(&input, "clusters").map(last).collect();
    let names = if names.is_empty() {
        vec!["default"]
    } else {
        names
    };
    let (mut clusters, mut failures, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        match exchange.cluster(name).await? {
            Some(cluster) => clusters.push(counted(exchange, cluster)),
            // The full ARN, also where a name was asked for [ecs/controls #3].
            None => failures.push(
                json!({"reason": "MISSING", "arn": exchange.ecs_arn(&format!("cluster/{name}"))}),
            ),
        }
    }
    let include: Vec<_> = texts(&input, "include").collect();
    let known = [
        "ATTACHMENTS",
        "CONFIGURATIONS",
        "SETTINGS",
        "STATISTICS",
        "TAGS",
    ];
    if !clusters.is_empty() && include.iter().any(|word| !known.contains(word)) {
        return WRONG_INCLUDE.refuse();
    }
    let clusters: Vec<_> = clusters
        .into_iter()
        .map(|cluster| described(cluster, &include))
        .collect();
    Ok(json!({"clusters": clusters, "failures": failures}))
}

/// Takes stopping tasks for those that run, as long as they do.
fn counted(exchange: &Exchange<'_>, mut cluster: Value) -> Value {
    let stopping = exchange.stopping_tasks(text(&cluster, "clusterArn"));
    let running = cluster["runningTasksCount"].as_u64().unwrap_or_default();
    cluster["runningTasksCount"] = (running + stopping).into();
    cluster
}

/// Returns a cluster as AWS describes it.
fn described(mut cluster: Value, include: &[&str]) -> Value {
    default(
        &mut cluster,
        json!({"registeredContainerInstancesCount": 0, "runningTasksCount": 0, "pendingTasksCount": 0,
            "activeServicesCount": 0, "capacityProviders": [], "defaultCapacityProviderStrategy": [], "tags": []}),
    );
    let settings = list(&cluster, "settings").to_vec();
    // Also where none was asked for [ecs/services #7].
    let insights = json!([{"name": "containerInsights", "value": "disabled"}]);
    let shown = match (include.contains(&"SETTINGS"), settings.is_empty()) {
        (true, true) => insights,
        (true, false) => settings.into(),
        (false, _) => json!([]),
    };
    cluster["settings"] = shown;
    cluster["statistics"] = if include.contains(&"STATISTICS") {
        statistics(&cluster)
    } else {
        json!([])
    };
    if !include.contains(&"TAGS") {
        cluster["tags"] = json!([]);
    }
    if include.contains(&"ATTACHMENTS") {
        default(&mut cluster, json!({"attachments": []}));
    } else {
        remove(&mut cluster, "attachments");
    }
    remove(&mut cluster, "attachmentsStatus");
    if !include.contains(&"CONFIGURATIONS") || cluster["configuration"].is_null() {
        remove(&mut cluster, "configuration");
    }
    cluster
}

/// Returns the sixteen statistics (ecs/controls #8), all tasks and services taken for Fargate's.
fn statistics(cluster: &Value) -> Value {
    let mut statistics = Vec::new();
    for (what, member) in [
        ("running{}TasksCount", "runningTasksCount"),
        ("pending{}TasksCount", "pendingTasksCount"),
        ("active{}ServiceCount", "activeServicesCount"),
        ("draining{}ServiceCount", ""),
    ] {
        for kind in ["EC2", "Fargate", "External", "ManagedInstances"] {
            let count = if kind == "Fargate" {
                cluster[member].as_u64()
            } else {
                None
            };
            let count = count.unwrap_or_default().to_string();
            statistics.push(json!({"name": what.replace("{}", kind), "value": count}));
        }
    }
    statistics.into()
}

/// Deletes a cluster; one that is INACTIVE once more (ecs/controls #29). Services must be deleted, and no task may be
/// left that is not STOPPED, but a service may still be DRAINING (ecs/services #21, #168, #194).
pub(super) async fn delete(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let name = exchange.cluster_name();
    let Some(there) = exchange.cluster(&name).await? else {
        return NOT_FOUND.refuse();
    };
    if text(&there, "status") == "INACTIVE" {
        let mut cluster = described(there, &["SETTINGS"]);
        cluster["tags"] = json!([]);
        return Ok(json!({"cluster": cluster}));
    }
    let services = exchange
        .ask("ecs:ListServices", &json!({"cluster": name}))
        .await?;
    if !list(&services, "serviceArns").is_empty() {
        return CONTAINS_SERVICES.refuse();
    }
    if exchange
        .has_tasks(&name, text(&there, "clusterArn"))
        .await?
    {
        return CONTAINS_TASKS.refuse();
    }
    if exchange
        .circumstances
        .clusters_with_own_capacity
        .contains(&name)
    {
        return CONTAINS_CAPACITY_PROVIDERS.refuse();
    }
    if exchange.circumstances.clusters_with_daemons.contains(&name) {
        return CONTAINS_DAEMONS.refuse();
    }
    exchange.pass().await?;
    exchange.state.cluster_inputs.remove(&name);
    let mut cluster = described(there, &["SETTINGS"]);
    extend(&mut cluster, json!({"status": "INACTIVE", "tags": []}));
    Ok(json!({"cluster": without(&cluster, &["attachments"])}))
}

impl Exchange<'_> {
    /// Returns an ACTIVE cluster by its name or ARN.
    pub(super) async fn active_cluster(&self, name: &str) -> Result<Value, Refusal> {
        let there = self.cluster(name).await?;
        let active = there.filter(|there| text(there, "status") == "ACTIVE");
        active.ok_or_else(|| NOT_FOUND.refusal())
    }

    /// Returns `true` if a cluster has tasks that are not STOPPED.
    async fn has_tasks(&self, name: &str, arn: &str) -> Result<bool, Refusal> {
        let tasks = self.ask("ecs:ListTasks", &json!({"cluster": name})).await?;
        Ok(!list(&tasks, "taskArns").is_empty() || self.stopping_tasks(arn) > 0)
    }

    /// Returns `true` if an input asks for something to be included.
    pub(super) fn includes(&self, what: &str) -> bool {
        has(self.input(), "include", what)
    }
}
