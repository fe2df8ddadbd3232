//! A rollback is done once, and one that dies leaves no copy: `Idempotency-Key`, the record and its watch.

use std::time::Duration;

use fake_aws::Moment;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::update_service::{DEPLOYED, WATCHED, deploy, deployable, revision, revisions};
use super::{OVER, PATH, deployed_twice, deregister, roll_back};
use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

/// The time after which the lease of a dead invocation is over, and its watch has not come.
const LEASE_OVER: Duration = Duration::from_secs(40);
/// The time that each call takes where depths are counted.
const LATENCY: Duration = Duration::from_millis(100);

/// A way back, and what the service runs at its end.
struct Way {
    name: &'static str,
    body: Value,
    runs: String,
    /// A copy is registered for it.
    copies: bool,
}

/// The ways back: with and without a copy, in the service's family and in another one, chosen and named.
fn ways() -> [Way; 5] {
    let other = |number| revision(number).replace("/web:", "/other:");
    let way = |name, body, runs, copies| Way {
        name,
        body,
        runs,
        copies,
    };
    [
        way("chosen", json!({}), revision(2), false),
        way("named", json!({"to": "web:1"}), revision(1), false),
        way("copied", json!({}), revision(4), true),
        way("chosen in another family", json!({}), other(2), true),
        way(
            "named in another family",
            json!({"to": "other:1"}),
            other(2),
            true,
        ),
    ]
}

/// A service that may go a way.
async fn before(way: &Way) -> ScriptedApp {
    if !way.name.ends_with("another family") {
        let app = deployed_twice().await;
        if way.copies {
            deregister(&app, "web:2");
        }
        return app;
    }
    let app = deployable();
    let container = json!({"name": "web", "image": "team/other:1", "essential": true});
    let definition = json!({"family": "other", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [container]});
    app.aws
        .put(MEMBER, "ecs:RegisterTaskDefinition", &definition)
        .unwrap();
    sleep(OVER).await;
    for name in ["other:1", "web:1"] {
        deploy(&app, &json!({"taskDefinition": name}))
            .await
            .expect(200);
        sleep(OVER).await;
    }
    deregister(&app, "other:1");
    app
}

async fn with_key(app: &ScriptedApp, body: &Value) -> Answer {
    app.send("POST", PATH, Some("back-1"), body).await
}

/// The ARN of the definition that the service runs.
async fn runs(app: &ScriptedApp) -> String {
    let shown = app
        .send("GET", DEPLOYED, None, &json!({}))
        .await
        .expect(200);
    let arn = shown["Services"][0]["TaskDefinition"].as_str();
    arn.unwrap().to_owned()
}

/// The revisions that are there once a rollback is done: the copy beside those of before.
fn with_copy(way: &Way, mut revisions: Vec<String>) -> Vec<String> {
    revisions.extend(way.copies.then(|| way.runs.clone()));
    revisions.sort();
    revisions
}

