//! One attempt to take back what one change has made.

use futures_util::future::join_all;

use super::{ATTEMPT, MAY_APPEAR, TOO_LATE, Undo};
use crate::aws::Error;
use crate::ids::Arn;
use crate::orchestration::parts::{
    Removal, SETTLES, cluster, log_group, registry, service, task_definition,
};
use crate::orchestration::undo_log::{Answer, Change, Entry};

impl Undo<'_> {
    /// Tries to take back what one change has made; of a revision that AWS registered more than once, each is an entry.
    pub(super) async fn attempt(&self, entry: Entry) -> Vec<(Entry, Result<Removal, Error>)> {
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

    /// Returns `true` if services that use what a change has made must be looked for.
    pub(super) fn others_may_use(&self, change: &Change) -> bool {
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
}

/// Returns an error of AWS as what is to be waited for, if it passes.
fn pending_if_it_passes(error: Error) -> Result<Removal, Error> {
    if error.kind.is_transient() {
        Ok(Removal::Pending(error.to_string()))
    } else {
        Err(error)
    }
}

/// Takes a thing for absent only where AWS had the time to show it.
pub(super) fn doubt_absence(entry: &Entry, removal: Removal) -> Removal {
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
