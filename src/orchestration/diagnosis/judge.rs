//! Makes findings of clues: one of each case, equal ones together. Pure.

use std::collections::BTreeMap;

use super::clues::Case;
use super::rules::{Rule, rule_for, rules};
use super::{Clue, Evidence, Finding};

/// The most failures of which a finding shows the words, each of another revision.
const SHOWN_MAX: usize = 3;

/// Findings that say less than others of the same thing, and are told with these.
const SAID_BETTER: &[(&str, &[&str])] = &[
    (
        "TargetUnhealthy",
        &[
            "TargetGivesWrongCode",
            "TargetDoesNotAnswer",
            "TargetZoneNotEnabled",
            "TargetGroupUnused",
        ],
    ),
    ("DeploymentFailed", &["RolledBack"]),
];

/// A finding while it is put together.
#[derive(Debug, Default)]
struct Heap {
    cases: Vec<(Case, Clue)>,
}

/// Makes findings of cases, the newest first, and those that stand before others among the rules.
pub(super) fn findings(cases: Vec<Case>) -> Vec<Finding> {
    let mut heaps: BTreeMap<usize, Heap> = BTreeMap::new();
    for case in cases {
        if let Some((place, clue)) = strongest(&case) {
            let heap = heaps.entry(place).or_default();
            heap.cases.push((case, clue));
        }
    }
    say_better(&mut heaps);
    let mut found: Vec<_> = heaps
        .into_iter()
        .filter_map(|(place, heap)| Some((heap.newest(), rules().nth(place)?, heap)))
        .collect();
    found.sort_by_key(|(newest, ..)| std::cmp::Reverse(*newest));
    found
        .into_iter()
        .map(|(_, rule, heap)| heap.finding(rule))
        .collect()
}

/// Returns the clue that says most, and the place of its rule.
fn strongest(case: &Case) -> Option<(usize, Clue)> {
    let known = case
        .clues
        .iter()
        .filter_map(|clue| Some((rule_for(clue)?.0, clue)));
    known
        .min_by_key(|(place, _)| *place)
        .map(|(place, clue)| (place, clue.clone()))
}

/// Adds what says less to what says more of the same thing.
fn say_better(heaps: &mut BTreeMap<usize, Heap>) {
    let place_of = |code: &str| rules().position(|rule| rule.code == code);
    for (general, special) in SAID_BETTER {
        let Some(general) = place_of(general).filter(|place| heaps.contains_key(place)) else {
            continue;
        };
        let better = special.iter().filter_map(|code| place_of(code));
        let Some(better) = better.into_iter().find(|place| heaps.contains_key(place)) else {
            continue;
        };
        if let (Some(less), Some(more)) = (heaps.remove(&general), heaps.get_mut(&better)) {
            more.cases.extend(less.cases);
        }
    }
}

impl Heap {
    /// Returns the time of its newest case.
    fn newest(&self) -> Option<i64> {
        self.cases.iter().filter_map(|(case, _)| case.at_ms).max()
    }

    /// Makes a finding: the newest words of each revision, then the newest of what is not a task, then the last lines.
    fn finding(mut self, rule: &'static Rule) -> Finding {
        self.cases
            .sort_by_key(|(case, _)| std::cmp::Reverse(case.at_ms));
        let tasks = self
            .cases
            .iter()
            .filter(|(case, _)| case.revision.is_some());
        let count = match tasks.count() {
            0 => self.cases.len(),
            tasks => tasks,
        };
        let mut revisions = Vec::new();
        let mut evidence: Vec<Evidence> = Vec::new();
        for (case, clue) in &self.cases {
            if !revisions.contains(&&case.revision) && revisions.len() < SHOWN_MAX {
                revisions.push(&case.revision);
                evidence.push(with_revision(&clue.evidence, case.revision.as_deref()));
            }
        }
        let beside = self.cases.iter().flat_map(|(case, _)| &case.beside);
        for line in beside {
            if !evidence.contains(line) {
                evidence.push(line.clone());
            }
        }
        Finding {
            code: rule.code,
            severity: rule.severity,
            summary: rule.summary,
            evidence,
            fix: rule.fix,
            count,
        }
    }
}

/// Says beside the place which revision it was.
fn with_revision(evidence: &Evidence, revision: Option<&str>) -> Evidence {
    match revision {
        Some(revision) => Evidence {
            source: format!("{}, {revision}", evidence.source),
            ..evidence.clone()
        },
        None => evidence.clone(),
    }
}
