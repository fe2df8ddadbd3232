use fake_aws::Fault;
use serde_json::json;

use super::{furnish, run};
use crate::support::TestApp;
use crate::support::promised::{TASK, project};

const PATH: &str = "/nonprod/clusters/myclu/tasks";

#[tokio::test]
async fn a_task_is_shown_by_id_with_its_cluster_and_by_arn() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let tag = aws_sdk_ecs::types::Tag::builder()
        .key("team")
        .value("a")
        .build();
    let arn = run(app.account(), "web", |call| {
        call.tags(tag).launch_type("FARGATE".into())
    })
    .await
    .remove(0);
    let id = arn.rsplit('/').next().unwrap();
    let shown = app.get(&format!("{PATH}/{id}")).await.expect(200);
    insta::assert_json_snapshot!(project(&shown, TASK), {
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
              "LastStatus": "RUNNING"
            }
          ],
          "CreatedAt": "[time]",
          "DesiredStatus": "RUNNING",
          "LastStatus": "RUNNING",
          "LaunchType": "FARGATE",
          "Tags": [
            {
              "Key": "team",
              "Value": "a"
            }
          ],
          "TaskArn": "[arn]",
          "TaskDefinitionArn": "[arn]",
          "Revision": 1
        }
      ],
      "Failures": []
    }
    "#);
    assert_eq!(shown["Tasks"][0]["TaskArn"], arn);
    let older = arn.replace("task/myclu/", "task/");
    for name in [
        format!("myclu%2F{id}"),
        arn.replace(':', "%3A").replace('/', "%2F"),
        older.replace('/', "%2F"),
        // API Gateway's HTTP APIs hand the path on decoded.
        arn.clone(),
        older,
    ] {
        assert_eq!(
            app.get(&format!("{PATH}/{name}")).await.expect(200),
            shown,
            "{name}"
        );
    }
    let cluster = format!("arn:aws:ecs:us-east-1:{}:cluster/myclu", app.account().id);
    assert_eq!(
        app.get(&format!("/nonprod/clusters/{cluster}/tasks/{arn}"))
            .await
            .expect(200),
        shown
    );
}

#[tokio::test]
async fn a_stopped_task_is_shown() {
    let app = TestApp::new();
    furnish(app.account()).await;
    let arn = run(app.account(), "web", |call| call).await.remove(0);
    app.account()
        .ecs()
        .stop_task()
        .cluster("myclu")
        .task(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(
        app.get(&format!("{PATH}/{arn}")).await.expect(200)["Tasks"][0]["LastStatus"],
        "STOPPED"
    );
}

#[tokio::test]
async fn an_unknown_task_is_not_found() {
    let app = TestApp::new();
    let problem = app
        .get(&format!("{PATH}/0123456789abcdef0123456789abcdef"))
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no task `0123456789abcdef0123456789abcdef` in the cluster `myclu`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    app.aws().on("ecs:DescribeTasks").meets(Fault::refuse(
        "ClusterNotFoundException",
        "Cluster not found.",
    ));
    assert_eq!(
        app.get(&format!("{PATH}/0123456789abcdef0123456789abcdef"))
            .await
            .problem(404),
        problem
    );
}

#[tokio::test]
async fn an_impossible_task_is_refused_before_any_call() {
    let app = TestApp::new();
    let account_id = app.account().id.clone();
    for task in [
        "a%20b",
        "other%2F0a1b",
        "arn:aws:ecs:us-east-1:999999999999:task/myclu/0a1b",
        &format!("arn:aws:ecs:eu-west-1:{account_id}:task/myclu/0a1b"),
        &format!("arn:aws:ecs:us-east-1:{account_id}:task/other/0a1b"),
        &format!("arn:aws:ecs:us-east-1:{account_id}:task%2Fother%2F0a1b"),
        &format!("arn:aws:ecs:us-east-1:{account_id}:service/myclu/0a1b"),
    ] {
        let problem = app.get(&format!("{PATH}/{task}")).await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{task}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
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
            .on("ecs:DescribeTasks")
            .meets(Fault::refuse(code, "No"));
        let problem = app.get(&format!("{PATH}/0a1b")).await.problem(status);
        assert_eq!(
            (&problem["code"], &problem["retryable"]),
            (&json!(code), &json!(false))
        );
        app.aws().forget_script();
    }
}
