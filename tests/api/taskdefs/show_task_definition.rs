use fake_aws::Fault;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::promised::{TASK_DEFINITION, project};

/// Registers a revision of the family `web` and answers its ARN.
async fn register(app: &TestApp, image: &str) -> String {
    let body = json!({
        "family": "web", "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "web", "image": image}],
        "tags": [{"key": "team", "value": "a"}],
    });
    let made = app.post("/nonprod/taskdefs", &body).await.expect(200);
    made["TaskDefinition"]["TaskDefinitionArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn image(shown: &Value) -> &Value {
    &shown["TaskDefinition"]["ContainerDefinitions"][0]["Image"]
}

#[tokio::test]
async fn a_task_definition_is_shown_by_family_by_revision_and_by_arn() {
    let app = TestApp::new();
    let first = register(&app, "nginx:1").await;
    register(&app, "nginx:2").await;
    let shown = app.get("/nonprod/taskdefs/web:1").await.expect(200);
    insta::assert_json_snapshot!(project(&shown, TASK_DEFINITION), {
        ".TaskDefinition.TaskDefinitionArn" => "[arn]",
        ".TaskDefinition.ExecutionRoleArn" => "[arn]",
        ".TaskDefinition.RegisteredAt" => "[time]",
    }, @r#"
    {
      "TaskDefinition": {
        "TaskDefinitionArn": "[arn]",
        "ContainerDefinitions": [
          {
            "Name": "web",
            "Image": "nginx:1",
            "Cpu": 0,
            "PortMappings": []
          }
        ],
        "Family": "web",
        "ExecutionRoleArn": "[arn]",
        "NetworkMode": "awsvpc",
        "Revision": 1,
        "Status": "ACTIVE",
        "RequiresCompatibilities": [
          "FARGATE"
        ],
        "Cpu": "256",
        "Memory": "512",
        "RegisteredAt": "[time]"
      },
      "Tags": [
        {
          "Key": "team",
          "Value": "a"
        }
      ]
    }
    "#);
    assert_eq!(shown["TaskDefinition"]["TaskDefinitionArn"], first);
    assert_eq!(
        image(&app.get("/nonprod/taskdefs/web").await.expect(200)),
        "nginx:2"
    );
    assert_eq!(
        app.get("/nonprod/taskdefs/web%3A1").await.expect(200),
        shown
    );
    let encoded = first.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(
        app.get(&format!("/nonprod/taskdefs/{encoded}"))
            .await
            .expect(200),
        shown
    );
    // API Gateway's HTTP APIs hand the path on decoded.
    assert_eq!(
        app.get(&format!("/nonprod/taskdefs/{first}"))
            .await
            .expect(200),
        shown
    );
}

#[tokio::test]
async fn an_inactive_revision_is_shown() {
    let app = TestApp::new();
    register(&app, "nginx:1").await;
    app.delete("/nonprod/taskdefs/web:1").await.expect(200);
    assert_eq!(
        app.get("/nonprod/taskdefs/web:1").await.expect(200)["TaskDefinition"]["Status"],
        "INACTIVE"
    );
}

#[tokio::test]
async fn an_unknown_task_definition_is_not_found() {
    let problem = TestApp::new()
        .get("/nonprod/taskdefs/nothing")
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`ecs:DescribeTaskDefinition` was refused: Unable to describe task definition.",
      "code": "ClientException",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn an_impossible_task_definition_is_refused_before_any_call() {
    let app = TestApp::new();
    let account_id = app.account().id.clone();
    let elsewhere = "arn:aws:ecs:us-east-1:999999999999:task-definition/web:1";
    let other_region = format!("arn:aws:ecs:eu-west-1:{account_id}:task-definition/web:1");
    let other_kind = format!("arn:aws:ecs:us-east-1:{account_id}:cluster/web");
    for name in [
        "web:0",
        "web:x",
        "web:",
        ":1",
        "a%20b",
        "web%2F1",
        elsewhere,
        &other_region,
        &other_kind,
    ] {
        let problem = app
            .get(&format!("/nonprod/taskdefs/{name}"))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{name}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, message, status) in [
        (
            "ClientException",
            "Unable to describe task definition.",
            404,
        ),
        ("ClientException", "No", 400),
        ("InvalidParameterException", "No", 400),
        ("AccessDeniedException", "No", 403),
    ] {
        app.aws()
            .on("ecs:DescribeTaskDefinition")
            .meets(Fault::refuse(code, message));
        assert_eq!(
            app.get("/nonprod/taskdefs/web").await.problem(status)["code"],
            code,
            "{message}"
        );
        app.aws().forget_script();
    }
}
