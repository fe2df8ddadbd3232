use std::time::Duration;

use fake_aws::Fault;
use serde_json::json;

use super::{arn, encoded, refuses_impossible_services};
use crate::support::promised::{SERVICE, project};
use crate::support::{Caller, TestApp};

const PATH: &str = "/nonprod/clusters/myclu/services";

/// Gives the app the service `web` of two tasks.
async fn with_web(app: TestApp) -> TestApp {
    app.account().furnish().await;
    app.account()
        .service("web")
        .desired_count(2)
        .send()
        .await
        .unwrap();
    app
}

#[tokio::test]
async fn a_deleted_service_is_answered_and_its_tasks_stop() {
    let app = with_web(TestApp::new()).await;
    let answer = app.delete(&format!("{PATH}/web")).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, SERVICE), {
        ".**.ServiceArn" => "[arn]",
        ".**.ClusterArn" => "[arn]",
        ".**.TaskDefinition" => "[arn]",
        ".**.CreatedAt" => "[time]",
        ".**.AwsvpcConfiguration" => "[network]",
    }, @r#"
    {
      "Service": {
        "ServiceArn": "[arn]",
        "ServiceName": "web",
        "ClusterArn": "[arn]",
        "ServiceRegistries": [],
        "Status": "DRAINING",
        "DesiredCount": 0,
        "LaunchType": "FARGATE",
        "TaskDefinition": "[arn]",
        "CreatedAt": "[time]",
        "NetworkConfiguration": {
          "AwsvpcConfiguration": "[network]"
        }
      }
    }
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DeleteService"]
    );
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
    let running = app
        .account()
        .ecs()
        .list_tasks()
        .cluster("myclu")
        .send()
        .await
        .unwrap();
    assert_eq!(running.task_arns(), [""; 0]);
}

#[tokio::test]
async fn what_surrounds_the_service_stays() {
    let app = with_web(TestApp::new()).await;
    app.account().service("other").send().await.unwrap();
    let mut before = app.account().inventory().await;
    app.delete(&format!("{PATH}/web?recursive=false"))
        .await
        .expect(200);
    before.retain(|kept| *kept != arn(&app, "service/myclu/web"));
    assert_eq!(app.account().inventory().await, before);
}

#[tokio::test]
async fn aws_is_told_to_delete_with_force() {
    let app = with_web(TestApp::new()).await;
    app.aws()
        .on("ecs:DeleteService")
        .whose(|sent| *sent == json!({"force": true, "cluster": "myclu", "service": "web"}))
        .meets(Fault::refuse("ClientException", "it came through"));
    let problem = app.delete(&format!("{PATH}/web")).await.problem(400);
    assert_eq!(
        problem["detail"],
        "`ecs:DeleteService` was refused: it came through"
    );
}

#[tokio::test]
async fn a_service_is_deleted_by_its_arn() {
    let app = with_web(TestApp::new()).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::ZERO;
    });
    for resource in ["service/myclu/web", "service/web"] {
        let arn = arn(&app, resource);
        for service in [encoded(&arn), arn] {
            let answer = app.delete(&format!("{PATH}/{service}")).await.expect(200);
            assert_eq!(answer["Service"]["ServiceName"], "web", "{service}");
            app.account().service("web").send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_impossible_service_is_refused_before_any_call() {
    refuses_impossible_services("DELETE", "").await;
}

#[tokio::test]
async fn an_unknown_service_is_not_found() {
    let app = with_web(TestApp::new()).await;
    let problem = app.delete(&format!("{PATH}/nothing")).await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`ecs:DeleteService` was refused: there is no such service",
      "code": "ServiceNotFoundException",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_missing_cluster_is_not_found() {
    let app = with_web(TestApp::new()).await;
    app.aws().on("ecs:DeleteService").meets(Fault::refuse(
        "ClusterNotFoundException",
        "Cluster not found.",
    ));
    let problem = app
        .delete("/nonprod/clusters/nowhere/services/web")
        .await
        .problem(404);
    assert_eq!(problem["code"], "ClusterNotFoundException");
}

#[tokio::test]
async fn each_refusal_of_aws_has_its_status_and_keeps_awss_words() {
    let app = with_web(TestApp::new()).await;
    for (code, message, status) in [
        ("ServiceNotActiveException", "Service was not ACTIVE.", 409),
        (
            "AccessDeniedException",
            "User is not authorized to perform: ecs:DeleteService",
            403,
        ),
        (
            "InvalidParameterException",
            "The service cannot be deleted while it is in use",
            400,
        ),
        ("ServerException", "oops", 502),
    ] {
        app.aws()
            .on("ecs:DeleteService")
            .meets(Fault::refuse(code, message));
        let problem = app.delete(&format!("{PATH}/web")).await.problem(status);
        assert_eq!(problem["code"], code, "{message}");
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{message}: {problem}"
        );
        app.aws().forget_script();
    }
    assert_eq!(
        app.get(PATH).await.expect(200),
        json!([arn(&app, "service/myclu/web")])
    );
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let queries = [
        (
            "recursive=yes",
            "recursive",
            "expected `true`, `false`, `1` or `0`",
        ),
        (
            "force=true",
            "force",
            "unknown query parameter; this path knows `recursive`",
        ),
    ];
    app.assert_refuses("DELETE", &format!("{PATH}/web"), &queries)
        .await;
}

#[tokio::test]
async fn a_reader_may_not_delete() {
    let app = with_web(TestApp::new()).await;
    app.request("DELETE", &format!("{PATH}/web"))
        .by(Caller::Reader)
        .send()
        .await
        .problem(403);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_aws_is_given_up_in_time() {
    let mut app = with_web(TestApp::scripted()).await;
    app.get(PATH).await.expect(200);
    app.set_time_left(Duration::from_secs(3));
    app.aws()
        .on("ecs:DeleteService")
        .meets(Fault::delay(Duration::from_secs(6)));
    let problem = app.delete(&format!("{PATH}/web")).await.problem(504);
    assert_eq!(problem["code"], "DeadlineExceeded");
}
