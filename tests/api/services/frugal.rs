//! A delete in a large account: how many calls it costs, of which quota.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

const CLUSTERS: usize = 30;
const SERVICES: usize = 50;

/// An account with 30 clusters of 50 services, and the documented service.
async fn large_account(has_registry: bool) -> ScriptedApp {
    let app = ScriptedApp::new();
    let mut body = documented(NAMESPACE);
    body["service"]["desiredcount"] = 0.into();
    if !has_registry {
        body.as_object_mut().unwrap().remove("serviceregistry");
    }
    app.create(None, &body).await.expect(200);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    for cluster in 0..CLUSTERS {
        let name = format!("cluster-{cluster}");
        let put = |operation: &str, input: &Value| {
            app.aws
                .put(MEMBER, operation, input)
                .expect("nothing is in the way");
        };
        put("ecs:CreateCluster", &json!({"clusterName": name}));
        for service in 0..SERVICES {
            put(
                "ecs:CreateService",
                &json!({"cluster": name, "serviceName": format!("service-{service}"),
                "taskDefinition": "mytaskdef:1", "desiredCount": 0, "launchType": "FARGATE",
                "networkConfiguration": network}),
            );
        }
    }
    app.aws.forget_calls();
    app
}

/// The calls of a recursive delete, by operation.
async fn calls_of_a_delete(app: &ScriptedApp) -> BTreeMap<String, usize> {
    let path = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";
    app.send("DELETE", path, None, &json!({})).await.expect(200);
    let mut counts = BTreeMap::new();
    for call in app.aws.operations() {
        *counts.entry(call).or_default() += 1;
    }
    counts.remove("sts:AssumeRole");
    counts
}

#[tokio::test(start_paused = true)]
async fn a_delete_without_a_registry_asks_for_nothing_but_its_own() {
    let app = large_account(false).await;
    let counts = calls_of_a_delete(&app).await;
    let expected = [
        ("ecs:DeleteCluster", 1),
        ("ecs:DeleteService", 1),
        ("ecs:DescribeClusters", 1),
        ("ecs:DescribeServices", 2),
        ("ecs:ListTasks", 2),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(operation, count)| (operation.to_owned(), count))
        .into();
    assert_eq!(counts, expected);
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_a_registry_walks_through_the_account_once() {
    let app = large_account(true).await;
    let counts = calls_of_a_delete(&app).await;
    // Thirty clusters with a page of fifty, described ten at a time, and the two looks of the delete itself.
    assert_eq!(counts["ecs:ListClusters"], 1, "{counts:?}");
    assert_eq!(counts["ecs:ListServices"], CLUSTERS + 1, "{counts:?}");
    assert_eq!(
        counts["ecs:DescribeServices"],
        CLUSTERS * SERVICES / 10 + 2,
        "{counts:?}"
    );
    assert_eq!(counts["ecs:ListTasks"], 2, "{counts:?}");
}
