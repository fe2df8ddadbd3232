//! Takes back what a create has made, and says what became of it: in the request that failed, or for one that died.
//!
//! The newest goes first. What AWS is busy with is tried again after the others, until the deadline, and no attempt
//! takes the time of the others. What can't be taken back, or can't be known to be gone, is a [`Leftover`] with the
//! command that finishes it.

mod abandoned;

use std::time::Duration;

use aws_sdk_ecs::types::Service;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::leftover::{Leftover, leftover};
use super::mark::Mark;
use super::parts::{
    PAUSE, Removal, SETTLES, cluster, log_group, registry, service, task_definition,
};
use super::record::End;
use super::undo_log::{Answer, Change, Entry};
use super::users::Users;
use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;
use crate::ids::Arn;

/// The longest that one attempt to take one thing back may last.
const ATTEMPT: Duration = Duration::from_millis(2500);
/// The longest that the walk through the account's services may last, which must end before anything goes.
const WALK_MAX: Duration = Duration::from_secs(10);
/// The time for which a service is waited for that AWS was asked for and did not answer.
const SILENCE: Duration = Duration::from_secs(5);

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

/// The fate of the changes that a failed flow had made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// The ARNs of everything that the flow had created.
    pub created: Vec<Arn>,
    /// Those of them that are gone.
    pub rolled_back: Vec<Arn>,
    /// Those that are, or may be, still there.
    pub left_behind: Vec<Leftover>,
    /// The least hopeful thing that can be said of what is left.
    pub standing: Standing,
}

/// The prospects of everything that an undo has left, from the most hopeful on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing is left.
    #[default]
    Clean,
    /// It stays: somebody else uses it.
    Kept,
    /// It goes once something has happened.
    Pending,
    /// It goes once somebody has done something.
    Refused,
    /// AWS may still be at work on it.
    Doubtful,
}

impl Standing {
    /// Returns the end of an undertaking of which this is to be said.
    pub(super) fn end(self) -> End {
        match self {
            Self::Clean | Self::Kept => End::Undone,
            Self::Pending | Self::Refused => End::Unfinished,
            Self::Doubtful => End::Doubtful,
        }
    }
}

impl UndoReport {
    /// Tells whether nothing was made.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.rolled_back.is_empty() && self.left_behind.is_empty()
    }

    /// Tells whether everything is as it was before.
    pub fn is_clean(&self) -> bool {
        self.left_behind.is_empty()
    }
}

pub use abandoned::{IncompleteCreate, complete_abandoned, take_back_abandoned};

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

/// The service as a look shows it.
enum Sight {
    Found(Box<Service>),
    Absent,
    /// It can't be looked at, for this reason.
    Hidden(String),
}

struct Undo<'u> {
    account: &'u Account,
    mark: &'u Mark,
    users: Users<'u>,
    deadline: Deadline,
    report: UndoReport,
}

