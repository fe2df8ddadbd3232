//! Tags: this API's own, which tell who made what, and those that one request puts on everything that it makes.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::Tag;
use aws_sdk_servicediscovery::types::Tag as RegistryTag;

use super::mark::{MARK_TAG, Mark};

/// The tags whose keys begin so are this API's own.
const OWN_PREFIX: &str = "ecs-api:";

/// The most tags of a resource
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>).
pub const TAGS_MAX: usize = 50;

/// A tag of one of the SDKs.
pub trait KeyValue: Sized {
    /// The tag of a key and a value; `None` if the SDK does not take them.
    fn of(key: &str, value: &str) -> Option<Self>;

    /// Returns the key; AWS demands one.
    fn key(&self) -> &str;

    /// Returns the value; AWS demands one, which may be empty.
    fn value(&self) -> &str;
}

impl KeyValue for Tag {
    fn of(key: &str, value: &str) -> Option<Self> {
        Some(Self::builder().key(key).value(value).build())
    }

    fn key(&self) -> &str {
        self.key().unwrap_or_default()
    }

    fn value(&self) -> &str {
        self.value().unwrap_or_default()
    }
}

impl KeyValue for RegistryTag {
    fn of(key: &str, value: &str) -> Option<Self> {
        Self::builder().key(key).value(value).build().ok()
    }

    fn key(&self) -> &str {
        self.key()
    }

    fn value(&self) -> &str {
        self.value()
    }
}

/// Returns `true` if a tag of this key is one of this API's own.
pub fn is_own(key: &str) -> bool {
    key.starts_with(OWN_PREFIX)
}

/// The tags of everything that one request makes: the account's, and those that the caller gave for all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedTags(BTreeMap<String, String>);

/// A tag that is given twice, with two values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the tag `{key}` has the value `{shared}` on everything that is made here; leave it out, or give the same"
)]
pub struct TagConflict {
    /// The tag's key.
    pub key: String,
    /// The value that everything has.
    pub shared: String,
}

impl SharedTags {
    /// Returns the tags that an account gives.
    pub fn of_account(tags: &BTreeMap<String, String>) -> Self {
        Self(tags.clone())
    }

    /// Returns the tags.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// Adds a caller's tag.
    ///
    /// # Errors
    /// [`TagConflict`] if the account gives it another value.
    pub fn add(&mut self, key: String, value: String) -> Result<(), TagConflict> {
        self.check(&key, &value)?;
        self.0.insert(key, value);
        Ok(())
    }

    /// Puts these tags beside the ones that one thing has of its own. A tag that both have stays as it is.
    ///
    /// # Errors
    /// Every [`TagConflict`], where a tag of its own has another value.
    pub fn put<T: KeyValue>(&self, own: &mut Option<Vec<T>>) -> Result<(), Vec<TagConflict>> {
        let given = own.as_deref().unwrap_or_default();
        let conflicts: Vec<_> = given
            .iter()
            .filter_map(|tag| self.check(tag.key(), tag.value()).err())
            .collect();
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        let is_given = |key: &str| given.iter().any(|tag| tag.key() == key);
        let missing = self.0.iter().filter(|(key, _)| !is_given(key));
        let missing: Vec<_> = missing
            .filter_map(|(key, value)| T::of(key, value))
            .collect();
        if !missing.is_empty() {
            own.get_or_insert_default().extend(missing);
        }
        Ok(())
    }

    /// Checks that these tags say nothing else of a key.
    fn check(&self, key: &str, value: &str) -> Result<(), TagConflict> {
        match self.0.get(key) {
            Some(shared) if shared != value => Err(TagConflict {
                key: key.to_owned(),
                shared: shared.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Puts the mark of an undertaking beside a caller's tags.
pub(super) fn put_mark<T: KeyValue>(tags: &mut Option<Vec<T>>, mark: &Mark) {
    tags.get_or_insert_default()
        .extend(T::of(MARK_TAG, &mark.to_string()));
}
