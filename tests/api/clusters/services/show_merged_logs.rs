//! The log of all tasks of a service. What arrives late is in `show_merged_logs/late.rs`.

mod bounds;
mod late;

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use super::arn;
use crate::support::{Answer, TestApp};

const PATH: &str = "/nonprod/clusters/myclu/services/web/logs";

/// A group's log configuration.
fn awslogs(group: &str, prefix: &str) -> Value {
    let options = json!({"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": prefix});
    json!({"logDriver": "awslogs", "options": options})
}

/// Makes a service whose containers log as given, and which runs no task.
async fn make_service(app: &TestApp, name: &str, containers: &[(&str, Option<Value>)]) {
    let clusters = app.account().ecs().create_cluster();
    clusters.cluster_name("myclu").send().await.unwrap();
    register(app, name, containers).await;
    let service = app.account().service(name);
    service.task_definition(name).send().await.unwrap();
}

async fn register(app: &TestApp, family: &str, containers: &[(&str, Option<Value>)]) {
    let container = |(name, log): &(&str, Option<Value>)| json!({"name": name, "image": "a", "logConfiguration": log});
    let body = json!({"family": family, "cpu": "256", "memory": "512",
        "containerDefinitions": containers.iter().map(container).collect::<Vec<_>>()});
    app.post("/nonprod/taskdefs", &body).await.expect(200);
}

/// An app with the service `web`, whose container `app` logs to the group `/ecs/web`.
async fn app_with_web() -> TestApp {
    let app = TestApp::scripted();
    make_service(&app, "web", &[("app", Some(awslogs("/ecs/web", "web")))]).await;
    app
}

/// Writes an event that happened some milliseconds ago. Group and stream are made where they are not there.
fn log(app: &TestApp, group: &str, stream: &str, ago_ms: i64, message: &str) {
    let now_ms = i64::try_from(app.aws().now_ms()).unwrap();
    put(app, group, stream, &[(now_ms - ago_ms, message.to_owned())]);
}

/// Writes events of these times, in milliseconds since 1970.
fn put(app: &TestApp, group: &str, stream: &str, events: &[(i64, String)]) {
    let account = &app.account().id;
    let of_stream = json!({"logGroupName": group, "logStreamName": stream});
    // They are there already but for the first time.
    let _ = app.aws().put(account, "logs:CreateLogGroup", &of_stream);
    let _ = app.aws().put(account, "logs:CreateLogStream", &of_stream);
    let event = |(time, message): &(i64, String)| json!({"timestamp": time, "message": message});
    let mut input = of_stream;
    input["logEvents"] = events.iter().map(event).collect();
    app.aws().put(account, "logs:PutLogEvents", &input).unwrap();
}

async fn logs(app: &TestApp, query: &str) -> Answer {
    app.get(&format!("{PATH}?{query}")).await
}

/// Reads on where an answer of the log ended.
async fn follow(app: &TestApp, log: &Value, query: &str) -> Value {
    let token = log["NextToken"].as_str().unwrap();
    let answer = logs(app, &format!("nextToken={token}&{query}")).await;
    answer.expect(200)
}

