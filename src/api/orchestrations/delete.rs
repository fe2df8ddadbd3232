//! `DELETE /{account}/services`: a service and, if asked for, its registries and its cluster.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};
use tracing::warn;

use super::delete_target::read_target;
use super::dry_run::{self, DRY_RUN, DRY_RUN_OUTPUT};
use crate::api::Request;
use crate::api::operation::{Group, Handler, Operation, ProblemSchema, Timing};
use crate::api::parameters::{Parameter, RECURSIVE, Values};
use crate::api::schema::{Answer, Body, Member, Schema};
use crate::continuation::Handover;
use crate::error::{Error, causes};
use crate::orchestration::delete::{self, Progress, Target};
use crate::reply::Reply;
use crate::wire::outputs::Service;
use crate::wire::write::write;

/// The seconds after which a caller may ask again about a delete that is not done.
const PENDING_RETRY_S: u32 = 15;
/// The time that a delete keeps back of the request's to write its answer; at most a third of it is.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);
/// The same where it first hands over to the queue what is pending, by a few calls of AWS.
const QUEUE_RESERVE: Duration = Duration::from_secs(4);
/// Said to a caller where no queue goes on.
const REPEAT: &str =
    "nobody goes on with it: repeat this DELETE, after `Retry-After`, until it answers 200";

/// `DELETE /{account}/services`.
pub const DELETE: Operation = Operation {
    query: &[
        Parameter::new(
            "cluster",
            Values::Cluster,
            "The service's cluster, by name or ARN; here or in the body.",
        ),
        Parameter::new(
            "service",
            Values::InCluster("service"),
            "The service, by name or ARN; here or in the body.",
        ),
        RECURSIVE,
        DRY_RUN,
    ],
    timing: Timing::Flow,
    group: Group::WholeServices,
    summary: "Delete a service and, if asked for, its registries and its cluster.",
    description: "What to delete stands in the body or in the query. With `recursive`, the registries go once the tasks and \
                  their registrations are gone, and then the cluster, unless something else is in it or it is `default`. \
                  While something is pending the answer is 202: the stack's queue goes on with it, or, where `Queued` is false, \
                  the same request after `Retry-After`.",
    body: Some(Body {
        schema: DELETE_ORCHESTRATION_INPUT,
        is_required: false,
        aws: None,
    }),
    answers: &[
        Answer::json(
            "Done: what was deleted, and what was kept and why. With `dryRun`, what would be done.",
            Schema::AnyOf(&[DELETION, DRY_RUN_OUTPUT]),
        ),
        PENDING,
    ],
    problem: Some(DELETE_PROBLEM),
    ..Operation::delete(
        "delete_orchestration",
        "/{account}/services",
        Handler::Account(|request| delete_orchestration(request).boxed()),
    )
};

const DELETE_ORCHESTRATION_INPUT: Schema = Schema::Component(
    "DeleteOrchestrationInput",
    &Schema::Closed(&[
        Member::optional("cluster", Schema::Text)
            .described("The service's cluster, by name or ARN."),
        Member::optional("service", Schema::Text).described("The service, by name or ARN."),
        Member::sometimes(
            "recursive",
            Schema::Json(
                r#"{"type": ["boolean", "string", "null"], "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)$"}"#,
            ),
        )
        .described("Also delete what belongs to the service. Default: false."),
    ]),
);

/// The answer of a delete: what it has done so far.
pub(in crate::api) const DELETION: Schema = Schema::Component(
    "Deletion",
    &Schema::Object(&[
        Member::always("Service", Schema::sdk::<Service>()),
        Member::sometimes("Deleted", Schema::ARNS),
        Member::sometimes("Kept", KEPT),
        Member::sometimes(
            "Pending",
            Schema::List(&Schema::Object(&[
                Member::always("Arn", Schema::Text),
                Member::always("WaitingFor", Schema::Text),
            ])),
        ),
        Member::sometimes("Queued", Schema::Boolean)
            .described("Whether the stack's queue goes on with what is pending."),
        Member::sometimes("Detail", Schema::Text)
            .described("What the caller has to do, where the queue does not go on."),
    ]),
);

