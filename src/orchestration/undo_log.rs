//! The changes that a flow has asked for, in their order: what [`undo`](super::undo) takes back.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::tag_update::TagUpdate;
use crate::aws::{Error, Kind};
use crate::ids::{Arn, ClusterName, Family, LogGroupName, NamespaceId, RegistryName, ServiceName};

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A cluster of this name was created.
    Cluster(ClusterName),
    /// A log group of this name was created.
    LogGroup(LogGroupName),
    /// A revision of this family was registered.
    TaskDefinition(Family),
    /// A registry was created.
    Registry {
        /// Its name.
        name: RegistryName,
        /// The namespace that it is in.
        namespace_id: NamespaceId,
    },
    /// A service was created.
    Service {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
    },
    /// A service that was there was updated.
    Update {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
        /// The revision that it is to run, if it is another one than before.
        revision: Option<Arn>,
        /// No service can run that revision for another reason: it was registered for the update.
        is_new_revision: bool,
        /// The revision that it ran before.
        previous: Option<Arn>,
    },
    /// Tags of a service were changed; this update puts them back.
    Tags(TagUpdate),
}

impl Change {
    /// Returns the name of what was made.
    pub fn name(&self) -> &str {
        match self {
            Self::Cluster(name) => name.as_str(),
            Self::LogGroup(name) => name.as_str(),
            Self::TaskDefinition(family) => family.as_str(),
            Self::Registry { name, .. } => name.as_str(),
            Self::Service { service, .. } | Self::Update { service, .. } => service.as_str(),
            Self::Tags(back) => back.arn.as_str(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "the cluster `{name}`"),
            Self::LogGroup(name) => write!(f, "the log group `{name}`"),
            Self::TaskDefinition(family) => write!(f, "a revision of `{family}`"),
            Self::Registry { name, .. } => write!(f, "the registry `{name}`"),
            Self::Service { service, .. } => write!(f, "the service `{service}`"),
            Self::Update { service, .. } => write!(f, "the update of the service `{service}`"),
            Self::Tags(back) => write!(f, "the tags of `{}`", back.arn),
        }
    }
}

/// One change of a flow.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The change.
    pub change: Change,
    /// The ARN of what was made, once it is known.
    pub arn: Option<Arn>,
    /// The last answer of AWS about it.
    pub answer: Answer,
    /// AWS was asked for it more than once.
    pub is_repeated: bool,
    /// The moment at which AWS was last asked, or last answered; `None` if that is long ago.
    pub heard_at: Option<Instant>,
}

/// The last answer of AWS about a change that it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing: it may be at work.
    Silent,
    /// That it failed, or the connection broke: it may have done it, but is no longer at work.
    Failed,
    /// That it is made.
    Made,
}

impl Entry {
    /// Returns the entry of a change that was asked for long ago by an invocation that has died.
    pub fn abandoned(change: Change) -> Self {
        Self {
            change,
            arn: None,
            answer: Answer::Failed,
            is_repeated: false,
            heard_at: None,
        }
    }
}

/// The changes of one flow. Entries are made before the call and completed after it, so that a call that is cut off is
/// still known.
#[derive(Debug, Default)]
pub(super) struct UndoLog(Mutex<Vec<Entry>>);

