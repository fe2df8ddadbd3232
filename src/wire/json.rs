//! Bytes → [`serde_json::Value`], refusing duplicate members, with line and column for every refusal.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::text::printable;

/// A text that is not JSON, or would lose something as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not valid JSON: {message} at line {line} column {column}")]
pub struct SyntaxError {
    /// The finding, in `serde_json`'s words.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 where the line is empty.
    pub column: usize,
}

/// Parses one JSON value, and nothing after it but white space.
///
/// Unlike `serde_json::from_slice::<Value>`, an object that names one member twice is refused instead of
/// keeping the last one: nothing of a request is dropped in silence.
///
/// # Errors
/// [`SyntaxError`] for anything that is not JSON, for trailing text, and for nesting over 127 levels.
pub fn parse(text: &[u8]) -> Result<Value, SyntaxError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| syntax_error(&error))
}

fn syntax_error(error: &serde_json::Error) -> SyntaxError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = match text.strip_suffix(&place).unwrap_or(&text) {
        "recursion limit exceeded" => "nested deeper than 127 levels".to_owned(),
        message => message.to_owned(),
    };
    SyntaxError {
        message,
        line,
        column,
    }
}

/// Builds a [`Value`] as `serde_json` does, but without forgiving duplicate members.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(Strict)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                let key = printable(&key.escape_debug().to_string());
                return Err(A::Error::custom(format_args!(
                    "the member `{key}` is given twice"
                )));
            }
            let value = entries.next_value_seed(Strict)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, message: &str, line: usize, column: usize) {
        let expected = SyntaxError {
            message: message.to_owned(),
            line,
            column,
        };
        assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
    }

    #[test]
    fn a_refusal_names_line_and_column() {
        refused("", "EOF while parsing a value", 1, 0);
        refused("{\n  \"a\": 1,\n}", "trailing comma", 3, 1);
        refused("{\"a\": 1} x", "trailing characters", 1, 10);
        refused("{\"a\": tru}", "expected ident", 1, 10);
        refused("service=webapp", "expected value", 1, 1);
    }

    #[test]
    fn a_member_given_twice_is_refused_and_not_overwritten() {
        refused(
            "{\"a\": {\"b\": 1, \"b\": 2}}",
            "the member `b` is given twice",
            1,
            18,
        );
    }

    #[test]
    fn nesting_has_a_limit_and_no_stack_overflow() {
        let deep = "[".repeat(100_000);
        refused(&deep, "nested deeper than 127 levels", 1, 128);
    }

    #[test]
    fn every_kind_of_value_is_kept() {
        let text = r#"{"b":[true,null,-1,18446744073709551615,1.5,"é\u0000"],"a":{}}"#;
        assert_eq!(
            parse(text.as_bytes()).unwrap().to_string(),
            r#"{"b":[true,null,-1,18446744073709551615,1.5,"é\u0000"],"a":{}}"#
        );
    }
}
