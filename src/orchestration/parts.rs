//! The parts of a service, each resource in a room of its own: how it is looked at, made, taken back and deleted.
//!
//! The flows decide which part when; a part knows nothing of the others.

pub(super) mod cluster;
pub(super) mod log_group;
pub(super) mod registry;
pub(super) mod service;
pub(super) mod task_definition;
pub(super) mod tasks;

use std::fmt::Display;
use std::time::Duration;

use crate::aws::{Error, Kind};

/// The time between two looks at something that AWS has not finished.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// The time after which AWS shows what it did before it failed a call.
pub(super) const SETTLES: Duration = Duration::from_secs(3);

/// The end of one attempt to remove a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Removal {
    /// It was there and is gone.
    Gone,
    /// It was not there.
    Absent,
    /// The thing of that name is somebody else's.
    NotOwn,
    /// It stays, for this reason.
    Kept(String),
    /// It goes once this has happened.
    Pending(String),
}

/// Returns `true` if a thing may be there although its creation failed: AWS may have made it, or another one has the name.
fn is_there_perhaps(error: &Error) -> bool {
    error.kind == Kind::Conflict || error.kind.leaves_outcome_unknown()
}

/// Writes `1 task`, `2 tasks`.
pub(super) fn count<N: Copy + PartialEq + From<bool> + Display>(number: N, what: &str) -> String {
    let plural = if number == N::from(true) { "" } else { "s" };
    format!("{number} {what}{plural}")
}
