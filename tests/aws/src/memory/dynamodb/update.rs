//! Updates: `SET #state = :done, tries = if_not_exists(tries, :zero) + :one REMOVE lease`.

use serde_json::{Value, json};

use super::Item;
use super::expression::{Names, at, invalid, normalize, sum, words};
use crate::answer::Refusal;

/// Changes an item as an expression says; `old` is what its operands read. Returns the attributes that it touched.
pub(super) fn apply(
    text: &str,
    names: &mut Names<'_>,
    old: &Item,
    item: &mut Item,
) -> Result<Vec<String>, Refusal> {
    let words = words(text);
    let mut touched = Vec::new();
    let mut clause = "";
    for action in actions(&words) {
        let (first, rest) = action.split_first().ok_or_else(|| wrong(text))?;
        let action = match clause_of(first) {
            Some(begun) => {
                clause = begun;
                rest
            }
            None => action,
        };
        let (target, rest) = action.split_first().ok_or_else(|| wrong(text))?;
        let path = names.path(target)?;
        match (clause, rest) {
            ("SET", [sign, operands @ ..]) if sign == "=" => {
                let value = operands_value(operands, names, old)?;
                set(item, &path, Some(value))?;
            }
            ("REMOVE", []) => set(item, &path, None)?,
            ("ADD", [word]) => {
                let added = names.value(word)?;
                let zero = json!({"N": "0"});
                let before = at(old, &path).unwrap_or(&zero);
                let value = sum(before, &added, 1)?;
                set(item, &path, Some(value))?;
            }
            _ => return Err(wrong(target)),
        }
        touched.extend(path.into_iter().next());
    }
    Ok(touched)
}

fn wrong(word: &str) -> Refusal {
    invalid(format!(
        "Invalid UpdateExpression: Syntax error; token: \"{word}\""
    ))
}

fn clause_of(word: &str) -> Option<&'static str> {
    ["SET", "REMOVE", "ADD", "DELETE"]
        .into_iter()
        .find(|clause| word.eq_ignore_ascii_case(clause))
}

/// Cuts the words at commas outside of brackets, and before the words that begin a clause.
fn actions(words: &[String]) -> Vec<&[String]> {
    let (mut actions, mut begin, mut depth) = (Vec::new(), 0, 0);
    for (place, word) in words.iter().enumerate() {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 0 => {
                actions.push(&words[begin..place]);
                begin = place + 1;
            }
            word if place > begin && clause_of(word).is_some() => {
                actions.push(&words[begin..place]);
                begin = place;
            }
            _ => {}
        }
    }
    actions.push(&words[begin..]);
    actions
}

/// Returns an operand, or the sum or difference of two.
fn operands_value(words: &[String], names: &mut Names<'_>, old: &Item) -> Result<Value, Refusal> {
    let (value, rest) = operand(words, names, old)?;
    match rest {
        [] => Ok(value),
        [sign, rest @ ..] if sign == "+" || sign == "-" => {
            let (other, rest) = operand(rest, names, old)?;
            if let Some(word) = rest.first() {
                return Err(wrong(word));
            }
            sum(&value, &other, if sign == "+" { 1 } else { -1 })
        }
        [word, ..] => Err(wrong(word)),
    }
}

fn operand<'w>(
    words: &'w [String],
    names: &mut Names<'_>,
    old: &Item,
) -> Result<(Value, &'w [String]), Refusal> {
    match words {
        [name, open, path, comma, word, close, rest @ ..]
            if (name.as_str(), open.as_str(), comma.as_str(), close.as_str())
                == ("if_not_exists", "(", ",", ")") =>
        {
            let path = names.path(path)?;
            let value = names.value(word)?;
            Ok((at(old, &path).cloned().unwrap_or(value), rest))
        }
        [name, open, first, comma, second, close, rest @ ..]
            if (name.as_str(), open.as_str(), comma.as_str(), close.as_str())
                == ("list_append", "(", ",", ")") =>
        {
            let mut lists = Vec::new();
            for word in [first, second] {
                let value = single(word, names, old)?;
                lists.extend(value["L"].as_array().cloned().unwrap_or_default());
            }
            Ok((json!({"L": lists}), rest))
        }
        [word, rest @ ..] => Ok((single(word, names, old)?, rest)),
        [] => Err(wrong("")),
    }
}

fn single(word: &str, names: &mut Names<'_>, old: &Item) -> Result<Value, Refusal> {
    if word.starts_with(':') {
        return names.value(word);
    }
    let path = names.path(word)?;
    at(old, &path).cloned().ok_or_else(|| {
        invalid("The provided expression refers to an attribute that does not exist in the item")
    })
}

/// Puts a value at a path, or removes what is there.
fn set(item: &mut Item, path: &[String], value: Option<Value>) -> Result<(), Refusal> {
    let Some((last, maps)) = path.split_last() else {
        return Ok(());
    };
    let mut map = item;
    for part in maps {
        let inner = map
            .get_mut(part)
            .and_then(|value| value.get_mut("M")?.as_object_mut());
        map = inner.ok_or_else(|| {
            invalid("The document path provided in the update expression is invalid for update")
        })?;
    }
    match value {
        Some(mut value) => {
            normalize(&mut value);
            map.insert(last.clone(), value);
        }
        None => {
            map.shift_remove(last);
        }
    }
    Ok(())
}
