//! The members of the short form, each of the kind that is expected.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::text::printable;
use crate::wire::members::join;
use crate::wire::read::{describe, kind};
use crate::wire::validation::{Invalid, Validation};

/// A body whose members are taken out one by one.
pub(super) struct Members<'b> {
    pub body: &'b mut Map<String, Value>,
    pub validation: &'b mut Validation,
}

impl Members<'_> {
    /// Takes a text that must be there, and says what it is.
    pub fn required(&mut self, name: &str, what: &str) -> Result<String, Invalid> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None => Err(self.validation.refuse(name, format!("required: {what}"))),
        }
    }

    /// Takes a text that is not empty.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(Value::String(_)) => {
                let message = "expected string, got an empty one";
                Err(self.validation.refuse(name, message))
            }
            Some(other) => Err(self.mismatch(name, "string", &other)),
        }
    }

    /// Takes a whole number, which may be written as text, as AWS writes `cpu` and `memory`.
    pub fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Invalid> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None if *range.end() == u32::MAX => Err(self.mismatch(name, "integer", &value)),
            None => {
                let expected = format!("integer from {} to {}", range.start(), range.end());
                Err(self.mismatch(name, &expected, &value))
            }
        }
    }

    /// Takes a map of texts. A value that would get lost is refused.
    pub fn texts(&mut self, name: &str) -> Result<Vec<(String, String)>, Invalid> {
        let map = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Object(map)) => map,
            Some(other) => return Err(self.mismatch(name, "object", &other)),
        };
        let mut texts = Ok(Vec::new());
        for (key, value) in map {
            match (value, &mut texts) {
                (Value::String(text), Ok(texts)) => texts.push((key, text)),
                (Value::String(_), Err(_)) => {}
                (other, _) => {
                    let path = join(name, &printable(&key));
                    // A value may be a secret: only its kind is said.
                    let message = format!("expected string, got {}", kind(&other));
                    texts = Err(self.validation.refuse(path, message));
                }
            }
        }
        texts
    }

    /// Takes a list of texts.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, Invalid> {
        let list = match self.take(name) {
            None => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.mismatch(name, "list", &other)),
        };
        let mut texts = Ok(Vec::new());
        for (index, value) in list.into_iter().enumerate() {
            match (value, &mut texts) {
                (Value::String(text), Ok(texts)) => texts.push(text),
                (Value::String(_), Err(_)) => {}
                (other, _) => {
                    texts = Err(self.mismatch(&format!("{name}[{index}]"), "string", &other));
                }
            }
        }
        texts.map(Some)
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.validation.take(self.body, "", name)
    }

    fn mismatch(&mut self, path: &str, expected: &str, given: &Value) -> Invalid {
        let message = format!("expected {expected}, got {}", describe(given));
        self.validation.refuse(path, message)
    }
}