/// The number of deployments of the service, those that are over too.
async fn deployments(app: &ScriptedApp) -> usize {
    sleep(Duration::from_secs(10)).await;
    let input = json!({"cluster": "shop", "service": "web"});
    let listed = app.aws.ask(MEMBER, "ecs:ListServiceDeployments", &input);
    let listed = listed.await.unwrap();
    listed["serviceDeployments"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn one_that_is_killed_at_any_call_leaves_no_copy_or_is_done() {
    // Without a copy there is nothing to leave.
    for way in &ways()[2..4] {
        let mut ends = [0, 0];
        let mut number = 0;
        'calls: loop {
            number += 1;
            for moment in [Moment::BeforeWork, Moment::AfterWork] {
                let app = before(way).await;
                let (present, there) = (runs(&app).await, revisions(&app));
                app.aws.forget_calls();
                let killed = app.aws.kill_at(number, moment, roll_back(&app, &way.body));
                if killed.await.is_some() {
                    break 'calls;
                }
                let case = format!(
                    "{}, killed at {:?} {moment:?}",
                    way.name,
                    app.aws.operations()
                );
                app.deliver_for(WATCHED).await;
                let is_done = runs(&app).await == way.runs;
                let expected = if is_done {
                    with_copy(way, there)
                } else {
                    assert_eq!(runs(&app).await, present, "{case}");
                    there
                };
                assert_eq!(revisions(&app), expected, "{case}");
                ends[usize::from(is_done)] += 1;
            }
        }
        assert!(ends[0] >= 8 && ends[1] >= 2, "{}: {ends:?}", way.name);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_key_goes_on_with_one_that_died() {
    for way in &ways()[..4] {
        let mut number = 0;
        'calls: loop {
            number += 1;
            for moment in [Moment::BeforeWork, Moment::AfterWork] {
                let app = before(way).await;
                let (there, deployed) = (revisions(&app), deployments(&app).await);
                app.aws.forget_calls();
                let killed = app.aws.kill_at(number, moment, with_key(&app, &way.body));
                if killed.await.is_some() {
                    break 'calls;
                }
                let case = format!(
                    "{}, killed at {:?} {moment:?}",
                    way.name,
                    app.aws.operations()
                );
                sleep(LEASE_OVER).await;
                let answer = with_key(&app, &way.body).await.expect(200);
                assert_eq!(answer["Changed"], true, "{case}");
                assert_eq!(answer["TaskDefinition"], way.runs, "{case}");
                assert_eq!(revisions(&app), with_copy(way, there), "{case}");
                assert_eq!(deployments(&app).await, deployed + 1, "{case}");
            }
        }
        assert!(number > 6, "{}: only {number} calls were made", way.name);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_key_goes_back_no_further_once_its_deployment_is_over() {
    let app = deployed_twice().await;
    let body = json!({});
    let dies = with_key(&app, &body);
    tokio::select! {
        () = app.aws.until_called("ecs:UpdateService") => {}
        answer = dies => panic!("answered {}", answer.status),
    }
    sleep(OVER).await;
    assert_eq!(runs(&app).await, revision(2));
    let answer = with_key(&app, &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"], revision(2));
    assert_eq!(answer["Changed"], true);
    assert_eq!(app.aws.sent("ecs:UpdateService").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_condition_of_one_that_died_is_held_against_what_it_saw() {
    let app = deployed_twice().await;
    let shown = app.send("GET", DEPLOYED, None, &json!({})).await;
    let seen = shown.header("etag").unwrap().to_owned();
    let headers = [("if-match", &*seen), ("idempotency-key", "back-1")];
    app.aws.forget_calls();
    let body = json!({});
    let dies = app.send_with("POST", PATH, &headers, &body);
    tokio::select! {
        () = app.aws.until_called("ecs:UpdateService") => {}
        answer = dies => panic!("answered {}", answer.status),
    }
    sleep(LEASE_OVER).await;
    let answer = app.send_with("POST", PATH, &headers, &body).await;
    assert_eq!(answer.expect(200)["TaskDefinition"], revision(2));
    assert_eq!(app.aws.sent("ecs:UpdateService").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_costs_four_calls_one_after_the_other_and_short_ones() {
    for (key, way, depth) in [
        (None, &ways()[0], 5),
        (None, &ways()[1], 4),
        // A copy is registered, and one in another family is written down before.
        (None, &ways()[2], 6),
        (None, &ways()[3], 7),
        (None, &ways()[4], 6),
        // What it has chosen is written down before it is done.
        (Some("back-1"), &ways()[0], 6),
        (Some("back-1"), &ways()[1], 4),
        (Some("back-1"), &ways()[3], 7),
    ] {
        let app = before(way).await;
        app.aws.forget_calls();
        app.aws.set_latency(LATENCY);
        let begun = Instant::now();
        app.send("POST", PATH, key, &way.body).await.expect(200);
        let operations = app.aws.operations();
        assert_eq!(
            app.aws.depth(),
            depth,
            "{} {key:?}: {operations:?}",
            way.name
        );
        assert!(begun.elapsed() < LATENCY * (u32::try_from(depth).unwrap() + 1));
        assert_eq!(operations.last().unwrap(), "dynamodb:PutItem");
    }
}
