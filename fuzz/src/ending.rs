//! The end of a request: what the answers claim, and what the account holds.

use std::fmt;

use fake_aws::Thing;
use serde_json::Value;

/// The answers, and the account before and after them.
#[derive(Debug)]
pub struct Ending {
    /// The request has a key.
    pub is_keyed: bool,
    /// One, or two of the same request.
    pub answers: Vec<Value>,
    /// The account's things before the request.
    pub before: Vec<Thing>,
    /// The account's things after it.
    pub after: Vec<Thing>,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answers
            .iter()
            .try_for_each(|answer| writeln!(f, "{answer}"))?;
        self.after
            .iter()
            .try_for_each(|thing| writeln!(f, "there is {}", thing.arn))
    }
}

impl Ending {
    /// Checks what was claimed, of an AWS that told no lies.
    #[track_caller]
    pub fn check(&self, log: &str) {
        let deleted = self.named("Deleted");
        let rolled_back = if self.answers.len() == 1 {
            self.named("RolledBack")
        } else {
            Vec::new()
        };
        for arn in deleted.into_iter().chain(rolled_back) {
            assert!(
                !self.after.iter().any(|thing| thing.arn == arn),
                "`{arn}` is there: {self}"
            );
        }
        let creations: Vec<_> = self
            .answers
            .iter()
            .filter(|answer| is_creation(answer))
            .collect();
        for arn in creations
            .iter()
            .flat_map(|creation| arns_of(&creation["body"]))
        {
            assert!(
                self.after.iter().any(|thing| thing.arn == arn),
                "`{arn}` is not there: {self}"
            );
        }
        let told: Vec<_> = creations
            .iter()
            .flat_map(|creation| arns_of(&creation["body"]))
            .collect();
        let left = self.named("LeftBehind");
        for thing in self
            .after
            .iter()
            .filter(|_| self.is_accounted_for())
            .filter(|thing| !self.before.contains(thing))
        {
            let is_told =
                told.contains(&thing.arn.as_str()) || left.iter().any(|left| thing.is_called(left));
            assert!(
                is_told || log.contains(&thing.arn),
                "`{}` was left: {self}",
                thing.arn
            );
        }
    }

    /// Returns `true` if the answers say what became of everything: those of an orchestrated create do, unless it is
    /// done and only can't be shown. Then the same request with its key is answered with what it has made.
    fn is_accounted_for(&self) -> bool {
        let is_done = self
            .after
            .iter()
            .any(|thing| thing.arn.contains(":service/") && !self.before.contains(thing));
        let comes_to = |answer: &Value| {
            let problem = &answer["body"];
            let is_repeatable = self.is_keyed && is_done && problem["retryable"] == true;
            is_creation(answer) || (problem["LeftBehind"].is_array() && !is_repeatable)
        };
        self.answers.iter().any(comes_to)
    }

    /// The ARNs, or names, that a list of the answers has.
    fn named(&self, list: &str) -> Vec<&str> {
        let lists = self
            .answers
            .iter()
            .filter_map(|answer| answer["body"][list].as_array());
        lists
            .flatten()
            .filter_map(|entry| entry.as_str().or_else(|| entry["Arn"].as_str()))
            .collect()
    }
}

fn is_creation(answer: &Value) -> bool {
    answer["status"] == 200
        && answer["body"]["TaskDefinition"].is_object()
        && answer["body"]["Service"].is_object()
}

/// The four things of an orchestrated create.
fn arns_of(creation: &Value) -> impl Iterator<Item = &str> {
    let places = [
        "/Cluster/ClusterArn",
        "/TaskDefinition/TaskDefinitionArn",
        "/ServiceDiscoveryService/Arn",
        "/Service/ServiceArn",
    ];
    places
        .into_iter()
        .filter_map(|place| creation.pointer(place).and_then(Value::as_str))
}
