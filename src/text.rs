//! Texts of callers, made fit to be repeated in messages, headers and logs.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_length_are_cut() {
        assert_eq!(printable("a\r\nb\u{7f}é"), "a\u{fffd}\u{fffd}b\u{fffd}é");
        assert_eq!(printable(&"x".repeat(201)), "x".repeat(200) + "…");
        assert_eq!(printable(&"x".repeat(200)), "x".repeat(200));
    }
}
