//! The one status table: which error is which status and code, by whose fault, and whether the request may be repeated.
//!
//! An error of AWS has two steps to its status: `aws/error/kind.rs` finds the [`Kind`] of AWS's code, and
//! `status_of_aws` here the status of the kind.

use lambda_http::http::StatusCode;
use serde::Serialize;

use crate::api::body::BodyError;
use crate::auth::Refusal;
use crate::aws::{self, Kind};
use crate::error::Error;
use crate::intake::MalformedEvent;
use crate::orchestration::Cause;
use crate::orchestration::deployments::DeploymentFault;
use crate::orchestration::failure::Failure;
use crate::orchestration::record::BeginError;
use crate::orchestration::rollback::RollbackFault;

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
pub(super) struct Verdict {
    pub status: StatusCode,
    pub fault: Option<Fault>,
    /// AWS's error code where AWS refused, else ours.
    pub code: String,
    /// The same request may be sent again without harm, and may then succeed.
    pub retryable: bool,
    pub retry_after_s: Option<u32>,
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

/// Finds an error's status and code: the status table.
pub(super) fn verdict(error: &Error, repeats_safely: bool) -> Verdict {
    match error {
        Error::Malformed(MalformedEvent::BodyTooLong) => {
            Verdict::new(StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge")
        }
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
