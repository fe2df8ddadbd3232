//! Texts made fit for messages, headers and logs: those of callers, and lists of names.

use std::fmt::Display;

/// The most characters of a caller's text that are repeated.
const REPEATED_MAX: usize = 200;

/// Takes the control characters out of a caller's text, so that it can't forge a line, and keeps at most 200.
pub fn printable(text: &str) -> String {
    printable_up_to(REPEATED_MAX, text)
}

/// Does the same, and keeps at most `max` characters.
pub fn printable_up_to(max: usize, text: &str) -> String {
    let mut letters = text.chars().map(|letter| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    });
    let mut printable: String = letters.by_ref().take(max).collect();
    if letters.next().is_some() {
        printable.push('…');
    }
    printable
}

/// Lists names for a sentence, each in backticks.
pub fn quoted<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// Does the same, and says `none` where there is no name.
pub fn quoted_or<T: Display>(none: &str, names: impl IntoIterator<Item = T>) -> String {
    let names = quoted(names);
    if names.is_empty() {
        none.to_owned()
    } else {
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_in_backticks() {
        assert_eq!(quoted(["a", "b c"]), "`a`, `b c`");
        assert_eq!(quoted_or("none", ["a"]), "`a`");
        assert_eq!(quoted_or("none", [""; 0]), "none");
    }

    #[test]
    fn control_characters_and_length_are_cut() {
        assert_eq!(printable("a\r\nb\u{7f}é"), "a\u{fffd}\u{fffd}b\u{fffd}é");
        assert_eq!(printable(&"x".repeat(201)), "x".repeat(200) + "…");
        assert_eq!(printable(&"x".repeat(200)), "x".repeat(200));
    }
}
