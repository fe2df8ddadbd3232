use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arn, encoded, refuses_impossible_services};
use crate::support::{Answer, Caller, TestAccount, TestApp, review};

const PATH: &str = "/nonprod/clusters/myclu/services/web/logs";

/// 2026-11-22T14:08:06Z in milliseconds.
const STARTED_MS: i64 = 1_795_356_486_000;

/// A task that AWS has forgotten.
const FORGOTTEN: &str = "0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f";

/// Registers the next revision of `web`, whose containers log as given, and has the service `web` run one task of it.
/// Answers the id of that task.
async fn run_web(app: &TestApp, containers: &[(&str, Option<Value>)]) -> String {
    let container = |(name, log): &(&str, Option<Value>)| json!({"name": name, "image": "a", "logConfiguration": log});
    let body = json!({"family": "web", "cpu": "256", "memory": "512",
        "containerDefinitions": containers.iter().map(container).collect::<Vec<_>>()});
    app.account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    let revision = app.post("/nonprod/taskdefs", &body).await.expect(200)["TaskDefinition"]["TaskDefinitionArn"].take();
    let (account, ecs) = (app.account(), app.account().ecs());
    let revision = revision.as_str().unwrap();
    if revision.ends_with(":1") {
        account
            .service("web")
            .task_definition(revision)
            .desired_count(1)
            .send()
            .await
            .unwrap();
    } else {
        let update = ecs
            .update_service()
            .cluster("myclu")
            .service("web")
            .task_definition(revision);
        update.send().await.unwrap();
    }
    account.task_ids("web").await.remove(0)
}

/// The awslogs options of most tests.
fn awslogs() -> Value {
    awslogs_to("/ecs/web", "live")
}

fn awslogs_to(group: &str, prefix: &str) -> Value {
    let options = json!({"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": prefix});
    json!({"logDriver": "awslogs", "options": options})
}

/// Shows the definition that the service runs with another log configuration of its only container, one that AWS does not
/// take any more.
fn show_log_configuration(app: &TestApp, log: &Value) {
    let definition = json!({"family": "web", "revision": 1, "status": "ACTIVE",
        "taskDefinitionArn": arn(app, "task-definition/web:1"),
        "containerDefinitions": [{"name": "app", "image": "a", "logConfiguration": log}]});
    app.aws()
        .on("ecs:DescribeTaskDefinition")
        .meets(Fault::answer(&json!({"taskDefinition": definition})));
}

/// An app with the task of [`run_web`] whose container `app` has logged these lines, a second apart.
async fn app_with_log(app: TestApp, lines: &[&str]) -> (TestApp, String) {
    let task = run_web(&app, &[("app", Some(awslogs()))]).await;
    let events: Vec<_> = (0..)
        .map(|second| STARTED_MS + second * 1_000)
        .zip(lines.iter().copied())
        .collect();
    app.account()
        .log(
            "us-east-1",
            "/ecs/web",
            &format!("live/app/{task}"),
            &events,
        )
        .await;
    (app, task)
}

async fn logs(app: &TestApp, task: &str, more: &str) -> Answer {
    app.get(&format!("{PATH}?task={task}&container=app{more}"))
        .await
}

fn messages(log: &Value) -> Vec<&str> {
    log["Events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["Message"].as_str().unwrap())
        .collect()
}

fn token<'l>(log: &'l Value, direction: &str) -> &'l str {
    log[direction]
        .as_str()
        .unwrap_or_else(|| panic!("no {direction} in {log}"))
}

