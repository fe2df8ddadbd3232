//! A deploy is done once, and one that dies leaves nothing: `Idempotency-Key`, the record and its watch.

use std::time::Duration;

use fake_aws::{Fault, Moment};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{DEPLOYED, WATCHED, deploy, deployable, revision, revisions, service};
use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

/// The time that each call takes where depths are counted.
const LATENCY: Duration = Duration::from_millis(100);

async fn deploy_keyed(app: &ScriptedApp, key: &str, body: &Value) -> Answer {
    app.send("PATCH", DEPLOYED, Some(key), body).await
}

/// The number of deployments of the service, those that are over too. ECS tells of one some seconds after its update.
async fn deployments(app: &ScriptedApp) -> usize {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let input = json!({"cluster": "shop", "service": "web"});
    let listed = app
        .aws
        .ask(MEMBER, "ecs:ListServiceDeployments", &input)
        .await;
    let listed = listed.unwrap();
    listed["serviceDeployments"].as_array().unwrap().len()
}

fn count(app: &ScriptedApp, operation: &str) -> usize {
    app.aws.sent(operation).len()
}

#[tokio::test(start_paused = true)]
async fn the_same_key_deploys_once_and_is_answered_what_it_did() {
    let app = deployable();
    let body = json!({"tag": "2", "forceNewDeployment": true});
    let first = deploy_keyed(&app, "deploy-42", &body).await.expect(200);
    for _ in 0..2 {
        let again = deploy_keyed(&app, "deploy-42", &body).await.expect(200);
        for member in [
            "Changed",
            "TaskDefinition",
            "PreviousTaskDefinition",
            "Deployment",
            "Changes",
        ] {
            assert_eq!(again[member], first[member], "{member}");
        }
    }
    assert_eq!(
        (
            count(&app, "ecs:RegisterTaskDefinition"),
            count(&app, "ecs:UpdateService")
        ),
        (1, 1)
    );
    // Somebody deploys something else: the repetition does not deploy over it.
    deploy(&app, &json!({"tag": "3"})).await.expect(200);
    let again = deploy_keyed(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(again["Service"]["TaskDefinition"], revision(3));
    assert_eq!(again["Deployment"], first["Deployment"]);
    assert_eq!(count(&app, "ecs:UpdateService"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_key_with_another_body_is_a_conflict() {
    let app = deployable();
    deploy_keyed(&app, "deploy-42", &json!({"tag": "2"}))
        .await
        .expect(200);
    for body in [
        json!({"tag": "3"}),
        json!({"desiredCount": 1}),
        json!({"tags": {"a": "b"}}),
    ] {
        let problem = deploy_keyed(&app, "deploy-42", &body).await.problem(409);
        assert_eq!(problem["code"], "IdempotencyKeyReused", "{body}");
    }
    assert_eq!(service(&app).await["taskDefinition"], revision(2));
}

#[tokio::test(start_paused = true)]
async fn the_same_key_at_the_same_moment_deploys_once() {
    let app = deployable();
    app.aws.set_uneven_latency();
    let other = app.another_process("two");
    other.aws.set_uneven_latency();
    let body = json!({"tag": "2", "forceNewDeployment": true});
    let (one, two) = tokio::join!(
        deploy_keyed(&app, "deploy-42", &body),
        deploy_keyed(&other, "deploy-42", &body),
    );
    let (one, two) = (one.expect(200), two.expect(200));
    assert_eq!(one["Deployment"], two["Deployment"]);
    assert_eq!(one["TaskDefinition"], two["TaskDefinition"]);
    let both = |operation: &str| count(&app, operation) + count(&other, operation);
    assert_eq!(
        (
            both("ecs:RegisterTaskDefinition"),
            both("ecs:UpdateService")
        ),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_with_a_key_is_set_once() {
    let app = deployable();
    let body = json!({"desiredCount": 1});
    deploy_keyed(&app, "scale-1", &body).await.expect(200);
    deploy(&app, &json!({"desiredCount": 5})).await.expect(200);
    let again = deploy_keyed(&app, "scale-1", &body).await.expect(200);
    assert_eq!(again["Service"]["DesiredCount"], 5);
    assert_eq!(count(&app, "ecs:UpdateService"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_killed_at_any_call_is_taken_back_or_done_without_its_caller() {
    let mut number = 1;
    let mut ends = [0, 0];
    loop {
        let mut was_killed = false;
        for moment in [Moment::BeforeWork, Moment::AfterWork] {
            let app = deployable();
            let body = json!({"tag": "2"});
            let killed = app.aws.kill_at(number, moment, deploy(&app, &body)).await;
            was_killed = killed.is_none();
            if !was_killed {
                break;
            }
            let killed_at = app.aws.operations().last().cloned();
            app.deliver_for(WATCHED).await;
            let runs = service(&app).await["taskDefinition"].clone();
            let is_done = runs == revision(2);
            let expected = if is_done {
                vec![revision(1), revision(2)]
            } else {
                vec![revision(1)]
            };
            assert_eq!(
                revisions(&app),
                expected,
                "killed at {number}, {killed_at:?}, {moment:?}"
            );
            assert_eq!(runs, *expected.last().unwrap());
            ends[usize::from(is_done)] += 1;
        }
        if !was_killed {
            break;
        }
        number += 1;
    }
    assert!(ends[0] >= 8 && ends[1] >= 2, "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_key_goes_on_with_what_a_dead_invocation_has_left() {
    let mut number = 1;
    loop {
        let mut was_killed = false;
        for moment in [Moment::BeforeWork, Moment::AfterWork] {
            let app = deployable();
            let before = deployments(&app).await;
            let body = json!({"tag": "2", "forceNewDeployment": true});
            let killed = app
                .aws
                .kill_at(number, moment, deploy_keyed(&app, "deploy-42", &body));
            was_killed = killed.await.is_none();
            if !was_killed {
                break;
            }
            // The lease is over, and the watch has not come.
            tokio::time::sleep(Duration::from_secs(40)).await;
            let deployed = deploy_keyed(&app, "deploy-42", &body).await.expect(200);
            let case = format!("killed at {number}, {moment:?}: {:?}", app.aws.operations());
            assert_eq!(deployed["TaskDefinition"], revision(2), "{case}");
            assert_eq!(revisions(&app), [revision(1), revision(2)], "{case}");
            assert_eq!(deployments(&app).await, before + 1, "{case}");
        }
        if !was_killed {
            break;
        }
        number += 1;
    }
    assert!(number > 7, "only {number} calls were made");
}

#[tokio::test(start_paused = true)]
async fn a_tag_costs_four_calls_one_after_the_other_and_a_short_one() {
    let app = deployable();
    // The session is there, as it is in all but the first request.
    app.send("GET", DEPLOYED, None, &json!({}))
        .await
        .expect(200);
    app.aws.set_latency(LATENCY);
    for (tag, depth) in [("2", 5), ("3", 4)] {
        app.aws.forget_calls();
        let begun = Instant::now();
        deploy(&app, &json!({"tag": tag})).await.expect(200);
        assert_eq!(app.aws.depth(), depth, "{:?}", app.aws.operations());
        assert!(begun.elapsed() < LATENCY * (u32::try_from(depth).unwrap() + 1));
        // The last one writes down the end: it is the table's, in milliseconds.
        assert_eq!(app.aws.operations().last().unwrap(), "dynamodb:PutItem");
    }
    app.aws.forget_calls();
    deploy(&app, &json!({"desiredCount": 3})).await.expect(200);
    assert_eq!(app.aws.operations(), ["ecs:UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_account_runs_is_never_taken_for_anothers() {
    let app = deployable();
    deploy(&app, &json!({"tag": "2"})).await.expect(200);
    app.aws.forget_calls();
    let other = app.another_process("two");
    deploy(&other, &json!({"tag": "3"})).await.expect(200);
    assert_eq!(count(&other, "ecs:DescribeTaskDefinition"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_table_nothing_is_begun() {
    let app = deployable();
    app.aws.on("dynamodb:PutItem").meets(Fault::fail(500));
    let problem = deploy(&app, &json!({"tag": "2"})).await.problem(503);
    assert_eq!(problem["code"], "RecordUnavailable");
    assert_eq!(revisions(&app), [revision(1)]);
    // The number of tasks needs no record.
    deploy(&app, &json!({"desiredCount": 1})).await.expect(200);
}
