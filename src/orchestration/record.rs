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
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mark::Mark;
use crate::aws::queue::Queue;
use crate::aws::table::{Condition, Table, Write};
use crate::aws::{self};
use crate::clock::{Clock, milliseconds};
use crate::deadline::Deadline;
use aws_sdk_dynamodb::types::AttributeValue;

use assess::Assessment;
pub use watch::{Watch, Watched};

/// The longest token of ECS, in characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
const CLIENT_TOKEN_MAX: usize = 36;
/// The time for which a record, and with it a key, is remembered.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// The time after the end of an invocation for which AWS may still be at work on its calls.
const CALLS_IN_FLIGHT: Duration = Duration::from_secs(5);
/// The longest that the table and the queue may take before a request is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// The time between two looks at a record that another request is at work on.
const POLL: Duration = Duration::from_millis(250);

/// The names of what a request makes: all that is known of it where its invocation dies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Names {
    /// The cluster of the service.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// Claims that the request is to make the cluster, too.
    pub makes_cluster: bool,
    /// The family of the revision to be registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The namespace of the registry to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<String>,
    /// The registry to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
}

/// The state of a thing that is to be done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// An invocation is at it, until its lease is over.
    Running,
    /// A watch takes back what an invocation has left, until its lease is over.
    TakingBack,
    /// It is done.
    Done,
    /// Everything is as it was before.
    Undone,
}

/// The record of one thing that is to be done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The digest of the key, or the id of the request that has none.
    pub id: String,
    /// The number of writes so far, by which each write is known to follow the one before.
    pub version: u64,
    /// The milliseconds since 1970 at which it was begun; with the id it is the [`Mark`].
    pub generation: u64,
    /// The digest of the body.
    pub body: String,
    /// The invocation that is at it, or was last.
    pub owner: String,
    /// The account's name in the configuration.
    pub account: String,
    /// The names of what is made.
    pub names: Names,
    /// Its state.
    pub state: State,
    /// The milliseconds since 1970 until which nobody but the owner is at it.
    pub lease: u64,
    /// The seconds since 1970 at which it is forgotten.
    pub expires: u64,
    /// The ARNs of what was made, where it is done.
    #[serde(default)]
    pub arns: Vec<String>,
}

impl Record {
    /// Returns the mark of what is made.
    pub fn mark(&self) -> Mark {
        Mark::new(&self.id, self.generation)
    }

    fn is_forgotten(&self, now_ms: u64) -> bool {
        self.expires < now_ms / 1000
    }

    /// Returns the record as its next write leaves it.
    fn next(&self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }
}

/// The identity of a request that is to be done once.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The digest of caller, account, method, path and key; or the id of the request that has none.
    pub id: String,
    /// The digest of the body.
    pub body: String,
    /// Claims that the caller gave an `Idempotency-Key`.
    pub is_keyed: bool,
    /// The account's name in the configuration.
    pub account: String,
    /// The name of who asked for it.
    pub caller: String,
    /// Lambda's id of the invocation.
    pub request_id: String,
}

impl Identity {
    /// Returns the token by which AWS knows a repeated call: at most 36 characters, the same for the same key.
    pub fn token(&self) -> String {
        // Lambda's ids have 36 characters; a client of a direct invocation has no say in it.
        self.id
            .get(..CLIENT_TOKEN_MAX)
            .unwrap_or(&self.id)
            .to_owned()
    }
}

/// Begins and ends records, in the stack's table and, for their watches, its queue.
#[derive(Debug)]
pub struct Records {
    store: Option<Store>,
    clock: Clock,
}

#[derive(Debug)]
struct Store {
    table: Table,
    queue: Option<Arc<Queue>>,
}

/// A record that this invocation holds.
#[derive(Debug)]
pub struct Lease<'r> {
    records: &'r Records,
    record: Record,
}

