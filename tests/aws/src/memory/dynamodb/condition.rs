//! Conditions: `attribute_not_exists(id) OR (#state = :running AND lease < :now)`.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Item;
use super::expression::{Names, at, compare, invalid, words};
use crate::answer::Refusal;

/// Returns `true` if a condition holds of an item; without an item, of one without attributes.
pub(super) fn holds(text: &str, names: &mut Names<'_>, item: &Item) -> Result<bool, Refusal> {
    let words = words(text);
    let mut reader = Reader {
        words: &words,
        names,
        item,
    };
    let holds = reader.any()?;
    match reader.words.first() {
        None => Ok(holds),
        Some(rest) => Err(wrong(rest)),
    }
}

fn wrong(word: &str) -> Refusal {
    invalid(format!(
        "Invalid ConditionExpression: Syntax error; token: \"{word}\""
    ))
}

struct Reader<'r, 'i> {
    words: &'r [String],
    names: &'r mut Names<'i>,
    item: &'r Item,
}

impl Reader<'_, '_> {
    fn peek(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let word = self.peek().to_owned();
        self.words = self.words.get(1..).unwrap_or_default();
        word
    }

    /// Takes the next word if it is this one, in any case.
    fn takes(&mut self, word: &str) -> bool {
        let is_it = self.peek().eq_ignore_ascii_case(word);
        if is_it {
            self.next();
        }
        is_it
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.takes(word) {
            Ok(())
        } else {
            Err(wrong(self.peek()))
        }
    }

    // Both sides are always read: what follows a side that decides must be right, too.

    fn any(&mut self) -> Result<bool, Refusal> {
        let mut holds = self.all()?;
        while self.takes("OR") {
            holds |= self.all()?;
        }
        Ok(holds)
    }

    fn all(&mut self) -> Result<bool, Refusal> {
        let mut holds = self.one()?;
        while self.takes("AND") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, Refusal> {
        if self.takes("NOT") {
            return Ok(!self.one()?);
        }
        if self.takes("(") {
            let holds = self.any()?;
            self.expect(")")?;
            return Ok(holds);
        }
        if self.words.get(1).is_some_and(|word| word == "(") && self.peek() != "size" {
            return self.function();
        }
        self.comparison()
    }

    fn function(&mut self) -> Result<bool, Refusal> {
        let name = self.next();
        self.expect("(")?;
        let attribute = self.operand()?;
        let other = if self.takes(",") {
            self.operand()?
        } else {
            None
        };
        self.expect(")")?;
        let text = |value: &Option<Value>| {
            let text = value.as_ref().and_then(|value| value["S"].as_str());
            text.map(str::to_owned)
        };
        Ok(match name.as_str() {
            "attribute_exists" => attribute.is_some(),
            "attribute_not_exists" => attribute.is_none(),
            "attribute_type" => {
                let kind = text(&other).unwrap_or_default();
                attribute.is_some_and(|attribute| attribute.get(kind).is_some())
            }
            "begins_with" => match (text(&attribute), text(&other)) {
                (Some(attribute), Some(begin)) => attribute.starts_with(&begin),
                _ => false,
            },
            "contains" => match (text(&attribute), text(&other), attribute) {
                (Some(attribute), Some(part), _) => attribute.contains(&part),
                (_, Some(part), Some(set)) => {
                    let set = set["SS"].as_array().cloned().unwrap_or_default();
                    set.iter().any(|entry| *entry == part)
                }
                _ => false,
            },
            unknown => {
                return Err(invalid(format!(
                    "Invalid ConditionExpression: Invalid function name; function: {unknown}"
                )));
            }
        })
    }

    fn comparison(&mut self) -> Result<bool, Refusal> {
        let left = self.operand()?;
        if self.takes("BETWEEN") {
            let low = self.operand()?;
            self.expect("AND")?;
            let high = self.operand()?;
            let is_from = order(left.as_ref(), low.as_ref()).is_some_and(Ordering::is_ge);
            let is_to = order(left.as_ref(), high.as_ref()).is_some_and(Ordering::is_le);
            return Ok(is_from && is_to);
        }
        if self.takes("IN") {
            return self.is_in(left.as_ref());
        }
        let sign = self.next();
        let right = self.operand()?;
        let order = order(left.as_ref(), right.as_ref());
        let are_both = left.is_some() && right.is_some();
        Ok(match sign.as_str() {
            "=" => order == Some(Ordering::Equal),
            // An attribute that is not there is unlike any value.
            "<>" => order != Some(Ordering::Equal),
            "<" => are_both && order == Some(Ordering::Less),
            ">" => are_both && order == Some(Ordering::Greater),
            "<=" => are_both && order.is_some_and(Ordering::is_le),
            ">=" => are_both && order.is_some_and(Ordering::is_ge),
            sign => return Err(wrong(sign)),
        })
    }

    fn is_in(&mut self, left: Option<&Value>) -> Result<bool, Refusal> {
        self.expect("(")?;
        let mut is_in = false;
        loop {
            let entry = self.operand()?;
            is_in |= order(left, entry.as_ref()) == Some(Ordering::Equal);
            if !self.takes(",") {
                self.expect(")")?;
                return Ok(is_in);
            }
        }
    }

    fn operand(&mut self) -> Result<Option<Value>, Refusal> {
        let word = self.next();
        if word == "size" && self.takes("(") {
            let value = self.operand()?;
            self.expect(")")?;
            return Ok(value.map(|value| json!({"N": size(&value).to_string()})));
        }
        match word.chars().next() {
            Some(':') => Ok(Some(self.names.value(&word)?)),
            Some(first) if first == '#' || first == '_' || first.is_alphabetic() => {
                let path = self.names.path(&word)?;
                Ok(at(self.item, &path).cloned())
            }
            _ => Err(wrong(&word)),
        }
    }
}

fn order(one: Option<&Value>, other: Option<&Value>) -> Option<Ordering> {
    compare(one?, other?)
}

fn size(value: &Value) -> usize {
    let content = value.as_object().and_then(|value| value.values().next());
    match content {
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(map)) => map.len(),
        _ => 0,
    }
}
