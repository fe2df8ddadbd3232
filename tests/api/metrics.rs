//! The metrics of the log's lines: by CloudWatch's own rules, for every operation, and no more of them than are named.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use ecs_api::aws::Attribution;
use ecs_api::config::{Dimension, LogLevel, Metering};
use ecs_api::intake::{self, Event};
use ecs_api::reply::Reply;
use ecs_api::routes::ROUTES;
use ecs_api::telemetry::{Exchange, Metric, RequestLog};
use fake_aws::{Fault, Refusal};
use lambda_http::Context;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};

use crate::openapi::project;
use crate::secrets::Log;
use crate::services::documented;
use crate::support::emf::{Datum, Series, extract};
use crate::support::scripted::{NAMESPACE, ScriptedApp};
use crate::support::{Caller, TestApp};

const BOTH: [Dimension; 2] = [Dimension::Operation, Dimension::Account];

/// Returns the name of a metric, or of a dimension, as the log has it.
pub fn name(of: impl serde::Serialize) -> String {
    let name = serde_json::to_value(of).unwrap();
    name.as_str().unwrap().to_owned()
}

/// Returns the sum of a metric without dimensions over lines of the log.
fn total(lines: &[Value], metric: Metric) -> u64 {
    let data = lines.iter().flat_map(extract);
    let of_metric = data.filter(|datum| datum.is_total(&name(metric)));
    of_metric.map(|datum| datum.value).sum()
}

fn of_operation<'d>(data: &'d [Datum], operation: &str) -> Vec<&'d str> {
    let dimensions = [("operation".to_owned(), operation.to_owned())].into();
    let data = data
        .iter()
        .filter(|datum| datum.series.dimensions == dimensions);
    data.map(|datum| datum.series.name.as_str()).collect()
}

/// The operations that wait for what AWS does; the time of all others is that of its answers.
const FLOWS: [&str; 5] = [
    "create_orchestration",
    "delete_orchestration",
    "delete_service",
    "update_service",
    "roll_back_service",
];

#[tokio::test(start_paused = true)]
async fn every_operation_has_its_metrics() {
    let app = TestApp::scripted();
    let token = format!("Bearer {}", Caller::Writer.token().unwrap());
    for route in &ROUTES {
        let sample = fs::read(project(&format!("events/{}.json", route.name))).unwrap();
        let mut event: Value = serde_json::from_slice(&sample).unwrap();
        event["headers"]["authorization"] = token.as_str().into();
        let (log, _guard) = Log::start(LogLevel::Info);
        app.invoke(event).await.unwrap();
        let lines = log.lines();
        let line = lines.iter().find(|line| line["message"] == "request");
        let line = line.unwrap_or_else(|| panic!("{}: {lines:?}", route.name));
        let data = extract(line);
        let by_operation = Metric::BY_OPERATION.map(name);
        assert_eq!(of_operation(&data, route.name), by_operation, "{line}");
        let is_prompt = !FLOWS.contains(&route.name);
        let prompt = data.iter().any(|datum| datum.is_total("PromptDuration"));
        assert_eq!(prompt, is_prompt, "{line}");
        for metric in [Metric::Requests, Metric::CallerFaults, Metric::Duration] {
            let metric = name(metric);
            assert!(data.iter().any(|datum| datum.is_total(&metric)), "{line}");
        }
        let unit = |datum: &Datum| (datum.series.name.ends_with("Duration"), datum.unit.clone());
        let units: BTreeSet<_> = data.iter().map(unit).collect();
        let expected = [
            (false, "Count".to_owned()),
            (true, "Milliseconds".to_owned()),
        ];
        assert_eq!(units, expected.into());
        assert!(data.iter().all(|datum| datum.series.namespace == "ecs-api"));
    }
}

