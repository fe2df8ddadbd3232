//! What AWS refused, as one kind with AWS's code, message and request id; the SDK's error stays the source.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::chain;

/// A call to AWS that did not succeed.
#[derive(Debug)]
pub struct Error {
    /// What it comes down to.
    pub kind: Kind,
    /// The operation as IAM names it: `ecs:CreateService`.
    pub operation: &'static str,
    /// The role under which the call was made.
    pub role_arn: String,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's message, or what went wrong before AWS could answer.
    pub message: String,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// The SDK's error; `None` where AWS answered without an error that there is nothing.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of failure that callers can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The account's role could not be assumed.
    AssumeRole,
    /// STS was not there to be asked, or had too much to do; the call was never made.
    NoSession,
    /// The role lacks a permission.
    AccessDenied,
    /// The resource does not exist.
    NotFound,
    /// The resource's state, or another resource, is in the way.
    Conflict,
    /// A service of that name is still draining: the name is free again in a while.
    Draining,
    /// What was just made has not reached all of AWS yet.
    NotReady,
    /// AWS does not accept what was asked.
    Invalid,
    /// Too many calls, after the SDK's own retries.
    Throttled,
    /// There is no Fargate capacity at the moment.
    NoCapacity,
    /// AWS failed, or answered nonsense, after the SDK's own retries.
    Unavailable,
    /// AWS did not answer in time.
    TimedOut,
}

impl Kind {
    /// Whether the same call may succeed after a while, without anybody doing anything.
    pub fn passes(self) -> bool {
        matches!(
            self,
            Self::NoSession
                | Self::Conflict
                | Self::Draining
                | Self::NotReady
                | Self::Throttled
                | Self::NoCapacity
                | Self::Unavailable
                | Self::TimedOut
        )
    }

