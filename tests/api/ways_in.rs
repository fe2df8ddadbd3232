//! Every way in: the same request in every envelope gets the same answer, and a forged envelope gets nowhere.

mod answers;
mod verified;

use serde_json::{Value, json};

use crate::support::{Caller, OpenAnswer, Sent, TestApp, Way};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:ecs-api";

async fn send(app: &TestApp, way: Way, sent: &Sent) -> OpenAnswer {
    OpenAnswer::of(
        way,
        &app.invoke(sent.by(way))
            .await
            .expect("an event of a known kind is answered"),
    )
}

fn writer() -> &'static str {
    Caller::Writer.token().expect("the writer has a token")
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_whatever_brings_it() {
    let app = TestApp::with_settings(&json!({"corsOrigins": ["https://portal.example.com"]}));
    app.account().furnish().await;
    for name in ["a", "b", "c"] {
        app.post("/nonprod/clusters", &json!({"name": name}))
            .await
            .expect(200);
    }
    let arn = format!(
        "arn%3Aaws%3Aecs%3Aus-east-1%3A{}%3Acluster%2Fmyclu",
        app.account().id
    );
    let writer = |sent: Sent| sent.token(writer());
    for (sent, status) in [
        (Sent::new("GET", "/ping"), 200),
        (Sent::new("GET", "/ping/"), 200),
        (Sent::new("HEAD", "/version"), 200),
        (Sent::new("GET", "/pong"), 404),
        (Sent::new("PUT", "/nonprod/clusters"), 405),
        (
            Sent::new("OPTIONS", "/nonprod/services")
                .header("origin", "https://portal.example.com"),
            204,
        ),
        (Sent::new("GET", "/nonprod/clusters"), 401),
        (
            Sent::new("GET", "/nonprod/clusters").token("a-token-of-nobody"),
            401,
        ),
        (writer(Sent::new("GET", "/nonprod/clusters")), 200),
        (
            writer(Sent::new("GET", format!("/nonprod/clusters/{arn}"))),
            200,
        ),
        (
            writer(Sent::new("GET", "/nonprod/clusters").query("limit", "2")),
            200,
        ),
        (
            writer(
                Sent::new("GET", "/nonprod/clusters")
                    .query("limit", "0")
                    .query("li mit&", "ä+ %41"),
            ),
            400,
        ),
        (
            writer(
                Sent::new("GET", "/nonprod/clusters")
                    .query("limit", "1")
                    .query("limit", "2"),
            ),
            400,
        ),
        (
            writer(Sent::new("GET", "/nonprod/clusters/myclu/services").query("all", "TRUE")),
            200,
        ),
        (
            writer(
                Sent::new("GET", "/nonprod/clusters/myclu/tasks")
                    .query("startedBy", "a b+c%2F&d=e"),
            ),
            200,
        ),
        (
            writer(Sent::new("POST", "/nonprod/clusters").body(json!({"name": "a"}))),
            200,
        ),
        (
            writer(
                Sent::new("POST", "/nonprod/clusters")
                    .body(json!({"name": "a"}))
                    .base64(),
            ),
            200,
        ),
        (
            writer(Sent::new("POST", "/nonprod/clusters").body(json!("{\"name\": \"a\"}"))),
            200,
        ),
        (
            writer(Sent::new("POST", "/nonprod/clusters").body(json!("{\"name\": \"a\"} x"))),
            400,
        ),
        (
            writer(Sent::new("POST", "/nonprod/clusters").body(json!({"nmae": "a", "Name": 7}))),
            400,
        ),
        (
            writer(Sent::new("POST", "/nonprod/clusters").body(json!({"name": "a", "x": 1})))
                .header("prefer", "handling=lenient"),
            200,
        ),
        (writer(Sent::new("POST", "/nonprod/clusters")), 400),
        (writer(Sent::new("DELETE", "/nonprod/clusters/gone")), 404),
    ] {
        let expected = send(&app, Way::HttpApi, &sent).await.compared();
        assert_eq!(expected.status, status, "{sent:?}: {}", expected.body);
        for way in Way::ALL {
            if sent
                .query
                .iter()
                .filter(|(name, _)| *name == "limit")
                .count()
                > 1
                && matches!(way, Way::RestApiSingle | Way::LoadBalancer)
            {
                continue; // Only the last of the values arrives.
            }
            let given = send(&app, way, &sent).await.compared();
            assert_eq!(given, expected, "{way:?}: {sent:?}");
        }
    }
}

/// Callers by principal, by claims, and by an invocation.
fn verified_callers() -> TestApp {
    TestApp::with_settings(&known_by_more_than_tokens())
}

