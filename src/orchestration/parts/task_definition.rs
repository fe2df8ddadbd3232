//! The task definition's revision. AWS knows no token for it: each call makes another one.

use std::time::Duration;

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Tag, TaskDefinition, TaskDefinitionStatus};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, sleep};

use super::{PAUSE, Removal, SETTLES};
use crate::aws::{Account, Error, Kind, ecs};
use crate::clock::milliseconds;
use crate::ids::{Family, TaskDefinitionName};
use crate::orchestration::mark::Mark;
use crate::orchestration::request::NewTaskDefinition;
use crate::orchestration::undo_log::{Change, UndoLog};

/// The number of revisions that are looked at together, the latest first.
const LOOKED_AT_ONCE: i32 = 5;
/// The time by which AWS's clock may be behind ours.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);

/// Returns a task definition by `family`, `family:revision` or ARN; `None` if AWS knows none.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn look(
    account: &Account,
    name: &TaskDefinitionName,
) -> Result<Option<TaskDefinition>, Error> {
    Ok(describe(account, name).await?.map(|(found, _)| found))
}

/// Returns the same with its tags.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn describe(
    account: &Account,
    name: &TaskDefinitionName,
) -> Result<Option<(TaskDefinition, Vec<Tag>)>, Error> {
    match ecs::describe_task_definition(account, name).await {
        Ok(answer) => Ok(answer
            .task_definition
            .map(|found| (found, answer.tags.unwrap_or_default()))),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns `true` if a revision has the mark.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn is_marked(
    account: &Account,
    mark: &Mark,
    arn: &str,
) -> Result<bool, Error> {
    let found = describe(account, &TaskDefinitionName::from_answer(arn)).await?;
    Ok(found.is_some_and(|(_, tags)| mark.is_on(&tags)))
}

/// Registers a revision. One that AWS has registered without answering is found by its mark.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn make(
    account: &Account,
    mark: &Mark,
    NewTaskDefinition { family, input }: &NewTaskDefinition,
    log: &UndoLog,
) -> Result<TaskDefinition, Error> {
    let change = Change::TaskDefinition(family.clone());
    match register(account, input, &change, log).await {
        Err(error) if error.kind.leaves_outcome_unknown() => {
            match wait_for_marked(account, mark, family).await {
                Ok(Some(revision)) => {
                    log.note_made(&change, revision.task_definition_arn());
                    Ok(revision)
                }
                Ok(None) if error.kind == Kind::Unavailable => {
                    register(account, input, &change, log).await
                }
                // AWS may be at work on it, and would make a second one. The first error is the cause.
                Ok(None) | Err(_) => Err(error),
            }
        }
        made => made,
    }
}

async fn register(
    account: &Account,
    input: &RegisterTaskDefinitionInput,
    change: &Change,
    log: &UndoLog,
) -> Result<TaskDefinition, Error> {
    let work = async {
        let answer = ecs::register_task_definition(account, input.clone()).await?;
        answer
            .task_definition
            .ok_or_else(|| account.lacking("ecs:RegisterTaskDefinition", "taskDefinition"))
    };
    log.track(change, work, |made| made.task_definition_arn.clone())
        .await
}

/// Waits for a revision that AWS has registered, or not, without a word, as long as it may need to show it.
async fn wait_for_marked(
    account: &Account,
    mark: &Mark,
    family: &Family,
) -> Result<Option<TaskDefinition>, Error> {
    let asked_at = Instant::now();
    loop {
        let found = find_marked(account, mark, family).await?.into_iter().next();
        if found.is_some() || asked_at.elapsed() > SETTLES {
            return Ok(found);
        }
        sleep(PAUSE).await;
    }
}

/// Returns the ACTIVE revisions of a family that have the mark, the newest first.
///
/// Older ones than the mark itself are not looked at.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn find_marked(
    account: &Account,
    mark: &Mark,
    family: &Family,
) -> Result<Vec<TaskDefinition>, Error> {
    let Some(latest) = describe(account, &family.latest()).await? else {
        return Ok(Vec::new());
    };
    let mut next = latest.0.revision();
    let (mut batch, mut marked) = (vec![latest], Vec::new());
    loop {
        let has_older = batch.iter().any(|(found, _)| is_older(found, mark));
        let is_empty = batch.is_empty();
        marked.extend(
            batch
                .into_iter()
                .filter(|(found, tags)| is_active(found) && mark.is_on(tags))
                .map(|(found, _)| found),
        );
        if has_older || is_empty || next <= 1 {
            return Ok(marked);
        }
        let first = next.saturating_sub(LOOKED_AT_ONCE).max(1);
        let names = (first..next).rev().map(|number| family.revision(number));
        let looks = stream::iter(names).map(|name| async move { describe(account, &name).await });
        let known: Vec<_> = looks
            .buffered(usize::try_from(LOOKED_AT_ONCE).unwrap_or(1))
            .try_collect()
            .await?;
        (batch, next) = (known.into_iter().flatten().collect(), first);
    }
}

/// Returns `true` if a revision was registered before the undertaking of a mark was begun.
fn is_older(revision: &TaskDefinition, mark: &Mark) -> bool {
    let begun_at_ms = mark
        .begun_at_ms()
        .saturating_sub(milliseconds(CLOCKS_DIFFER));
    let begun_at = i64::try_from(begun_at_ms).map(DateTime::from_millis);
    revision
        .registered_at()
        .zip(begun_at.ok())
        .is_some_and(|(registered_at, begun_at)| *registered_at < begun_at)
}

/// Returns `true` if ECS takes a revision for services and tasks.
pub(in crate::orchestration) fn is_active(revision: &TaskDefinition) -> bool {
    revision.status() == Some(&TaskDefinitionStatus::Active)
}

/// Deregisters a revision.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn take_back(
    account: &Account,
    revision: &TaskDefinitionName,
) -> Result<Removal, Error> {
    match ecs::deregister_task_definition(account, revision).await {
        Ok(_) => Ok(Removal::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Removal::Absent),
        Err(error) => Err(error),
    }
}
