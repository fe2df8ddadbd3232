use serde_json::Value;

mod create_orchestration;
mod delete_orchestration;
mod idempotency;
mod killed;

/// The original's documented body, "new cluster, new task definition, new service registry and new service", verbatim
/// but for the namespace.
pub fn documented(namespace_id: &str) -> Value {
    let event: Value = serde_json::from_str(include_str!("../../../events/create_orchestration.json")).unwrap();
    let body = event["body"].as_str().expect("the event has a body");
    serde_json::from_str(&body.replace("ns-y3uaw6neshhbev3f", namespace_id)).unwrap()
}
