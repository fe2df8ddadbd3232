//! Identifiers of ECS.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::{AccountRegion, Arn, IdError};

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
        Self::bare(name).map_err(|_| {
            IdError::new(
                text,
                "a cluster: 1 to 255 letters, digits, `-` and `_`, or a cluster's ARN",
            )
        })
    }

    /// Parses a bare name.
    ///
    /// # Errors
    /// [`IdError`] for any other text, an ARN included.
    pub fn bare(text: &str) -> Result<Self, IdError> {
        ecs_name(text, "the name of a cluster").map(Self)
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

    /// Parses a bare name.
    ///
    /// # Errors
    /// [`IdError`] for any other text, an ARN included.
    pub fn bare(text: &str) -> Result<Self, IdError> {
        ecs_name(text, "the name of a service").map(Self)
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

    /// Returns the revision that AWS has answered by its ARN.
    pub fn from_answer(arn: impl Into<String>) -> Self {
        Self(arn.into())
    }

    /// Returns `true` if it names one revision.
    pub fn has_revision(&self) -> bool {
        self.0.contains(':')
    }
}

impl From<Arn> for TaskDefinitionName {
    fn from(arn: Arn) -> Self {
        Self::from_answer(arn.as_str())
    }
}

answered_id! {
    /// A family of task definitions.
    Family
}

impl Family {
    /// Parses a family's name, without a revision.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        ecs_name(text, "the name of a family of task definitions").map(Self)
    }

    /// Returns the family of a revision that AWS has answered by its ARN.
    pub fn of_revision(arn: &str) -> Option<Self> {
        let (_, name) = arn.rsplit_once('/')?;
        let (family, _) = name.rsplit_once(':')?;
        Some(Self(family.to_owned()))
    }

    /// Returns the latest ACTIVE revision of the family.
    pub fn latest(&self) -> TaskDefinitionName {
        TaskDefinitionName(self.0.clone())
    }

    /// Returns one revision of the family.
    pub fn revision(&self, number: i32) -> TaskDefinitionName {
        TaskDefinitionName(format!("{}:{number}", self.0))
    }
}

deserialize!(ClusterName: bare, ServiceName: bare, Family: parse);

/// Takes what [`is_ecs_name`] takes.
fn ecs_name(text: &str, expected: &'static str) -> Result<String, IdError> {
    if is_ecs_name(text) {
        Ok(text.to_owned())
    } else {
        Err(IdError::new(text, expected))
    }
}

/// Returns `true` if `name` can be the name of a cluster, a service or a task definition's family.
pub fn is_ecs_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}
