//! One record for each thing that is to be done once: who is at it, until when, and how it ended.
//!
//! A record lies in the stack's table under its id: the digest of an `Idempotency-Key`, or the id of a request that has
//! none. It is written before the first change, by one conditional write, so that of two requests with the same key one
//! is at work. Its [`Lease`] ends a little later than the invocation: a record that is still running after that belongs
//! to an invocation that died. A [`Watch`], a delayed message on the stack's queue, sees to it that such a one is taken
//! back; the same request again goes on with it.
//!
//! A record holds digests, ARNs and the names of what is made, and no other member of a body.

mod assess;
mod item;
mod store;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use super::mark::Mark;
use crate::aws::queue::Queue;
use crate::aws::table::{Table, Write};
use crate::aws::{self};
use crate::clock::{Clock, milliseconds};
use crate::deadline::Deadline;
use crate::ids::Arn;

use assess::Assessment;
pub use item::{Choice, Identity, Names, Record, State, WorkKind};
use store::Store;
pub use watch::{Watch, WatchFinding};

/// The time for which a record, and with it a key, is remembered.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// The time after the end of an invocation for which AWS may still be at work on its calls.
const CALLS_IN_FLIGHT: Duration = Duration::from_secs(5);

/// Begins and ends records, in the stack's table and, for their watches, its queue.
#[derive(Debug)]
pub struct Records {
    store: Option<Store>,
    clock: Clock,
}

/// A record that this invocation holds.
#[derive(Debug)]
pub struct Lease<'r> {
    records: &'r Records,
    record: Record,
}

/// The beginning of a thing that is to be done once.
#[derive(Debug)]
pub struct Beginning<'r> {
    /// The lease of this invocation; of a thing that is [`Done`](History::Done), it must be reopened before any change.
    pub lease: Lease<'r>,
    /// Its fate before this invocation.
    pub history: History,
    /// Another request was waited for: what was looked at meanwhile has changed.
    pub has_waited: bool,
}

/// The fate of a thing before this invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Nothing: this is its beginning.
    New,
    /// An invocation began it and died.
    Abandoned,
    /// It was done.
    Done,
}

/// The end of a thing that was to be done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is done: these ARNs were made or used.
    Done(Vec<Arn>),
    /// Nothing is left to take back: everything is as it was before, or what stays is needed by others.
    Undone,
    /// Something was left: the watch goes on, or the same request does.
    Unfinished,
    /// AWS may still be at work: nobody goes on before the lease is over.
    Doubtful,
}

/// A reason not to begin. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The key came with another body before.
    #[error(
        "this `Idempotency-Key` came with another body within the last 24 hours; use another key"
    )]
    KeyReused,
    /// The same request is at work, and this one's time was over first.
    #[error("a request with this `Idempotency-Key` is still at work")]
    UnderWay,
    /// The table or the queue can't be reached.
    #[error("the record of this request can't be written, so that nothing was begun: {0}")]
    Unavailable(#[source] aws::Error),
}

impl Records {
    /// Keeps records in a table, watched from a queue; without a table, in no place.
    pub fn new(table: Option<Table>, queue: Option<Arc<Queue>>, clock: Clock) -> Self {
        Self {
            store: table.map(|table| Store { table, queue }),
            clock,
        }
    }

    /// Returns `true` if keys are remembered.
    pub fn are_kept(&self) -> bool {
        self.store.is_some()
    }

    /// Returns `true` if what an invocation leaves is taken back without it.
    pub fn are_watched(&self) -> bool {
        self.store
            .as_ref()
            .is_some_and(|store| store.queue.is_some())
    }

