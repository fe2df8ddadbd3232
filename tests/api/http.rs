//! The rules of every path: methods, encodings, limits, the envelope.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Caller, TestApp};

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let app = TestApp::new();
    for path in [
        "",
        "/",
        "/pong",
        "/nonprod",
        "/nonprod/clusters/a/b",
        "/ping/x",
        "/nonprod/clusters/%FF",
    ] {
        let problem = app.get(path).await.problem(404);
        assert_eq!(problem["code"], "NoSuchRoute", "{path}");
    }
    let elsewhere = app
        .request("GET", "/ping")
        .event("/rawPath", json!("/v2/ecs/ping"))
        .send()
        .await;
    insta::assert_json_snapshot!(elsewhere.problem(404), @r#"
    {
      "status": 404,
      "detail": "there is nothing at this path",
      "code": "NoSuchRoute",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_known_path_with_another_method_says_what_it_takes() {
    let app = TestApp::new();
    let answer = app
        .request("PUT", "/nonprod/clusters")
        .by(Caller::Anonymous)
        .send()
        .await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    insta::assert_json_snapshot!(answer.problem(405), @r#"
    {
      "status": 405,
      "detail": "this path does not take `PUT`",
      "code": "MethodNotAllowed",
      "retryable": false
    }
    "#);
    let answer = app.request("POST", "/ping").send().await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
}

#[tokio::test]
async fn options_answers_what_the_path_takes() {
    let answer = TestApp::new()
        .request("OPTIONS", "/nonprod/services")
        .by(Caller::Anonymous)
        .send()
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(answer.header("allow"), Some("POST, DELETE, OPTIONS"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_named_origin_may_call_from_a_browser_and_no_other() {
    let app = TestApp::with_settings(&json!({"corsOrigins": ["https://portal.example.com"]}));
    let preflight = |origin| {
        app.request("OPTIONS", "/nonprod/services")
            .by(Caller::Anonymous)
            .header("origin", origin)
    };
    let answer = preflight("https://portal.example.com").send().await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://portal.example.com")
    );
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("POST, DELETE, OPTIONS")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    let answer = preflight("https://evil.example.com").send().await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, None)
    );
    let answer = app
        .request("GET", "/ping")
        .header("origin", "https://portal.example.com")
        .send()
        .await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://portal.example.com")
    );
    assert_eq!(answer.header("vary"), Some("Origin"));
    app.make_a_long_list_of_clusters().await;
    assert_eq!(
        app.get("/nonprod/clusters").await.header("vary"),
        Some("Origin, Accept-Encoding")
    );
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::new();
    let (get, head) = (
        app.get("/version").await,
        app.request("HEAD", "/version").send().await,
    );
    assert_eq!((head.status, head.text().as_str()), (200, ""));
    assert_eq!(head.header("content-type"), get.header("content-type"));
}

#[tokio::test]
async fn a_stage_and_one_trailing_slash_make_no_difference() {
    let app = TestApp::new();
    let staged = app
        .request("GET", "/ping")
        .event("/requestContext/stage", json!("prod"));
    assert_eq!(
        staged
            .event("/rawPath", json!("/prod/v1/ecs/ping"))
            .send()
            .await
            .status,
        200
    );
    assert_eq!(app.get("/ping/").await.status, 200);
    assert_eq!(app.get("/ping//").await.status, 404);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_with_line_and_column() {
    let app = TestApp::new();
    let answer = app
        .request("POST", "/nonprod/clusters")
        .text("{\n  \"name\": \"a\",\n}")
        .send()
        .await;
    insta::assert_json_snapshot!(answer.problem(400), @r#"
    {
      "status": 400,
      "detail": "the body is not valid JSON: trailing comma at line 3 column 1",
      "code": "MalformedJson",
      "retryable": false
    }
    "#);
    for (body, place) in [
        ("", "line 1 column 0"),
        ("{} x", "line 1 column 4"),
        ("service=web", "line 1 column 1"),
    ] {
        let detail = app
            .request("POST", "/nonprod/clusters")
            .text(body)
            .send()
            .await
            .problem(400)["detail"]
            .to_string();
        assert!(detail.contains(place), "{body}: {detail}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for body in ["[]", "null", "7", "\"a\""] {
        let answer = TestApp::new()
            .request("POST", "/nonprod/clusters")
            .text(body)
            .send()
            .await;
        let errors = answer.problem(400)["errors"].take();
        assert_eq!(
            errors,
            json!([{"path": "", "message": "expected a JSON object as the body"}]),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_body_is_json_whatever_its_content_type_says_and_however_it_is_encoded() {
    let app = TestApp::new();
    let request = || app.request("POST", "/nonprod/clusters");
    let form = request().header("content-type", "application/x-www-form-urlencoded");
    form.text(r#"{"name": "by-curl"}"#).send().await.expect(200);
    request()
        .base64(br#"{"name": "by-base64"}"#)
        .send()
        .await
        .expect(200);
    let names = app
        .get("/nonprod/clusters")
        .await
        .expect(200)
        .as_array()
        .unwrap()
        .len();
    assert_eq!(names, 2);
    let broken = request()
        .text("not base64!")
        .event("/isBase64Encoded", json!(true))
        .send()
        .await;
    insta::assert_json_snapshot!(broken.problem(400), @r#"
    {
      "status": 400,
      "detail": "the body is marked as base64, but is not: Invalid symbol 32, offset 3.",
      "code": "MalformedRequest",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_too_large() {
    let app = TestApp::new();
    let body = |bytes: usize| format!("{{\"name\": \"a\"{}}}", " ".repeat(bytes - 13));
    app.request("POST", "/nonprod/clusters")
        .text(&body(1 << 20))
        .send()
        .await
        .expect(200);
    let answer = app
        .request("POST", "/nonprod/clusters")
        .text(&body((1 << 20) + 1))
        .send()
        .await;
    insta::assert_json_snapshot!(answer.problem(413), @r#"
    {
      "status": 413,
      "detail": "the body has 1048577 bytes; at most 1048576 are accepted",
      "code": "BodyTooLarge",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_who_accepts_it() {
    let app = TestApp::new();
    app.make_a_long_list_of_clusters().await;
    let plain = app.get("/nonprod/clusters").await;
    let packed = app
        .request("GET", "/nonprod/clusters")
        .header("accept-encoding", "br, gzip")
        .send()
        .await;
    assert_eq!(
        (
            plain.header("content-encoding"),
            packed.header("content-encoding")
        ),
        (None, Some("gzip"))
    );
    assert_eq!(plain.expect(200), packed.expect(200));
    assert!(packed.body.len() < plain.body.len() / 2);
}

#[tokio::test]
async fn an_unknown_query_parameter_is_refused_and_so_is_a_repeated_one() {
    let app = TestApp::new();
    let problem = app
        .get("/nonprod/clusters?limt=5&limit=1&limit=2")
        .await
        .problem(400);
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "path": "limt",
        "message": "unknown query parameter; this path knows `limit`, `nextToken`"
      },
      {
        "path": "limit",
        "message": "given twice"
      }
    ]
    "#);
    let problem = app.get("/ping?a=b").await.problem(400);
    assert_eq!(
        problem["errors"][0]["message"],
        "unknown query parameter; this path knows none"
    );
}

#[tokio::test]
async fn an_event_of_no_known_kind_is_an_invocation_error_that_says_what_was_expected() {
    let app = TestApp::new();
    for event in [json!({}), json!([]), json!({"version": "2.0"}), Value::Null] {
        let error = app.invoke(event).await.unwrap_err();
        assert!(
            error.contains("expected an event of an API Gateway HTTP API"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_http_event_that_can_not_be_read_is_still_answered() {
    let app = TestApp::new();
    for (pointer, value) in [
        ("/headers", json!({"a b": "c"})),
        ("/requestContext/http", json!({})),
        ("/rawPath", json!(7)),
    ] {
        let problem = app
            .request("GET", "/ping")
            .by(Caller::Anonymous)
            .event(pointer, value)
            .send()
            .await
            .problem(400);
        assert_eq!(problem["code"], "MalformedRequest", "{pointer}");
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_that_tells_nothing_of_the_inside() {
    // The SDK panics over a configuration without a clock.
    let app = TestApp::with_broken_sdk(None);
    let problem = app.get("/nonprod/clusters").await.problem(500);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 500,
      "detail": "the request could not be completed; its id finds the cause in the log",
      "code": "InternalError",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.get("/ping").await.status,
        200,
        "the next request finds the function whole"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_aws_is_answered_for_before_lambda_gives_up() {
    let mut app = TestApp::scripted();
    app.set_time_left(Duration::from_secs(3));
    app.aws()
        .on("ecs:DescribeClusters")
        .meets(Fault::delay(Duration::from_secs(10)));
    let started = Instant::now();
    let answer = app.get("/nonprod/clusters/a").await;
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    insta::assert_json_snapshot!(answer.problem(504), @r#"
    {
      "status": 504,
      "detail": "the time that a request may take is over",
      "code": "DeadlineExceeded",
      "retryable": true
    }
    "#);
}