impl<'u> Undo<'u> {
    fn new(account: &'u Account, mark: &'u Mark, deadline: Deadline) -> Self {
        Self {
            account,
            mark,
            users: Users::new(account, deadline),
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

    /// Looks for the service, for as long as AWS may be at work on it.
    async fn find_service(&self, entry: &Entry) -> Sight {
        if is_unseen_update(entry) {
            return Sight::Hidden(MAY_APPEAR.to_owned());
        }
        let patience = match (entry.answer, entry.heard_at) {
            (_, None) => Duration::ZERO,
            (Answer::Silent, _) => SILENCE,
            // Not seen is not gone: an AWS that is not well for a moment is asked again.
            (Answer::Failed | Answer::Made, _) => SETTLES,
        };
        let patient = self.deadline.keeping(ATTEMPT).within(patience);
        loop {
            let look = self.look_for_service(&entry.change);
            let look = self.deadline.within(ATTEMPT).limit(Box::pin(look)).await;
            let sight = match look {
                Ok(Ok(Some(service))) => return Sight::Found(Box::new(service)),
                Ok(Ok(None)) => Sight::Absent,
                Ok(Err(error)) => Sight::Hidden(error.to_string()),
                Err(elapsed) => Sight::Hidden(elapsed.to_string()),
            };
            if patient.limit(sleep(PAUSE)).await.is_err() {
                return sight;
            }
        }
    }

    /// Looks whether the service is as a change was to make it.
    async fn look_for_service(&self, change: &Change) -> Result<Option<Service>, Error> {
        match change {
            Change::Service { cluster, service } => {
                service::find_marked(self.account, self.mark, cluster, service).await
            }
            Change::Update {
                cluster,
                service,
                revision: Some(revision),
                is_new_revision,
                ..
            } => {
                let found = ecs::describe_service(self.account, cluster, service).await?;
                // One that was there before may run until the deployment that follows it is over.
                let is_updated = |service: &Service| {
                    service::wants(service, revision.as_str())
                        || *is_new_revision && service::runs(service, revision.as_str())
                };
                Ok(found.filter(is_updated))
            }
            _ => Ok(None),
        }
    }

    /// Takes back side by side, and again what is busy.
    async fn take_back_all(&mut self, mut left: Vec<Entry>) {
        if left.iter().any(|entry| self.others_may_use(&entry.change)) {
            // Where it does not end, what others may use is kept, and says why.
            let _ = self.users.prepare(self.deadline.within(WALK_MAX)).await;
        }
        loop {
            let mut busy = Vec::new();
            let attempts = left.into_iter().map(|entry| self.attempt(entry));
            for (entry, removal) in join_all(attempts).await.into_iter().flatten() {
                match removal.map(|removal| settle(&entry, removal)) {
                    Ok(Removal::Pending(why)) => busy.push((entry, why)),
                    Ok(removal) => self.note(&entry, removal),
                    Err(error) => self.leave(&entry, &error.to_string(), Standing::Refused),
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

    /// Tries to take back what one change has made; of a revision that AWS registered more than once, each is an entry.
    async fn attempt(&self, entry: Entry) -> Vec<(Entry, Result<Removal, Error>)> {
        let deadline = self.deadline.within(ATTEMPT);
        let found = deadline.limit(Box::pin(self.find_each(&entry))).await;
        let entries = match found {
            Ok(Ok(entries)) => entries,
            Ok(Err(error)) => return vec![(entry, pending_if_it_passes(error))],
            Err(_) => return vec![(entry, Ok(Removal::Pending(TOO_LATE.to_owned())))],
        };
        let attempts = entries.into_iter().map(|mut entry| async move {
            let work = Box::pin(self.take_back(&mut entry));
            let removal = match deadline.limit(work).await {
                Ok(Ok(removal)) => Ok(removal),
                Ok(Err(error)) => pending_if_it_passes(error),
                Err(_) => Ok(Removal::Pending(TOO_LATE.to_owned())),
            };
            (entry, removal)
        });
        join_all(attempts).await
    }

    /// Finds what one change has made, the newest first. AWS may have registered a revision again where it was asked
    /// again, or where nobody knows how often that was.
    async fn find_each(&self, entry: &Entry) -> Result<Vec<Entry>, Error> {
        let family = match &entry.change {
            Change::TaskDefinition(family) if entry.arn.is_none() || entry.is_repeated => family,
            _ => return Ok(vec![entry.clone()]),
        };
        let revisions = task_definition::find_marked(self.account, self.mark, family).await?;
        let found = revisions
            .into_iter()
            .filter_map(|revision| revision.task_definition_arn)
            .map(Arn::from_answer);
        let mut arns: Vec<_> = found.collect();
        // ECS may not show yet what it has answered.
        arns.extend(entry.arn.clone().filter(|arn| !arns.contains(arn)));
        if arns.is_empty() {
            return Ok(vec![entry.clone()]);
        }
        let entries = arns.into_iter().map(|arn| Entry {
            arn: Some(arn),
            ..entry.clone()
        });
        Ok(entries.collect())
    }

    /// Tells whether services that use what a change has made must be looked for.
    fn others_may_use(&self, change: &Change) -> bool {
        match change {
            Change::TaskDefinition(_) | Change::Registry { .. } => true,
            Change::LogGroup(_) => self.account.settings.logs.is_some(),
            // AWS itself refuses to delete a cluster that is in use.
            Change::Cluster(_)
            | Change::Service { .. }
            | Change::Update { .. }
            | Change::Tags(_) => false,
        }
    }

    /// Takes back one change, as far as this undertaking has made it. The entry learns the ARN of what is found.
    async fn take_back(&self, entry: &mut Entry) -> Result<Removal, Error> {
        let Self {
            account,
            mark,
            deadline,
            ..
        } = *self;
        match entry.change.clone() {
            Change::Service { .. } | Change::Update { .. } => Ok(Removal::Absent),
            Change::Tags(back) => {
                service::put_tags(account, &back).await?;
                Ok(Removal::Gone)
            }
            Change::Cluster(name) => {
                let (removal, arn) = cluster::take_back(account, mark, &name, deadline).await?;
                entry.arn = arn.or(entry.arn.take());
                Ok(removal)
            }
            Change::LogGroup(name) => {
                entry.arn = Some(log_group::arn_of(account, &name));
                log_group::take_back(account, mark, &name, &self.users).await
            }
            Change::TaskDefinition(_) => self.take_back_revision(entry.arn.as_ref()).await,
            Change::Registry { name, namespace_id } => {
                if entry.arn.is_none() {
                    let found = registry::look(account, &namespace_id, &name, deadline).await?;
                    let Some(found) = found else {
                        return Ok(Removal::Absent);
                    };
                    if !registry::is_own(account, mark, &found).await? {
                        return Ok(Removal::NotOwn);
                    }
                    entry.arn = found.arn.map(Arn::from_answer);
                }
                let lacking = || account.lacking("servicediscovery:GetService", "Arn");
                let arn = entry.arn.as_ref().ok_or_else(lacking)?;
                registry::delete_unused(account, arn, None, &self.users, deadline).await
            }
        }
    }

    /// Takes back a revision, unless a service runs it.
    async fn take_back_revision(&self, arn: Option<&Arn>) -> Result<Removal, Error> {
        let Some(arn) = arn else {
            return Ok(Removal::Absent);
        };
        if let Some(user) = self.users.of_revision(arn).await? {
            return Ok(Removal::Kept(format!("the service `{user}` runs it")));
        }
        task_definition::take_back(self.account, &arn.clone().into()).await
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

/// Returns an error of AWS as what is to be waited for, if it passes.
fn pending_if_it_passes(error: Error) -> Result<Removal, Error> {
    if error.kind.passes() {
        Ok(Removal::Pending(error.to_string()))
    } else {
        Err(error)
    }
}

/// Takes a thing for absent only where AWS had the time to show it.
fn settle(entry: &Entry, removal: Removal) -> Removal {
    let is_young = entry
        .heard_at
        .is_some_and(|heard_at| heard_at.elapsed() < SETTLES);
    let is_known = entry.answer == Answer::Made;
    match removal {
        Removal::Absent | Removal::NotOwn if is_young && !is_known => {
            Removal::Pending(MAY_APPEAR.to_owned())
        }
        removal => removal,
    }
}

/// Tells whether a change decides about the others: they are its parts.
fn is_service(entry: &Entry) -> bool {
    matches!(entry.change, Change::Service { .. } | Change::Update { .. })
}

/// Tells whether nothing would show that an update was done.
fn is_unseen_update(entry: &Entry) -> bool {
    matches!(entry.change, Change::Update { revision: None, .. })
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
