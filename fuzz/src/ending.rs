//! How the sending of a request has ended: what the answers claim, and what the account holds.

use serde_json::Value;

use super::estate::Thing;

/// The answers, and the account before and after them.
#[derive(Debug)]
pub struct Ending {
    /// One, or two of the same request.
    pub answers: Vec<Value>,
    /// What the account held.
    pub before: Vec<Thing>,
    /// What it holds.
    pub after: Vec<Thing>,
}

impl Ending {
    /// Checks what was claimed, of an AWS that told no lies.
    #[track_caller]
    pub fn check(&self, log: &str) {
        let deleted = self.named("Deleted");
        let rolled_back = if self.answers.len() == 1 { self.named("RolledBack") } else { Vec::new() };
        for arn in deleted.into_iter().chain(rolled_back) {
            assert!(!self.after.iter().any(|thing| thing.arn == arn), "`{arn}` is there: {self:?}");
        }
        let creations: Vec<_> = self.answers.iter().filter(|answer| is_creation(answer)).collect();
        for arn in creations.iter().flat_map(|creation| arns_of(&creation["body"])) {
            assert!(self.after.iter().any(|thing| thing.arn == arn), "`{arn}` is not there: {self:?}");
        }
        if creations.is_empty() && !self.answers.iter().any(|answer| answer["body"]["LeftBehind"].is_array()) {
            return;
        }
        let told: Vec<_> = creations.iter().flat_map(|creation| arns_of(&creation["body"])).collect();
        let left = self.named("LeftBehind");
        for thing in self.after.iter().filter(|thing| !self.before.contains(thing)) {
            let is_told = told.contains(&thing.arn.as_str()) || left.iter().any(|left| thing.is_called(left));
            assert!(is_told || log.contains(&thing.arn), "`{}` was left: {self:?}", thing.arn);
        }
    }

    /// The ARNs, or names, that a list of the answers has.
    fn named(&self, list: &str) -> Vec<&str> {
        let lists = self.answers.iter().filter_map(|answer| answer["body"][list].as_array());
        lists.flatten().filter_map(|entry| entry.as_str().or_else(|| entry["Arn"].as_str())).collect()
    }
}

fn is_creation(answer: &Value) -> bool {
    answer["status"] == 200 && answer["body"]["TaskDefinition"].is_object() && answer["body"]["Service"].is_object()
}

/// The four things of an orchestrated create.
fn arns_of(creation: &Value) -> impl Iterator<Item = &str> {
    let places = [
        "/Cluster/ClusterArn",
        "/TaskDefinition/TaskDefinitionArn",
        "/ServiceDiscoveryService/Arn",
        "/Service/ServiceArn",
    ];
    places.into_iter().filter_map(|place| creation.pointer(place).and_then(Value::as_str))
}
