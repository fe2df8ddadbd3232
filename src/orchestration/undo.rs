//! Takes back what a failed run has changed, and says what became of it.
//!
//! The newest goes first. What AWS is busy with is tried again after the others, until the deadline, and no attempt
//! takes the time of the others. What can't be taken back, or can't be known to be gone, is a [`Leftover`] with the
//! command that finishes it.

mod targets;

use std::time::Duration;

use aws_sdk_ecs::types::Service;
use futures_util::stream::{self, StreamExt as _};

use super::ledger::{Change, Entry, Ledger, State};
use super::site::Site;
use crate::aws::{self, Kind};
use crate::deadline::Deadline;

pub(super) use targets::leftover;
use targets::{Target, is_there};

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
const OF_ANOTHER_RUN: &str =
    "an earlier request with this `Idempotency-Key` made it, and may still be at work";
/// What is said of a change that AWS was asked for and that does not show.
const MAY_APPEAR: &str = "AWS never answered; it is not there, but may still appear";
/// What is said of what AWS answered as made, and that has no tag of a create.
const UNMARKED: &str =
    "AWS answered it to this request, but its tags do not say that this request made it";
/// What is said of the parts of a service that may still appear.
const KEPT_FOR_SERVICE: &str = "AWS never answered whether the service is made; the same request with this `Idempotency-Key` goes on with it";

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

impl Outcome {
    /// Whether nothing of the flow is in the way of another attempt.
    pub fn is_clean(&self) -> bool {
        self.left_behind.is_empty()
    }
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
    /// The service is there: the request is done, by this run or by a twin; and what else is left of this run.
    Fulfilled(Box<Service>, Vec<Leftover>),
}

/// What became of one attempt to take a change back.
enum Attempt {
    /// It is gone.
    Done,
    /// It is gone, and another one may appear: AWS was asked twice, and has answered neither.
    DoneOnce,
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
        if error.kind.passes() {
            Self::Busy(error.to_string())
        } else {
            Self::Stuck(error.to_string())
        }
    }
}

/// Takes back every change of a run, unless its service is there. A service `is_spoiled` that was made of a part which
/// another run has taken back meanwhile: it goes first.
pub(super) async fn undo(
    ledger: Ledger,
    site: &Site<'_>,
    is_spoiled: bool,
    deadline: Deadline,
) -> Undone {
    let (found, mut own) = ledger.split();
    own.reverse();
    let mut outcome = Outcome::default();
    outcome
        .created
        .extend(own.iter().rev().filter_map(|entry| entry.arn.clone()));
    let is_spoiled = is_spoiled
        && own
            .iter()
            .any(|entry| is_service(entry) && entry.state == State::Made);
    let mut undo = Undo {
        site,
        is_spoiled,
        leaving: Vec::new(),
        deadline,
    };
    if let Some(service) = undo.service_after_all(&own).await {
        let left = undo.release(&own, &service).await;
        return Undone::Fulfilled(service, left);
    }
    if site.run.is_keyed() && own.iter().any(is_unanswered_service) {
        let kept = |entry: &Entry| leftover(entry, kept_because(entry), site.account);
        outcome.left_behind.extend(own.iter().map(kept));
        outcome
            .left_behind
            .extend(undo.of_another_run(&found).await);
        return Undone::Back(outcome);
    }
    if let Some(service) = undo.take_back_all(own.clone(), &mut outcome).await {
        let left = undo.release(&own, &service).await;
        return Undone::Fulfilled(service, left);
    }
    outcome
        .left_behind
        .extend(undo.of_another_run(&found).await);
    Undone::Back(outcome)
}

/// Takes back what a run has made beside a service that another run has made; answers what of it stays.
pub(super) async fn release(
    ledger: Ledger,
    site: &Site<'_>,
    service: &Service,
    deadline: Deadline,
) -> Vec<Leftover> {
    let (_, own) = ledger.split();
    Undo {
        site,
        is_spoiled: false,
        leaving: Vec::new(),
        deadline,
    }
    .release(&own, service)
    .await
}

struct Undo<'u> {
    site: &'u Site<'u>,
    /// Whether the service, where there is one, lacks what was taken back: it is not answered, and protects nothing.
    is_spoiled: bool,
    /// The ARNs of what AWS has been asked to take back.
    leaving: Vec<String>,
    deadline: Deadline,
}

