//! A message of the stack's queue: some work, and how often it was tried.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{error, info};

use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::PendingDelete;
use crate::orchestration::record::Watch;
use crate::orchestration::time_limit::TimeLimit;
use crate::telemetry::Metric;

/// The delay before the first attempt; each later one waits twice as long as the one before.
const DELAY_MIN: Duration = Duration::from_secs(15);
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_mins(5);
/// The time for which it is tried. ECS drains a service within minutes; what takes this long waits for somebody.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(2);
/// The age of a message that has been moved back from the dead letters, where SQS had put it: it has all the time again.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(3);
/// The number of refusals in a row that end it earlier: a permission that is missing does not come by waiting, but a
/// change of IAM takes a while to arrive everywhere.
const REFUSALS_MAX: u32 = 3;

/// Said of a message to which another attempt has not come to an end.
const UNDER_WAY: &str = "an attempt is at work on it, or was cut off";

/// A message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    #[serde(flatten)]
    pub work: Work,
    #[serde(flatten)]
    history: History,
}

/// The work that a message asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Work {
    /// To look whether a create has died.
    Watch(Watch),
    /// To stop tasks whose time is over.
    TimeLimit(TimeLimit),
    /// To go on with a delete.
    Delete(DeleteWork),
}

impl Work {
    /// Returns the metric that counts the attempts at work of this kind.
    pub fn metric(&self) -> Metric {
        match self {
            Self::Watch(_) => Metric::WatchAttempts,
            Self::TimeLimit(_) => Metric::TimeLimitAttempts,
            Self::Delete(_) => Metric::DeleteAttempts,
        }
    }
}

/// A delete that goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "delete", rename_all = "camelCase")]
pub(super) struct DeleteWork {
    /// The account's name in the configuration.
    pub account: String,
    /// The delete.
    #[serde(flatten)]
    pub delete: PendingDelete,
    /// The name of who asked for it.
    caller: String,
    /// The id of the request that asked for it; it is in every line of the log.
    correlation_id: String,
}

/// The history of a message.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct History {
    /// The time at which it was put onto the queue; a dead letter has none, so that moving it back gives it all the time
    /// again.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// The number of attempts.
    attempts: u32,
    /// The number of refusals that the last attempts met, in a row.
    refusals: u32,
    /// The reason why it is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The result of an attempt.
pub(super) enum Attempt {
    /// It is done, with this result.
    Done(String),
    /// It was not time yet: this is no attempt.
    TooEarly(Duration),
    /// Another attempt is at work on it until then, or was cut off.
    UnderWay(Duration),
    /// It may go on by itself.
    NotYet(String),
    /// It goes on if somebody does something.
    Refused(String),
}

/// The fate of a message after an attempt.
pub(super) enum Next {
    Nothing,
    Again(Message, Duration),
    GivenUp(Message),
}

impl Message {
    /// Returns the message of a delete that goes on.
    pub fn delete(
        account: &str,
        caller: &str,
        request_id: &str,
        delete: PendingDelete,
        reason: String,
        now: Timestamp,
    ) -> Self {
        Self {
            work: Work::Delete(DeleteWork {
                account: account.to_owned(),
                delete,
                caller: caller.to_owned(),
                correlation_id: request_id.to_owned(),
            }),
            history: History {
                since: Some(now),
                reason: Some(reason),
                ..History::default()
            },
        }
    }

    /// Reads a message that the queue has delivered, for its next attempt.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is none of ours.
    pub fn read(text: &str, now: Timestamp) -> Result<Self, serde_json::Error> {
        let message: Self = serde_json::from_str(text)?;
        let history = message.history;
        let since = history
            .since
            .filter(|since| *since <= now && age(*since, now) < FORGOTTEN_AFTER)
            .or(Some(now));
        Ok(Self {
            history: History {
                attempts: history.attempts.saturating_add(1),
                since,
                ..history
            },
            ..message
        })
    }

    /// Returns the message's text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the time until the next attempt.
    pub fn delay(&self) -> Duration {
        let doublings = self.history.attempts.min(8);
        DELAY_MAX.min(DELAY_MIN * 2_u32.pow(doublings))
    }

    /// Returns the reason why it is not done.
    pub fn reason(&self) -> &str {
        self.history.reason.as_deref().unwrap_or_default()
    }

