//! The log group of the containers that name none.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup;

use super::{Removal, is_there_perhaps};
use crate::aws::{Account, Error, Kind, log_groups};
use crate::clock::milliseconds;
use crate::ids::{Arn, LogGroupName, partition};
use crate::orchestration::mark::Mark;
use crate::orchestration::request::NewLogGroup;
use crate::orchestration::undo_log::{Change, UndoLog};
use crate::orchestration::users::ServiceUsers;

/// The age from which no undo of another request takes a group away any more: the longest invocation, and its watch.
const SETTLED: Duration = Duration::from_mins(20);

/// The maker of a group that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::orchestration) enum Maker {
    /// This very request.
    Own,
    /// Somebody else: it stays as it is.
    Other,
}

/// Returns the group of a name; `None` if there is none.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn look(
    account: &Account,
    name: &LogGroupName,
) -> Result<Option<LogGroup>, Error> {
    log_groups::describe_log_group(account, name).await
}

/// Returns `true` if the group of a name has the mark.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn is_own(
    account: &Account,
    mark: &Mark,
    name: &LogGroupName,
) -> Result<bool, Error> {
    let tags = log_groups::list_tags_for_resource(account, &arn_of(account, name)).await?;
    Ok(mark.is_on_group(&tags))
}

/// Creates the group, and tells who has made it. One that is there already is used; the mark tells whose it is.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn make(
    account: &Account,
    mark: &Mark,
    new: &NewLogGroup,
    log: &UndoLog,
) -> Result<Maker, Error> {
    let change = Change::LogGroup(new.name.clone());
    let mut has_asked_again = false;
    loop {
        let error = match create(account, new, &change, log).await {
            Ok(()) => return Ok(Maker::Own),
            Err(error) if is_there_perhaps(&error) => error,
            Err(error) => return Err(error),
        };
        match look(account, &new.name).await {
            Ok(Some(_)) if is_own(account, mark, &new.name).await? => {
                log.note_made(&change, Some(arn_of(account, &new.name).as_str()));
                return Ok(Maker::Own);
            }
            Ok(Some(_)) => {
                log.forget(&change);
                return Ok(Maker::Other);
            }
            Ok(None) if error.kind.leaves_outcome_unknown() && !has_asked_again => {
                has_asked_again = true;
            }
            // The first error is the cause.
            Ok(None) | Err(_) => return Err(error),
        }
    }
}

async fn create(
    account: &Account,
    new: &NewLogGroup,
    change: &Change,
    log: &UndoLog,
) -> Result<(), Error> {
    let work = log_groups::create_log_group(account, &new.name, &new.tags);
    log.track(change, work, |()| {
        Some(arn_of(account, &new.name).to_string())
    })
    .await
}

/// Sets the retention of a group that this request has made.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn put_retention(
    account: &Account,
    new: &NewLogGroup,
) -> Result<(), Error> {
    match new.retention_in_days {
        Some(days) => log_groups::put_retention_policy(account, &new.name, days).await,
        None => Ok(()),
    }
}

/// Completes the group of a service that is there: creates one that another request's undo has taken away since it was
/// looked at, to which nobody had logged, and sets the retention of one that this undertaking has made and that has none
/// yet.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn complete(
    account: &Account,
    mark: &Mark,
    new: &NewLogGroup,
) -> Result<(), Error> {
    let days = new.retention_in_days;
    if let Some(found) = look(account, &new.name).await? {
        return complete_retention(account, mark, &new.name, &found, days).await;
    }
    match log_groups::create_log_group(account, &new.name, &new.tags).await {
        Ok(()) => put_retention(account, new).await,
        // Somebody else was quicker, or the SDK repeated a call that was done.
        Err(error) if error.kind == Kind::Conflict => {
            if is_own(account, mark, &new.name).await? {
                put_retention(account, new).await?;
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Sets the retention of a group that is there, if this undertaking has made it and it has none yet.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn complete_retention(
    account: &Account,
    mark: &Mark,
    name: &LogGroupName,
    found: &LogGroup,
    days: Option<i32>,
) -> Result<(), Error> {
    match days {
        Some(days)
            if found.retention_in_days().is_none() && is_own(account, mark, name).await? =>
        {
            log_groups::put_retention_policy(account, name, days).await
        }
        _ => Ok(()),
    }
}

/// Returns `true` if a group is so young that the undo of the request that made it may take it away yet.
pub(in crate::orchestration) fn is_young(group: &LogGroup, now_ms: u64) -> bool {
    let settled_before = now_ms.saturating_sub(milliseconds(SETTLED));
    group
        .creation_time()
        .and_then(|time| u64::try_from(time).ok())
        .is_some_and(|created_at| created_at > settled_before)
}

/// Deletes the group of a name if it has the mark, nobody has logged to it, and no service does.
///
/// A stream that has no event yet is of a task that runs: its times lag behind by minutes.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn take_back(
    account: &Account,
    mark: &Mark,
    name: &LogGroupName,
    users: &ServiceUsers<'_>,
) -> Result<Removal, Error> {
    if look(account, name).await?.is_none() {
        return Ok(Removal::Absent);
    }
    if !is_own(account, mark, name).await? {
        return Ok(Removal::NotOwn);
    }
    if !log_groups::describe_log_streams(account, name)
        .await?
        .is_empty()
    {
        return Ok(Removal::Kept("a task has logged to it".to_owned()));
    }
    if let Some(user) = users.of_log_group(name).await? {
        return Ok(Removal::Kept(format!("the service `{user}` logs to it")));
    }
    let delete = log_groups::delete_log_group(account, name);
    match users.rely_on(delete).await {
        Ok(()) => Ok(Removal::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Removal::Gone),
        Err(error) => Err(error),
    }
}

/// Returns the ARN of a group of the account, as tags want it: without `:*`
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html>).
pub(in crate::orchestration) fn arn_of(account: &Account, name: &LogGroupName) -> Arn {
    let at = account.account_region();
    let partition = partition(&at.region);
    let (region, id) = (&at.region, &at.account_id);
    Arn::from_answer(format!(
        "arn:{partition}:logs:{region}:{id}:log-group:{name}"
    ))
}
