//! Takes back what a create has made, and says what became of it: in the request that failed, or for one that died.
//!
//! The newest goes first. What AWS is busy with is tried again after the others, until the deadline, and no attempt
//! takes the time of the others. What can't be taken back, or can't be known to be gone, is a
//! [`Leftover`](super::leftover::Leftover) with the command that finishes it.

mod abandoned;
mod attempt;
mod report;
mod sight;

use std::time::Duration;

use aws_sdk_ecs::types::Service;
use tokio::time::sleep;

use super::leftover::leftover;
use super::mark::Mark;
use super::parts::{PAUSE, Removal};
use super::undo_log::{Answer, Change, Entry};
use super::users::ServiceUsers;
use crate::aws::Account;
use crate::deadline::Deadline;

pub use abandoned::{IncompleteCreate, complete_abandoned, take_back_abandoned};
use attempt::doubt_absence;
pub use report::{Standing, UndoReport};
use sight::Sight;

/// The longest that one attempt to take one thing back may last.
const ATTEMPT: Duration = Duration::from_millis(2500);
/// The longest that the walk through the account's services may last, which must end before anything goes.
const WALK_MAX: Duration = Duration::from_secs(10);
/// The most of a request's time that is kept back to take back what it has made; at most a third of it is.
pub(super) const RESERVE_MAX: Duration = Duration::from_secs(8);

/// Said of a change that there was no time to take back.
const TOO_LATE: &str = "the time that the request may take is over";
/// Said of a change that AWS was asked for and that does not show.
const MAY_APPEAR: &str = "AWS never answered; it is not there, but may still appear";
/// Said of the parts of a service that may still appear, where the stack itself looks again.
const KEPT_FOR_SERVICE: &str = "AWS never answered whether the service is made; ecs-api looks again, and takes this back if it is not";
/// Said of a revision that a service may still get, where the stack itself looks again.
const KEPT_FOR_UPDATE: &str = "AWS never answered whether the service is updated; ecs-api looks again, and takes this back if it is not";
/// Said of what an update may still need, where nobody looks again.
const KEPT_UNWATCHED: &str =
    "AWS never answered whether the service is updated, and may still do it";
/// Said of the parts of a service that can't be looked at.
const KEPT_FOR_UNSEEN: &str = "the service that needs it may be there, and can't be looked at";

/// The end of an undo.
#[derive(Debug)]
pub enum UndoOutcome {
    /// Everything is taken back, or listed.
    TakenBack(UndoReport),
    /// The service is there, and with it the request is done.
    Fulfilled(Box<Service>),
}

/// Takes back every change of a request, the newest first, unless its service is there. `is_watched` claims that
/// somebody looks again later.
pub(super) async fn undo(
    account: &Account,
    mark: &Mark,
    newest_first: Vec<Entry>,
    is_watched: bool,
    deadline: Deadline,
) -> UndoOutcome {
    Undo::new(account, mark, deadline)
        .run(newest_first, is_watched)
        .await
}

struct Undo<'u> {
    account: &'u Account,
    mark: &'u Mark,
    users: ServiceUsers<'u>,
    deadline: Deadline,
    report: UndoReport,
}

impl<'u> Undo<'u> {
    fn new(account: &'u Account, mark: &'u Mark, deadline: Deadline) -> Self {
        Self {
            account,
            mark,
            users: ServiceUsers::new(account, deadline),
            deadline,
            report: UndoReport::default(),
        }
    }

