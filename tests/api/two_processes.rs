//! Two processes of the function, whose configuration in SSM changes while they run: in real time, on the local AWS.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::config_push::Operator;
use crate::support::{FunctionProcess, TestAccount, root_config, rules};

/// The longest time from a change until every process that is asked knows it.
const IN_FORCE: Duration = Duration::from_secs(90);
/// The time from one look at both processes to the next.
const LOOK: Duration = Duration::from_secs(3);
/// The time that an invocation has.
const INVOCATION: Duration = Duration::from_secs(29);
const HUB: &str = fake_aws::HUB;
const OLD_TOKEN: &str = "a-token-of-before";
const NEW_TOKEN: &str = "a-token-of-now";

fn caller(token: &str) -> Value {
    let digest = hex::encode(Sha256::digest(token));
    json!({"tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "write"}]})
}

/// An operator who has put a configuration of one account and one caller below the path, and two processes that run with it.
fn running(name: &str, path: &str) -> (Operator, [FunctionProcess; 2]) {
    let operator = Operator::of(rules().beside(), name);
    let first = TestAccount::new("first");
    operator.write("accounts/first", &first.settings());
    operator.write("callers/portal", &caller(OLD_TOKEN));
    operator.push_below(path);
    let start = || FunctionProcess::configured_by(path, operator.endpoint(), INVOCATION);
    let processes = [start(), start()];
    assert_eq!(statuses(&processes, OLD_TOKEN, "first"), [200, 200]);
    (operator, processes)
}

/// Lists an account's clusters through both processes, and returns their statuses.
fn statuses(processes: &[FunctionProcess; 2], token: &str, account: &str) -> [u64; 2] {
    let path = format!("/v1/ecs/{account}/clusters");
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {token}")},
        "requestContext": {"stage": "$default", "http": {"method": "GET", "path": path}},
        "isBase64Encoded": false,
    });
    processes.each_ref().map(|process| {
        process.hand(&event);
        let answer: Value = serde_json::from_str(&process.answer()).expect("the answer is JSON");
        answer["statusCode"].as_u64().expect("a status")
    })
}

#[test]
fn an_account_a_caller_and_a_revoked_token_are_in_force_in_both_within_90_seconds() {
    let path = "/two-processes/changed/";
    let (operator, processes) = running("two-processes-changed", path);
    let second = TestAccount::new("second");
    operator.write("accounts/second", &second.settings());
    operator.write("callers/newcomer", &caller(NEW_TOKEN));
    operator.remove("callers/portal");
    operator.push_below(path);
    let changed = Instant::now();
    loop {
        let revoked = statuses(&processes, OLD_TOKEN, "first");
        let new = statuses(&processes, NEW_TOKEN, "second");
        if (revoked, new) == ([401, 401], [200, 200]) {
            break;
        }
        assert!(changed.elapsed() < IN_FORCE, "{revoked:?}, {new:?}");
        sleep(LOOK);
    }
    for process in processes {
        let log = process.kill();
        let told = log.matches("configuration: another one is in force");
        assert_eq!(told.count(), 1, "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_broken_parameter_changes_nothing_in_either_and_both_say_so() {
    let path = "/two-processes/broken/";
    let (operator, processes) = running("two-processes-broken", path);
    let hub = aws_sdk_ssm::Client::new(&root_config(HUB, operator.endpoint()));
    // By hand: what is checked first is never put.
    for (part, text) in [
        ("accounts/second", "{".to_owned()),
        ("callers/portal", caller(NEW_TOKEN).to_string()),
    ] {
        let name = format!("{path}{part}");
        let put = hub.put_parameter().name(name).value(text);
        let put = put.r#type("String".into()).overwrite(true);
        put.send().await.expect("SSM takes any text");
    }
    let broken = Instant::now();
    while broken.elapsed() < IN_FORCE {
        assert_eq!(statuses(&processes, OLD_TOKEN, "first"), [200, 200]);
        assert_eq!(statuses(&processes, NEW_TOKEN, "first"), [401, 401]);
        sleep(LOOK);
    }
    for process in processes {
        let log = process.kill();
        for told in [
            "configuration: the one before stays in force",
            "`accounts/second` is not JSON",
        ] {
            assert!(log.contains(told), "{told}: {log}");
        }
    }
}
