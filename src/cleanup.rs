//! Deletes that outlive their request: what is left goes as a message onto the stack's queue, and comes back to the
//! function after a while, and again, until it is done or given up.
//!
//! Every attempt looks at what is there, so that a message that comes twice, late or out of order does no harm; an
//! attempt that dies on the way is one that SQS delivers again. What an attempt does is
//! [`orchestration::delete`](delete)'s business.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{error, info, warn};

use crate::aws::queue::Queue;
use crate::aws::{self, Account, Accounts, Kind};
use crate::deadline::Deadline;
use crate::error::causes;
use crate::intake::batch::{Batch, Message};
use crate::orchestration::Cause;
use crate::orchestration::delete::{self, Failure, Progress, Rest, Target};

/// The delay before the first attempt; each later one waits twice as long as the one before.
const DELAY_MIN: Duration = Duration::from_secs(15);
/// The longest delay.
const DELAY_MAX: Duration = Duration::from_mins(5);
/// How long it is tried. ECS drains a service within minutes; what takes this long waits for somebody.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(2);
/// A message that is older has been moved back from the dead letters, where SQS had put it: it has all the time again.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(3);
/// How many refusals in a row end it earlier: a permission that is missing does not come by waiting, but a change of IAM
/// takes a while to arrive everywhere.
const REFUSALS_MAX: u32 = 3;
/// What an attempt keeps back to put the rest back onto the queue.
const PUT_BACK_RESERVE: Duration = Duration::from_secs(4);
/// What the log says of a delete that nobody goes on with.
const GIVEN_UP: &str = "delete: given up";
/// How many messages of a batch are worked on at once.
const PARALLEL: usize = 5;

/// The deletes that outlive their requests.
#[derive(Debug)]
pub struct Cleanup {
    queue: Queue,
}

/// One such delete, as it lies in the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    /// The account's name in the configuration.
    account: String,
    #[serde(flatten)]
    rest: Rest,
    /// Who asked for the delete.
    caller: String,
    /// The id of the request that asked for it; it is in every line of the log.
    correlation_id: String,
    /// When it was put onto the queue; a dead letter has none, so that moving it back gives it all the time again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// How often the queue has brought it.
    #[serde(default)]
    attempts: u32,
    /// How many of the last attempts were refused.
    #[serde(default)]
    refusals: u32,
    /// Why it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What an attempt has come to.
enum Outcome {
    Done(Box<Progress>),
    /// It may go on by itself.
    NotYet(String),
    /// It goes on if somebody does something.
    Refused(String),
}

/// What becomes of a job after an attempt.
enum Next {
    Nothing,
    Again(Job),
    GivenUp(Job),
}

impl Cleanup {
    /// Works with this queue.
    pub fn new(queue: Queue) -> Self {
        Self { queue }
    }

    /// Whether every message of the batch comes from the stack's own queue.
    pub fn owns(&self, batch: &Batch) -> bool {
        batch
            .messages
            .iter()
            .all(|message| self.queue.has_arn(&message.queue_arn))
    }

    /// Puts what a delete has left on the queue.
    ///
    /// # Errors
    /// [`aws::Error`] if AWS does not take it: then nobody goes on with it but the caller.
    pub async fn take_over(
        &self,
        account: &Account,
        unfinished: Unfinished<'_>,
    ) -> Result<(), aws::Error> {
        let Unfinished {
            target,
            progress,
            account_name,
            caller,
            request_id,
        } = unfinished;
        let job = Job {
            account: account_name.to_owned(),
            rest: delete::remember(account, target, progress, request_id).await?,
            caller: caller.to_owned(),
            correlation_id: request_id.to_owned(),
            since: Some(Timestamp::now()),
            attempts: 0,
            refusals: 0,
            reason: Some(waits(progress)),
        };
        self.queue.send(&job.text(), job.delay()).await?;
        job.log("delete: goes on from the queue", Some(progress));
        Ok(())
    }

    /// Works on a batch; answers the ids of the messages that SQS must deliver again.
    pub async fn work<'b>(
        &self,
        accounts: &Accounts,
        batch: &'b Batch,
        deadline: Deadline,
    ) -> Vec<&'b str> {
        let works = stream::iter(&batch.messages).map(|message| async move {
            let work =
                Box::pin(self.attempt(accounts, message, deadline.keeping(PUT_BACK_RESERVE)));
            // Neither a panic nor the end of the time takes the other messages along.
            let attempt = deadline
                .limit(AssertUnwindSafe(work).catch_unwind())
                .await
                .ok()
                .and_then(Result::ok);
            if attempt.is_none() {
                error!(
                    message_id = message.message_id,
                    "delete: an attempt was cut off"
                );
            }
            (attempt != Some(true)).then_some(message.message_id.as_str())
        });
        works
            .buffer_unordered(PARALLEL)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Does what can be done now, and puts the rest back. Whether the message has served its purpose.
    async fn attempt(&self, accounts: &Accounts, message: &Message, deadline: Deadline) -> bool {
        let job = match serde_json::from_str::<Job>(&message.body) {
            Ok(job) => job.begun(),
            Err(cause) => {
                error!(message_id = message.message_id, %cause, "delete: not a message of ecs-api");
                let letter = json!({"reason": format!("not a message of ecs-api: {cause}"), "body": message.body});
                return self
                    .queue
                    .send_dead_letter(&letter.to_string())
                    .await
                    .unwrap_or(false);
            }
        };
        job.log("delete: is looked at", None);
        let outcome = match accounts.get(&job.account).await {
            Some(account) => outcome(delete::resume(account, &job.rest, deadline).await),
            None => Outcome::Refused(format!(
                "there is no account `{}` in the configuration",
                job.account
            )),
        };
        let correlation_id = job.correlation_id.clone();
        let sent = match job.after(outcome) {
            Next::Nothing => Ok(true),
            Next::Again(job) => self
                .queue
                .send(&job.text(), job.delay())
                .await
                .map(|()| true),
            // Without a place for it SQS moves it, once it has delivered it often enough.
            Next::GivenUp(job) => self.queue.send_dead_letter(&job.text()).await,
        };
        let not_sent = |error: &aws::Error| {
            warn!(
                correlation_id,
                cause = causes(error),
                "delete: not put back"
            );
        };
        sent.inspect_err(not_sent).unwrap_or(false)
    }
}

