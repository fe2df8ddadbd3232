//! Identifiers, parsed once at the edge: what is impossible is answered before any AWS call.
//!
//! Syntax only: whether a thing exists is AWS's to say.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The ARN of an IAM role.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleArn {
    arn: String,
    account_id: String,
}

impl RoleArn {
    /// Parses `arn:{partition}:iam::{12 digits}:role/{path and name}`.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let arn = Arn::parse(text).filter(|arn| {
            let name = arn.resource.strip_prefix("role/").unwrap_or_default();
            arn.service == "iam" && arn.region.is_empty() && is_account_id(arn.account_id) && is_role_name(name)
        });
        let arn = arn.ok_or_else(|| IdError::new(text, "the ARN of a role, `arn:aws:iam::111122223333:role/name`"))?;
        Ok(Self { arn: text.to_owned(), account_id: arn.account_id.to_owned() })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// The twelve digits of the account that owns the role.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }
}

impl fmt::Debug for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl<'de> Deserialize<'de> for RoleArn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// An identifier that can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct IdError {
    given: String,
    expected: &'static str,
}

impl IdError {
    fn new(given: &str, expected: &'static str) -> Self {
        let given = given.chars().take(200).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
        Self { given: given.collect(), expected }
    }
}

/// A cluster by name. A full ARN is accepted where it is of the account and region that the path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(String);

impl ClusterName {
    /// Parses a cluster's name or ARN.
    ///
    /// A name has up to 255 letters, digits, underscores and hyphens
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>).
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account or region than `home`.
    pub fn parse(text: &str, home: &Home) -> Result<Self, IdError> {
        let name = if text.starts_with("arn:") {
            home.resource(text, "ecs")?.strip_prefix("cluster/").unwrap_or_default()
        } else {
            text
        };
        if is_ecs_name(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(IdError::new(text, "a cluster: 1 to 255 letters, digits, `-` and `_`, or a cluster's ARN"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The account and region that a path's account name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Twelve digits.
    pub account_id: String,
    /// Like `us-east-1`.
    pub region: String,
}

impl Home {
    /// The resource part of an ARN of `service` in this account and region.
    ///
    /// # Errors
    /// [`IdError`] if it is no ARN of that service, or one of another account or region.
    pub fn resource<'t>(&self, text: &'t str, service: &str) -> Result<&'t str, IdError> {
        let arn = Arn::parse(text).filter(|arn| arn.service == service);
        let arn = arn.ok_or_else(|| IdError::new(text, "an ARN of the service that the path asks for"))?;
        if arn.account_id == self.account_id && arn.region == self.region {
            Ok(arn.resource)
        } else {
            Err(IdError::new(text, "an ARN of the account and region that the path's account stands for"))
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
        let arn =
            Self { service: parts.next()?, region: parts.next()?, account_id: parts.next()?, resource: parts.next()? };
        (scheme == "arn" && partition.starts_with("aws") && !arn.resource.is_empty()).then_some(arn)
    }
}

/// Whether `name` may name an account in the configuration and in paths.
pub fn is_account_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

/// Whether `text` looks like a region: `us-east-1`, `us-gov-west-1`, `ap-southeast-7`.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts.next().is_some_and(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    let words = parts.clone().count() >= 2;
    number && words && parts.all(|part| part.len() >= 2 && part.chars().all(|c| c.is_ascii_lowercase()))
}

/// Whether `name` can be the name of a cluster, a service or a task definition's family.
pub fn is_ecs_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|letter| letter.is_ascii_digit())
}

fn is_role_name(text: &str) -> bool {
    !text.is_empty()
        && !text.ends_with('/')
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@/-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_knows_its_account_and_anything_else_is_refused() {
        assert_eq!(RoleArn::parse("arn:aws:iam::111122223333:role/a/b").unwrap().account_id(), "111122223333");
        for wrong in [
            "",
            "ecs-api",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::1111:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam:us-east-1:111122223333:role/x",
            "arn:aws:sts::111122223333:role/x",
        ] {
            let error = RoleArn::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}` is not the ARN of a role")), "{error}");
        }
    }

    #[test]
    fn a_cluster_is_a_name_or_an_arn_of_home() {
        let home = Home { account_id: "111122223333".to_owned(), region: "us-east-1".to_owned() };
        let long = "x".repeat(256);
        for (text, name) in [
            ("myclu", Some("myclu")),
            ("a-b_C1", Some("a-b_C1")),
            ("arn:aws:ecs:us-east-1:111122223333:cluster/myclu", Some("myclu")),
            ("arn:aws:ecs:us-east-1:444455556666:cluster/myclu", None),
            ("arn:aws:ecs:eu-west-1:111122223333:cluster/myclu", None),
            ("arn:aws:ecs:us-east-1:111122223333:service/myclu", None),
            ("arn:aws:iam:us-east-1:111122223333:cluster/myclu", None),
            ("", None),
            ("a/b", None),
            ("a b", None),
            ("é", None),
            (long.as_str(), None),
        ] {
            assert_eq!(ClusterName::parse(text, &home).ok().as_ref().map(ClusterName::as_str), name, "{text}");
        }
    }

    #[test]
    fn a_region_is_recognised_by_its_shape() {
        for right in ["us-east-1", "us-gov-west-1", "ap-southeast-7", "cn-north-1"] {
            assert!(is_region(right), "{right}");
        }
        for wrong in ["", "us", "us-east", "us-east-", "US-EAST-1", "us-east-1a", "east-1", "us--1"] {
            assert!(!is_region(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_impossible_id_is_repeated_without_its_control_characters() {
        let home = Home { account_id: "111122223333".to_owned(), region: "us-east-1".to_owned() };
        let error = ClusterName::parse("a\nlevel=error", &home).unwrap_err().to_string();
        assert!(error.starts_with("`a\u{fffd}level=error` is not a cluster"), "{error}");
    }
}
