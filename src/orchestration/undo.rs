//! Takes back what a failed run has changed, and says what became of it.
//!
//! The newest goes first. What AWS is busy with is tried again after the others, until the deadline, and no attempt
//! takes the time of the others. What can't be taken back, or can't be known to be gone, is a [`Leftover`] with the
//! command that finishes it.

mod targets;

use std::time::Duration;

use aws_sdk_ecs::types::Service;
use futures_util::stream::{self, StreamExt as _};
use tracing::warn;

use super::ledger::{Change, Entry, Ledger, State};
use super::site::Site;
use crate::aws::{self, Kind};
use crate::deadline::{Deadline, Elapsed};

use targets::{Target, is_there, leftover};

/// The longest that one attempt to take one thing back may last, its look for the service included: a twin that looks
/// this long after its service was there sees what became of the parts.
pub(super) const ATTEMPT: Duration = Duration::from_millis(2500);
/// How long the undo waits before it tries again.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// How long AWS may still be at work on a call whose connection broke or that it failed, or not show yet what it did.
pub(super) const SETTLES: Duration = Duration::from_secs(3);
/// How long a service is waited for that AWS was asked for and did not answer.
const SILENCE: Duration = Duration::from_secs(5);
/// What is kept of the time to answer what has turned out to be done.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// What is said of a change that there was no time to take back.
const TOO_LATE: &str = "the time that the request may take is over";
/// What is said of what another run of the same request made: that run may be at work, and takes it back itself.
const OF_ANOTHER_RUN: &str = "an earlier request with this `Idempotency-Key` made it, and may still be at work";
/// What is said of a change that AWS was asked for and that does not show.
const MAY_APPEAR: &str = "AWS never answered; it is not there, but may still appear";
/// What is said of what shows under the name of a change, without a tag of any create.
const UNMARKED: &str = "it appeared while this request asked for it, and its tags do not say that this request made it";
/// What is said of the parts of a service that may still appear.
const KEPT_FOR_SERVICE: &str =
    "AWS never answered whether the service is made; the same request with this `Idempotency-Key` goes on with it";

/// What became of the changes that a failed flow had made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that the flow had created.
    pub created: Vec<String>,
    /// What of it was taken back.
    pub rolled_back: Vec<String>,
    /// What of it is, or may be, still there.
    pub left_behind: Vec<Leftover>,
}

/// Something that could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its ARN, or its name where AWS never answered.
    pub arn: String,
    /// Why it is still there.
    pub error: String,
    /// The command that takes it back.
    pub command: String,
}

/// How an undo ended.
#[derive(Debug)]
pub(super) enum Undone {
    /// Everything is taken back, or listed.
    Back(Outcome),
    /// The service is there: the request is done, by this run or by a twin.
    Fulfilled(Box<Service>),
}

/// What became of one attempt to take a change back.
enum Attempt {
    /// It is gone.
    Done,
    /// It can't be taken back now, but perhaps in a moment.
    Busy(String),
    /// It can't be taken back.
    Stuck(String),
    /// Another request made it.
    OfOthers,
    /// Nothing says whose this is, which is there.
    Unmarked(Option<String>),
    /// The service is there.
    Fulfilled(Box<Service>),
}

impl Attempt {
    fn failed(error: &aws::Error) -> Self {
        if error.kind.passes() { Self::Busy(error.to_string()) } else { Self::Stuck(error.to_string()) }
    }
}

