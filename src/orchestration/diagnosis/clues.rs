//! Takes the words out of AWS's answers. Pure.

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    Container, Deployment, HealthStatus, Service, ServiceEvent, Task, TaskStopCode,
};

use super::look::{ServiceView, TaskView, TasksView};
use super::rules::rule_for;
use super::{Clue, Evidence, Kind};
use crate::orchestration::outcome::{
    OutcomeState, is_over, outcome, suspects, was_ended_from_outside,
};

/// The words of an event that says that all is as it was asked for.
const STEADY: &str = "has reached a steady state";
/// The words of events that tell of a deployment's failure, after which a service is steady again as it was before.
const TAKEN_BACK: [&str; 2] = ["rolling back to", "deployment failed"];

/// The clues of one thing, of which the one that says most becomes a finding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    /// The revision that a task ran; `None` of what is not a task.
    pub revision: Option<String>,
    /// The time of it, in milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// The clues.
    pub clues: Vec<Clue>,
    /// The further evidence that is shown with the finding.
    pub beside: Vec<Evidence>,
}

/// Collects the clues of a service.
pub(super) fn of_service(seen: &ServiceView) -> Vec<Case> {
    let deployments = seen.service.deployments().iter().filter_map(of_deployment);
    let events = events_that_count(&seen.service).into_iter().map(of_event);
    of_tasks(&seen.tasks, true)
        .into_iter()
        .chain(deployments)
        .chain(events)
        .collect()
}

/// Collects the clues of a task, and those of its service's events that name it.
pub(super) fn of_task(seen: &TaskView) -> Vec<Case> {
    let id = id(&seen.task);
    let events = seen.service.iter().flat_map(Service::events);
    let events = events
        .filter(|event| task_ids_in(event.message().unwrap_or_default()).any(|named| named == id));
    of_tasks(&seen.tasks, seen.service.is_some())
        .into_iter()
        .chain(events.map(of_event))
        .collect()
}

/// Returns the events that tell of the present, the newest first: those since the service was last steady. Where it was
/// steady only because a deployment was taken back, those of that deployment too.
pub(super) fn events_that_count(service: &Service) -> Vec<&ServiceEvent> {
    let mut events: Vec<_> = service.events().iter().collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.created_at().map(DateTime::as_nanos)));
    let says = |event: &ServiceEvent, words: &str| {
        event
            .message()
            .is_some_and(|message| message.contains(words))
    };
    let mut spans = events
        .split(|event| says(event, STEADY))
        .filter(|span| !span.is_empty());
    let begins_steady = events.first().is_some_and(|event| says(event, STEADY));
    let mut counted = if begins_steady {
        Vec::new()
    } else {
        spans.next().unwrap_or_default().to_vec()
    };
    let before = spans.next().unwrap_or_default();
    if before
        .iter()
        .any(|event| TAKEN_BACK.iter().any(|words| says(event, words)))
    {
        counted.extend(before);
    }
    counted
}

/// Returns the tasks that an event names: `(task 0123…)`.
pub(super) fn task_ids_in(message: &str) -> impl Iterator<Item = &str> {
    let parts = message.split("(task ").skip(1);
    parts.filter_map(|part| part.split_once(')').map(|(id, _)| id))
}

/// Returns `true` if a task has ended in a way that is worth a closer look.
pub(super) fn is_failed(task: &Task) -> bool {
    is_over(task) && !was_ended_from_outside(task)
}

fn of_event(event: &ServiceEvent) -> Case {
    let message = event.message().unwrap_or_default();
    // The names of services are no words of AWS.
    let words = message
        .strip_prefix("(service ")
        .and_then(|rest| rest.split_once(')'))
        .map_or(message, |(_, words)| words);
    let at_ms = milliseconds(event.created_at());
    alone(Kind::Event, words, Evidence::new("event", at_ms, message))
}

fn of_deployment(deployment: &Deployment) -> Option<Case> {
    let reason = deployment.rollout_state_reason()?;
    let source = format!("deployment {}", deployment.id().unwrap_or_default());
    let at_ms = milliseconds(deployment.updated_at());
    Some(alone(
        Kind::Deployment,
        reason,
        Evidence::new(&source, at_ms, reason),
    ))
}

/// Makes a case of one clue.
fn alone(kind: Kind, words: &str, evidence: Evidence) -> Case {
    Case {
        revision: None,
        at_ms: evidence.at_ms,
        clues: vec![clue(kind, words, evidence)],
        beside: Vec::new(),
    }
}

