//! Identifiers of IAM: accounts and roles.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::{ArnParts, IdError};

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
        let arn = ArnParts::parse(text).filter(|arn| {
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

deserialize!(RoleArn: parse, RoleName: parse, AccountId: parse);

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
