//! The groups of Amazon CloudWatch Logs: one function per operation, under AWS's own names.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatchlogs::config::Builder;
use aws_sdk_cloudwatchlogs::types::{LogGroup, LogStream};

use super::retries::OnlyRefused;
use super::{Account, Error};
use crate::ids::{Arn, LogGroupName};

/// Calls `logs:DescribeLogGroups` of one group. `None` if there is none of this name.
///
/// AWS lists those whose names begin so in the order of their names, so that the group comes first.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_log_group(
    account: &Account,
    name: &LogGroupName,
) -> Result<Option<LogGroup>, Error> {
    let call = account
        .logs
        .describe_log_groups()
        .log_group_name_prefix(name.as_str());
    let answer = call.send().await;
    let answer = answer.map_err(account.refused("logs:DescribeLogGroups"))?;
    let mut listed = answer.log_groups.unwrap_or_default().into_iter();
    Ok(listed.find(|group| group.log_group_name() == Some(name.as_str())))
}

/// Calls `logs:CreateLogGroup`, repeated only where AWS has refused it: for a flow that must know what it has asked for.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::Conflict`](super::Kind::Conflict) if there is one of this name.
pub async fn create_log_group(
    account: &Account,
    name: &LogGroupName,
    tags: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let tags: HashMap<_, _> = tags.clone().into_iter().collect();
    let call = account
        .logs
        .create_log_group()
        .log_group_name(name.as_str())
        .set_tags((!tags.is_empty()).then_some(tags));
    call.customize()
        .config_override(Builder::new().retry_classifier(OnlyRefused))
        .send()
        .await
        .map(drop)
        .map_err(account.refused("logs:CreateLogGroup"))
}

/// Calls `logs:PutRetentionPolicy`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn put_retention_policy(
    account: &Account,
    name: &LogGroupName,
    days: i32,
) -> Result<(), Error> {
    let call = account
        .logs
        .put_retention_policy()
        .log_group_name(name.as_str())
        .retention_in_days(days);
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("logs:PutRetentionPolicy"))
}

/// Calls `logs:DescribeLogStreams`: some of a group's streams, if it has any.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](super::Kind::NotFound) without such a group.
pub async fn describe_log_streams(
    account: &Account,
    name: &LogGroupName,
) -> Result<Vec<LogStream>, Error> {
    let call = account
        .logs
        .describe_log_streams()
        .log_group_name(name.as_str());
    let answer = call.send().await;
    let answer = answer.map_err(account.refused("logs:DescribeLogStreams"))?;
    Ok(answer.log_streams.unwrap_or_default())
}

/// Calls `logs:ListTagsForResource` of a group, by its ARN without `:*`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn list_tags_for_resource(
    account: &Account,
    arn: &Arn,
) -> Result<HashMap<String, String>, Error> {
    let call = account
        .logs
        .list_tags_for_resource()
        .resource_arn(arn.as_str());
    let answer = call.send().await;
    let answer = answer.map_err(account.refused("logs:ListTagsForResource"))?;
    Ok(answer.tags.unwrap_or_default())
}

/// Calls `logs:DeleteLogGroup`, with everything in it.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_log_group(account: &Account, name: &LogGroupName) -> Result<(), Error> {
    let call = account
        .logs
        .delete_log_group()
        .log_group_name(name.as_str());
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("logs:DeleteLogGroup"))
}
