use serde_json::Value;

use crate::support::{Answer, TestApp};

mod create_orchestration;
mod delete_orchestration;
mod delete_scripted;
mod dry_run;
mod frugal;
mod idempotency;
mod killed;
mod records;
mod short_form;

/// The original's documented body, "new cluster, new task definition, new service registry and new service", verbatim
/// but for the namespace.
pub fn documented(namespace_id: &str) -> Value {
    let event: Value =
        serde_json::from_str(include_str!("../../../events/create_orchestration.json")).unwrap();
    let body = event["body"].as_str().expect("the event has a body");
    serde_json::from_str(&body.replace("ns-y3uaw6neshhbev3f", namespace_id)).unwrap()
}

/// The ARNs of the four parts of an answer.
pub fn arns(answer: &Value) -> Vec<String> {
    let parts = [
        "/Cluster/ClusterArn",
        "/TaskDefinition/TaskDefinitionArn",
        "/ServiceDiscoveryService/Arn",
        "/Service/ServiceArn",
    ];
    let mut arns: Vec<_> = parts
        .iter()
        .map(|part| answer.pointer(part).unwrap().as_str().unwrap().to_owned())
        .collect();
    arns.sort();
    arns
}

/// Sends an orchestrated create with an `Idempotency-Key`.
async fn create_with_key(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.request("POST", "/nonprod/services")
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
}
