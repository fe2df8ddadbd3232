//! Tags in bodies: a map where AWS has a list, and those of the account beside the caller's.

use serde_json::{Map, Value, json};

use super::schema::{Addition, Member, Schema};
use super::{Request, answers};
use crate::error::Error;
use crate::orchestration::tags::{KeyValue, SharedTags};
use crate::text::printable;
use crate::wire::inputs::{CreateClusterInput, Tag};
use crate::wire::members::{join, key_of};
use crate::wire::read::{describe, read};
use crate::wire::validation::Validation;

/// Tags of ECS, as bodies may write them.
pub(super) const TAGS: Schema = Schema::Json(
    r##"{"anyOf": [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"$ref": "#/components/schemas/TagInput"}}
    ]}"##,
);
/// Tags of Cloud Map, as bodies may write them.
const REGISTRY_TAGS: Schema = Schema::Json(
    r##"{"anyOf": [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"$ref": "#/components/schemas/ServiceDiscoveryTagInput"}}
    ]}"##,
);
/// The description of an input's tags.
const BESIDE_THE_ACCOUNTS: &str =
    "As a map or as AWS's list. The account's own tags are put beside them.";

/// The tags of an input of ECS.
pub(super) const TAGS_OF_ECS: Addition = Addition {
    to: "",
    member: Member::optional("tags", TAGS).described(BESIDE_THE_ACCOUNTS),
};
/// The tags of an input of Cloud Map.
pub(super) const TAGS_OF_CLOUD_MAP: Addition = Addition {
    to: "",
    member: Member::optional("Tags", REGISTRY_TAGS).described(BESIDE_THE_ACCOUNTS),
};

/// Takes a map of tags, `{"team": "shop"}`, for AWS's list, `[{"key": "team", "value": "shop"}]`.
pub(super) fn as_list(object: &mut Map<String, Value>, path: &str, validation: &mut Validation) {
    let tags = key_of(object, "tags").and_then(|key| object.get_mut(&key));
    if let Some(tags) = tags
        && let Value::Object(map) = tags
    {
        *tags = list_of(std::mem::take(map), &join(path, "tags"), validation);
    }
}

fn list_of(map: Map<String, Value>, path: &str, validation: &mut Validation) -> Value {
    let mut list = Vec::new();
    for (key, value) in map {
        if value.is_string() {
            list.push(json!({"key": key, "value": value}));
        } else {
            let message = format!("expected string, got {}", describe(&value));
            validation.refuse(join(path, &printable(&key)), message);
        }
    }
    Value::Array(list)
}

/// Puts the account's tags beside the ones of an input, whose member has this name.
///
/// # Errors
/// [`Error::Input`] if one of them has another value.
pub(super) fn put_account<T: KeyValue>(
    request: &Request<'_>,
    own: &mut Option<Vec<T>>,
    name: &str,
) -> Result<(), Error> {
    let mut validation = request.validation();
    let shared = SharedTags::of_account(&request.settings().tags);
    put(&shared, own, name, &mut validation);
    validation.finish().map(drop).map_err(Error::Input)
}

/// Takes the tags of everything that a request makes out of its body, and adds them to the account's.
pub(super) fn take_shared(
    request: &Request<'_>,
    body: &mut Map<String, Value>,
    name: &str,
    validation: &mut Validation,
) -> SharedTags {
    let mut shared = SharedTags::of_account(&request.settings().tags);
    as_list(body, "", validation);
    let Some(list) = validation.take(body, "", name) else {
        return shared;
    };
    for tag in read_tags(&list, name, validation) {
        let (key, value) = (tag.key().unwrap_or_default(), tag.value());
        let Some(value) = value else {
            let message = format!("the tag `{}` has no value; it may be empty", printable(key));
            validation.refuse(name, message);
            continue;
        };
        if let Err(conflict) = shared.add(key.to_owned(), value.to_owned()) {
            validation.refuse(name, conflict.to_string());
        }
    }
    shared
}

/// Reads AWS's list of tags. Every input of ECS has one of the same shape.
fn read_tags(list: &Value, name: &str, validation: &mut Validation) -> Vec<Tag> {
    let mut holder = json!({name: list});
    answers::drop_reserved_tags(&mut holder);
    let holder = read::<CreateClusterInput>(&holder, "", validation);
    holder
        .ok()
        .and_then(|holder| holder.tags)
        .unwrap_or_default()
}

/// Puts the account's tags, and those of the whole request, beside the ones of an input, whose member is at
/// `path`.
pub(super) fn put<T: KeyValue>(
    shared: &SharedTags,
    own: &mut Option<Vec<T>>,
    path: &str,
    validation: &mut Validation,
) {
    for conflict in shared.put(own).err().into_iter().flatten() {
        validation.refuse(path, conflict.to_string());
    }
}
