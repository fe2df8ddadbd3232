//! The configuration in SSM: read at the start and again as it ages, and never worse for what can't be read.

use std::time::Duration;

use ecs_api::config::LogLevel;
use fake_aws::{FakeAws, Fault, HUB};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use crate::secrets::Log;
use crate::support::scripted::ScriptedApp;

const PATH: &str = "/ecs-api/config/";
const OLD_TOKEN: &str = "a-token-of-before";
const NEW_TOKEN: &str = "a-token-of-now";
const MINUTE: Duration = Duration::from_secs(61);
const FIVE_MINUTES: Duration = Duration::from_secs(301);

fn account(number: u64) -> Value {
    json!({"accountId": format!("{:012}", 444_400_000_000 + number), "region": "us-east-1"})
}

fn caller(token: &str) -> Value {
    let digest = hex::encode(Sha256::digest(token));
    json!({"tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "write"}]})
}

fn put(aws: &FakeAws, part: &str, value: &Value) {
    aws.put_parameter(HUB, &format!("{PATH}{part}"), &value.to_string());
}

/// An AWS whose hub has a path of parameters: one account, and one caller.
fn furnished() -> FakeAws {
    let aws = FakeAws::in_memory();
    put(&aws, "accounts/first", &account(1));
    put(&aws, "callers/portal", &caller(OLD_TOKEN));
    put(&aws, "version", &json!(1));
    aws
}

async fn started(aws: &FakeAws) -> ScriptedApp {
    let app = ScriptedApp::start(aws, PATH).await;
    app.expect("the configuration is valid")
}

async fn status(app: &ScriptedApp, token: &str, account: &str) -> u16 {
    let path = format!("/{account}/clusters");
    app.get_with(token, &path).await.status
}

fn readings(app: &ScriptedApp) -> usize {
    app.aws.sent("ssm:GetParametersByPath").len()
}

#[tokio::test(start_paused = true)]
async fn a_whole_configuration_may_be_one_parameter() {
    let aws = FakeAws::in_memory();
    let mut portal = caller(OLD_TOKEN);
    portal["name"] = "portal".into();
    let config = json!({"accounts": {"first": account(1)}, "callers": [portal]});
    aws.put_parameter(HUB, "/ecs-api/config", &config.to_string());
    let app = ScriptedApp::start(&aws, "/ecs-api/config").await.unwrap();
    assert_eq!(app.aws.operations(), ["ssm:GetParameter"]);
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    let rotated = config.to_string().replace(
        &hex::encode(Sha256::digest(OLD_TOKEN)),
        &hex::encode(Sha256::digest(NEW_TOKEN)),
    );
    aws.put_parameter(HUB, "/ecs-api/config", &rotated);
    sleep(FIVE_MINUTES).await;
    assert_eq!(status(&app, NEW_TOKEN, "first").await, 200);
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 401);
}

/// SSM answers ten parameters a page.
#[tokio::test(start_paused = true)]
async fn a_path_may_hold_more_accounts_and_callers_than_a_page() {
    let aws = furnished();
    for number in 0..40 {
        put(
            &aws,
            &format!("accounts/account-{number}"),
            &account(number),
        );
        let named = caller(&format!("token-{number}"));
        put(&aws, &format!("callers/caller-{number}"), &named);
    }
    put(&aws, "corsOrigins", &json!(["https://portal.example.com"]));
    put(&aws, "defaults", &json!({"tags": {"team": "a"}}));
    let app = started(&aws).await;
    for number in [0, 9, 10, 39] {
        let (token, account) = (format!("token-{number}"), format!("account-{number}"));
        assert_eq!(status(&app, &token, &account).await, 200, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn for_a_minute_nothing_is_read_again() {
    let app = started(&furnished()).await;
    sleep(Duration::from_secs(59)).await;
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    assert_eq!(readings(&app), 1);
}

/// The request that finds it old is answered by what was in force when it came; it waits for the reading, since nothing runs
/// after an answer.
#[tokio::test(start_paused = true)]
async fn after_a_minute_it_is_read_beside_a_request_and_the_next_one_knows() {
    let aws = furnished();
    let app = started(&aws).await;
    put(&aws, "accounts/second", &account(2));
    put(&aws, "callers/newcomer", &caller(NEW_TOKEN));
    aws.delete_parameter(HUB, "/ecs-api/config/callers/portal");
    sleep(MINUTE).await;
    app.aws.set_latency(Duration::from_millis(100));
    let begun = Instant::now();
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    // `version`, a page and `version` again, beside STS and ECS.
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 401);
    assert_eq!(status(&app, NEW_TOKEN, "second").await, 200);
    assert_eq!(readings(&app), 2);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_does_not_open_a_function_that_was_idle() {
    let aws = furnished();
    let app = started(&aws).await;
    put(&aws, "callers/portal", &caller(NEW_TOKEN));
    sleep(FIVE_MINUTES).await;
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 401);
    assert_eq!(status(&app, NEW_TOKEN, "first").await, 200);
    assert_eq!(readings(&app), 2);
}

/// A request that waits for the reading waits for its answer: the log's time and the deadline count that.
#[tokio::test(start_paused = true)]
async fn the_time_of_a_request_begins_before_the_configuration_is_read() {
    let mut app = started(&furnished()).await;
    sleep(FIVE_MINUTES).await;
    app.aws
        .on("ssm:*")
        .once()
        .meets(Fault::delay(Duration::from_secs(4)));
    let (log, guard) = Log::start(LogLevel::Info);
    let begun = Instant::now();
    assert_eq!(app.get_with(OLD_TOKEN, "/ping").await.status, 200);
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(4), "{took:?}");
    let lines = log.lines();
    let line = lines.iter().find(|line| line["message"] == "request");
    let line = line.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(line["Duration"], json!(took.as_millis()), "{line}");
    drop(guard);
    // A list that never comes is answered before the gateway gives up, and not four seconds later.
    sleep(FIVE_MINUTES).await;
    app.set_time_left(Duration::from_mins(1));
    app.aws
        .on("ssm:*")
        .once()
        .meets(Fault::delay(Duration::from_secs(4)));
    app.aws.on("ecs:ListClusters").meets(Fault::silence());
    let begun = Instant::now();
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 504);
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(28), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_exchanged_without_an_interruption() {
    let aws = furnished();
    let app = started(&aws).await;
    let mut both = caller(OLD_TOKEN);
    both["tokenSha256"] = json!([both["tokenSha256"], caller(NEW_TOKEN)["tokenSha256"]]);
    put(&aws, "callers/portal", &both);
    sleep(FIVE_MINUTES).await;
    for token in [OLD_TOKEN, NEW_TOKEN] {
        assert_eq!(status(&app, token, "first").await, 200, "{token}");
    }
}

/// The account goes while the request is at work in it.
#[tokio::test(start_paused = true)]
async fn a_request_sees_one_configuration_to_its_end() {
    let aws = furnished();
    put(&aws, "accounts/second", &account(2));
    let app = started(&aws).await;
    aws.delete_parameter(HUB, "/ecs-api/config/accounts/second");
    sleep(MINUTE).await;
    let late = Fault::delay(Duration::from_secs(2));
    app.aws.on("ecs:ListClusters").once().meets(late);
    assert_eq!(status(&app, OLD_TOKEN, "second").await, 200);
    assert_eq!(status(&app, OLD_TOKEN, "second").await, 404);
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_settings_are_the_same_keeps_its_session() {
    let aws = furnished();
    let app = started(&aws).await;
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    put(&aws, "accounts/second", &account(2));
    sleep(FIVE_MINUTES).await;
    assert_eq!(status(&app, OLD_TOKEN, "second").await, 200);
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    assert_eq!(app.aws.sent("sts:AssumeRole").len(), 2);
    let moved = json!({"accountId": "444455556666", "region": "eu-west-1"});
    put(&aws, "accounts/first", &moved);
    sleep(FIVE_MINUTES).await;
    assert_eq!(status(&app, OLD_TOKEN, "first").await, 200);
    assert_eq!(app.aws.sent("sts:AssumeRole").len(), 3);
}

/// Each fault, and what the log says of it.
#[tokio::test(start_paused = true)]
async fn a_broken_configuration_changes_nothing_and_is_loud() {
    for (part, text, cause) in [
        ("accounts/second", "{", "`accounts/second` is not JSON"),
        (
            "accounts/second",
            "{}",
            "`accounts.second`: give its `region`",
        ),
        (
            "accouts/second",
            "{}",
            "`accouts/second` is no part of a configuration",
        ),
        (
            "callers/second",
            "[]",
            "`callers/second`: expected an object",
        ),
        (
            "callers/second",
            r#"{"name": "third"}"#,
            "its `name` is \"third\", and not that of its part",
        ),
        ("logLevel", "\"loud\"", "`logLevel`: unknown variant `loud`"),
    ] {
        let aws = furnished();
        let app = started(&aws).await;
        aws.put_parameter(HUB, &format!("{PATH}{part}"), text);
        put(&aws, "callers/portal", &caller(NEW_TOKEN));
        sleep(FIVE_MINUTES).await;
        let (log, guard) = Log::start(LogLevel::Info);
        assert_eq!(status(&app, OLD_TOKEN, "first").await, 200, "{part}");
        assert_eq!(status(&app, NEW_TOKEN, "first").await, 401, "{part}");
        let lines = log.lines();
        let line = lines
            .iter()
            .find(|line| line["message"] == "configuration: the one before stays in force");
        let line = line.unwrap_or_else(|| panic!("{part}: {lines:?}"));
        assert_eq!(
            (&line["level"], &line["parameter"]),
            (&json!("ERROR"), &json!(PATH))
        );
        assert!(line["cause"].as_str().unwrap().contains(cause), "{line}");
        let counted = lines.iter().find(|line| line["ConfigurationFailures"] == 1);
        assert!(counted.is_some(), "{part}: {lines:?}");
        drop(guard);
        // Mended, it is taken: a reading that failed is made again, at the earliest after some seconds.
        aws.delete_parameter(HUB, &format!("{PATH}{part}"));
        assert_eq!(status(&app, OLD_TOKEN, "first").await, 200, "{part}");
        sleep(Duration::from_secs(16)).await;
        assert_eq!(status(&app, NEW_TOKEN, "first").await, 200, "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_that_can_not_be_read_change_nothing_and_slow_no_more_than_one_request_down() {
    let denied = Fault::refuse("AccessDeniedException", "User is not authorized to perform");
    for fault in [denied, Fault::fail(500), Fault::silence(), Fault::garbage()] {
        let app = started(&furnished()).await;
        sleep(FIVE_MINUTES).await;
        app.aws.on("ssm:*").meets(fault.clone());
        let (log, _guard) = Log::start(LogLevel::Info);
        let begun = Instant::now();
        assert_eq!(status(&app, OLD_TOKEN, "first").await, 200, "{fault:?}");
        assert!(begun.elapsed() <= Duration::from_secs(5), "{fault:?}");
        let begun = Instant::now();
        assert_eq!(status(&app, OLD_TOKEN, "first").await, 200, "{fault:?}");
        assert_eq!(begun.elapsed(), Duration::ZERO, "{fault:?}");
        let kept = "configuration: the one before stays in force";
        let errors = log
            .lines()
            .into_iter()
            .filter(|line| line["message"] == kept);
        assert_eq!(errors.count(), 1, "{fault:?}");
    }
}

/// Whoever changes several parameters writes `version` last: what was read before that may be half of the change.
#[tokio::test(start_paused = true)]
async fn parameters_that_change_while_they_are_read_are_read_once_more() {
    let aws = furnished();
    let app = started(&aws).await;
    sleep(FIVE_MINUTES).await;
    app.aws.set_latency(Duration::from_millis(100));
    let change = async {
        // The first reading has the old `callers/portal`, and has yet to look at `version` again.
        sleep(Duration::from_millis(190)).await;
        put(&aws, "callers/portal", &caller(NEW_TOKEN));
        put(&aws, "version", &json!(2));
    };
    let (status, ()) = tokio::join!(status(&app, OLD_TOKEN, "first"), change);
    assert_eq!(status, 401);
    assert_eq!(readings(&app), 3);
}

#[tokio::test(start_paused = true)]
async fn parameters_that_never_come_to_rest_change_nothing() {
    let aws = furnished();
    let app = started(&aws).await;
    put(&aws, "callers/portal", &caller(NEW_TOKEN));
    sleep(FIVE_MINUTES).await;
    app.aws.set_latency(Duration::from_millis(500));
    let restless = async {
        for version in 2.. {
            put(&aws, "version", &json!(version));
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        status = status(&app, OLD_TOKEN, "first") => assert_eq!(status, 200),
        () = restless => unreachable!(),
    }
    assert_eq!(readings(&app), 3);
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_configuration_does_not_start_and_says_why() {
    let aws = FakeAws::in_memory();
    let refused = |parameter| {
        let aws = aws.clone();
        async move { ScriptedApp::start(&aws, parameter).await.err() }
    };
    let missing = refused("/ecs-api/config").await.expect("nothing is there");
    assert!(
        missing.starts_with("the configuration can't be read: `/ecs-api/config`: "),
        "{missing}"
    );
    assert_eq!(
        refused(PATH).await.as_deref(),
        Some("the configuration is not valid: `accounts` is empty: name at least one account")
    );
    put(&aws, "accounts/first", &json!({"accountId": "4"}));
    let broken = refused(PATH).await.expect("the account is no account");
    assert!(broken.contains("`accounts.first.accountId`"), "{broken}");
}
