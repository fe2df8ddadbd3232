use std::time::Duration;

use serde_json::{Value, json};

use super::run;
use crate::support::TestApp;

/// Registers the task definition `job`, whose containers log as given, and runs one task of it, of no service.
async fn run_job(app: &TestApp, containers: &[(&str, Option<Value>)]) -> String {
    let container = |(name, log): &(&str, Option<Value>)| json!({"name": name, "image": "a", "logConfiguration": log});
    let body = json!({"family": "job", "cpu": "256", "memory": "512",
        "containerDefinitions": containers.iter().map(container).collect::<Vec<_>>()});
    let cluster = app.account().ecs().create_cluster().cluster_name("myclu");
    cluster.send().await.unwrap();
    app.post("/nonprod/taskdefs", &body).await.expect(200);
    let arn = run(app.account(), "job", |call| call).await.remove(0);
    arn.rsplit('/').next().unwrap().to_owned()
}

/// The log configuration of most tests.
fn to_jobs() -> Value {
    let options = json!({"awslogs-group": "/ecs/jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"});
    json!({"logDriver": "awslogs", "options": options})
}

fn log(app: &TestApp, stream: &str, ago_ms: u64, message: &str) {
    let account = &app.account().id;
    let mut input = json!({"logGroupName": "/ecs/jobs", "logStreamName": stream});
    // They are there already but for the first time.
    let _ = app.aws().put(account, "logs:CreateLogGroup", &input);
    let _ = app.aws().put(account, "logs:CreateLogStream", &input);
    let event = json!({"timestamp": app.aws().now_ms() - ago_ms, "message": message});
    input["logEvents"] = json!([event]);
    app.aws().put(account, "logs:PutLogEvents", &input).unwrap();
}

fn messages(log: &Value) -> Vec<&str> {
    let events = log["Events"].as_array().unwrap().iter();
    events
        .map(|event| event["Message"].as_str().unwrap())
        .collect()
}

fn path(task: &str) -> String {
    format!("/nonprod/clusters/myclu/tasks/{task}/logs")
}

#[tokio::test(start_paused = true)]
async fn the_whole_log_of_a_task_of_no_service_is_shown() {
    let app = TestApp::scripted();
    let task = run_job(
        &app,
        &[("app", Some(to_jobs())), ("proxy", Some(to_jobs()))],
    )
    .await;
    let other = run(app.account(), "job", |call| call).await.remove(0);
    let other = other.rsplit('/').next().unwrap();
    log(&app, &format!("job/app/{task}"), 7_200_000, "two hours ago");
    log(&app, &format!("job/proxy/{task}"), 2_000, "of the proxy");
    log(&app, &format!("job/app/{task}"), 1_000, "at last");
    log(&app, &format!("job/app/{other}"), 1_500, "of another task");
    app.aws().forget_calls();
    for (query, expected) in [
        ("", vec!["two hours ago", "of the proxy", "at last"]),
        ("?container=app", vec!["two hours ago", "at last"]),
        ("?since=15m", vec!["of the proxy", "at last"]),
        ("?filter=proxy", vec!["of the proxy"]),
        ("?limit=1", vec!["two hours ago"]),
    ] {
        let answer = app.get(&format!("{}{query}", path(&task))).await;
        let log = answer.expect(200);
        assert_eq!(messages(&log), expected, "{query}");
        let is_its_own = |event: &Value| event["Task"] == *task;
        assert!(log["Events"].as_array().unwrap().iter().all(is_its_own));
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_task_is_followed_from_its_start() {
    let app = TestApp::scripted();
    app.aws().circumstances(&app.account().id, |account| {
        account.missing_for = Duration::from_secs(2);
    });
    let task = run_job(&app, &[("app", Some(to_jobs()))]).await;
    // AWS does not know it yet, and there is neither a group nor a stream.
    let answer = app.get(&path(&task)).await.expect(200);
    assert_eq!(
        (messages(&answer).len(), &answer["MissingGroups"]),
        (0, &json!(["/ecs/jobs"]))
    );
    let token = answer["NextToken"].as_str().unwrap();
    let following = format!("{}?wait=25&nextToken={token}", path(&task));
    let later = async {
        tokio::time::sleep(Duration::from_secs(12)).await;
        log(&app, &format!("job/app/{task}"), 0, "started");
    };
    let (answer, ()) = tokio::join!(app.get(&following), later);
    assert_eq!(messages(&answer.expect(200)), ["started"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_aws_has_forgotten_is_not_found_and_it_is_said_where_its_log_may_be() {
    let app = TestApp::scripted();
    run_job(&app, &[("app", Some(to_jobs()))]).await;
    let forgotten = "0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f";
    let problem = app.get(&path(forgotten)).await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no task `0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f` in `myclu`: AWS knows a stopped one for an hour at most; the log of one that a service started is still at `…/services/{service}/logs?task=0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f&container={container}`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    let operations = app.aws().operations();
    assert!(!operations.contains(&"logs:FilterLogEvents".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_container_is_not_found_and_a_fenced_group_forbidden() {
    let app = TestApp::scripted_with(&json!({"logGroups": ["/ecs/web"]}));
    let task = run_job(&app, &[("app", Some(to_jobs())), ("silent", None)]).await;
    let unknown = format!("{}?container=appp", path(&task));
    app.get(&unknown).await.problem(404);
    let problem = app.get(&path(&task)).await.problem(403);
    assert_eq!(problem["code"], "ForbiddenLog");
    let silent = format!("{}?container=silent", path(&task));
    let log = app.get(&silent).await.expect(200);
    assert_eq!(log["Elsewhere"], json!([{"Container": "silent"}]));
    let operations = app.aws().operations();
    assert!(!operations.contains(&"logs:FilterLogEvents".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_impossible_task_is_refused_before_any_call() {
    let app = TestApp::scripted();
    for task in ["a%20b", "other%2Fabc"] {
        let problem = app.get(&path(task)).await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{task}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}
