//! The calls to AWS that are repeated, unseen by the caller.

use std::time::Duration;

use fake_aws::{Fault, Refusal};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Caller, TestApp};

/// Returns how often an operation was called.
fn count(app: &TestApp, operation: &str) -> usize {
    let operations = app.aws().operations();
    operations.iter().filter(|call| *call == operation).count()
}

fn error(code: &str) -> Fault {
    Fault::refuse(code, "injected")
}

/// A task definition that AWS takes.
fn web() -> Value {
    let container = json!({"name": "app", "image": "nginx"});
    json!({"family": "web", "cpu": "256", "memory": "512", "containerDefinitions": [container]})
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_renewed_once_for_all_calls_on_their_way() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        let app = TestApp::scripted();
        app.get("/nonprod/clusters").await.expect(200);
        for operation in ["ecs:ListClusters", "ecs:DescribeClusters"] {
            app.aws().on(operation).once().meets(error(code));
        }
        let (list, show) =
            tokio::join!(app.get("/nonprod/clusters"), app.get("/nonprod/clusters/a"));
        assert_eq!((list.status, show.status), (200, 404));
        assert_eq!(count(&app, "sts:AssumeRole"), 2, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_no_reason_to_create_anything_twice() {
    let app = TestApp::scripted();
    let register = app.aws().on("ecs:RegisterTaskDefinition").once();
    register.meets(error("ExpiredTokenException"));
    let answer = app.post("/nonprod/taskdefs", &web()).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_again_and_again_is_given_up() {
    let app = TestApp::scripted();
    let list = app.aws().on("ecs:ListClusters");
    list.meets(error("ExpiredTokenException"));
    app.get("/nonprod/clusters").await.problem(502);
    assert_eq!(
        (
            count(&app, "ecs:ListClusters"),
            count(&app, "sts:AssumeRole")
        ),
        (3, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_not_a_throttling() {
    let app = TestApp::scripted();
    let create = app.aws().on("ecs:CreateCluster");
    create.meets(error("LimitExceededException"));
    let problem = app
        .post("/nonprod/clusters", &json!({"name": "a"}))
        .await
        .problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("LimitExceededException"), &json!(false))
    );
    assert_eq!(count(&app, "ecs:CreateCluster"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_aws_failed_to_create_is_asked_for_again() {
    let app = TestApp::scripted();
    let create = app.aws().on("ecs:CreateCluster").once();
    create.meets(Fault::refusal(
        Refusal::of("ServerException", "oops").status(500),
    ));
    app.post("/nonprod/clusters", &json!({"name": "a"}))
        .await
        .expect(200);
    assert_eq!(count(&app, "ecs:CreateCluster"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_nonsense_is_asked_for_again() {
    let app = TestApp::scripted();
    let list = app.aws().on("ecs:ListClusters").once();
    list.meets(Fault::first_half());
    app.get("/nonprod/clusters").await.expect(200);
    let register = app.aws().on("ecs:RegisterTaskDefinition");
    register.meets(Fault::first_half());
    let problem = app.post("/nonprod/taskdefs", &web()).await.problem(502);
    assert_eq!(problem["retryable"], false, "AWS may have done its work");
    assert_eq!(count(&app, "ecs:RegisterTaskDefinition"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_caller_is_told_when_to_come_back() {
    let app = TestApp::scripted();
    let list = app.aws().on("ecs:ListClusters");
    list.meets(error("ThrottlingException"));
    let answer = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.problem(429)["retryable"], true);
    assert_eq!(count(&app, "ecs:ListClusters"), 3);
}

#[tokio::test(start_paused = true)]
async fn sts_that_is_busy_is_worth_another_attempt_and_one_that_refuses_is_not() {
    for (code, retryable) in [("ThrottlingException", true), ("AccessDenied", false)] {
        let app = TestApp::scripted();
        app.aws().on("sts:AssumeRole").meets(error(code));
        let problem = app.get("/nonprod/clusters").await.problem(502);
        assert_eq!(problem["retryable"], retryable, "{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_silent_answer_does_not_cost_a_reader_its_time() {
    let app = TestApp::scripted();
    let silence = Fault::delay(Duration::from_secs(10));
    app.aws().on("ecs:ListClusters").once().meets(silence);
    let started = Instant::now();
    app.get("/nonprod/clusters").await.expect(200);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
