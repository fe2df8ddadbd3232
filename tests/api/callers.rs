//! The access of callers: who gets in, and how far. Whoever does not get in calls nothing.

use serde_json::json;

use crate::support::{Caller, TestApp, review};

#[tokio::test]
async fn without_a_known_token_nobody_gets_in_and_nothing_is_called() {
    let app = TestApp::new();
    for caller in [Caller::Anonymous, Caller::Stranger] {
        for (method, path) in [
            ("GET", "/nonprod/clusters"),
            ("POST", "/nonprod/services"),
            ("GET", "/x/clusters"),
        ] {
            let answer = app
                .request(method, path)
                .by(caller)
                .json(&json!({}))
                .send()
                .await;
            let problem = answer.problem(401);
            assert_eq!(problem["code"], "Unauthenticated");
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"ecs-api\"")
            );
        }
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_reader_reads_its_account_and_no_other_and_nothing_is_called() {
    let app = TestApp::new();
    for (method, path) in [
        ("POST", "/nonprod/services"),
        ("POST", "/nonprod/clusters"),
        ("DELETE", "/nonprod/clusters/a"),
        ("GET", "/prod/clusters"),
        ("GET", "/no-such-account/clusters"),
    ] {
        let answer = app
            .request(method, path)
            .by(Caller::Reader)
            .json(&json!({}))
            .send()
            .await;
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(answer.problem(403), @r#"
            {
              "status": 403,
              "detail": "the caller has no grant for this account and method",
              "code": "Forbidden",
              "retryable": false
            }
            "#);
        }
    }
    assert_eq!(app.aws().operations(), [""; 0]);
    app.request("GET", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await
        .expect(200);
    app.request("HEAD", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await
        .header("x-request-id")
        .unwrap();
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:ListClusters", "ecs:ListClusters"]
    );
}

#[tokio::test]
async fn a_writer_of_every_account_is_told_that_an_account_does_not_exist() {
    let answer = TestApp::new().get("/no-such-account/clusters").await;
    insta::assert_json_snapshot!(answer.problem(404), @r#"
    {
      "status": 404,
      "detail": "there is no account `no-such-account` in the configuration",
      "code": "NoSuchAccount",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_token_comes_in_any_of_three_headers() {
    let app = TestApp::new();
    for (name, value) in [
        ("authorization", "Bearer a-writers-token"),
        ("authorization", "bearer  a-writers-token"),
        ("x-auth-token", "a-writers-token"),
        ("Auth-Token", "a-writers-token"),
    ] {
        let request = app
            .request("GET", "/nonprod/clusters")
            .by(Caller::Anonymous)
            .header(name, value);
        assert_eq!(request.send().await.status, 200, "{name}: {value}");
    }
    for (name, value) in [
        ("authorization", "Basic a-writers-token"),
        ("authorization", "a-writers-token"),
        ("authorization", "Bearer"),
        ("x-auth-token", ""),
        ("x-token", "a-writers-token"),
    ] {
        let request = app
            .request("GET", "/nonprod/clusters")
            .by(Caller::Anonymous)
            .header(name, value);
        assert_eq!(request.send().await.status, 401, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_token_is_found_beside_a_signature_of_the_gateway() {
    let app = TestApp::new();
    let request = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Anonymous);
    let request = request
        .header("authorization", "AWS4-HMAC-SHA256 Credential=x")
        .header("x-auth-token", "a-writers-token");
    assert_eq!(request.send().await.status, 200);
}

/// API Gateway's authorizers put the caller into the event, and nothing of a request can.
#[tokio::test]
async fn whom_api_gateway_has_verified_needs_no_token() {
    let grants = json!([{"accounts": ["nonprod"], "access": "read"}]);
    let app = TestApp::with_settings(&json!({"callers": [
        {"name": "bot", "principal": "arn:aws:iam::123456789012:role/deploy-*", "grants": grants},
        {"name": "team", "claims": {"client_id": "abc"}, "grants": grants},
    ]}));
    let session = "arn:aws:sts::123456789012:assumed-role/deploy-web/run-1";
    let iam = |arn: &str| {
        json!({"iam": {"accessKey": "ASIA", "accountId": "123456789012", "callerId": "AROA:run-1",
        "cognitoIdentity": null, "principalOrgId": "o-1", "userArn": arn, "userId": "AROA:run-1"}})
    };
    let jwt = |client: &str| json!({"jwt": {"claims": {"client_id": client, "iss": "https://id.example.com"}, "scopes": null}});
    for (authorizer, status) in [
        (iam(session), 200),
        (
            iam("arn:aws:sts::999999999999:assumed-role/deploy-web/run-1"),
            401,
        ),
        (jwt("abc"), 200),
        (jwt("other"), 401),
        (
            json!({"lambda": {"client_id": "abc", "userArn": session}}),
            401,
        ),
        (json!({}), 401),
    ] {
        let request = app
            .request("GET", "/nonprod/clusters")
            .by(Caller::Anonymous);
        let answer = request
            .event("/requestContext/authorizer", authorizer.clone())
            .send()
            .await;
        assert_eq!(answer.status, status, "{authorizer}: {}", answer.text());
    }
    let forged = review::forged_request();
    let headers = forged["headers"].as_object().unwrap();
    let request = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Anonymous);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value.as_str().unwrap())
    });
    assert_eq!(request.json(&forged["body"]).send().await.status, 401);
}

/// A caller that sends a token for this API means to be known by it, and would else act as somebody else without
/// noticing.
#[tokio::test]
async fn an_unknown_token_for_this_api_is_never_made_up_for() {
    let grants = json!([{"accounts": ["nonprod"], "access": "read"}]);
    let app = TestApp::with_settings(&json!({"callers": [
        {"name": "bot", "principal": "arn:aws:iam::123456789012:role/deploy-*", "grants": grants},
        {"name": "team", "claims": {"client_id": "abc"}, "grants": grants},
        {"name": "reader", "tokenSha256": Caller::Reader.digest(), "grants": grants},
        {"name": "nightly", "invoke": true, "grants": grants},
    ]}));
    let iam =
        json!({"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/deploy-web/run-1"}});
    let jwt = json!({"jwt": {"claims": {"client_id": "abc"}, "scopes": null}});
    for (authorizer, caller) in [
        (iam.clone(), Caller::Anonymous),
        (jwt, Caller::Anonymous),
        (json!({}), Caller::Reader),
    ] {
        for (name, value, status) in [
            ("x-auth-token", "a-token-of-nobody", 401),
            ("auth-token", "a-token-of-nobody", 401),
            ("X-Auth-Token", "", 401),
            ("x-auth-token", "Bearer a-readers-token", 401),
            ("x-auth-token", "a-readers-token", 200),
            ("x-unrelated", "a-token-of-nobody", 200),
        ] {
            let request = app.request("GET", "/nonprod/clusters").by(caller);
            let request = request.event("/requestContext/authorizer", authorizer.clone());
            let answer = request.header(name, value).send().await;
            assert_eq!(answer.status, status, "{authorizer} {name}: {value}");
        }
    }
    // What a gateway has verified as a JWT is no token of ours, and no unknown one.
    let request = app.request("GET", "/nonprod/clusters").by(Caller::Stranger);
    let request = request.event("/requestContext/authorizer", iam);
    assert_eq!(request.send().await.status, 200);
    for (token, status) in [("a-token-of-nobody", 401), ("a-readers-token", 200)] {
        for name in ["X-Auth-Token", "auth-token"] {
            let event = json!({"method": "GET", "path": "/v1/ecs/nonprod/clusters", "headers": {name: token}});
            let answer = app.invoke(event).await.unwrap();
            assert_eq!(answer["status"], status, "{name}: {token}");
        }
    }
}

/// An answer for one caller must not lie in a cache between, nor be taken for something else by a browser.
#[tokio::test]
async fn what_needs_a_caller_is_stored_nowhere() {
    let app = TestApp::new();
    for (method, path, caller, status) in [
        ("GET", "/nonprod/clusters", Caller::Writer, 200),
        ("GET", "/nonprod/clusters/missing", Caller::Writer, 404),
        ("POST", "/nonprod/clusters", Caller::Writer, 400),
        ("POST", "/nonprod/clusters", Caller::Reader, 403),
        ("GET", "/nonprod/clusters", Caller::Stranger, 401),
        ("GET", "/nothing/of/ours/at/all", Caller::Writer, 404),
    ] {
        let answer = app
            .request(method, path)
            .by(caller)
            .json(&json!({}))
            .send()
            .await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
    // What everybody may see says for itself how long it may be kept.
    let page = app
        .request("GET", "/docs")
        .header("accept-encoding", "gzip");
    let page = page.by(Caller::Anonymous).send().await;
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}
