//! This API's own tags, which tell who made what.

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
}

impl KeyValue for Tag {
    fn of(key: &str, value: &str) -> Option<Self> {
        Some(Self::builder().key(key).value(value).build())
    }
}

impl KeyValue for RegistryTag {
    fn of(key: &str, value: &str) -> Option<Self> {
        Self::builder().key(key).value(value).build().ok()
    }
}

/// Returns `true` if a tag of this key is one of this API's own.
pub fn is_own(key: &str) -> bool {
    key.starts_with(OWN_PREFIX)
}

/// Puts the mark of an undertaking beside a caller's tags.
pub(super) fn put_mark<T: KeyValue>(tags: &mut Option<Vec<T>>, mark: &Mark) {
    tags.get_or_insert_default()
        .extend(T::of(MARK_TAG, &mark.to_string()));
}