/// Takes back every change of a run, unless its service is there. A service `is_spoiled` that was made of a part which
/// another run has taken back meanwhile: it goes first.
pub(super) async fn undo(ledger: Ledger, site: &Site<'_>, is_spoiled: bool, deadline: Deadline) -> Undone {
    let (found, mut own) = ledger.split();
    own.reverse();
    let mut outcome = Outcome::default();
    outcome.created.extend(own.iter().rev().filter_map(|entry| entry.arn.clone()));
    let is_spoiled = is_spoiled && own.iter().any(|entry| is_service(entry) && entry.state == State::Made);
    let undo = Undo { site, is_spoiled, deadline };
    if let Some(service) = undo.service_after_all(&own).await {
        undo.release(&own, &service).await;
        return Undone::Fulfilled(service);
    }
    if site.run.is_keyed() && own.iter().any(is_unanswered_service) {
        let kept = |entry: &Entry| leftover(entry, kept_because(entry), site.account);
        outcome.left_behind.extend(own.iter().map(kept));
        outcome.left_behind.extend(undo.of_another_run(&found).await);
        return Undone::Back(outcome);
    }
    if let Some(service) = undo.take_back_all(own.clone(), &mut outcome).await {
        undo.release(&own, &service).await;
        return Undone::Fulfilled(service);
    }
    outcome.left_behind.extend(undo.of_another_run(&found).await);
    Undone::Back(outcome)
}

/// Takes back what a run has made beside a service that another run has made.
pub(super) async fn release(ledger: Ledger, site: &Site<'_>, service: &Service, deadline: Deadline) {
    let (_, own) = ledger.split();
    Undo { site, is_spoiled: false, deadline }.release(&own, service).await;
}

struct Undo<'u> {
    site: &'u Site<'u>,
    is_spoiled: bool,
    deadline: Deadline,
}

