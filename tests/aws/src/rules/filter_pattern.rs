//! CloudWatch's filter patterns, as far as they have terms and comparisons of JSON:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

use serde_json::Value;

/// A pattern that messages match.
#[derive(Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Words: all of the first, one of the second where there are any, none of the third.
    Words(Vec<String>, Vec<String>, Vec<String>),
    /// `{ $.level = "error" && $.code != 7 }`: any of these has all of its comparisons.
    Json(Vec<Vec<Comparison>>),
}

/// A comparison of a member with a value.
#[derive(Debug, PartialEq)]
pub(crate) struct Comparison {
    path: Vec<String>,
    sign: String,
    value: String,
}

impl Pattern {
    /// Reads a pattern; `None` if it can't be read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix('{') {
            Some(rest) => {
                let inner = rest.strip_suffix('}')?;
                let parts = inner.split("||");
                let parts = parts.map(|part| part.split("&&").map(Comparison::parse).collect());
                Some(Self::Json(parts.collect::<Option<_>>()?))
            }
            None if text.starts_with('[') => None,
            None => words(text),
        }
    }

    /// Returns `true` if a message matches.
    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Self::Words(all, any, none) => {
                all.iter().all(|word| message.contains(word))
                    && (any.is_empty() || any.iter().any(|word| message.contains(word)))
                    && !none.iter().any(|word| message.contains(word))
            }
            Self::Json(any) => {
                let Ok(object) = serde_json::from_str::<Value>(message) else {
                    return false;
                };
                any.iter()
                    .any(|all| all.iter().all(|comparison| comparison.holds(&object)))
            }
        }
    }
}

fn words(text: &str) -> Option<Pattern> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (list, after) = match rest.chars().next()? {
            '-' => (&mut none, &rest[1..]),
            '?' => (&mut any, &rest[1..]),
            _ => (&mut all, rest),
        };
        let (word, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        let is_plain = after.is_empty() || !word.contains('"');
        if word.is_empty() || !is_plain {
            return None;
        }
        list.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(Pattern::Words(all, any, none))
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('(').trim_end_matches(')');
        let text = text.trim().strip_prefix("$.")?;
        let sign = ["!=", ">=", "<=", "=", ">", "<"]
            .into_iter()
            .find(|sign| text.contains(sign))?;
        let (path, value) = text.split_once(sign)?;
        let value = value.trim();
        Some(Self {
            path: path.trim().split('.').map(str::to_owned).collect(),
            sign: sign.to_owned(),
            value: value.trim_matches('"').to_owned(),
        })
    }

    fn holds(&self, object: &Value) -> bool {
        let mut value = object;
        for part in &self.path {
            match value.get(part) {
                Some(inner) => value = inner,
                None => return false,
            }
        }
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let numbers = text.parse::<f64>().ok().zip(self.value.parse::<f64>().ok());
        let is_like = match self.value.strip_suffix('*') {
            Some(begin) => text.starts_with(begin),
            None => text == self.value,
        };
        match (self.sign.as_str(), numbers) {
            ("=", _) => is_like,
            ("!=", _) => !is_like,
            (">", Some((one, other))) => one > other,
            ("<", Some((one, other))) => one < other,
            (">=", Some((one, other))) => one >= other,
            ("<=", Some((one, other))) => one <= other,
            _ => false,
        }
    }
}