/// Returns requests that differ in everything that a caller can choose.
async fn send_anything(app: &TestApp) {
    for number in 0..20 {
        for path in [
            format!("/{number}/clusters"),
            format!("/nowhere{number}"),
            format!("/nonprod/clusters/c{number}"),
            format!("/nonprod/clusters?limit={number}&x{number}=1"),
            format!("/nonprod/clusters/c{number}/services/s{number}"),
        ] {
            for caller in [
                Caller::Anonymous,
                Caller::Stranger,
                Caller::Reader,
                Caller::Writer,
            ] {
                app.request("GET", &path).by(caller).send().await;
                app.request("POST", &path)
                    .by(caller)
                    .json(&json!({}))
                    .send()
                    .await;
            }
        }
    }
    let method = app.request("GET", "/ping");
    let method = method.event("/requestContext/http/method", json!("MADE-UP"));
    method.send().await;
}

#[tokio::test(start_paused = true)]
async fn no_caller_path_or_id_makes_a_series_of_its_own() {
    for dimensions in [&[][..], &[Dimension::Operation], &BOTH] {
        let app = TestApp::scripted_measured_by(dimensions);
        let (log, _guard) = Log::start(LogLevel::Info);
        send_anything(&app).await;
        let data = log.lines().iter().flat_map(extract).collect::<Vec<_>>();
        let series: BTreeSet<Series> = data.into_iter().map(|datum| datum.series).collect();
        let operations: BTreeSet<_> = ROUTES.iter().map(|route| route.name).collect();
        for each in &series {
            let named: Vec<_> = each.dimensions.iter().collect();
            match named[..] {
                [] => assert!(Metric::ALL.map(name).contains(&each.name), "{each:?}"),
                [(dimension, value)] if dimension == "operation" => {
                    assert!(dimensions.contains(&Dimension::Operation));
                    assert!(operations.contains(value.as_str()), "{each:?}");
                    assert!(Metric::BY_OPERATION.map(name).contains(&each.name));
                }
                [(dimension, value)] if dimension == "account" => {
                    assert!(dimensions.contains(&Dimension::Account));
                    assert_eq!(value, "nonprod");
                    assert!(Metric::BY_ACCOUNT.map(name).contains(&each.name));
                }
                _ => panic!("{each:?}"),
            }
        }
        let has = |dimension: &str| {
            series
                .iter()
                .any(|each| each.dimensions.contains_key(dimension))
        };
        assert_eq!(has("operation"), dimensions.contains(&Dimension::Operation));
        assert_eq!(has("account"), dimensions.contains(&Dimension::Account));
    }
}

