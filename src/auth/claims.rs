//! A claim of a JWT, as gateways hand it on.

use serde_json::Value;

/// A claim's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A text, or a number or a boolean as text.
    Text(String),
    /// A list of such.
    List(Vec<String>),
}

/// The claims whose text is a list, whoever issued them: OAuth's scopes and the groups of Cognito
/// (<https://www.rfc-editor.org/rfc/rfc8693#section-4.2>,
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>).
const LISTS: [&str; 3] = ["scope", "scp", "cognito:groups"];

impl Claim {
    /// Reads a claim. `None` for an object and for `null`, which nobody can ask for.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Array(list) => Some(Self::List(list.iter().filter_map(text).collect())),
            other => text(other).map(Self::Text),
        }
    }

    /// Returns `true` if the claim `name` has this value: as it stands, as an element of a list, or as a part of a text that
    /// is a list. Only the claims that everybody knows for lists, and those of `lists`, are taken apart: of any other,
    /// `[not admin]` is a text.
    pub fn has(&self, name: &str, value: &str, lists: &[String]) -> bool {
        match self {
            Self::List(elements) => elements.iter().any(|element| element == value),
            Self::Text(text) if text == value => true,
            Self::Text(text) => {
                let is_list = LISTS.contains(&name) || lists.iter().any(|list| list == name);
                is_list && parts(text).any(|part| part == value)
            }
        }
    }
}

/// A text, or a number or a boolean as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// `[admin poweruser]`, as API Gateway writes a list, or `ecs/read ecs/write`, as OAuth does → their parts.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text)
        .split(' ')
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_matches_whole_or_by_part_where_it_is_a_list() {
        let lists = ["roles".to_owned()];
        for (name, claim, value, expected) in [
            ("cognito:groups", json!("[admin poweruser]"), "admin", true),
            (
                "cognito:groups",
                json!("[admin poweruser]"),
                "poweruser",
                true,
            ),
            ("cognito:groups", json!("[admin poweruser]"), "power", false),
            (
                "cognito:groups",
                json!("[admin poweruser]"),
                "[admin poweruser]",
                true,
            ),
            ("cognito:groups", json!("[admin]"), "admin", true),
            ("scope", json!("ecs/write ecs/read"), "ecs/read", true),
            ("scope", json!("ecs/write  ecs/read"), "", false),
            ("scp", json!(["ecs/read"]), "ecs/read", true),
            ("roles", json!("[a b]"), "b", true),
            // Any other claim is a text.
            ("department", json!("[not admin]"), "admin", false),
            ("department", json!("not admin"), "admin", false),
            ("department", json!("[not admin]"), "[not admin]", true),
            ("department", json!(["not", "admin"]), "admin", true),
            ("level", json!(7), "7", true),
            ("verified", json!(true), "true", true),
            ("ids", json!([7, true, null, {}]), "7", true),
        ] {
            let claim_read = Claim::of(&claim).expect("the case is a claim");
            assert_eq!(
                claim_read.has(name, value, &lists),
                expected,
                "{name}: {claim} {value}"
            );
        }
    }

    #[test]
    fn what_nobody_can_ask_for_is_no_claim() {
        assert_eq!(Claim::of(&json!({"a": 1})), None);
        assert_eq!(Claim::of(&json!(null)), None);
    }
}
