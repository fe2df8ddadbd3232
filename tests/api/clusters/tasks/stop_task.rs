use fake_aws::Fault;
use serde_json::json;

use super::{furnish, run};
use crate::support::TestApp;
use crate::support::promised::{TASK, project};

const PATH: &str = "/nonprod/clusters/myclu/tasks";
const STOP: &str = "ecs:StopTask";

#[tokio::test]
async fn a_stopped_task_is_answered_with_the_reason() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let arn = run(app.account(), "web", |call| {
        call.launch_type("FARGATE".into())
    })
    .await
    .remove(0);
    let id = arn.rsplit('/').next().unwrap();
    let answer = app
        .delete(&format!("{PATH}/{id}?reason=the%20night%20is%20over"))
        .await
        .expect(200);
    insta::assert_json_snapshot!(project(&answer, TASK), {
        ".Task.**.TaskArn" => "[arn]",
        ".Task.TaskDefinitionArn" => "[arn]",
        ".Task.ClusterArn" => "[arn]",
        ".Task.CreatedAt" => "[time]",
    }, @r#"
    {
      "Task": {
        "ClusterArn": "[arn]",
        "Containers": [
          {
            "TaskArn": "[arn]",
            "Name": "web",
            "Image": "nginx:alpine",
            "LastStatus": "STOPPED",
            "ExitCode": 0
          }
        ],
        "CreatedAt": "[time]",
        "DesiredStatus": "STOPPED",
        "LastStatus": "RUNNING",
        "LaunchType": "FARGATE",
        "StoppedReason": "the night is over",
        "Tags": [],
        "TaskArn": "[arn]",
        "TaskDefinitionArn": "[arn]",
        "Revision": 1
      }
    }
    "#);
    assert_eq!(answer["Task"]["TaskArn"], arn);
    assert_eq!(
        app.aws().sent(STOP),
        [json!({"cluster": "myclu", "task": id, "reason": "the night is over"})]
    );
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}

#[tokio::test]
async fn a_task_is_stopped_by_arn_and_without_a_reason() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let arns = run(app.account(), "web", |call| call.count(2)).await;
    app.delete(&format!(
        "{PATH}/{}",
        arns[0].replace(':', "%3A").replace('/', "%2F")
    ))
    .await
    .expect(200);
    // API Gateway's HTTP APIs hand the path on decoded.
    app.delete(&format!("{PATH}/{}", arns[1])).await.expect(200);
    let expected = arns
        .iter()
        .map(|arn| json!({"cluster": "myclu", "task": arn.rsplit('/').next().unwrap()}));
    assert_eq!(app.aws().sent(STOP), expected.collect::<Vec<_>>());
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}

#[tokio::test]
async fn an_impossible_task_and_an_unknown_parameter_are_refused_before_any_call() {
    let app = TestApp::new();
    let account_id = app.account().id.clone();
    for task in [
        "a%20b",
        "arn:aws:ecs:us-east-1:999999999999:task/myclu/0a1b",
        &format!("arn:aws:ecs:us-east-1:{account_id}:task/other/0a1b"),
    ] {
        let problem = app.delete(&format!("{PATH}/{task}")).await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{task}");
    }
    let problem = app
        .delete(&format!("{PATH}/0a1b?reson=x"))
        .await
        .problem(400);
    let message = "unknown query parameter; this path knows `reason`";
    assert_eq!(
        problem["errors"],
        json!([{"path": "reson", "message": message}])
    );
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("ClientException", 400),
        ("InvalidParameterException", 400),
        ("AccessDeniedException", 403),
        ("ClusterNotFoundException", 404),
    ] {
        app.aws().on(STOP).meets(Fault::refuse(code, "No"));
        assert_eq!(
            app.delete(&format!("{PATH}/0a1b")).await.problem(status)["code"],
            code
        );
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn an_unknown_task_is_not_found() {
    // ECS says so with the code of a bad parameter.
    let app = TestApp::new();
    furnish(app.account()).await;
    let problem = app
        .delete(&format!("{PATH}/0123456789abcdef0123456789abcdef"))
        .await
        .problem(404);
    assert_eq!(problem["code"], "InvalidParameterException");
}
