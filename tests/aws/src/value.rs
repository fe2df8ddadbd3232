//! Reading and building of JSON, as AWS's protocols have it.

use serde_json::{Map, Value};

/// Returns a member that is a text; else an empty one.
pub(crate) fn text<'v>(thing: &'v Value, member: &str) -> &'v str {
    thing[member].as_str().unwrap_or_default()
}

/// Returns the entries of a member that is a list; else none.
pub(crate) fn list<'v>(thing: &'v Value, member: &str) -> &'v [Value] {
    thing[member].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the texts in a member that is a list.
pub(crate) fn texts<'v>(thing: &'v Value, member: &str) -> impl Iterator<Item = &'v str> {
    list(thing, member).iter().filter_map(Value::as_str)
}

/// Returns what follows the last slash of an ARN; the whole of a name.
pub(crate) fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// Adds members, in place of those of the same name.
pub(crate) fn extend(thing: &mut Value, members: Value) {
    let Value::Object(members) = members else {
        return;
    };
    match thing {
        Value::Object(object) => object.extend(members),
        other => *other = members.into(),
    }
}

/// Adds the members that are not there yet, or are `null`.
pub(crate) fn default(thing: &mut Value, members: Value) {
    let (Value::Object(object), Value::Object(members)) = (thing, members) else {
        return;
    };
    for (name, value) in members {
        let place = object.entry(name).or_insert(Value::Null);
        if place.is_null() {
            *place = value;
        }
    }
}

/// Removes a member.
pub(crate) fn remove(thing: &mut Value, member: &str) {
    if let Some(object) = thing.as_object_mut() {
        object.shift_remove(member);
    }
}

/// Returns the members of these names that are there.
pub(crate) fn pick(thing: &Value, members: &[&str]) -> Value {
    let picked = members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), thing.get(*name)?.clone())));
    picked.collect::<Map<_, _>>().into()
}

/// Returns the members of other names.
pub(crate) fn without(thing: &Value, members: &[&str]) -> Value {
    let mut rest = thing.clone();
    for member in members {
        remove(&mut rest, member);
    }
    rest
}

/// Returns `true` if a list of texts has this one.
pub(crate) fn has(thing: &Value, member: &str, wanted: &str) -> bool {
    texts(thing, member).any(|text| text == wanted)
}
