//! The truth about a deployment, from what ECS says of it: pure.
//!
//! ECS tells how a deployment ended by the status of the service deployment. The counts of tasks, and the rollout state of
//! what a service calls its deployments, say COMPLETED of a rollback too: neither is looked at.

use std::fmt;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction, DeploymentLifecycleHookDetail, DeploymentLifecycleHookStatus,
    ServiceDeployment, ServiceDeploymentRollbackMonitorsStatus, ServiceDeploymentStatus,
};

use crate::ids::ServiceRevisionId;
use crate::text::quoted;

/// The state of a deployment, as callers are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not over.
    Running,
    /// It is paused at a lifecycle hook, and goes on when it is continued.
    Waiting,
    /// It ended, and the revision that was asked for runs.
    Succeeded,
    /// It ended without the revision that was asked for, and ECS did not go back either.
    Failed,
    /// ECS went back to the revision of before.
    RolledBack,
    /// Somebody stopped it.
    Stopped,
    /// A newer one began before it was over.
    Superseded,
}

impl State {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolledBack",
            Self::Stopped => "stopped",
            Self::Superseded => "superseded",
        }
    }

    /// Returns `true` if nothing more becomes of it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting)
    }
}

/// A reason why a deployment is in its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No service deployment aims at the revision yet.
    Unnamed,
    /// It is paused at hooks of these ids, in this stage.
    Paused {
        /// The ids of the hooks.
        hooks: Vec<String>,
        /// The stage, as ECS names it.
        stage: String,
    },
    /// It is on its way, in this stage if it has stages.
    UnderWay {
        /// ECS's status.
        status: String,
        /// The stage, as ECS names it.
        stage: Option<String>,
    },
    /// It succeeded at once, since the service wants no task.
    NobodyAskedForTasks,
    /// Too many of its tasks did not come up.
    CircuitBreaker {
        /// The number of those that did not.
        failures: i32,
    },
    /// These alarms fired.
    Alarms(Vec<String>),
    /// A lifecycle hook failed, or was not answered in time.
    Hook(String),
    /// ECS says SUCCESSFUL, and the service runs another revision.
    RunsAnother(ServiceRevisionId),
    /// Another one began before it was over.
    Overtaken,
    /// ECS's own words.
    Said(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str(
                "ECS has made the service revision, and not yet named the service deployment",
            ),
            Self::Paused { hooks, stage } => write!(
                f,
                "paused in the stage `{stage}` until it is continued: {}",
                quoted(hooks)
            ),
            Self::UnderWay { status, stage } => match stage {
                Some(stage) => write!(f, "ECS says `{status}`, in the stage `{stage}`"),
                None => write!(f, "ECS says `{status}`"),
            },
            Self::NobodyAskedForTasks => f.write_str(
                "the service wants no task: nobody asked for one, and nothing was tried",
            ),
            Self::CircuitBreaker { failures } => {
                write!(
                    f,
                    "the circuit breaker ended it after {failures} failed tasks"
                )
            }
            Self::Alarms(names) => write!(f, "an alarm fired: {}", quoted(names)),
            Self::Hook(id) => write!(f, "the lifecycle hook `{id}` did not let it go on"),
            Self::RunsAnother(revision) => write!(
                f,
                "ECS says `SUCCESSFUL`, but the service runs the revision `{revision}`"
            ),
            Self::Overtaken => f.write_str("a newer deployment began before it was over"),
            Self::Said(text) => f.write_str(text),
        }
    }
}

/// The facts that the service itself tells beside the deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surroundings {
    /// The revision of the service's PRIMARY deployment, unless the service is gone.
    pub primary: Option<ServiceRevisionId>,
    /// Another deployment was created before this one was over, or, if it is not over, since then.
    pub is_overtaken: bool,
    /// A deployment was created after this one.
    pub has_newer: bool,
}

/// Finds a deployment's state, and why it is so.
pub fn assess(
    deployment: &ServiceDeployment,
    surroundings: &Surroundings,
) -> (State, Option<Reason>) {
    use ServiceDeploymentStatus as Status;
    let why = || trouble(deployment).or_else(|| said(deployment));
    match deployment.status() {
        Some(Status::Successful) => succeeded(deployment, surroundings),
        Some(Status::RollbackSuccessful) => (State::RolledBack, why()),
        Some(Status::RollbackFailed) => (State::Failed, why()),
        Some(Status::Stopped) => stopped(deployment, surroundings),
        _ => under_way(deployment),
    }
}

