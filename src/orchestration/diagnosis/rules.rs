//! The faults of tasks and services, as data: AWS's words → a code, a sentence, and what to do.
//!
//! The rules stand in the order in which they are tried, and in which their findings are told: what names its cause
//! before what is only a symptom. Each group names the pages that its words are from.

mod deployment;
mod image;
mod placement;
mod process;
mod resources;
mod unrecognised;

use super::{Clue, Kind, Severity};

/// A fault, and the words of AWS that stand for it.
#[derive(Debug)]
pub struct Rule {
    /// The finding's code.
    pub code: &'static str,
    /// The weight of the finding.
    pub severity: Severity,
    /// The finding in a sentence.
    pub summary: &'static str,
    /// The thing to do.
    pub fix: &'static str,
    /// The kinds of clues that it reads.
    pub reads: &'static [Kind],
    /// The words: all texts of one of these lists occur in the clue, in lower case. Of an exit code, the whole text.
    pub words: &'static [&'static [&'static str]],
}

/// The kinds of clues in which ECS tells of tasks that it could not start or keep: its words are the same in all of them.
const OF_TASKS: &[Kind] = &[Kind::Task, Kind::Container, Kind::Event];

/// The rules, in groups.
const GROUPS: [&[Rule]; 6] = [
    image::RULES,
    resources::RULES,
    process::RULES,
    placement::RULES,
    deployment::RULES,
    unrecognised::RULES,
];

/// Returns the rules in their order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.into_iter().flatten()
}

impl Rule {
    /// Returns `true` if a clue says what the rule is about.
    fn applies_to(&self, clue: &Clue) -> bool {
        let is_said = |words: &&[&str]| match clue.kind {
            Kind::Exit | Kind::StopCode => words.iter().all(|word| clue.words == *word),
            _ => words.iter().all(|word| clue.words.contains(word)),
        };
        self.reads.contains(&clue.kind) && self.words.iter().any(is_said)
    }
}

/// Finds the first rule that applies to a clue, and its place among all of them.
pub fn rule_for(clue: &Clue) -> Option<(usize, &'static Rule)> {
    rules().enumerate().find(|(_, rule)| rule.applies_to(clue))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_in_lower_case_and_each_rule_has_some() {
        for rule in rules() {
            assert!(!rule.words.is_empty(), "{}", rule.code);
            for word in rule.words.iter().copied().flatten() {
                assert_eq!(*word, word.to_ascii_lowercase(), "{}", rule.code);
            }
        }
    }

    #[test]
    fn codes_are_said_by_one_rule_each_and_sentences_are_sentences() {
        let mut codes = BTreeSet::new();
        for rule in rules() {
            assert!(codes.insert(rule.code), "{} is there twice", rule.code);
            for text in [rule.summary, rule.fix] {
                assert!(text.ends_with('.'), "{}: {text}", rule.code);
                let first = text.chars().next().unwrap();
                assert!(!first.is_lowercase(), "{}: {text}", rule.code);
            }
        }
    }
}
