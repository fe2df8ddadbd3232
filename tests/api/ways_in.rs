//! Every way in: the same request in every envelope gets the same answer, and a forged envelope gets nowhere.

use serde_json::{Value, json};

use crate::support::{Caller, Opened, Sent, TestApp, Way};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:ecs-api";

async fn send(app: &TestApp, way: Way, sent: &Sent) -> Opened {
    Opened::of(
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

#[tokio::test]
async fn an_answer_has_the_envelope_that_its_sender_reads() {
    let app = TestApp::new();
    let sent = Sent::new("GET", "/pong");
    let answer = async |way| {
        let mut answer = app.invoke(sent.by(way)).await.unwrap();
        for place in ["/headers/x-request-id", "/multiValueHeaders/x-request-id"] {
            if let Some(id) = answer.pointer_mut(place) {
                *id = "…".into();
            }
        }
        match &mut answer["body"] {
            Value::Object(problem) => drop(problem.insert("requestId".to_owned(), "…".into())),
            other => *other = "…".into(),
        }
        answer
    };
    insta::assert_json_snapshot!(answer(Way::HttpApi).await, @r#"
    {
      "statusCode": 404,
      "headers": {
        "content-type": "application/problem+json",
        "x-request-id": "…",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store"
      },
      "cookies": [],
      "body": "…",
      "isBase64Encoded": false
    }
    "#);
    insta::assert_json_snapshot!(answer(Way::RestApi).await, @r#"
    {
      "statusCode": 404,
      "multiValueHeaders": {
        "content-type": [
          "application/problem+json"
        ],
        "x-request-id": "…",
        "x-content-type-options": [
          "nosniff"
        ],
        "cache-control": [
          "no-store"
        ]
      },
      "body": "…",
      "isBase64Encoded": false
    }
    "#);
    insta::assert_json_snapshot!(answer(Way::LoadBalancer).await, @r#"
    {
      "statusCode": 404,
      "headers": {
        "content-type": "application/problem+json",
        "x-request-id": "…",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store"
      },
      "body": "…",
      "isBase64Encoded": false,
      "statusDescription": "404 Not Found"
    }
    "#);
    insta::assert_json_snapshot!(answer(Way::LoadBalancerMulti).await, @r#"
    {
      "statusCode": 404,
      "multiValueHeaders": {
        "content-type": [
          "application/problem+json"
        ],
        "x-request-id": "…",
        "x-content-type-options": [
          "nosniff"
        ],
        "cache-control": [
          "no-store"
        ]
      },
      "body": "…",
      "isBase64Encoded": false,
      "statusDescription": "404 Not Found"
    }
    "#);
    insta::assert_json_snapshot!(answer(Way::Direct).await, @r#"
    {
      "status": 404,
      "headers": {
        "content-type": "application/problem+json",
        "x-request-id": "…",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store"
      },
      "body": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at this path",
        "code": "NoSuchRoute",
        "requestId": "…",
        "retryable": false
      }
    }
    "#);
}

#[tokio::test]
async fn a_long_answer_is_compressed_only_where_the_bytes_arrive_as_bytes() {
    let app = TestApp::new();
    for index in 0..20 {
        app.post(
            "/nonprod/clusters",
            &json!({"name": format!("cluster-{index}")}),
        )
        .await
        .expect(200);
    }
    let sent = Sent::new("GET", "/nonprod/clusters")
        .token(writer())
        .header("accept-encoding", "gzip");
    for way in Way::ALL {
        let answer = app.invoke(sent.by(way)).await.unwrap();
        let is_compressed = Opened::of(way, &answer)
            .headers
            .contains_key("content-encoding");
        assert_eq!(is_compressed, way.takes_bytes(), "{way:?}");
        assert_eq!(
            answer["isBase64Encoded"] == true,
            way.takes_bytes(),
            "{way:?}"
        );
        assert_eq!(answer["body"].is_array(), way == Way::Direct, "{way:?}");
    }
}

#[tokio::test]
async fn what_was_compressed_ahead_of_time_arrives_readable_by_every_way_or_is_refused() {
    let app = TestApp::new();
    for (path, beginning) in [("/openapi.json", "{"), ("/docs", "<!")] {
        for (way, encoding) in Way::ALL
            .into_iter()
            .flat_map(|way| [(way, Some("gzip")), (way, Some("identity")), (way, None)])
        {
            let sent = Sent::new("GET", path);
            let sent = match encoding {
                Some(encoding) => sent.header("accept-encoding", encoding),
                None => sent,
            };
            let answer = app.invoke(sent.by(way)).await.unwrap();
            let is_accepted = encoding == Some("gzip");
            let opened = Opened::of(way, &answer);
            if way.takes_bytes() && !is_accepted {
                // 1.9 MB for whoever asks would be a gift to whoever floods.
                assert_eq!(
                    (opened.status, &opened.body["code"]),
                    (406, &json!("OnlyCompressed"))
                );
                continue;
            }
            let is_compressed = opened.headers.contains_key("content-encoding");
            assert_eq!(is_compressed, way.takes_bytes(), "{way:?} {path}");
            assert_eq!(
                answer["isBase64Encoded"] == true,
                is_compressed,
                "{way:?} {path}"
            );
            match &answer["body"] {
                Value::String(text) if !is_compressed => {
                    assert!(text.starts_with(beginning), "{way:?} {path}");
                }
                Value::Object(document) => {
                    assert_eq!(document["openapi"], "3.1.0", "{way:?} {path}");
                }
                body => assert!(is_compressed, "{way:?} {path}: {body}"),
            }
        }
    }
}

#[tokio::test]
async fn a_link_leads_back_through_what_is_in_front() {
    let app = TestApp::new();
    for name in ["a", "b", "c"] {
        app.post("/nonprod/clusters", &json!({"name": name}))
            .await
            .expect(200);
    }
    let sent = Sent::new("GET", "/nonprod/clusters")
        .query("limit", "1")
        .token(writer());
    for way in Way::ALL {
        let link = send(&app, way, &sent).await.headers["link"].clone();
        let is_staged = matches!(way, Way::RestApi | Way::RestApiSingle | Way::HttpApiV1);
        let prefix = if is_staged {
            "</prod/v1/ecs/"
        } else {
            "</v1/ecs/"
        };
        assert!(
            link.starts_with(&format!("{prefix}nonprod/clusters?limit=1&nextToken=")),
            "{way:?}: {link}"
        );
    }
    // A direct invocation takes the link's target as its path.
    let mut sent = sent;
    for expected in ["a", "b", "c"] {
        let answer = send(&app, Way::Direct, &sent).await;
        assert!(
            answer.body[0]
                .as_str()
                .unwrap()
                .ends_with(&format!(":cluster/{expected}")),
            "{}",
            answer.body
        );
        let Some(link) = answer.headers.get("link") else {
            return;
        };
        let target = link
            .trim_start_matches("</v1/ecs")
            .split('>')
            .next()
            .unwrap();
        sent = Sent::new("GET", target).token(writer());
    }
    panic!("the last page has a link");
}

/// A load balancer takes 1 MB of an answer, the others 6 MB.
#[tokio::test]
async fn a_list_that_a_load_balancer_does_not_take_goes_on_behind_a_link() {
    let mut app = TestApp::with_faults();
    let arn = |index: usize| {
        format!("arn:aws:ecs:us-east-1:111122223333:cluster/a-cluster-with-a-long-name-{index:05}")
    };
    let arns: Vec<_> = (0..14_000).map(arn).collect();
    app.faults()
        .answer("ecs:ListClusters", &json!({"clusterArns": arns}));
    let sent = Sent::new("GET", "/nonprod/clusters").token(writer());
    for way in Way::ALL {
        let answer = app.invoke(sent.by(way)).await.unwrap();
        let is_cut = matches!(way, Way::LoadBalancer | Way::LoadBalancerMulti);
        assert_eq!(answer.to_string().len() < 1_000_000, is_cut, "{way:?}");
        let opened = Opened::of(way, &answer);
        assert_eq!(opened.headers.contains_key("link"), is_cut, "{way:?}");
        assert_eq!(
            opened.body.as_array().unwrap().len() == arns.len(),
            !is_cut,
            "{way:?}"
        );
    }
    let first = send(&app, Way::LoadBalancer, &sent).await;
    let token = first.headers["link"]
        .split("nextToken=")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap();
    let rest = send(&app, Way::LoadBalancer, &sent.query("nextToken", token)).await;
    let both: Vec<_> = [first.body, rest.body]
        .iter()
        .flat_map(|body| body.as_array().unwrap().clone())
        .collect();
    assert_eq!(json!(both), json!(arns));
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

/// Where each gateway writes whom it has verified: a principal and claims.
fn places(way: Way) -> Option<(&'static str, &'static str)> {
    match way {
        Way::HttpApi | Way::FunctionUrl => Some((
            "/requestContext/authorizer/iam/userArn",
            "/requestContext/authorizer/jwt/claims",
        )),
        Way::RestApi | Way::RestApiSingle | Way::HttpApiV1 => Some((
            "/requestContext/identity/userArn",
            "/requestContext/authorizer/claims",
        )),
        Way::LoadBalancer | Way::LoadBalancerMulti | Way::Direct => None,
    }
}

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
async fn whom_a_gateway_has_verified_needs_no_token_in_either_payload_format() {
    let app = verified_callers();
    let claims = |client: &str, level: Value| json!({"client_id": client, "level": level, "iss": "https://id.example.com"});
    for way in Way::ALL {
        let Some((principal, jwt)) = places(way) else {
            continue;
        };
        for (place, value, status) in [
            (principal, json!(SESSION), 200),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/Admin_1/anna@example.com"),
                200,
            ),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/Admin_2/anna@example.com"),
                401,
            ),
            (
                principal,
                json!("arn:aws:sts::999999999999:assumed-role/deploy-web/run-1"),
                401,
            ),
            (
                principal,
                json!("arn:aws:sts::123456789012:assumed-role/evil/deploy-web"),
                401,
            ),
            (
                principal,
                json!("arn:aws:iam::123456789012:user/deploy-web"),
                401,
            ),
            (principal, Value::Null, 401),
            (jwt, claims("abc", json!("3")), 200),
            (jwt, claims("abc", json!("4")), 401),
            (jwt, claims("other", json!("3")), 401),
            (jwt, json!({}), 401),
            (jwt, Value::Null, 401),
            // What a Lambda authorizer returns is no proof.
            (
                "/requestContext/authorizer/lambda",
                claims("abc", json!("3")),
                401,
            ),
            (
                "/requestContext/authorizer",
                json!({"client_id": "abc", "level": "3", "userArn": SESSION}),
                401,
            ),
            (
                "/requestContext/authorizer",
                json!({"principalId": SESSION, "claims": "client_id=abc"}),
                401,
            ),
            ("/requestContext/userArn", json!(SESSION), 401),
        ] {
            let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
            put(&mut event, place, value.clone());
            let answer = Opened::of(way, &app.invoke(event).await.unwrap());
            assert_eq!(
                answer.status, status,
                "{way:?} {place} {value}: {}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn a_request_can_not_say_who_sends_it() {
    let app = verified_callers();
    let context = json!({"authorizer": {"iam": {"userArn": SESSION}, "jwt": {"claims": {"client_id": "abc", "level": "3"}},
        "claims": {"client_id": "abc", "level": "3"}}, "identity": {"userArn": SESSION}});
    let forged = Sent::new("GET", "/nonprod/clusters")
        .header("x-amzn-iam-user-arn", SESSION)
        .header("x-amzn-oidc-identity", SESSION)
        .header("x-amzn-oidc-data", "e30.eyJjbGllbnRfaWQiOiJhYmMiLCJsZXZlbCI6IjMifQ.c2ln")
        .header("authorization", "Bearer e30.eyJjbGllbnRfaWQiOiJhYmMiLCJsZXZlbCI6IjMifQ.c2ln")
        .header("requestcontext", context.to_string())
        .body(json!({"requestContext": context, "method": "GET", "path": "/v1/ecs/ping", "Records": []}));
    for way in Way::ALL {
        let answer = send(&app, way, &forged).await;
        let expected = if way == Way::Direct { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{way:?}: {}", answer.body);
    }
    // A load balancer verifies nobody, whatever else is in its event.
    for way in [Way::LoadBalancer, Way::LoadBalancerMulti] {
        for place in [
            "/requestContext/authorizer",
            "/requestContext/identity",
            "/identity",
            "/authorizer",
        ] {
            let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
            put(&mut event, place, context["authorizer"].clone());
            put(
                &mut event,
                "/requestContext/identity/userArn",
                json!(SESSION),
            );
            assert_eq!(
                Opened::of(way, &app.invoke(event).await.unwrap()).status,
                401,
                "{way:?} {place}"
            );
        }
    }
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

/// Whoever may invoke the function itself can write any event. Whoever may invoke its alias `direct` can't.
#[tokio::test]
async fn through_the_alias_for_direct_invocations_nobody_passes_for_a_gateway() {
    let app = verified_callers();
    let direct = format!("{FUNCTION}:direct");
    for way in Way::ALL {
        let mut event = Sent::new("GET", "/nonprod/clusters").by(way);
        if let Some((principal, _)) = places(way) {
            put(&mut event, principal, json!(SESSION));
        }
        let answer = app.invoke_through(&direct, event.clone()).await;
        if way == Way::Direct {
            assert_eq!(Opened::of(way, &answer.unwrap()).status, 200);
        } else {
            let error = answer.unwrap_err();
            assert!(
                error.starts_with("the alias `direct` takes direct invocations and nothing else"),
                "{error}"
            );
            let status = if places(way).is_some() { 200 } else { 401 };
            assert_eq!(
                Opened::of(way, &app.invoke_through(FUNCTION, event).await.unwrap()).status,
                status,
                "{way:?}"
            );
        }
    }
}

/// A forged event names a principal that nobody has verified. It comes by an invocation, and not through the alias whose
/// permissions name the gateways.
#[tokio::test]
async fn past_the_alias_for_gateways_nobody_passes_for_one() {
    let app = TestApp::with_gateway_alias("gateway", &known_by_more_than_tokens());
    for way in Way::ALL {
        let mut forged = Sent::new("GET", "/nonprod/clusters").by(way);
        if let Some((principal, _)) = places(way) {
            put(&mut forged, principal, json!(SESSION));
        }
        for arn in [
            FUNCTION,
            &format!("{FUNCTION}:$LATEST"),
            &format!("{FUNCTION}:live"),
            "",
        ] {
            let answer = app.invoke_through(arn, forged.clone()).await;
            if way == Way::Direct {
                assert_eq!(Opened::of(way, &answer.unwrap()).status, 200, "{arn}");
            } else {
                let error = answer.unwrap_err();
                let expected =
                    "events of gateways are taken through the function's alias `gateway` alone";
                assert!(error.starts_with(expected), "{way:?} {arn}: {error}");
            }
        }
        let through = app
            .invoke_through(&format!("{FUNCTION}:gateway"), forged)
            .await;
        if way == Way::Direct {
            let error = through.unwrap_err();
            assert!(
                error.starts_with("the alias `gateway` takes events of gateways and nothing else"),
                "{error}"
            );
        } else {
            let status = if places(way).is_some() { 200 } else { 401 };
            assert_eq!(Opened::of(way, &through.unwrap()).status, status, "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_direct_invocation_is_its_caller_or_that_of_its_token() {
    let app = verified_callers();
    let read = Sent::new("GET", "/nonprod/clusters");
    let write = Sent::new("POST", "/nonprod/clusters").body(json!({"name": "made"}));
    assert_eq!(send(&app, Way::Direct, &read).await.status, 200);
    assert_eq!(send(&app, Way::Direct, &write).await.status, 403);
    assert_eq!(
        send(&app, Way::Direct, &write.clone().token(writer()))
            .await
            .status,
        200
    );
    assert_eq!(
        send(&app, Way::Direct, &write.token("a-token-of-nobody"))
            .await
            .status,
        403
    );
    let without = TestApp::new();
    assert_eq!(send(&without, Way::Direct, &read).await.status, 401);
    assert_eq!(
        send(&without, Way::Direct, &read.token(writer()))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_direct_invocation_takes_plain_json_and_says_what_it_does_not_take() {
    let app = verified_callers();
    let invoke = async |event: Value| Opened::of(Way::Direct, &app.invoke(event).await.unwrap());
    let path = "/v1/ecs/nonprod/clusters";
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