fn messages(log: &Value) -> Vec<&str> {
    let events = log["Events"].as_array().unwrap().iter();
    events
        .map(|event| event["Message"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_logs_of_all_tasks_and_containers_are_merged_by_time() {
    let app = TestApp::scripted();
    let containers = [
        ("app", Some(awslogs("/ecs/web", "web"))),
        ("proxy", Some(awslogs("/ecs/proxy", "web"))),
    ];
    make_service(&app, "web", &containers).await;
    log(&app, "/ecs/web", "web/app/one", 4_000, "first");
    log(&app, "/ecs/proxy", "web/proxy/one", 3_000, "second");
    log(&app, "/ecs/web", "web/app/two", 2_000, "third");
    app.aws().forget_calls();
    app.aws().set_latency(Duration::from_millis(20));
    let log = logs(&app, "").await.expect(200);
    assert_eq!(messages(&log), ["first", "second", "third"]);
    insta::assert_json_snapshot!(log, {
        ".Events[].IngestionTime" => "[time]", ".Events[].Timestamp" => "[time]", ".NextToken" => "[token]",
    }, @r#"
    {
      "Events": [
        {
          "IngestionTime": "[time]",
          "Message": "first",
          "Timestamp": "[time]",
          "Task": "one",
          "Container": "app"
        },
        {
          "IngestionTime": "[time]",
          "Message": "second",
          "Timestamp": "[time]",
          "Task": "one",
          "Container": "proxy"
        },
        {
          "IngestionTime": "[time]",
          "Message": "third",
          "Timestamp": "[time]",
          "Task": "two",
          "Container": "app"
        }
      ],
      "NextToken": "[token]",
      "HasMore": false,
      "Elsewhere": [],
      "MissingGroups": []
    }
    "#);
    let mut calls = app.aws().operations();
    calls.sort();
    let expected = [
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "logs:FilterLogEvents",
        "logs:FilterLogEvents",
    ];
    assert_eq!(
        (calls, app.aws().depth()),
        (expected.map(str::to_owned).to_vec(), 3)
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_name_begins_anothers_is_not_shown_with_it() {
    let app = app_with_web().await;
    make_service(
        &app,
        "web-2",
        &[("app", Some(awslogs("/ecs/web", "web-2")))],
    )
    .await;
    // The prefix `web/app` of a third service begins as the streams of the container `app` do.
    log(&app, "/ecs/web", "web/app/one", 3_000, "of web");
    log(&app, "/ecs/web", "web-2/app/two", 2_000, "of web-2");
    log(&app, "/ecs/web", "web/app/other/three", 1_000, "of another");
    log(
        &app,
        "/ecs/web",
        "web/app-2/four",
        500,
        "of another container",
    );
    assert_eq!(messages(&logs(&app, "").await.expect(200)), ["of web"]);
    let path = "/nonprod/clusters/myclu/services/web-2/logs";
    assert_eq!(messages(&app.get(path).await.expect(200)), ["of web-2"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_beginning_the_last_15_minutes_are_shown() {
    let app = app_with_web().await;
    let minute = 60_000;
    for ago in [3_000, 61, 16, 14, 2] {
        let message = format!("{ago} minutes ago");
        log(&app, "/ecs/web", "web/app/one", ago * minute, &message);
    }
    let now_ms = i64::try_from(app.aws().now_ms()).unwrap();
    for (query, expected) in [
        (String::new(), 2),
        ("since=10m".to_owned(), 1),
        ("since=1000s".to_owned(), 3),
        ("since=2h".to_owned(), 4),
        ("since=3d".to_owned(), 5),
        ("since=99999d".to_owned(), 5),
        (format!("start={}", now_ms - 20 * minute), 3),
        (format!("since=3d&end={}", now_ms - 20 * minute), 2),
        (format!("start={}&end={now_ms}", now_ms - 14 * minute), 2),
    ] {
        let log = logs(&app, &query).await.expect(200);
        assert_eq!(messages(&log).len(), expected, "{query}: {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn container_and_filter_narrow_the_log() {
    let app = TestApp::scripted();
    let to = |prefix| Some(awslogs("/ecs/web", prefix));
    make_service(&app, "web", &[("app", to("web")), ("proxy", to("web"))]).await;
    log(&app, "/ecs/web", "web/app/one", 3_000, "app: ERROR 1");
    log(&app, "/ecs/web", "web/app/one", 2_000, "app: fine");
    log(&app, "/ecs/web", "web/proxy/one", 1_000, "proxy: ERROR 2");
    for (query, expected) in [
        ("container=app", vec!["app: ERROR 1", "app: fine"]),
        ("filter=ERROR", vec!["app: ERROR 1", "proxy: ERROR 2"]),
        ("filter=-ERROR", vec!["app: fine"]),
        ("filter=ERROR&container=proxy", vec!["proxy: ERROR 2"]),
        ("filter=nothing", vec![]),
    ] {
        let log = logs(&app, query).await.expect(200);
        assert_eq!(messages(&log), expected, "{query}");
    }
    let problem = logs(&app, "filter=%22").await.problem(400);
    assert_eq!(
        problem["detail"],
        "`logs:FilterLogEvents` was refused: Invalid filter pattern"
    );
}

#[tokio::test(start_paused = true)]
async fn containers_that_log_elsewhere_and_groups_that_are_not_there_are_told() {
    let app = TestApp::scripted();
    let splunk =
        json!({"logDriver": "splunk", "options": {"splunk-url": "x", "splunk-token": "x"}});
    let containers = [
        ("app", Some(awslogs("/ecs/web", "web"))),
        ("early", Some(awslogs("/ecs/early", "web"))),
        ("router", Some(splunk)),
        ("silent", None),
    ];
    make_service(&app, "web", &containers).await;
    log(
        &app,
        "/ecs/web",
        "web/another/one",
        3_000,
        "of another container",
    );
    let answer = logs(&app, "").await.expect(200);
    assert_eq!(
        (
            &answer["Events"],
            &answer["Elsewhere"],
            &answer["MissingGroups"]
        ),
        (
            &json!([]),
            &json!([{"Container": "router", "Driver": "splunk"}, {"Container": "silent"}]),
            &json!(["/ecs/early"])
        )
    );
    // What is made later is found.
    log(&app, "/ecs/early", "web/early/one", 1_000, "now");
    let answer = follow(&app, &answer, "").await;
    assert_eq!(messages(&answer), ["now"]);
    assert_eq!(answer["MissingGroups"], json!([]));
    let answer = logs(&app, "container=router").await.expect(200);
    assert_eq!(answer["Events"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn the_logs_of_every_definition_that_a_deployment_runs_are_read() {
    let app = app_with_web().await;
    register(&app, "web", &[("app", Some(awslogs("/ecs/new", "web")))]).await;
    let deployment =
        |revision| json!({"taskDefinition": arn(&app, &format!("task-definition/web:{revision}"))});
    let service = json!({"serviceName": "web", "status": "ACTIVE", "deployments": [deployment(2), deployment(1)],
        "taskDefinition": arn(&app, "task-definition/web:2")});
    app.aws().on("ecs:DescribeServices").meets(Fault::answer(
        &json!({"services": [service], "failures": []}),
    ));
    log(&app, "/ecs/web", "web/app/one", 2_000, "of the old");
    log(&app, "/ecs/new", "web/app/two", 1_000, "of the new");
    // One that was deleted for good.
    app.aws()
        .on("ecs:DescribeTaskDefinition")
        .whose(|sent| sent["taskDefinition"].as_str().unwrap().ends_with(":1"))
        .once()
        .meets(Fault::refuse(
            "ClientException",
            "Unable to describe task definition.",
        ));
    assert_eq!(messages(&logs(&app, "").await.expect(200)), ["of the new"]);
    assert_eq!(
        messages(&logs(&app, "").await.expect(200)),
        ["of the old", "of the new"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let app = app_with_web().await;
    let path = "/nonprod/clusters/myclu/services/nothing/logs";
    let problem = app.get(path).await.problem(404);
    assert_eq!(
        problem["detail"],
        "there is no service `nothing` in the cluster `myclu`"
    );
    let problem = logs(&app, "container=appp").await.problem(404);
    let definition = arn(&app, "task-definition/web:1");
    assert_eq!(
        problem["detail"],
        format!("`{definition}` has no container `appp`; it has `app`")
    );
    let operations = app.aws().operations();
    assert!(!operations.contains(&"logs:FilterLogEvents".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::scripted();
    let since = "expected a whole number up to 99999 and `s`, `m`, `h` or `d`, as in `15m`";
    let wait = "expected a whole number of seconds, 1 to 25";
    let filter = "expected a filter pattern of CloudWatch Logs, 1 to 1024 characters";
    let token = "expected the `NextToken` of an earlier answer to the same path with the same `container`, `filter` and `end`";
    let long = "x".repeat(1025);
    for (query, name, message) in [
        ("since=15", "since", since),
        ("since=m", "since", since),
        ("since=-1m", "since", since),
        ("since=100000d", "since", since),
        ("since=1.5h", "since", since),
        ("since=15%C3%A9", "since", since),
        (
            "since=15m&start=1",
            "since",
            "expected `since` or `start`, not both",
        ),
        ("wait=0", "wait", wait),
        ("wait=26", "wait", wait),
        ("wait=true", "wait", wait),
        ("filter=", "filter", filter),
        (&format!("filter={long}"), "filter", filter),
        (
            "limit=0",
            "limit",
            "expected a whole number from 1 to 10000",
        ),
        ("nextToken=", "nextToken", token),
        ("nextToken=f/1/s", "nextToken", token),
        (
            "startFromHead=true",
            "startFromHead",
            "only for one container of one task; a log of several has its earliest events first",
        ),
        (
            "task=abc",
            "container",
            "required beside `task`; the log of all containers of a task is at `…/tasks/{task}/logs`",
        ),
        (
            "task=abc&container=app&filter=x",
            "filter",
            "not for one container of one task; ask for it at `…/tasks/{task}/logs`",
        ),
    ] {
        let problem = logs(&app, query).await.problem(400);
        let expected = json!([{"path": name, "message": message}]);
        assert_eq!(problem["errors"], expected, "{query}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_of_this_log_is_refused_before_any_call() {
    let app = app_with_web().await;
    make_service(
        &app,
        "web-2",
        &[("app", Some(awslogs("/ecs/web", "web-2")))],
    )
    .await;
    log(&app, "/ecs/web", "web/app/one", 1_000, "there");
    let answer = logs(&app, "").await.expect(200);
    let token = answer["NextToken"].as_str().unwrap();
    app.aws().forget_calls();
    let refused = async |path: String| {
        let problem = app.get(&path).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], "nextToken", "{path}");
    };
    for (at, letter) in token.char_indices() {
        let other = if letter == 'A' { "B" } else { "A" };
        let mut forged = token.to_owned();
        forged.replace_range(at..=at, other);
        // The last letter stands for bits that nothing is read from.
        if at + 1 < token.len() {
            refused(format!("{PATH}?nextToken={forged}")).await;
        }
    }
    refused(format!("{PATH}?nextToken={}", &token[..token.len() - 4])).await;
    refused(format!("{PATH}?nextToken={token}AAAA")).await;
    refused(format!("{PATH}?nextToken={}", "A".repeat(2_049))).await;
    refused(format!("{PATH}?nextToken={token}&filter=x")).await;
    refused(format!("{PATH}?nextToken={token}&container=app")).await;
    refused(format!("{PATH}?nextToken={token}&end=1")).await;
    let other = "/nonprod/clusters/myclu/services/web-2/logs";
    refused(format!("{other}?nextToken={token}")).await;
    refused(format!(
        "/nonprod/clusters/myclu/tasks/web/logs?nextToken={token}"
    ))
    .await;
    assert_eq!(app.aws().operations(), [""; 0]);
    for beside in ["since=15m", "start=1", "limit=5"] {
        logs(&app, &format!("nextToken={token}&{beside}"))
            .await
            .expect(200);
    }
}

/// The permission for an earlier answer says nothing of the next.
#[tokio::test(start_paused = true)]
async fn a_token_opens_no_group_that_may_not_be_read() {
    let app = TestApp::scripted_with(&json!({"logGroups": ["/ecs/*"]}));
    make_service(&app, "web", &[("app", Some(awslogs("/ecs/web", "web")))]).await;
    log(&app, "/ecs/web", "web/app/one", 1_000, "there");
    let answer = logs(&app, "").await.expect(200);
    assert_eq!(messages(&answer), ["there"]);
    let fenced = [("/payroll", "us-east-1"), ("/ecs/web", "eu-west-1")];
    for (group, region) in fenced {
        let mut config = awslogs(group, "web");
        config["options"]["awslogs-region"] = region.into();
        register(&app, "web", &[("app", Some(config))]).await;
        let service = app.account().ecs().update_service().cluster("myclu");
        let update = service.service("web").task_definition("web");
        update.send().await.unwrap();
        log(&app, group, "web/app/one", 1_000, "secret");
        app.aws().forget_calls();
        let token = answer["NextToken"].as_str().unwrap();
        for query in [String::new(), format!("nextToken={token}")] {
            let problem = logs(&app, &query).await.problem(403);
            assert_eq!(problem["code"], "ForbiddenLog", "{group} {region}");
        }
        let operations = app.aws().operations();
        assert!(!operations.contains(&"logs:FilterLogEvents".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_is_answered_with_the_first_new_event() {
    let app = app_with_web().await;
    log(&app, "/ecs/web", "web/app/one", 1_000, "old");
    let first = logs(&app, "").await.expect(200);
    let began = tokio::time::Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        log(&app, "/ecs/web", "web/app/one", 0, "new");
    };
    let (answer, ()) = tokio::join!(follow(&app, &first, "wait=25"), later);
    assert_eq!(messages(&answer), ["new"]);
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_in_vain_is_answered_empty_and_has_looked_a_few_times() {
    let app = app_with_web().await;
    let first = logs(&app, "").await.expect(200);
    for (wait, looks) in [(25, 4), (25, 5), (3, 2), (1, 2)] {
        app.aws().forget_calls();
        let began = tokio::time::Instant::now();
        let answer = follow(&app, &first, &format!("wait={wait}")).await;
        assert_eq!(
            (messages(&answer).len(), answer["HasMore"] == true),
            (0, false)
        );
        assert_eq!(began.elapsed().as_secs(), wait);
        let operations = app.aws().operations();
        let searches = operations
            .iter()
            .filter(|name| *name == "logs:FilterLogEvents");
        assert_eq!(searches.count(), looks, "wait={wait}");
    }
}
