//! How many requests an account bears before AWS throttles it: the calls of each, held against AWS's quotas.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::aws::{Aws, create, event};
use crate::function::Function;
use crate::sections::{Bench, Section};
use crate::table::Table;

/// Calls a second that an account and region sustains, with every other client, for operations that share a bucket.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>
const QUOTAS: [(&str, &[&str], f64); 6] = [
    (
        "services, read",
        &["ecs:DescribeServices", "ecs:ListServices"],
        20.0,
    ),
    ("tasks, read", &["ecs:DescribeTasks", "ecs:ListTasks"], 20.0),
    (
        "clusters, read",
        &["ecs:DescribeClusters", "ecs:ListClusters"],
        20.0,
    ),
    (
        "task definitions, write",
        &["ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition"],
        1.0,
    ),
    ("logs, filter", &["logs:FilterLogEvents"], 10.0),
    ("logs, get", &["logs:GetLogEvents"], 25.0),
];
/// Those who wait or follow at the same time, each in an invocation of its own.
const WAITERS: f64 = 50.0;
/// Seconds of a long poll.
const WAIT_S: f64 = 25.0;
/// Gigabytes of memory that the template gives the function.
const MEMORY_GB: f64 = 0.5;
/// Dollars for a gigabyte and second of arm64 in us-east-1 (<https://aws.amazon.com/lambda/pricing/>).
const GB_SECOND_USD: f64 = 0.000_013_333_4;

/// Counts the calls of each request, and of those that wait.
pub async fn measure(bench: &Bench) -> Section {
    let aws = Aws::start()?;
    let mut function = Function::start(&bench.function, &aws.environment()).await?;
    // The role is assumed, and what is kept between requests is there.
    run(
        &aws,
        &mut function,
        "GET",
        "/nonprod/clusters",
        &Value::Null,
    )
    .await;
    let how = "Calls of AWS for one request by a process that has answered others, and the requests a second for one account at which the \
               first of AWS's quotas is used up. Lambda's own limit is 1,000 at a time unless it is raised.";
    let columns = ["request", "calls of AWS", "requests a second", "held by"];
    let mut table = Table::new("What an account bears", how, &columns);
    let service = "/nonprod/clusters/scale/services/scale";
    let requests = [
        (
            "create a service, all new",
            "POST",
            "/nonprod/services",
            create("scale"),
        ),
        ("show it", "GET", service, Value::Null),
        (
            "show it with everything",
            "GET",
            &format!("{service}?all=true"),
            Value::Null,
        ),
        (
            "list services",
            "GET",
            "/nonprod/clusters/scale/services",
            Value::Null,
        ),
        (
            "set its count",
            "PATCH",
            service,
            json!({"desiredCount": 1}),
        ),
        ("deploy a tag", "PATCH", service, json!({"tag": "1.28"})),
        (
            "list its deployments",
            "GET",
            &format!("{service}/deployments"),
            Value::Null,
        ),
        (
            "why it is not running",
            "GET",
            &format!("{service}/diagnosis"),
            Value::Null,
        ),
    ];
    for (what, method, path, body) in requests {
        let calls = run(&aws, &mut function, method, path, &body).await;
        table.row(&row(what, &calls));
    }
    // ECS names a deployment some seconds after it began.
    sleep(Duration::from_secs(5)).await;
    let how = format!(
        "{WAITERS:.0} callers who wait all the time, {WAIT_S:.0} s with each request, against one account: each takes one of Lambda's \
         concurrent executions, of which an account has 1,000 unless they are raised. Price: {WAITERS:.0} × {MEMORY_GB} GB × 3,600 s × \
         ${GB_SECOND_USD:.10} (arm64, us-east-1)."
    );
    let columns = [
        "",
        "calls of AWS a second",
        "of the quota that is used most",
        "an hour",
    ];
    let mut waits = Table::new("What waiting costs", &how, &columns);
    let waiting = waiting(&aws, &mut function, service).await;
    waits.row(&waiting_row("a deployment", &waiting));
    let following = following(&aws, &mut function, service).await;
    waits.row(&waiting_row("a log", &following));
    Ok(table.finish() + &waits.finish())
}

/// The calls of one request, by operation.
type Calls = BTreeMap<String, u32>;

async fn run(aws: &Aws, function: &mut Function, method: &str, path: &str, body: &Value) -> Calls {
    aws.fake.forget_calls();
    let taken = function.invoke(event(method, path, body)).await;
    let status = taken.answer["statusCode"].as_u64().unwrap_or_default();
    assert!(
        (200..300).contains(&status),
        "{method} {path}: {}",
        taken.answer
    );
    let mut calls = Calls::new();
    for operation in aws.fake.operations() {
        *calls.entry(operation).or_default() += 1;
    }
    calls
}

/// Returns the calls of a long poll on a deployment that does not end.
async fn waiting(aws: &Aws, function: &mut Function, service: &str) -> Calls {
    let list = format!("{service}/deployments?limit=1");
    let taken = function.invoke(event("GET", &list, &Value::Null)).await;
    let body = taken.answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let id = body[0]["Id"].as_str().expect("there is a deployment");
    let path = format!("{service}/deployments/{id}?wait={WAIT_S}");
    run(aws, function, "GET", &path, &Value::Null).await
}

/// Returns the calls of a long poll on a log to which nothing is written.
async fn following(aws: &Aws, function: &mut Function, service: &str) -> Calls {
    let path = format!("{service}/logs?since=1m&wait={WAIT_S}");
    run(aws, function, "GET", &path, &Value::Null).await
}

/// Returns the share of each quota that these calls take, once a second.
fn shares(calls: &Calls) -> impl Iterator<Item = (f64, &'static str)> {
    QUOTAS.iter().filter_map(|(name, operations, quota)| {
        let used = operations
            .iter()
            .filter_map(|operation| calls.get(*operation));
        let used: u32 = used.sum();
        (used > 0).then(|| (f64::from(used) / quota, *name))
    })
}

/// Returns the quota of which these calls take the most, and its share.
fn most_used(calls: &Calls) -> Option<(f64, &'static str)> {
    shares(calls).max_by(|(one, _), (other, _)| one.total_cmp(other))
}

fn row(what: &str, calls: &Calls) -> [String; 4] {
    let all: u32 = calls.values().sum();
    let (borne, held_by) = most_used(calls).map_or(
        ("—".to_owned(), "no quota that AWS publishes"),
        |(share, name)| (format!("{:.1}", 1.0 / share), name),
    );
    [what.to_owned(), all.to_string(), borne, held_by.to_owned()]
}

fn waiting_row(what: &str, calls: &Calls) -> [String; 4] {
    let rate = WAITERS / WAIT_S;
    let all: u32 = calls.values().sum();
    let used = most_used(calls).map_or("—".to_owned(), |(share, name)| {
        format!("{:.0} % of {name}", share * rate * 100.0)
    });
    let dollars = WAITERS * MEMORY_GB * 3_600.0 * GB_SECOND_USD;
    [
        what.to_owned(),
        format!("{:.0}", f64::from(all) * rate),
        used,
        format!("${dollars:.2}"),
    ]
}
