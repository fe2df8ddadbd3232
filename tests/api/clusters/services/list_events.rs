use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arn, encoded, refuses_impossible_services};
use crate::support::{Caller, TestApp};

const PATH: &str = "/nonprod/clusters/myclu/services/web/events";

/// Gives the app the service `web`.
async fn with_web(app: TestApp) -> TestApp {
    app.account().furnish().await;
    app.account().service("web").send().await.unwrap();
    app
}

/// AWS's description of `web` with these events: id, seconds since 1970.
fn described(events: &[(&str, f64)]) -> Value {
    let event = |(id, created_at): &(&str, f64)| json!({"id": id, "createdAt": created_at, "message": "(service web)"});
    let events: Vec<_> = events.iter().map(event).collect();
    json!({"services": [{"serviceName": "web", "status": "ACTIVE", "events": events}], "failures": []})
}

fn ids(events: &Value) -> Vec<&str> {
    events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["Id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_listed_newest_first() {
    let app = with_web(TestApp::new()).await;
    let unsorted = [
        ("middle", 1_795_356_486.0),
        ("oldest", 1_795_356_000.25),
        ("newest", 1_795_357_000.0),
    ];
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&described(&unsorted)));
    let answer = app.get(PATH).await.expect(200);
    insta::assert_json_snapshot!(answer, @r#"
    [
      {
        "Id": "newest",
        "CreatedAt": "2026-11-22T14:16:40Z",
        "Message": "(service web)"
      },
      {
        "Id": "middle",
        "CreatedAt": "2026-11-22T14:08:06Z",
        "Message": "(service web)"
      },
      {
        "Id": "oldest",
        "CreatedAt": "2026-11-22T14:00:00.25Z",
        "Message": "(service web)"
      }
    ]
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeServices"]
    );
}

#[tokio::test]
async fn events_of_the_same_moment_keep_awss_order() {
    let app = with_web(TestApp::new()).await;
    let events = [
        ("b", 1_795_356_486.0),
        ("a", 1_795_356_486.0),
        ("c", 1_795_356_486.0),
    ];
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&described(&events)));
    assert_eq!(ids(&app.get(PATH).await.expect(200)), ["b", "a", "c"]);
}

#[tokio::test]
async fn what_ecs_says_of_the_service_is_listed() {
    let app = with_web(TestApp::new()).await;
    let update = app
        .account()
        .ecs()
        .update_service()
        .cluster("myclu")
        .service("web")
        .desired_count(1);
    update.send().await.unwrap();
    let events = app.get(PATH).await.expect(200);
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert!(
        events[0]["Message"]
            .as_str()
            .unwrap()
            .starts_with("(service web) has begun"),
        "{events}"
    );
    assert!(
        events[0]["CreatedAt"].as_str().unwrap().ends_with('Z'),
        "{events}"
    );
}

#[tokio::test]
async fn a_service_without_events_has_an_empty_list() {
    let app = with_web(TestApp::new()).await;
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
    let without = json!({"services": [{"serviceName": "web"}], "failures": []});
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&without));
    assert_eq!(app.get(PATH).await.expect(200), json!([]));
}

#[tokio::test]
async fn a_deleted_service_still_has_its_events() {
    let app = with_web(TestApp::new()).await;
    let update = app
        .account()
        .ecs()
        .update_service()
        .cluster("myclu")
        .service("web")
        .desired_count(1);
    update.send().await.unwrap();
    app.delete("/nonprod/clusters/myclu/services/web")
        .await
        .expect(200);
    assert_eq!(app.get(PATH).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_is_named_by_its_arn_too() {
    let app = with_web(TestApp::new()).await;
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&described(&[("one", 1.0)])));
    for resource in ["service/myclu/web", "service/web"] {
        let arn = arn(&app, resource);
        for service in [encoded(&arn), arn] {
            let path = format!("/nonprod/clusters/myclu/services/{service}/events");
            assert_eq!(ids(&app.get(&path).await.expect(200)), ["one"], "{path}");
        }
    }
}

#[tokio::test]
async fn an_impossible_service_is_refused_before_any_call() {
    refuses_impossible_services("GET", "/events").await;
}

#[tokio::test]
async fn an_unknown_service_or_cluster_is_not_found() {
    let app = with_web(TestApp::new()).await;
    let problem = app
        .get("/nonprod/clusters/myclu/services/nothing/events")
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no service `nothing` in the cluster `myclu`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    let problem = app
        .get("/nonprod/clusters/nowhere/services/web/events")
        .await
        .problem(404);
    assert_eq!(
        problem["detail"],
        "there is no service `web` in the cluster `nowhere`"
    );
}

#[tokio::test]
async fn a_refusal_of_aws_keeps_awss_words() {
    let app = with_web(TestApp::new()).await;
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let problem = app.get(PATH).await.problem(403);
    let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
    assert_eq!(
        problem["detail"],
        format!("the role `{role}` may not do `ecs:DescribeServices`: not you")
    );
}

#[tokio::test]
async fn events_are_for_reading_alone() {
    let app = with_web(TestApp::new()).await;
    let head = app.request("HEAD", PATH).by(Caller::Reader).send().await;
    assert_eq!((head.status, head.text().as_str()), (200, ""));
    let refused = app.delete(PATH).await;
    refused.problem(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
    let problem = app.get(&format!("{PATH}?limit=1")).await.problem(400);
    let message = "unknown query parameter; this path knows none";
    assert_eq!(
        problem["errors"],
        json!([{"path": "limit", "message": message}])
    );
}
