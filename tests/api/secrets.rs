//! Secrets are neither logged nor answered nor shown by `Debug`, and nobody writes lines of their own into the log.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use ecs_api::config::{Config, LogLevel};
use ecs_api::{intake, telemetry};
use fake_aws::Fault;
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::leaks::{self, LogChecker, WrittenCalls};
use crate::support::scripted::{EXTERNAL_ID, NAMESPACE, ScriptedApp, TABLE};
use crate::support::{Answer, Caller, TestAccount, TestApp};

/// Takes the log of this thread.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn start(level: LogLevel) -> (Self, tracing::subscriber::DefaultGuard) {
        // As long as somebody listens to everything, no line's place in the code is taken for one that nobody listens to,
        // however threads come and go that have a log.
        leaks::listen();
        let log = Self::default();
        let guard =
            tracing::subscriber::set_default(telemetry::subscriber(level, LogChecker(log.clone())));
        (log, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Each line is one JSON object.
    pub fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of the log is JSON"))
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SECRET: &str = "hush-hush-8c1f";

#[tokio::test]
async fn no_secret_is_logged_or_answered() {
    let app = TestApp::new();
    let external_id = format!("external-{}", app.account().id);
    let (log, _guard) = Log::start(LogLevel::Trace);
    let mut body = documented(&app.account().namespace().await);
    body["taskdefinition"]["containerdefinitions"][0]["environment"] =
        json!([{"name": "PASSWORD", "value": SECRET}]);
    body["taskdefinition"]["containerdefinitions"][0]["command"] = json!(["login", SECRET]);
    let mut wrong = body.clone();
    wrong["taskdefinition"]["containerdefinitions"][0]["environment"] =
        json!({"PASSWORD": SECRET.repeat(4)});
    let not_json = format!("{{\"password\": {SECRET}}}");
    let secretive = |method, path| {
        let request = app.request(method, path).header("cookie", SECRET);
        request
            .header("x-amz-security-token", SECRET)
            .header("idempotency-key", SECRET)
    };
    let mut answers = Vec::new();
    answers.push(
        secretive("GET", "/nonprod/clusters")
            .by(Caller::Stranger)
            .header("x-auth-token", SECRET)
            .send()
            .await,
    );
    answers.push(
        secretive("POST", "/nonprod/services")
            .json(&wrong)
            .send()
            .await,
    );
    answers.push(
        secretive("POST", "/nonprod/services")
            .text(&not_json)
            .send()
            .await,
    );
    answers.push(
        secretive("POST", "/nonprod/services")
            .json(&body)
            .send()
            .await,
    );
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::refuse("AccessDeniedException", "no"));
    app.aws().on("sts:AssumeRole").meets(Fault::reset());
    let secretive = app
        .request("POST", "/nonprod/services")
        .header("idempotency-key", SECRET);
    answers.push(secretive.json(&body).send().await);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 400, 400, 200, 403]);
    assert_eq!(log.lines().len(), answers.len());
    for hidden in [SECRET, "a-writers-token", external_id.as_str()] {
        assert!(
            !log.text().contains(hidden),
            "{hidden} is logged: {}",
            log.text()
        );
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert!(
                !answer.text().contains(hidden),
                "{hidden} is answered: {}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn a_role_that_can_not_be_assumed_keeps_its_external_id() {
    let app = TestApp::new();
    let (log, _guard) = Log::start(LogLevel::Trace);
    app.aws()
        .on("sts:AssumeRole")
        .meets(Fault::refuse("AccessDenied", "no"));
    let answer = app.get("/nonprod/clusters").await;
    answer.problem(502);
    assert!(
        !format!("{}{}", log.text(), answer.text()).contains("external-"),
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn nobody_writes_lines_of_their_own_into_the_log() {
    let app = TestApp::new();
    let (log, _guard) = Log::start(LogLevel::Info);
    let forged = "\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m\u{0}\u{2028}";
    let mut answers = vec![
        app.request("GET", "/nonprod/clusters")
            .event("/rawPath", json!(format!("/v1/ecs/nonprod/{forged}")))
            .send()
            .await,
        app.request("GET", "/nonprod/clusters/a%0D%0Ab")
            .send()
            .await,
        app.request("GET", "/a%0D%0Ab/clusters").send().await,
        app.request("GET", "/nonprod/clusters")
            .event("/rawQueryString", json!("a%0D%0Ab=%1B&limit=%0A"))
            .send()
            .await,
        app.request("POST", "/nonprod/clusters")
            .json(&json!({forged: forged, "clusterName": forged}))
            .send()
            .await,
        app.request("POST", "/nonprod/clusters")
            .text(&format!("{{\"a\": 1, {forged}}}"))
            .send()
            .await,
        app.request("POST", "/nonprod/services")
            .header("idempotency-key", "a\u{7f}")
            .json(&json!({}))
            .send()
            .await,
    ];
    let method = app
        .request("GET", "/nonprod/clusters")
        .event("/requestContext/http/method", json!("GET\nX"));
    answers.push(method.send().await);
    for answer in &answers {
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(!detail.contains(char::is_control), "{detail:?}");
    }
    let lines = log.lines();
    assert_eq!(
        lines.len(),
        answers.len(),
        "a line for each request, and no other: {}",
        log.text()
    );
    assert!(
        lines.iter().all(|line| line["message"] == "request"),
        "{}",
        log.text()
    );
    assert!(
        !log.text()
            .chars()
            .any(|letter| letter.is_control() && letter != '\n'),
        "{}",
        log.text()
    );
}

#[tokio::test]
async fn neither_the_log_nor_a_problem_grows_with_what_was_sent() {
    let app = TestApp::new();
    let (log, _guard) = Log::start(LogLevel::Info);
    let filler = "x".repeat(300_000);
    let path = app.get(&format!("/nonprod/clusters/{filler}")).await;
    let twice = app
        .request("POST", "/nonprod/clusters")
        .text(&format!(r#"{{"{filler}": 1, "{filler}": 2}}"#))
        .send()
        .await;
    for answer in [path, twice] {
        answer.problem(400);
        assert!(answer.text().len() < 1_000, "{}", answer.text().len());
    }
    assert!(log.text().len() < 6_000, "{}", log.text().len());
}

#[test]
fn debug_shows_no_secret() {
    let account = TestAccount::new("nonprod");
    let token = "0".repeat(64);
    let config = json!({"accounts": {"nonprod": account.settings()}, "callers": [
        {"name": "a", "tokenSha256": token, "grants": [{"accounts": ["*"], "access": "read"}]},
    ]});
    let config = Config::parse(config.to_string().as_bytes()).unwrap();
    let event = json!({
        "version": "2.0", "rawPath": "/v1/ecs/ping", "rawQueryString": format!("a={SECRET}"), "body": SECRET,
        "headers": {"authorization": format!("Bearer {SECRET}"), "x-auth-token": SECRET, "x-other": SECRET},
        "requestContext": {"http": {"method": "GET", "path": "/v1/ecs/ping"}}, "isBase64Encoded": false,
    });
    let shown = format!(
        "{config:?} {:?}",
        intake::open(event.into(), "", None).unwrap()
    );
    for hidden in [SECRET, &token, "external-"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_written_down_anywhere_fails_its_test() {
    let app = ScriptedApp::new();
    let environment =
        json!({"body": {"containers": {"environment": {"A": "hush-hush-environment"}}}});
    leaks::keep_event_secret(&environment);
    let written = WrittenCalls::default();
    let fails = || catch_unwind(AssertUnwindSafe(|| written.check(&app.aws))).is_err();
    assert!(!fails(), "nothing is written down yet");
    for secret in [EXTERNAL_ID, "a-writers-token", "hush-hush-environment"] {
        tracing::warn!(secret, "a line");
        assert!(fails(), "{secret} in the log");
        leaks::check_answer(&json!({"statusCode": 400, "body": format!("`{secret}` is wrong")}));
        assert!(fails(), "{secret} in a problem");
        leaks::check_answer(&json!({"statusCode": 200, "body": secret}));
        assert!(!fails(), "what is answered to whoever sent it is no leak");
    }
    let sqs = aws_sdk_sqs::Client::new(&app.aws.sdk_config(fake_aws::HUB));
    let message = sqs.send_message().queue_url(&app.queue_url);
    message.message_body(EXTERNAL_ID).send().await.unwrap();
    assert!(fails(), "a message");
    assert!(!fails(), "each call is seen once");
    let table = aws_sdk_dynamodb::Client::new(&app.aws.sdk_config(fake_aws::HUB));
    let record = table.put_item().table_name(TABLE);
    let record = record.item("id", AttributeValue::S("a-record".to_owned()));
    let record = record.item("body", AttributeValue::S(EXTERNAL_ID.to_owned()));
    record.send().await.unwrap();
    assert!(fails(), "a record");
    let log = catch_unwind(|| leaks::check_process_log("{\"level\":\"INFO\"}"));
    assert!(log.is_ok(), "a line without a secret");
    let log = catch_unwind(|| leaks::check_process_log(EXTERNAL_ID));
    assert!(log.is_err(), "the log of a process");
    let all = app.aws.calls().len();
    assert!(app.aws.visit_calls_since(all, |_| panic!("seen twice")) == all);
}

/// Gives the documented request what nobody else may see, wherever a body takes such a thing.
fn secretive(namespace_id: &str) -> Value {
    let mut body = documented(namespace_id);
    let container = &mut body["taskdefinition"]["containerdefinitions"][0];
    container["environment"] = json!([{"name": "PASSWORD", "value": SECRET}]);
    container["command"] = json!(["login", SECRET]);
    container["dockerlabels"] = json!({"label": SECRET});
    body
}

/// Checks that nothing that the function wrote down, for itself or for whoever reads it, holds what is secret.
#[track_caller]
fn assert_kept(app: &ScriptedApp, log: &Log, problems: &[Answer]) {
    let calls = app.aws.calls();
    let written = |operation: &str| -> Vec<String> {
        let calls = calls.iter().filter(|call| call.operation() == operation);
        calls.map(|call| call.input().to_string()).collect()
    };
    let (records, messages) = (written("dynamodb:PutItem"), written("sqs:SendMessage"));
    for text in [&records[0], &messages[0]] {
        assert!(
            text.contains("nonprod"),
            "it is read as it was sent: {text}"
        );
    }
    let problems = problems.iter().map(|problem| problem.text().clone());
    let token = Caller::Writer.token().expect("a writer has a token");
    for text in [records, messages, vec![log.text()]]
        .concat()
        .into_iter()
        .chain(problems)
    {
        for hidden in [SECRET, token, EXTERNAL_ID] {
            assert!(!text.contains(hidden), "{hidden} is written down: {text}");
        }
    }
}

/// Returns how often an operation was called so far.
fn count_calls(app: &ScriptedApp, operation: &str) -> usize {
    let operations = app.aws.operations();
    let called = operations.iter().filter(|called| *called == operation);
    called.count()
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_taken_back_or_repeated_writes_down_no_secret() {
    let app = ScriptedApp::new();
    let (log, _guard) = Log::start(LogLevel::Trace);
    let body = secretive(NAMESPACE);
    let refusal = Fault::refuse("InvalidParameterException", "no");
    app.aws.on("ecs:CreateService").once().meets(refusal);
    let refused = app.create(Some(SECRET), &body).await;
    refused.problem(400);

    app.aws.on("ecs:CreateService").meets(Fault::silence());
    let late = app.create(None, &body).await;
    late.problem(504);
    app.aws.forget_script();
    app.deliver_for(Duration::from_mins(3)).await;
    assert_eq!(app.inventory(), [""; 0]);

    assert_eq!(app.create(Some(SECRET), &body).await.status, 200);
    assert_eq!(app.create(Some(SECRET), &body).await.status, 200);
    let mut other = body.clone();
    other["service"]["desiredcount"] = json!(2);
    let clashing = app.create(Some(SECRET), &other).await;
    clashing.problem(409);
    assert!(count_calls(&app, "dynamodb:PutItem") > 4);
    assert!(count_calls(&app, "sqs:SendMessage") > 2);
    assert_kept(&app, &log, &[refused, late, clashing]);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_goes_on_and_is_given_up_writes_down_no_secret() {
    let app = ScriptedApp::new();
    let (log, _guard) = Log::start(LogLevel::Trace);
    assert_eq!(app.create(None, &secretive(NAMESPACE)).await.status, 200);
    let in_use = Fault::refuse("ResourceInUse", "The service has registered instances");
    app.aws.on("servicediscovery:DeleteService").meets(in_use);
    let target = json!({"cluster": "myclu", "service": "webapp", "recursive": true});
    let answer = app.send("DELETE", "/nonprod/services", None, &target).await;
    assert_eq!(answer.json()["Queued"], true, "{}", answer.text());
    app.aws.forget_script();
    let denied = Fault::refuse("AccessDeniedException", "no");
    app.aws.on("ecs:DeleteCluster").meets(denied);
    app.deliver_for(Duration::from_mins(15)).await;
    let letters = app.aws.messages(&format!("{}-dead-letters", app.queue_url));
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_kept(&app, &log, &[answer]);
}
