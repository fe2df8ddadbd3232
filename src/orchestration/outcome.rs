//! The outcome of a task, told from what ECS says of it and of its essential containers. Pure: nothing is called here.

use aws_sdk_ecs::types::{Container, ContainerDefinition, Task, TaskDefinition, TaskStopCode};

/// The exit codes of a process that SIGTERM or SIGKILL has ended, which is what ECS stops a container with
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html>).
const STOPPED_BY_SIGNAL: [i32; 2] = [143, 137];

/// The words of ECS where the service scheduler stops a task because it is not healthy
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>).
const UNHEALTHY: &str = "health checks";

/// The outcome of a task, as far as there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The state that the task has come to.
    pub state: OutcomeState,
    /// The exit code of the essential container that decided; absent where none has exited.
    pub exit_code: Option<i32>,
    /// The reason in words; absent where there is nothing to say.
    pub reason: Option<String>,
}

/// The state that a task has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeState {
    /// It has not started.
    Pending,
    /// It has started, and is not STOPPED.
    Running,
    /// Its essential containers ended by themselves, and well.
    Succeeded,
    /// It never started, or an essential container failed.
    Failed,
    /// It was ended from outside before it ended by itself: by somebody, by a scaling, by a Spot interruption.
    Stopped,
}

impl OutcomeState {
    /// Returns the state's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl Outcome {
    /// Returns `true` if it will not change any more.
    pub fn is_final(&self) -> bool {
        !matches!(self.state, OutcomeState::Pending | OutcomeState::Running)
    }

    /// Creates the outcome of a task that has ended, and of which nobody can tell how at the moment.
    pub fn untold(reason: String) -> Self {
        Self {
            state: OutcomeState::Running,
            exit_code: None,
            reason: Some(reason),
        }
    }
}

/// Returns `true` if a task will not change any more.
pub fn is_over(task: &Task) -> bool {
    task.last_status() == Some("STOPPED")
}

/// Returns `true` if the outcome depends on which containers are essential, which only the task definition tells.
pub fn needs_definition(task: &Task) -> bool {
    let containers = task.containers();
    is_over(task)
        && end_of(task) == End::OfItself
        && containers.len() > 1
        && containers
            .iter()
            .any(|container| container.exit_code() != Some(0))
}

/// Tells the outcome of a task. Without its task definition, every container counts as essential.
pub fn outcome(task: &Task, definition: Option<&TaskDefinition>) -> Outcome {
    let reason = said(task.stopped_reason()).map(str::to_owned);
    if !is_over(task) {
        let state = match task.started_at() {
            Some(_) => OutcomeState::Running,
            None => OutcomeState::Pending,
        };
        return Outcome {
            state,
            exit_code: None,
            reason,
        };
    }
    let essential = essential(task, definition);
    match end_of(task) {
        End::FromOutside => Outcome {
            state: OutcomeState::Stopped,
            exit_code: exit_code(&essential),
            reason,
        },
        end @ (End::NeverStarted | End::Unhealthy) => Outcome {
            state: OutcomeState::Failed,
            exit_code: exit_code(&essential).filter(|_| end == End::Unhealthy),
            reason: with_words_of_containers(reason, task),
        },
        End::OfItself => of_containers(&essential, reason),
    }
}

/// Returns `true` if a stopped task was ended by somebody, by a scaling or by AWS, and not by a fault of its own.
pub fn was_ended_from_outside(task: &Task) -> bool {
    end_of(task) == End::FromOutside
}

/// The way in which a stopped task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    FromOutside,
    Unhealthy,
    NeverStarted,
    OfItself,
}

/// Tells how a stopped task ended. The scheduler's stops have one code, whether it scales or finds the task unhealthy.
fn end_of(task: &Task) -> End {
    let is_unhealthy = || {
        task.stopped_reason()
            .is_some_and(|reason| reason.contains(UNHEALTHY))
    };
    match task.stop_code() {
        Some(TaskStopCode::ServiceSchedulerInitiated) if is_unhealthy() => End::Unhealthy,
        Some(
            TaskStopCode::UserInitiated
            | TaskStopCode::ServiceSchedulerInitiated
            | TaskStopCode::SpotInterruption
            | TaskStopCode::TerminationNotice
            | TaskStopCode::InfrastructureHealth,
        ) => End::FromOutside,
        Some(TaskStopCode::TaskFailedToStart) => End::NeverStarted,
        _ => End::OfItself,
    }
}

