use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn every_cluster_is_listed_however_many_pages_aws_needs() {
    let app = TestApp::new();
    let ecs = app.account().ecs();
    for index in 0..250 {
        ecs.create_cluster()
            .cluster_name(format!("c{index:03}"))
            .send()
            .await
            .unwrap();
    }
    let list = app.get("/nonprod/clusters").await;
    let arns = list.expect(200);
    assert_eq!(arns.as_array().unwrap().len(), 250);
    let expected = (0..250).map(|index| {
        format!(
            "arn:aws:ecs:us-east-1:{}:cluster/c{index:03}",
            app.account().id
        )
    });
    assert_eq!(arns, json!(expected.collect::<Vec<_>>()));
    assert_eq!(list.header("link"), None);
    let calls = app.aws().operations();
    assert_eq!(
        calls,
        [
            "sts:AssumeRole",
            "ecs:ListClusters",
            "ecs:ListClusters",
            "ecs:ListClusters"
        ]
    );
}

#[tokio::test]
async fn a_limit_gives_pages_that_link_to_the_next() {
    let app = TestApp::new();
    for name in ["a", "b", "c", "d", "e"] {
        app.post("/nonprod/clusters", &json!({"name": name}))
            .await
            .expect(200);
    }
    let pages = app.pages("/nonprod/clusters?limit=2").await;
    let pages: Vec<_> = pages
        .iter()
        .map(|page| page.as_array().unwrap().clone())
        .collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(
        json!(pages.concat()),
        app.get("/nonprod/clusters").await.expect(200)
    );
}

#[tokio::test]
async fn a_link_keeps_the_stage() {
    let app = TestApp::new();
    for name in ["a", "b"] {
        app.post("/nonprod/clusters", &json!({"name": name}))
            .await
            .expect(200);
    }
    let request = app
        .request("GET", "/nonprod/clusters?limit=1")
        .event("/requestContext/stage", json!("prod"));
    let page = request
        .event("/rawPath", json!("/prod/v1/ecs/nonprod/clusters"))
        .send()
        .await;
    let link = page.header("link").unwrap();
    assert!(
        link.starts_with("</prod/v1/ecs/nonprod/clusters?limit=1&nextToken="),
        "{link}"
    );
}

#[tokio::test]
async fn a_bad_limit_is_refused() {
    for limit in ["0", "1001", "-1", "x", "", "1.5"] {
        let problem = TestApp::new()
            .get(&format!("/nonprod/clusters?limit={limit}"))
            .await
            .problem(400);
        let expected =
            json!([{"path": "limit", "message": "expected a whole number from 1 to 1000"}]);
        assert_eq!(problem["errors"], expected, "{limit}");
    }
}

#[tokio::test]
async fn throttling_beyond_the_retries_asks_for_patience() {
    let app = TestApp::new();
    app.aws()
        .on("ecs:ListClusters")
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
    let answer = app.get("/nonprod/clusters").await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    let calls = app.aws().operations();
    assert_eq!(
        calls,
        [
            "sts:AssumeRole",
            "ecs:ListClusters",
            "ecs:ListClusters",
            "ecs:ListClusters"
        ]
    );
    insta::assert_json_snapshot!(answer.problem(429), @r#"
    {
      "status": 429,
      "detail": "`ecs:ListClusters` was refused: Rate exceeded",
      "code": "ThrottlingException",
      "retryable": true
    }
    "#);
}
