//! Identifiers, parsed once at the edge: what is impossible is answered before any AWS call.
//!
//! Syntax only: whether a thing exists is AWS's to say. What AWS itself has answered is not parsed again.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::text::printable;

/// Reads an identifier from a text that its parser takes.
macro_rules! deserialize {
    ($($name:ident: $parse:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::$parse(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

/// Makes an identifier of a text that its `parse` has checked.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// Makes an identifier that AWS answers, too.
macro_rules! answered_id {
    ($(#[$doc:meta])* $name:ident) => {
        id! {
            $(#[$doc])*
            $name
        }

        impl $name {
            /// Creates the identifier that AWS has answered, as it is.
            pub fn from_answer(text: impl Into<String>) -> Self {
                Self(text.into())
            }
        }
    };
}

mod cloud_map;
mod deployment;
mod ecs;
mod iam;
mod logs;

pub use cloud_map::{NamespaceId, RegistryId, RegistryName, is_registry_arn};
pub use deployment::{DeploymentName, ServiceDeploymentId, ServiceRevisionId};
pub use ecs::{ClusterName, Family, ServiceName, TaskDefinitionName, TaskId, is_ecs_name};
pub use iam::{AccountId, RoleArn, RoleName, partition};
pub use logs::LogGroupName;

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

answered_id! {
    /// The ARN of a resource, of whatever service.
    Arn
}

impl Arn {
    /// Parses an ARN: `arn:{partition}:{service}:{region}:{account}:{resource}`.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match ArnParts::parse(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(IdError::new(
                text,
                "an ARN, `arn:aws:ecs:us-east-1:111122223333:cluster/shop`",
            )),
        }
    }
}

deserialize!(Arn: parse);

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
        let arn = ArnParts::parse(text).filter(|arn| arn.service == service);
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
struct ArnParts<'t> {
    service: &'t str,
    region: &'t str,
    account_id: &'t str,
    resource: &'t str,
}

impl<'t> ArnParts<'t> {
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

#[cfg(test)]
mod tests;