    /// Begins a thing, unless it is done or somebody is at it. Waits for who is at it, but not past the deadline.
    ///
    /// # Errors
    /// [`BeginError`], and nothing was begun.
    pub async fn begin(
        &self,
        identity: &Identity,
        names: Names,
        deadline: Deadline,
    ) -> Result<Beginning<'_>, BeginError> {
        let wanted = self.draft(identity, names, deadline);
        let Some(store) = &self.store else {
            return Ok(self.beginning(wanted, History::New, false));
        };
        let watch = Watch::of(&wanted, identity);
        let (written, watched) = tokio::join!(
            store.write_first(&wanted, self.clock.now_ms(), deadline),
            async {
                // Of one call alone nothing would have to be taken back.
                if wanted.names == Names::default() {
                    return Ok(());
                }
                store.send(&watch, self.clock.now_ms(), deadline).await
            }
        );
        let written = written?;
        if let Err(error) = watched {
            if let Write::Written = written {
                // Nobody would take back what is made now. Without an answer it is forgotten when its lease is over.
                let undone = Record {
                    state: State::Undone,
                    ..wanted.next()
                };
                let _ = store.write_next(&undone, deadline).await;
            }
            return Err(error);
        }
        match written {
            Write::Written => Ok(self.beginning(wanted, History::New, false)),
            Write::Refused(found) => self.begin_beside(store, wanted, found, deadline).await,
        }
    }

    /// Looks at what a key stands for, and changes nothing: returns the mark of what was done with it, if anything was.
    ///
    /// # Errors
    /// [`BeginError`], as [`begin`](Self::begin) would give it.
    pub async fn look_at(
        &self,
        identity: &Identity,
        deadline: Deadline,
    ) -> Result<Option<Mark>, BeginError> {
        let Some(store) = self.store.as_ref().filter(|_| identity.is_keyed) else {
            return Ok(None);
        };
        let found = store
            .read(&identity.id, deadline)
            .await
            .map_err(BeginError::Unavailable)?;
        let wanted = self.draft(identity, Names::default(), deadline);
        match assess::assess(found.as_ref(), &wanted, self.clock.now_ms()) {
            Assessment::OtherBody => Err(BeginError::KeyReused),
            Assessment::UnderWay => Err(BeginError::UnderWay),
            Assessment::Done(record) => Ok(Some(record.mark())),
            Assessment::Free | Assessment::Abandoned(_) => Ok(None),
        }
    }

    /// Begins where a record is there already: anew, after one that died, or when another has ended.
    async fn begin_beside(
        &self,
        store: &Store,
        wanted: Record,
        mut found: Option<Record>,
        deadline: Deadline,
    ) -> Result<Beginning<'_>, BeginError> {
        let mut has_waited = false;
        loop {
            let now_ms = self.clock.now_ms();
            let (attempt, history) = match assess::assess(found.as_ref(), &wanted, now_ms) {
                Assessment::OtherBody => return Err(BeginError::KeyReused),
                Assessment::Done(record) => {
                    // Where it is begun anew, the watch that was sent looks for this owner and this lease.
                    let held = Record {
                        owner: wanted.owner,
                        lease: wanted.lease,
                        ..record
                    };
                    return Ok(self.beginning(held, History::Done, has_waited));
                }
                Assessment::Free => (
                    store
                        .write_first(&wanted, self.clock.now_ms(), deadline)
                        .await?,
                    History::New,
                ),
                Assessment::Abandoned(record) => {
                    let taken = taken_over(&record, &wanted);
                    match store.write_next(&taken, deadline).await? {
                        Write::Written => {
                            return Ok(self.beginning(taken, History::Abandoned, has_waited));
                        }
                        refused @ Write::Refused(_) => (refused, History::Abandoned),
                    }
                }
                Assessment::UnderWay => {
                    has_waited = true;
                    let look = Box::pin(store.read_later(&wanted.id));
                    let look = deadline.limit(look).await;
                    found = look.map_err(|_| BeginError::UnderWay)??;
                    continue;
                }
            };
            match attempt {
                Write::Written => return Ok(self.beginning(wanted, history, has_waited)),
                Write::Refused(there) => found = there,
            }
        }
    }

    fn beginning(&self, record: Record, history: History, has_waited: bool) -> Beginning<'_> {
        Beginning {
            lease: Lease {
                records: self,
                record,
            },
            history,
            has_waited,
        }
    }

    /// Returns the record of a request that begins now.
    fn draft(&self, identity: &Identity, names: Names, deadline: Deadline) -> Record {
        let now_ms = self.clock.now_ms();
        let lease = now_ms + milliseconds(deadline.invocation_left() + CALLS_IN_FLIGHT);
        Record {
            id: identity.id.clone(),
            version: 1,
            generation: now_ms,
            body: identity.body.clone(),
            // Lambda repeats an asynchronous invocation under its id.
            owner: format!("{}@{now_ms}", identity.request_id),
            account: identity.account.clone(),
            names,
            state: State::Running,
            lease,
            expires: expiry(now_ms),
            arns: Vec::new(),
        }
    }
}