fn clue(kind: Kind, words: &str, evidence: Evidence) -> Clue {
    Clue {
        kind,
        words: words.to_ascii_lowercase(),
        evidence,
    }
}

/// Collects the clues of tasks. `shall_run_on` says that one which ends by itself is at fault.
fn of_tasks(tasks: &TasksView, shall_run_on: bool) -> Vec<Case> {
    let cases = tasks.tasks.iter().map(|task| Case {
        revision: revision(task),
        at_ms: milliseconds(task.stopped_at().or(task.created_at())),
        clues: clues_of_task(task, tasks, shall_run_on),
        beside: lines_of(task, tasks),
    });
    cases.filter(|case| !case.clues.is_empty()).collect()
}

/// Returns `family:revision` of a task.
pub(super) fn revision(task: &Task) -> Option<String> {
    let arn = task.task_definition_arn()?;
    arn.rsplit('/').next().map(str::to_owned)
}

fn clues_of_task(task: &Task, tasks: &TasksView, shall_run_on: bool) -> Vec<Clue> {
    if !is_over(task) {
        return of_health(task).into_iter().collect();
    }
    let definition = tasks.definition_of(task);
    let has_succeeded = outcome(task, definition).state == OutcomeState::Succeeded;
    if has_succeeded && !shall_run_on {
        return Vec::new();
    }
    let at_ms = milliseconds(task.stopped_at());
    let source = format!("task {}", id(task));
    let reason = task.stopped_reason().unwrap_or_default();
    let code = task.stop_code().map_or("", TaskStopCode::as_str);
    let said = if reason.is_empty() { code } else { reason };
    let mut clues = vec![
        clue(Kind::Task, reason, Evidence::new(&source, at_ms, reason)),
        clue(Kind::StopCode, code, Evidence::new(&source, at_ms, said)),
    ];
    if was_ended_from_outside(task) {
        return clues;
    }
    for container in task.containers() {
        clues.extend(of_container(container, &source, at_ms));
    }
    for container in suspects(task, definition) {
        clues.extend(of_exit(container, &source, at_ms, shall_run_on));
    }
    clues.extend(lines_of_log(task, tasks));
    clues
}

/// Says of a task that runs that it is not healthy.
fn of_health(task: &Task) -> Option<Clue> {
    if task.health_status() != Some(&HealthStatus::Unhealthy) {
        return None;
    }
    let source = format!("task {}", id(task));
    Some(clue(
        Kind::Task,
        "failed container health checks",
        Evidence::new(&source, None, "it runs, and its health status is UNHEALTHY"),
    ))
}

fn id(task: &Task) -> &str {
    let arn = task.task_arn().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}

fn of_container(container: &Container, source: &str, at_ms: Option<i64>) -> Option<Clue> {
    let reason = container.reason()?;
    let source = format!(
        "container `{}` of {source}",
        container.name().unwrap_or_default()
    );
    Some(clue(
        Kind::Container,
        reason,
        Evidence::new(&source, at_ms, reason),
    ))
}

fn of_exit(
    container: &Container,
    source: &str,
    at_ms: Option<i64>,
    shall_run_on: bool,
) -> Option<Clue> {
    let code = container.exit_code()?;
    if code == 0 && !shall_run_on {
        return None;
    }
    let name = container.name().unwrap_or_default();
    let source = format!("container `{name}` of {source}");
    let words = format!("exit code {code}");
    let known = clue(Kind::Exit, &words, Evidence::new(&source, at_ms, &words));
    Some(match rule_for(&known) {
        Some(_) => known,
        None => Clue {
            kind: Kind::OtherExit,
            ..known
        },
    })
}

/// Returns the last lines that were read of a task, or why there are none.
fn lines_of(task: &Task, tasks: &TasksView) -> Vec<Evidence> {
    let tails = tasks.tails.iter();
    let own = tails.filter(|tail| Some(tail.task_arn.as_str()) == task.task_arn());
    own.flat_map(|tail| tail.lines.clone()).collect()
}

/// Returns the lines of a task's log as clues: a rule may know one.
fn lines_of_log(task: &Task, tasks: &TasksView) -> Vec<Clue> {
    let tails = tasks.tails.iter().filter(|tail| tail.is_log);
    let own = tails.filter(|tail| Some(tail.task_arn.as_str()) == task.task_arn());
    own.flat_map(|tail| &tail.lines)
        .map(|line| clue(Kind::Log, &line.text, line.clone()))
        .collect()
}

pub(super) fn milliseconds(time: Option<&DateTime>) -> Option<i64> {
    time.and_then(|time| time.to_millis().ok())
}
