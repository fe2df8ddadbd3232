//! Back to an earlier service revision, with everything that it had.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::update_service::{DEPLOYED, deploy, deployable, revision};
use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

mod faults;
mod once;

/// The rollback of the service that is deployed.
const PATH: &str = "/nonprod/clusters/shop/services/web/rollback";
/// The time after which a deployment of the fake AWS is over.
const OVER: Duration = Duration::from_mins(5);

async fn roll_back(app: &ScriptedApp, body: &Value) -> Answer {
    app.send("POST", PATH, None, body).await
}

/// Has a revision deregistered.
fn deregister(app: &ScriptedApp, name: &str) {
    let input = json!({"taskDefinition": name});
    let put = app.aws.put(MEMBER, "ecs:DeregisterTaskDefinition", &input);
    put.expect("it is there");
}

/// A service on whose three tags each deployment has succeeded.
async fn deployed_twice() -> ScriptedApp {
    let app = deployable();
    sleep(OVER).await;
    for tag in ["2", "3"] {
        deploy(&app, &json!({"tag": tag})).await.expect(200);
        sleep(OVER).await;
    }
    app.aws.forget_calls();
    app
}

fn revisions(app: &ScriptedApp) -> usize {
    let arns = app.inventory();
    let definitions = arns.iter().filter(|arn| arn.contains(":task-definition/"));
    definitions.count()
}

#[tokio::test(start_paused = true)]
async fn without_a_name_it_is_the_last_that_succeeded_before_the_one_that_runs() {
    let app = deployed_twice().await;
    let rolled_back = roll_back(&app, &json!({})).await;
    let answer = rolled_back.expect(200);
    assert_eq!(answer["Changed"], true);
    assert_eq!(answer["TaskDefinition"], revision(2));
    assert_eq!(answer["PreviousTaskDefinition"], revision(3));
    let id = answer["Deployment"].as_str().unwrap();
    assert_eq!(rolled_back.header("etag"), Some(&*format!("\"{id}\"")));
    let changes = json!([{"Path": "taskDefinition", "From": revision(3), "To": revision(2)}]);
    assert_eq!(answer["Changes"], changes);
    let sent = json!({"cluster": "shop", "service": "web", "taskDefinition": revision(2)});
    assert_eq!(app.aws.sent("ecs:UpdateService"), [sent]);
    assert_eq!(revisions(&app), 3, "nothing is registered");
}

#[tokio::test(start_paused = true)]
async fn a_revision_is_named_by_its_id_or_arn_or_by_its_task_definition() {
    let app = deployable();
    let first = app.send("GET", DEPLOYED, None, &json!({})).await;
    let first = first.header("etag").unwrap().trim_matches('"').to_owned();
    sleep(OVER).await;
    deploy(&app, &json!({"tag": "2"})).await.expect(200);
    sleep(OVER).await;
    let arn = format!("arn:aws:ecs:us-east-1:{MEMBER}:service-revision/shop/web/{first}");
    for to in [&*first, &arn, "web:1", &revision(1)] {
        let answer = roll_back(&app, &json!({"to": to})).await.expect(200);
        assert_eq!(answer["TaskDefinition"], revision(1), "{to}");
        sleep(OVER).await;
        let again = roll_back(&app, &json!({"to": to})).await.expect(200);
        assert_eq!(again["Changed"], false, "{to}");
        deploy(&app, &json!({"taskDefinition": "web:2"}))
            .await
            .expect(200);
        sleep(OVER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_was_deregistered_is_registered_again() {
    let app = deployed_twice().await;
    deregister(&app, "web:2");
    let answer = roll_back(&app, &json!({})).await.expect(200);
    assert_eq!(answer["TaskDefinition"], revision(4));
    let registered = &app.aws.sent("ecs:RegisterTaskDefinition")[0];
    assert_eq!(
        registered["containerDefinitions"][0]["image"],
        "host:5000/team/web:2"
    );
    let tags = registered["tags"].as_array().unwrap();
    let has = |key: &str, value: &str| tags.contains(&json!({"key": key, "value": value}));
    assert!(
        has("team", "shop") && has("ecs-api:caller", "writer"),
        "{tags:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_rollback_takes_its_copy_back() {
    let app = deployed_twice().await;
    deregister(&app, "web:2");
    let before = revisions(&app);
    app.aws
        .on("ecs:UpdateService")
        .meets(Fault::refuse("AccessDeniedException", "no"));
    let problem = roll_back(&app, &json!({})).await.problem(403);
    assert_eq!(problem["RolledBack"], json!([{"Arn": revision(4)}]));
    assert_eq!(revisions(&app), before);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_nothing_to_go_back_to_it_says_so() {
    let app = deployable();
    sleep(OVER).await;
    let problem = roll_back(&app, &json!({})).await.problem(409);
    assert_eq!(problem["code"], "NothingBefore");
    let problem = roll_back(&app, &json!({"to": "1234567890123456789"}))
        .await
        .problem(404);
    assert_eq!(problem["code"], "NotFound");
    roll_back(&app, &json!({"to": "web:9"})).await.problem(404);
    for to in [
        json!("web"),
        json!("a b"),
        json!(7),
        json!("arn:aws:ecs:us-east-1:1:x"),
    ] {
        let problem = roll_back(&app, &json!({"to": to})).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], "to", "{to}");
    }
    assert!(app.aws.sent("ecs:UpdateService").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_tells_how_the_deployment_ended_or_where_to_ask() {
    let app = deployed_twice().await;
    let path = format!("{DEPLOYED}?wait=1");
    let answer = app.send("PATCH", &path, None, &json!({"tag": "4"})).await;
    let deployed = answer.expect(202);
    let id = deployed["Deployment"].as_str().unwrap();
    assert_eq!(deployed["State"], "running");
    let location = answer.header("location").unwrap();
    assert_eq!(
        location,
        format!("/v1/ecs{DEPLOYED}/deployments/{id}?wait=25")
    );
    assert_eq!(answer.header("retry-after"), Some("0"));
    sleep(OVER).await;
    let shown = app
        .send(
            "GET",
            location.trim_start_matches("/v1/ecs"),
            None,
            &json!({}),
        )
        .await;
    assert_eq!(shown.expect(200)["State"], "succeeded");

    // Nothing is deployed, and nothing is waited for.
    let begun = Instant::now();
    let path = format!("{DEPLOYED}?wait=25");
    let answer = app
        .send("PATCH", &path, None, &json!({"tag": "4"}))
        .await
        .expect(200);
    assert_eq!(answer["Changed"], false);
    assert!(answer.get("State").is_none() && begun.elapsed() < Duration::from_secs(5));

    let path = format!("{PATH}?wait=1");
    let answer = app.send("POST", &path, None, &json!({})).await;
    let id = answer.expect(202)["Deployment"]
        .as_str()
        .unwrap()
        .to_owned();
    let expected = format!("/v1/ecs{DEPLOYED}/deployments/{id}?wait=25");
    assert_eq!(answer.header("location"), Some(&*expected));
    for wait in ["0", "26", "x"] {
        let path = format!("{DEPLOYED}?wait={wait}");
        app.send("PATCH", &path, None, &json!({"tag": "5"}))
            .await
            .problem(400);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_key_goes_back_once() {
    let app = deployed_twice().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = app
            .send("POST", PATH, Some("back-1"), &json!({}))
            .await
            .expect(200);
        assert_eq!(answer["TaskDefinition"], revision(2));
        ids.push(answer["Deployment"].clone());
        sleep(OVER).await;
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(app.aws.sent("ecs:UpdateService").len(), 1);
}