impl Undo<'_> {
    /// The service, if it shows although this run has not heard that it is made.
    async fn service_after_all(&self, own: &[Entry]) -> Option<Box<Service>> {
        // Each attempt looks before it takes anything back; where nobody would look, or nobody heard of it, look here.
        if own.iter().any(is_unanswered_service) {
            self.awaited_service().await
        } else if own.is_empty() && self.site.run.is_keyed() {
            let look = self.deadline.within(ATTEMPT).limit(Box::pin(self.site.service_of_request())).await;
            look.ok()?.ok()?.map(|(service, _)| Box::new(service))
        } else {
            None
        }
    }

    /// Waits for a service that AWS may still be at work on.
    async fn awaited_service(&self) -> Option<Box<Service>> {
        let deadline = self.deadline.keeping(ATTEMPT).within(SILENCE);
        loop {
            let look = deadline.within(ATTEMPT).limit(Box::pin(self.site.service_of_request())).await;
            if let Ok(Ok(Some((service, _)))) = look {
                return Some(Box::new(service));
            }
            deadline.limit(tokio::time::sleep(PAUSE)).await.ok()?;
        }
    }

    /// Takes back one after the other, and again what is busy. The service, where that shows meanwhile.
    async fn take_back_all(&self, own: Vec<Entry>, outcome: &mut Outcome) -> Option<Box<Service>> {
        let mut left: Vec<_> = own.into_iter().map(|entry| (entry, TOO_LATE.to_owned())).collect();
        loop {
            let mut busy = Vec::new();
            for (mut entry, last) in left {
                let attempt = self.deadline.within(ATTEMPT).limit(Box::pin(self.attempt(&mut entry))).await;
                let is_news = entry.arn.as_ref().is_some_and(|arn| !outcome.created.contains(arn));
                outcome.created.extend(entry.arn.clone().filter(|_| is_news));
                match attempt {
                    Ok(Attempt::Done) => outcome.rolled_back.extend(entry.arn),
                    Ok(Attempt::Unmarked(arn)) => {
                        let entry = Entry { arn: arn.or(entry.arn), ..entry };
                        outcome.left_behind.push(leftover(&entry, UNMARKED, self.site.account));
                    }
                    Ok(Attempt::OfOthers) => outcome.created.retain(|arn| Some(arn) != entry.arn.as_ref()),
                    Ok(Attempt::Fulfilled(service)) => return Some(service),
                    Ok(Attempt::Stuck(why)) => outcome.left_behind.push(leftover(&entry, &why, self.site.account)),
                    Ok(Attempt::Busy(why)) => busy.push((entry, why)),
                    Err(Elapsed) => busy.push((entry, last)),
                }
            }
            if busy.is_empty() || self.deadline.limit(tokio::time::sleep(PAUSE)).await.is_err() {
                let late = busy.iter().map(|(entry, why)| leftover(entry, why, self.site.account));
                outcome.left_behind.extend(late);
                return None;
            }
            left = busy;
        }
    }

    async fn attempt(&self, entry: &mut Entry) -> Attempt {
        if !self.is_spoiled && (self.site.run.is_keyed() || is_service(entry)) {
            match self.site.service_of_request().await {
                Ok(Some((service, _))) => return Attempt::Fulfilled(Box::new(service)),
                Ok(None) => {}
                // What a twin may use stays.
                Err(error) => return Attempt::failed(&error),
            }
        }
        match targets::take_back(self.site, entry, None, self.deadline).await {
            Ok(Target::Gone) => Attempt::Done,
            Ok(Target::OfOthers) => Attempt::OfOthers,
            Ok(Target::Unmarked(arn)) => Attempt::Unmarked(arn),
            Ok(Target::Absent) => absent(entry),
            Err(error) if error.kind == Kind::NotFound => absent(entry),
            Err(error) => Attempt::failed(&error),
        }
    }

    /// What another run made, and has not taken back itself.
    async fn of_another_run(&self, found: &[Entry]) -> Vec<Leftover> {
        let left = stream::iter(found).filter_map(|entry| async move {
            let look = self.deadline.within(ATTEMPT).limit(Box::pin(is_there(self.site.account, entry))).await;
            look.unwrap_or(true).then(|| leftover(entry, OF_ANOTHER_RUN, self.site.account))
        });
        left.collect().await
    }

    /// Takes back what a service that is there after all does not use. That the request is done is the answer either
    /// way; what stays is for the log.
    async fn release(&self, own: &[Entry], service: &Service) {
        let deadline = self.deadline.keeping(ANSWER_RESERVE);
        for mut entry in own.iter().filter(|entry| !is_used(entry, service)).cloned() {
            let work = Box::pin(targets::take_back(self.site, &mut entry, Some(service), deadline));
            let why = match deadline.within(ATTEMPT).limit(work).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(elapsed) => elapsed.to_string(),
            };
            let Leftover { arn, error, command } = leftover(&entry, &why, self.site.account);
            warn!(arn, error, command, "create: left behind beside the service");
        }
    }
}

fn is_service(entry: &Entry) -> bool {
    matches!(entry.change, Change::Service { .. })
}

fn is_unanswered_service(entry: &Entry) -> bool {
    is_service(entry) && entry.state == State::Asked
}

fn kept_because(entry: &Entry) -> &'static str {
    if is_service(entry) { MAY_APPEAR } else { KEPT_FOR_SERVICE }
}

/// Whether a service is known to use what a change has made. A cluster is: the service is in it.
fn is_used(entry: &Entry, service: &Service) -> bool {
    let arn = entry.arn.as_deref();
    match entry.change {
        Change::Cluster(_) | Change::Service { .. } => true,
        Change::TaskDefinition(_) => !entry.is_repeated && arn.is_some() && arn == service.task_definition(),
        Change::Registry { .. } => {
            service.service_registries().iter().any(|registry| arn.is_none() || registry.registry_arn() == arn)
        }
    }
}

/// What is not there is taken back, unless AWS may still be at work on it.
fn absent(entry: &Entry) -> Attempt {
    match entry.state {
        State::Asked | State::BrokenOff if entry.heard_at.elapsed() < SETTLES => Attempt::Busy(MAY_APPEAR.to_owned()),
        State::Asked => Attempt::Stuck(MAY_APPEAR.to_owned()),
        _ => Attempt::Done,
    }
}
