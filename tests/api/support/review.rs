//! The requests by which a security review tried to get in, and to read what is not theirs.

use serde_json::Value;

use super::Way;

/// Returns events that claim a caller whom nobody has verified.
pub fn forged_gateway_events() -> Vec<ForgedEvent> {
    let file = include_str!("../../fixtures/review/forged_gateway_events.json");
    let Value::Array(list) = read(file) else {
        panic!("the file is a list");
    };
    list.into_iter().map(ForgedEvent::of).collect()
}

/// Returns a request whose headers and body say who sends it: `method`, `path`, `headers`, `body`.
pub fn forged_request() -> Value {
    read(include_str!("../../fixtures/review/forged_request.json"))
}

/// Returns the settings of an account, and logs of which some lie outside of what these let read.
pub fn logs_outside_the_fence() -> Value {
    read(include_str!(
        "../../fixtures/review/logs_outside_the_fence.json"
    ))
}

/// Returns the settings of two accounts of one role, and a log of the one that is asked for by the name of the other.
pub fn one_role_in_two_regions() -> Value {
    read(include_str!(
        "../../fixtures/review/one_role_in_two_regions.json"
    ))
}

fn read(file: &str) -> Value {
    serde_json::from_str(file).expect("a request of the review is JSON")
}

/// A gateway's event that no gateway has sent.
#[derive(Debug)]
pub struct ForgedEvent {
    pub way: Way,
    /// The caller that it claims, in words.
    pub claim: String,
    /// The status where events are told by their shape alone.
    pub status_by_shape: u64,
    pub event: Value,
}

impl ForgedEvent {
    fn of(mut case: Value) -> Self {
        let way = case["way"].as_str().expect("a way in");
        let way = Way::ALL.into_iter().find(|each| format!("{each:?}") == way);
        Self {
            way: way.expect("the way in is one of ours"),
            claim: case["claims"].as_str().expect("a claim").to_owned(),
            status_by_shape: case["byShape"].as_u64().expect("a status"),
            event: case["event"].take(),
        }
    }
}
