//! A flow that did not succeed, and what became of what it had made.

use super::Cause;
use super::undo::UndoReport;

/// A flow that did not succeed, and what became of what it had made.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// The first thing that went wrong.
    #[source]
    pub cause: Cause,
    /// The fate of everything that it had made; empty where it failed before it made anything.
    pub report: UndoReport,
    /// The same request, sent again, goes on with what is left.
    pub is_resumable: bool,
}

impl Failure {
    /// Returns the failure of a flow that has changed nothing.
    pub fn before_any_change(cause: Cause) -> Self {
        Self {
            cause,
            report: UndoReport::default(),
            is_resumable: false,
        }
    }
}
