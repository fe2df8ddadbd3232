//! The rules by which a record that is found decides: pure, so that every order of events can be tried.

use super::{Record, State};

/// The meaning of a record that is there to a request that wants to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// Nothing is in the way.
    Free,
    /// The key belongs to another body.
    OtherBody,
    /// It is done.
    Done(Record),
    /// The invocation that was at it has died: it may be taken over.
    Abandoned(Record),
    /// Somebody is at it.
    UnderWay,
}

/// Assesses what was found under the id of `wanted`.
pub fn assess(found: Option<&Record>, wanted: &Record, now_ms: u64) -> Assessment {
    let Some(found) = found.filter(|found| !found.is_forgotten(now_ms)) else {
        return Assessment::Free;
    };
    if found.body != wanted.body {
        return Assessment::OtherBody;
    }
    match found.state {
        State::Undone => Assessment::Free,
        State::Done => Assessment::Done(found.clone()),
        State::Running | State::TakingBack if found.lease < now_ms => {
            Assessment::Abandoned(found.clone())
        }
        State::Running | State::TakingBack => Assessment::UnderWay,
    }
}