impl Undo<'_> {
    /// The service, if it shows although this run has not heard that it is made.
    async fn service_after_all(&self, own: &[Entry]) -> Option<Box<Service>> {
        // Each attempt looks before it takes anything back; where none would, or nobody has heard of it, it is looked for
        // here.
        if own.iter().any(is_unanswered_service) {
            self.awaited_service().await
        } else if own.is_empty() && self.site.run.is_keyed() {
            let look = self
                .deadline
                .within(ATTEMPT)
                .limit(Box::pin(self.site.service_of_request()))
                .await;
            look.ok()?.ok()?.map(|(service, _)| Box::new(service))
        } else {
            None
        }
    }

    /// Waits for a service that AWS may still be at work on.
    async fn awaited_service(&self) -> Option<Box<Service>> {
        let deadline = self.deadline.keeping(ATTEMPT).within(SILENCE);
        loop {
            let look = deadline
                .within(ATTEMPT)
                .limit(Box::pin(self.site.service_of_request()))
                .await;
            if let Ok(Ok(Some((service, _)))) = look {
                return Some(Box::new(service));
            }
            deadline.limit(tokio::time::sleep(PAUSE)).await.ok()?;
        }
    }

    /// Takes back one after the other, and again what is busy. The service, where that shows meanwhile.
    async fn take_back_all(
        &mut self,
        own: Vec<Entry>,
        outcome: &mut Outcome,
    ) -> Option<Box<Service>> {
        let mut left: Vec<_> = own
            .into_iter()
            .map(|entry| (entry, TOO_LATE.to_owned()))
            .collect();
        loop {
            let mut busy = Vec::new();
            let mut rest = left.into_iter();
            while let Some((mut entry, last)) = rest.next() {
                let attempt = self
                    .deadline
                    .within(ATTEMPT)
                    .limit(Box::pin(self.attempt(&mut entry)))
                    .await;
                self.leaving
                    .extend(entry.arn.clone().filter(|_| entry.is_leaving));
                match attempt.unwrap_or(Attempt::Busy(last)) {
                    Attempt::Busy(why) => busy.push((entry, why)),
                    // A twin made it of what leaves: the twin will see that, and take the service back.
                    Attempt::Fulfilled(service)
                        if self.leaving.iter().any(|arn| uses(&service, arn)) =>
                    {
                        self.is_spoiled = true;
                        busy.push((entry, TOO_LATE.to_owned()));
                    }
                    Attempt::Fulfilled(service) => return Some(service),
                    ended => self.note(entry, ended, outcome),
                }
                // As long as the service is or may be there, its parts stay.
                if !self.is_spoiled && busy.last().is_some_and(|(entry, _)| is_service(entry)) {
                    busy.extend(rest.by_ref());
                }
            }
            if busy.is_empty()
                || self
                    .deadline
                    .limit(tokio::time::sleep(PAUSE))
                    .await
                    .is_err()
            {
                for (entry, why) in busy {
                    self.note(entry, Attempt::Stuck(why), outcome);
                }
                return None;
            }
            left = busy;
        }
    }

    /// Notes how the attempts on one change have ended.
    fn note(&self, entry: Entry, ended: Attempt, outcome: &mut Outcome) {
        let is_own = !matches!(ended, Attempt::OfOthers | Attempt::Unmarked(_));
        outcome
            .created
            .retain(|arn| is_own || Some(arn) != entry.arn.as_ref());
        if let Some(arn) = entry
            .arn
            .as_ref()
            .filter(|arn| is_own && !outcome.created.contains(arn))
        {
            outcome.created.push(arn.clone());
        }
        let left = match ended {
            Attempt::Stuck(why) => leftover(&entry, &why, self.site.account),
            Attempt::Unmarked(arn) => leftover(
                &Entry {
                    arn: arn.or(entry.arn),
                    ..entry
                },
                UNMARKED,
                self.site.account,
            ),
            Attempt::Done => return outcome.rolled_back.extend(entry.arn),
            Attempt::DoneOnce => {
                outcome.rolled_back.extend(entry.arn.clone());
                leftover(&Entry { arn: None, ..entry }, MAY_APPEAR, self.site.account)
            }
            Attempt::OfOthers | Attempt::Busy(_) | Attempt::Fulfilled(_) => return,
        };
        outcome.left_behind.push(left);
    }

    async fn attempt(&self, entry: &mut Entry) -> Attempt {
        if !self.is_spoiled && self.site.run.is_keyed() && !is_service(entry) {
            match self.site.service_of_request().await {
                Ok(Some((service, _))) => return Attempt::Fulfilled(Box::new(service)),
                Ok(None) => {}
                // What a twin may use stays.
                Err(error) => return Attempt::failed(&error),
            }
        }
        match targets::take_back(self.site, entry, None, self.is_spoiled, self.deadline).await {
            Ok(Target::Gone) if entry.state == State::Asked && entry.is_repeated => again(entry),
            // Of two calls that AWS failed, the other one may show yet.
            Ok(Target::Gone) if is_unsettled(entry) && entry.is_repeated => {
                Attempt::Busy(MAY_APPEAR.to_owned())
            }
            Ok(Target::Gone) => Attempt::Done,
            Ok(Target::InUse(why)) => Attempt::Stuck(why),
            Ok(Target::Service(service)) => Attempt::Fulfilled(service),
            // AWS answered it, but it may have been there.
            Ok(Target::Unmarked(arn)) if entry.state == State::Made => Attempt::Unmarked(arn),
            // Its tags may not show yet.
            Ok(Target::Unmarked(_)) if is_unsettled(entry) => Attempt::Busy(MAY_APPEAR.to_owned()),
            Ok(Target::Unmarked(_) | Target::OfOthers) => Attempt::OfOthers,
            Ok(Target::Absent) if is_service(entry) && !self.is_spoiled => unseen(entry),
            Ok(Target::Absent) => absent(entry, SETTLES),
            Err(error) if error.kind == Kind::NotFound => absent(entry, SETTLES),
            // Not seen is not gone.
            Err(error) if is_service(entry) && !self.is_spoiled => Attempt::Busy(error.to_string()),
            Err(error) => Attempt::failed(&error),
        }
    }

    /// What another run made, and has not taken back itself.
    async fn of_another_run(&self, found: &[Entry]) -> Vec<Leftover> {
        let left = stream::iter(found).filter_map(|entry| async move {
            let look = self
                .deadline
                .within(ATTEMPT)
                .limit(Box::pin(is_there(self.site.account, entry)))
                .await;
            look.unwrap_or(true)
                .then(|| leftover(entry, OF_ANOTHER_RUN, self.site.account))
        });
        left.collect().await
    }

    /// Takes back what a service that is there after all does not use; answers what of it stays.
    async fn release(&self, own: &[Entry], service: &Service) -> Vec<Leftover> {
        let mut left = Vec::new();
        for mut entry in own.iter().filter(|entry| !is_used(entry, service)).cloned() {
            if let Err(why) = self.release_one(&mut entry, service).await {
                left.push(leftover(&entry, &why, self.site.account));
            }
        }
        left
    }

    /// Takes back one thing, and waits for it where AWS may still be at work on it.
    async fn release_one(&self, entry: &mut Entry, service: &Service) -> Result<(), String> {
        let deadline = self.deadline.keeping(ANSWER_RESERVE);
        loop {
            let work = Box::pin(targets::take_back(
                self.site,
                entry,
                Some(service),
                false,
                deadline,
            ));
            let why = match deadline.within(ATTEMPT).limit(work).await {
                Ok(Ok(Target::Absent)) => match absent(entry, SETTLES + SILENCE) {
                    Attempt::Busy(why) => why,
                    Attempt::Stuck(why) => return Err(why),
                    _ => return Ok(()),
                },
                Ok(Ok(_)) => return Ok(()),
                // It is taken back already.
                Ok(Err(error)) if error.kind == Kind::NotFound => return Ok(()),
                Ok(Err(error)) if error.kind.passes() => error.to_string(),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(elapsed) => elapsed.to_string(),
            };
            deadline
                .limit(tokio::time::sleep(PAUSE))
                .await
                .map_err(|_| why)?;
        }
    }
}

