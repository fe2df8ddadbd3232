//! Revisions of task definitions that were looked at lately: a revision never changes, so that it need not be asked for
//! again. Each account has its own, and none sees another's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ecs::types::{Tag, TaskDefinition};
use tokio::time::Instant;

use super::{Account, Error, Kind, ecs};
use crate::ids::TaskDefinitionName;

/// The most revisions of an account that are remembered: at most 64 KB each
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>), and mostly two.
const REMEMBERED_MAX: usize = 32;
/// The time for which a revision is remembered: its tags, which are remembered with it, may be changed.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);

/// A revision with its tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The revision as it was described or registered. Its status may have changed since.
    pub definition: TaskDefinition,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// The revisions of one account that were looked at lately, the latest first.
#[derive(Debug, Default)]
pub(super) struct RevisionCache(Mutex<VecDeque<(Instant, Arc<Revision>)>>);

impl RevisionCache {
    fn find(&self, arn: &str) -> Option<Arc<Revision>> {
        let mut revisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        revisions.retain(|(since, _)| since.elapsed() < REMEMBERED_FOR);
        let is_it = |revision: &Revision| revision.definition.task_definition_arn() == Some(arn);
        let found = revisions.iter().find(|(_, revision)| is_it(revision));
        found.map(|(_, revision)| Arc::clone(revision))
    }

    fn remember(&self, revision: &Arc<Revision>) {
        let mut revisions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let arn = revision.definition.task_definition_arn();
        revisions.retain(|(_, other)| other.definition.task_definition_arn() != arn);
        revisions.push_front((Instant::now(), Arc::clone(revision)));
        revisions.truncate(REMEMBERED_MAX);
    }
}

/// Returns a revision by its ARN: as it was looked at within the last ten minutes, or by `ecs:DescribeTaskDefinition`.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`] if there is none.
pub async fn describe_revision(
    account: &Account,
    revision: &TaskDefinitionName,
    arn: &str,
) -> Result<Arc<Revision>, Error> {
    if let Some(known) = known_revision(account, arn) {
        return Ok(known);
    }
    let answer = ecs::describe_task_definition(account, revision).await?;
    let lacking = || account.lacking("ecs:DescribeTaskDefinition", "taskDefinition");
    let found = Revision {
        definition: answer.task_definition.ok_or_else(lacking)?,
        tags: answer.tags.unwrap_or_default(),
    };
    Ok(remember_revision(account, found))
}

/// Returns the same, or `None` if there is no such revision any more.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn find_revision(account: &Account, arn: &str) -> Result<Option<Arc<Revision>>, Error> {
    let name = TaskDefinitionName::from_answer(arn);
    match describe_revision(account, &name, arn).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a revision by its ARN, if it was looked at within the last ten minutes.
pub fn known_revision(account: &Account, arn: &str) -> Option<Arc<Revision>> {
    account.revisions.find(arn)
}

/// Remembers a revision that AWS has just answered.
pub fn remember_revision(account: &Account, revision: Revision) -> Arc<Revision> {
    let revision = Arc::new(revision);
    account.revisions.remember(&revision);
    revision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(number: i32) -> Arc<Revision> {
        let arn = format!("arn:aws:ecs:us-east-1:111122223333:task-definition/web:{number}");
        let definition = TaskDefinition::builder().task_definition_arn(arn).build();
        Arc::new(Revision {
            definition,
            tags: Vec::new(),
        })
    }

    fn knows(cache: &RevisionCache, number: i32) -> bool {
        let arn = revision(number).definition.task_definition_arn.clone();
        cache.find(&arn.unwrap()).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_revision_is_remembered_for_ten_minutes() {
        let cache = RevisionCache::default();
        cache.remember(&revision(1));
        tokio::time::sleep(Duration::from_secs(599)).await;
        assert!(knows(&cache, 1));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!knows(&cache, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_thirty_two_revisions_are_remembered() {
        let cache = RevisionCache::default();
        for number in (1..=32).chain([1, 33]) {
            cache.remember(&revision(number));
        }
        assert!(knows(&cache, 1) && knows(&cache, 3) && knows(&cache, 33));
        assert!(!knows(&cache, 2));
        assert_eq!(cache.0.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