impl UndoLog {
    /// Does `work`, whose success is `change`, and keeps the ARN that `arn` finds in its answer.
    pub async fn track<T>(
        &self,
        change: &Change,
        work: impl Future<Output = Result<T, Error>>,
        arn: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Error> {
        let before = self.ask(change);
        let result = work.await;
        match (&result, before) {
            (Ok(answer), _) => self.note_made(change, arn(answer).as_deref()),
            (Err(error), None) if !error.kind.leaves_outcome_unknown() => self.forget(change),
            // What is refused now may be what an earlier call, which was not answered, has done.
            (Err(error), Some(before)) if !error.kind.leaves_outcome_unknown() => {
                self.note(change, before);
            }
            (Err(error), None | Some(Answer::Failed)) if error.kind == Kind::Unavailable => {
                self.note(change, Answer::Failed);
            }
            (Err(_), _) => {}
        }
        result
    }

    /// Notes that AWS is asked for a change, and returns what it said of it when it was asked before.
    fn ask(&self, change: &Change) -> Option<Answer> {
        let mut entries = self.entries();
        let now = Some(Instant::now());
        let known = entries.iter_mut().find(|entry| entry.change == *change);
        if let Some(entry) = known {
            (entry.heard_at, entry.is_repeated) = (now, true);
            return Some(std::mem::replace(&mut entry.answer, Answer::Silent));
        }
        entries.push(Entry {
            change: change.clone(),
            arn: None,
            answer: Answer::Silent,
            is_repeated: false,
            heard_at: now,
        });
        None
    }

    fn note(&self, change: &Change, answer: Answer) {
        for entry in self
            .entries()
            .iter_mut()
            .filter(|entry| entry.change == *change)
        {
            (entry.answer, entry.heard_at) = (answer, Some(Instant::now()));
        }
    }

    /// Notes that a change is made.
    pub fn note_made(&self, change: &Change, arn: Option<&str>) {
        self.note(change, Answer::Made);
        let mut entries = self.entries();
        let arn = arn.map(Arn::from_answer);
        match entries.iter_mut().find(|entry| entry.change == *change) {
            Some(entry) => entry.arn = arn,
            // AWS refused it to this invocation, since one of the same request that has died had made it.
            None => entries.push(Entry {
                arn,
                answer: Answer::Made,
                ..Entry::abandoned(change.clone())
            }),
        }
    }

    /// Takes over a change that an earlier invocation has made for the same request.
    pub fn inherit(&self, change: Change, arn: &Arn) {
        self.entries().push(Entry {
            arn: Some(arn.clone()),
            answer: Answer::Made,
            ..Entry::abandoned(change)
        });
    }

    /// Notes that a change was not made, or not by this request.
    pub fn forget(&self, change: &Change) {
        self.entries().retain(|entry| entry.change != *change);
    }

    /// Returns the changes, the newest first.
    pub fn into_newest_first(self) -> Vec<Entry> {
        let mut entries = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        entries.reverse();
        entries
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // A panic of another holder leaves whole entries: each is pushed or completed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Change {
        Change::Cluster(ClusterName::bare("shop").unwrap())
    }

    async fn ask(log: &UndoLog, answer: Result<&str, Kind>) {
        let work = async { answer.map_err(Error::of_kind) };
        let _ = log
            .track(&cluster(), work, |arn| Some((*arn).to_owned()))
            .await;
    }

    #[tokio::test]
    async fn what_aws_refuses_is_not_there_unless_it_was_asked_before() {
        for (answers, left) in [
            (vec![Ok("arn")], Some((Some("arn"), Answer::Made))),
            (vec![Err(Kind::Invalid)], None),
            (vec![Err(Kind::TimedOut)], Some((None, Answer::Silent))),
            (vec![Err(Kind::Unavailable)], Some((None, Answer::Failed))),
            (
                vec![Err(Kind::TimedOut), Err(Kind::Unavailable)],
                Some((None, Answer::Silent)),
            ),
            (
                vec![Err(Kind::TimedOut), Err(Kind::Conflict)],
                Some((None, Answer::Silent)),
            ),
            (
                vec![Err(Kind::Unavailable), Ok("arn")],
                Some((Some("arn"), Answer::Made)),
            ),
        ] {
            let log = UndoLog::default();
            for answer in &answers {
                ask(&log, *answer).await;
            }
            let entries = log.into_newest_first();
            let found = entries
                .first()
                .map(|entry| (entry.arn.as_ref().map(Arn::as_str), entry.answer));
            assert_eq!(found, left, "{answers:?}");
        }
    }
}