    /// Whether AWS may have done the work although the call failed.
    pub fn leaves_outcome_unknown(self) -> bool {
        matches!(self, Self::Unavailable | Self::TimedOut)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            role_arn,
            message,
            ..
        } = self;
        match self.kind {
            Kind::AssumeRole => write!(f, "the role `{role_arn}` can't be assumed: {message}"),
            Kind::NoSession => write!(
                f,
                "the role `{role_arn}` can't be assumed at the moment: {message}"
            ),
            Kind::AccessDenied => write!(
                f,
                "the role `{role_arn}` may not do `{operation}`: {message}"
            ),
            Kind::TimedOut => write!(f, "`{operation}` was not answered in time: {message}"),
            Kind::Unavailable => write!(f, "`{operation}` failed on AWS's side: {message}"),
            // AWS refused nothing: it answered that there is no such thing.
            Kind::NotFound if self.source.is_none() => f.write_str(message),
            _ => write!(f, "`{operation}` was refused: {message}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl Error {
    /// AWS answered without an error that there is no such thing.
    pub(super) fn missing(operation: &'static str, role_arn: &str, message: String) -> Self {
        Self {
            kind: Kind::NotFound,
            operation,
            role_arn: role_arn.to_owned(),
            code: None,
            message,
            request_id: None,
            source: None,
        }
    }

    /// A failure of this kind.
    #[cfg(test)]
    pub fn of_kind(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::missing("ecs:CreateCluster", "", String::new())
        }
    }

    /// AWS answered a success that lacks what the operation promises.
    pub(super) fn nonsense(operation: &'static str, role_arn: &str, lacking: &str) -> Self {
        let message = format!("the answer has no `{lacking}`");
        Self {
            kind: Kind::Unavailable,
            ..Self::missing(operation, role_arn, message)
        }
    }

    /// The request's own time was over before AWS answered.
    pub(super) fn too_late(operation: &'static str, role_arn: &str) -> Self {
        let message = "the time that a request may take is over".to_owned();
        Self {
            kind: Kind::TimedOut,
            ..Self::missing(operation, role_arn, message)
        }
    }

    /// Classifies an error of the SDK.
    pub(super) fn from_sdk<E>(
        operation: &'static str,
        role_arn: &str,
        error: SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let assume_role = assume_role_refusal(&error);
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let header = |name| {
            error
                .raw_response()
                .and_then(|response| response.headers().get(name))
        };
        let request_id = header("x-amzn-requestid")
            .or_else(|| header("x-amz-request-id"))
            .map(str::to_owned);
        let (kind, code, message) = match (&assume_role, &error) {
            (Some(refusal), _) => (refusal.kind, refusal.code.clone(), refusal.message.clone()),
            (None, SdkError::ServiceError(context)) => {
                let (code, message) = (context.err().code(), context.err().message());
                let kind = classify(code, message.unwrap_or_default(), status);
                let message = message.map_or_else(|| "without a message".to_owned(), str::to_owned);
                (kind, said(code), message)
            }
            (None, SdkError::TimeoutError(_)) => (Kind::TimedOut, None, "no answer".to_owned()),
            (None, SdkError::DispatchFailure(failure)) if failure.is_timeout() => {
                (Kind::TimedOut, None, "no connection".to_owned())
            }
            (None, SdkError::DispatchFailure(_)) => {
                (Kind::Unavailable, None, "the connection broke".to_owned())
            }
            (None, SdkError::ResponseError(_)) => (
                Kind::Unavailable,
                None,
                "the answer can't be read".to_owned(),
            ),
            (None, _) => (
                Kind::Invalid,
                None,
                "the request can't be built from these values".to_owned(),
            ),
        };
        let request_id = assume_role.map_or(request_id, |refusal| refusal.request_id);
        Self {
            kind,
            operation,
            role_arn: role_arn.to_owned(),
            code,
            message,
            request_id,
            source: Some(Box::new(error)),
        }
    }
}

/// What STS said, where a call failed because it could not be signed.
struct Refusal {
    kind: Kind,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
}

fn assume_role_refusal(error: &(dyn StdError + 'static)) -> Option<Refusal> {
    let credentials = chain(error).find(|error| error.is::<CredentialsError>())?;
    let refused = chain(credentials)
        .find_map(|error| error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>());
    let service_error = refused.and_then(|refused| refused.as_service_error());
    let response = refused.and_then(SdkError::raw_response);
    let headers = response.map(HttpResponse::headers);
    let status = response.map(|response| response.status().as_u16());
    let kind = match service_error
        .map(|error| classify(error.code(), error.message().unwrap_or_default(), status))
    {
        None | Some(Kind::Throttled | Kind::Unavailable | Kind::TimedOut) => Kind::NoSession,
        Some(_) => Kind::AssumeRole,
    };
    Some(Refusal {
        kind,
        code: said(service_error.and_then(|error| error.code())),
        message: service_error
            .and_then(|error| error.message())
            .unwrap_or("STS gave no credentials")
            .to_owned(),
        request_id: headers
            .and_then(|headers| headers.get("x-amzn-requestid"))
            .map(str::to_owned),
    })
}

/// A code that says something.
fn said(code: Option<&str>) -> Option<String> {
    code.filter(|code| !code.is_empty()).map(str::to_owned)
}

/// The kind of a refusal, by AWS's code; by the message where AWS puts several under one code.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/cloud-map/latest/api/CommonErrors.html>, and each operation's own list.
fn classify(code: Option<&str>, message: &str, status: Option<u16>) -> Kind {
    let is_client_error = status.is_some_and(|status| (400..500).contains(&status));
    let Some(code) = code.filter(|_| is_client_error) else {
        return if status == Some(429) {
            Kind::Throttled
        } else {
            Kind::Unavailable
        };
    };
    match code {
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "OptInRequired" => Kind::AccessDenied,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature" => Kind::AssumeRole,
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown" => Kind::Throttled,
        "ResourceInUse"
        | "UpdateInProgressException"
        | "ServiceNotActiveException"
        | "ServiceAlreadyExists"
        | "ConflictException"
        | "DuplicateRequest"
        | "ResourceLimitExceeded"
        | "LimitExceededException"
        | "ResourceInUseException"
        | "NamespaceAlreadyExists" => Kind::Conflict,
        "ServerException" | "InternalFailure" | "InternalServerError" | "ServiceUnavailable" => {
            Kind::Unavailable
        }
        "RequestTimeout" | "RequestTimeoutException" => Kind::TimedOut,
        code if code.contains("NotFound") => Kind::NotFound,
        code if code.starts_with("ClusterContains") => Kind::Conflict,
        _ => classify_by_message(message),
    }
}

/// ECS says these under `ClientException` and `InvalidParameterException`.
fn classify_by_message(message: &str) -> Kind {
    let message = message.to_ascii_lowercase();
    let says = |text: &str| message.contains(text);
    if says("still draining") {
        Kind::Draining
    } else if says("not idempotent") {
        Kind::Conflict
    } else if says("too many concurrent attempts") {
        Kind::Throttled
    } else if says("unable to assume the service linked role") {
        Kind::NotReady
    } else if says("capacity is unavailable") {
        Kind::NoCapacity
    } else if says("unable to describe task definition")
        || (says("task") && (says("not found") || says("does not exist")))
    {
        Kind::NotFound
    } else {
        Kind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_aws_is_one_kind() {
        for (code, message, status, kind) in [
            ("AccessDeniedException", "", 400, Kind::AccessDenied),
            (
                "ClusterNotFoundException",
                "Cluster not found.",
                400,
                Kind::NotFound,
            ),
            ("NamespaceNotFound", "", 400, Kind::NotFound),
            (
                "ClientException",
                "Unable to describe task definition.",
                400,
                Kind::NotFound,
            ),
            (
                "ClientException",
                "TaskDefinition not found.",
                400,
                Kind::NotFound,
            ),
            (
                "ClientException",
                "The specified task definition does not exist.",
                400,
                Kind::NotFound,
            ),
            (
                "InvalidParameterException",
                "The referenced task was not found.",
                400,
                Kind::NotFound,
            ),
            (
                "InvalidParameterException",
                "The subnet ID 'subnet-1' does not exist",
                400,
                Kind::Invalid,
            ),
            (
                "ClientException",
                "Too many concurrent attempts to create a new revision",
                400,
                Kind::Throttled,
            ),
            (
                "ClientException",
                "Family should not be null.",
                400,
                Kind::Invalid,
            ),
            ("ClusterContainsServicesException", "", 400, Kind::Conflict),
            ("ServiceAlreadyExists", "", 400, Kind::Conflict),
            (
                "InvalidParameterException",
                "Creation of service was not idempotent.",
                400,
                Kind::Conflict,
            ),
            (
                "InvalidParameterException",
                "Unable to Start a service that is still Draining.",
                400,
                Kind::Draining,
            ),
            (
                "ClientException",
                "Capacity is unavailable at this time. Please try again later",
                400,
                Kind::NoCapacity,
            ),
            ("InvalidInput", "", 400, Kind::Invalid),
            (
                "InvalidParameterException",
                "Unable to assume the service linked role.",
                400,
                Kind::NotReady,
            ),
            ("ThrottlingException", "Rate exceeded", 400, Kind::Throttled),
            ("RequestLimitExceeded", "", 400, Kind::Throttled),
            ("ExpiredTokenException", "", 400, Kind::AssumeRole),
            ("ServerException", "", 500, Kind::Unavailable),
            ("ClusterNotFoundException", "", 503, Kind::Unavailable),
        ] {
            assert_eq!(
                classify(Some(code), message, Some(status)),
                kind,
                "{code} {message}"
            );
        }
        assert_eq!(classify(None, "", Some(400)), Kind::Unavailable);
        assert_eq!(classify(None, "", Some(429)), Kind::Throttled);
        assert_eq!(classify(Some("Whatever"), "", Some(200)), Kind::Unavailable);
    }
}