/// Their number, and what they cost, are told where an owner decides about them.
#[test]
fn the_page_tells_every_metric_and_the_number_of_series() {
    let page = fs::read_to_string(project("docs/operations.md")).unwrap();
    for (count, what) in [
        (Metric::ALL.len(), "without dimensions"),
        (Metric::BY_OPERATION.len(), "for each operation"),
        (Metric::BY_ACCOUNT.len(), "for each account"),
    ] {
        let told = format!("{count} {what}");
        assert!(page.contains(&told), "docs/operations.md: `{told}`");
    }
    for metric in Metric::ALL.map(name) {
        let row = format!("| `{metric}` |");
        assert!(page.contains(&row), "docs/operations.md: `{row}`");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_its_callers_or_awss_or_our_own() {
    let denied = || Fault::refuse("AccessDenied", "not authorized");
    let throttled = || Fault::refuse("ThrottlingException", "Rate exceeded");
    for (operation, fault, caller, status, expected) in [
        (None, None, Caller::Writer, 200, None),
        (None, None, Caller::Stranger, 401, Some("caller")),
        (
            Some("ecs:ListClusters"),
            Some(throttled()),
            Caller::Writer,
            429,
            Some("aws"),
        ),
        (
            Some("ecs:ListClusters"),
            Some(Fault::fail(500)),
            Caller::Writer,
            502,
            Some("aws"),
        ),
        (
            Some("sts:AssumeRole"),
            Some(denied()),
            Caller::Writer,
            502,
            Some("own"),
        ),
    ] {
        let app = TestApp::scripted();
        if let (Some(operation), Some(fault)) = (operation, fault) {
            app.aws().on(operation).meets(fault);
        }
        let (log, _guard) = Log::start(LogLevel::Info);
        let answer = app
            .request("GET", "/nonprod/clusters")
            .by(caller)
            .send()
            .await;
        assert_eq!(answer.status, status);
        let line = line_of(&log);
        assert_eq!(line["fault"].as_str(), expected, "{line}");
        for (metric, whose) in [
            (Metric::CallerFaults, "caller"),
            (Metric::AwsFaults, "aws"),
            (Metric::OwnFaults, "own"),
        ] {
            let is_whose = u8::from(expected == Some(whose));
            assert_eq!(line[name(metric)], is_whose, "{line}");
        }
        let level = match expected {
            Some("own") => "ERROR",
            Some("aws") => "WARN",
            _ => "INFO",
        };
        assert_eq!(line["level"], level);
    }
}

/// Returns the line of the only request.
fn line_of(log: &Log) -> Value {
    let lines = log.lines().into_iter();
    let mut requests = lines.filter(|line| line["message"] == "request");
    let line = requests.next().expect("a line");
    assert!(requests.next().is_none(), "one line a request");
    line
}

#[tokio::test(start_paused = true)]
async fn a_table_or_queue_that_is_out_of_reach_is_our_own_fault() {
    let service = documented(NAMESPACE);
    let task = json!({"taskDefinition": "web", "timeoutSeconds": 60});
    for (operation, path, body) in [
        ("dynamodb:PutItem", "/nonprod/services", &service),
        ("sqs:SendMessage", "/nonprod/services", &service),
        ("sqs:SendMessage", "/nonprod/clusters/jobs/tasks", &task),
    ] {
        let app = ScriptedApp::new();
        let cluster = json!({"name": "jobs"});
        app.send("POST", "/nonprod/clusters", None, &cluster)
            .await
            .expect(200);
        let container = json!({"name": "web", "image": "nginx"});
        let web = json!({"family": "web", "cpu": "256", "memory": "512", "containerDefinitions": [container]});
        app.send("POST", "/nonprod/taskdefs", None, &web)
            .await
            .expect(200);
        let denied = Fault::refuse("AccessDeniedException", "no");
        app.aws.on(operation).meets(denied);
        let (log, _guard) = Log::start(LogLevel::Info);
        app.send("POST", path, None, body).await.problem(503);
        let line = line_of(&log);
        let told = (&line["fault"], &line["level"]);
        assert_eq!(told, (&json!("own"), &json!("ERROR")), "{operation} {path}");
    }
}

#[tokio::test]
async fn a_panic_is_our_own_fault() {
    let app = TestApp::with_broken_sdk(None);
    let (log, _guard) = Log::start(LogLevel::Info);
    app.get("/nonprod/clusters").await.problem(500);
    let line = line_of(&log);
    assert_eq!(
        (&line["fault"], &line["level"]),
        (&json!("own"), &json!("ERROR"))
    );
}

fn numbers(line: &Value, metrics: &[Metric]) -> Vec<Option<u64>> {
    let number = |metric: &Metric| line[name(metric)].as_u64();
    metrics.iter().map(number).collect()
}

/// AWS's calls, the attempts beyond the first of each, and the attempts that were throttled, in all and by service.
const CALLS: [Metric; 3] = [Metric::AwsCalls, Metric::AwsRetries, Metric::AwsThrottles];

#[tokio::test(start_paused = true)]
async fn calls_retries_and_throttles_are_counted_by_service() {
    let throttled = |code| Fault::refuse(code, "Rate exceeded");
    for (operation, code, metric) in [
        (
            "ecs:ListClusters",
            "ThrottlingException",
            Metric::EcsThrottles,
        ),
        ("sts:AssumeRole", "Throttling", Metric::StsThrottles),
    ] {
        let app = TestApp::scripted();
        app.aws().on(operation).meets(throttled(code));
        let (log, _guard) = Log::start(LogLevel::Info);
        app.get("/nonprod/clusters").await;
        let line = line_of(&log);
        // STS is asked three times too, but by a client that the SDK keeps to itself.
        let (again, refused) = if metric == Metric::StsThrottles {
            (0, 1)
        } else {
            (2, 3)
        };
        let expected = [Some(2), Some(again), Some(refused)];
        assert_eq!(numbers(&line, &CALLS), expected, "{line}");
        assert_eq!(numbers(&line, &[metric]), [Some(refused)], "{line}");
    }
    let app = ScriptedApp::new();
    for (operation, code) in [
        ("dynamodb:PutItem", "ProvisionedThroughputExceededException"),
        ("sqs:SendMessage", "RequestThrottled"),
        ("servicediscovery:ListServices", "RequestLimitExceeded"),
    ] {
        app.aws.on(operation).once().meets(throttled(code));
    }
    // What AWS says of the security groups that ECS asks EC2 about.
    let disguised = Refusal::of("InvalidParameterException", "Request limit exceeded.");
    app.aws
        .on("ecs:CreateService")
        .once()
        .meets(Fault::refusal(disguised));
    let (log, _guard) = Log::start(LogLevel::Info);
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    let line = line_of(&log);
    let by_service = [
        Metric::EcsThrottles,
        Metric::CloudMapThrottles,
        Metric::LogsThrottles,
        Metric::IamThrottles,
        Metric::StsThrottles,
        Metric::SqsThrottles,
        Metric::DynamoDbThrottles,
    ];
    let expected = [Some(1), Some(1), None, None, None, Some(1), Some(1)];
    assert_eq!(numbers(&line, &by_service), expected, "{line}");
    let attempts = app.aws.operations().len() as u64;
    assert_eq!(
        numbers(&line, &CALLS),
        [Some(attempts - 4), Some(4), Some(4)],
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_request_is_told_apart_from_that_of_awss_calls() {
    let app = TestApp::scripted();
    app.aws().set_latency(Duration::from_millis(100));
    let times = [
        Metric::Duration,
        Metric::AwsDuration,
        Metric::PromptDuration,
    ];
    for (path, expected) in [
        // Assuming the role is a call of its own.
        ("/nonprod/clusters", [Some(200), Some(200), Some(200)]),
        ("/nonprod/clusters/a", [Some(100), Some(100), Some(100)]),
        ("/ping", [Some(0), None, Some(0)]),
    ] {
        let (log, _guard) = Log::start(LogLevel::Info);
        app.get(path).await;
        assert_eq!(numbers(&line_of(&log), &times), expected, "{path}");
    }
}

/// Calls that run side by side take their time once, and a call that is cut off takes none afterwards.
#[tokio::test(start_paused = true)]
async fn the_time_of_awss_calls_is_never_longer_than_that_of_the_request() {
    let app = ScriptedApp::new();
    app.aws.set_latency(Duration::from_millis(100));
    app.aws.on("ecs:CreateService").meets(Fault::silence());
    let (log, _guard) = Log::start(LogLevel::Info);
    app.create(None, &documented(NAMESPACE)).await.problem(504);
    let line = line_of(&log);
    let [Some(all), Some(aws)] = numbers(&line, &[Metric::Duration, Metric::AwsDuration])[..]
    else {
        panic!("{line}");
    };
    assert!(aws <= all && aws > all / 2, "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_process_is_started_once() {
    let app = TestApp::scripted();
    let (log, _guard) = Log::start(LogLevel::Info);
    for _ in 0..3 {
        app.get("/ping").await;
    }
    let starts: Vec<_> = log
        .lines()
        .iter()
        .map(|line| line["ColdStarts"].clone())
        .collect();
    assert_eq!(starts, [json!(1), json!(null), json!(null)]);
}

#[tokio::test(start_paused = true)]
async fn the_metrics_do_not_depend_on_the_level_of_the_log() {
    let app = TestApp::scripted();
    for level in [
        LogLevel::Trace,
        LogLevel::Info,
        LogLevel::Warn,
        LogLevel::Error,
    ] {
        let (log, _guard) = Log::start(level);
        app.get("/nonprod/clusters").await.expect(200);
        assert_eq!(total(&log.lines(), Metric::Requests), 1, "{level:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_of_a_request_says_who_did_what_where_and_how_it_ended() {
    let app = TestApp::scripted();
    let (log, _guard) = Log::start(LogLevel::Info);
    let body = json!({"name": "made"});
    app.post("/nonprod/clusters", &body).await.expect(200);
    let line = line_of(&log);
    for (member, expected) in [
        ("operation", "create_cluster"),
        ("caller", "writer"),
        ("account", "nonprod"),
        ("method", "POST"),
        ("trace_id", "1-5759e988-bd862e3fe1be46a994272793"),
    ] {
        assert_eq!(line[member], expected, "{line}");
    }
    assert_eq!(line["status"], 200);
    let writes = line["aws_writes"].as_str().unwrap();
    assert!(writes.starts_with("ecs:CreateCluster="), "{line}");
}

#[tokio::test(start_paused = true)]
async fn an_account_is_named_only_where_it_is_one() {
    let app = TestApp::scripted();
    for (path, caller) in [
        ("/elsewhere/clusters", Caller::Writer),
        ("/nonprod/clusters", Caller::Stranger),
        ("/nowhere", Caller::Writer),
    ] {
        let (log, _guard) = Log::start(LogLevel::Info);
        app.request("GET", path).by(caller).send().await;
        assert_eq!(line_of(&log)["account"], "", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_without_a_caller_is_counted_with_what_it_changes() {
    let mut app = ScriptedApp::new();
    app.set_time_left(Duration::from_secs(10));
    app.aws.on("ecs:CreateService").meets(Fault::silence());
    let (log, _guard) = Log::start(LogLevel::Info);
    // It is dropped half-way, as by a crash.
    let body = documented(NAMESPACE);
    let create = app.create(None, &body);
    tokio::time::timeout(Duration::from_secs(5), create)
        .await
        .unwrap_err();
    app.aws.forget_script();
    app.deliver_for(Duration::from_mins(2)).await;
    let lines = log.lines();
    let attempts: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "attempt")
        .collect();
    let watches = total(&lines, Metric::WatchAttempts);
    assert!(watches > 0, "{lines:?}");
    assert_eq!(watches, attempts.len() as u64);
    let writes: Vec<_> = attempts
        .iter()
        .map(|line| line["aws_writes"].as_str().unwrap())
        .collect();
    assert!(
        writes
            .iter()
            .any(|write| write.contains("ecs:DeleteCluster=")),
        "{writes:?}"
    );
    for line in &attempts {
        assert_eq!(
            (&line["caller"], &line["account"]),
            (&json!("writer"), &json!("nonprod"))
        );
        assert!(
            line["correlation_id"]
                .as_str()
                .unwrap()
                .starts_with("22222222-"),
            "{line}"
        );
    }
    assert!(total(&lines, Metric::AwsCalls) > 3);
}

/// A request waits for its line. The number that docs/operations.md tells was measured as this is, of an optimised build.
#[tokio::test]
async fn a_line_costs_no_millisecond_even_where_nothing_is_optimised() {
    let (_log, _guard) = Log::start(LogLevel::Info);
    let event = json!({"method": "GET", "path": "/v1/ecs/nonprod/clusters"});
    let Ok(Event::Request(opened)) = intake::open(event.into(), "", None) else {
        panic!("the event is a request");
    };
    let log = RequestLog {
        operation: Some("list_clusters"),
        caller: Some("portal".to_owned()),
        account: Some("nonprod".to_owned()),
        attribution: Some(Attribution::new("portal", "id")),
        ..RequestLog::default()
    };
    let exchange = Exchange {
        call: &opened.call,
        reply: &Reply::empty(StatusCode::NO_CONTENT),
        context: &Context::default(),
        took: Duration::from_millis(7),
        now_ms: 1_795_356_486_000,
    };
    let metering = Metering::default();
    let write = |_| {
        let started = Instant::now();
        log.write(exchange, &metering);
        started.elapsed()
    };
    // The quickest, since the machine has other work too.
    let quickest = (0..1_000).map(write).min().unwrap();
    println!("a line: {quickest:?}");
    assert!(quickest < Duration::from_millis(1), "{quickest:?}");
}
