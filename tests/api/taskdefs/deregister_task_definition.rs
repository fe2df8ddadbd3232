use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;
use crate::support::promised::{TASK_DEFINITION, project};

async fn register(app: &TestApp) -> String {
    let body = json!({"family": "web", "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "web", "image": "nginx:alpine"}]});
    let made = app.post("/nonprod/taskdefs", &body).await.expect(200);
    made["TaskDefinition"]["TaskDefinitionArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_deregistered_revision_is_answered_inactive_and_the_others_stay() {
    let app = TestApp::new();
    let arns = [
        register(&app).await,
        register(&app).await,
        register(&app).await,
        register(&app).await,
    ];
    let answer = app.delete("/nonprod/taskdefs/web:2").await.expect(200);
    insta::assert_json_snapshot!(project(&answer, TASK_DEFINITION), {
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
            "Image": "nginx:alpine",
            "Cpu": 0,
            "PortMappings": []
          }
        ],
        "Family": "web",
        "ExecutionRoleArn": "[arn]",
        "NetworkMode": "awsvpc",
        "Revision": 2,
        "Status": "INACTIVE",
        "RequiresCompatibilities": [
          "FARGATE"
        ],
        "Cpu": "256",
        "Memory": "512",
        "RegisteredAt": "[time]"
      }
    }
    "#);
    assert_eq!(
        app.get("/nonprod/taskdefs").await.expect(200),
        json!([arns[0], arns[2], arns[3]])
    );
    app.delete(&format!(
        "/nonprod/taskdefs/{}",
        arns[0].replace('/', "%2F")
    ))
    .await
    .expect(200);
    // API Gateway's HTTP APIs hand the path on decoded.
    app.delete(&format!("/nonprod/taskdefs/{}", arns[2]))
        .await
        .expect(200);
    assert_eq!(
        app.get("/nonprod/taskdefs").await.expect(200),
        json!([arns[3]])
    );
}

#[tokio::test]
async fn a_family_without_a_revision_is_refused_before_any_call() {
    let app = TestApp::new();
    let problem = app.delete("/nonprod/taskdefs/web").await.problem(400);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 400,
      "detail": "taskdef: name one revision, as `web:1`: a family is not deregistered whole",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "taskdef",
          "message": "name one revision, as `web:1`: a family is not deregistered whole"
        }
      ]
    }
    "#);
    let family = format!(
        "arn:aws:ecs:us-east-1:{}:task-definition/web",
        app.account().id
    );
    app.delete(&format!("/nonprod/taskdefs/{family}"))
        .await
        .problem(400);
    for impossible in [
        "web:0",
        "web:latest",
        "arn:aws:ecs:us-east-1:999999999999:task-definition/web:1",
    ] {
        let problem = app
            .delete(&format!("/nonprod/taskdefs/{impossible}"))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{impossible}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn an_unknown_revision_is_not_found() {
    let problem = TestApp::new()
        .delete("/nonprod/taskdefs/nothing:1")
        .await
        .problem(404);
    assert_eq!(problem["code"], "ClientException");
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("ClientException", 400),
        ("InvalidParameterException", 400),
        ("AccessDeniedException", 403),
    ] {
        app.aws()
            .on("ecs:DeregisterTaskDefinition")
            .meets(Fault::refuse(code, "No"));
        assert_eq!(
            app.delete("/nonprod/taskdefs/web:1").await.problem(status)["code"],
            code
        );
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_revision_that_aws_says_does_not_exist_is_not_found() {
    let app = TestApp::new();
    let message = "The specified task definition does not exist. Specify a valid account, family, revision and try again.";
    app.aws()
        .on("ecs:DeregisterTaskDefinition")
        .meets(Fault::refuse("ClientException", message));
    assert_eq!(
        app.delete("/nonprod/taskdefs/nothing:1").await.problem(404)["code"],
        "ClientException"
    );
}