impl Lease<'_> {
    /// Returns the record that is held.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the mark of what is made under this lease.
    pub fn mark(&self) -> Mark {
        self.record.mark()
    }

    /// Returns `true` if what this invocation leaves is taken back without it.
    pub fn is_watched(&self) -> bool {
        self.records.are_watched()
    }

    /// Begins anew what was done and has been deleted since: what is still there of it is another generation's.
    ///
    /// # Errors
    /// [`BeginError`], and nothing was begun: another request was quicker.
    pub async fn reopen(self, names: Names, deadline: Deadline) -> Result<Self, BeginError> {
        let Some(store) = &self.records.store else {
            return Ok(self);
        };
        let now_ms = self.records.clock.now_ms();
        let record = Record {
            generation: now_ms.max(self.record.generation.saturating_add(1)),
            names,
            state: State::Running,
            expires: expiry(now_ms),
            arns: Vec::new(),
            ..self.record.next()
        };
        match store.write_next(&record, deadline).await? {
            Write::Written => Ok(Self { record, ..self }),
            Write::Refused(_) => Err(BeginError::UnderWay),
        }
    }

    /// Writes down a choice, unless it is there already. Nothing may be made of it before.
    ///
    /// # Errors
    /// [`BeginError`]: the choice is not known to be written.
    pub async fn note(&mut self, choice: Choice, deadline: Deadline) -> Result<(), BeginError> {
        let mut noted = self.record.next();
        noted.names.take(choice);
        let Some(store) = &self.records.store else {
            return Ok(());
        };
        if noted.names == self.record.names {
            return Ok(());
        }
        match store.write_next(&noted, deadline).await? {
            Write::Written => {
                self.record = noted;
                Ok(())
            }
            Write::Refused(_) => Err(BeginError::UnderWay),
        }
    }

    /// Writes down how it ended. What can't be written down, the watch finds out by looking.
    pub async fn end(&self, end: End, deadline: Deadline) {
        let Some(store) = &self.records.store else {
            return;
        };
        let next = self.record.next();
        let record = match end {
            End::Doubtful => return,
            End::Done(arns) => Record {
                state: State::Done,
                arns,
                ..next
            },
            End::Undone => Record {
                state: State::Undone,
                ..next
            },
            // A lease that is over marks it as abandoned.
            End::Unfinished => Record {
                lease: self.records.clock.now_ms(),
                ..next
            },
        };
        let state = record.state;
        match store.write_next(&record, deadline).await {
            Ok(Write::Written) => {}
            Ok(Write::Refused(_)) => {
                tracing::warn!(id = record.id, ?state, "record: another invocation has it");
            }
            Err(error) => tracing::warn!(
                id = record.id,
                ?state,
                cause = crate::error::causes(&error),
                "record: not written"
            ),
        }
    }
}

/// Returns the seconds since 1970 at which a record is forgotten that is begun now.
fn expiry(now_ms: u64) -> u64 {
    (now_ms + milliseconds(KEPT_FOR)) / 1000
}

/// Returns a record as an invocation takes it over from one that died: the same generation and choice, under another lease.
fn taken_over(found: &Record, by: &Record) -> Record {
    let mut names = by.names.clone();
    names.take(found.names.choice());
    Record {
        owner: by.owner.clone(),
        lease: by.lease,
        state: State::Running,
        names,
        ..found.next()
    }
}