/// Assesses what ECS calls SUCCESSFUL. It is believed where the service runs the revision, or has run it and was deployed
/// anew since.
fn succeeded(
    deployment: &ServiceDeployment,
    surroundings: &Surroundings,
) -> (State, Option<Reason>) {
    if deployment.rollback().is_some() {
        let why = trouble(deployment).or_else(|| said(deployment));
        return (State::RolledBack, why);
    }
    match &surroundings.primary {
        Some(primary)
            if Some(primary) != target(deployment).as_ref() && !surroundings.has_newer =>
        {
            (State::Failed, Some(Reason::RunsAnother(primary.clone())))
        }
        _ => (State::Succeeded, nobody_asked(deployment)),
    }
}

fn nobody_asked(deployment: &ServiceDeployment) -> Option<Reason> {
    let target = deployment.target_service_revision()?;
    (target.requested_task_count() == 0).then_some(Reason::NobodyAskedForTasks)
}

/// Assesses what ECS calls STOPPED: by a circuit breaker or an alarm that does not roll back, by a newer one, or by hand.
fn stopped(deployment: &ServiceDeployment, surroundings: &Surroundings) -> (State, Option<Reason>) {
    if let Some(trouble) = trouble(deployment) {
        return (State::Failed, Some(trouble));
    }
    if surroundings.is_overtaken {
        return (State::Superseded, Some(Reason::Overtaken));
    }
    (State::Stopped, said(deployment))
}

fn under_way(deployment: &ServiceDeployment) -> (State, Option<Reason>) {
    let stage = deployment
        .lifecycle_stage()
        .map(|stage| stage.as_str().to_owned());
    let hooks = paused_hooks(deployment);
    let is_going_on = deployment.status() == Some(&ServiceDeploymentStatus::InProgress);
    if is_going_on && !hooks.is_empty() {
        let hooks = hooks.iter().map(|hook| (*hook).to_owned()).collect();
        let stage = stage.unwrap_or_default();
        return (State::Waiting, Some(Reason::Paused { hooks, stage }));
    }
    let status = deployment
        .status()
        .map_or("PENDING", |status| status.as_str());
    let status = status.to_owned();
    (State::Running, Some(Reason::UnderWay { status, stage }))
}

/// Returns the ids of the hooks at which a deployment is paused.
pub fn paused_hooks(deployment: &ServiceDeployment) -> Vec<&str> {
    let hooks = deployment.lifecycle_hook_details().iter();
    let is_paused = |hook: &&DeploymentLifecycleHookDetail| {
        hook.status() == Some(&DeploymentLifecycleHookStatus::AwaitingAction)
    };
    hooks
        .filter(is_paused)
        .filter_map(|hook| hook.hook_id())
        .collect()
}

/// Returns what went wrong, by what watched it.
fn trouble(deployment: &ServiceDeployment) -> Option<Reason> {
    let triggered = Some(&ServiceDeploymentRollbackMonitorsStatus::Triggered);
    let breaker = deployment.deployment_circuit_breaker();
    if let Some(breaker) = breaker.filter(|breaker| breaker.status() == triggered) {
        let failures = breaker.failure_count();
        return Some(Reason::CircuitBreaker { failures });
    }
    let alarms = deployment.alarms();
    if let Some(alarms) = alarms.filter(|alarms| alarms.status() == triggered) {
        return Some(Reason::Alarms(alarms.triggered_alarm_names().to_vec()));
    }
    let is_failed = |hook: &&DeploymentLifecycleHookDetail| {
        use DeploymentLifecycleHookStatus as Status;
        match hook.status() {
            Some(Status::Failed) => true,
            Some(Status::TimedOut) => {
                hook.timeout_action() != Some(&DeploymentLifecycleHookAction::Continue)
            }
            _ => false,
        }
    };
    let mut hooks = deployment.lifecycle_hook_details().iter();
    let failed = hooks.find(is_failed)?;
    Some(Reason::Hook(
        failed.hook_id().unwrap_or_default().to_owned(),
    ))
}

fn said(deployment: &ServiceDeployment) -> Option<Reason> {
    let of_rollback = deployment.rollback().and_then(|rollback| rollback.reason());
    let said = deployment.status_reason().or(of_rollback)?;
    Some(Reason::Said(said.to_owned()))
}

/// Returns the revision that a deployment aims at.
pub fn target(deployment: &ServiceDeployment) -> Option<ServiceRevisionId> {
    let target = deployment.target_service_revision()?.arn()?;
    Some(ServiceRevisionId::of(target))
}

/// Returns `true` if a deployment that was created at `created` began before one was over that ended at `finished`.
pub fn overtakes(created: Option<&DateTime>, finished: Option<&DateTime>) -> bool {
    match (created, finished) {
        (Some(created), Some(finished)) => created <= finished,
        (Some(_), None) => true,
        (None, _) => false,
    }
}
