//! `ETag` of what is deployed, and `If-Match`.

use serde_json::{Value, json};

use super::{DEPLOYED, deploy, deployable, revision};
use crate::support::Answer;
use crate::support::scripted::ScriptedApp;

/// Deploys under the condition of an `If-Match`.
async fn deploy_if(app: &ScriptedApp, if_match: &str, body: &Value) -> Answer {
    app.send_with("PATCH", DEPLOYED, &[("if-match", if_match)], body)
        .await
}

async fn etag(app: &ScriptedApp) -> String {
    let shown = app.send("GET", DEPLOYED, None, &json!({})).await;
    shown
        .header("etag")
        .expect("a service has an ETag")
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_gives_a_service_another_etag_and_nothing_else_does() {
    let app = deployable();
    let first = etag(&app).await;
    let whole = app
        .send("GET", &format!("{DEPLOYED}?all=true"), None, &json!({}))
        .await;
    assert_eq!(whole.header("etag"), Some(&*first));
    deploy(&app, &json!({"desiredCount": 1})).await.expect(200);
    assert_eq!(etag(&app).await, first);
    let deployed = deploy(&app, &json!({"tag": "2"})).await;
    let second = etag(&app).await;
    assert_ne!(second, first);
    assert_eq!(deployed.header("etag"), Some(&*second));
}

#[tokio::test(start_paused = true)]
async fn what_was_deployed_since_is_not_deployed_over() {
    let app = deployable();
    let seen = etag(&app).await;
    deploy_if(&app, &seen, &json!({"tag": "2"}))
        .await
        .expect(200);
    let present = etag(&app).await;
    for if_match in [&*seen, "\"1\", \"2\"", "\"\"", &format!("W/{present}")] {
        for body in [
            json!({"tag": "3"}),
            json!({"desiredCount": 1}),
            json!({"tags": {"a": "b"}}),
        ] {
            let answer = deploy_if(&app, if_match, &body).await;
            let problem = answer.problem(412);
            assert_eq!(problem["code"], "DeployedSince", "{if_match}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains(&format!("its `ETag` is `{present}`")),
                "{detail}"
            );
            assert_eq!(answer.header("etag"), Some(&*present));
        }
    }
    for if_match in ["*", &present, &format!("\"x\", {present}")] {
        deploy_if(&app, if_match, &json!({"desiredCount": 1}))
            .await
            .expect(200);
    }
    let shown = deploy_if(&app, &format!("\"x\",{present}"), &json!({"tag": "3"}))
        .await
        .expect(200);
    assert_eq!(shown["TaskDefinition"], revision(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_etag_is_refused_before_any_call() {
    let app = deployable();
    for if_match in ["123", "\"1\", 2", "\"", "W/1", ""] {
        let problem = deploy_if(&app, if_match, &json!({"tag": "2"}))
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["path"], "If-Match", "{if_match}");
    }
    assert_eq!(app.aws.operations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_answered_although_its_own_deploy_has_changed_the_etag() {
    let app = deployable();
    let seen = etag(&app).await;
    let headers = [("if-match", &*seen), ("idempotency-key", "deploy-42")];
    for _ in 0..2 {
        let deployed = app
            .send_with("PATCH", DEPLOYED, &headers, &json!({"tag": "2"}))
            .await;
        assert_eq!(deployed.expect(200)["TaskDefinition"], revision(2));
    }
}
