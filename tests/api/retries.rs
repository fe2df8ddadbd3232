//! Which calls to AWS are repeated, unseen by the caller.

use serde_json::{Value, json};

use crate::support::{Caller, TestApp};

/// How often each operation was called.
fn count(app: &mut TestApp, operation: &str) -> usize {
    app.faults()
        .calls()
        .iter()
        .filter(|call| *call == operation)
        .count()
}

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "status": 400, "message": "injected"}})
}

fn once(mut fault: Value) -> Value {
    fault["times"] = 1.into();
    fault
}

#[tokio::test]
async fn a_session_that_has_ended_is_renewed_once_for_all_calls_on_their_way() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        let mut app = TestApp::with_faults();
        app.get("/nonprod/clusters").await.expect(200);
        app.faults().inject("ecs:ListClusters", once(error(code)));
        app.faults()
            .inject("ecs:DescribeClusters", once(error(code)));
        let (list, show) =
            tokio::join!(app.get("/nonprod/clusters"), app.get("/nonprod/clusters/a"));
        assert_eq!((list.status, show.status), (200, 404));
        assert_eq!(count(&mut app, "sts:AssumeRole"), 2, "{code}");
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_no_reason_to_create_anything_twice() {
    let mut app = TestApp::with_faults();
    app.faults().inject(
        "ecs:RegisterTaskDefinition",
        once(error("ExpiredTokenException")),
    );
    let body =
        json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "nginx"}]});
    let answer = app.post("/nonprod/taskdefs", &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}

#[tokio::test]
async fn a_session_that_ends_again_and_again_is_given_up() {
    let mut app = TestApp::with_faults();
    app.faults()
        .inject("ecs:ListClusters", error("ExpiredTokenException"));
    app.get("/nonprod/clusters").await.problem(502);
    assert_eq!(
        (
            count(&mut app, "ecs:ListClusters"),
            count(&mut app, "sts:AssumeRole")
        ),
        (3, 2)
    );
}

#[tokio::test]
async fn a_quota_is_not_a_throttling() {
    let mut app = TestApp::with_faults();
    app.faults()
        .inject("ecs:CreateCluster", error("LimitExceededException"));
    let problem = app
        .post("/nonprod/clusters", &json!({"name": "a"}))
        .await
        .problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("LimitExceededException"), &json!(false))
    );
    assert_eq!(count(&mut app, "ecs:CreateCluster"), 1);
}

#[tokio::test]
async fn a_cluster_that_aws_failed_to_create_is_asked_for_again() {
    let mut app = TestApp::with_faults();
    app.faults().inject(
        "ecs:CreateCluster",
        once(json!({"error": {"code": "ServerException", "status": 500, "message": "oops"}})),
    );
    app.post("/nonprod/clusters", &json!({"name": "a"}))
        .await
        .expect(200);
    assert_eq!(count(&mut app, "ecs:CreateCluster"), 2);
}

#[tokio::test]
async fn an_answer_that_is_nonsense_is_asked_for_again() {
    let mut app = TestApp::with_faults();
    app.faults().inject(
        "ecs:ListClusters",
        once(json!({"response": {"truncate_frac": 0.5}})),
    );
    app.get("/nonprod/clusters").await.expect(200);
    app.faults().inject(
        "ecs:RegisterTaskDefinition",
        json!({"response": {"truncate_frac": 0.5}}),
    );
    let body =
        json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "nginx"}]});
    let problem = app.post("/nonprod/taskdefs", &body).await.problem(502);
    assert_eq!(problem["retryable"], false, "AWS may have done its work");
    assert_eq!(count(&mut app, "ecs:RegisterTaskDefinition"), 1);
}

#[tokio::test]
async fn a_throttled_caller_is_told_when_to_come_back() {
    let mut app = TestApp::with_faults();
    app.faults()
        .inject("ecs:ListClusters", error("ThrottlingException"));
    let answer = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.problem(429)["retryable"], true);
    assert_eq!(count(&mut app, "ecs:ListClusters"), 3);
}

#[tokio::test]
async fn sts_that_is_busy_is_worth_another_attempt_and_one_that_refuses_is_not() {
    for (code, retryable) in [("ThrottlingException", true), ("AccessDenied", false)] {
        let mut app = TestApp::with_faults();
        app.faults().inject("sts:AssumeRole", error(code));
        let problem = app.get("/nonprod/clusters").await.problem(502);
        assert_eq!(problem["retryable"], retryable, "{problem}");
    }
}

#[tokio::test]
async fn one_silent_answer_does_not_cost_a_reader_its_time() {
    let mut app = TestApp::with_faults();
    app.faults()
        .inject("ecs:ListClusters", json!({"times": 1, "latency": 10_000}));
    let started = std::time::Instant::now();
    app.get("/nonprod/clusters").await.expect(200);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