#[tokio::test]
async fn the_log_of_a_container_is_read_by_the_options_of_its_task_definition() {
    let (app, task) = app_with_log(TestApp::new(), &["starting", "ready"]).await;
    app.aws().forget_calls();
    let log = logs(&app, &task, "").await.expect(200);
    insta::assert_json_snapshot!(log, {".Events[].IngestionTime" => "[time]"}, @r#"
    {
      "Events": [
        {
          "IngestionTime": "[time]",
          "Message": "starting",
          "Timestamp": 1795356486000
        },
        {
          "IngestionTime": "[time]",
          "Message": "ready",
          "Timestamp": 1795356487000
        }
      ],
      "NextForwardToken": "f/00000001795356487000000000000000000000010000000000000000/s",
      "NextBackwardToken": "b/00000001795356486000000000000000000000010000000000000000/s"
    }
    "#);
    assert!(log["Events"][0]["IngestionTime"].is_i64(), "{log}");
    let mut calls = app.aws().operations();
    calls.sort();
    let expected = [
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "logs:GetLogEvents",
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn the_documented_request_with_its_double_quotes_is_understood() {
    let (app, task) = app_with_log(TestApp::new(), &["ready"]).await;
    for quote in ["\"", "%22"] {
        let path = format!("{PATH}?task={quote}{task}{quote}&container={quote}app{quote}");
        assert_eq!(
            messages(&app.get(&path).await.expect(200)),
            ["ready"],
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_task_is_named_by_its_id_its_cluster_and_id_or_its_arn() {
    let (app, task) = app_with_log(TestApp::new(), &["ready"]).await;
    let long = arn(&app, &format!("task/myclu/{task}"));
    for task in [
        format!("myclu/{task}"),
        format!("\"myclu/{task}\""),
        encoded(&format!("myclu/{task}")),
        long.clone(),
        encoded(&long),
        encoded(&format!("\"{long}\"")),
        arn(&app, &format!("task/{task}")),
    ] {
        assert_eq!(
            messages(&logs(&app, &task, "").await.expect(200)),
            ["ready"],
            "{task}"
        );
    }
}

#[tokio::test]
async fn a_service_is_named_by_its_arn_too() {
    let (app, task) = app_with_log(TestApp::new(), &["ready"]).await;
    for resource in ["service/myclu/web", "service/web"] {
        let arn = arn(&app, resource);
        for service in [encoded(&arn), arn] {
            let path = format!(
                "/nonprod/clusters/myclu/services/{service}/logs?task={task}&container=app"
            );
            assert_eq!(
                messages(&app.get(&path).await.expect(200)),
                ["ready"],
                "{path}"
            );
        }
    }
}

/// An app whose account has these members more in its configuration.
fn app_with(settings: &Value) -> TestApp {
    let account = TestAccount::new("nonprod");
    let mut configured = account.settings();
    for (name, value) in settings.as_object().unwrap() {
        configured[name] = value.clone();
    }
    let accounts = json!({"nonprod": configured});
    TestApp::build(vec![account], &json!({"accounts": accounts}))
}

/// Whoever may register a task definition could else read every log of the account, in every region.
#[tokio::test]
async fn a_log_outside_of_what_the_account_lets_read_is_forbidden_whether_or_not_it_is_there() {
    let fence = review::logs_outside_the_fence();
    let app = app_with(&fence["account"]);
    let config = |group: &str, region: &str| {
        json!({"logDriver": "awslogs", "options":
               {"awslogs-group": group, "awslogs-region": region, "awslogs-stream-prefix": "live"}})
    };
    for log in fence["logs"].as_array().unwrap() {
        let group = log["group"].as_str().unwrap();
        let region = log["region"].as_str().unwrap();
        let is_read = log["isRead"].as_bool().unwrap();
        let task = run_web(&app, &[("app", Some(config(group, region)))]).await;
        if !region.is_empty()
            && region
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
        {
            let lines = [(STARTED_MS, "there")];
            app.account()
                .log(region, group, &format!("live/app/{task}"), &lines)
                .await;
        }
        app.aws().forget_calls();
        for task in [task.as_str(), FORGOTTEN] {
            let answer = logs(&app, task, "").await;
            if is_read {
                let status = if task == FORGOTTEN { 404 } else { 200 };
                assert_eq!(answer.status, status, "{group} {region}: {}", answer.text());
            } else {
                assert_eq!(answer.problem(403)["code"], "ForbiddenLog");
            }
        }
        let is_asked = app
            .aws()
            .operations()
            .contains(&"logs:GetLogEvents".to_owned());
        assert_eq!(is_asked, is_read, "{group} {region}");
    }
    let task = run_web(&app, &[("app", Some(config("/payroll", "us-east-1")))]).await;
    insta::assert_json_snapshot!(logs(&app, &task, "").await.problem(403), @r#"
    {
      "status": 403,
      "detail": "the container logs to the group `/payroll`, which is not read; this account's groups that are match `/ecs/*`, `myclu`",
      "code": "ForbiddenLog",
      "retryable": false
    }
    "#);
    let task = run_web(&app, &[("app", Some(config("/ecs/a", "eu-north-1")))]).await;
    assert_eq!(
        logs(&app, &task, "").await.problem(403)["detail"],
        "the container logs in the region `eu-north-1`, where nothing is read; this account's logs are read in \
         `us-east-1`, `eu-west-1`"
    );
    let app = app_with(&json!({"logGroups": []}));
    let task = run_web(&app, &[("app", Some(config("/ecs/a", "us-east-1")))]).await;
    assert_eq!(
        logs(&app, &task, "").await.problem(403)["code"],
        "ForbiddenLog"
    );
}

/// Two names in the configuration for one role in two regions: a grant for one is no key to the other's logs.
#[tokio::test]
async fn a_grant_for_one_region_of_an_account_reads_no_log_of_the_other() {
    let review = review::one_role_in_two_regions();
    let account = TestAccount::new("nonprod");
    let twin = TestAccount::of("elsewhere", account.id.clone());
    let mut accounts = review["accounts"].clone();
    for settings in accounts.as_object_mut().unwrap().values_mut() {
        let region = settings["region"].take();
        *settings = account.settings();
        settings["region"] = region;
    }
    let app = TestApp::build(vec![account, twin], &json!({"accounts": accounts}));
    let task = run_web(&app, &[("app", Some(review["logConfiguration"].clone()))]).await;
    let stream = format!("live/app/{task}");
    app.account()
        .log(
            "eu-west-1",
            "/ecs/web",
            &stream,
            &[(STARTED_MS, "of the other")],
        )
        .await;
    let path = review["path"].as_str().unwrap().replace("{task}", &task);
    for caller in [Caller::Reader, Caller::Writer] {
        let answer = app.request("GET", &path).by(caller).send().await;
        assert_eq!(answer.problem(403)["code"], "ForbiddenLog");
    }
}

#[tokio::test]
async fn the_log_is_read_in_the_region_that_the_options_name() {
    let app = app_with(&json!({"logRegions": ["eu-west-1"]}));
    let mut options = awslogs();
    options["options"]["awslogs-region"] = "eu-west-1".into();
    let task = run_web(&app, &[("app", Some(options))]).await;
    let stream = format!("live/app/{task}");
    app.account()
        .log(
            "us-east-1",
            "/ecs/web",
            &stream,
            &[(STARTED_MS, "not this one")],
        )
        .await;
    app.account()
        .log(
            "eu-west-1",
            "/ecs/web",
            &stream,
            &[(STARTED_MS, "in Ireland")],
        )
        .await;
    assert_eq!(
        messages(&logs(&app, &task, "").await.expect(200)),
        ["in Ireland"]
    );
}

#[tokio::test]
async fn the_originals_convention_holds_where_the_options_say_nothing() {
    for (log, group, prefix) in [
        (None, "myclu", "web"),
        (Some(json!({"logDriver": "awslogs"})), "myclu", "web"),
        (
            Some(json!({"logDriver": "awslogs", "options": {"awslogs-region": "us-east-1"}})),
            "myclu",
            "web",
        ),
        (
            Some(json!({"logDriver": "awslogs", "options": {"awslogs-group": "own"}})),
            "own",
            "web",
        ),
        (
            Some(json!({"logDriver": "awslogs", "options": {"awslogs-stream-prefix": "own"}})),
            "myclu",
            "own",
        ),
    ] {
        let app = TestApp::new();
        let task = run_web(&app, &[("app", None)]).await;
        show_log_configuration(&app, &json!(log));
        app.account()
            .log(
                "us-east-1",
                group,
                &format!("{prefix}/app/{task}"),
                &[(STARTED_MS, "found")],
            )
            .await;
        assert_eq!(
            messages(&logs(&app, &task, "").await.expect(200)),
            ["found"],
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn each_container_has_its_own_log() {
    let app = TestApp::new();
    let task = run_web(
        &app,
        &[("app", Some(awslogs())), ("sidecar", Some(awslogs()))],
    )
    .await;
    for container in ["app", "sidecar"] {
        app.account()
            .log(
                "us-east-1",
                "/ecs/web",
                &format!("live/{container}/{task}"),
                &[(STARTED_MS, container)],
            )
            .await;
    }
    for container in ["app", "sidecar"] {
        let log = app
            .get(&format!("{PATH}?task={task}&container={container}"))
            .await
            .expect(200);
        assert_eq!(messages(&log), [container]);
    }
}

#[tokio::test]
async fn a_task_of_an_older_revision_is_read_by_its_own_options() {
    let app = TestApp::new();
    let old = run_web(&app, &[("app", Some(awslogs()))]).await;
    run_web(&app, &[("app", Some(awslogs_to("new", "new")))]).await;
    app.account()
        .log(
            "us-east-1",
            "/ecs/web",
            &format!("live/app/{old}"),
            &[(STARTED_MS, "by the old options")],
        )
        .await;
    app.account()
        .log(
            "us-east-1",
            "new",
            &format!("new/app/{old}"),
            &[(STARTED_MS, "not these")],
        )
        .await;
    assert_eq!(
        messages(&logs(&app, &old, "").await.expect(200)),
        ["by the old options"]
    );
}

#[tokio::test]
async fn a_task_that_aws_has_forgotten_is_read_by_the_services_present_options() {
    let app = TestApp::new();
    run_web(&app, &[("app", None)]).await;
    run_web(&app, &[("app", Some(awslogs()))]).await;
    app.account()
        .log(
            "us-east-1",
            "/ecs/web",
            &format!("live/app/{FORGOTTEN}"),
            &[(STARTED_MS, "long ago")],
        )
        .await;
    assert_eq!(
        messages(&logs(&app, FORGOTTEN, "").await.expect(200)),
        ["long ago"]
    );
}

#[tokio::test]
async fn the_log_of_a_deleted_services_task_can_still_be_read() {
    let (app, task) = app_with_log(TestApp::new(), &["last words"]).await;
    app.delete("/nonprod/clusters/myclu/services/web")
        .await
        .expect(200);
    assert_eq!(
        messages(&logs(&app, &task, "").await.expect(200)),
        ["last words"]
    );
    app.account()
        .log(
            "us-east-1",
            "/ecs/web",
            &format!("live/app/{FORGOTTEN}"),
            &[(STARTED_MS, "long ago")],
        )
        .await;
    assert_eq!(
        messages(&logs(&app, FORGOTTEN, "").await.expect(200)),
        ["long ago"]
    );
}

#[tokio::test]
async fn before_the_first_output_the_log_of_a_task_is_empty() {
    let app = TestApp::new();
    let task = run_web(&app, &[("app", Some(awslogs()))]).await;
    let without_group = logs(&app, &task, "").await.expect(200);
    app.account()
        .log("us-east-1", "/ecs/web", "live/app/another", &[])
        .await;
    let without_stream = logs(&app, &task, "").await.expect(200);
    assert_eq!(
        (without_group, without_stream),
        (json!({"Events": []}), json!({"Events": []}))
    );
}

#[tokio::test]
async fn a_forgotten_task_without_a_stream_is_not_found() {
    let app = TestApp::new();
    run_web(&app, &[("app", Some(awslogs()))]).await;
    insta::assert_json_snapshot!(logs(&app, FORGOTTEN, "").await.problem(404), @r#"
    {
      "status": 404,
      "detail": "there is no such task, and no log stream `live/app/0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f` in the group `/ecs/web`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn an_unknown_task_of_an_unknown_service_is_not_found() {
    let app = TestApp::new();
    app.account().furnish().await;
    insta::assert_json_snapshot!(logs(&app, FORGOTTEN, "").await.problem(404), @r#"
    {
      "status": 404,
      "detail": "there is no task `0f0f0f0f0f0f4f0f8f0f0f0f0f0f0f0f` and no service `web` in `myclu`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    let path =
        format!("/nonprod/clusters/nowhere/services/web/logs?task={FORGOTTEN}&container=app");
    app.get(&path).await.problem(404);
}

#[tokio::test]
async fn an_unknown_container_is_not_found_and_the_known_ones_are_listed() {
    let app = TestApp::new();
    let task = run_web(&app, &[("app", Some(awslogs())), ("sidecar", None)]).await;
    let answer = app.get(&format!("{PATH}?task={task}&container=appp")).await;
    let mut problem = answer.problem(404);
    let definition = arn(&app, "task-definition/web:1");
    problem["detail"] = problem["detail"]
        .as_str()
        .unwrap()
        .replace(&definition, "[arn]")
        .into();
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`[arn]` has no container `appp`; it has `app`, `sidecar`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    assert!(
        !app.aws()
            .operations()
            .contains(&"logs:GetLogEvents".to_owned())
    );
}

#[tokio::test]
async fn a_container_that_logs_elsewhere_is_a_conflict_that_names_the_driver() {
    let app = TestApp::new();
    let task = run_web(
        &app,
        &[(
            "app",
            Some(json!({"logDriver": "splunk", "options": {"splunk-url": "x"}})),
        )],
    )
    .await;
    insta::assert_json_snapshot!(logs(&app, &task, "").await.problem(409), @r#"
    {
      "status": 409,
      "detail": "the container `app` does not log to CloudWatch Logs: its log driver is `splunk`",
      "code": "LogsElsewhere",
      "retryable": false
    }
    "#);
    for driver in ["awsfirelens", "json-file", "a-driver-of-tomorrow"] {
        let app = TestApp::scripted();
        let task = run_web(&app, &[("app", None)]).await;
        show_log_configuration(&app, &json!({"logDriver": driver}));
        let detail = logs(&app, &task, "").await.problem(409)["detail"].take();
        assert!(
            detail
                .as_str()
                .unwrap()
                .ends_with(&format!("its log driver is `{driver}`")),
            "{detail}"
        );
        reads_nothing(&app);
    }
    reads_nothing(&app);
}

#[track_caller]
fn reads_nothing(app: &TestApp) {
    let operations = app.aws().operations();
    assert!(!operations.contains(&"logs:GetLogEvents".to_owned()));
}

#[tokio::test]
async fn start_and_end_are_milliseconds_or_rfc_3339_and_the_end_is_excluded() {
    let (app, task) = app_with_log(TestApp::new(), &["a", "b", "c", "d"]).await;
    for (range, expected) in [
        ("&start=1795356487000", vec!["b", "c", "d"]),
        ("&end=1795356487000", vec!["a"]),
        ("&start=1795356487000&end=1795356489000", vec!["b", "c"]),
        (
            "&start=2026-11-22T14:08:07Z&end=2026-11-22T14:08:09Z",
            vec!["b", "c"],
        ),
        ("&start=2026-11-22T14:08:07.001Z", vec!["c", "d"]),
        ("&start=2026-11-22T15:08:08%2B01:00", vec!["c", "d"]),
        ("&start=0&end=2026-11-22T09:08:08-05:00", vec!["a", "b"]),
        ("&end=1795356486000", vec![]),
    ] {
        assert_eq!(
            messages(&logs(&app, &task, range).await.expect(200)),
            expected,
            "{range}"
        );
    }
}

#[tokio::test]
async fn a_limit_gives_the_latest_events_or_the_first_ones_in_the_order_of_time() {
    let (app, task) = app_with_log(TestApp::new(), &["a", "b", "c", "d"]).await;
    for (query, expected) in [
        ("&limit=2", ["c", "d"]),
        ("&limit=2&startFromHead=false", ["c", "d"]),
        ("&limit=2&startFromHead=true", ["a", "b"]),
        ("&limit=2&startFromHead=1&start=1795356487000", ["b", "c"]),
    ] {
        assert_eq!(
            messages(&logs(&app, &task, query).await.expect(200)),
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn forward_tokens_lead_to_the_end_where_the_token_stays_the_same() {
    let (app, task) = app_with_log(TestApp::new(), &["a", "b", "c"]).await;
    let (mut query, mut pages) = ("&limit=2&startFromHead=true".to_owned(), Vec::new());
    loop {
        let page = logs(&app, &task, &query).await.expect(200);
        pages.push(messages(&page).join(""));
        // Whoever follows a forward token reads forward, and need not say so.
        let next = format!(
            "&limit=2&nextToken={}",
            encoded(token(&page, "NextForwardToken"))
        );
        if next == query {
            break;
        }
        query = next;
    }
    // AWS gives another token once more with the first empty page.
    assert_eq!(pages, ["ab", "c", "", ""]);
    let stream = format!("live/app/{task}");
    let event = aws_sdk_cloudwatchlogs::types::InputLogEvent::builder()
        .timestamp(STARTED_MS + 9_000)
        .message("later");
    let put = app
        .account()
        .logs("us-east-1")
        .put_log_events()
        .log_group_name("/ecs/web")
        .log_stream_name(stream);
    put.log_events(event.build().unwrap()).send().await.unwrap();
    assert_eq!(
        messages(&logs(&app, &task, &query).await.expect(200)),
        ["later"]
    );
}

#[tokio::test]
async fn backward_tokens_lead_to_the_beginning_where_the_token_stays_the_same() {
    let (app, task) = app_with_log(TestApp::new(), &["a", "b", "c"]).await;
    let (mut query, mut pages) = ("&limit=2".to_owned(), Vec::new());
    loop {
        let page = logs(&app, &task, &query).await.expect(200);
        pages.push(messages(&page).join(""));
        let next = format!(
            "&limit=2&nextToken={}",
            encoded(token(&page, "NextBackwardToken"))
        );
        if next == query {
            break;
        }
        query = next;
    }
    assert_eq!(pages, ["bc", "a", ""]);
}

#[tokio::test]
async fn a_backward_token_reads_backward_though_the_first_request_began_at_the_head() {
    let (app, task) = app_with_log(TestApp::new(), &["a", "b", "c"]).await;
    let first = logs(&app, &task, "&limit=2&startFromHead=true")
        .await
        .expect(200);
    let beginning = token(&first, "NextBackwardToken");
    for query in ["", "&startFromHead=true", "&startFromHead=false"] {
        let query = format!("&limit=2&nextToken={}{query}", encoded(beginning));
        let before = logs(&app, &task, &query).await.expect(200);
        assert_eq!(
            (messages(&before), token(&before, "NextBackwardToken")),
            (vec![], beginning),
            "{query}"
        );
    }
}

/// Lets `GetLogEvents` answer this to this token.
fn answer_page(
    app: &TestApp,
    token: Option<&'static str>,
    events: &[&str],
    forward: &str,
    backward: &str,
) {
    let event = |message: &&str| json!({"timestamp": STARTED_MS, "ingestionTime": STARTED_MS, "message": message});
    let events: Vec<_> = events.iter().map(event).collect();
    let page =
        json!({"events": events, "nextForwardToken": forward, "nextBackwardToken": backward});
    app.aws()
        .on("logs:GetLogEvents")
        .whose(move |sent| sent["nextToken"].as_str() == token)
        .meets(Fault::answer(&page));
}

#[tokio::test]
async fn empty_pages_are_not_the_end() {
    let (app, task) = app_with_log(TestApp::new(), &[]).await;
    for (token, events, forward, backward) in [
        (None, &[] as &[_], "f/1", "b/1"),
        (Some("f/1"), &[], "f/2", "b/1"),
        (Some("f/2"), &["later"], "f/3", "b/2"),
        (Some("f/3"), &[], "f/3", "b/3"),
        (Some("b/1"), &[], "f/1", "b/0"),
        (Some("b/0"), &["earlier"], "f/0", "b/-1"),
        (Some("b/-1"), &[], "f/0", "b/-1"),
    ] {
        answer_page(&app, token, events, forward, backward);
    }
    let forward = logs(&app, &task, "&startFromHead=true").await.expect(200);
    assert_eq!(
        (messages(&forward), token(&forward, "NextForwardToken")),
        (vec!["later"], "f/3")
    );
    let backward = logs(&app, &task, "").await.expect(200);
    assert_eq!(
        (messages(&backward), token(&backward, "NextBackwardToken")),
        (vec!["earlier"], "b/-1")
    );
    let from_empty = logs(&app, &task, "&nextToken=f/1").await.expect(200);
    assert_eq!(messages(&from_empty), ["later"]);
    app.aws().forget_calls();
    for (end, direction) in [("f/3", "NextForwardToken"), ("b/-1", "NextBackwardToken")] {
        let log = logs(&app, &task, &format!("&nextToken={end}"))
            .await
            .expect(200);
        assert_eq!((messages(&log), token(&log, direction)), (vec![], end));
    }
    let reads = app
        .aws()
        .operations()
        .into_iter()
        .filter(|call| call == "logs:GetLogEvents")
        .count();
    assert_eq!(reads, 2, "the same token again is the end");
}

#[tokio::test]
async fn what_is_asked_for_reaches_aws() {
    let (app, task) = app_with_log(TestApp::new(), &[]).await;
    let asked_for = json!({
        "logGroupName": "/ecs/web", "logStreamName": format!("live/app/{task}"), "limit": 7, "nextToken": "f/1",
        "startTime": 1, "endTime": 2, "startFromHead": true,
    });
    app.aws()
        .on("logs:GetLogEvents")
        .whose(move |sent| *sent == asked_for)
        .meets(Fault::refuse(
            "InvalidParameterException",
            "it came through",
        ));
    let problem = logs(&app, &task, "&limit=7&nextToken=f/1&start=1&end=2")
        .await
        .problem(400);
    assert_eq!(
        problem["detail"],
        "`logs:GetLogEvents` was refused: it came through"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_is_named_with_its_container() {
    let app = TestApp::scripted();
    for (query, path) in [
        ("task=abc", "container"),
        ("task=abc&container=", "container"),
        ("task=abc&container=\"\"", "container"),
        ("task=&container=app", "task"),
        ("task=\"\"&container=app", "task"),
    ] {
        let problem = app.get(&format!("{PATH}?{query}")).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{query}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let time = "expected milliseconds since 1970, or a time like `2026-11-22T14:08:06Z`";
    let limit = "expected a whole number from 1 to 10000";
    let unknown = "unknown query parameter; this path knows `task`, `container`, `limit`, `nextToken`, `start`, `end`, \
                   `startFromHead`, `since`, `filter`, `wait`";
    for (name, value, message) in [
        ("start", "-1", time),
        ("start", "yesterday", time),
        ("start", "2026-11-22", time),
        ("start", "2026-13-22T14:08:06Z", time),
        ("start", "", time),
        ("end", "99999999999999999999", time),
        ("end", "1.5", time),
        ("limit", "0", limit),
        ("limit", "10001", limit),
        ("limit", "x", limit),
        (
            "startFromHead",
            "yes",
            "expected `true`, `false`, `1` or `0`",
        ),
        ("follow", "true", unknown),
    ] {
        let problem = logs(&app, "abc", &format!("&{name}={value}"))
            .await
            .problem(400);
        assert_eq!(
            problem["errors"],
            json!([{"path": name, "message": message}]),
            "{name}={value}"
        );
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_is_no_region_is_never_part_of_a_host_name() {
    let app = TestApp::new();
    for region in [
        "elsewhere.example/",
        "elsewhere.example#",
        "a@elsewhere.example",
    ] {
        let mut options = awslogs();
        options["options"]["awslogs-region"] = region.into();
        let task = run_web(&app, &[("app", Some(options))]).await;
        app.aws().forget_calls();
        let answer = logs(&app, &task, "").await;
        assert!(
            (400..500).contains(&answer.status),
            "{region}: {}",
            answer.text()
        );
        assert!(
            !app.aws()
                .operations()
                .contains(&"logs:GetLogEvents".to_owned()),
            "{region}"
        );
    }
}

#[tokio::test]
async fn a_time_before_1970_is_refused_in_either_form() {
    let app = TestApp::new();
    for time in ["-1", "1969-12-31T23:59:59Z"] {
        let problem = logs(&app, "abc", &format!("&start={time}"))
            .await
            .problem(400);
        assert_eq!(problem["errors"][0]["path"], "start", "{time}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn an_impossible_task_is_refused_before_any_call() {
    let app = TestApp::new();
    let id = app.account().id.clone();
    for task in [
        "a%20b".to_owned(),
        "other/abc".to_owned(),
        format!("arn:aws:ecs:us-east-1:{id}:task/other/abc"),
        format!("arn:aws:ecs:us-east-1:{id}:service/myclu/abc"),
        format!("arn:aws:ecs:eu-west-1:{id}:task/myclu/abc"),
        "arn:aws:ecs:us-east-1:999999999999:task/myclu/abc".to_owned(),
    ] {
        let problem = logs(&app, &task, "").await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{task}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn an_impossible_service_is_refused_before_any_call() {
    refuses_impossible_services("GET", "/logs?task=abc&container=app").await;
}

#[tokio::test]
async fn a_token_of_another_list_is_refused_by_aws() {
    let (app, task) = app_with_log(TestApp::new(), &["a"]).await;
    let problem = logs(&app, &task, "&nextToken=garbage").await.problem(400);
    assert_eq!(problem["code"], "InvalidParameterException");
}

#[tokio::test]
async fn a_refusal_of_aws_keeps_awss_words() {
    let (app, task) = app_with_log(TestApp::new(), &["a"]).await;
    // Only of a task that ECS has forgotten does the service tell the log.
    let forgotten = "0".repeat(32);
    for (operation, task) in [
        ("ecs:DescribeTasks", &task),
        ("ecs:DescribeServices", &forgotten),
        ("ecs:DescribeTaskDefinition", &task),
        ("logs:GetLogEvents", &task),
    ] {
        app.aws()
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "not you"));
        let problem = logs(&app, task, "").await.problem(403);
        let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
        assert_eq!(
            problem["detail"],
            format!("the role `{role}` may not do `{operation}`: not you")
        );
        app.aws().forget_script();
    }
    app.aws()
        .on("logs:GetLogEvents")
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    let answer = logs(&app, &task, "").await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), Some("5"));
}

#[tokio::test]
async fn a_reader_may_read_logs() {
    let (app, task) = app_with_log(TestApp::new(), &["a"]).await;
    let request = app.request("GET", &format!("{PATH}?task={task}&container=app"));
    assert_eq!(
        messages(&request.by(Caller::Reader).send().await.expect(200)),
        ["a"]
    );
}
