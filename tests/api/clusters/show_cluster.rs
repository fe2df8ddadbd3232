use serde_json::json;

use crate::support::TestApp;
use crate::support::promised::{CLUSTER, project};

#[tokio::test]
async fn a_cluster_is_shown_by_name_and_by_arn() {
    let app = TestApp::new();
    let arn = app
        .post("/nonprod/clusters", &json!({"name": "myclu"}))
        .await
        .expect(200)["Cluster"]["ClusterArn"]
        .take();
    let by_name = app.get("/nonprod/clusters/myclu").await.expect(200);
    insta::assert_json_snapshot!(project(&by_name, CLUSTER), {".Clusters[].ClusterArn" => "[arn]"}, @r#"
    {
      "Clusters": [
        {
          "ClusterArn": "[arn]",
          "ClusterName": "myclu",
          "Status": "ACTIVE",
          "Tags": [],
          "Settings": [
            {
              "Name": "containerInsights",
              "Value": "disabled"
            }
          ]
        }
      ],
      "Failures": []
    }
    "#);
    let statistics = by_name["Clusters"][0]["Statistics"].as_array().unwrap();
    assert!(!statistics.is_empty());
    let encoded = arn
        .as_str()
        .unwrap()
        .replace(':', "%3A")
        .replace('/', "%2F");
    assert_eq!(
        app.get(&format!("/nonprod/clusters/{encoded}"))
            .await
            .expect(200),
        by_name
    );
    // API Gateway's HTTP APIs hand the path on decoded.
    assert_eq!(
        app.get(&format!("/nonprod/clusters/{}", arn.as_str().unwrap()))
            .await
            .expect(200),
        by_name
    );
}

#[tokio::test]
async fn what_is_shown_may_come_back_as_a_body() {
    let app = TestApp::new();
    let body =
        json!({"name": "first", "settings": [{"name": "containerInsights", "value": "enabled"}]});
    app.post("/nonprod/clusters", &body).await.expect(200);
    let mut shown = app.get("/nonprod/clusters/first").await.expect(200)["Clusters"][0].take();
    shown["ClusterName"] = "second".into();
    let copy = app.post("/nonprod/clusters", &shown).await.expect(200);
    assert_eq!(copy["Cluster"]["Settings"], shown["Settings"]);
}

#[tokio::test]
async fn a_missing_or_deleted_cluster_is_not_found() {
    let app = TestApp::new();
    let problem = app.get("/nonprod/clusters/nowhere").await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no ACTIVE cluster `nowhere`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    app.post("/nonprod/clusters", &json!({"name": "gone"}))
        .await
        .expect(200);
    app.delete("/nonprod/clusters/gone").await.expect(200);
    app.get("/nonprod/clusters/gone").await.problem(404);
}

#[tokio::test]
async fn an_impossible_cluster_is_refused_before_any_call() {
    let app = TestApp::new();
    let elsewhere = "arn%3Aaws%3Aecs%3Aus-east-1%3A999999999999%3Acluster%2Fmyclu";
    for name in ["a%20b", "a%2Fb", "%C3%A9", elsewhere] {
        let problem = app
            .get(&format!("/nonprod/clusters/{name}"))
            .await
            .problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{name}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}
