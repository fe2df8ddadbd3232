//! Identifiers, parsed once at the edge: what is impossible is answered before any AWS call.
//!
//! Syntax only: whether a thing exists is AWS's to say.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::text::printable;

/// The ARN of an IAM role.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleArn {
    arn: String,
    account_id: AccountId,
}

impl RoleArn {
    /// Parses `arn:{partition}:iam::{12 digits}:role/{path and name}`.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let arn = Arn::parse(text).filter(|arn| {
            let name = arn.resource.strip_prefix("role/").unwrap_or_default();
            arn.service == "iam"
                && arn.region.is_empty()
                && is_account_id(arn.account_id)
                && is_role_name(name)
        });
        let arn = arn.ok_or_else(|| {
            IdError::new(
                text,
                "the ARN of a role, `arn:aws:iam::111122223333:role/name`",
            )
        })?;
        Ok(Self {
            arn: text.to_owned(),
            account_id: AccountId(arn.account_id.to_owned()),
        })
    }

    /// Creates the ARN of the role of that name in an account that is worked on in a region.
    pub fn of(account_id: &AccountId, region: &str, name: &str) -> Self {
        let arn = format!("arn:{}:iam::{account_id}:role/{name}", partition(region));
        Self {
            arn,
            account_id: account_id.clone(),
        }
    }

    /// Returns the whole ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// Returns the role of that name in the same account.
    #[must_use]
    pub fn beside(&self, name: &RoleName) -> Self {
        let account = self
            .arn
            .split_once(":role/")
            .map_or_else(String::new, |(account, _)| account.to_owned());
        Self {
            arn: format!("{account}:role/{name}"),
            account_id: self.account_id.clone(),
        }
    }

    /// Returns the partition that the role is in.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or_default()
    }

    /// Returns the twelve digits of the account that owns the role.
    pub fn account_id(&self) -> &str {
        self.account_id.as_str()
    }
}

/// The partitions beside `aws`, each by how its regions begin. The SDK has the same table, but does not show it
/// (<https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>).
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// Returns the partition that a region is in.
pub fn partition(region: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

impl fmt::Debug for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

/// Reads an identifier of the configuration from a text that its `parse` takes.
macro_rules! deserialize {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

deserialize!(RoleArn, RoleName, AccountId);

/// An identifier that can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct IdError {
    given: String,
    expected: &'static str,
}

impl IdError {
    fn new(given: &str, expected: &'static str) -> Self {
        Self {
            given: printable(given),
            expected,
        }
    }
}

/// Makes an identifier of a text that its `parse` has checked.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Returns the identifier as AWS takes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// An AWS account.
    AccountId
}

impl AccountId {
    /// Parses twelve digits.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let expected = "the id of an account, twelve digits like `111122223333`";
        if is_account_id(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(text, expected))
        }
    }
}

id! {
    /// The name of an IAM role, with its path if it has one, as it ends an ARN: `ecs-api` or `tools/ecs-api`.
    RoleName
}

impl RoleName {
    /// Parses a role's name.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let expected =
            "the name of a role: letters, digits and `_+=,.@-`, after its path if it has one";
        if is_role_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(text, expected))
        }
    }
}

id! {
    /// A cluster by name. A full ARN is accepted where it is of the account and region that the path names.
    ClusterName
}

impl ClusterName {
    /// Parses a cluster's name or ARN.
    ///
    /// A name has up to 255 letters, digits, underscores and hyphens
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>).
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account or region than `region`.
    pub fn parse(text: &str, region: &AccountRegion) -> Result<Self, IdError> {
        let name = if text.starts_with("arn:") {
            region
                .resource(text, "ecs")?
                .strip_prefix("cluster/")
                .unwrap_or_default()
        } else {
            text
        };
        if is_ecs_name(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "a cluster: 1 to 255 letters, digits, `-` and `_`, or a cluster's ARN",
            ))
        }
    }
}

id! {
    /// A service by name. A full ARN is accepted where it is of the account, region and cluster that the path names.
    ServiceName
}

impl ServiceName {
    /// Parses a service's name or ARN: `service/{cluster}/{name}`, or the older `service/{name}`.
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account, region or cluster.
    pub fn parse(
        text: &str,
        region: &AccountRegion,
        cluster: &ClusterName,
    ) -> Result<Self, IdError> {
        match name_in_cluster(text, "service/", region, cluster)? {
            Some(name) if is_ecs_name(name) => Ok(Self(name.to_owned())),
            _ => Err(IdError::new(
                text,
                "a service: 1 to 255 letters, digits, `-` and `_`, or the ARN of one in this cluster",
            )),
        }
    }
}

id! {
    /// A task by its bare id. `{cluster}/{id}` and a full ARN are accepted where they are of the account, region and
    /// cluster that the path names.
    TaskId
}

impl TaskId {
    /// Parses a task's id, `{cluster}/{id}` or ARN: `task/{cluster}/{id}`, or the older `task/{id}`.
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account, region or cluster.
    pub fn parse(
        text: &str,
        region: &AccountRegion,
        cluster: &ClusterName,
    ) -> Result<Self, IdError> {
        match name_in_cluster(text, "task/", region, cluster)? {
            Some(id) if is_ecs_name(id) => Ok(Self(id.to_owned())),
            _ => Err(IdError::new(
                text,
                "a task of this cluster: its id, `cluster/id`, or its ARN",
            )),
        }
    }
}