    /// Returns the name of who asked for it.
    pub fn caller(&self) -> &str {
        self.line().caller
    }

    /// Returns the name of the account that it is for.
    pub fn account(&self) -> &str {
        self.line().account
    }

    /// Returns the id of the request that asked for it.
    pub fn correlation_id(&self) -> &str {
        match &self.work {
            Work::Watch(watch) => &watch.correlation_id,
            Work::TimeLimit(limit) => &limit.correlation_id,
            Work::Delete(delete) => &delete.correlation_id,
        }
    }

    /// Decides what becomes of the message, and writes that to the log.
    pub fn after(self, attempt: Attempt, now: Timestamp) -> Next {
        let (reason, refusals, delay) = match attempt {
            Attempt::Done(result) => {
                self.with_reason(result).log_end();
                return Next::Nothing;
            }
            Attempt::TooEarly(delay) => {
                // The time for which it is tried begins when its own has come.
                let history = History {
                    attempts: self.history.attempts.saturating_sub(1),
                    since: None,
                    ..self.history
                };
                return Next::Again(Self { history, ..self }, delay);
            }
            Attempt::UnderWay(delay) => {
                let refusals = self.history.refusals;
                (UNDER_WAY.to_owned(), refusals, Some(delay))
            }
            Attempt::NotYet(reason) => (reason, 0, None),
            Attempt::Refused(reason) => (reason, self.history.refusals.saturating_add(1), None),
        };
        let mut message = self.with_reason(reason);
        message.history.refusals = refusals;
        if refusals < REFUSALS_MAX && !message.is_too_old(now) {
            message.log(&format!("{}: goes on later", message.kind()));
            let delay = delay.unwrap_or_else(|| message.delay());
            return Next::Again(message, delay);
        }
        message.log_given_up();
        message.history = History {
            reason: message.history.reason,
            ..History::default()
        };
        Next::GivenUp(message)
    }

    fn with_reason(self, reason: String) -> Self {
        let history = History {
            reason: Some(reason),
            ..self.history
        };
        Self { history, ..self }
    }

    fn is_too_old(&self, now: Timestamp) -> bool {
        let since = self.history.since;
        since.is_some_and(|since| age(since, now) >= GIVEN_UP_AFTER)
    }

    fn kind(&self) -> &'static str {
        match self.work {
            Work::Watch(_) => "watch",
            Work::TimeLimit(_) => "timeout",
            Work::Delete(_) => "delete",
        }
    }

    /// Writes a line to the log, with the request's id.
    pub fn log(&self, what: &str) {
        let line = self.line();
        info!(
            correlation_id = line.correlation_id,
            caller = line.caller,
            account = line.account,
            cluster = line.cluster,
            service = line.service,
            attempts = self.history.attempts,
            cause = self.reason(),
            "{what}"
        );
    }

    fn log_end(&self) {
        // That an invocation has ended as it should is no news.
        if !self.reason().is_empty() {
            self.log(&format!("{}: done", self.kind()));
        }
    }

    fn log_given_up(&self) {
        let line = self.line();
        error!(
            correlation_id = line.correlation_id,
            caller = line.caller,
            account = line.account,
            cluster = line.cluster,
            service = line.service,
            attempts = self.history.attempts,
            cause = self.reason(),
            "{}: given up",
            self.kind()
        );
    }

    fn line(&self) -> Line<'_> {
        match &self.work {
            Work::Watch(watch) => Line {
                correlation_id: &watch.correlation_id,
                caller: &watch.caller,
                account: &watch.account,
                cluster: watch.cluster.as_ref().map(ClusterName::as_str),
                service: watch.service.as_ref().map(ServiceName::as_str),
            },
            Work::TimeLimit(limit) => Line {
                correlation_id: &limit.correlation_id,
                caller: &limit.caller,
                account: &limit.account,
                cluster: Some(limit.cluster.as_str()),
                service: None,
            },
            Work::Delete(work) => Line {
                correlation_id: &work.correlation_id,
                caller: &work.caller,
                account: &work.account,
                cluster: Some(work.delete.cluster.as_str()),
                service: Some(work.delete.service.as_str()),
            },
        }
    }
}

/// The members that every line of the log has of a message.
struct Line<'m> {
    correlation_id: &'m str,
    caller: &'m str,
    account: &'m str,
    cluster: Option<&'m str>,
    service: Option<&'m str>,
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}
