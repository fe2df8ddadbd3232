use fake_aws::{Fault, Refusal};
use serde_json::{Value, json};

use super::{furnish, register};
use crate::support::promised::{TASK, project};
use crate::support::{TestAccount, TestApp};

const PATH: &str = "/nonprod/clusters/myclu/tasks";
const RUN: &str = "ecs:RunTask";

/// An app with the cluster `myclu` and the task definition `web`.
async fn furnished() -> TestApp {
    let app = TestApp::new();
    furnish(app.account()).await;
    app
}

/// Returns the input of the last `RunTask`, without its token.
fn sent(app: &TestApp) -> Value {
    let mut sent = app.aws().sent(RUN).pop().expect("there was a call");
    let token = sent
        .as_object_mut()
        .unwrap()
        .shift_remove("clientToken")
        .expect("every call has a token");
    assert!((1..=64).contains(&token.as_str().unwrap().len()), "{token}");
    sent
}

fn network(account: &TestAccount) -> Value {
    json!({"awsvpcConfiguration": {
        "subnets": [account.subnet()], "securityGroups": [account.security_group()], "assignPublicIp": "DISABLED",
    }})
}

#[tokio::test]
async fn a_task_runs_in_the_paths_cluster_with_the_accounts_network_on_fargate() {
    let app = furnished().await;
    let answer = app.post(PATH, &json!({"taskdefinition": "web"})).await;
    insta::assert_json_snapshot!(project(&answer.expect(200), TASK), {
        ".Tasks[].**.TaskArn" => "[arn]",
        ".Tasks[].TaskDefinitionArn" => "[arn]",
        ".Tasks[].ClusterArn" => "[arn]",
        ".Tasks[].CreatedAt" => "[time]",
    }, @r#"
    {
      "Tasks": [
        {
          "ClusterArn": "[arn]",
          "Containers": [
            {
              "TaskArn": "[arn]",
              "Name": "web",
              "Image": "nginx:alpine",
              "LastStatus": "PENDING"
            }
          ],
          "CreatedAt": "[time]",
          "DesiredStatus": "RUNNING",
          "LastStatus": "PROVISIONING",
          "LaunchType": "FARGATE",
          "Tags": [],
          "TaskArn": "[arn]",
          "TaskDefinitionArn": "[arn]",
          "Revision": 1
        }
      ],
      "Failures": []
    }
    "#);
    let token = app.aws().sent(RUN)[0]["clientToken"].take();
    assert_eq!(token.as_str(), answer.header("x-request-id"));
    let expected = json!({
        "cluster": "myclu", "taskDefinition": "web", "launchType": "FARGATE",
        "networkConfiguration": network(app.account()),
    });
    assert_eq!(sent(&app), expected);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeClusters", RUN]
    );
    let arn = answer.json()["Tasks"][0]["TaskArn"].take();
    assert_eq!(app.get(PATH).await.expect(200), json!([arn]));
}

#[tokio::test]
async fn what_the_caller_gives_is_not_defaulted() {
    let app = furnished().await;
    let body = json!({
        "taskDefinition": "web", "launchType": "EC2", "count": 3, "startedBy": "cron", "clientToken": "mine",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}},
        "overrides": {"containerOverrides": [{"name": "web", "environment": [{"name": "PATH", "value": "/Bin"}]}]},
        "tags": [{"key": "Team", "value": "A"}],
    });
    let answer = app.post(PATH, &body).await.expect(200);
    assert_eq!(
        (
            answer["Tasks"].as_array().unwrap().len(),
            &answer["Failures"]
        ),
        (3, &json!([]))
    );
    assert_eq!(app.aws().sent(RUN)[0]["clientToken"], "mine");
    let mut expected = body;
    expected
        .as_object_mut()
        .unwrap()
        .shift_remove("clientToken");
    expected["cluster"] = "myclu".into();
    assert_eq!(sent(&app), expected);
    // Nothing of the cluster had to be known.
    assert_eq!(app.aws().operations(), ["sts:AssumeRole", RUN]);
}

#[tokio::test]
async fn a_capacity_provider_strategy_takes_the_place_of_the_launch_type() {
    let app = furnished().await;
    app.account().associate_fargate().await;
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let body = json!({"taskDefinition": "web", "capacityProviderStrategy": strategy});
    app.post(PATH, &body).await.expect(200);
    let given = sent(&app);
    assert_eq!(given.get("launchType"), None);
    assert_eq!(
        given["capacityProviderStrategy"][0]["capacityProvider"],
        "FARGATE_SPOT"
    );
    assert_eq!(given["networkConfiguration"], network(app.account()));
    // The cluster's default strategy does the same, and stays AWS's to apply.
    let cluster = json!({
        "name": "spot", "capacityProviders": ["FARGATE_SPOT"], "defaultCapacityProviderStrategy": strategy,
    });
    app.post("/nonprod/clusters", &cluster).await.expect(200);
    let answer = app
        .post(
            "/nonprod/clusters/spot/tasks",
            &json!({"taskDefinition": "web"}),
        )
        .await
        .expect(200);
    assert_eq!(answer["Tasks"][0]["CapacityProviderName"], "FARGATE_SPOT");
    let expected = json!({"cluster": "spot", "taskDefinition": "web", "networkConfiguration": network(app.account())});
    assert_eq!(sent(&app), expected);
}

