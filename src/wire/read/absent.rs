//! The members that AWS requires and a caller left out.

use serde_json::{Map, Value};

use super::{ABSENT, Input};
use crate::wire::members::{self, join};
use crate::wire::validation::Validation;
use crate::wire::write::write_with_aws_names;

/// Reports what AWS requires and the caller left out.
///
/// The SDK fills a required text or list that is absent with an empty one, and AWS would refuse it in words
/// of its own, one at a time: what is empty in the input but was not given is what is missing. (A required
/// number becomes 0, which can't be told from a default of AWS; AWS decides about those.)
pub(super) fn find_absent<T: Input>(
    input: &T,
    given: &Value,
    path: &str,
    validation: &mut Validation,
) {
    if let Ok(read) = write_with_aws_names(input) {
        compare(&read, given, path, validation);
    }
}

fn compare(read: &Value, given: &Value, path: &str, validation: &mut Validation) {
    match (read, given) {
        (Value::Object(read), Value::Object(given)) => {
            for (name, value) in read {
                let path = join(path, name);
                match given_member(given, name) {
                    Some(given) => compare(value, given, &path, validation),
                    None if is_empty(value) => {
                        validation.refuse(path, ABSENT);
                    }
                    None => {}
                }
            }
        }
        (Value::Array(read), Value::Array(given)) => {
            for (index, (read, given)) in read.iter().zip(given).enumerate() {
                compare(read, given, &format!("{path}[{index}]"), validation);
            }
        }
        _ => {}
    }
}

/// Finds the member that the caller meant. Map keys are found at once; members may be spelt in another case.
pub(super) fn given_member<'v>(given: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let value = given
        .get(name)
        .or_else(|| members::key_of(given, name).and_then(|key| given.get(&key)));
    value.filter(|value| !value.is_null())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Takes the member's name, `logDriver`, out of a builder's "`log_driver` was missing: …".
pub(super) fn absent_member(message: &str) -> Option<String> {
    let (field, _) = message.split_once(" was missing")?;
    let field = field.strip_prefix("r#").unwrap_or(field); // `type` is a word of Rust's own
    let mut words = field.split('_');
    let first = words.next().filter(|_| {
        field
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_')
    })?;
    Some(words.fold(first.to_owned(), |name, word| {
        name + &members::answer_name(word)
    }))
}
