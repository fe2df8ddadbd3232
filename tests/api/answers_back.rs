//! An answer of the API, or of AWS, may be sent back as it is.

use serde_json::{Value, json};

use crate::support::TestApp;

/// Tags of which only `team` may be set by a caller.
fn tags() -> Value {
    json!([
        {"key": "aws:cloudformation:stack-name", "value": "infrastructure"},
        {"key": "team", "value": "payments"},
        {"Key": "ecs-api:request-id", "Value": "another-request/1"},
    ])
}

/// The tags that AWS was sent, as `key=value`.
fn sent_tags(app: &TestApp, operation: &str) -> Vec<String> {
    let sent = app.aws().sent(operation).pop().expect("AWS was asked");
    let tags = sent["tags"].as_array().or(sent["Tags"].as_array());
    let text = |tag: &Value, name: &str, other: &str| {
        let value = tag[name].as_str().or(tag[other].as_str());
        value.expect("a tag is whole").to_owned()
    };
    let tags = tags.into_iter().flatten();
    tags.map(|tag| {
        format!(
            "{}={}",
            text(tag, "key", "Key"),
            text(tag, "value", "Value")
        )
    })
    .collect()
}

#[tokio::test]
async fn a_task_definition_that_was_shown_is_registered_with_its_tags() {
    let app = TestApp::new();
    let body = json!({
        "family": "web", "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "web", "image": "nginx"}],
        "tags": [{"key": "team", "value": "payments"}],
    });
    app.post("/nonprod/taskdefs", &body).await.expect(200);
    let shown = app.get("/nonprod/taskdefs/web:1").await.expect(200);
    let again = app.post("/nonprod/taskdefs", &shown).await.expect(200);
    assert_eq!(again["TaskDefinition"]["Revision"], 2);
    assert_eq!(
        sent_tags(&app, "ecs:RegisterTaskDefinition"),
        ["team=payments"]
    );
}

#[tokio::test]
async fn answers_of_the_command_line_are_taken_and_reserved_tags_left_out() {
    let app = TestApp::new();
    app.account().furnish().await;
    let namespace = app.account().namespace().await;
    for (path, operation, body) in [
        (
            "/nonprod/clusters",
            "ecs:CreateCluster",
            json!({"clusters": [{"clusterName": "a", "status": "ACTIVE", "tags": tags()}], "failures": []}),
        ),
        (
            "/nonprod/taskdefs",
            "ecs:RegisterTaskDefinition",
            json!({"taskDefinition": {"family": "f", "revision": 7, "cpu": "256", "memory": "512",
                "containerDefinitions": [{"name": "a", "image": "b"}]}, "tags": tags()}),
        ),
        (
            "/nonprod/clusters/myclu/services",
            "ecs:CreateService",
            json!({"service": {"serviceName": "a", "taskDefinition": "web:1", "desiredCount": 1, "events": [], "tags": tags()}}),
        ),
        (
            "/nonprod/servicediscovery/services",
            "servicediscovery:CreateService",
            json!({"Service": {"Name": "r", "NamespaceId": namespace, "Id": "srv-1"}, "Tags": tags()}),
        ),
    ] {
        app.post(path, &body).await.expect(200);
        assert_eq!(sent_tags(&app, operation), ["team=payments"], "{operation}");
    }
}

#[tokio::test]
async fn a_service_that_was_shown_is_created_again_or_changed() {
    let app = TestApp::new();
    app.account().furnish().await;
    let body = json!({"serviceName": "webapp", "taskDefinition": "web:1", "desiredCount": 1});
    app.post("/nonprod/clusters/myclu/services", &body)
        .await
        .expect(200);
    let path = "/nonprod/clusters/myclu/services/webapp";
    let plain = app.get(path).await.expect(200);
    let flat = app.get(&format!("{path}?all=true")).await.expect(200);
    let expected = plain["Services"][0]["TaskDefinition"].clone();
    for shown in [&plain, &flat, &plain["Services"][0]] {
        app.request("PATCH", path)
            .json(shown)
            .send()
            .await
            .expect(200);
        let sent = app
            .aws()
            .sent("ecs:UpdateService")
            .pop()
            .expect("AWS was asked");
        assert_eq!(sent["taskDefinition"], expected);
        assert_eq!(sent["service"], "webapp");
    }
    let mut other = plain.clone();
    other["Services"][0]["ServiceName"] = "another".into();
    app.post("/nonprod/clusters/myclu/services", &other)
        .await
        .expect(200);
    let sent = app
        .aws()
        .sent("ecs:CreateService")
        .pop()
        .expect("AWS was asked");
    assert_eq!(sent["taskDefinition"], expected);
    let problem = app
        .request("PATCH", path)
        .json(&other)
        .send()
        .await
        .problem(400);
    assert_eq!(
        problem["errors"],
        json!([{"path": "serviceName", "message": "is not the path's service, `webapp`"}])
    );
}

#[tokio::test]
async fn several_are_not_one() {
    let app = TestApp::new();
    let two = json!({"Services": [{"serviceName": "a"}, {"serviceName": "b"}], "Failures": []});
    let expected = json!([{"path": "services", "message": "expected one object, got a list of 2"}]);
    let path = "/nonprod/clusters/c/services";
    let problem = app.post(path, &two).await.problem(400);
    assert_eq!(problem["errors"][0], expected[0]);
    let request = app
        .request("PATCH", "/nonprod/clusters/c/services/a")
        .json(&two);
    assert_eq!(request.send().await.problem(400)["errors"][0], expected[0]);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn the_parts_of_an_orchestrated_create_may_be_answers() {
    let app = TestApp::new();
    let body = json!({
        "cluster": {"Clusters": [{"ClusterName": "shop", "Tags": tags()}], "Failures": []},
        "taskDefinition": {"TaskDefinition": {"Family": "cart", "Revision": 3, "Cpu": "256", "Memory": "512",
            "ContainerDefinitions": [{"Name": "web", "Image": "nginx"}]}, "Tags": []},
        "service": {"Services": [{"ServiceName": "cart", "DesiredCount": 1, "Status": "INACTIVE", "Events": []}]},
    });
    let made = app.post("/nonprod/services", &body).await.expect(200);
    assert_eq!(made["Service"]["ServiceName"], "cart");
    let tags = sent_tags(&app, "ecs:CreateCluster");
    assert_eq!(tags[0], "team=payments");
    assert!(
        !tags
            .iter()
            .any(|tag| tag.contains("another-request") || tag.starts_with("aws:")),
        "{tags:?}"
    );
}
