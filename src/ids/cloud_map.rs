//! Identifiers of Cloud Map: registries and the namespaces that they are in.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::{AccountRegion, ArnParts, IdError};

answered_id! {
    /// A registry: a Cloud Map service by its id; one that another account shares by its whole ARN. Cloud Map takes both.
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

    /// Returns the registry of an ARN that a service of this account and region has: its id if it is of this account and
    /// region, too, else the whole ARN.
    pub fn of(arn: &str, region: &AccountRegion) -> Self {
        Self::parse(arn, region).unwrap_or_else(|_| Self(arn.to_owned()))
    }
}

answered_id! {
    /// A namespace by its id; one that another account shares by its whole ARN. Cloud Map takes both.
    NamespaceId
}

impl NamespaceId {
    /// Parses an id like `ns-y3uaw6neshhbev3f`, or a namespace's ARN: one of this account and region becomes its id.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str, region: &AccountRegion) -> Result<Self, IdError> {
        let own = format!(
            ":servicediscovery:{}:{}:namespace/",
            region.region, region.account_id
        );
        let id = text
            .split_once(&own)
            .filter(|(before, _)| before.starts_with("arn:"))
            .map_or(text, |(_, id)| id);
        Self::spelled(id)
    }

    /// Returns `true` if `text` is an ARN or an id that Cloud Map has given, `ns-y3uaw6neshhbev3f`, and no name.
    pub fn is_given(text: &str) -> bool {
        const DIGITS_MIN: usize = 8;
        let is_digit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let digits = text.strip_prefix("ns-").unwrap_or_default();
        text.starts_with("arn:") || (digits.len() >= DIGITS_MIN && digits.chars().all(is_digit))
    }

    /// Parses an id or an ARN, and leaves it as it is spelled.
    fn spelled(text: &str) -> Result<Self, IdError> {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_:/".contains(letter);
        if (1..=255).contains(&text.len()) && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "a namespace: an id like `ns-y3uaw6neshhbev3f`, or its ARN",
            ))
        }
    }

    /// Returns `true` if both stand for one namespace, by id or by ARN.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let id = |namespace: &str| namespace.rsplit('/').next().map(str::to_owned);
        id(&self.0) == id(&other.0)
    }
}

answered_id! {
    /// The name of a registry, as its namespace knows it.
    RegistryName
}

impl RegistryName {
    /// Parses a name: 1 to 127 letters, digits, dots, underscores and hyphens
    /// (<https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html>).
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if (1..=127).contains(&text.len()) && text.chars().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "the name of a registry: 1 to 127 letters, digits, `.`, `-` and `_`",
            ))
        }
    }
}

deserialize!(NamespaceId: spelled, RegistryName: parse);

/// Returns `true` if `text` looks like the ARN of a Cloud Map service, of whatever account and region.
pub fn is_registry_arn(text: &str) -> bool {
    ArnParts::parse(text).is_some_and(|arn| {
        arn.service == "servicediscovery" && arn.resource.starts_with("service/srv-")
    })
}
