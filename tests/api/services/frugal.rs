//! A delete in a large account: how many calls it costs, of which quota.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::documented;
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

const CLUSTERS: usize = 30;
const SERVICES: usize = 50;
const BURST: f64 = 100.0;
const REFILL_S: f64 = 20.0;

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

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_refused_once_costs_a_second_walk_and_none_more() {
    let app = large_account(true).await;
    app.aws
        .on("servicediscovery:DeleteService")
        .once()
        .meets(Fault::refuse("ResourceInUse", "it has instances"));
    let counts = calls_of_a_delete(&app).await;
    assert_eq!(counts["servicediscovery:DeleteService"], 2, "{counts:?}");
    assert_eq!(counts["ecs:ListClusters"], 2, "{counts:?}");
}

/// Gives both calls ECS's own bucket, which every client of the account and region shares: 100 at once, and 20 more a
/// second (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
fn throttle_as_ecs_does(app: &ScriptedApp) {
    let bucket = Arc::new(Mutex::new((BURST, Instant::now())));
    for operation in ["ecs:ListServices", "ecs:DescribeServices"] {
        let bucket = Arc::clone(&bucket);
        app.aws
            .on(operation)
            .whose(move |_| {
                let (tokens, since) = &mut *bucket.lock().unwrap();
                let now = Instant::now();
                *tokens = BURST.min(*tokens + now.duration_since(*since).as_secs_f64() * REFILL_S);
                *since = now;
                let is_empty = *tokens < 1.0;
                if !is_empty {
                    *tokens -= 1.0;
                }
                is_empty
            })
            .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_walk_ends_and_nobody_else_starves() {
    let app = large_account(true).await;
    throttle_as_ecs_does(&app);
    app.aws.forget_calls();
    let somebody_else = async {
        for _ in 0..10 {
            let begun = Instant::now();
            let path = "/nonprod/clusters/cluster-7/services/service-1";
            app.send("GET", path, None, &json!({})).await.expect(200);
            assert!(begun.elapsed() < Duration::from_secs(2));
            sleep(Duration::from_secs(1)).await;
        }
    };
    let delete = async {
        let path = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";
        app.send("DELETE", path, None, &json!({})).await.expect(200)
    };
    let (deleted, ()) = tokio::join!(delete, somebody_else);
    assert_eq!(deleted["Deleted"].as_array().unwrap().len(), 3);
    // More than the bucket held at once: some were refused, and asked for again.
    let listed = app.aws.operations();
    let throttled = listed
        .iter()
        .filter(|call| ["ecs:ListServices", "ecs:DescribeServices"].contains(&call.as_str()));
    let asked_for = CLUSTERS + 1 + CLUSTERS * SERVICES / 10 + 2 + 10;
    assert!(throttled.count() > asked_for, "{listed:?}");
}
