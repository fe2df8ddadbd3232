//! The rules for what a configuration says of an account, or of all accounts at once.

use std::collections::BTreeMap;

use crate::config::account::{CLUSTER, SERVICE};
use crate::config::{Account, DefaultLogs};
use crate::ids::{LogGroupName, is_account_name, is_region, partition};

/// Names of accounts that would be taken for a path of the API's own.
const RESERVED_NAMES: [&str; 6] = [
    "accounts",
    "docs",
    "openapi.json",
    "ping",
    "services",
    "version",
];

/// The most tags that an account gives. ECS takes 50 on each thing
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>), and callers and this API have
/// some of their own.
const TAGS_MAX: usize = 40;

/// The days that CloudWatch Logs takes for a retention
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>).
const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Finds the faults of what may be said of one account, or of all in `defaults`: member and message.
pub(in crate::config) fn settings(settings: &Settings<'_>) -> Vec<(&'static str, String)> {
    let mut faults = Vec::new();
    if let Some(fault) = settings.region.and_then(region_fault) {
        faults.push(("region", fault));
    }
    if let Some(fault) = settings.external_id.and_then(external_id_fault) {
        faults.push(("externalId", fault));
    }
    let regions = settings.log_regions.iter();
    faults.extend(regions.filter_map(|region| Some(("logRegions", region_fault(region)?))));
    let groups = settings.log_groups.iter();
    faults.extend(groups.filter_map(|group| Some(("logGroups", pattern_fault(group)?))));
    faults.extend(tags_faults(settings.tags).map(|fault| ("tags", fault)));
    let logs = settings.logs.into_iter();
    faults.extend(logs.flat_map(logs_faults));
    faults
}

/// The settings that an account may have, and `defaults` too.
#[derive(Clone, Copy)]
pub(in crate::config) struct Settings<'s> {
    pub(in crate::config) region: Option<&'s str>,
    pub(in crate::config) external_id: Option<&'s str>,
    pub(in crate::config) log_regions: &'s [String],
    pub(in crate::config) log_groups: &'s [String],
    pub(in crate::config) tags: &'s BTreeMap<String, String>,
    pub(in crate::config) logs: Option<&'s DefaultLogs>,
}

/// Adds the faults of an account that has the right types.
pub(super) fn faults(name: &str, account: &Account, faults: &mut Vec<String>) {
    if !is_account_name(name) {
        faults.push(format!(
            "`accounts.{name}`: a name has 1 to 64 letters, digits, `-`, `_` or `.`"
        ));
    }
    if RESERVED_NAMES.contains(&name) {
        faults.push(format!(
            "`accounts.{name}`: the name is a path of the API's own; give the account another"
        ));
    }
    let mut fault = |member: &str, message: String| {
        faults.push(format!("`accounts.{name}.{member}`: {message}"));
    };
    for (member, prefix, ids) in [
        ("defaultSubnets", "subnet-", &account.default_subnets),
        ("defaultSgs", "sg-", &account.default_sgs),
    ] {
        for id in ids.iter().filter(|id| !is_id(id, prefix)) {
            let message = format!("`{id}` does not look like `{prefix}0a1b2c3d`");
            fault(member, message);
        }
    }
    // Credentials of one partition are of no use in another
    // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
    let (of_role, of_region) = (account.role_arn.partition(), partition(&account.region));
    if of_role != of_region {
        let region = &account.region;
        fault(
            "region",
            format!("`{region}` is in the partition `{of_region}`, but `roleArn` in `{of_role}`"),
        );
    }
    if let Some(role) = &account.default_execution_role_arn
        && role.account_id() != account.role_arn.account_id()
    {
        let (given, own) = (role.account_id(), account.role_arn.account_id());
        fault(
            "defaultExecutionRoleArn",
            format!("is a role of account {given}, but `roleArn` is in account {own}"),
        );
    }
    for (member, message) in settings(&Settings {
        region: Some(&account.region),
        external_id: account.external_id.as_deref(),
        log_regions: &account.log_regions,
        log_groups: &account.log_groups,
        tags: &account.tags,
        logs: account.logs.as_ref(),
    }) {
        fault(member, message);
    }
}

/// Returns `true` if an id looks like one of EC2's: `subnet-0a1b2c3d`.
fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_alphanumeric))
}

fn region_fault(region: &str) -> Option<String> {
    (!is_region(region)).then(|| format!("`{region}` is not a region like `us-east-1`"))
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn external_id_fault(id: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter);
    let is_one = (2..=1224).contains(&id.len()) && id.chars().all(allowed);
    (!is_one).then(|| "has 2 to 1224 letters, digits or characters of `_+=,.@:/-`".to_owned())
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>
fn tags_faults(tags: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    let number = (tags.len() > TAGS_MAX).then(|| {
        let given = tags.len();
        format!("{given} tags; at most {TAGS_MAX} leave room for those of callers")
    });
    let each = tags.iter().filter_map(|(key, value)| tag_fault(key, value));
    number.into_iter().chain(each)
}

fn tag_fault(key: &str, value: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_alphanumeric() || " +-=._:/@".contains(letter);
    let lower = key.to_lowercase();
    if lower.starts_with("aws:") || lower.starts_with("ecs-api:") {
        Some(format!(
            "`{key}`: tags that begin with `aws:` or `ecs-api:` are given by AWS and by this API"
        ))
    } else if !(1..=128).contains(&key.chars().count())
        || value.chars().count() > 256
        || !key.chars().chain(value.chars()).all(allowed)
    {
        Some(format!(
            "`{key}`: a key has 1 to 128 and a value up to 256 letters, digits, spaces or characters of `+-=._:/@`"
        ))
    } else {
        None
    }
}

fn logs_faults(logs: &DefaultLogs) -> impl Iterator<Item = (&'static str, String)> {
    let group = LogGroupName::parse(&logs.group_of("x", "x")).err().map(|_| {
        let group = &logs.group;
        let message = format!(
            "`{group}` is not the name of a log group like `/ecs/{CLUSTER}`: up to 512 letters, digits or characters of \
             `.-_/#`, in which `{CLUSTER}` and `{SERVICE}` stand for the names of these"
        );
        ("logs.group", message)
    });
    let retention = logs
        .retention_in_days
        .filter(|days| !RETENTION_DAYS.contains(days))
        .map(|days| {
            let known = RETENTION_DAYS.map(|days| days.to_string()).join(", ");
            let message = format!("`{days}` is not one of {known}");
            ("logs.retentionInDays", message)
        });
    group.into_iter().chain(retention)
}

fn pattern_fault(pattern: &str) -> Option<String> {
    let is_one = LogGroupName::parse(&pattern.replace('*', "x")).is_ok();
    (!is_one).then(|| {
        format!("`{pattern}` is not the name of a log group, in which `*` stands for any text")
    })
}
