//! The way back: envelopes, compression, links and lengths, as each sender takes them.

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{send, writer};
use crate::support::{OpenAnswer, Sent, TestApp, Way};

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
    app.make_a_long_list_of_clusters().await;
    let sent = Sent::new("GET", "/nonprod/clusters")
        .token(writer())
        .header("accept-encoding", "gzip");
    for way in Way::ALL {
        let answer = app.invoke(sent.by(way)).await.unwrap();
        let is_compressed = OpenAnswer::of(way, &answer)
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
            let opened = OpenAnswer::of(way, &answer);
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
    let app = TestApp::new();
    let arn = |index: usize| {
        format!("arn:aws:ecs:us-east-1:111122223333:cluster/a-cluster-with-a-long-name-{index:05}")
    };
    let arns: Vec<_> = (0..14_000).map(arn).collect();
    app.aws()
        .on("ecs:ListClusters")
        .meets(Fault::answer(&json!({"clusterArns": arns})));
    let sent = Sent::new("GET", "/nonprod/clusters").token(writer());
    for way in Way::ALL {
        let answer = app.invoke(sent.by(way)).await.unwrap();
        let is_cut = matches!(way, Way::LoadBalancer | Way::LoadBalancerMulti);
        assert_eq!(answer.to_string().len() < 1_000_000, is_cut, "{way:?}");
        let opened = OpenAnswer::of(way, &answer);
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