/// What a request leaves to the queue.
#[derive(Debug, Clone, Copy)]
pub struct Unfinished<'u> {
    /// What was to be deleted.
    pub target: &'u Target,
    /// How far it has come.
    pub progress: &'u Progress,
    /// The account's name in the configuration.
    pub account_name: &'u str,
    /// Who asked for it.
    pub caller: &'u str,
    /// The id of the request.
    pub request_id: &'u str,
}

impl Job {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The job at its next attempt.
    fn begun(self) -> Self {
        let since = self
            .since
            .filter(|since| age(*since) < FORGOTTEN_AFTER)
            .or_else(|| Some(Timestamp::now()));
        Self {
            attempts: self.attempts.saturating_add(1),
            since,
            ..self
        }
    }

    /// How long the next attempt waits.
    fn delay(&self) -> Duration {
        let doublings = self.attempts.min(8);
        DELAY_MAX.min(DELAY_MIN * 2_u32.pow(doublings))
    }

    fn is_too_old(&self) -> bool {
        self.since.is_some_and(|since| age(since) >= GIVEN_UP_AFTER)
    }

    fn after(self, outcome: Outcome) -> Next {
        let (reason, refusals) = match outcome {
            Outcome::Done(progress) => {
                Self {
                    reason: None,
                    ..self
                }
                .log("delete: done", Some(&progress));
                return Next::Nothing;
            }
            Outcome::NotYet(reason) => (reason, 0),
            Outcome::Refused(reason) => (reason, self.refusals.saturating_add(1)),
        };
        let job = Self {
            refusals,
            reason: Some(reason),
            ..self
        };
        if refusals < REFUSALS_MAX && !job.is_too_old() {
            job.log("delete: goes on later", None);
            return Next::Again(job);
        }
        job.log(GIVEN_UP, None);
        Next::GivenUp(Self {
            since: None,
            attempts: 0,
            refusals: 0,
            ..job
        })
    }

    /// Writes a line to the log, with the request's id.
    fn log(&self, what: &'static str, progress: Option<&Progress>) {
        let Self {
            account,
            rest,
            caller,
            correlation_id,
            attempts,
            reason,
            ..
        } = self;
        let Rest {
            cluster, service, ..
        } = rest;
        let deleted = progress
            .map(|progress| progress.deleted.join(", "))
            .unwrap_or_default();
        let kept = progress.map(|progress| {
            let kept = progress
                .kept
                .iter()
                .map(|kept| format!("`{}`: {}", kept.arn, kept.reason));
            kept.collect::<Vec<_>>().join("; ")
        });
        let (kept, cause) = (
            kept.unwrap_or_default(),
            reason.as_deref().unwrap_or_default(),
        );
        macro_rules! line {
            ($write:ident) => {
                $write!(
                    correlation_id,
                    caller,
                    account,
                    cluster,
                    service,
                    attempts,
                    deleted,
                    kept,
                    cause,
                    "{what}"
                )
            };
        }
        if what == GIVEN_UP {
            line!(error);
        } else {
            line!(info);
        }
    }
}

fn age(since: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default()
}

fn outcome(attempt: Result<Progress, Failure>) -> Outcome {
    match attempt {
        Ok(progress) if progress.pending.is_empty() => Outcome::Done(Box::new(progress)),
        Ok(progress) => Outcome::NotYet(waits(&progress)),
        Err(failure) if is_refused(&failure.cause) => Outcome::Refused(failure.to_string()),
        Err(failure) => Outcome::NotYet(failure.to_string()),
    }
}

/// Whether it goes on only if somebody does something. That STS gives no credentials may pass, unless it says that the
/// role must not be assumed.
fn is_refused(cause: &Cause) -> bool {
    let Cause::Aws(error) = cause else {
        return false;
    };
    match error.kind {
        Kind::AssumeRole => error
            .code
            .as_deref()
            .is_some_and(|code| code.starts_with("AccessDenied")),
        kind => matches!(kind, Kind::AccessDenied | Kind::Invalid),
    }
}

fn waits(progress: &Progress) -> String {
    let waits = progress
        .pending
        .iter()
        .map(|item| format!("`{}` waits for {}", item.arn, item.waiting_for));
    waits.collect::<Vec<_>>().join("; ")
}
