//! The names of structures' members: one place for the rules that reader, writer and shorthands share.

use aws_smithy_schema::Schema;
use serde_json::{Map, Value};

/// Returns the answer's name of a member: AWS's, with its first letter in upper case (`clusterArn` → `ClusterArn`).
pub fn answer_name(aws_name: &str) -> String {
    let mut letters = aws_name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// Finds the member that a caller's `name` means, without regard to case.
pub fn find<'s>(schema: &'s Schema<'_>, name: &str) -> Option<&'s Schema<'s>> {
    schema.members().iter().copied().find(|member| {
        member
            .member_name()
            .is_some_and(|known| known.eq_ignore_ascii_case(name))
    })
}

/// Finds the known name nearest to `name`, where one is near enough to be a slip of the keyboard.
pub fn nearest<'n>(names: impl Iterator<Item = &'n str>, name: &str) -> Option<&'n str> {
    let name = name.to_ascii_lowercase();
    let allowed = (name.len() / 3).clamp(1, 3);
    names
        // The distance is never less, and far cheaper: a name may be as long as a body.
        .filter(|known| known.len().abs_diff(name.len()) <= allowed)
        .map(|known| {
            (
                strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &name),
                known,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// Finds the key under which `object` holds the member `name`, in whatever case the caller wrote it.
pub fn key_of(object: &Map<String, Value>, name: &str) -> Option<String> {
    object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
}

/// Joins the path of a member below `path`, which is empty for the body itself.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_start_with_a_capital_letter() {
        for (aws, ours) in [
            ("clusterArn", "ClusterArn"),
            ("TTL", "TTL"),
            ("cpu", "Cpu"),
            ("", ""),
        ] {
            assert_eq!(answer_name(aws), ours);
        }
    }

    #[test]
    fn a_slip_of_the_keyboard_finds_the_member_that_was_meant() {
        let known = ["desiredCount", "cluster", "cpu", "serviceName"];
        for (given, meant) in [
            ("desiredCoutn", Some("desiredCount")),
            ("service_name", Some("serviceName")),
            ("CLUSTR", Some("cluster")),
            ("mem", None),
            ("x", None),
            ("desiredCountt", Some("desiredCount")),
        ] {
            assert_eq!(nearest(known.into_iter(), given), meant, "{given}");
        }
        let started = std::time::Instant::now();
        assert_eq!(nearest(known.into_iter(), &"x".repeat(1 << 20)), None);
        assert!(
            started.elapsed().as_millis() < 500,
            "a name as long as a body costs nothing"
        );
    }
}
