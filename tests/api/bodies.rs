//! A body is read whatever wrote it, and refused in words where it can't be.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// Sends bytes as the body of a `POST` that creates a cluster.
async fn post(app: &TestApp, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    let request = app.request("POST", "/nonprod/clusters").base64(body);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.send().await
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_json() {
    let app = TestApp::new();
    let marked = "\u{feff}{\"clusterName\": \"marked\"}";
    let made = post(&app, marked.as_bytes(), &[]).await.expect(200);
    assert_eq!(made["Cluster"]["ClusterName"], "marked");
    let request = app.request("POST", "/nonprod/clusters").text(marked);
    request.send().await.expect(200);
}

#[tokio::test]
async fn a_body_may_be_packed_by_gzip() {
    let app = TestApp::new();
    for (name, encoding) in [("a", "gzip"), ("b", "X-GZIP"), ("c", "identity, gzip")] {
        let packed = gzip(json!({"clusterName": name}).to_string().as_bytes());
        let made = post(&app, &packed, &[("content-encoding", encoding)]).await;
        assert_eq!(made.expect(200)["Cluster"]["ClusterName"], name);
    }
    let plain = br#"{"clusterName": "d"}"#;
    let made = post(&app, plain, &[("content-encoding", "identity")]).await;
    assert_eq!(made.expect(200)["Cluster"]["ClusterName"], "d");
}

#[tokio::test]
async fn what_a_body_is_packed_by_otherwise_is_named_and_what_is_accepted() {
    let app = TestApp::new();
    let packed = gzip(br#"{"clusterName": "a"}"#);
    for encoding in ["br", "zstd", "gzip, gzip", "deflate"] {
        let answer = post(&app, &packed, &[("content-encoding", encoding)]).await;
        assert_eq!(answer.header("accept-encoding"), Some("gzip"));
        let problem = answer.problem(415);
        let detail = format!(
            "the content encoding `{encoding}` is not accepted: send `gzip`, or a plain body"
        );
        assert_eq!(
            (&problem["detail"], &problem["code"]),
            (&json!(detail), &json!("UnsupportedContentEncoding"))
        );
    }
    let problem = post(&app, b"{}", &[("content-encoding", "gzip")])
        .await
        .problem(400);
    assert_eq!(problem["code"], "MalformedGzip");
    let cut = &packed[..packed.len() - 9];
    let problem = post(&app, cut, &[("content-encoding", "gzip")])
        .await
        .problem(400);
    assert_eq!(problem["code"], "MalformedGzip");
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_packed_body_is_unpacked_to_a_mebibyte_and_no_further() {
    let app = TestApp::new();
    // As much as is accepted: white space around the object.
    let mut longest = br#"{"clusterName": "a"}"#.to_vec();
    longest.resize(1 << 20, b' ');
    let answer = post(&app, &gzip(&longest), &[("content-encoding", "gzip")]).await;
    answer.expect(200);
    longest.push(b' ');
    // 64 MiB in 64 KiB.
    let bomb = gzip(&vec![b' '; 1 << 26]);
    for packed in [gzip(&longest), bomb] {
        let problem = post(&app, &packed, &[("content-encoding", "gzip")])
            .await
            .problem(413);
        assert_eq!(
            (&problem["code"], &problem["detail"]),
            (
                &json!("BodyTooLarge"),
                &json!(
                    "the body is longer than the 1048576 bytes that are accepted, once unpacked"
                )
            )
        );
    }
}

#[tokio::test]
async fn another_character_encoding_is_named() {
    let app = TestApp::new();
    let json = "{\"clusterName\": \"caf\u{e9}\"}";
    let wide: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1 = b"{\"clusterName\": \"caf\xe9\"}";
    let mut details = Vec::new();
    for (body, content_type) in [
        (json.as_bytes(), "application/json; charset=ISO-8859-1"),
        (
            json.as_bytes(),
            "text/plain; boundary=x; Charset=\"utf-16le\"",
        ),
        (&wide, "application/json"),
        (latin1, "application/json"),
        (latin1, "application/json; charset=utf-8"),
    ] {
        let problem = post(&app, body, &[("content-type", content_type)])
            .await
            .problem(400);
        assert_eq!(problem["code"], "UnsupportedCharset");
        details.push(problem["detail"].clone());
    }
    insta::assert_json_snapshot!(details, @r#"
    [
      "the body's character encoding is `ISO-8859-1`; send UTF-8",
      "the body's character encoding is `utf-16le`; send UTF-8",
      "the body's character encoding is `UTF-16`; send UTF-8",
      "the body is not UTF-8 from byte 20 on; send UTF-8",
      "the body is not UTF-8 from byte 20 on; send UTF-8"
    ]
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn any_content_type_in_utf8_is_json() {
    let app = TestApp::new();
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/json; charset=UTF-8",
        "text/plain; charset=us-ascii",
        "application/json; charset=\"utf8\"",
        "",
    ] {
        let body = json!({"clusterName": "a"}).to_string();
        let answer = post(&app, body.as_bytes(), &[("content-type", content_type)]).await;
        assert_eq!(
            answer.expect(200)["Cluster"]["ClusterName"],
            Value::from("a")
        );
    }
}
