//! A rollback's faults at AWS, its condition, and the parts beside a task definition that it puts back.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::update_service::{DEPLOYED, WATCHED, deploy, revision, revisions, service};
use super::{OVER, PATH, deployed_twice, deregister, roll_back};
use crate::support::Answer;
use crate::support::scripted::ScriptedApp;

/// A service that goes back to a definition that must be registered again.
async fn to_be_copied() -> ScriptedApp {
    let app = deployed_twice().await;
    deregister(&app, "web:2");
    app
}

/// Goes back under the condition of an `If-Match`.
async fn roll_back_if(app: &ScriptedApp, if_match: &str, body: &Value) -> Answer {
    app.send_with("POST", PATH, &[("if-match", if_match)], body)
        .await
}

/// A service that was given a strategy of capacity providers after it had none.
async fn placed_on_spot() -> ScriptedApp {
    let app = deployed_twice().await;
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let body = json!({"capacityProviderStrategy": spot, "forceNewDeployment": true});
    deploy(&app, &body).await.expect(200);
    sleep(OVER).await;
    app.aws.forget_calls();
    app
}

async fn etag(app: &ScriptedApp) -> String {
    let shown = app.send("GET", DEPLOYED, None, &json!({})).await;
    shown.header("etag").expect("a service has one").to_owned()
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_the_update_takes_the_copy_back() {
    for (code, status) in [
        ("AccessDeniedException", 403),
        ("InvalidParameterException", 400),
        ("ServiceNotActiveException", 409),
        ("ThrottlingException", 429),
    ] {
        let app = to_be_copied().await;
        let there = revisions(&app);
        app.aws
            .on("ecs:UpdateService")
            .meets(Fault::refuse(code, "injected"));
        let problem = roll_back(&app, &json!({})).await.problem(status);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["Created"], json!([{"Arn": revision(4)}]));
        assert_eq!(problem["RolledBack"], json!([{"Arn": revision(4)}]));
        assert_eq!(revisions(&app), there, "{code}");
        assert_eq!(service(&app).await["taskDefinition"], revision(3));
        app.aws.forget_script();
        roll_back(&app, &json!({})).await.expect(200);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_does_without_a_word_is_done() {
    for fault in [
        Fault::reset().after_work(),
        Fault::first_half(),
        Fault::garbage(),
        Fault::silence().after_work(),
        Fault::fail(500).and_work_later(Duration::from_millis(1500)),
    ] {
        for (app, expected) in [(to_be_copied().await, 4), (deployed_twice().await, 2)] {
            app.aws.on("ecs:UpdateService").once().meets(fault.clone());
            let answer = roll_back(&app, &json!({})).await.expect(200);
            assert_eq!(answer["TaskDefinition"], revision(expected), "{fault:?}");
            assert!(answer["Deployment"].is_string(), "{fault:?}");
            let deployments = service(&app).await["deployments"].clone();
            assert_eq!(deployments.as_array().unwrap().len(), 2, "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_an_active_revision_whose_answer_is_lost_is_found_if_it_is_done() {
    for to in [json!({}), json!({"to": "web:1"})] {
        for fault in [Fault::reset().after_work(), Fault::silence().after_work()] {
            let app = deployed_twice().await;
            app.aws.on("ecs:UpdateService").meets(fault.clone());
            let answer = roll_back(&app, &to).await.expect(200);
            let expected = service(&app).await["taskDefinition"].clone();
            assert_ne!(expected, revision(3), "{to}, {fault:?}");
            assert_eq!(answer["TaskDefinition"], expected, "{to}, {fault:?}");
            assert_eq!(answer["PreviousTaskDefinition"], revision(3));
            assert!(answer["Deployment"].is_string(), "{to}, {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_aws_never_does_is_not_taken_for_the_deployment_that_it_would_end() {
    let app = deployed_twice().await;
    // The deployment of this one is not over: tasks of the one before still run.
    deploy(&app, &json!({"tag": "4"})).await.expect(200);
    app.aws.on("ecs:UpdateService").meets(Fault::silence());
    let problem = roll_back(&app, &json!({"to": "web:3"})).await.problem(504);
    assert_eq!(problem["LeftBehind"][0]["Arn"], "web");
    assert_eq!(service(&app).await["taskDefinition"], revision(4));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_aws_never_answers_is_looked_after_by_the_watch() {
    // AWS does it long after the answer, or never.
    for (later, expected) in [(Some(Duration::from_secs(30)), 4), (None, 3)] {
        let app = to_be_copied().await;
        let there = revisions(&app);
        let fault = match later {
            Some(later) => Fault::silence().and_work_later(later),
            None => Fault::silence(),
        };
        app.aws.on("ecs:UpdateService").meets(fault);
        let problem = roll_back(&app, &json!({})).await.problem(504);
        assert_eq!(problem["RolledBack"], json!([]));
        let left = problem["LeftBehind"].as_array().unwrap();
        let names: Vec<_> = left
            .iter()
            .map(|left| left["Arn"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["web", &revision(4)]);
        app.deliver_for(WATCHED).await;
        assert_eq!(service(&app).await["taskDefinition"], revision(expected));
        let copy = (expected == 4).then(|| revision(4));
        let expected: Vec<_> = there.into_iter().chain(copy).collect();
        assert_eq!(revisions(&app), expected, "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_changes_nothing() {
    for operation in [
        "ecs:DescribeServices",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeTaskDefinition",
    ] {
        for (fault, status) in [
            (Fault::refuse("AccessDeniedException", "no"), 403),
            (Fault::refuse("ThrottlingException", "Rate exceeded"), 429),
            (Fault::silence(), 504),
        ] {
            let app = to_be_copied().await;
            let there = revisions(&app);
            app.aws.on(operation).meets(fault);
            roll_back(&app, &json!({})).await.problem(status);
            app.aws.forget_script();
            assert_eq!(revisions(&app), there, "{operation}");
            assert!(app.aws.sent("ecs:UpdateService").is_empty(), "{operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deployed_since_is_not_taken_back() {
    let app = to_be_copied().await;
    let there = revisions(&app);
    let present = etag(&app).await;
    for if_match in ["\"1\", \"2\"", "\"\"", &format!("W/{present}")] {
        let problem = roll_back_if(&app, if_match, &json!({})).await.problem(412);
        assert_eq!(problem["code"], "DeployedSince", "{if_match}");
    }
    assert_eq!(revisions(&app), there, "nothing is registered");
    assert!(app.aws.sent("ecs:UpdateService").is_empty());
    let body = json!({"to": "web:1"});
    for seen in [None, Some(())] {
        let if_match = match seen {
            Some(()) => etag(&app).await,
            None => "*".to_owned(),
        };
        let answer = roll_back_if(&app, &if_match, &body).await.expect(200);
        assert_eq!(answer["TaskDefinition"], revision(1));
        deploy(&app, &json!({"taskDefinition": "web:3"}))
            .await
            .expect(200);
        sleep(OVER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_strategy_of_capacity_providers_is_put_back_by_a_forced_deployment() {
    let app = placed_on_spot().await;
    let answer = roll_back(&app, &json!({})).await.expect(200);
    let expected = json!({"cluster": "shop", "service": "web", "capacityProviderStrategy": [],
        "forceNewDeployment": true});
    assert_eq!(app.aws.sent("ecs:UpdateService"), [expected]);
    assert_eq!(answer["TaskDefinition"], revision(3));
    assert_eq!(answer["Changes"][0]["Path"], "capacityProviderStrategy");
    assert!(answer["Changes"][0].get("To").is_none(), "{answer}");
    assert!(answer["Deployment"].is_string(), "{answer}");
    sleep(OVER).await;
    // And forth again.
    app.aws.forget_calls();
    roll_back(&app, &json!({})).await.expect(200);
    let sent = &app.aws.sent("ecs:UpdateService")[0];
    assert_eq!(
        sent["capacityProviderStrategy"][0]["capacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(sent["forceNewDeployment"], true);
}

#[tokio::test(start_paused = true)]
async fn a_forced_rollback_is_not_sent_again() {
    let app = placed_on_spot().await;
    app.aws
        .on("ecs:UpdateService")
        .meets(Fault::reset().after_work());
    let problem = app
        .send("POST", PATH, Some("back-1"), &json!({}))
        .await
        .problem(502);
    assert_eq!(problem["LeftBehind"][0]["Arn"], "web");
    app.aws.forget_script();
    sleep(WATCHED).await;
    // The same key finds that it was done.
    let answer = app.send("POST", PATH, Some("back-1"), &json!({})).await;
    assert_eq!(answer.expect(200)["Changed"], true);
    assert_eq!(app.aws.sent("ecs:UpdateService").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn service_connect_is_put_back_as_it_was() {
    let app = deployed_twice().await;
    let connect = json!({"enabled": true, "namespace": "example.internal"});
    let body = json!({"tag": "4", "serviceConnectConfiguration": connect});
    deploy(&app, &body).await.expect(200);
    sleep(OVER).await;
    for (expected, number) in [(json!({"enabled": false}), 3), (connect, 4)] {
        app.aws.forget_calls();
        let answer = roll_back(&app, &json!({})).await.expect(200);
        assert_eq!(answer["TaskDefinition"], revision(number));
        let sent = &app.aws.sent("ecs:UpdateService")[0];
        assert_eq!(sent["serviceConnectConfiguration"], expected);
        assert_eq!(sent["taskDefinition"], revision(number));
        sleep(OVER).await;
    }
}