fn known_by_more_than_tokens() -> Value {
    let grants = json!([{"accounts": ["nonprod"], "access": "read"}]);
    json!({"callers": [
        {"name": "bot", "principal": "arn:aws:iam::123456789012:role/deploy-*", "grants": grants},
        {"name": "admin", "principal": "arn:aws:iam::123456789012:role/sso/eu-west-1/Admin_1", "grants": grants},
        {"name": "team", "claims": {"client_id": "abc", "level": "3"}, "grants": grants},
        {"name": "nightly", "invoke": true, "grants": grants},
        {"name": "portal", "tokenSha256": Caller::Writer.digest(), "grants": [{"accounts": ["*"], "access": "write"}]},
    ]})
}

const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/deploy-web/run-1";

/// Puts a value anywhere into an event.
fn put(event: &mut Value, pointer: &str, value: Value) {
    let mut place = event;
    for name in pointer.trim_start_matches('/').split('/') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = value;
}

#[tokio::test]
async fn an_event_of_two_kinds_or_of_none_is_an_invocation_error() {
    let app = verified_callers();
    let sent = Sent::new("GET", "/nonprod/clusters");
    let context =
        json!({"identity": {"userArn": SESSION}, "apiId": "a1b2c3d4e5", "httpMethod": "GET"});
    let mut events = vec![
        json!({}),
        json!([]),
        json!({"version": "2.0"}),
        Value::Null,
        json!("GET /v1/ecs/ping"),
    ];
    for way in Way::ALL {
        // As another kind at the same time, and as a batch of a queue.
        for (place, value) in [
            (
                "/Records",
                json!([{"eventSource": "aws:sqs", "body": "{}"}]),
            ),
            ("/method", json!("GET")),
            ("/requestContext/elb", json!({"targetGroupArn": "arn"})),
            ("/requestContext", context.clone()),
        ] {
            let mut event = sent.by(way);
            let is_own = matches!(
                (way, place),
                (Way::Direct, "/method")
                    | (
                        Way::LoadBalancer | Way::LoadBalancerMulti,
                        "/requestContext/elb"
                    )
            );
            let is_context_alone = place == "/requestContext"
                && matches!(way, Way::RestApi | Way::RestApiSingle | Way::HttpApiV1);
            if is_own || is_context_alone {
                continue;
            }
            put(&mut event, place, value);
            if place == "/requestContext"
                && matches!(way, Way::LoadBalancer | Way::LoadBalancerMulti)
            {
                put(&mut event, "/requestContext/elb", json!({}));
            }
            events.push(event);
        }
    }
    for event in events {
        let error = app
            .invoke(event.clone())
            .await
            .expect_err("the event is of no known kind");
        assert!(
            error.starts_with("unknown event: expected an event of an API Gateway HTTP API"),
            "{event}: {error}"
        );
    }
}

#[tokio::test]
async fn a_direct_invocation_takes_plain_json_and_says_what_it_does_not_take() {
    let app = verified_callers();
    let invoke =
        async |event: Value| OpenAnswer::of(Way::Direct, &app.invoke(event).await.unwrap());
    let path = "/v1/ecs/nonprod/clusters";
    let cluster = app.account().ecs().create_cluster().cluster_name("a");
    cluster.send().await.unwrap();
    for query in [
        json!({"limit": 1}),
        json!({"limit": "1"}),
        json!({"limit": [1]}),
        json!({"limit": 1, "nextToken": null}),
    ] {
        let answer = invoke(
            json!({"method": "get", "path": path, "query": query, "headers": null, "body": null}),
        )
        .await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    }
    for (all, status) in [
        (json!(true), 200),
        (json!(1), 200),
        (json!("maybe"), 400),
        (json!([true, false]), 400),
    ] {
        let answer = invoke(
            json!({"method": "GET", "path": format!("{path}/a/services"), "query": {"all": all}}),
        )
        .await;
        assert_eq!(answer.status, status, "{all}: {}", answer.body);
    }
    for (event, expected) in [
        (
            json!({"method": "GET", "path": path, "boddy": {}}),
            "unknown field `boddy`, expected one of `method`, `path`",
        ),
        (json!({"method": "GET", "path": 7}), "expected a string"),
        (
            json!({"method": "GET", "path": path, "query": "limit=1"}),
            "at `query`: invalid type: string, expected a map",
        ),
        (
            json!({"method": "GET", "path": path, "query": {"limit": {}}}),
            "expected a text, a number, a boolean, or a list",
        ),
        (
            json!({"method": "GET", "path": path, "headers": {"a b": "c"}}),
            "`headers`: the name or the value of `a b` has characters that no header can hold",
        ),
        (
            json!({"method": "G E T", "path": path}),
            "`method`: `G E T` is not a method of HTTP, like `GET`",
        ),
    ] {
        let answer = invoke(event).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (400, &json!("MalformedRequest"))
        );
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{detail}");
    }
}
