//! A create whose calls AWS answers late, wrongly or never.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{all_new, create};
use crate::services::arns;
use crate::support::{Faults, TestApp};

#[tokio::test]
async fn a_silent_aws_ends_in_time_and_what_was_made_is_taken_back() {
    let mut app = TestApp::with_faults();
    app.set_time_left(Duration::from_secs(12));
    let body = all_new(&app).await;
    app.faults()
        .inject("ecs:CreateService", json!({"latency": 20_000}));
    let started = Instant::now();
    let problem = create(&app, &body).await.problem(504);
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(problem["code"], "DeadlineExceeded");
    assert_eq!(problem["Created"].as_array().unwrap().len(), 3);
    assert_eq!(problem["RolledBack"].as_array().unwrap().len(), 3);
    // AWS may still be at work on the call that was cut off: nobody can know.
    insta::assert_json_snapshot!(problem["LeftBehind"], @r#"
    [
      {
        "Arn": "webapp",
        "Error": "AWS never answered; it is not there, but may still appear",
        "Command": "aws ecs delete-service --cluster myclu --service webapp --force --region us-east-1"
      }
    ]
    "#);
    assert_eq!(problem["retryable"], false);
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn what_aws_made_and_did_not_answer_is_known_by_its_tags_and_made_once() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answer(operation);
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&answer),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn what_aws_never_answers_is_found_and_taken_back_where_the_next_step_is_refused() {
    for operation in [
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answers(operation);
        app.faults()
            .refuse("ecs:CreateService", "InvalidParameterException", "no");
        let problem = create(&app, &body).await.problem(400);
        assert_eq!(
            (&problem["LeftBehind"], &problem["retryable"]),
            (&json!([]), &json!(false)),
            "{operation}"
        );
        assert_eq!(problem["Created"].as_array().unwrap().len(), 3, "{problem}");
        assert_eq!(app.account().inventory().await, [""; 0], "{operation}");
    }
}

#[tokio::test]
async fn what_aws_does_although_it_failed_is_waited_for() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        for is_reset in [true, false] {
            let mut app = TestApp::with_faults();
            let body = all_new(&app).await;
            app.faults().do_it_late(operation, 1500, is_reset);
            let answer = create(&app, &body).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let left = app.account().inventory().await;
            assert_eq!(left, arns(&answer.expect(200)), "{operation} {is_reset}");
        }
    }
}

#[tokio::test]
async fn as_long_as_a_service_may_appear_its_parts_stay_and_once_it_does_it_is_the_answer() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().do_it_late("ecs:CreateService", 1500, true);
    app.faults()
        .inject("ecs:DescribeServices", json!({"latency": 200}));
    let calls = app.faults().calls_heard();
    let mut proxy = Faults::beside(app.faults());
    // Asked a second time, AWS refuses; what the first call does is in no answer.
    let refuse = async {
        calls.until("ecs:CreateService").await;
        proxy.refuse("ecs:CreateService", "AccessDeniedException", "not you");
    };
    let (answer, ()) = tokio::join!(create(&app, &body), refuse);
    assert_eq!(app.account().inventory().await, arns(&answer.expect(200)));
    assert_eq!(
        app.faults()
            .calls()
            .iter()
            .filter(|call| *call == "ecs:CreateService")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_service_that_can_not_be_seen_keeps_its_parts() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.set_time_left(Duration::from_secs(12));
    let mut first_look =
        crate::clusters::services::instead(&json!({"services": [], "failures": []}));
    first_look["times"] = json!(1);
    app.faults().inject("ecs:DescribeServices", first_look);
    app.faults()
        .refuse("ecs:DescribeServices", "AccessDeniedException", "not you");
    app.faults().lose_answers("ecs:CreateService");
    let problem = create(&app, &body).await.problem(502);
    assert_eq!(
        (&problem["RolledBack"], &problem["retryable"]),
        (&json!([]), &json!(false)),
        "{problem}"
    );
    assert_eq!(
        problem["LeftBehind"].as_array().unwrap().len(),
        4,
        "{problem}"
    );
    assert_eq!(app.account().inventory().await.len(), 4);
}

#[tokio::test]
async fn what_ecs_has_not_heard_of_yet_is_waited_for() {
    for (code, message) in [
        ("ClusterNotFoundException", "Cluster not found."),
        ("ClientException", "TaskDefinition not found."),
        (
            "InvalidParameterException",
            "Unable to assume the service linked role.",
        ),
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().inject(
            "ecs:CreateService",
            json!({"times": 3, "error": {"code": code, "status": 400, "message": message}}),
        );
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer), "{code}");
    }
}

#[tokio::test]
async fn a_throttled_create_is_repeated_unseen() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let throttled = json!({"times": 2, "error": {"code": "ThrottlingException", "status": 400, "message": "slow"}});
    app.faults().inject("ecs:RegisterTaskDefinition", throttled);
    let answer = create(&app, &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}
