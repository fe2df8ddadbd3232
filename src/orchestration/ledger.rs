//! What a flow has changed so far. How that is taken back, [`undo`](super::undo) knows.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::aws::{Error, Kind};

/// One change that a flow made, or asked for without hearing how it ended.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub change: Change,
    /// The ARN, once AWS has answered.
    pub arn: Option<String>,
    pub state: State,
    /// Whether AWS was asked more than once: it may have made more than the one that it answered.
    pub is_repeated: bool,
    /// Whether AWS has been asked to take it back, and has not refused: it is gone, or may be soon.
    pub is_leaving: bool,
    /// When AWS was last asked, or last answered.
    pub heard_at: Instant,
}

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Asked for; not answered, or not yet.
    Asked,
    /// The connection ended without a word of what was done, or AWS failed.
    BrokenOff,
    /// Made by this run.
    Made,
    /// Made by another run of the same request, and in use by this one.
    Found,
    /// Not made, or not this run's.
    Void,
}

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A cluster of this name was created.
    Cluster(String),
    /// A revision of this family was registered.
    TaskDefinition(String),
    /// A registry was created.
    Registry {
        /// Its name.
        name: String,
        /// The namespace that it is in.
        namespace_id: String,
    },
    /// A service was created.
    Service {
        /// The cluster's name or ARN.
        cluster: String,
        /// The service's name.
        service: String,
    },
}

impl Change {
    /// The name of what was made.
    pub fn name(&self) -> &str {
        match self {
            Self::Cluster(name) | Self::TaskDefinition(name) | Self::Registry { name, .. } => name,
            Self::Service { service, .. } => service,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "the cluster `{name}`"),
            Self::TaskDefinition(family) => write!(f, "a revision of `{family}`"),
            Self::Registry { name, .. } => write!(f, "the registry `{name}`"),
            Self::Service { service, .. } => write!(f, "the service `{service}`"),
        }
    }
}

/// The changes of one flow, in their order. Entries are made before the call and completed after it, so that
/// a call that is cut off is still known.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // A panic of another holder leaves whole entries: each is pushed or completed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, change: Change, arn: Option<String>, state: State) -> usize {
        let mut entries = self.entries();
        entries.push(Entry {
            change,
            arn,
            state,
            is_repeated: false,
            is_leaving: false,
            heard_at: Instant::now(),
        });
        entries.len() - 1
    }

    /// The entry of a change that is about to be asked for, and what was known of it before.
    fn ask(&self, change: &Change) -> (usize, State) {
        let known = self
            .entries()
            .iter()
            .position(|entry| entry.change == *change);
        let Some(place) = known else {
            return (self.push(change.clone(), None, State::Asked), State::Void);
        };
        let entry = &mut self.entries()[place];
        (entry.is_repeated, entry.heard_at) = (true, Instant::now());
        (place, std::mem::replace(&mut entry.state, State::Asked))
    }

    /// Does `work`, whose success is `change`, and keeps the ARN that `arn` finds in its answer.
    pub async fn record<T>(
        &self,
        change: &Change,
        work: impl Future<Output = Result<T, Error>>,
        arn: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Error> {
        let (place, before) = self.ask(change);
        let result = work.await;
        let entry = &mut self.entries()[place];
        entry.heard_at = Instant::now();
        match &result {
            Ok(answer) => (entry.arn, entry.state) = (arn(answer), State::Made),
            // What is refused now may be what an earlier call, which was not answered, has done.
            Err(error) if !error.kind.leaves_outcome_unknown() => entry.state = before,
            Err(error) if error.kind == Kind::Unavailable && before != State::Asked => {
                entry.state = State::BrokenOff;
            }
            Err(_) => {}
        }
        result
    }

    /// A change that AWS did not answer turned out to be made.
    pub fn found(&self, change: &Change, arn: Option<&str>) {
        for entry in self
            .entries()
            .iter_mut()
            .filter(|entry| entry.change == *change)
        {
            (entry.arn, entry.state) = (arn.map(str::to_owned), State::Made);
        }
    }

    /// A change turned out not to be this run's, or is taken back already.
    pub fn forget(&self, change: &Change) {
        for entry in self
            .entries()
            .iter_mut()
            .filter(|entry| entry.change == *change)
        {
            entry.state = State::Void;
        }
    }

    /// What AWS answered turned out to be another run's.
    pub fn disown(&self, arn: &str) {
        for entry in self
            .entries()
            .iter_mut()
            .filter(|entry| entry.arn.as_deref() == Some(arn))
        {
            entry.state = State::Found;
        }
    }

    /// Notes what another run of the same request made: it is not taken back, and not concealed.
    pub fn leave(&self, change: Change, arn: Option<String>) {
        self.push(change, arn, State::Found);
    }

    /// What this run made or may have made, so far.
    pub fn own(&self) -> Vec<Entry> {
        let entries = self.entries();
        entries
            .iter()
            .filter(|entry| !matches!(entry.state, State::Found | State::Void))
            .cloned()
            .collect()
    }

    /// What another run made, and what this run made or may have made; both in their order.
    pub fn split(self) -> (Vec<Entry>, Vec<Entry>) {
        let entries = self
            .0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_iter();
        entries
            .filter(|entry| entry.state != State::Void)
            .partition(|entry| entry.state == State::Found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(kind: Kind) -> Result<(), Error> {
        Err(Error::of_kind(kind))
    }

    #[tokio::test]
    async fn a_refusal_says_nothing_of_an_earlier_call_that_was_not_answered() {
        use Kind::{Conflict, TimedOut, Unavailable};
        for (answers, expected) in [
            (&[Ok(())][..], Some(State::Made)),
            (&[Err(Conflict)], None),
            (&[Err(Unavailable)], Some(State::BrokenOff)),
            (&[Err(TimedOut)], Some(State::Asked)),
            (&[Err(Unavailable), Err(Conflict)], Some(State::BrokenOff)),
            (&[Err(TimedOut), Err(Conflict)], Some(State::Asked)),
            (&[Err(TimedOut), Err(Unavailable)], Some(State::Asked)),
            (&[Err(Unavailable), Err(TimedOut)], Some(State::Asked)),
            (&[Err(Unavailable), Ok(())], Some(State::Made)),
            (&[Ok(()), Err(Conflict)], Some(State::Made)),
        ] {
            let (ledger, change) = (Ledger::default(), Change::Cluster("myclu".to_owned()));
            for answer in answers {
                let answer = answer.map_or_else(fails, Ok);
                let _ = ledger.record(&change, async { answer }, |()| None).await;
            }
            let (_, own) = ledger.split();
            assert_eq!(
                own.first().map(|entry| entry.state),
                expected,
                "{answers:?}"
            );
            assert!(
                own.iter()
                    .all(|entry| entry.is_repeated == (answers.len() > 1))
            );
        }
    }
}
