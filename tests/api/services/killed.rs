//! The function's own process is killed at each call of a create, before and after AWS did it, without a key and with no
//! further request.

use std::time::{Duration, Instant};

use fake_aws::{Fault, Server};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::documented;
use crate::support::{FunctionProcess, TestAccount, TestApp, TestQueues, rules};

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
    /// AWS has done what the call asks for.
    is_done: bool,
}

/// Kills the process while it waits for a call, and lets the queue deliver what it has until nothing comes of it.
async fn run(case: &Case) -> Result<(), String> {
    let account = TestAccount::new("nonprod").with_logs();
    let body = documented(&account.namespace().await);
    let queues = TestQueues::new().await;
    let aws = rules().beside();
    let held = if case.is_done {
        Fault::silence().after_work()
    } else {
        Fault::silence()
    };
    aws.on(&case.operation).meets(held);
    let server = Server::start(aws.clone()).expect("there is a free port");
    let event = event(&body);
    let url = &queues.urls.url;
    let process = FunctionProcess::start(&account, server.endpoint(), url, INVOCATION, &event);
    let call = aws.until_called(&case.operation);
    if timeout(Duration::from_secs(20), call).await.is_err() {
        return Err("the call never came".to_owned());
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
        if (left.is_empty() || (is_done && left.len() == 5)) && queues.are_empty().await {
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
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
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
