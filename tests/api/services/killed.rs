//! The function's process is killed at each point of a create, and the same request is sent again.

use std::time::{Duration, Instant};

use aws_sdk_ecs::types::TaskDefinitionStatus;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::documented;
use crate::support::{Faults, FunctionProcess, TestAccount, TestApp};

/// How many cases are under way at once.
const AT_ONCE: usize = 4;

fn event(body: &Value) -> Value {
    json!({
        "version": "2.0", "rawPath": "/v1/ecs/nonprod/services", "rawQueryString": "", "body": body.to_string(),
        "headers": {"authorization": "Bearer a-writers-token", "idempotency-key": "deploy-42"},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/v1/ecs/nonprod/services"}},
        "isBase64Encoded": false,
    })
}

/// Kills the process while it waits for this call, which AWS has done or not, and sends the request to another process.
async fn killed_at(operation: &str, is_done: bool) -> Result<(), String> {
    let account = TestAccount::new("nonprod");
    let body = documented(&account.namespace().await);
    let mut faults = Faults::none();
    let held = if is_done {
        json!({"response": {"bandwidth_kbps": 0.01}})
    } else {
        json!({"timeout_ms": 3_000})
    };
    faults.inject(operation, held);
    let started = Instant::now();
    let process = FunctionProcess::start(&account, faults.endpoint(), &event(&body));
    while !faults.calls().iter().any(|call| call == operation) {
        if started.elapsed() > Duration::from_secs(20) {
            return Err("the call never came".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // AWS does it, where it does, and what was asked for beside it is done too.
    tokio::time::sleep(Duration::from_millis(300)).await;
    process.kill();
    let left = account.inventory().await;
    let process = FunctionProcess::start(&account, crate::support::endpoint(), &event(&body));
    let answer = tokio::task::spawn_blocking(move || process.answer(Duration::from_secs(30)))
        .await
        .unwrap();
    let answer = answer.ok_or("no answer")?;
    if answer["statusCode"] != 200 {
        return Err(format!("after {left:?}: {answer}"));
    }
    let found = account.inventory().await;
    let count = |kind: &str| found.iter().filter(|arn| arn.contains(kind)).count();
    let kinds = [
        ":cluster/",
        ":task-definition/",
        ":servicediscovery:",
        ":service/myclu/",
    ];
    let inactive = account
        .ecs()
        .list_task_definitions()
        .status(TaskDefinitionStatus::Inactive)
        .send()
        .await
        .unwrap();
    if kinds.map(count) != [1, 1, 1, 1] || !inactive.task_definition_arns().is_empty() {
        return Err(format!(
            "{found:?}, and INACTIVE {:?}",
            inactive.task_definition_arns()
        ));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_at_any_point_and_the_same_request_again_make_one_of_each() {
    let mut app = TestApp::with_faults();
    let body = documented(&app.account().namespace().await);
    let request = app
        .request("POST", "/nonprod/services")
        .header("idempotency-key", "deploy-42");
    request.json(&body).send().await.expect(200);
    let mut calls = app.faults().calls();
    calls.sort();
    calls.dedup();
    let cases: Vec<_> = calls
        .iter()
        .flat_map(|call| [(call.clone(), false), (call.clone(), true)])
        .collect();
    let runs = stream::iter(cases).map(|(call, is_done)| async move {
        let when = if is_done { "after" } else { "before" };
        killed_at(&call, is_done)
            .await
            .err()
            .map(|why| format!("killed {when} AWS did {call}: {why}"))
    });
    let wrong: Vec<_> = runs
        .buffer_unordered(AT_ONCE)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "{} of {} points:\n{}",
        wrong.len(),
        calls.len() * 2,
        wrong.join("\n")
    );
}
