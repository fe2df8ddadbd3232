//! A create that AWS refuses is taken back before its answer.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::json;
use tokio::time::Instant;

use super::{all_new, create};
use crate::support::TestApp;

#[tokio::test(start_paused = true)]
async fn every_refused_step_leaves_the_account_as_it_was() {
    for (operation, code, message, status) in [
        ("ecs:DescribeClusters", "AccessDeniedException", "no", 403),
        ("ecs:DescribeServices", "ServerException", "oops", 400),
        ("servicediscovery:GetNamespace", "InvalidInput", "no", 400),
        (
            "servicediscovery:ListServices",
            "RequestLimitExceeded",
            "slow down",
            429,
        ),
        (
            "ecs:CreateCluster",
            "LimitExceededException",
            "too many clusters",
            409,
        ),
        (
            "ecs:RegisterTaskDefinition",
            "ClientException",
            "invalid cpu",
            400,
        ),
        (
            "servicediscovery:CreateService",
            "ServiceAlreadyExists",
            "taken",
            409,
        ),
        (
            "ecs:CreateService",
            "InvalidParameterException",
            "no such subnet",
            400,
        ),
        (
            "ecs:CreateService",
            "PlatformUnknownException",
            "no such platform",
            400,
        ),
        (
            "ecs:CreateService",
            "ClientException",
            "Capacity is unavailable at this time",
            503,
        ),
    ] {
        let app = TestApp::scripted();
        let body = all_new(&app).await;
        app.aws().on(operation).meets(Fault::refuse(code, message));
        let answer = create(&app, &body).await;
        // An error of AWS's servers is a 502, whatever status it came with.
        let problem = answer.problem(if code == "ServerException" {
            502
        } else {
            status
        });
        assert_eq!(problem["code"], code, "{operation}");
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{operation}: {problem}"
        );
        assert_eq!(problem["LeftBehind"], json!([]), "{operation}");
        assert_eq!(
            problem["RolledBack"].as_array().unwrap().len(),
            problem["Created"].as_array().unwrap().len()
        );
        assert_eq!(app.account().inventory().await, [""; 0], "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_service_is_undone_newest_first_and_what_existed_stays() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    app.account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    let before = app.account().inventory().await;
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", "no"));
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(app.account().inventory().await, before);
    insta::assert_json_snapshot!(problem, {".Created[].Arn" => "[arn]", ".RolledBack[].Arn" => "[arn]"}, @r#"
    {
      "status": 400,
      "detail": "`ecs:CreateService` was refused: no",
      "code": "InvalidParameterException",
      "retryable": false,
      "Created": [
        {
          "Arn": "[arn]"
        },
        {
          "Arn": "[arn]"
        }
      ],
      "RolledBack": [
        {
          "Arn": "[arn]"
        },
        {
          "Arn": "[arn]"
        }
      ],
      "LeftBehind": []
    }
    "#);
    let calls = app.aws().operations();
    let undo = calls
        .iter()
        .skip_while(|call| *call != "ecs:CreateService")
        .skip(1);
    let undo: Vec<_> = undo
        .filter(|call| !call.contains(":List") && !call.starts_with("dynamodb:"))
        .collect();
    assert_eq!(
        undo,
        [
            "servicediscovery:DeleteService",
            "ecs:DeregisterTaskDefinition"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_undone_is_listed_with_the_command_that_would() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", "no"));
    app.aws()
        .on("ecs:DeleteCluster")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let problem = create(&app, &body).await.problem(400);
    let id = &app.account().id;
    let cluster = format!("arn:aws:ecs:us-east-1:{id}:cluster/myclu");
    assert_eq!(
        problem["LeftBehind"],
        json!([{
            "Arn": cluster,
            "Error": format!("the role `arn:aws:iam::{id}:role/ecs-api` may not do `ecs:DeleteCluster`: not you"),
            "Command": "aws ecs delete-cluster --cluster myclu --region us-east-1",
        }])
    );
    assert_eq!(problem["retryable"], false);
    assert_eq!(problem["RolledBack"].as_array().unwrap().len(), 2);
    assert_eq!(app.account().inventory().await, [cluster]);
}

#[tokio::test(start_paused = true)]
async fn what_anothers_service_uses_by_now_is_listed_and_left() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    let refusal = Fault::refuse("InvalidParameterException", "no");
    app.aws()
        .on("ecs:CreateService")
        .meets(refusal.after(Duration::from_secs(2)));
    let account = app.account();
    let another = async {
        app.aws().until_called("ecs:CreateService").await;
        let registries = account.discovery().list_services().send().await.unwrap();
        let registry = aws_sdk_ecs::types::ServiceRegistry::builder();
        let registry = registry
            .registry_arn(registries.services()[0].arn().unwrap())
            .build();
        account
            .service("another")
            .task_definition("mytaskdef:1")
            .service_registries(registry)
            .send()
            .await
            .unwrap();
    };
    let started = Instant::now();
    let (answer, ()) = tokio::join!(create(&app, &body), another);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "nothing is waited for: {:?}",
        started.elapsed()
    );
    let problem = answer.problem(400);
    let why: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["Error"].clone())
        .collect();
    assert_eq!(
        why,
        [
            json!("the service `another` uses it"),
            json!("the service `another` runs it"),
            json!("it has 1 other service"),
        ]
    );
    assert_eq!(app.account().inventory().await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_aws_does_not_answer_takes_no_time_of_the_others() {
    let mut app = TestApp::scripted();
    let body = all_new(&app).await;
    app.set_time_left(Duration::from_secs(12));
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", "no"));
    app.aws()
        .on("servicediscovery:DeleteService")
        .meets(Fault::silence());
    let problem = create(&app, &body).await.problem(400);
    let left: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["Error"])
        .collect();
    assert_eq!(left, ["the time that the request may take is over"]);
    assert_eq!(
        problem["RolledBack"].as_array().unwrap().len(),
        2,
        "{problem}"
    );
    let found = app.account().inventory().await;
    assert!(
        found.len() == 1 && found[0].contains(":servicediscovery:"),
        "{found:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_comes_too_early_is_tried_again() {
    let app = TestApp::scripted();
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", "no"));
    app.aws()
        .on("ecs:DeleteCluster")
        .times(2)
        .meets(Fault::refuse("UpdateInProgressException", "busy"));
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(
        (&problem["LeftBehind"], &problem["retryable"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(app.account().inventory().await, [""; 0]);
}
