//! What each request costs in calls of AWS, and how many of them wait for another: the table of `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::openapi::{assert_generated, project};
use crate::support::scripted::{NAMESPACE, ScriptedApp};

const LATENCY: Duration = Duration::from_millis(100);
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- calls: begin -->\n";
const END: &str = "<!-- calls: end -->";

/// A request, and what it is in the table.
struct Row {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    body: Value,
}

/// The requests, in an order in which each finds what it needs.
fn rows() -> Vec<Row> {
    const WEB: &str = "/nonprod/clusters/new/services/web";
    let row = |what, method, path, body| Row {
        what,
        method,
        path,
        body,
    };
    let get = |what, path| row(what, "GET", path, Value::Null);
    let web = json!({"name": "web", "image": "nginx:1.27", "cpu": 256, "memory": 512, "cluster": "new", "port": 80,
        "namespace": NAMESPACE, "count": 0});
    let beside = json!({"service": {"cluster": "new", "taskDefinition": "web", "serviceName": "beside", "desiredCount": 0}});
    let alone = json!({"name": "alone", "image": "nginx:1.27", "cpu": 256, "memory": 512, "cluster": "alone", "count": 0});
    vec![
        get("the function alone: `GET /ping`", "/ping"),
        get("list clusters", "/nonprod/clusters"),
        row(
            "create a service with cluster, task definition and registry, all new",
            "POST",
            "/nonprod/services",
            web,
        ),
        row(
            "create a service where everything is there",
            "POST",
            "/nonprod/services",
            beside,
        ),
        get("show a service", WEB),
        get(
            "show it with `all=true`, the first time",
            "/nonprod/clusters/new/services/web?all=true",
        ),
        get(
            "show it with `all=true`, again",
            "/nonprod/clusters/new/services/web?all=true",
        ),
        get("list services", "/nonprod/clusters/new/services"),
        get(
            "search all accounts by cluster and name",
            "/services?cluster=new&name=web",
        ),
        row("change its count", "PATCH", WEB, json!({"desiredCount": 1})),
        row("deploy a tag", "PATCH", WEB, json!({"tag": "1.28"})),
        row("deploy the next tag", "PATCH", WEB, json!({"tag": "1.29"})),
        row(
            "roll back",
            "POST",
            "/nonprod/clusters/new/services/web/rollback",
            json!({}),
        ),
        get(
            "list its deployments",
            "/nonprod/clusters/new/services/web/deployments",
        ),
        get(
            "read the logs of all its tasks",
            "/nonprod/clusters/new/services/web/logs",
        ),
        get(
            "ask why it is not running",
            "/nonprod/clusters/new/services/web/diagnosis",
        ),
        row(
            "delete it with its registry; its cluster has another service",
            "DELETE",
            "/nonprod/services?cluster=new&service=web&recursive=true",
            json!({}),
        ),
        row(
            "create a service without a registry, all new",
            "POST",
            "/nonprod/services",
            alone,
        ),
        row(
            "delete it with its cluster, nothing to wait for",
            "DELETE",
            "/nonprod/services?cluster=alone&service=alone&recursive=true",
            json!({}),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_page_tells_the_calls_of_each_request_and_their_trips() {
    let app = ScriptedApp::new();
    // The session is there, as it is in all but the first request.
    app.send("GET", "/nonprod/clusters", None, &Value::Null)
        .await
        .expect(200);
    app.aws.set_latency(LATENCY);
    let mut table =
        String::from("| request | calls of AWS | one after the other |\n| --- | --- | --- |\n");
    for row in rows() {
        // ECS needs a moment until it names a deployment.
        tokio::time::sleep(Duration::from_mins(1)).await;
        app.aws.forget_calls();
        let begun = Instant::now();
        let answer = app.send(row.method, row.path, None, &row.body).await;
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "{}: {}", row.what, answer.text());
        let (calls, depth) = (app.aws.operations().len(), app.aws.depth());
        let trips = LATENCY * u32::try_from(depth).unwrap();
        assert!(
            (trips..trips + LATENCY / 2).contains(&took),
            "{}: {depth} calls one after the other took {took:?}: {:?}",
            row.what,
            app.aws.operations()
        );
        let _ = writeln!(table, "| {} | {calls} | {depth} |", row.what);
    }
    let page = fs::read_to_string(project(PAGE)).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the table");
    let (_, after) = rest.split_once(END).expect("the table ends");
    assert_generated(PAGE, &format!("{before}{BEGIN}{table}{END}{after}"));
}