fn is_service(entry: &Entry) -> bool {
    matches!(entry.change, Change::Service { .. })
}

/// What is gone, and may appear once more: a cluster under the same ARN, anything else under another.
fn again(entry: &Entry) -> Attempt {
    match entry.change {
        Change::Cluster(_) => Attempt::Stuck(MAY_APPEAR.to_owned()),
        _ => Attempt::DoneOnce,
    }
}

fn is_unanswered_service(entry: &Entry) -> bool {
    is_service(entry) && entry.state == State::Asked
}

fn kept_because(entry: &Entry) -> &'static str {
    if is_service(entry) {
        MAY_APPEAR
    } else {
        KEPT_FOR_SERVICE
    }
}

/// Whether a service is made of the revision or the registry of an ARN.
fn uses(service: &Service, arn: &str) -> bool {
    let registries = service
        .service_registries()
        .iter()
        .filter_map(|registry| registry.registry_arn());
    service
        .task_definition()
        .into_iter()
        .chain(registries)
        .any(|used| used == arn)
}

/// Whether nothing of a change can be spared by a service. Its cluster can't, and what has its registry's name is it.
fn is_used(entry: &Entry, service: &Service) -> bool {
    let is_its_own = || entry.arn.as_ref().is_some_and(|arn| uses(service, arn));
    match entry.change {
        Change::Cluster(_) | Change::Service { .. } => true,
        Change::TaskDefinition(_) => !entry.is_repeated && is_its_own(),
        Change::Registry { .. } => entry.arn.is_none() || is_its_own(),
    }
}

/// Whether AWS may still be at work on a call whose connection broke, or that it failed.
fn is_unsettled(entry: &Entry) -> bool {
    entry.state == State::BrokenOff && entry.heard_at.elapsed() < SETTLES
}

/// A service that AWS has answered is there, whether it shows or not.
fn unseen(entry: &Entry) -> Attempt {
    match entry.state {
        State::Made if entry.heard_at.elapsed() < SETTLES => Attempt::Busy(MAY_APPEAR.to_owned()),
        State::Made => Attempt::Stuck(MAY_APPEAR.to_owned()),
        _ => absent(entry, SETTLES),
    }
}

/// What is not there is taken back, unless AWS may still be at work on it: what it has not answered is waited for this
/// long.
fn absent(entry: &Entry, patience: Duration) -> Attempt {
    let silence = entry.heard_at.elapsed();
    match entry.state {
        State::Asked if silence < patience => Attempt::Busy(MAY_APPEAR.to_owned()),
        State::Asked => Attempt::Stuck(MAY_APPEAR.to_owned()),
        State::BrokenOff if is_unsettled(entry) => Attempt::Busy(MAY_APPEAR.to_owned()),
        _ => Attempt::Done,
    }
}