/// Takes `{name}` of `{name}`, `{cluster}/{name}`, or an ARN of `{kind}{name}` or `{kind}{cluster}/{name}`, if it is of
/// this cluster.
fn name_in_cluster<'t>(
    text: &'t str,
    kind: &str,
    region: &AccountRegion,
    cluster: &ClusterName,
) -> Result<Option<&'t str>, IdError> {
    let path = if text.starts_with("arn:") {
        region.resource(text, "ecs")?.strip_prefix(kind)
    } else {
        Some(text)
    };
    Ok(path.and_then(|path| match path.split_once('/') {
        Some((of, name)) => (of == cluster.as_str()).then_some(name),
        None => Some(path),
    }))
}

id! {
    /// A task definition: a family's latest ACTIVE revision, or one revision.
    TaskDefinitionName
}

impl TaskDefinitionName {
    /// Parses `family`, `family:revision` or a task definition's ARN.
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account or region than `region`.
    pub fn parse(text: &str, region: &AccountRegion) -> Result<Self, IdError> {
        let name = if text.starts_with("arn:") {
            region
                .resource(text, "ecs")?
                .strip_prefix("task-definition/")
                .unwrap_or_default()
        } else {
            text
        };
        let (family, revision) = name.split_once(':').unwrap_or((name, "1"));
        // AWS writes revisions without a sign and without leading zeros.
        let is_written_so = revision.starts_with(|digit: char| ('1'..='9').contains(&digit));
        if is_ecs_name(family)
            && is_written_so
            && revision.parse::<u32>().is_ok_and(|revision| revision > 0)
        {
            Ok(Self(name.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "a task definition: `family`, `family:revision`, or its ARN",
            ))
        }
    }

    /// Returns `true` if it names one revision.
    pub fn has_revision(&self) -> bool {
        self.0.contains(':')
    }
}

id! {
    /// A registry: a Cloud Map service by its id.
    RegistryId
}

impl RegistryId {
    /// Parses an id like `srv-tvtbgvkkxtts3qlf`, or the ARN of a Cloud Map service.
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account or region than `region`.
    pub fn parse(text: &str, region: &AccountRegion) -> Result<Self, IdError> {
        let id = if text.starts_with("arn:") {
            region
                .resource(text, "servicediscovery")?
                .strip_prefix("service/")
                .unwrap_or_default()
        } else {
            text
        };
        let is_id = id.strip_prefix("srv-").is_some_and(|rest| {
            (1..=60).contains(&rest.len())
                && rest
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        });
        if is_id {
            Ok(Self(id.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "a Cloud Map service: an id like `srv-tvtbgvkkxtts3qlf`, or its ARN",
            ))
        }
    }
}

/// The account and region that a path's account name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRegion {
    /// Twelve digits.
    pub account_id: String,
    /// Like `us-east-1`.
    pub region: String,
}

impl AccountRegion {
    /// Returns the resource part of an ARN of `service` in this account and region.
    ///
    /// # Errors
    /// [`IdError`] if it is no ARN of that service, or one of another account or region.
    pub fn resource<'t>(&self, text: &'t str, service: &str) -> Result<&'t str, IdError> {
        let arn = Arn::parse(text).filter(|arn| arn.service == service);
        let arn =
            arn.ok_or_else(|| IdError::new(text, "an ARN of the service that the path asks for"))?;
        if arn.account_id == self.account_id && arn.region == self.region {
            Ok(arn.resource)
        } else {
            Err(IdError::new(
                text,
                "an ARN of the account and region that the path's account stands for",
            ))
        }
    }
}

/// The parts of an ARN that the API looks at.
struct Arn<'t> {
    service: &'t str,
    region: &'t str,
    account_id: &'t str,
    resource: &'t str,
}

impl<'t> Arn<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (scheme, partition) = (parts.next()?, parts.next()?);
        let arn = Self {
            service: parts.next()?,
            region: parts.next()?,
            account_id: parts.next()?,
            resource: parts.next()?,
        };
        (scheme == "arn" && partition.starts_with("aws") && !arn.resource.is_empty()).then_some(arn)
    }
}

/// Returns `true` if `name` may name an account in the configuration and in paths.
pub fn is_account_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

/// Returns `true` if `text` looks like a region: `us-east-1`, `us-gov-west-1`, `ap-southeast-7`.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts
        .next()
        .is_some_and(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    let words = parts.clone().count() >= 2;
    number
        && words
        && parts.all(|part| part.len() >= 2 && part.chars().all(|c| c.is_ascii_lowercase()))
}

/// Returns `true` if `name` can be the name of a cluster, a service or a task definition's family.
pub fn is_ecs_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

/// Returns `true` if `text` can be the id of a Cloud Map namespace, or its ARN.
pub fn is_namespace_id(text: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_:/".contains(letter);
    (1..=255).contains(&text.len()) && text.chars().all(is_allowed)
}

/// Returns a namespace's id, where it is given as the ARN of one of this account and region; any other text as it is.
pub fn namespace_id<'t>(text: &'t str, region: &AccountRegion) -> &'t str {
    let own = format!(
        ":servicediscovery:{}:{}:namespace/",
        region.region, region.account_id
    );
    text.split_once(&own)
        .filter(|(before, _)| before.starts_with("arn:"))
        .map_or(text, |(_, id)| id)
}

/// Returns `true` if `text` can be the name of a Cloud Map service
/// (<https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html>).
pub fn is_registry_name(text: &str) -> bool {
    (1..=127).contains(&text.len())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

/// Returns `true` if `text` looks like the ARN of a Cloud Map service, of whatever account and region.
pub fn is_registry_arn(text: &str) -> bool {
    Arn::parse(text).is_some_and(|arn| {
        arn.service == "servicediscovery" && arn.resource.starts_with("service/srv-")
    })
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|letter| letter.is_ascii_digit())
}

fn is_role_name(text: &str) -> bool {
    !text.is_empty()
        && !text.ends_with('/')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@/-".contains(letter))
}

#[cfg(test)]
mod tests;
