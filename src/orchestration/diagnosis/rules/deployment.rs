//! Deployments that are not over, or were taken back.
//!
//! Words: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>,
//! <https://github.com/aws/containers-roadmap/issues/1488> (the circuit breaker's words).

use super::{Kind, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "RolledBack",
        severity: Severity::Symptom,
        summary: "The last deployment failed, and what ran before was deployed again.",
        fix: "Mend what made its tasks fail, and deploy again.",
        reads: &[Kind::Event, Kind::Deployment],
        words: &[&["rolling back to"]],
    },
    Rule {
        code: "DeploymentFailed",
        severity: Severity::Symptom,
        summary: "The deployment failed, and nothing was put back in its place.",
        fix: "Mend what made its tasks fail, and deploy again; with `deploymentCircuitBreaker.rollback` ECS puts back what ran before.",
        reads: &[Kind::Event, Kind::Deployment],
        words: &[&["deployment failed"], &["circuit breaker"]],
    },
    Rule {
        code: "DeploymentStuck",
        severity: Severity::Cause,
        summary: "The deployment's limits let ECS neither start nor stop a task.",
        fix: "Raise `deploymentConfiguration.maximumPercent`, or lower `minimumHealthyPercent`.",
        reads: &[Kind::Event],
        words: &[&["because of the service deployment configuration"]],
    },
    Rule {
        code: "TasksDoNotStart",
        severity: Severity::Symptom,
        summary: "Tasks fail again and again, so that ECS starts them ever more slowly.",
        fix: "The other findings say why. After the next deployment ECS starts them at full speed again.",
        reads: &[Kind::Event],
        words: &[&["unable to consistently start tasks successfully"]],
    },
];
