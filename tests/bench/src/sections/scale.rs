//! How many requests an account bears before AWS throttles it: the calls of each, held against AWS's quotas.

use std::time::{Duration, Instant};

use fake_aws::Course;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::aws::{Aws, MEMBER, create, event};
use crate::function::Function;
use crate::quotas::{Calls, borne_a_second, borne_at_once};
use crate::sections::{Bench, Section};
use crate::table::Table;

/// The service that is asked for.
const SERVICE: &str = "/nonprod/clusters/scale/services/scale";
/// The path of orchestrated creates and deletes.
const SERVICES: &str = "/nonprod/services";
/// Those who wait or follow at the same time, each in an invocation of its own.
const WAITERS: f64 = 50.0;
/// The time in which ECS names a deployment that has begun.
const SETTLES: Duration = Duration::from_secs(5);
/// Seconds of a long poll.
const WAIT_S: f64 = 25.0;
/// Gigabytes of memory that the template gives the function.
const MEMORY_GB: f64 = 0.5;
/// Dollars for a gigabyte and second of arm64 in us-east-1 (<https://aws.amazon.com/lambda/pricing/>).
const GB_SECOND_USD: f64 = 0.000_013_333_4;

/// Counts the calls of each request, and of those that wait.
pub async fn measure(bench: &Bench) -> Section {
    let mut account = Account::start(bench).await?;
    let how = "Calls of AWS for one request by a process that has answered others; how many such requests an account and region bears a \
               second, and by which of AWS's quotas; and how many at once after a pause, before AWS throttles the first call. Whatever else \
               calls AWS there takes its part. The account has one cluster: a delete with a registry lists and describes the services of all.";
    let columns = ["request", "calls of AWS", "a second", "held by", "at once"];
    let mut table = Table::new("What an account bears", how, &columns);
    for request in requests_until_a_deployment() {
        table.row(&row(request.what, &account.calls_of(&request).await));
    }
    sleep(SETTLES).await;
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
    let id = account.newest_deployment().await;
    for (what, below) in [
        ("a deployment", format!("/deployments/{id}?wait={WAIT_S}")),
        ("a log", format!("/logs?since=1m&wait={WAIT_S}")),
    ] {
        let begun = Instant::now();
        let calls = account.calls_of(&Request::get(what, &below)).await;
        let waited = begun.elapsed().as_secs_f64();
        assert!(waited > WAIT_S - 1.0, "{what}: {waited} s");
        waits.row(&waiting_row(what, &calls));
    }
    for request in requests_after_it() {
        table.row(&row(request.what, &account.calls_of(&request).await));
    }
    Ok(table.finish() + &waits.finish())
}

/// A request, and what it is in the table.
struct Request {
    what: &'static str,
    method: &'static str,
    path: String,
    body: Value,
}

impl Request {
    /// A read of the service, or of what is below it.
    fn get(what: &'static str, below: &str) -> Self {
        Self {
            what,
            method: "GET",
            path: format!("{SERVICE}{below}"),
            body: Value::Null,
        }
    }

    fn new(what: &'static str, method: &'static str, path: &str, body: Value) -> Self {
        Self {
            what,
            method,
            path: path.to_owned(),
            body,
        }
    }
}

/// The requests up to a deployment that does not end for a while, in an order in which each finds what it needs.
fn requests_until_a_deployment() -> [Request; 11] {
    let beside = json!({"service": {"cluster": "scale", "taskDefinition": "scale", "serviceName": "beside", "desiredCount": 0}});
    [
        Request::new(
            "create a service, all new",
            "POST",
            SERVICES,
            create("scale"),
        ),
        Request::new(
            "create a service where everything is there",
            "POST",
            SERVICES,
            beside,
        ),
        Request::new("list clusters", "GET", "/nonprod/clusters", Value::Null),
        Request::new(
            "list services",
            "GET",
            "/nonprod/clusters/scale/services",
            Value::Null,
        ),
        Request::new(
            "search all accounts by cluster and name",
            "GET",
            "/services?cluster=scale&name=scale",
            Value::Null,
        ),
        Request::get("show a service", ""),
        Request::get("show it with everything", "?all=true"),
        Request::new(
            "change its count",
            "PATCH",
            SERVICE,
            json!({"desiredCount": 1}),
        ),
        Request::new("deploy a tag", "PATCH", SERVICE, json!({"tag": "1.28"})),
        Request::get("read the logs of all its tasks", "/logs"),
        Request::get("ask why it is not running", "/diagnosis"),
    ]
}

