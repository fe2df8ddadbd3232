//! Changes of tags: of a service, and of the revision that follows another one.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::Tag;

use super::Cause;
use super::mark::{MARK_TAG, Mark};
use super::tags::{TAGS_MAX, is_own};
use crate::ids::Arn;
use crate::wire::definition::FieldChange;
use crate::wire::tag_changes::TagChange;

/// The tag of a revision that tells who asked for it.
pub const CALLER_TAG: &str = "ecs-api:caller";
/// The longest value of a tag, in characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>).
const VALUE_MAX: usize = 256;

/// The tags of a service that are to be set and removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagUpdate {
    /// The service.
    pub arn: Arn,
    /// The tags to be set, as keys and values.
    pub set: Vec<(String, String)>,
    /// The keys of the tags to be removed.
    pub unset: Vec<String>,
}

impl TagUpdate {
    /// Returns the update that makes changes of tags that are there; `None` if there is nothing to do.
    pub(super) fn of(arn: Arn, present: &[Tag], changes: &[TagChange]) -> Option<Self> {
        let (mut set, mut unset) = (Vec::new(), Vec::new());
        for change in changes {
            match (&change.value, value_of(present, &change.key)) {
                (Some(after), before) if before != Some(after) => {
                    set.push((change.key.clone(), after.clone()));
                }
                (None, Some(_)) => unset.push(change.key.clone()),
                _ => {}
            }
        }
        let is_nothing = set.is_empty() && unset.is_empty();
        (!is_nothing).then_some(Self { arn, set, unset })
    }

    /// Returns what is set and what is removed, each alone; `None` for nothing.
    pub(super) fn halves(&self) -> (Option<Self>, Option<Self>) {
        let set = Self {
            unset: Vec::new(),
            ..self.clone()
        };
        let unset = Self {
            set: Vec::new(),
            ..self.clone()
        };
        let is_something = |half: &Self| !half.set.is_empty() || !half.unset.is_empty();
        (
            Some(set).filter(is_something),
            Some(unset).filter(is_something),
        )
    }

    /// Returns the update that takes this one back.
    pub(super) fn inverse(&self, before: &[Tag]) -> Self {
        let keys = self.set.iter().map(|(key, _)| key).chain(&self.unset);
        let (mut set, mut unset) = (Vec::new(), Vec::new());
        for key in keys {
            match value_of(before, key) {
                Some(value) => set.push((key.clone(), value.to_owned())),
                None => unset.push(key.clone()),
            }
        }
        Self {
            arn: self.arn.clone(),
            set,
            unset,
        }
    }

    /// Returns tags as the update leaves them.
    pub(super) fn applied_to(&self, mut tags: Vec<Tag>) -> Vec<Tag> {
        let is_changed = |tag: &Tag| {
            let key = tag.key().unwrap_or_default();
            self.unset.iter().any(|unset| unset == key)
                || self.set.iter().any(|(set, _)| set == key)
        };
        tags.retain(|tag| !is_changed(tag));
        tags.extend(self.tags());
        tags
    }

    /// Returns the tags to be set, as AWS takes them.
    pub(super) fn tags(&self) -> Vec<Tag> {
        let set = self.set.iter();
        set.map(|(key, value)| tag(key, value)).collect()
    }
}

/// Lists the differences that changes of tags make.
pub(super) fn tag_changes(present: &[Tag], changes: &[TagChange]) -> Vec<FieldChange> {
    let differences = changes.iter().filter_map(|change| {
        let before = value_of(present, &change.key);
        let after = change.value.as_deref();
        (before != after).then(|| FieldChange {
            path: format!("tags.{}", change.key),
            from: before.map(Into::into),
            to: after.map(Into::into),
        })
    });
    differences.collect()
}

