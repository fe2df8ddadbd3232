//! Everything that can go wrong with a request, without HTTP: [`problem`](crate::problem) gives it a status.

use std::error::Error as StdError;

use aws_smithy_schema::serde::SerdeError;

use crate::api::body::BodyError;
use crate::auth::Refusal;
use crate::aws;
use crate::deadline::Elapsed;
use crate::ids::{ClusterName, IdError, ServiceName, TaskId};
use crate::intake::MalformedEvent;
use crate::orchestration::failure::Failure;
use crate::orchestration::launch::{NothingStarted, RunFailure};
use crate::orchestration::{Cause, delete};
use crate::wire::validation::FieldError;

/// A failure of a request, from its event to its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The event carries no readable request.
    #[error(transparent)]
    Malformed(#[from] MalformedEvent),
    /// No route has this path.
    #[error("there is nothing at this path")]
    NoRoute,
    /// The path has routes, but none with this method.
    #[error("this path does not take `{method}`")]
    MethodNotAllowed {
        /// The method that was asked for.
        method: String,
        /// The methods that the path takes, as in `Allow`.
        allow: String,
    },
    /// Nobody known, or nobody with a grant.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The caller may ask for every account, but there is none of this name.
    #[error("there is no account `{0}` in the configuration")]
    UnknownAccount(String),
    /// The body can't be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body or the query is not what was expected.
    #[error("not valid at {}", places(.0))]
    Input(Vec<FieldError>),
    /// The answer is sent compressed or not at all.
    #[error(
        "this answer is sent compressed alone: ask for it with `Accept-Encoding: gzip`, as `curl --compressed` does"
    )]
    OnlyCompressed,
    /// An identifier that can't be one.
    #[error(transparent)]
    Id(#[from] IdError),
    /// There is no such resource.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// AWS refused.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// A flow failed, and what it had made was taken back.
    #[error(transparent)]
    TakenBack(#[from] Box<Failure>),
    /// The orchestrated delete failed.
    #[error(transparent)]
    Delete(#[from] Box<delete::Failure>),
    /// A flow that changes nothing failed.
    #[error(transparent)]
    Flow(#[from] Cause),
    /// `RunTask` started nothing.
    #[error(transparent)]
    NothingStarted(#[from] NothingStarted),
    /// The time limit of tasks could not be put onto the queue, so that nothing was started.
    #[error(transparent)]
    NoTimeLimit(RunFailure),
    /// The request's time was over.
    #[error(transparent)]
    Deadline(#[from] Elapsed),
    /// A bug of ours.
    #[error("a bug of ecs-api: {0}")]
    Bug(Bug),
}

/// A bug of ours, told to the log alone.
#[derive(Debug, thiserror::Error)]
pub enum Bug {
    /// The work on a request panicked, with this message.
    #[error("a panic: {0}")]
    Panic(String),
    /// The SDK gave a value that has no JSON form.
    #[error("an answer can't be written: {0}")]
    Unwritable(SerdeError),
}

/// A resource that AWS does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// A cluster that is there and ACTIVE.
    #[error("there is no ACTIVE cluster `{0}`")]
    ActiveCluster(ClusterName),
    /// A service.
    #[error("there is no service `{service}` in the cluster `{cluster}`")]
    Service {
        /// The service.
        service: ServiceName,
        /// The cluster that it is not in.
        cluster: ClusterName,
    },
    /// A task.
    #[error("there is no task `{task}` in the cluster `{cluster}`")]
    Task {
        /// The task.
        task: TaskId,
        /// The cluster that it is not in.
        cluster: ClusterName,
    },
    /// A namespace of Cloud Map.
    #[error("there is no namespace `{0}`")]
    Namespace(String),
}

impl From<RunFailure> for Error {
    fn from(failure: RunFailure) -> Self {
        match failure {
            RunFailure::Aws(error) => Self::Aws(error),
            RunFailure::NothingStarted(nothing) => Self::NothingStarted(nothing),
            RunFailure::Begin(error) => Self::Flow(Cause::Begin(error)),
            RunFailure::Forgotten => Self::Flow(Cause::TasksForgotten),
            RunFailure::Override(fault) => Self::input(fault.member(), &fault.to_string()),
            failure @ RunFailure::NoTimeLimit(_) => Self::NoTimeLimit(failure),
        }
    }
}

impl Error {
    /// Creates the error of one thing that is wrong with the body or the query.
    pub fn input(path: &str, message: &str) -> Self {
        Self::Input(vec![FieldError {
            path: path.to_owned(),
            message: message.to_owned(),
        }])
    }
}

/// Walks an error and the errors behind it, from the outermost in.
pub fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Joins the words of an error and of the errors behind it, for the log.
pub fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in chain(error) {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// Names the places of problems, and nothing of what stands there: it may be a secret, which is not for the log.
fn places(problems: &[FieldError]) -> String {
    let mut places: Vec<_> = problems
        .iter()
        .take(5)
        .map(|problem| format!("`{}`", problem.path))
        .collect();
    if problems.len() > places.len() {
        places.push(format!("{} more places", problems.len() - places.len()));
    }
    places.join(", ")
}

impl From<SerdeError> for Error {
    /// Takes it for a bug: the SDK's own values always have a JSON form.
    fn from(error: SerdeError) -> Self {
        Self::Bug(Bug::Unwritable(error))
    }
}
