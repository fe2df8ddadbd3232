//! Tasks that are there.

use serde_json::{Value, json};

use super::{Exchange, pages};
use crate::answer::{Refusal, Rule};
use crate::value::{default, extend, last, list, remove, text, texts};

pub(crate) const NOT_FOUND: Rule = Rule::new(
    "InvalidParameterException",
    "The referenced task was not found.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html",
);
const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "Tasks cannot have more than 100 elements.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html",
);
const ANOTHER_FILTER: Rule = Rule::new(
    "InvalidParameterException",
    "startedBy cannot be combined with other filters",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html",
);
const STATUS: Rule = Rule::new(
    "InvalidParameterException",
    "Desired status should be one of [RUNNING,PENDING,STOPPED]",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html",
);

/// Describes tasks. `tags: []` is there without include TAGS, too, and so is `failures` (ecs/task_role_trust #48-#65).
pub(super) async fn describe(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    if list(exchange.input(), "tasks").len() > 100 {
        return TOO_MANY.refuse();
    }
    let cluster = exchange.cluster_name();
    exchange.known_cluster(&cluster).await?;
    let mut input = exchange.input().clone();
    input["include"] = json!(["TAGS"]);
    let mut answer = exchange.ask(&exchange.call.operation, &input).await?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for name in texts(&input, "tasks") {
        let found = list(&answer, "tasks")
            .iter()
            .find(|task| last(text(task, "taskArn")) == last(name));
        match found.filter(|task| !exchange.is_unknown_yet(text(task, "taskArn"))) {
            Some(task) => tasks.push(shown(exchange, task)),
            None => failures.push(json!({"reason": "MISSING",
                "arn": exchange.ecs_arn(&format!("task/{cluster}/{}", last(name)))})),
        }
    }
    extend(&mut answer, json!({"tasks": tasks, "failures": failures}));
    Ok(answer)
}

fn shown(exchange: &Exchange<'_>, task: &Value) -> Value {
    let mut task = task.clone();
    exchange.age(&mut task);
    if !exchange.includes("TAGS") {
        task["tags"] = json!([]);
    }
    default(&mut task, json!({"tags": []}));
    for member in [
        "startedBy",
        "stopCode",
        "stoppedReason",
        "stoppedAt",
        "stoppingAt",
    ] {
        if task[member].is_null() || task[member] == "" {
            remove(&mut task, member);
        }
    }
    task
}

/// Lists tasks by what they are told to be: one that is told to stop is in STOPPED at once (ecs/services #74), and one of
/// a service leaves the list some time after it stopped (ecs/services #79, #80, #85).
pub(super) async fn list_tasks(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let others = ["family", "serviceName", "containerInstance", "launchType"];
    let has_other = others.iter().any(|other| !input[*other].is_null());
    if !input["startedBy"].is_null() && has_other {
        return ANOTHER_FILTER.refuse();
    }
    let status = input["desiredStatus"].as_str().unwrap_or("RUNNING");
    if !["RUNNING", "PENDING", "STOPPED"].contains(&status) {
        return STATUS.refuse();
    }
    exchange.active_cluster(&exchange.cluster_name()).await?;
    if let Some(name) = input["serviceName"].as_str() {
        let service = exchange.service(&exchange.cluster_name(), name).await?;
        if service.is_none() {
            return super::services::NOT_FOUND.refuse();
        }
    }
    pages::check(exchange, &pages::TASKS)?;
    let mut whole = pages::whole(exchange, &pages::TASKS, &input).await?;
    if input["serviceName"].is_string() {
        let arns = texts(&whole, "taskArns");
        let known: Vec<_> = arns
            .filter(|arn| !exchange.is_forgotten(arn))
            .map(str::to_owned)
            .collect();
        whole["taskArns"] = known.into();
    }
    pages::page(exchange, &pages::TASKS, whole)
}

/// Stops a task; once more is no fault, and the first reason stays. The answer has no tags, whatever the task has
/// (ecs/task_tokens #11, ecs/task_dependency_transitions).
pub(super) async fn stop(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let cluster = exchange.cluster_name();
    exchange.active_cluster(&cluster).await?;
    let id = last(text(exchange.input(), "task"));
    let input = json!({"cluster": cluster, "tasks": [id]});
    let described = exchange.ask("ecs:DescribeTasks", &input).await?;
    let Some(before) = list(&described, "tasks").first().cloned() else {
        return NOT_FOUND.refuse();
    };
    let mut shown_before = before.clone();
    exchange.age(&mut shown_before);
    let is_stopped = text(&before, "lastStatus") == "STOPPED";
    let mut task = if is_stopped {
        before
    } else {
        exchange.end_life(&before, Vec::new());
        exchange.pass().await?["task"].take()
    };
    exchange.age(&mut task);
    task["tags"] = json!([]);
    if !is_stopped {
        // As before: it takes its time, if only that of this answer.
        task["lastStatus"] = shown_before["lastStatus"].clone();
        let reason = exchange.input()["reason"].as_str();
        let reason = reason.unwrap_or("Task stopped by user");
        extend(
            &mut task,
            json!({"desiredStatus": "STOPPED", "stopCode": "UserInitiated", "stoppedReason": reason}),
        );
        for member in ["stoppedAt", "executionStoppedAt"] {
            remove(&mut task, member);
        }
    }
    Ok(json!({"task": task}))
}
