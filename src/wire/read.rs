//! JSON → SDK inputs, by the SDK's schemas.
//!
//! The rules of the requests: member names match without regard to case, map keys keep theirs, `null` means
//! absent, an unknown member is refused (or dropped and listed, with [`Unknown::Ignore`](super::validation::Unknown)), what AWS answers
//! but does not accept is dropped, and every finding of one body is reported together.

mod absent;
mod reader;

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer};
use serde_json::Value;

use super::members::join;
use super::validation::{FieldError, Invalid, Validation};
use crate::text::printable;
use absent::{absent_member, find_absent};
use reader::Reader;

/// The message for a member that AWS requires.
pub const ABSENT: &str = "required, but absent";

/// An SDK input that a request's JSON can be read into.
pub trait Input: Sized + SerializableStruct {
    /// The schema of the input itself.
    const SCHEMA: &'static Schema<'static>;
    /// The shape that AWS answers for the same resource: its members may come back in a request.
    const ANSWER: Option<&'static Schema<'static>>;

    /// Reads the input, as the SDK generated it.
    ///
    /// # Errors
    /// [`SerdeError`] where the source holds a value of another kind, or lacks a member that AWS requires.
    fn deserialize(source: &mut dyn ShapeDeserializer) -> Result<Self, SerdeError>;
}

/// Makes an SDK type an [`Input`]: `input!(CreateClusterInput, answered as Cluster)`.
macro_rules! input {
    ($input:ty, answered as $answer:ty) => {
        input!($input, Some(<$answer>::SCHEMA));
    };
    ($input:ty) => {
        input!($input, None);
    };
    ($input:ty, $answer:expr) => {
        impl $crate::wire::read::Input for $input {
            const SCHEMA: &'static ::aws_smithy_schema::Schema<'static> = <$input>::SCHEMA;
            const ANSWER: Option<&'static ::aws_smithy_schema::Schema<'static>> = $answer;

            fn deserialize(
                source: &mut dyn ::aws_smithy_schema::serde::ShapeDeserializer,
            ) -> Result<Self, ::aws_smithy_schema::serde::SerdeError> {
                <$input>::deserialize(source)
            }
        }
    };
}
pub(crate) use input;

/// Reads `value`, found at `path` of the body, into an SDK input.
///
/// # Errors
/// [`Invalid`] if anything is wrong with it; what it is goes to `validation`.
pub fn read<T: Input>(
    value: &Value,
    path: &str,
    validation: &mut Validation,
) -> Result<T, Invalid> {
    let before = validation.count();
    let mut reader = Reader {
        value,
        path: path.to_owned(),
        answer: T::ANSWER,
        validation,
    };
    let outcome = T::deserialize(&mut reader);
    // What the reader found itself is more precise than the error that ended the reading.
    validation.check_since(before)?;
    let input = outcome.map_err(|error| validation.add(problem(path, &error)))?;
    find_absent(&input, value, path, validation);
    validation.check_since(before)?;
    Ok(input)
}

/// Returns the problem that an error of the SDK's generated code means at `path`.
fn problem(path: &str, error: &SerdeError) -> FieldError {
    let (path, message) = match error {
        SerdeError::TypeMismatch { message, .. } => (path.to_owned(), message.clone()),
        other => match absent_member(&other.to_string()) {
            Some(name) => (join(path, &name), ABSENT.to_owned()),
            None => (path.to_owned(), other.to_string()),
        },
    };
    FieldError { path, message }
}

/// Returns the kind of a value, in JSON's words.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Returns a value's kind, and the value itself where it is short enough to recognise.
pub fn describe(value: &Value) -> String {
    const LONGEST: usize = 40;
    match value {
        Value::Bool(_) | Value::Number(_) => format!("{} {value}", kind(value)),
        Value::String(text) if text.len() <= LONGEST => {
            format!("string {}", Value::from(printable(text)))
        }
        _ => kind(value).to_owned(),
    }
}

#[cfg(test)]
mod tests;
