//! Errors → problem details (RFC 9457): the one status table, and the only writer of problems.
//!
//! An error of AWS has two steps to its status: `aws/error/kind.rs` finds the [`Kind`] of AWS's code, and `status_of_aws`
//! here the status of the kind.

use lambda_http::http::StatusCode;
use lambda_http::http::header::{self, HeaderName};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::body::{ACCEPTED_ENCODING, BodyError};
use crate::auth::Refusal;
use crate::aws::{self, Kind};
use crate::error::Error;
use crate::ids::Arn;
use crate::orchestration::deployments::DeploymentFault;
use crate::orchestration::failure::Failure;
use crate::orchestration::record::BeginError;
use crate::orchestration::rollback::RollbackFault;
use crate::orchestration::undo::UndoReport;
use crate::orchestration::{Cause, Leftover};
use crate::reply::{Body, Reply};
use crate::text::printable_up_to;
use crate::wire::validation::FieldError;
use crate::wire::write::write;

/// The seconds after which a caller may try again where AWS throttled.
const THROTTLED_RETRY_S: u32 = 5;
/// The seconds after which a caller may try again where AWS has not finished something that is needed.
const NOT_READY_RETRY_S: u32 = 5;
/// The seconds after which a caller may try again where the same request is still at work.
const UNDER_WAY_RETRY_S: u32 = 10;
/// The seconds after which a caller may try again where nothing could be begun.
const UNRECORDED_RETRY_S: u32 = 5;
/// The seconds after which a caller may try again where a service is draining: Fargate's default stop timeout.
const DRAINING_RETRY_S: u32 = 30;
/// The seconds after which a caller may try again where Fargate had no capacity.
const CAPACITY_RETRY_S: u32 = 60;

/// The most characters of a detail: more than AWS says of one thing.
const DETAIL_MAX: usize = 4096;

/// The most bytes of paths and messages that a problem lists.
const ERRORS_MAX_BYTES: usize = 16_384;

/// The one by whose fault a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Whoever sent it: it was wrong, or not allowed, or what it needs is not there.
    Caller,
    /// AWS: it failed, had too much to do, or took too long.
    Aws,
    /// Whoever runs the function: a bug, a stack that is not whole, or a role that can't be assumed.
    Own,
}

impl Fault {
    /// Returns the one whose fault a status stands for, where nothing more is known; `None` if nothing failed.
    pub fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => Some(Self::Own),
            StatusCode::TOO_MANY_REQUESTS => Some(Self::Aws),
            status if status.is_server_error() => Some(Self::Aws),
            status if status.is_client_error() => Some(Self::Caller),
            _ => None,
        }
    }

    /// Returns the one by whose fault a request ended with this error.
    pub fn of(error: &Error) -> Option<Self> {
        verdict(error, true).fault
    }
}

/// An error as it goes over the wire.
struct Verdict {
    status: StatusCode,
    fault: Option<Fault>,
    /// AWS's error code where AWS refused, else ours.
    code: String,
    /// The same request may be sent again without harm, and may then succeed.
    retryable: bool,
    retry_after_s: Option<u32>,
}

impl Verdict {
    fn new(status: StatusCode, code: &str) -> Self {
        Self {
            status,
            fault: Fault::of_status(status),
            code: code.to_owned(),
            retryable: false,
            retry_after_s: None,
        }
    }

    /// The stack itself, or a member's role, is not as it should be.
    fn by_our_fault(self) -> Self {
        Self {
            fault: Some(Fault::Own),
            ..self
        }
    }

    fn retry_after(self, seconds: u32) -> Self {
        Self {
            retryable: true,
            retry_after_s: Some(seconds),
            ..self
        }
    }

    fn retryable(self, retryable: bool) -> Self {
        Self { retryable, ..self }
    }
}

