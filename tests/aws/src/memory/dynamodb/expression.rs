//! The common parts of conditions and updates: words, names and values.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Item;
use crate::answer::Refusal;

/// Words that may not stand for an attribute unless as a `#name`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html>).
const RESERVED: &str = include_str!("reserved_words.txt");

/// Returns DynamoDB's refusal of what it can't read.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    let mut refusal = Refusal::of("ValidationException", message.into());
    refusal.source =
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html".into();
    refusal
}

/// The names and values that an input's expressions may use. All that are given must be used.
#[derive(Debug)]
pub(super) struct Names<'i> {
    attributes: Option<&'i Map<String, Value>>,
    values: Option<&'i Map<String, Value>>,
    used: BTreeSet<String>,
}

impl<'i> Names<'i> {
    pub(super) fn of(input: &'i Value) -> Self {
        Self {
            attributes: input["ExpressionAttributeNames"].as_object(),
            values: input["ExpressionAttributeValues"].as_object(),
            used: BTreeSet::new(),
        }
    }

    /// Returns the value of `:value`.
    pub(super) fn value(&mut self, word: &str) -> Result<Value, Refusal> {
        self.used.insert(word.to_owned());
        let value = self.values.and_then(|values| values.get(word));
        let value = value.cloned().map(|mut value| {
            normalize(&mut value);
            value
        });
        value.ok_or_else(|| {
            invalid(format!(
                "An expression attribute value used in expression is not defined; attribute value: {word}"
            ))
        })
    }

    /// Returns the attributes along a path, `#name`s replaced.
    pub(super) fn path(&mut self, word: &str) -> Result<Vec<String>, Refusal> {
        word.split('.').map(|part| self.name(part)).collect()
    }

    fn name(&mut self, part: &str) -> Result<String, Refusal> {
        if part.starts_with('#') {
            self.used.insert(part.to_owned());
            let name = self.attributes.and_then(|names| names.get(part)?.as_str());
            return name.map(str::to_owned).ok_or_else(|| {
                invalid(format!(
                    "An expression attribute name used in the document path is not defined; attribute name: {part}"
                ))
            });
        }
        if RESERVED.lines().any(|word| word.eq_ignore_ascii_case(part)) {
            return Err(invalid(format!(
                "Invalid expression: Attribute name is a reserved keyword; reserved keyword: {part}"
            )));
        }
        Ok(part.to_owned())
    }

    /// Refuses where a name or value is given that no expression uses, and only then for what does not hold.
    pub(super) fn finish(self, refused: Option<Refusal>) -> Result<(), Refusal> {
        for (given, kind) in [(self.attributes, "Names"), (self.values, "Values")] {
            let mut given = given.into_iter().flatten();
            if let Some((unused, _)) = given.find(|(word, _)| !self.used.contains(*word)) {
                return Err(invalid(format!(
                    "Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{unused}}}"
                )));
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// Cuts an expression into words, signs and brackets.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for letter in text.chars() {
        let is_word =
            letter.is_alphanumeric() || matches!(letter, '_' | '#' | ':' | '.' | '[' | ']');
        let last = words.last_mut();
        match last {
            Some(last) if is_open && is_word => last.push(letter),
            Some(last) if matches!((last.as_str(), letter), ("<" | ">", '=') | ("<", '>')) => {
                last.push(letter);
                is_open = false;
            }
            _ if letter.is_whitespace() => is_open = false,
            _ => {
                words.push(letter.to_string());
                is_open = is_word;
            }
        }
    }
    words
}

/// Returns the attribute at a path.
pub(super) fn at<'i>(item: &'i Item, path: &[String]) -> Option<&'i Value> {
    let (first, rest) = path.split_first()?;
    let mut value = item.get(first)?;
    for part in rest {
        value = value.get("M")?.get(part)?;
    }
    Some(value)
}

/// Brings numbers into their normal form, and sets into order, as DynamoDB keeps them (dynamodb/data #31).
pub(super) fn normalize(value: &mut Value) {
    let Some((kind, content)) = value
        .as_object_mut()
        .and_then(|value| value.iter_mut().next())
    else {
        return;
    };
    match (kind.as_str(), content) {
        ("N", Value::String(number)) => *number = normal(number),
        ("NS", Value::Array(numbers)) => {
            for number in numbers.iter_mut() {
                *number = normal(number.as_str().unwrap_or_default()).into();
            }
            numbers.sort_by(|one, other| compare_numbers(one, other).unwrap_or(Ordering::Equal));
        }
        ("SS", Value::Array(texts)) => {
            texts.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        }
        ("M", Value::Object(map)) => map.values_mut().for_each(normalize),
        ("L", Value::Array(list)) => list.iter_mut().for_each(normalize),
        _ => {}
    }
}

fn normal(number: &str) -> String {
    if number.contains('.') && !number.contains(['e', 'E']) {
        let short = number.trim_end_matches('0').trim_end_matches('.');
        return if short.is_empty() { "0" } else { short }.to_owned();
    }
    number.to_owned()
}

fn compare_numbers(one: &Value, other: &Value) -> Option<Ordering> {
    let (one, other) = (one.as_str()?, other.as_str()?);
    // Whole numbers exactly, milliseconds since 1970 among them; others as near as a float comes.
    match (one.parse::<i128>(), other.parse::<i128>()) {
        (Ok(one), Ok(other)) => Some(one.cmp(&other)),
        _ => one.parse::<f64>().ok()?.partial_cmp(&other.parse().ok()?),
    }
}

/// Compares two attribute values. Those of different types have no order, and a number never equals a text
/// (dynamodb/data #35).
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.get("N"), other.get("N")) {
        return compare_numbers(one, other);
    }
    if let (Some(one), Some(other)) = (one.get("S"), other.get("S")) {
        return one
            .as_str()
            .map(str::as_bytes)
            .partial_cmp(&other.as_str().map(str::as_bytes));
    }
    (one == other).then_some(Ordering::Equal)
}

/// Adds two numbers.
pub(super) fn sum(one: &Value, other: &Value, sign: i128) -> Result<Value, Refusal> {
    let number = |value: &Value| {
        value["N"]
            .as_str()
            .and_then(|number| number.parse::<i128>().ok())
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => Ok(json!({"N": (one + sign * other).to_string()})),
        _ => Err(invalid(
            "An operand in the update expression has an incorrect data type",
        )),
    }
}