#[tokio::test]
async fn the_defaults_are_those_of_the_account_that_the_path_names() {
    let accounts = vec![TestAccount::new("nonprod"), TestAccount::new("prod")];
    let app = TestApp::build(accounts, &json!({}));
    for name in ["prod", "nonprod", "prod"] {
        register(app.account_named(name), "web").await;
        app.account_named(name)
            .ecs()
            .create_cluster()
            .cluster_name("myclu")
            .send()
            .await
            .unwrap();
        app.post(
            &format!("/{name}/clusters/myclu/tasks"),
            &json!({"taskDefinition": "web"}),
        )
        .await
        .expect(200);
        assert_eq!(
            sent(&app)["networkConfiguration"],
            network(app.account_named(name))
        );
    }
}

#[tokio::test]
async fn the_body_may_name_the_paths_cluster_and_no_other() {
    let app = furnished().await;
    let arn = format!("arn:aws:ecs:us-east-1:{}:cluster/myclu", app.account().id);
    for cluster in ["myclu", &arn] {
        app.post(PATH, &json!({"cluster": cluster, "taskDefinition": "web"}))
            .await
            .expect(200);
        assert_eq!(sent(&app)["cluster"], "myclu");
    }
    app.aws().forget_calls();
    let problem = app
        .post(PATH, &json!({"cluster": "other", "taskDefinition": "web"}))
        .await
        .problem(400);
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "path": "cluster",
        "message": "differs from the path's cluster, `myclu`; leave it out"
      }
    ]
    "#);
    let elsewhere = "arn:aws:ecs:us-east-1:999999999999:cluster/myclu";
    app.post(
        PATH,
        &json!({"cluster": elsewhere, "taskDefinition": "web"}),
    )
    .await
    .problem(400);
    app.post(
        &format!("/nonprod/clusters/{elsewhere}/tasks"),
        &json!({"taskDefinition": "web"}),
    )
    .await
    .problem(400);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_reported_before_any_call() {
    let app = TestApp::new();
    let body = json!({"taskDefinitio": "web", "count": "3", "overrides": {"containerOverrides": [{"nam": "web"}]}});
    insta::assert_json_snapshot!(app.post(PATH, &body).await.problem(400), @r#"
    {
      "status": 400,
      "detail": "taskDefinitio: unknown member; did you mean `taskDefinition`? (and 2 more)",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "taskDefinitio",
          "message": "unknown member; did you mean `taskDefinition`?"
        },
        {
          "path": "count",
          "message": "expected integer, got string \"3\""
        },
        {
          "path": "overrides.containerOverrides[0].nam",
          "message": "unknown member; did you mean `name`?"
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_body_without_a_task_definition_is_refused_before_any_call() {
    let app = TestApp::new();
    // The original's documentation shows this body, with which AWS never ran anything.
    insta::assert_json_snapshot!(app.post(PATH, &json!({})).await.problem(400), @r#"
    {
      "status": 400,
      "detail": "taskDefinition: required, but absent",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "taskDefinition",
          "message": "required, but absent"
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn in_a_cluster_that_is_not_active_nothing_runs() {
    let app = furnished().await;
    let problem = app
        .post(
            "/nonprod/clusters/nowhere/tasks",
            &json!({"taskDefinition": "web"}),
        )
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no ACTIVE cluster `nowhere`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeClusters"]
    );
}

#[tokio::test]
async fn failures_without_a_task_are_a_conflict_that_carries_them() {
    let app = furnished().await;
    let failures = json!([
        {"arn": "arn:aws:ecs:us-east-1:1:container-instance/a", "reason": "RESOURCE:MEMORY"},
        {"reason": "AGENT", "detail": "not connected"},
    ]);
    app.aws()
        .on(RUN)
        .meets(Fault::answer(&json!({"tasks": [], "failures": failures})));
    let answer = app
        .post(PATH, &json!({"taskDefinition": "web", "count": 2}))
        .await;
    insta::assert_json_snapshot!(answer.problem(409), @r#"
    {
      "status": 409,
      "detail": "no task was started: RESOURCE:MEMORY, AGENT",
      "code": "NothingStarted",
      "retryable": false,
      "Failures": [
        {
          "Arn": "arn:aws:ecs:us-east-1:1:container-instance/a",
          "Reason": "RESOURCE:MEMORY"
        },
        {
          "Reason": "AGENT",
          "Detail": "not connected"
        }
      ]
    }
    "#);
    assert_eq!(answer.header("retry-after"), None);
    app.aws().forget_script();
    app.aws()
        .on(RUN)
        .meets(Fault::answer(&json!({"tasks": [], "failures": []})));
    let problem = app
        .post(PATH, &json!({"taskDefinition": "web"}))
        .await
        .problem(409);
    assert_eq!(
        problem["detail"],
        "no task was started: AWS says nothing of why"
    );
    assert_eq!(problem["Failures"], json!([]));
}

#[tokio::test]
async fn failures_for_want_of_capacity_ask_for_patience() {
    let app = furnished().await;
    let reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    app.aws().on(RUN).meets(Fault::answer(
        &json!({"tasks": [], "failures": [{"reason": reason}]}),
    ));
    let answer = app.post(PATH, &json!({"taskDefinition": "web"})).await;
    insta::assert_json_snapshot!(answer.problem(503), @r#"
    {
      "status": 503,
      "detail": "no task was started: Capacity is unavailable at this time. Please try again later or in a different availability zone",
      "code": "NoCapacity",
      "retryable": true,
      "Failures": [
        {
          "Reason": "Capacity is unavailable at this time. Please try again later or in a different availability zone"
        }
      ]
    }
    "#);
    assert_eq!(answer.header("retry-after"), Some("60"));
}

#[tokio::test]
async fn failures_beside_a_task_are_answered_with_it() {
    let app = furnished().await;
    let task =
        json!({"taskArn": "arn:aws:ecs:us-east-1:1:task/myclu/0a1b", "lastStatus": "PROVISIONING"});
    app.aws().on(RUN).meets(Fault::answer(
        &json!({"tasks": [task], "failures": [{"reason": "RESOURCE:CPU"}]}),
    ));
    let answer = app
        .post(PATH, &json!({"taskDefinition": "web", "count": 2}))
        .await
        .expect(200);
    insta::assert_json_snapshot!(answer, @r#"
    {
      "Tasks": [
        {
          "EnableExecuteCommand": false,
          "LastStatus": "PROVISIONING",
          "TaskArn": "arn:aws:ecs:us-east-1:1:task/myclu/0a1b",
          "Version": 0,
          "Outcome": {
            "State": "pending"
          }
        }
      ],
      "Failures": [
        {
          "Reason": "RESOURCE:CPU"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = furnished().await;
    let no_capacity = "Capacity is unavailable at this time. Please try again later";
    for (code, message, status, retry_after) in [
        ("ClientException", "No", 400, None),
        ("InvalidParameterException", "No", 400, None),
        ("PlatformUnknownException", "No", 400, None),
        (
            "PlatformTaskDefinitionIncompatibilityException",
            "No",
            400,
            None,
        ),
        ("UnsupportedFeatureException", "No", 400, None),
        ("BlockedException", "No", 403, None),
        ("AccessDeniedException", "No", 403, None),
        ("ClusterNotFoundException", "No", 404, None),
        ("ConflictException", "No", 409, None),
        ("ThrottlingException", "No", 429, Some("5")),
        ("ClientException", no_capacity, 503, Some("60")),
    ] {
        app.aws().on(RUN).meets(Fault::refuse(code, message));
        let answer = app.post(PATH, &json!({"taskDefinition": "web"})).await;
        let problem = answer.problem(status);
        assert_eq!(
            (&problem["code"], answer.header("retry-after")),
            (&json!(code), retry_after),
            "{problem}"
        );
        assert_eq!(problem["retryable"], retry_after.is_some(), "{problem}");
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_failure_of_aws_that_may_have_run_tasks_is_not_repeated() {
    let app = furnished().await;
    app.aws().on(RUN).meets(Fault::refusal(
        Refusal::of("ServerException", "Sorry").status(500),
    ));
    let problem = app
        .post(PATH, &json!({"taskDefinition": "web"}))
        .await
        .problem(502);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("ServerException"), &json!(false))
    );
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeClusters", RUN]
    );
}

#[tokio::test]
async fn an_unknown_task_definition_is_not_found() {
    let app = furnished().await;
    // ECS says so with the code of any fault of a client.
    app.aws().on(RUN).meets(Fault::refuse(
        "ClientException",
        "TaskDefinition not found.",
    ));
    let problem = app
        .post(PATH, &json!({"taskDefinition": "nothing"}))
        .await
        .problem(404);
    assert_eq!(problem["code"], "ClientException");
}
