//! Changes of tags, as a body writes them: `{"team": "shop", "old": null}`, or AWS's list of keys and values.

use serde_json::{Map, Value};

use super::members::{join, key_of};
use super::read::kind;
use super::validation::Validation;
use crate::text::printable;

/// The longest key of a tag, in characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>).
const KEY_MAX: usize = 128;
/// The longest value of a tag, in characters.
const VALUE_MAX: usize = 256;

/// A change of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagChange {
    /// The key.
    pub key: String,
    /// The value; `None` removes the tag.
    pub value: Option<String>,
}

/// Takes `tags` out of a body. Anything wrong with them goes to `validation`.
pub fn take_tags(body: &mut Map<String, Value>, validation: &mut Validation) -> Vec<TagChange> {
    let tags = validation.take(body, "", "tags");
    let changes: Vec<_> = match tags {
        None => Vec::new(),
        Some(Value::Object(tags)) => read_map(tags, validation),
        Some(Value::Array(tags)) => read_list(&tags, validation),
        Some(other) => {
            let message = format!("expected an object of values by key, got {}", kind(&other));
            validation.refuse("tags", message);
            Vec::new()
        }
    };
    for change in &changes {
        check_length(change, validation);
    }
    changes
}

fn read_map(tags: Map<String, Value>, validation: &mut Validation) -> Vec<TagChange> {
    let changes = tags.into_iter().filter_map(|(key, value)| match value {
        Value::Null => Some(TagChange { key, value: None }),
        Value::String(value) => Some(TagChange {
            key,
            value: Some(value),
        }),
        other => {
            let message = format!(
                "expected string, or null to remove it, got {}",
                kind(&other)
            );
            validation.refuse(join("tags", &printable(&key)), message);
            None
        }
    });
    changes.collect()
}

/// Reads the list that AWS answers: an answer that is sent back changes nothing.
fn read_list(tags: &[Value], validation: &mut Validation) -> Vec<TagChange> {
    let member = |tag: &Value, name: &str| {
        let tag = tag.as_object()?;
        tag.get(&key_of(tag, name)?)?.as_str().map(str::to_owned)
    };
    let changes = tags.iter().enumerate().filter_map(|(index, tag)| {
        let Some((key, value)) = member(tag, "key").zip(member(tag, "value")) else {
            let message = "expected an object of `key` and `value`, both strings";
            validation.refuse(format!("tags[{index}]"), message);
            return None;
        };
        Some(TagChange {
            key,
            value: Some(value),
        })
    });
    changes.collect()
}

fn check_length(change: &TagChange, validation: &mut Validation) {
    let path = join("tags", &printable(&change.key));
    if !(1..=KEY_MAX).contains(&change.key.chars().count()) {
        validation.refuse(
            &*path,
            format!("expected a key of 1 to {KEY_MAX} characters"),
        );
    }
    let value = change.value.as_deref().unwrap_or_default();
    if value.chars().count() > VALUE_MAX {
        validation.refuse(
            path,
            format!("expected a value of at most {VALUE_MAX} characters"),
        );
    }
}