/// The beginning of a thing that is to be done once.
#[derive(Debug)]
pub struct Begun<'r> {
    /// The lease of this invocation; of a thing that is [`Done`](History::Done), the lease of before.
    pub lease: Lease<'r>,
    /// Its fate before this invocation.
    pub history: History,
    /// Claims that another request was waited for: what was looked at meanwhile has changed.
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
    Done(Vec<String>),
    /// Everything is as it was before.
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

    /// Tells whether keys are remembered.
    pub fn are_kept(&self) -> bool {
        self.store.is_some()
    }

    /// Tells whether what an invocation leaves is taken back without it.
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
    ) -> Result<Begun<'_>, BeginError> {
        let wanted = self.draft(identity, names, deadline);
        let Some(store) = &self.store else {
            return Ok(self.begun(wanted, History::New, false));
        };
        let watch = Watch::of(&wanted, identity);
        let (written, watched) = tokio::join!(self.write_first(store, &wanted, deadline), async {
            // Of one call alone nothing would have to be taken back.
            if wanted.names == Names::default() {
                return Ok(());
            }
            self.send(store, &watch, deadline).await
        });
        let written = written?;
        if let Err(error) = watched {
            if let Write::Written = written {
                // Nobody would take back what is made now. Without an answer it is forgotten when its lease is over.
                let _ = self.put_back(store, &wanted, deadline).await;
            }
            return Err(error);
        }
        match written {
            Write::Written => Ok(self.begun(wanted, History::New, false)),
            Write::Refused(found) => self.settle(store, wanted, found, deadline).await,
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
        let get = store.table.get_item::<Record>(&identity.id);
        let found = within_patience(deadline, "dynamodb:GetItem", get)
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

    /// Finds out what to do where a record is there already.
    async fn settle(
        &self,
        store: &Store,
        wanted: Record,
        mut found: Option<Record>,
        deadline: Deadline,
    ) -> Result<Begun<'_>, BeginError> {
        let mut has_waited = false;
        loop {
            let now_ms = self.clock.now_ms();
            let (attempt, history) = match assess::assess(found.as_ref(), &wanted, now_ms) {
                Assessment::OtherBody => return Err(BeginError::KeyReused),
                Assessment::Done(record) => {
                    return Ok(self.begun(record, History::Done, has_waited));
                }
                Assessment::Free => (
                    self.write_first(store, &wanted, deadline).await?,
                    History::New,
                ),
                Assessment::Abandoned(record) => {
                    let taken = taken_over(&record, &wanted);
                    match self.write_next(store, &taken, deadline).await? {
                        Write::Written => {
                            return Ok(self.begun(taken, History::Abandoned, has_waited));
                        }
                        refused @ Write::Refused(_) => (refused, History::Abandoned),
                    }
                }
                Assessment::UnderWay => {
                    has_waited = true;
                    let look = Box::pin(self.look_later(store, &wanted.id));
                    let look = deadline.limit(look).await;
                    found = look.map_err(|_| BeginError::UnderWay)??;
                    continue;
                }
            };
            match attempt {
                Write::Written => return Ok(self.begun(wanted, history, has_waited)),
                Write::Refused(there) => found = there,
            }
        }
    }

    fn begun(&self, record: Record, history: History, has_waited: bool) -> Begun<'_> {
        Begun {
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
            expires: (now_ms + milliseconds(KEPT_FOR)) / 1000,
            arns: Vec::new(),
        }
    }

    /// Writes the first record of a generation: there is none, or none that counts any more.
    async fn write_first(
        &self,
        store: &Store,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let condition = Condition {
            expression: "attribute_not_exists(#id) OR #expires < :now OR (#body = :body AND #state = :undone)",
            names: &[
                ("#id", "id"),
                ("#expires", "expires"),
                ("#body", "body"),
                ("#state", "state"),
            ],
            values: vec![
                (":now", number(self.clock.now_ms() / 1000)),
                (":body", AttributeValue::S(record.body.clone())),
                (":undone", AttributeValue::S("undone".to_owned())),
            ],
        };
        write(store, record, condition, deadline).await
    }

    /// Writes a record that follows the one of the version before.
    async fn write_next(
        &self,
        store: &Store,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let condition = Condition {
            expression: "#version = :before",
            names: &[("#version", "version")],
            values: vec![(":before", number(record.version.saturating_sub(1)))],
        };
        write(store, record, condition, deadline).await
    }

    async fn put_back(
        &self,
        store: &Store,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Write<Record>, BeginError> {
        let undone = Record {
            state: State::Undone,
            ..record.next()
        };
        self.write_next(store, &undone, deadline).await
    }

    /// Reads a record after a pause.
    async fn look_later(&self, store: &Store, id: &str) -> Result<Option<Record>, BeginError> {
        tokio::time::sleep(POLL).await;
        let found = store.table.get_item(id).await;
        found.map_err(BeginError::Unavailable)
    }

    async fn send(
        &self,
        store: &Store,
        watch: &Watch,
        deadline: Deadline,
    ) -> Result<(), BeginError> {
        let Some(queue) = &store.queue else {
            return Ok(());
        };
        let delay = watch.delay(self.clock.now_ms());
        let text = watch.text();
        within_patience(deadline, "sqs:SendMessage", queue.send(&text, delay))
            .await
            .map_err(BeginError::Unavailable)
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

    /// Tells whether what this invocation leaves is taken back without it.
    pub fn is_watched(&self) -> bool {
        self.records.are_watched()
    }

    /// Begins anew what was done and has been deleted since: what is still there of it is another generation's.
    ///
    /// # Errors
    /// [`BeginError`], and nothing was begun: another request was quicker.
    pub async fn reopen(
        self,
        identity: &Identity,
        names: Names,
        deadline: Deadline,
    ) -> Result<Self, BeginError> {
        let Some(store) = &self.records.store else {
            return Ok(self);
        };
        let draft = self.records.draft(identity, names, deadline);
        let record = Record {
            version: self.record.version.saturating_add(1),
            generation: draft
                .generation
                .max(self.record.generation.saturating_add(1)),
            ..draft
        };
        match self.records.write_next(store, &record, deadline).await? {
            Write::Written => Ok(Self { record, ..self }),
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
            End::Unfinished => Record {
                lease: self.records.clock.now_ms(),
                ..next
            },
        };
        let state = record.state;
        match self.records.write_next(store, &record, deadline).await {
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

/// Returns a record as an invocation takes it over from one that died: the same generation, under another lease.
fn taken_over(found: &Record, by: &Record) -> Record {
    Record {
        owner: by.owner.clone(),
        lease: by.lease,
        state: State::Running,
        names: by.names.clone(),
        ..found.next()
    }
}

/// Writes a record. What AWS did without a word that can be read is looked for.
async fn write(
    store: &Store,
    record: &Record,
    condition: Condition,
    deadline: Deadline,
) -> Result<Write<Record>, BeginError> {
    let put = store.table.put_item(record, condition);
    let error = match within_patience(deadline, "dynamodb:PutItem", put).await {
        Ok(write) => return Ok(recognised(write, record)),
        Err(error) => error,
    };
    if error.kind.leaves_outcome_unknown() {
        let get = store.table.get_item::<Record>(&record.id);
        let found = within_patience(deadline, "dynamodb:GetItem", get).await;
        if found.is_ok_and(|found| found.as_ref() == Some(record)) {
            return Ok(Write::Written);
        }
    }
    Err(BeginError::Unavailable(error))
}

/// Knows a refusal for what it is where the SDK repeated a write that had been done.
fn recognised(write: Write<Record>, wanted: &Record) -> Write<Record> {
    match write {
        Write::Refused(Some(there)) if there == *wanted => Write::Written,
        write => write,
    }
}

async fn within_patience<T>(
    deadline: Deadline,
    operation: &'static str,
    work: impl Future<Output = Result<T, aws::Error>>,
) -> Result<T, aws::Error> {
    match deadline.within(PATIENCE).limit(Box::pin(work)).await {
        Ok(result) => result,
        Err(_) => Err(aws::queue::too_late(operation)),
    }
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
