//! Identifiers of CloudWatch Logs.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::IdError;

id! {
    /// The name of a log group.
    LogGroupName
}

impl LogGroupName {
    /// Parses a name: 1 to 512 letters, digits and characters of `.-_/#`, not beginning with `aws/`
    /// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>).
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || ".-_/#".contains(letter);
        let is_one = (1..=512).contains(&text.len()) && text.chars().all(allowed);
        if is_one && !text.starts_with("aws/") {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(
                text,
                "the name of a log group: up to 512 letters, digits or characters of `.-_/#`, and no `aws/` before them",
            ))
        }
    }
}

deserialize!(LogGroupName: parse);
