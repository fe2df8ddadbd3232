//! The orchestrated delete before a scripted AWS: what changes while it waits, and how many trips it takes.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

const RECURSIVE: &str = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";

/// An account with the documented service, of which no task runs.
async fn furnished(has_registry: bool) -> (ScriptedApp, Value) {
    let app = ScriptedApp::new();
    let mut body = documented(NAMESPACE);
    body["service"]["desiredcount"] = 0.into();
    if !has_registry {
        body.as_object_mut().unwrap().remove("serviceregistry");
    }
    let made = app.create(None, &body).await.expect(200);
    app.aws.forget_calls();
    (app, made)
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_a_service_begins_to_use_while_it_is_waited_for_is_kept() {
    let (app, made) = furnished(true).await;
    let registry = made["ServiceDiscoveryService"]["Arn"].clone();
    app.aws
        .on("servicediscovery:DeleteService")
        .once()
        .meets(Fault::refuse("ResourceInUse", "it has instances"));
    let begin_to_use = async {
        sleep(Duration::from_secs(1)).await;
        let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
        let second = json!({"cluster": "myclu", "serviceName": "second", "taskDefinition": "mytaskdef:1", "desiredCount": 0,
            "launchType": "FARGATE", "networkConfiguration": network, "serviceRegistries": [{"registryArn": registry}]});
        app.aws.put(MEMBER, "ecs:CreateService", &second).unwrap();
    };
    let nothing = json!({});
    let delete = app.send("DELETE", RECURSIVE, None, &nothing);
    let (answer, ()) = tokio::join!(delete, begin_to_use);
    let answer = answer.expect(200);
    assert_eq!(
        answer["Kept"][0],
        json!({"Arn": registry, "Reason": "the service `second` uses it"})
    );
}

#[tokio::test(start_paused = true)]
async fn a_recursive_delete_without_a_registry_and_with_nothing_to_wait_for_takes_four_trips() {
    let (app, _) = furnished(false).await;
    app.aws.set_latency(Duration::from_millis(100));
    app.send("DELETE", RECURSIVE, None, &json!({}))
        .await
        .expect(200);
    assert_eq!(app.aws.depth(), 4, "{:?}", app.aws.operations());
}
