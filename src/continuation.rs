//! Goes on with work that has no caller any more, from the stack's own queue: deletes that outlive their requests, the
//! watches of creates, and the time limits of tasks.
//!
//! Every attempt looks at what is there, so that a message that comes twice, late or out of order does no harm; an
//! attempt that dies on the way is one that SQS delivers again. What an attempt does is
//! [`orchestration`](crate::orchestration)'s business.

mod message;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use tracing::{error, info, warn};

use crate::auth::Authority;
use crate::aws::queue::Queue;
use crate::aws::{self, Account, Accounts, Attribution, Kind};
use crate::clock::Clock;
use crate::config::{Access, Metering};
use crate::deadline::{Deadline, Elapsed};
use crate::error::causes;
use crate::ids::Arn;
use crate::intake::batch::{self, Batch};
use crate::orchestration::Cause;
use crate::orchestration::delete::{self, Progress, Target};
use crate::orchestration::record::{End, Record, Records, Watch, WatchFinding};
use crate::orchestration::time_limit::{Overdue, TimeKeeper};
use crate::orchestration::undo::{
    IncompleteCreate, Standing, UndoOutcome, complete_abandoned, take_back_abandoned,
};
use crate::telemetry::AttemptLog;

use message::{Attempt, Message, Next, Work};

/// The time that an attempt keeps back to put the rest back onto the queue.
const PUT_BACK_RESERVE: Duration = Duration::from_secs(4);
/// The time that an attempt at a record keeps back to write down how it ended.
const END_RESERVE: Duration = Duration::from_secs(1);
/// The number of messages of a batch that are worked on at once.
const PARALLEL: usize = 5;

/// Goes on with what outlives its request.
#[derive(Debug)]
pub struct Continuation {
    queue: Arc<Queue>,
}

/// Everything of the function that work without a caller needs.
#[derive(Debug, Clone, Copy)]
pub struct Stack<'s> {
    /// The accounts and their clients.
    pub accounts: &'s Accounts,
    /// The records of what is to be done once.
    pub records: &'s Records,
    /// The callers and their grants.
    pub authority: &'s Authority,
    /// The metrics that the log's lines carry.
    pub metering: &'s Metering,
    /// The time of day.
    pub clock: &'s Clock,
}

/// The rest of a delete, as it is left to the queue.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'u> {
    /// The service that was to be deleted.
    pub target: &'u Target,
    /// The progress of the delete.
    pub progress: &'u Progress,
    /// The time of day.
    pub clock: &'u Clock,
    /// The account's name in the configuration.
    pub account_name: &'u str,
    /// The name of who asked for it.
    pub caller: &'u str,
    /// The id of the request.
    pub request_id: &'u str,
}

impl Continuation {
    /// Works with this queue.
    pub fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Returns who keeps the time limits of tasks.
    pub fn time_keeper<'k>(&'k self, clock: &'k Clock) -> TimeKeeper<'k> {
        TimeKeeper {
            queue: &self.queue,
            clock,
        }
    }

    /// Returns `true` if every message of the batch comes from the stack's own queue.
    pub fn owns(&self, batch: &Batch) -> bool {
        batch
            .messages
            .iter()
            .all(|message| self.queue.has_arn(&message.queue_arn))
    }

    /// Puts what a delete has left onto the queue.
    ///
    /// # Errors
    /// [`aws::Error`] if AWS does not take it: then nobody goes on with it but the caller.
    pub async fn enqueue(
        &self,
        account: &Account,
        handover: Handover<'_>,
    ) -> Result<(), aws::Error> {
        let Handover {
            target,
            progress,
            clock,
            account_name,
            caller,
            request_id,
        } = handover;
        let pending = delete::remember(account, target, progress, request_id).await?;
        let message = Message::delete(
            account_name,
            caller,
            request_id,
            pending,
            waits(progress),
            clock.now(),
        );
        self.queue.send(&message.text(), message.delay()).await?;
        info!(
            correlation_id = request_id,
            caller,
            account = account_name,
            cluster = target.cluster.as_str(),
            service = target.service.as_str(),
            cause = message.reason(),
            "delete: goes on from the queue"
        );
        Ok(())
    }