/// Returns the essential containers. AWS runs some that no task definition names, as those of Service Connect and of
/// `GuardDuty` (<https://docs.aws.amazon.com/guardduty/latest/ug/how-runtime-monitoring-works-ecs-fargate.html>).
fn essential<'t>(task: &'t Task, definition: Option<&TaskDefinition>) -> Vec<&'t Container> {
    let is_essential = |container: &&Container| {
        definition.is_none_or(|definition| {
            let mut known = definition.container_definitions().iter();
            known.any(|known| known.name() == container.name() && counts(known))
        })
    };
    task.containers().iter().filter(is_essential).collect()
}

/// Returns `true` if a container is essential, as it is unless its definition says otherwise.
pub fn counts(container: &ContainerDefinition) -> bool {
    container.essential() != Some(false)
}

/// Tells the outcome of a task that ended because an essential container did.
fn of_containers(essential: &[&Container], reason: Option<String>) -> Outcome {
    let failed = |exit_code, text| Outcome {
        state: OutcomeState::Failed,
        exit_code,
        reason: Some(text),
    };
    if essential.is_empty() {
        let told = reason.unwrap_or_default();
        return failed(
            None,
            format!("ECS tells nothing of its containers any more: {told}"),
        );
    }
    match blamed(essential) {
        None => Outcome {
            state: OutcomeState::Succeeded,
            exit_code: Some(0),
            reason: None,
        },
        Some(container) => {
            let code = container.exit_code();
            failed(code, words(container, reason.as_deref()))
        }
    }
}

/// Returns the essential container that made a task fail, if it failed.
fn blamed<'t>(essential: &[&'t Container]) -> Option<&'t Container> {
    let ended_well = |container: &Container| container.exit_code() == Some(0);
    let has_success = essential.iter().any(|container| ended_well(container));
    let failures = || {
        let containers = essential.iter().copied();
        containers.filter(|container| !ended_well(container))
    };
    let surely = failures().find(|container| !may_follow(container));
    surely.or_else(|| failures().find(|container| !has_success || container.exit_code().is_none()))
}

/// Returns the essential containers of a task that may have ended it: the end of the others follows from theirs, as far as
/// that can be told.
pub fn suspects<'t>(task: &'t Task, definition: Option<&TaskDefinition>) -> Vec<&'t Container> {
    let mut suspects = essential(task, definition);
    if suspects.iter().any(|container| !may_follow(container)) {
        suspects.retain(|container| !may_follow(container));
    }
    suspects
}

/// Returns `true` if a container may have ended, or not started, only because another one ended: ECS stops the others once
/// an essential one has ended, and says nothing of why.
fn may_follow(container: &Container) -> bool {
    let may_be_stopped = |code| STOPPED_BY_SIGNAL.contains(&code);
    is_silent(container) && container.exit_code().is_none_or(may_be_stopped)
}

fn is_silent(container: &Container) -> bool {
    said(container.reason()).is_none()
}

/// Tells in words how an essential container failed.
fn words(container: &Container, stopped_reason: Option<&str>) -> String {
    let name = container.name().unwrap_or_default();
    let own = said(container.reason());
    match (container.exit_code(), own) {
        (Some(code), Some(own)) => {
            format!("the container `{name}` exited with code {code}: {own}")
        }
        (Some(code), None) => format!("the container `{name}` exited with code {code}"),
        (None, own) => {
            let why = own.or(stopped_reason).unwrap_or("AWS says nothing of why");
            format!("the container `{name}` never started: {why}")
        }
    }
}

/// Adds what ECS says of the containers to what it says of the task, unless that is the same.
fn with_words_of_containers(reason: Option<String>, task: &Task) -> Option<String> {
    let told = reason.unwrap_or_default();
    let of_containers = task.containers().iter().filter_map(|container| {
        let name = container.name().unwrap_or_default();
        match (said(container.reason()), container.exit_code()) {
            (Some(own), _) if told.contains(own) => None,
            (Some(own), _) => Some(format!("`{name}`: {own}")),
            (None, Some(code)) if code != 0 && task.started_at().is_none() => {
                Some(format!("the container `{name}` exited with code {code}"))
            }
            _ => None,
        }
    });
    let told_first = (!told.is_empty()).then(|| told.clone());
    let mut texts: Vec<_> = told_first.into_iter().chain(of_containers).collect();
    texts.dedup();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Returns the exit code that says most: the first that is not 0, else 0.
fn exit_code(essential: &[&Container]) -> Option<i32> {
    let codes = || {
        essential
            .iter()
            .filter_map(|container| container.exit_code())
    };
    codes().find(|code| *code != 0).or_else(|| codes().next())
}

/// Returns a text that says something.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