/// The requests that find a deployment, or delete what the others need.
fn requests_after_it() -> [Request; 7] {
    let query = "?cluster=scale&service=";
    [
        Request::get("list its deployments", "/deployments"),
        Request::new(
            "roll back",
            "POST",
            &format!("{SERVICE}/rollback"),
            json!({"to": "scale:1"}),
        ),
        Request::new(
            "list tasks",
            "GET",
            "/nonprod/clusters/scale/tasks",
            Value::Null,
        ),
        Request::new(
            "delete a service",
            "DELETE",
            &format!("{SERVICES}{query}beside"),
            Value::Null,
        ),
        Request::new(
            "delete a service with everything",
            "DELETE",
            &format!("{SERVICES}{query}scale&recursive=true"),
            Value::Null,
        ),
        Request::new(
            "create a cluster",
            "POST",
            "/nonprod/clusters",
            json!({"clusterName": "tasks"}),
        ),
        Request::new(
            "run a task",
            "POST",
            "/nonprod/clusters/tasks/tasks",
            json!({"taskDefinition": "scale"}),
        ),
    ]
}

/// A function, and the AWS that it calls.
struct Account {
    aws: Aws,
    function: Function,
}

impl Account {
    /// Starts a function that has answered a request: the role is assumed.
    async fn start(bench: &Bench) -> Result<Self, Box<dyn std::error::Error>> {
        let aws = Aws::start()?;
        // Who waits for one of its deployments waits to the end of the request.
        aws.fake.deployments_go(MEMBER, "scale", Course::Lingers);
        let function = Function::start(&bench.function, &aws.environment()).await?;
        let mut account = Self { aws, function };
        let list = Request::new("list clusters", "GET", "/nonprod/clusters", Value::Null);
        account.answer(&list).await;
        Ok(account)
    }

    /// Returns what the function answers.
    async fn answer(&mut self, request: &Request) -> Value {
        let Request {
            method, path, body, ..
        } = request;
        let taken = self.function.invoke(event(method, path, body)).await;
        assert_eq!(
            taken.answer["statusCode"], 200,
            "{method} {path}: {}",
            taken.answer
        );
        let body = taken.answer["body"].as_str().unwrap_or_default();
        serde_json::from_str(body).unwrap_or_default()
    }

    async fn calls_of(&mut self, request: &Request) -> Calls {
        self.aws.fake.forget_calls();
        self.answer(request).await;
        let mut calls = Calls::new();
        for operation in self.aws.fake.operations() {
            *calls.entry(operation).or_default() += 1;
        }
        calls
    }

    async fn newest_deployment(&mut self) -> String {
        let list = Request::get("list its newest", "/deployments?limit=1");
        let body = self.answer(&list).await;
        let id = body[0]["Id"].as_str().expect("there is a deployment");
        id.to_owned()
    }
}

fn row(what: &str, calls: &Calls) -> [String; 5] {
    let all: u32 = calls.values().sum();
    let a_second = borne_a_second(calls);
    let held_by = a_second
        .as_ref()
        .map_or("no quota that is known here", |borne| borne.held_by);
    [
        what.to_owned(),
        all.to_string(),
        a_second
            .as_ref()
            .map_or("—".to_owned(), |borne| format!("{:.1}", borne.requests)),
        held_by.to_owned(),
        borne_at_once(calls).map_or("—".to_owned(), |borne| {
            format!("{:.0}", borne.requests.floor())
        }),
    ]
}

fn waiting_row(what: &str, calls: &Calls) -> [String; 4] {
    let rate = WAITERS / WAIT_S;
    let all: u32 = calls.values().sum();
    let used = borne_a_second(calls).map_or("—".to_owned(), |borne| {
        format!(
            "{:.0} % of {}",
            rate / borne.requests * 100.0,
            borne.held_by
        )
    });
    let dollars = WAITERS * MEMORY_GB * 3_600.0 * GB_SECOND_USD;
    [
        what.to_owned(),
        format!("{:.0}", f64::from(all) * rate),
        used,
        format!("${dollars:.2}"),
    ]
}