    /// Works on a batch; returns the ids of the messages that SQS must deliver again.
    pub async fn work<'b>(
        &self,
        stack: Stack<'_>,
        batch: &'b Batch,
        deadline: Deadline,
    ) -> Vec<&'b str> {
        let works = stream::iter(&batch.messages).map(|message| async move {
            let working = deadline.keeping_a_third(PUT_BACK_RESERVE);
            let work = Box::pin(self.attempt(stack, message, working));
            // Neither a panic nor the end of the time takes the other messages along.
            let attempt = deadline
                .limit(AssertUnwindSafe(work).catch_unwind())
                .await
                .ok()
                .and_then(Result::ok);
            if attempt.is_none() {
                error!(
                    message_id = message.message_id,
                    "queue: an attempt was cut off"
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

    /// Does what can be done now, puts the rest back, and tells whether the message has served its purpose.
    async fn attempt(
        &self,
        stack: Stack<'_>,
        delivered: &batch::Message,
        deadline: Deadline,
    ) -> bool {
        let message = match Message::read(&delivered.body, stack.clock.now()) {
            Ok(message) => message,
            Err(cause) => return self.refuse(delivered, &cause).await,
        };
        let attribution = Attribution::new(message.caller(), message.correlation_id());
        let work = Box::pin(do_work(stack, &message, deadline));
        let attempt = attribution.scope(work).await;
        let next = message.clone().after(attempt, stack.clock.now());
        let line = AttemptLog {
            attempts: message.work.metric(),
            caller: message.caller(),
            account: message.account(),
            correlation_id: message.correlation_id(),
            attribution: &attribution,
            is_given_up: matches!(next, Next::GivenUp(_)),
        };
        line.write(stack.metering, stack.clock.now_ms());
        self.forward(next, message.correlation_id()).await
    }

    /// Puts onto a queue what is left of a message, and tells whether that is done.
    async fn forward(&self, next: Next, correlation_id: &str) -> bool {
        let sent = match next {
            Next::Nothing => Ok(true),
            Next::Again(message, delay) => {
                let text = message.text();
                self.queue.send(&text, delay).await.map(|()| true)
            }
            // Without a place for it SQS moves it, once it has delivered it often enough.
            Next::GivenUp(message) => self.queue.send_dead_letter(&message.text()).await,
        };
        let not_sent = |error: &aws::Error| {
            warn!(correlation_id, cause = causes(error), "queue: not put back");
        };
        sent.inspect_err(not_sent).unwrap_or(false)
    }

    async fn refuse(&self, delivered: &batch::Message, cause: &serde_json::Error) -> bool {
        let message_id = &delivered.message_id;
        error!(message_id, %cause, "queue: not a message of ecs-api");
        let letter = json!({
            "reason": format!("not a message of ecs-api: {cause}"),
            "body": delivered.body,
        });
        let sent = self.queue.send_dead_letter(&letter.to_string()).await;
        sent.unwrap_or(false)
    }
}

/// Does what a message asks for, as far as it can be done now.
async fn do_work(stack: Stack<'_>, message: &Message, deadline: Deadline) -> Attempt {
    match &message.work {
        Work::Delete(pending) => {
            let Some(account) = stack.accounts.get(&pending.account).await else {
                return no_account(&pending.account);
            };
            let is_granted =
                stack
                    .authority
                    .is_granted(message.caller(), message.account(), Access::Write);
            // What was asked for with a grant is finished without one; who reads the log shall know.
            message.log(if is_granted {
                "delete: is looked at"
            } else {
                "delete: is looked at, although its caller has no grant any more"
            });
            of_delete(delete::resume(account, &pending.delete, deadline).await)
        }
        Work::Watch(watch) => look_after(stack.accounts, stack.records, watch, deadline).await,
        Work::TimeLimit(limit) => {
            let Some(account) = stack.accounts.get(&limit.account).await else {
                return no_account(&limit.account);
            };
            of_time_limit(limit.keep(account, stack.clock.now_ms(), deadline).await)
        }
    }
}

/// Looks at the record that a watch is for, and takes back what its owner has left, if that one died.
async fn look_after(
    accounts: &Accounts,
    records: &Records,
    watch: &Watch,
    deadline: Deadline,
) -> Attempt {
    let lease = match records.look(watch, deadline).await {
        Ok(WatchFinding::Settled) => return Attempt::Done(String::new()),
        Ok(WatchFinding::NotYet(delay)) => return Attempt::TooEarly(delay),
        Ok(WatchFinding::UnderWay(delay)) => return Attempt::UnderWay(delay),
        Ok(WatchFinding::Abandoned(lease)) => lease,
        Err(error) => return Attempt::NotYet(error.to_string()),
    };
    // However it went, the lease ends: else the next delivery would come too early.
    let (end, attempt) = match accounts.get(&watch.account).await {
        Some(account) => {
            let working = deadline.keeping(END_RESERVE);
            take_back(account, lease.record(), working).await
        }
        None => (End::Unfinished, no_account(&watch.account)),
    };
    lease.end(end, deadline).await;
    attempt
}

/// Takes back what an invocation has left that died, or completes it where its service is there.
async fn take_back(account: &Account, record: &Record, deadline: Deadline) -> (End, Attempt) {
    let report = match take_back_abandoned(account, record, deadline).await {
        UndoOutcome::Fulfilled(service) => {
            let completion = Box::pin(complete_abandoned(account, record, &service));
            let completion = deadline.limit(completion).await;
            return of_completion(completion, service.service_arn().unwrap_or_default());
        }
        UndoOutcome::TakenBack(report) => report,
    };
    let gone = gone(&report.rolled_back);
    let left = report.left_behind.iter();
    let left: Vec<_> = left
        .map(|left| format!("`{}`: {}", left.arn, left.error))
        .collect();
    let left = left.join("; ");
    match report.standing {
        Standing::Clean => (End::Undone, Attempt::Done(gone)),
        Standing::Kept => (End::Undone, Attempt::Done(format!("{gone}; kept: {left}"))),
        Standing::Refused => (End::Unfinished, Attempt::Refused(left)),
        // It is looked at again.
        Standing::Pending | Standing::Doubtful => (End::Unfinished, Attempt::NotYet(left)),
    }
}

/// Says how the completion of a create has ended whose service, of this ARN, is there.
fn of_completion(
    completion: Result<Result<(), IncompleteCreate>, Elapsed>,
    arn: &str,
) -> (End, Attempt) {
    let attempt = match completion {
        Ok(Ok(())) => {
            let end = End::Done(vec![Arn::from_answer(arn)]);
            return (end, Attempt::Done(format!("`{arn}` is there, and stays")));
        }
        Ok(Err(IncompleteCreate::Aws(error))) if !is_refused(&error) => {
            Attempt::NotYet(error.to_string())
        }
        Ok(Err(incomplete)) => Attempt::Refused(incomplete.to_string()),
        Err(elapsed) => Attempt::NotYet(elapsed.to_string()),
    };
    (End::Unfinished, attempt)
}

/// Says what a watch has taken back.
fn gone(arns: &[Arn]) -> String {
    let arns: Vec<_> = arns.iter().map(Arn::as_str).collect();
    if arns.is_empty() {
        "nothing was there to take back".to_owned()
    } else {
        format!("taken back: {}", arns.join(", "))
    }
}

fn no_account(name: &str) -> Attempt {
    Attempt::Refused(format!("there is no account `{name}` in the configuration"))
}

fn of_delete(attempt: Result<Progress, delete::Failure>) -> Attempt {
    match attempt {
        Ok(progress) if progress.pending.is_empty() => {
            let kept = progress.kept.iter();
            let kept: Vec<_> = kept
                .map(|kept| format!("`{}`: {}", kept.arn, kept.reason))
                .collect();
            let (deleted, kept) = (progress.deleted.join(", "), kept.join("; "));
            Attempt::Done(format!("deleted: {deleted}; kept: {kept}"))
        }
        Ok(progress) => Attempt::NotYet(waits(&progress)),
        Err(failure) if is_refusal(&failure.cause) => Attempt::Refused(failure.to_string()),
        Err(failure) => Attempt::NotYet(failure.to_string()),
    }
}

fn of_time_limit(attempt: Result<Overdue, Cause>) -> Attempt {
    match attempt {
        Ok(Overdue::NotYet(delay)) => Attempt::TooEarly(delay),
        // That tasks have ended in time is no news.
        Ok(Overdue::Stopped(arns)) if arns.is_empty() => Attempt::Done(String::new()),
        Ok(Overdue::Stopped(arns)) => {
            let arns: Vec<_> = arns.iter().map(Arn::as_str).collect();
            Attempt::Done(format!("stopped: {}", arns.join(", ")))
        }
        Err(cause) if is_refusal(&cause) => Attempt::Refused(cause.to_string()),
        Err(cause) => Attempt::NotYet(cause.to_string()),
    }
}

/// Returns `true` if a cause is a refusal of AWS after which it goes on only if somebody does something.
fn is_refusal(cause: &Cause) -> bool {
    matches!(cause, Cause::Aws(error) if is_refused(error))
}

/// Returns `true` if it goes on only if somebody does something. That STS gives no credentials may pass, unless it says that
/// the role must not be assumed.
fn is_refused(error: &aws::Error) -> bool {
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