/// Writes the problem of an error. `repeats_safely` claims that the request, sent again, does nothing
/// twice.
pub fn reply(error: &Error, request_id: &str, repeats_safely: bool) -> Reply {
    let verdict = verdict(error, repeats_safely);
    let problem = members(error, &verdict, request_id);
    let reply = Reply::new(
        verdict.status,
        "application/problem+json",
        Body::Json(Value::Object(problem)),
    );
    let reply = match verdict.retry_after_s {
        Some(seconds) => reply.with_header(header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    };
    with_remedy(reply, error)
}

/// Writes the problem of an error as a part of another answer. The request is one that changes nothing.
pub fn body(error: &Error, request_id: &str) -> Value {
    members(error, &verdict(error, true), request_id).into()
}

fn members(error: &Error, verdict: &Verdict, request_id: &str) -> Map<String, Value> {
    let mut problem = Map::new();
    problem.insert("type".to_owned(), "about:blank".into());
    problem.insert(
        "title".to_owned(),
        verdict.status.canonical_reason().unwrap_or("Error").into(),
    );
    problem.insert("status".to_owned(), verdict.status.as_u16().into());
    problem.insert("detail".to_owned(), detail(error).into());
    problem.insert("code".to_owned(), verdict.code.as_str().into());
    problem.insert("requestId".to_owned(), request_id.into());
    if let Some(id) = aws_error(error).and_then(|error| error.request_id.as_deref()) {
        problem.insert("awsRequestId".to_owned(), id.into());
    }
    problem.insert("retryable".to_owned(), verdict.retryable.into());
    if let Error::Input(problems) = error {
        problem.insert("errors".to_owned(), errors(problems));
    }
    match error {
        Error::TakenBack(failure) => add_report(&mut problem, &failure.report),
        Error::Delete(failure) => {
            problem.insert("Deleted".to_owned(), json!(failure.deleted));
            let kept = failure
                .kept
                .iter()
                .map(|kept| json!({"Arn": kept.arn, "Reason": kept.reason}));
            problem.insert("Kept".to_owned(), kept.collect());
        }
        Error::NothingStarted(nothing) => {
            // AWS's own values always have a JSON form.
            let failures = nothing.0.iter().filter_map(|failure| write(failure).ok());
            problem.insert("Failures".to_owned(), failures.collect());
        }
        _ => {}
    }
    problem
}

/// Adds the headers that tell a client what would be accepted.
fn with_remedy(reply: Reply, error: &Error) -> Reply {
    if let Error::Flow(Cause::Precondition(error)) = error {
        return match &error.present {
            Some(present) => reply.with_header(header::ETAG, &format!("\"{present}\"")),
            None => reply,
        };
    }
    let (name, value): (HeaderName, &str) = match error {
        Error::MethodNotAllowed { allow, .. } => (header::ALLOW, allow),
        Error::Refused(Refusal::Unauthenticated) => {
            (header::WWW_AUTHENTICATE, "Bearer realm=\"ecs-api\"")
        }
        Error::Body(BodyError::UnknownCompression(_)) => {
            (header::ACCEPT_ENCODING, ACCEPTED_ENCODING)
        }
        _ => return reply,
    };
    reply.with_header(name, value)
}

/// Writes what the caller may know in one line, although AWS's messages may have several. Of a bug: nothing.
fn detail(error: &Error) -> String {
    let detail = match error {
        Error::Bug(_) => {
            "the request could not be completed; its id finds the cause in the log".to_owned()
        }
        Error::Input(problems) => summary(problems),
        other => other.to_string(),
    };
    printable_up_to(DETAIL_MAX, &detail)
}

/// Writes what is wrong with the input, as far as a problem has room for it.
fn errors(problems: &[FieldError]) -> Value {
    let listed = problems.iter().scan(0, |bytes, problem| {
        *bytes += problem.path.len() + problem.message.len();
        (*bytes <= ERRORS_MAX_BYTES).then(|| json!(problem))
    });
    let mut listed: Vec<_> = listed.collect();
    if listed.len() < problems.len() {
        listed.push(json!({"path": "", "message": "and more problems, once these are mended"}));
    }
    listed.into()
}

fn summary(problems: &[FieldError]) -> String {
    match problems {
        [] => "the request is not valid".to_owned(),
        [only] if only.path.is_empty() => only.message.clone(),
        [only] => format!("{}: {}", only.path, only.message),
        [first, rest @ ..] => format!(
            "{}: {} (and {} more)",
            first.path,
            first.message,
            rest.len()
        ),
    }
}

fn add_report(problem: &mut Map<String, Value>, report: &UndoReport) {
    let arns = |arns: &[Arn]| {
        arns.iter()
            .map(|arn| json!({"Arn": arn}))
            .collect::<Vec<_>>()
    };
    problem.insert("Created".to_owned(), arns(&report.created).into());
    problem.insert("RolledBack".to_owned(), arns(&report.rolled_back).into());
    problem.insert("LeftBehind".to_owned(), left_behind(&report.left_behind));
}

/// Writes what could not be taken back, as `LeftBehind` lists it.
fn left_behind(leftovers: &[Leftover]) -> Value {
    let entry =
        |left: &Leftover| json!({"Arn": left.arn, "Error": left.error, "Command": left.command});
    leftovers.iter().map(entry).collect()
}

fn aws_error(error: &Error) -> Option<&aws::Error> {
    let cause = match error {
        Error::Aws(error) => return Some(error),
        Error::Flow(cause) => cause,
        Error::TakenBack(failure) => &failure.cause,
        Error::Delete(failure) => &failure.cause,
        _ => return None,
    };
    match cause {
        Cause::Aws(error) => Some(error),
        _ => None,
    }
}

/// Finds an error's status and code: the status table.
fn verdict(error: &Error, repeats_safely: bool) -> Verdict {
    match error {
        Error::Malformed(_) => Verdict::new(StatusCode::BAD_REQUEST, "MalformedRequest"),
        Error::Body(error) => status_of_body(error),
        Error::Input(_) => Verdict::new(StatusCode::BAD_REQUEST, "InvalidRequest"),
        Error::OnlyCompressed => Verdict::new(StatusCode::NOT_ACCEPTABLE, "OnlyCompressed"),
        Error::Id(_) => Verdict::new(StatusCode::BAD_REQUEST, "InvalidIdentifier"),
        Error::Refused(Refusal::Unauthenticated) => {
            Verdict::new(StatusCode::UNAUTHORIZED, "Unauthenticated")
        }
        Error::Refused(Refusal::Forbidden) => Verdict::new(StatusCode::FORBIDDEN, "Forbidden"),
        Error::NoRoute => Verdict::new(StatusCode::NOT_FOUND, "NoSuchRoute"),
        Error::UnknownAccount(_) => Verdict::new(StatusCode::NOT_FOUND, "NoSuchAccount"),
        Error::NotFound(_) => Verdict::new(StatusCode::NOT_FOUND, "NotFound"),
        Error::MethodNotAllowed { .. } => {
            Verdict::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed")
        }
        Error::Aws(error) => status_of_aws(error, repeats_safely),
        Error::TakenBack(failure) => status_of_taken_back(failure),
        Error::Delete(failure) => status_of_cause(&failure.cause),
        Error::Flow(cause) => status_of_cause(cause),
        Error::NothingStarted(nothing) if nothing.is_for_capacity() => {
            Verdict::new(StatusCode::SERVICE_UNAVAILABLE, "NoCapacity")
                .retry_after(CAPACITY_RETRY_S)
        }
        Error::NothingStarted(_) => Verdict::new(StatusCode::CONFLICT, "NothingStarted"),
        Error::NoTimeLimit(_) => Verdict::new(StatusCode::SERVICE_UNAVAILABLE, "QueueUnavailable")
            .by_our_fault()
            .retry_after(UNRECORDED_RETRY_S),
        Error::Deadline(_) => {
            Verdict::new(StatusCode::GATEWAY_TIMEOUT, "DeadlineExceeded").retryable(repeats_safely)
        }
        Error::Bug(_) => Verdict::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    }
}

/// Finds the status of a body that can't be read.
fn status_of_body(error: &BodyError) -> Verdict {
    let (status, code) = match error {
        BodyError::TooLong { .. } | BodyError::TooLongUnpacked => {
            (StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge")
        }
        BodyError::UnknownCompression(_) => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedContentEncoding",
        ),
        BodyError::NotGzip(_) => (StatusCode::BAD_REQUEST, "MalformedGzip"),
        BodyError::OtherCharset(_) | BodyError::NotUtf8 { .. } => {
            (StatusCode::BAD_REQUEST, "UnsupportedCharset")
        }
        BodyError::Syntax(_) => (StatusCode::BAD_REQUEST, "MalformedJson"),
    };
    Verdict::new(status, code)
}

/// Finds the status of a flow that was taken back. It may be repeated where nothing was left behind, because then nothing is in its
/// way; with a key also where something was, because the same request finds that and goes on with it.
fn status_of_taken_back(failure: &Failure) -> Verdict {
    let verdict = status_of_cause(&failure.cause);
    Verdict {
        retryable: verdict.retryable && (failure.report.is_clean() || failure.is_resumable),
        ..verdict
    }
}

/// Finds the status of a failed flow. Flows may be repeated: a create is undone, a delete goes on where it stopped, and
/// the others change nothing.
fn status_of_cause(cause: &Cause) -> Verdict {
    match cause {
        Cause::Aws(error) => status_of_aws(error, true),
        Cause::Begin(error) => status_of_begin(error),
        Cause::TasksForgotten => Verdict::new(StatusCode::CONFLICT, "TasksForgotten"),
        Cause::Faulty(_)
        | Cause::SharedNamespace { .. }
        | Cause::Merge(_)
        | Cause::Unrestorable(_)
        | Cause::NoRoomForMark { .. } => Verdict::new(StatusCode::BAD_REQUEST, "InvalidRequest"),
        Cause::ServiceNotActive { .. } => Verdict::new(StatusCode::CONFLICT, "ServiceNotActive"),
        Cause::Controller(_) => Verdict::new(StatusCode::CONFLICT, "OtherController"),
        Cause::Rollback(RollbackFault::NoRevision { .. }) => {
            Verdict::new(StatusCode::NOT_FOUND, "NotFound")
        }
        Cause::Rollback(RollbackFault::NothingBefore(_)) => {
            Verdict::new(StatusCode::CONFLICT, "NothingBefore")
        }
        Cause::Precondition(_) => Verdict::new(StatusCode::PRECONDITION_FAILED, "DeployedSince"),
        Cause::NoCluster(_)
        | Cause::NoTaskDefinition(_)
        | Cause::NoService { .. }
        | Cause::NoLog(_) => Verdict::new(StatusCode::NOT_FOUND, "NotFound"),
        Cause::ClusterTaken { .. } | Cause::ServiceTaken { .. } | Cause::RegistryTaken { .. } => {
            Verdict::new(StatusCode::CONFLICT, "AlreadyExists")
        }
        Cause::ClusterNotReady { .. } => {
            Verdict::new(StatusCode::CONFLICT, "NotReady").retry_after(NOT_READY_RETRY_S)
        }
        Cause::Draining { .. } => {
            Verdict::new(StatusCode::CONFLICT, "Draining").retry_after(DRAINING_RETRY_S)
        }
        Cause::Deployment(fault) => status_of_deployment(fault),
        Cause::ForbiddenLog(_) => Verdict::new(StatusCode::FORBIDDEN, "ForbiddenLog"),
        Cause::LogElsewhere(_) => Verdict::new(StatusCode::CONFLICT, "LogsElsewhere"),
        Cause::Deadline(_) => {
            Verdict::new(StatusCode::GATEWAY_TIMEOUT, "DeadlineExceeded").retryable(true)
        }
    }
}

/// Finds the status of what can't be told of a deployment, or done to it.
fn status_of_deployment(fault: &DeploymentFault) -> Verdict {
    let conflict = |code| Verdict::new(StatusCode::CONFLICT, code);
    match fault {
        DeploymentFault::Unknown { .. } => Verdict::new(StatusCode::NOT_FOUND, "NotFound"),
        DeploymentFault::CodeDeploy(_) | DeploymentFault::External(_) => {
            conflict("NotDeployedByEcs")
        }
        DeploymentFault::Unnamed(_) => conflict("NotReady").retry_after(NOT_READY_RETRY_S),
        DeploymentFault::Over { .. } => conflict("NotInProgress"),
        DeploymentFault::NotPaused(_) | DeploymentFault::OtherHooks { .. } => conflict("NotPaused"),
    }
}

/// Finds the status of a request that was not begun.
fn status_of_begin(error: &BeginError) -> Verdict {
    match error {
        BeginError::KeyReused => Verdict::new(StatusCode::CONFLICT, "IdempotencyKeyReused"),
        BeginError::UnderWay => {
            Verdict::new(StatusCode::CONFLICT, "RequestUnderWay").retry_after(UNDER_WAY_RETRY_S)
        }
        BeginError::Unavailable(_) => {
            Verdict::new(StatusCode::SERVICE_UNAVAILABLE, "RecordUnavailable")
                .by_our_fault()
                .retry_after(UNRECORDED_RETRY_S)
        }
    }
}

/// Finds the status of AWS's refusal, by its kind. With `repeats_safely` the same call may be made again, although this
/// one may have done its work.
fn status_of_aws(error: &aws::Error, repeats_safely: bool) -> Verdict {
    let verdict = |status, ours: &str| Verdict::new(status, error.code.as_deref().unwrap_or(ours));
    match error.kind {
        Kind::AssumeRole => verdict(StatusCode::BAD_GATEWAY, "AssumeRoleFailed").by_our_fault(),
        Kind::NoSession => verdict(StatusCode::BAD_GATEWAY, "AssumeRoleFailed").retryable(true),
        Kind::AccessDenied => verdict(StatusCode::FORBIDDEN, "AccessDenied"),
        Kind::Blocked => verdict(StatusCode::FORBIDDEN, "Blocked"),
        Kind::NotFound => verdict(StatusCode::NOT_FOUND, "NotFound"),
        Kind::Conflict => verdict(StatusCode::CONFLICT, "Conflict"),
        Kind::NotReady => verdict(StatusCode::CONFLICT, "NotReady").retry_after(NOT_READY_RETRY_S),
        Kind::Draining => verdict(StatusCode::CONFLICT, "Draining").retry_after(DRAINING_RETRY_S),
        Kind::Invalid => verdict(StatusCode::BAD_REQUEST, "InvalidRequest"),
        Kind::Throttled => {
            verdict(StatusCode::TOO_MANY_REQUESTS, "Throttled").retry_after(THROTTLED_RETRY_S)
        }
        Kind::NoCapacity => {
            verdict(StatusCode::SERVICE_UNAVAILABLE, "NoCapacity").retry_after(CAPACITY_RETRY_S)
        }
        Kind::Unavailable => {
            verdict(StatusCode::BAD_GATEWAY, "AwsUnavailable").retryable(repeats_safely)
        }
        Kind::TimedOut => {
            verdict(StatusCode::GATEWAY_TIMEOUT, "AwsTimedOut").retryable(repeats_safely)
        }
    }
}
