use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_name_is_enough() {
    let app = TestApp::new();
    let answer = app
        .post("/nonprod/clusters", &json!({"name": "myCluster"}))
        .await
        .expect(200);
    insta::assert_json_snapshot!(answer, {".Cluster.ClusterArn" => "[arn]"}, @r#"
    {
      "Cluster": {
        "ClusterArn": "[arn]",
        "ClusterName": "myCluster",
        "Status": "ACTIVE",
        "RegisteredContainerInstancesCount": 0,
        "RunningTasksCount": 0,
        "PendingTasksCount": 0,
        "ActiveServicesCount": 0,
        "Statistics": [],
        "Tags": [],
        "Settings": [
          {
            "Name": "containerInsights",
            "Value": "disabled"
          }
        ],
        "CapacityProviders": [],
        "DefaultCapacityProviderStrategy": []
      }
    }
    "#);
    assert_eq!(
        answer["Cluster"]["ClusterArn"],
        app.account().inventory().await[0]
    );
}

#[tokio::test]
async fn every_member_that_aws_knows_is_passed_on() {
    let app = TestApp::new();
    let body = json!({
        "ClusterName": "full",
        "tags": [{"key": "team", "value": "A"}],
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "capacityproviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    });
    app.post("/nonprod/clusters", &body).await.expect(200);
    let shown = app.get("/nonprod/clusters/full").await.expect(200)["Clusters"][0].take();
    assert_eq!(shown["Tags"], json!([{"Key": "team", "Value": "A"}]));
    assert_eq!(
        shown["CapacityProviders"],
        json!(["FARGATE", "FARGATE_SPOT"])
    );
    assert_eq!(
        shown["DefaultCapacityProviderStrategy"][0]["CapacityProvider"],
        "FARGATE_SPOT"
    );
}

#[tokio::test]
async fn without_a_name_nothing_is_created() {
    let app = TestApp::new();
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"clusterName": null}),
        json!({"name": "a b"}),
    ] {
        let problem = app.post("/nonprod/clusters", &body).await.problem(400);
        let expected = json!([{"path": "clusterName", "message": "required: the name of the cluster to create, 1 to 255 letters, digits, `-` and `_`"}]);
        assert_eq!(problem["errors"], expected, "{body}");
    }
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn an_unknown_member_is_refused_unless_the_caller_is_lenient() {
    let app = TestApp::new();
    let body = json!({"clusterNam": "a", "name": "b"});
    let problem = app.post("/nonprod/clusters", &body).await.problem(400);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 400,
      "detail": "clusterNam: unknown member; did you mean `clusterName`?",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "clusterNam",
          "message": "unknown member; did you mean `clusterName`?"
        }
      ]
    }
    "#);
    assert_eq!(app.account().inventory().await, [""; 0]);
    let lenient = app
        .request("POST", "/nonprod/clusters")
        .header("prefer", "handling=lenient")
        .json(&body)
        .send()
        .await;
    assert_eq!(lenient.expect(200)["Cluster"]["ClusterName"], "b");
    assert_eq!(
        lenient.header("preference-applied"),
        Some("handling=lenient")
    );
    assert_eq!(lenient.header("x-ignored-members"), Some("clusterNam"));
}

#[tokio::test]
async fn a_refusal_of_aws_keeps_awss_code_message_and_request_id() {
    let app = TestApp::new();
    let message = "User: arn:aws:sts::1:assumed-role/ecs-api/ecs-api is not authorized to perform: ecs:CreateCluster";
    app.aws()
        .on("ecs:CreateCluster")
        .meets(Fault::refuse("AccessDeniedException", message));
    let answer = app.post("/nonprod/clusters", &json!({"name": "a"})).await;
    let problem = answer.problem(403);
    let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
    assert_eq!(problem["code"], "AccessDeniedException");
    assert_eq!(
        problem["detail"],
        format!("the role `{role}` may not do `ecs:CreateCluster`: {message}")
    );
    assert!(
        answer.json()["awsRequestId"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{}",
        answer.text()
    );
}