/// Returns the tags of the revision that follows another one: that one's, with the changes, the account's where they are
/// missing, and this API's own anew. Those that AWS has put on it (`aws:…`) nobody else may set.
///
/// # Errors
/// [`Cause::NoRoomForMark`] if nothing could tell who made it: then nobody could take it back.
pub(super) fn tags_of_next_revision(
    before: &[Tag],
    changes: &[TagChange],
    account: &BTreeMap<String, String>,
    (mark, caller): (&Mark, &str),
) -> Result<Vec<Tag>, Cause> {
    let is_kept = |tag: &&Tag| {
        let key = tag.key().unwrap_or_default();
        !is_own(key) && !is_of_aws(key) && !changes.iter().any(|change| change.key == key)
    };
    let mut tags: Vec<_> = before.iter().filter(is_kept).cloned().collect();
    let set = changes.iter().filter_map(|change| {
        let value = change.value.as_deref()?;
        Some(tag(&change.key, value))
    });
    tags.extend(set);
    for (key, value) in account {
        if value_of(&tags, key).is_none() {
            tags.push(tag(key, value));
        }
    }
    if tags.len() >= TAGS_MAX {
        return Err(Cause::NoRoomForMark { tags: tags.len() });
    }
    tags.push(tag(MARK_TAG, &mark.to_string()));
    if tags.len() < TAGS_MAX {
        tags.push(tag(CALLER_TAG, &fit_for_tag(caller)));
    }
    Ok(tags)
}

fn is_of_aws(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Replaces the characters that AWS does not take in a tag
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>).
fn fit_for_tag(text: &str) -> String {
    let fit = |letter: char| {
        let is_fit = letter.is_alphanumeric() || " _.:/=+-@".contains(letter);
        if is_fit { letter } else { '_' }
    };
    text.chars().map(fit).take(VALUE_MAX).collect()
}

fn value_of<'t>(tags: &'t [Tag], key: &str) -> Option<&'t str> {
    let found = tags.iter().find(|tag| tag.key() == Some(key));
    found.map(|tag| tag.value().unwrap_or_default())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, value: Option<&str>) -> TagChange {
        TagChange {
            key: key.to_owned(),
            value: value.map(str::to_owned),
        }
    }

    fn pairs(tags: &[Tag]) -> Vec<(&str, &str)> {
        let pairs = tags.iter().map(|tag| tag.key().zip(tag.value()).unwrap());
        pairs.collect()
    }

    #[test]
    fn an_update_does_what_differs_and_its_inverse_takes_it_back() {
        let before = [tag("a", "1"), tag("b", "2"), tag("c", "3")];
        let changes = [
            change("a", Some("1")),
            change("b", Some("two")),
            change("c", None),
            change("d", Some("4")),
            change("e", None),
        ];
        let arn = Arn::from_answer("arn:aws:ecs:us-east-1:111122223333:service/shop/web");
        let update = TagUpdate::of(arn.clone(), &before, &changes).unwrap();
        let after = update.applied_to(before.to_vec());
        assert_eq!(pairs(&after), [("a", "1"), ("b", "two"), ("d", "4")]);
        let mut back = update.inverse(&before).applied_to(after);
        back.sort_by_key(|tag| tag.key.clone());
        assert_eq!(back, before);
        assert_eq!(TagUpdate::of(arn, &before, &changes[..1]), None);
    }

    #[test]
    fn the_next_revision_has_the_tags_of_the_one_before_and_ours_anew() {
        let before = [
            tag("team", "shop"),
            tag("old", "x"),
            tag(MARK_TAG, "before/1"),
            tag(CALLER_TAG, "somebody"),
            tag("AWS:cloudformation:stack-name", "x"),
        ];
        let changes = [change("old", None), change("new", Some("y"))];
        let account =
            [("team", "all"), ("cost", "1")].map(|(key, value)| (key.into(), value.into()));
        let by = (&Mark::new("id", 2), "port\u{e4}l*");
        let tags = tags_of_next_revision(&before, &changes, &account.into(), by);
        let expected = [
            ("team", "shop"),
            ("new", "y"),
            ("cost", "1"),
            (MARK_TAG, "id/2"),
            (CALLER_TAG, "port\u{e4}l_"),
        ];
        assert_eq!(pairs(&tags.unwrap()), expected);
    }

    #[test]
    fn the_mark_has_room_or_the_revision_is_not_made() {
        let own = |count: usize| -> Vec<_> {
            let keys = (0..count).map(|number| tag(&number.to_string(), "x"));
            keys.collect()
        };
        let mark = Mark::new("id", 2);
        let by = (&mark, "portal");
        let next = |count| tags_of_next_revision(&own(count), &[], &BTreeMap::new(), by);
        assert_eq!(next(48).unwrap().len(), 50);
        // Who asked for it is told where there is room.
        assert_eq!(pairs(&next(49).unwrap())[49], (MARK_TAG, "id/2"));
        assert!(matches!(next(50), Err(Cause::NoRoomForMark { tags: 50 })));
    }
}
