//! A create whose calls AWS answers late, wrongly or never.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::json;
use tokio::time::Instant;

use super::{all_new, create};
use crate::services::arns;
use crate::support::TestApp;

#[tokio::test]
async fn a_silent_aws_ends_in_time_and_what_was_made_is_taken_back() {
    let mut app = TestApp::new();
    app.set_time_left(Duration::from_secs(12));
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::delay(Duration::from_secs(20)));
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

#[tokio::test(start_paused = true)]
async fn what_aws_made_and_did_not_answer_is_known_by_its_tags_and_made_once() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        let app = TestApp::scripted();
        let body = all_new(&app).await;
        app.aws()
            .on(operation)
            .once()
            .meets(Fault::reset().after_work());
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&answer),
            "{operation}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_never_answers_is_found_and_taken_back_where_the_next_step_is_refused() {
    for operation in [
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
    ] {
        let app = TestApp::scripted();
        let body = all_new(&app).await;
        app.aws().on(operation).meets(Fault::reset().after_work());
        app.aws()
            .on("ecs:CreateService")
            .meets(Fault::refuse("InvalidParameterException", "no"));
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

#[tokio::test(start_paused = true)]
async fn what_aws_does_although_it_failed_is_waited_for() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        for is_reset in [true, false] {
            let app = TestApp::scripted();
            let body = all_new(&app).await;
            let failure = if is_reset {
                Fault::reset()
            } else {
                Fault::fail(500)
            };
            app.aws()
                .on(operation)
                .once()
                .meets(failure.and_work_later(Duration::from_millis(1500)));
            let answer = create(&app, &body).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let left = app.account().inventory().await;
            assert_eq!(left, arns(&answer.expect(200)), "{operation} {is_reset}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_revision_is_taken_back_where_aws_registers_one_more_late() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    let late = Fault::reset().and_work_later(Duration::from_secs(5));
    app.aws()
        .on("ecs:RegisterTaskDefinition")
        .once()
        .meets(late);
    let refusal = Fault::refuse("InvalidParameterException", "no").after(Duration::from_secs(4));
    app.aws().on("ecs:CreateService").meets(refusal);
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(app.account().inventory().await, [""; 0]);
    for member in ["Created", "RolledBack"] {
        let listed = problem[member].as_array().unwrap().iter();
        let listed = listed.map(|entry| entry["Arn"].as_str().unwrap());
        let revisions = listed.filter(|arn| arn.contains(":task-definition/"));
        assert_eq!(revisions.count(), 2, "{problem}");
    }
    assert_eq!(problem["LeftBehind"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn as_long_as_a_service_may_appear_its_parts_stay_and_once_it_does_it_is_the_answer() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::delay(Duration::from_millis(200)));
    // Asked a second time, AWS refuses; what the first call does is in no answer.
    app.aws()
        .on("ecs:CreateService")
        .once()
        .meets(Fault::reset().and_work_later(Duration::from_millis(1500)));
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let answer = create(&app, &body).await;
    assert_eq!(app.account().inventory().await, arns(&answer.expect(200)));
    assert_eq!(
        app.aws()
            .operations()
            .iter()
            .filter(|call| *call == "ecs:CreateService")
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_can_not_be_seen_keeps_its_parts() {
    let mut app = TestApp::scripted();
    let body = all_new(&app).await;
    app.set_time_left(Duration::from_secs(12));
    app.aws()
        .on("ecs:DescribeServices")
        .once()
        .meets(Fault::answer(&json!({"services": [], "failures": []})));
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::reset().after_work());
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

#[tokio::test(start_paused = true)]
async fn what_ecs_has_not_heard_of_yet_is_waited_for() {
    for (code, message) in [
        ("ClusterNotFoundException", "Cluster not found."),
        ("ClientException", "TaskDefinition not found."),
        (
            "InvalidParameterException",
            "Unable to assume the service linked role.",
        ),
    ] {
        let app = TestApp::scripted();
        let body = all_new(&app).await;
        app.aws()
            .on("ecs:CreateService")
            .times(3)
            .meets(Fault::refuse(code, message));
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_create_is_repeated_unseen() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:RegisterTaskDefinition")
        .times(2)
        .meets(Fault::refuse("ThrottlingException", "slow"));
    let answer = create(&app, &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}
