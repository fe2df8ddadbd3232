//! The function's own process is killed at each call of a create, before and after AWS did it, without a key and with no
//! further request.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::documented;
use crate::support::{Faults, FunctionProcess, TestAccount, TestApp, TestQueues};

/// The number of cases that are under way at once.
const AT_ONCE: usize = 6;
/// The time that an invocation has.
const INVOCATION: Duration = Duration::from_secs(3);
/// The longest time from the end of an invocation until nothing is left of it: its lease, and two minutes.
const GONE_AFTER: Duration = Duration::from_secs(5 + 120);

fn event(body: &Value) -> Value {
    json!({
        "version": "2.0", "rawPath": "/v1/ecs/nonprod/services", "rawQueryString": "", "body": body.to_string(),
        "headers": {"authorization": "Bearer a-writers-token"},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/v1/ecs/nonprod/services"}},
        "isBase64Encoded": false,
    })
}

/// A create whose process is killed at one call.
struct Case {
    operation: String,
    /// Claims that AWS has done what the call asks for.
    is_done: bool,
}

/// Kills the process while it waits for a call, and lets the queue deliver what it has until nothing comes of it.
async fn run(case: &Case) -> Result<(), String> {
    let account = TestAccount::new("nonprod");
    let body = documented(&account.namespace().await);
    let queues = TestQueues::new().await;
    let mut faults = Faults::none();
    let held = if case.is_done {
        json!({"response": {"bandwidth_kbps": 0.01}})
    } else {
        json!({"timeout_ms": 4_000})
    };
    faults.inject(&case.operation, held);
    let started = Instant::now();
    let event = event(&body);
    let url = &queues.urls.url;
    let process = FunctionProcess::start(&account, faults.endpoint(), url, INVOCATION, &event);
    while !faults.calls().contains(&case.operation) {
        if started.elapsed() > Duration::from_secs(20) {
            return Err("the call never came".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // AWS does it, where it does, and what was asked for beside it is done too.
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.kill();
    let app = TestApp::of_account(&account, &queues.urls);
    let killed_at = Instant::now();
    loop {
        for message in queues.receive().await {
            let answer = app.invoke(queues.batch(&[message.body])).await?;
            if answer["batchItemFailures"] == json!([]) {
                queues.forget(&message.receipt).await;
            }
        }
        let left = account.inventory().await;
        let is_done = left.iter().any(|arn| arn.contains(":service/myclu/"));
        if (left.is_empty() || (is_done && left.len() == 4)) && queues.are_empty().await {
            return Ok(());
        }
        if killed_at.elapsed() > INVOCATION + GONE_AFTER {
            return Err(format!("still there: {left:?}"));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_at_any_call_leaves_nothing_or_the_service() {
    let calls = [
        "sts:AssumeRole",
        "dynamodb:PutItem",
        "sqs:SendMessage",
        "ecs:DescribeClusters",
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ];
    let cases = calls
        .iter()
        .flat_map(|call| [((*call).to_owned(), false), ((*call).to_owned(), true)])
        .map(|(operation, is_done)| Case { operation, is_done });
    let runs = stream::iter(cases).map(|case| async move {
        let when = if case.is_done { "after" } else { "before" };
        let why = run(&case).await.err()?;
        Some(format!("killed {when} AWS did {}: {why}", case.operation))
    });
    let wrong: Vec<_> = runs
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
