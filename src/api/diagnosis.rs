//! The diagnoses: why a service or a task is not running.

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation};
use super::schema::{Answer, Member, Schema};
use crate::error::{Error, NotFound};
use crate::orchestration::diagnosis::{self, Diagnosis, Evidence, Finding};
use crate::reply::Reply;

/// A diagnosis.
const DIAGNOSIS: Schema = Schema::Component(
    "Diagnosis",
    &Schema::Object(&[
        Member::always("Healthy", Schema::Boolean).described(
            "`true` if what was asked for runs, or has ended well. A service that ECS has rolled back is not.",
        ),
        Member::always("Summary", Schema::Text).described("The diagnosis in words."),
        Member::always("Findings", Schema::List(&FINDING)).described("The likeliest first."),
    ]),
);

const FINDING: Schema = Schema::Object(&[
    Member::always("Code", Schema::Text)
        .described("Names the finding for programs. Later versions may know more of them."),
    Member::always(
        "Severity",
        Schema::Json(r#"{"enum": ["cause", "symptom", "note"]}"#),
    )
    .described("`cause` says why, `symptom` that something is wrong, `note` what is good to know."),
    Member::always("Summary", Schema::Text),
    Member::always("Evidence", Schema::List(&EVIDENCE))
        .described("AWS's own words, the newest of each revision, and the last lines of the log."),
    Member::always("Fix", Schema::Text).described("The thing to do."),
    Member::always("Count", Schema::Integer)
        .described("The number of tasks, or of events, of which it was seen."),
]);

const EVIDENCE: Schema = Schema::Object(&[
    Member::always("Source", Schema::Text),
    Member::sometimes(
        "At",
        Schema::Json(r#"{"type": "string", "format": "date-time"}"#),
    ),
    Member::always("Text", Schema::Text),
]);

/// `GET …/services/{service}/diagnosis`.
pub const OF_SERVICE: Operation = Operation {
    group: Group::Services,
    summary: "Tell why a service is not running, or that it is.",
    description: "Read from its events, its deployment, its tasks and the last lines of the newest failed one. Nothing is changed. \
                  What can't be looked at is said in a finding. Lines of a log that `logGroups` lets nobody read are not shown.",
    answers: &[Answer::json("What was found.", DIAGNOSIS)],
    ..Operation::get(
        "diagnose_service",
        "/{account}/clusters/{cluster}/services/{service}/diagnosis",
        Handler::Account(|request| diagnose_service(request).boxed()),
    )
};

/// Answers why a service is not running.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses to show of it.
pub async fn diagnose_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let service = request.service(&cluster)?;
    let Request {
        account, deadline, ..
    } = *request;
    let now_ms = request.clock.now_ms();
    let found = diagnosis::of_service(account, &cluster, &service, now_ms, deadline).await?;
    let found = found.ok_or(NotFound::Service { service, cluster })?;
    Ok(Reply::json(write_diagnosis(&found)))
}

/// `GET …/tasks/{task}/diagnosis`.
pub const OF_TASK: Operation = Operation {
    group: Group::Tasks,
    summary: "Tell why a task is not running, or that it is, or has ended well.",
    description: "As `diagnose_service`, of one task; a stopped one is known for about an hour.",
    answers: &[Answer::json("What was found.", DIAGNOSIS)],
    ..Operation::get(
        "diagnose_task",
        "/{account}/clusters/{cluster}/tasks/{task}/diagnosis",
        Handler::Account(|request| diagnose_task(request).boxed()),
    )
};

/// Answers why a task is not running.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses to show of it.
pub async fn diagnose_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let task = request.task(&cluster)?;
    let Request {
        account, deadline, ..
    } = *request;
    let found = diagnosis::of_task(account, &cluster, &task, deadline).await?;
    let found = found.ok_or(NotFound::Task { task, cluster })?;
    Ok(Reply::json(write_diagnosis(&found)))
}

fn write_diagnosis(diagnosis: &Diagnosis) -> Value {
    let findings: Vec<_> = diagnosis.findings.iter().map(write_finding).collect();
    json!({
        "Healthy": diagnosis.is_healthy, "Summary": diagnosis.summary, "Findings": findings,
    })
}

fn write_finding(finding: &Finding) -> Value {
    let evidence: Vec<_> = finding.evidence.iter().map(write_evidence).collect();
    json!({
        "Code": finding.code, "Severity": finding.severity.name(), "Summary": finding.summary, "Evidence": evidence,
        "Fix": finding.fix, "Count": finding.count,
    })
}

fn write_evidence(evidence: &Evidence) -> Value {
    let mut written = json!({"Source": evidence.source});
    let at = evidence
        .at_ms
        .and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    if let Some(at) = at {
        written["At"] = at.to_string().into();
    }
    written["Text"] = evidence.text.as_str().into();
    written
}
