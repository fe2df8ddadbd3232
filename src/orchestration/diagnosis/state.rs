//! The state of a service or a task beside its faults: healthy, starting, not asked for, out of sight. Pure.

use std::time::Duration;

use aws_sdk_ecs::types::{DeploymentRolloutState, HealthStatus, Service, Task};

use super::clues::{milliseconds, revision};
use super::look::{ServiceView, TaskView};
use super::{Diagnosis, Evidence, Finding, Severity};
use crate::orchestration::outcome::{OutcomeState, is_over, outcome};
use crate::orchestration::parts::service::primary;

/// The time for which a deployment may show no task: ECS was seen to take seconds from an update to the first start.
const FIRST_TASK_AFTER: Duration = Duration::from_mins(2);

/// A finding that is no words of AWS but what its numbers say.
struct Said {
    code: &'static str,
    severity: Severity,
    summary: &'static str,
    fix: &'static str,
}

const NOT_ACTIVE: Said = Said {
    code: "ServiceNotActive",
    severity: Severity::Cause,
    summary: "The service was deleted.",
    fix: "Create it again; a DRAINING name is free once it is INACTIVE.",
};
const NOT_ASKED_FOR: Said = Said {
    code: "NoTasksRequested",
    severity: Severity::Cause,
    summary: "Nobody asked for tasks: the desired count is 0.",
    fix: "`PATCH` the service with a `desiredCount`. Does a scaling policy, or a schedule, set it to 0?",
};
const STARTING: Said = Said {
    code: "Starting",
    severity: Severity::Note,
    summary: "It is still starting, and nothing has failed yet.",
    fix: "Ask again in a while.",
};
const NOTHING_VISIBLE: Said = Said {
    code: "NothingVisible",
    severity: Severity::Cause,
    summary: "Tasks are missing, and nothing says why any more: ECS forgets stopped tasks after an hour at most.",
    fix: "`PATCH` the service with `forceNewDeployment`, and ask again while its tasks fail.",
};
const UNREADABLE: Said = Said {
    code: "NotEverythingSeen",
    severity: Severity::Note,
    summary: "A part could not be looked at, so that a cause may be missing here.",
    fix: "The evidence says which call failed. A denied one needs the member account's template of this version.",
};

impl Said {
    fn finding(&self, evidence: Vec<Evidence>) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            summary: self.summary,
            count: evidence.len().max(1),
            evidence,
            fix: self.fix,
        }
    }
}

/// Tells what a service is, with what was found.
pub(super) fn of_service(seen: &ServiceView, mut findings: Vec<Finding>, now_ms: u64) -> Diagnosis {
    let service = &seen.service;
    let evidence = vec![counts_of(service)];
    let is_active = service.status() == Some("ACTIVE");
    let is_whole = is_whole(service);
    // What was asked for last does not run, although what runs is whole.
    let was_taken_back = findings.iter().any(|finding| finding.code == "RolledBack");
    if !is_active {
        findings.insert(0, NOT_ACTIVE.finding(evidence));
    } else if service.desired_count() == 0 {
        findings.insert(0, NOT_ASKED_FOR.finding(evidence));
    } else if !is_whole && !has_fault(&findings) {
        let said = if is_starting(seen, now_ms) {
            STARTING
        } else {
            NOTHING_VISIBLE
        };
        findings.push(said.finding(evidence));
    }
    if !seen.unseen.is_empty() {
        findings.push(UNREADABLE.finding(seen.unseen.clone()));
    }
    let is_healthy = is_active && service.desired_count() > 0 && is_whole && !was_taken_back;
    Diagnosis::new(is_healthy, &summary_of(service), findings)
}

/// Returns `true` if a finding says that something is wrong.
fn has_fault(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity != Severity::Note)
}

/// Says how many tasks run.
fn summary_of(service: &Service) -> String {
    let revision = service.task_definition().unwrap_or_default();
    let revision = revision.rsplit('/').next().unwrap_or_default();
    let (running, desired) = (service.running_count(), service.desired_count());
    format!("{running} of {desired} tasks run; deployed is `{revision}`.")
}

fn counts_of(service: &Service) -> Evidence {
    let (running, pending, desired) = (
        service.running_count(),
        service.pending_count(),
        service.desired_count(),
    );
    let status = service.status().unwrap_or_default();
    Evidence {
        source: "service".to_owned(),
        at_ms: None,
        text: format!(
            "{status}: {running} tasks run and {pending} are pending of {desired} that are desired"
        ),
    }
}

/// Returns `true` if as many tasks run as were asked for, all of what was deployed last.
fn is_whole(service: &Service) -> bool {
    let is_deployed = primary(service).is_none_or(|primary| {
        primary
            .rollout_state()
            .is_none_or(|state| *state == DeploymentRolloutState::Completed)
    });
    service.running_count() >= service.desired_count() && is_deployed
}

/// Returns `true` if tasks are on their way.
fn is_starting(seen: &ServiceView, now_ms: u64) -> bool {
    let service = &seen.service;
    let is_young = primary(service)
        .and_then(|primary| milliseconds(primary.created_at()))
        .and_then(|created| u64::try_from(created).ok())
        .is_some_and(|created| {
            Duration::from_millis(now_ms.saturating_sub(created)) < FIRST_TASK_AFTER
        });
    let comes_up = |task: &Task| !is_over(task) && task.last_status() != Some("RUNNING");
    let runs_all = service.running_count() >= service.desired_count();
    service.pending_count() > 0 || runs_all || is_young || seen.tasks.tasks.iter().any(comes_up)
}

/// Tells what a task is, with what was found.
pub(super) fn of_task(seen: &TaskView, mut findings: Vec<Finding>) -> Diagnosis {
    let task = &seen.task;
    let outcome = outcome(task, seen.tasks.definition_of(task));
    let revision = revision(task).unwrap_or_default();
    let status = task.last_status().unwrap_or_default();
    if outcome.state == OutcomeState::Pending && !has_fault(&findings) {
        findings.push(STARTING.finding(vec![Evidence {
            source: "task".to_owned(),
            at_ms: milliseconds(task.created_at()),
            text: format!("its status is {status}"),
        }]));
    }
    if !seen.unseen.is_empty() {
        findings.push(UNREADABLE.finding(seen.unseen.clone()));
    }
    let is_well = task.health_status() != Some(&HealthStatus::Unhealthy);
    let is_healthy = match outcome.state {
        OutcomeState::Running => is_well,
        // A service wants its tasks to run on.
        OutcomeState::Succeeded => seen.service.is_none(),
        OutcomeState::Pending | OutcomeState::Failed | OutcomeState::Stopped => false,
    };
    let state = outcome.state.name();
    Diagnosis::new(
        is_healthy,
        &format!("The task of `{revision}` is {status}, and its outcome is `{state}`."),
        findings,
    )
}
