use fake_aws::{Fault, Refusal};
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::promised::{TASK_DEFINITION, project};
use crate::support::{TestAccount, TestApp};

const REGISTER: &str = "ecs:RegisterTaskDefinition";

/// One container. (The SDK always sends `cpu`, whose default 0 is AWS's own.)
fn containers() -> Value {
    json!([{"name": "web", "image": "nginx:alpine", "cpu": 0}])
}

/// A task definition of that container, of a size that Fargate has.
fn definition() -> Value {
    json!({"family": "web", "containerDefinitions": containers(), "cpu": "256", "memory": "512"})
}

/// Returns the input of the last `RegisterTaskDefinition`.
fn sent(app: &TestApp) -> Value {
    app.aws().sent(REGISTER).pop().expect("there was a call")
}

#[tokio::test]
async fn the_documented_task_definition_becomes_one_for_fargate() {
    let app = TestApp::build(
        vec![TestAccount::of("nonprod", "111122224444".to_owned())],
        &json!({}),
    );
    let documented = documented("unused")["taskdefinition"].take();
    let answer = app.post("/nonprod/taskdefs", &documented).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, TASK_DEFINITION), {".TaskDefinition.RegisteredAt" => "[time]"}, @r#"
    {
      "TaskDefinition": {
        "TaskDefinitionArn": "arn:aws:ecs:us-east-1:111122224444:task-definition/mytaskdef:1",
        "ContainerDefinitions": [
          {
            "Name": "webserver",
            "Image": "nginx:alpine",
            "Cpu": 0,
            "PortMappings": [
              {
                "ContainerPort": 80,
                "Protocol": "tcp"
              },
              {
                "ContainerPort": 443,
                "Protocol": "tcp"
              }
            ]
          }
        ],
        "Family": "mytaskdef",
        "ExecutionRoleArn": "arn:aws:iam::111122224444:role/ecsTaskExecutionRole",
        "NetworkMode": "awsvpc",
        "Revision": 1,
        "Status": "ACTIVE",
        "RequiresCompatibilities": [
          "FARGATE"
        ],
        "Cpu": "256",
        "Memory": "512",
        "RegisteredAt": "[time]"
      }
    }
    "#);
    insta::assert_json_snapshot!(sent(&app), @r#"
    {
      "family": "mytaskdef",
      "executionRoleArn": "arn:aws:iam::111122224444:role/ecsTaskExecutionRole",
      "networkMode": "awsvpc",
      "containerDefinitions": [
        {
          "name": "webserver",
          "image": "nginx:alpine",
          "cpu": 0,
          "portMappings": [
            {
              "containerPort": 80,
              "protocol": "tcp"
            },
            {
              "containerPort": 443,
              "protocol": "tcp"
            }
          ]
        }
      ],
      "requiresCompatibilities": [
        "FARGATE"
      ],
      "cpu": "256",
      "memory": "512"
    }
    "#);
    assert_eq!(
        app.account().inventory().await,
        [answer["TaskDefinition"]["TaskDefinitionArn"]
            .as_str()
            .unwrap()]
    );
}

#[tokio::test]
async fn with_required_compatibilities_nothing_is_defaulted() {
    let app = TestApp::new();
    // AWS refuses what is for Fargate without its network mode.
    for (compatibilities, status) in [
        (json!(["EC2"]), 200),
        (json!(["FARGATE"]), 400),
        (json!(["EC2", "FARGATE"]), 400),
    ] {
        let mut body = definition();
        body["requiresCompatibilities"] = compatibilities;
        app.post("/nonprod/taskdefs", &body).await.expect(status);
        assert_eq!(sent(&app), body);
    }
}