    async fn run(mut self, entries: Vec<Entry>, is_watched: bool) -> UndoOutcome {
        let (services, parts): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_service);
        let made = parts
            .iter()
            .rev()
            .filter(|entry| entry.answer == Answer::Made);
        self.report
            .created
            .extend(made.filter_map(|entry| entry.arn.clone()));
        for entry in services {
            let why = match self.find_service(&entry).await {
                Sight::Found(service) => return UndoOutcome::Fulfilled(service),
                Sight::Hidden(why) => Some((why, KEPT_FOR_UNSEEN)),
                Sight::Absent if entry.answer == Answer::Silent => {
                    kept_for(&entry, is_watched).map(|why| (MAY_APPEAR.to_owned(), why))
                }
                Sight::Absent => None,
            };
            // As long as the service is there, or may be, its parts stay.
            if let Some((why, why_parts)) = why {
                self.leave(&entry, &why, Standing::Doubtful);
                for part in &parts {
                    self.leave(part, why_parts, Standing::Doubtful);
                }
                return UndoOutcome::TakenBack(self.report);
            }
            if entry.answer == Answer::Silent {
                self.leave(&entry, MAY_APPEAR, Standing::Doubtful);
            }
        }
        self.take_back_all(parts).await;
        UndoOutcome::TakenBack(self.report)
    }

    /// Takes back one after the other, and again what is busy.
    async fn take_back_all(&mut self, mut left: Vec<Entry>) {
        if left.iter().any(|entry| self.others_may_use(&entry.change)) {
            // Where it does not end, what others may use is kept, and says why.
            let _ = self.users.prepare(self.deadline.within(WALK_MAX)).await;
        }
        loop {
            self.users.begin_again().await;
            let mut busy = Vec::new();
            for entry in left {
                for (entry, removal) in self.attempt(entry).await {
                    match removal.map(|removal| doubt_absence(&entry, removal)) {
                        Ok(Removal::Pending(why)) => busy.push((entry, why)),
                        Ok(removal) => self.note(&entry, removal),
                        Err(error) => self.leave(&entry, &error.to_string(), Standing::Refused),
                    }
                }
            }
            if busy.is_empty() {
                return;
            }
            if self.deadline.limit(sleep(PAUSE)).await.is_err() {
                for (entry, why) in busy {
                    self.leave(&entry, &why, Standing::Pending);
                }
                return;
            }
            left = busy.into_iter().map(|(entry, _)| entry).collect();
        }
    }

    /// Notes the end of one change.
    fn note(&mut self, entry: &Entry, removal: Removal) {
        let is_own = removal != Removal::NotOwn;
        self.report
            .created
            .retain(|arn| is_own || Some(arn) != entry.arn.as_ref());
        match removal {
            // Of two calls that AWS never answered, one may still make it anew: a cluster under the same ARN.
            Removal::Gone if entry.answer == Answer::Silent && entry.is_repeated => {
                self.leave(entry, MAY_APPEAR, Standing::Doubtful);
            }
            Removal::Gone => {
                self.list_created(entry);
                self.report.rolled_back.extend(entry.arn.clone());
            }
            // Somebody else has taken it away.
            Removal::Absent if entry.answer == Answer::Made => {
                self.report.rolled_back.extend(entry.arn.clone());
            }
            Removal::Absent if entry.answer == Answer::Silent => {
                self.leave(entry, MAY_APPEAR, Standing::Doubtful);
            }
            Removal::Absent | Removal::NotOwn => {}
            Removal::Kept(why) => self.leave(entry, &why, Standing::Kept),
            Removal::Pending(why) => self.leave(entry, &why, Standing::Pending),
        }
    }

    /// Lists what a change has made, unless it is listed.
    fn list_created(&mut self, entry: &Entry) {
        let created = &mut self.report.created;
        if let Some(arn) = entry.arn.as_ref().filter(|arn| !created.contains(arn)) {
            created.push(arn.clone());
        }
    }

    fn leave(&mut self, entry: &Entry, why: &str, standing: Standing) {
        self.list_created(entry);
        let left = leftover(&entry.change, entry.arn.as_ref(), why, self.account);
        self.report.left_behind.push(left);
        self.report.standing = self.report.standing.max(standing);
    }
}

/// Returns `true` if a change decides about the others: they are its parts.
fn is_service(entry: &Entry) -> bool {
    matches!(entry.change, Change::Service { .. } | Change::Update { .. })
}

/// Says why the parts of a change stay about which AWS is silent; `None` if they don't.
fn kept_for(entry: &Entry, is_watched: bool) -> Option<&'static str> {
    match (&entry.change, is_watched) {
        (Change::Update { .. }, true) => Some(KEPT_FOR_UPDATE),
        // A service that runs what is gone would be worse than a revision too many.
        (Change::Update { .. }, false) => Some(KEPT_UNWATCHED),
        (_, true) => Some(KEPT_FOR_SERVICE),
        (_, false) => None,
    }
}
