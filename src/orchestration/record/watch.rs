//! The watch of a record: a message that comes back when the lease is over, and finds out whether its owner died.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::store::Store;
use super::{Identity, Lease, Record, Records, State};
use crate::aws::Error;
use crate::aws::queue::DELAY_MAX;
use crate::aws::table::Write;
use crate::clock::milliseconds;
use crate::deadline::Deadline;
use crate::ids::{ClusterName, ServiceName};

/// The time that a watch waits for after the end of the lease, so that clocks may differ by as much.
const AFTER_LEASE: Duration = Duration::from_secs(1);

/// The message that watches a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "watch", rename_all = "camelCase")]
pub struct Watch {
    /// The record's id.
    pub id: String,
    /// The invocation that is watched.
    pub owner: String,
    /// The milliseconds since 1970 at which its lease is over.
    pub lease: u64,
    /// The account's name in the configuration.
    pub account: String,
    /// The name of who asked for it.
    pub caller: String,
    /// The id of the request that asked for it; it is in every line of the log.
    pub correlation_id: String,
    /// The cluster of what is made, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// The service that is made, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
}

/// The findings of a watch.
#[derive(Debug)]
pub enum WatchFinding<'r> {
    /// There is nothing to do: it ended, or somebody else is at it, with a watch of its own.
    Settled,
    /// The lease is not over, or the invocation may still begin: the watch comes back after this time.
    NotYet(Duration),
    /// Another delivery of the watch is at it, or was cut off: the watch comes back after this time.
    UnderWay(Duration),
    /// The owner has died, and the watch holds the record now: what was made is to be taken back.
    Abandoned(Box<Lease<'r>>),
}

impl Watch {
    /// Returns the watch of a record that is about to be written.
    pub(super) fn of(record: &Record, identity: &Identity) -> Self {
        Self {
            id: record.id.clone(),
            owner: record.owner.clone(),
            lease: record.lease,
            account: record.account.clone(),
            caller: identity.caller.clone(),
            correlation_id: identity.request_id.clone(),
            cluster: record.names.cluster.clone(),
            service: record.names.service.clone(),
        }
    }

    /// Returns the message's text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the time until the lease is over, as far as SQS delays a message.
    pub(super) fn delay(&self, now_ms: u64) -> Duration {
        delay_until(self.lease, now_ms)
    }
}

/// Returns the time until a lease is over, as far as SQS delays a message.
fn delay_until(lease: u64, now_ms: u64) -> Duration {
    let left = Duration::from_millis(lease.saturating_sub(now_ms));
    // SQS takes whole seconds.
    let whole = Duration::from_secs((left + AFTER_LEASE).as_secs() + 1);
    whole.min(DELAY_MAX)
}

/// The meaning of a record that is there to a watch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Settled,
    /// The watched invocation may be at work until this lease is over.
    NotYet {
        lease: u64,
    },
    /// A watch may be at work until this lease is over.
    UnderWay {
        lease: u64,
    },
    Abandoned,
}

/// Interprets what was found under the id of a watch.
///
/// Before its own lease is over, a watched invocation may still wait for another one, and take the record then.
pub(super) fn interpret(found: Option<&Record>, watch: &Watch, now_ms: u64) -> Meaning {
    let own = found.filter(|found| found.owner == watch.owner);
    let lease = own.map_or(watch.lease, |found| found.lease);
    match own.map(|found| found.state) {
        Some(State::Done | State::Undone) => Meaning::Settled,
        Some(State::TakingBack) if lease >= now_ms => Meaning::UnderWay { lease },
        _ if lease >= now_ms => Meaning::NotYet { lease },
        Some(State::Running | State::TakingBack) => Meaning::Abandoned,
        None => Meaning::Settled,
    }
}

impl Records {
    /// Looks at a watched record, and takes it over where its owner has died.
    ///
    /// # Errors
    /// [`Error`] if the table can't be reached: the watch comes again.
    pub async fn look(&self, watch: &Watch, deadline: Deadline) -> Result<WatchFinding<'_>, Error> {
        let Some(store) = &self.store else {
            return Ok(WatchFinding::Settled);
        };
        let found = store.read(&watch.id, deadline).await?;
        let now_ms = self.clock.now_ms();
        match (interpret(found.as_ref(), watch, now_ms), found) {
            (Meaning::NotYet { lease }, _) => Ok(WatchFinding::NotYet(delay_until(lease, now_ms))),
            (Meaning::UnderWay { lease }, _) => {
                Ok(WatchFinding::UnderWay(delay_until(lease, now_ms)))
            }
            (Meaning::Abandoned, Some(found)) => self.take(store, found, deadline).await,
            _ => Ok(WatchFinding::Settled),
        }
    }

    /// Takes an abandoned record over to take back what it stands for. The owner stays who it was, so that the same
    /// message, delivered again, goes on.
    async fn take(
        &self,
        store: &Store,
        found: Record,
        deadline: Deadline,
    ) -> Result<WatchFinding<'_>, Error> {
        let left = deadline.invocation_left() + super::CALLS_IN_FLIGHT;
        let taken = Record {
            state: State::TakingBack,
            lease: self.clock.now_ms() + milliseconds(left),
            ..found.next()
        };
        match store.write_next(&taken, deadline).await {
            Ok(Write::Written) => Ok(WatchFinding::Abandoned(Box::new(Lease {
                records: self,
                record: taken,
            }))),
            Err(super::BeginError::Unavailable(error)) => Err(error),
            // A request took it over in this moment, and has a watch of its own; or the same message came twice.
            Ok(Write::Refused(_)) | Err(_) => Ok(WatchFinding::Settled),
        }
    }
}