#[tokio::test]
async fn what_the_caller_gives_is_not_defaulted() {
    let app = TestApp::new();
    let role = format!("arn:aws:iam::{}:role/own", app.account().id);
    let body = json!({
        "family": "web", "containerdefinitions": containers(), "networkmode": "bridge", "executionrolearn": role,
        "requirescompatibilities": null, "cpu": "256", "memory": "512",
    });
    let problem = app.post("/nonprod/taskdefs", &body).await.problem(400);
    assert_eq!(
        problem["detail"],
        "`ecs:RegisterTaskDefinition` was refused: Fargate only supports network mode ‘awsvpc’."
    );
    let expected = json!({
        "family": "web", "containerDefinitions": containers(), "networkMode": "bridge", "executionRoleArn": role,
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    });
    assert_eq!(sent(&app), expected);
}

#[tokio::test]
async fn an_account_without_an_execution_role_sends_none() {
    let account = TestAccount::new("nonprod");
    let mut settings = account.settings();
    settings
        .as_object_mut()
        .unwrap()
        .shift_remove("defaultExecutionRoleArn");
    let settings = json!({"accounts": {"nonprod": settings}});
    let app = TestApp::build(vec![account], &settings);
    let answer = app.post("/nonprod/taskdefs", &definition()).await;
    answer.expect(200);
    let expected = json!({
        "family": "web", "containerDefinitions": containers(), "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    });
    assert_eq!(sent(&app), expected);
}

#[tokio::test]
async fn the_defaults_are_those_of_the_account_that_the_path_names() {
    let app = TestApp::with_accounts(vec![TestAccount::new("nonprod"), TestAccount::new("prod")]);
    let body = definition();
    for name in ["prod", "nonprod", "prod"] {
        let made = app
            .post(&format!("/{name}/taskdefs"), &body)
            .await
            .expect(200)["TaskDefinition"]
            .take();
        assert_eq!(
            made["ExecutionRoleArn"],
            app.account_named(name).execution_role()
        );
    }
}

#[tokio::test]
async fn members_match_in_any_case_and_the_keys_of_maps_keep_theirs() {
    let app = TestApp::new();
    let body = json!({
        "FAMILY": "web", "CPU": "256", "memory": "512",
        "ContainerDefinitions": [{
            "Name": "web", "IMAGE": "nginx:alpine", "dockerlabels": {"Team.Name": "a", "team.name": "b"},
            "logconfiguration": {"logdriver": "awsfirelens", "options": {"Name": "firehose", "Match": "*"}},
            "environment": [{"name": "PATH", "value": "/Bin"}],
        }],
        "Tags": [{"key": "Team", "value": "A"}],
    });
    let answer = app.post("/nonprod/taskdefs", &body).await.expect(200);
    assert_eq!(answer["Tags"], json!([{"Key": "Team", "Value": "A"}]));
    let container = json!({
        "name": "web", "image": "nginx:alpine", "cpu": 0, "dockerLabels": {"Team.Name": "a", "team.name": "b"},
        "logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "firehose", "Match": "*"}},
        "environment": [{"name": "PATH", "value": "/Bin"}],
    });
    let sent = sent(&app);
    assert_eq!(
        (&sent["containerDefinitions"][0], &sent["tags"]),
        (&container, &json!([{"key": "Team", "value": "A"}]))
    );
    let labels = &answer["TaskDefinition"]["ContainerDefinitions"][0]["DockerLabels"];
    assert_eq!(labels, &json!({"Team.Name": "a", "team.name": "b"}));
}

#[tokio::test]
async fn what_is_shown_may_come_back_as_a_body() {
    let app = TestApp::new();
    let body = documented("unused")["taskdefinition"].take();
    let first = app.post("/nonprod/taskdefs", &body).await.expect(200);
    let shown = app.get("/nonprod/taskdefs/mytaskdef").await.expect(200);
    assert_eq!(shown["TaskDefinition"], first["TaskDefinition"]);
    let mut second = app
        .post("/nonprod/taskdefs", &shown["TaskDefinition"])
        .await
        .expect(200);
    assert_eq!(second["TaskDefinition"]["Revision"], 2);
    let mut first = first;
    for varying in ["TaskDefinitionArn", "Revision", "RegisteredAt"] {
        first["TaskDefinition"][varying].take();
        second["TaskDefinition"][varying].take();
    }
    assert_eq!(second, first);
    let sent = sent(&app);
    for answered in [
        "taskDefinitionArn",
        "revision",
        "status",
        "registeredAt",
        "registeredBy",
        "compatibilities",
    ] {
        assert_eq!(sent.get(answered), None, "{answered}");
    }
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_reported_before_any_call() {
    let app = TestApp::new();
    let body = json!({
        "family": 7,
        "volume": [],
        "containerDefinitions": [
            {"name": "a", "cpu": "256"},
            {"name": "b", "ports": ["80"]},
            {"name": "c", "ports": [80], "portmappings": []},
        ],
    });
    insta::assert_json_snapshot!(app.post("/nonprod/taskdefs", &body).await.problem(400), @r#"
    {
      "status": 400,
      "detail": "containerDefinitions[1].ports: expected a list of whole numbers from 0 to 65535 (and 4 more)",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "containerDefinitions[1].ports",
          "message": "expected a list of whole numbers from 0 to 65535"
        },
        {
          "path": "containerDefinitions[2].ports",
          "message": "given beside `portMappings`, which it is short for; give one of them"
        },
        {
          "path": "family",
          "message": "expected string, got integer 7"
        },
        {
          "path": "volume",
          "message": "unknown member; did you mean `volumes`?"
        },
        {
          "path": "containerDefinitions[0].cpu",
          "message": "expected integer, got string \"256\""
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn unknown_members_are_dropped_and_listed_for_a_lenient_caller() {
    let app = TestApp::new();
    let body = json!({"family": "web", "containerDefinitions": [{"name": "w", "image": "i", "imag": "j"}],
        "cpu": "256", "memory": "512", "team": "a"});
    let request = app
        .request("POST", "/nonprod/taskdefs")
        .header("prefer", "handling=lenient");
    let answer = request.json(&body).send().await;
    assert_eq!(answer.expect(200)["TaskDefinition"]["Family"], "web");
    assert_eq!(
        answer.header("preference-applied"),
        Some("handling=lenient")
    );
    assert_eq!(
        answer.header("x-ignored-members"),
        Some("containerDefinitions[0].imag, team")
    );
}

#[tokio::test]
async fn what_aws_refuses_keeps_awss_code() {
    let app = TestApp::new();
    for (code, message, status, calls) in [
        (
            "ClientException",
            "Container.image should not be null or empty.",
            400,
            1,
        ),
        ("InvalidParameterException", "No", 400, 1),
        ("AccessDeniedException", "No", 403, 1),
        // The SDK alone would take it for throttling, and try again.
        ("LimitExceededException", "No", 409, 1),
    ] {
        app.aws().on(REGISTER).meets(Fault::refuse(code, message));
        app.aws().forget_calls();
        let body = definition();
        let problem = app.post("/nonprod/taskdefs", &body).await.problem(status);
        assert_eq!(
            (&problem["code"], &problem["retryable"]),
            (&json!(code), &json!(false)),
            "{code} {message}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{problem}"
        );
        assert_eq!(
            app.aws()
                .operations()
                .iter()
                .filter(|call| *call == REGISTER)
                .count(),
            calls,
            "{code}"
        );
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_failure_of_aws_that_may_have_made_a_revision_is_not_repeated() {
    let app = TestApp::new();
    app.aws().on(REGISTER).meets(Fault::refusal(
        Refusal::of("ServerException", "Sorry").status(500),
    ));
    let body = definition();
    insta::assert_json_snapshot!(app.post("/nonprod/taskdefs", &body).await.problem(502), @r#"
    {
      "status": 502,
      "detail": "`ecs:RegisterTaskDefinition` failed on AWS's side: Sorry",
      "code": "ServerException",
      "retryable": false
    }
    "#);
    assert_eq!(app.aws().operations(), ["sts:AssumeRole", REGISTER]);
}
