//! Why a flow did not succeed.

use super::logs::ForbiddenLog;
use crate::aws;
use crate::deadline::Elapsed;

/// What went wrong first in a flow.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// AWS refused a call, or did not answer it.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// Something that must exist does not, or is not ACTIVE.
    #[error("{0}")]
    Missing(String),
    /// Something of the name is in the way.
    #[error("{0}")]
    Taken(String),
    /// The caller's `Idempotency-Key` came with another body before.
    #[error("{0}")]
    KeyReused(String),
    /// Another request took back what this one had found and wanted to use, or had used.
    #[error("{0}")]
    TakenBack(String),
    /// What is there will be of use in a moment.
    #[error("{0}")]
    NotReady(String),
    /// A service of the name is still draining.
    #[error("{0}")]
    Draining(String),
    /// A container does not log to CloudWatch Logs.
    #[error("{0}")]
    LogsElsewhere(String),
    /// A container logs where the account's configuration lets nobody read.
    #[error(transparent)]
    ForbiddenLog(#[from] ForbiddenLog),
    /// The request's time was over.
    #[error(transparent)]
    Deadline(#[from] Elapsed),
}
