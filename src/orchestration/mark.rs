//! The mark of one undertaking: the value of the tag on everything that it makes, and the seed of its tokens.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_ecs::types::Tag;
use aws_sdk_servicediscovery::types::Tag as RegistryTag;

use crate::digest::short_digest;

/// The tag that tells what made a thing.
pub const MARK_TAG: &str = "ecs-api:request-id";

/// The mark that a create leaves on everything that it makes.
///
/// Two invocations of one request share it where the second one goes on with what the first one began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The digest of an `Idempotency-Key`, or the id of the request that has none.
    id: String,
    /// The milliseconds since 1970 at which it was begun: what the same key made before that is not its own.
    generation: u64,
}

impl Mark {
    /// Returns the mark of a request's id and the milliseconds since 1970 at which it was begun.
    pub fn new(id: impl Into<String>, generation: u64) -> Self {
        Self {
            id: id.into(),
            generation,
        }
    }

    /// Returns the milliseconds since 1970 at which the undertaking was begun.
    pub fn begun_at_ms(&self) -> u64 {
        self.generation
    }

    /// Returns the token by which AWS knows a repeated call of the undertaking: 32 characters, of the 36 that ECS takes
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
    pub fn token(&self) -> String {
        short_digest(&[b"token", self.to_string().as_bytes()])
    }

    /// Returns `true` if a thing of ECS with these tags was made by the undertaking.
    pub fn is_on(&self, tags: &[Tag]) -> bool {
        self.is_among(tags.iter().map(|tag| (tag.key(), tag.value())))
    }

    /// Returns `true` if a registry with these tags was made by the undertaking.
    pub fn is_on_registry(&self, tags: &[RegistryTag]) -> bool {
        self.is_among(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value()))))
    }

    /// Returns `true` if a log group with these tags was made by the undertaking.
    pub fn is_on_group(&self, tags: &HashMap<String, String>) -> bool {
        let tags = tags.iter();
        self.is_among(tags.map(|(key, value)| (Some(key.as_str()), Some(value.as_str()))))
    }

    fn is_among<'t>(
        &self,
        mut tags: impl Iterator<Item = (Option<&'t str>, Option<&'t str>)>,
    ) -> bool {
        let value = self.to_string();
        tags.any(|tag| tag == (Some(MARK_TAG), Some(value.as_str())))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.id, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag::builder().key(key).value(value).build()
    }

    #[test]
    fn a_mark_is_known_by_its_whole_value() {
        let mark = Mark::new("id", 7);
        assert!(mark.is_on(&[tag("team", "shop"), tag(MARK_TAG, "id/7")]));
        for other in [
            tag(MARK_TAG, "id/8"),
            tag(MARK_TAG, "id"),
            tag("request-id", "id/7"),
        ] {
            assert!(!mark.is_on(&[other]));
        }
        assert!(!mark.is_on(&[]));
    }

    #[test]
    fn a_token_fits_into_ecs_and_is_another_one_for_each_generation() {
        let mark = Mark::new("00000000-0000-4000-8000-000000000001", 1_795_356_486_000);
        assert_eq!(mark.token().len(), 32);
        assert_eq!(mark.token(), mark.clone().token());
        let again = Mark::new("00000000-0000-4000-8000-000000000001", 1_795_356_486_001);
        assert_ne!(mark.token(), again.token());
    }
}