/// The answer of a delete that is not done.
pub(in crate::api) const PENDING: Answer = Answer {
    status: 202,
    headers: &["Retry-After"],
    ..Answer::json("Not done yet: `Pending` says what it waits for.", DELETION)
};

/// The problem of a delete that was refused.
pub(in crate::api) const DELETE_PROBLEM: ProblemSchema = ProblemSchema {
    name: "DeleteProblem",
    members: &[
        Member::sometimes("Deleted", Schema::ARNS)
            .described("The ARNs that were deleted before it failed."),
        Member::sometimes("Kept", KEPT).described("What is kept, and why."),
    ],
};

const KEPT: Schema = Schema::List(&Schema::Object(&[
    Member::always("Arn", Schema::Text),
    Member::always("Reason", Schema::Text),
]));

/// Deletes a service, and with `recursive` its registries and its cluster. What to delete comes in the body or in the
/// query.
///
/// # Errors
/// [`Error::Input`] without a cluster and a service; [`Error::Delete`] with a refusal and what was gone before.
pub async fn delete_orchestration(request: &Request<'_>) -> Result<Reply, Error> {
    let (target, ignored) = read_target(request)?;
    let reply = if request.flag(DRY_RUN.name)? {
        let steps = delete::plan(request.account, &target, request.deadline).await?;
        dry_run::reply(None, &steps)
    } else {
        delete_service(request, &target).await?
    };
    Ok(reply.with_ignored(request.is_lenient(), &ignored))
}

/// Deletes, and answers how far it came: 200 when it is done, 202 while something is pending.
pub(in crate::api) async fn delete_service(
    request: &Request<'_>,
    target: &Target,
) -> Result<Reply, Error> {
    let reserve = if request.continuation.is_some() {
        QUEUE_RESERVE
    } else {
        ANSWER_RESERVE
    };
    let working = request.deadline.keeping_a_third(reserve);
    let work = delete::delete(request.account, target, working);
    let (progress, failure) = match Box::pin(work).await {
        Ok(progress) => (progress, None),
        Err(mut failure) => match failure.unfinished.take() {
            Some(progress) if request.continuation.is_some() => (*progress, Some(failure)),
            _ => return Err(Box::new(failure).into()),
        },
    };
    let is_queued = !progress.pending.is_empty() && enqueue(request, target, &progress).await;
    if let Some(failure) = failure.filter(|_| !is_queued) {
        return Err(Box::new(failure).into());
    }
    let mut answer = Map::new();
    answer.insert("Service".to_owned(), write(&progress.service)?);
    answer.insert("Deleted".to_owned(), json!(progress.deleted));
    let kept = progress
        .kept
        .iter()
        .map(|kept| json!({"Arn": kept.arn, "Reason": kept.reason}));
    answer.insert("Kept".to_owned(), kept.collect());
    if progress.pending.is_empty() {
        return Ok(Reply::json(Value::Object(answer)));
    }
    let pending = progress
        .pending
        .iter()
        .map(|item| json!({"Arn": item.arn, "WaitingFor": item.waiting_for}));
    answer.insert("Pending".to_owned(), pending.collect());
    answer.insert("Queued".to_owned(), is_queued.into());
    if !is_queued {
        answer.insert("Detail".to_owned(), REPEAT.into());
    }
    Ok(Reply::json(Value::Object(answer)).accepted(PENDING_RETRY_S))
}

/// Gives what is pending to the queue, and tells whether it has taken it; why it has not is for the log.
async fn enqueue(request: &Request<'_>, target: &Target, progress: &Progress) -> bool {
    let Some(continuation) = request.continuation else {
        return false;
    };
    let account_name = request.path.parameter("account");
    let Request {
        account,
        caller,
        request_id,
        clock,
        deadline,
        ..
    } = *request;
    let handover = Handover {
        target,
        progress,
        clock,
        account_name,
        caller,
        request_id,
    };
    let cause = match deadline
        .limit(Box::pin(continuation.enqueue(account, handover)))
        .await
    {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    warn!(
        correlation_id = request_id,
        caller, cause, "delete: not queued"
    );
    false
}
