//! A call that AWS refused or did not answer, as one [`Kind`] with AWS's code, message and request id; the SDK's error
//! stays the source.
//!
//! `error/kind.rs` finds the kind; [`problem`](crate::problem) gives each kind its status.

mod kind;

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use self::kind::{classify, in_words, kind_of_failure};
use crate::error::chain;

pub use kind::Kind;
pub(super) use kind::{is_throttling, is_throttling_in_disguise};

/// A call to AWS that did not succeed.
#[derive(Debug)]
pub struct Error {
    /// The kind of the refusal.
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
            Kind::Blocked => write!(
                f,
                "AWS has blocked the account, and refused `{operation}`: {message}"
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
    /// Creates the error of an answer without an error that there is no such thing.
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

    /// AWS answered a success that says for one thing why it was not done.
    pub(super) fn within_success(operation: &'static str, role_arn: &str, reason: &str) -> Self {
        let kind = kind_of_failure(reason);
        Self {
            kind,
            ..Self::missing(operation, role_arn, in_words(reason, None, kind))
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
                let message = in_words(message.unwrap_or_default(), code, kind);
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

/// The refusal of STS behind a call that could not be signed.
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
            .filter(|message| !message.trim().is_empty())
            .unwrap_or("STS gave no credentials")
            .to_owned(),
        request_id: headers
            .and_then(|headers| headers.get("x-amzn-requestid"))
            .map(str::to_owned),
    })
}

/// Returns `true` if a service says that it was called too often.
pub(super) fn is_throttled<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error.as_service_error().is_some_and(|error| {
        classify(error.code(), error.message().unwrap_or_default(), status) == Kind::Throttled
    })
}

/// A code that says something.
fn said(code: Option<&str>) -> Option<String> {
    code.filter(|code| !code.is_empty()).map(str::to_owned)
}
