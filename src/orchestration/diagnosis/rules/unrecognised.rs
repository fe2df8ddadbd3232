//! The rules for what no other rule knows: AWS's own words are the evidence.

use super::{Kind, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "TaskNotPlaced",
        severity: Severity::Symptom,
        summary: "ECS could not start a task, and says why in words that no rule knows.",
        fix: "The words are in the evidence.",
        reads: &[Kind::Event],
        words: &[
            &["was unable to place a task"],
            &["was unable to start"],
            &["failed to launch a task"],
        ],
    },
    Rule {
        code: "TaskFailed",
        severity: Severity::Cause,
        summary: "A task could not start, or ended, and ECS says why in words that no rule knows.",
        fix: "The words are in the evidence. Where they say nothing: look at the log group, at secrets and at the network first.",
        reads: &[Kind::StopCode],
        words: &[&["taskfailedtostart"], &["essentialcontainerexited"]],
    },
];
