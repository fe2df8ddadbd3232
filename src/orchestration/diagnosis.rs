//! Finds out why something is not running, by all that AWS says of a service or a task.
//!
//! `look` asks AWS, `clues` takes the words out of its answers, [`rules`] say what the words stand for, `judge` makes
//! findings of them, and `state` tells what the service or the task is. Nothing is changed, and whatever can't be looked at
//! is one finding less, and said.

mod clues;
mod judge;
mod log_tail;
mod look;
pub mod rules;
mod state;

use std::fmt::Write as _;

use super::Cause;
use crate::aws::Account;
use crate::deadline::Deadline;
use crate::ids::{ClusterName, ServiceName, TaskId};

/// The health of a service or a task, with a finding for each fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The service or task runs, or has ended well.
    pub is_healthy: bool,
    /// The diagnosis in a sentence.
    pub summary: String,
    /// The findings, the likeliest first.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The code, for programs.
    pub code: &'static str,
    /// The weight of the finding.
    pub severity: Severity,
    /// The finding in a sentence.
    pub summary: &'static str,
    /// The words of AWS that it is from, the newest of each revision.
    pub evidence: Vec<Evidence>,
    /// The thing to do.
    pub fix: &'static str,
    /// The number of times that it was seen.
    pub count: usize,
}

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It says why.
    Cause,
    /// It says that something is wrong, and not why.
    Symptom,
    /// It is good to know.
    Note,
}

impl Severity {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cause => "cause",
            Self::Symptom => "symptom",
            Self::Note => "note",
        }
    }
}

/// Words that a finding is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The place where they stand.
    pub source: String,
    /// The time that they are of, in milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// The words.
    pub text: String,
}

impl Evidence {
    fn new(source: &str, at_ms: Option<i64>, text: &str) -> Self {
        Self {
            source: source.to_owned(),
            at_ms,
            text: text.to_owned(),
        }
    }
}

/// Words of AWS in which a rule may find its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Clue {
    /// The kind of place where they stand.
    pub kind: Kind,
    /// The words that rules look for, in lower case, without the names of things.
    pub words: String,
    /// The words as AWS has them, and where.
    pub evidence: Evidence,
}

/// The kinds of places in which AWS says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An event of a service.
    Event,
    /// The state of a deployment.
    Deployment,
    /// The reason why a task stopped.
    Task,
    /// The code with which a task stopped.
    StopCode,
    /// The reason that a container has.
    Container,
    /// An exit code that says something by itself.
    Exit,
    /// Any other exit code.
    OtherExit,
    /// A line of a log.
    Log,
}

/// Diagnoses a service; `None` if AWS does not know it.
///
/// # Errors
/// [`Cause`] if AWS does not show the service. Whatever else can't be looked at is said in the findings.
pub async fn of_service(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
    now_ms: u64,
    deadline: Deadline,
) -> Result<Option<Diagnosis>, Cause> {
    let seen = Box::pin(look::look_at_service(account, cluster, service, deadline)).await?;
    Ok(seen.map(|seen| {
        let findings = judge::findings(clues::of_service(&seen));
        state::of_service(&seen, findings, now_ms)
    }))
}

/// Diagnoses a task; `None` if AWS does not know it.
///
/// # Errors
/// [`Cause`] if AWS does not show the task. Whatever else can't be looked at is said in the findings.
pub async fn of_task(
    account: &Account,
    cluster: &ClusterName,
    task: &TaskId,
    deadline: Deadline,
) -> Result<Option<Diagnosis>, Cause> {
    let seen = Box::pin(look::look_at_task(account, cluster, task, deadline)).await?;
    Ok(seen.map(|seen| {
        let findings = judge::findings(clues::of_task(&seen));
        state::of_task(&seen, findings)
    }))
}

impl Diagnosis {
    /// Puts findings into the order of their weight; among equals they keep theirs. Begins the summary with what is there.
    fn new(is_healthy: bool, there: &str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        let mut summary = there.to_owned();
        if let Some(first) = findings.first().filter(|_| !is_healthy) {
            let _ = write!(summary, " {}", first.summary);
        }
        Self {
            is_healthy,
            summary,
            findings,
        }
    }
}
