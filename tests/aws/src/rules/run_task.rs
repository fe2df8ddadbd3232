//! RunTask.

use serde_json::{Value, json};

use super::{Exchange, tags};
use crate::answer::{Refusal, Rule};
use crate::value::{default, last, list, remove, text};

const CONFLICT: Rule = Rule::new(
    "ConflictException",
    "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use with a \
     different request.",
    "[ecs/task_tokens, ecs/task_tags #23]",
);
pub(super) const BEING_DELETED: Rule = Rule::new(
    "InvalidParameterException",
    "TaskDefinition is being deleted",
    "[ecs/task_tags #42]",
);
const LONG_TOKEN: Rule = Rule::new(
    "InvalidParameterException",
    "clientToken longer than 64.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html",
);
const COUNT: Rule = Rule::new(
    "InvalidParameterException",
    "count must be from 1 to 10",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html",
);
const UNKNOWN_OVERRIDE: Rule = Rule::new(
    "InvalidParameterException",
    "Override for container named {} is not a container in the TaskDefinition.",
    "https://github.com/azavea/django-ecsmanage/issues/21",
);

/// A call of RunTask that started tasks.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    input: Value,
    tasks: Vec<String>,
}

/// Starts tasks. The same token with the same request, as it was spelled, is answered the same tasks as they are now,
/// STOPPED ones, too; anything else with that token is refused. The token counts for a cluster
/// (ecs/task_tokens #10-#29).
pub(super) async fn run(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let cluster = exchange.cluster_name();
    if text(&input, "clientToken").len() > 64 {
        return LONG_TOKEN.refuse();
    }
    // It is looked for before the cluster [ecs/audit_execution_rejections].
    let definition = exchange.definition(text(&input, "taskDefinition")).await?;
    let Some(definition) = definition else {
        return super::services::TASK_DEFINITION_NOT_FOUND.refuse();
    };
    let described = exchange.active_cluster(&cluster).await?;
    let place = input["clientToken"]
        .as_str()
        .map(|token| (cluster, token.to_owned()));
    let before = place
        .as_ref()
        .and_then(|place| exchange.state.tasks_run.get(place));
    match text(&definition, "status") {
        "ACTIVE" => {}
        "INACTIVE" => return super::services::TASK_DEFINITION_INACTIVE.refuse(),
        _ => return BEING_DELETED.refuse(),
    }
    if let Some(before) = before.cloned() {
        return again(exchange, &before).await;
    }
    check(exchange, &definition)?;
    exchange.check_providers(&described)?;
    let mut answer = exchange.pass().await?;
    let tasks = list(&answer, "tasks").to_vec();
    for task in &tasks {
        exchange.begin_life(task);
    }
    let arns = tasks.iter().map(|task| text(task, "taskArn").to_owned());
    let run = Run {
        tasks: arns.collect(),
        input: input.clone(),
    };
    exchange
        .state
        .tasks_run
        .extend(place.map(|place| (place, run)));
    let tasks: Vec<_> = tasks
        .into_iter()
        .map(|task| started(&input, &definition, task))
        .collect();
    answer["tasks"] = tasks.into();
    default(&mut answer, json!({"failures": []}));
    Ok(answer)
}

async fn again(exchange: &Exchange<'_>, before: &Run) -> Result<Value, Refusal> {
    if before.input != *exchange.input() {
        return Err(CONFLICT.refusal().with("resourceIds", before.tasks.clone()));
    }
    let ids: Vec<_> = before.tasks.iter().map(|arn| last(arn)).collect();
    let input = json!({"cluster": exchange.cluster_name(), "tasks": ids, "include": ["TAGS"]});
    let mut answer = exchange.ask("ecs:DescribeTasks", &input).await?;
    for task in answer["tasks"].as_array_mut().into_iter().flatten() {
        exchange.age(task);
    }
    Ok(json!({"tasks": answer["tasks"], "failures": []}))
}

fn check(exchange: &Exchange<'_>, definition: &Value) -> Result<(), Refusal> {
    let input = exchange.input();
    let count = input["count"].as_i64().unwrap_or(1);
    if !(1..=10).contains(&count) {
        return COUNT.refuse();
    }
    exchange.check_network(definition)?;
    exchange.check_launch_type(definition)?;
    exchange.check_overrides()?;
    exchange.check_trust(definition)?;
    tags::check(list(input, "tags"))?;
    if !list(input, "tags").is_empty() {
        exchange.check_long_arns()?;
    }
    for container in list(&input["overrides"], "containerOverrides") {
        let name = text(container, "name");
        let mut known = list(definition, "containerDefinitions").iter();
        if !known.any(|known| text(known, "name") == name) {
            return UNKNOWN_OVERRIDE.refuse_naming(&[name]);
        }
    }
    Ok(())
}

/// Shows a task as RunTask answers it: it has only just begun (ecs/task_tokens #9).
fn started(input: &Value, definition: &Value, mut task: Value) -> Value {
    let group = input["group"].as_str();
    let family = format!("family:{}", text(definition, "family"));
    task["group"] = group.unwrap_or(&family).into();
    task["lastStatus"] = "PROVISIONING".into();
    task["desiredStatus"] = "RUNNING".into();
    task["tags"] = list(input, "tags").into();
    for member in [
        "healthStatus",
        "connectivity",
        "connectivityAt",
        "startedAt",
        "pullStartedAt",
        "pullStoppedAt",
        "stoppingAt",
        "stoppedAt",
        "stoppedReason",
        "stopCode",
    ] {
        remove(&mut task, member);
    }
    if input["startedBy"].is_null() {
        remove(&mut task, "startedBy");
    }
    let containers = task["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        container["lastStatus"] = "PENDING".into();
        for member in ["healthStatus", "networkBindings", "runtimeId"] {
            remove(container, member);
        }
        default(container, json!({"networkInterfaces": [], "cpu": "0"}));
    }
    let names = list(definition, "containerDefinitions").iter();
    let overrides: Vec<_> = names
        .map(|container| {
            let mut asked = list(&input["overrides"], "containerOverrides").iter();
            let asked = asked.find(|asked| asked["name"] == container["name"]);
            asked
                .cloned()
                .unwrap_or_else(|| json!({"name": container["name"]}))
        })
        .collect();
    task["overrides"] =
        json!({"containerOverrides": overrides, "inferenceAcceleratorOverrides": []});
    task
}
