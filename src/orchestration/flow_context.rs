//! Everything that a flow that is done once works with, be it a create, a deploy or a rollback.

use super::Cause;
use super::failure::Failure;
use super::record::{Identity, Records};
use super::undo::UndoReport;
use crate::aws::Account;
use crate::deadline::Deadline;

/// Everything that a flow works with.
#[derive(Debug)]
pub struct FlowContext<'c> {
    /// The account that it works in.
    pub account: &'c Account,
    /// The records of what is to be done once.
    pub records: &'c Records,
    /// The request, as its record knows it.
    pub identity: Identity,
    /// The end of its time.
    pub deadline: Deadline,
}

impl FlowContext<'_> {
    /// Returns the failure of the flow, after everything that it had made was taken back or listed.
    pub(super) fn failure(&self, cause: Cause, report: UndoReport) -> Failure {
        Failure {
            cause,
            report,
            is_resumable: self.identity.is_keyed,
        }
    }
}
