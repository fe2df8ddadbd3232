//! Bounds on everything from outside; beyond them nothing is called.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn path_query_and_headers_have_a_length() {
    let mut app = TestApp::with_faults();
    let path = format!("/nonprod/clusters/{}", "x".repeat(4096));
    let query = format!("/nonprod/clusters?nextToken={}", "x".repeat(16_384));
    let mut details = Vec::new();
    for request in [
        app.request("GET", &path),
        app.request("GET", &query),
        app.request("GET", "/nonprod/clusters")
            .header("x-long", &"x".repeat(65_536)),
    ] {
        let problem = request.send().await.problem(400);
        assert_eq!(problem["code"], "MalformedRequest");
        details.push(problem["detail"].as_str().unwrap().to_owned());
    }
    insta::assert_json_snapshot!(details, @r#"
    [
      "the path has 4121 bytes; at most 4096 are accepted",
      "the query has 16393 bytes; at most 16384 are accepted",
      "the headers have 65561 bytes; at most 65536 are accepted"
    ]
    "#);
    assert_eq!(app.faults().calls(), [""; 0]);
}

#[tokio::test]
async fn nesting_lists_and_maps_have_a_length() {
    let mut app = TestApp::with_faults();
    let deep = format!("{{\"name\": {}", "[".repeat(100_000));
    let problem = app
        .request("POST", "/nonprod/clusters")
        .text(&deep)
        .send()
        .await
        .problem(400);
    assert_eq!(
        problem["detail"],
        "the body is not valid JSON: nested deeper than 127 levels at line 1 column 136"
    );
    let labels: serde_json::Map<_, _> = (0..5_001)
        .map(|index| (index.to_string(), json!("x")))
        .collect();
    let body = json!({"family": "web", "containerDefinitions": [
        {"command": vec![""; 5_001], "entryPoint": vec![""; 5_000], "dockerLabels": labels},
    ]});
    insta::assert_json_snapshot!(app.post("/nonprod/taskdefs", &body).await.problem(400)["errors"], @r#"
    [
      {
        "path": "containerDefinitions[0].command",
        "message": "expected at most 5000 elements, got 5001"
      },
      {
        "path": "containerDefinitions[0].dockerLabels",
        "message": "expected at most 5000 elements, got 5001"
      }
    ]
    "#);
    let registry = json!({"registryArn": "arn:aws:servicediscovery:us-east-1:1:service/srv-1"});
    let body = json!({"service": {"serviceName": "a", "cluster": "b", "taskDefinition": "c",
        "serviceRegistries": vec![registry; 6]}});
    let errors = app.post("/nonprod/services", &body).await.problem(400)["errors"].take();
    assert_eq!(
        errors,
        json!([{"path": "service.serviceRegistries", "message": "expected at most 5 registries"}])
    );
    assert_eq!(app.faults().calls(), [""; 0]);
}

#[tokio::test]
async fn an_identifier_that_can_not_be_one_is_refused_before_any_call() {
    let mut app = TestApp::with_faults();
    let long = "x".repeat(256);
    for name in [
        "a b",
        "a%2Fb",
        "ä",
        "a%00",
        "a%0Ab",
        "..",
        "arn:aws:ecs:us-east-1:1:cluster",
        long.as_str(),
    ] {
        for path in [
            format!("/nonprod/clusters/{name}"),
            format!("/nonprod/clusters/{name}/tasks"),
            format!("/nonprod/clusters/c/services/{name}"),
            format!("/nonprod/clusters/c/tasks/{name}?reason=x"),
            format!("/nonprod/taskdefs/{name}"),
            format!("/nonprod/servicediscovery/services/{name}"),
        ] {
            let method = if path.contains("reason") {
                "DELETE"
            } else {
                "GET"
            };
            let answer = app.request(method, &path).send().await;
            // `arn:…:1:cluster` takes what follows it for its own, and leads nowhere.
            assert!(
                matches!(answer.status, 400 | 404),
                "{path}: {}",
                answer.text()
            );
        }
    }
    for (part, member, path) in [
        ("service", "taskDefinition", "service.taskDefinition"),
        ("service", "cluster", "service.cluster"),
        ("service", "serviceName", "service.serviceName"),
        ("taskDefinition", "family", "taskDefinition.family"),
        ("cluster", "clusterName", "cluster.clusterName"),
        (
            "serviceRegistry",
            "namespaceId",
            "serviceRegistry.NamespaceId",
        ),
    ] {
        let mut body = json!({"service": {"serviceName": "a"}, "cluster": {"clusterName": "a"},
            "taskDefinition": {"family": "a", "containerDefinitions": []}, "serviceRegistry": {"name": "a", "namespaceId": "ns-1"}});
        body[part][member] = "a b\n".into();
        let problem = app.post("/nonprod/services", &body).await.problem(400);
        assert_eq!(
            (&problem["errors"][0]["path"], &problem["errors"][1]),
            (&json!(path), &Value::Null),
            "{problem}"
        );
    }
    assert_eq!(app.faults().calls(), [""; 0]);
}

#[tokio::test]
async fn this_apis_own_tags_are_dropped_from_every_body_and_others_stay() {
    let mut app = TestApp::with_faults();
    app.account().furnish().await;
    let namespace = app.account().namespace().await;
    let tags =
        json!([{"key": "team", "value": "a"}, {"Key": "ecs-api:idempotency-key", "Value": "x/y"}]);
    for (path, operation, mut body) in [
        (
            "/nonprod/clusters",
            "ecs:CreateCluster",
            json!({"name": "tagged"}),
        ),
        (
            "/nonprod/clusters/myclu/services",
            "ecs:CreateService",
            json!({"serviceName": "a", "taskDefinition": "web:1"}),
        ),
        (
            "/nonprod/clusters/myclu/tasks",
            "ecs:RunTask",
            json!({"taskDefinition": "web:1"}),
        ),
        (
            "/nonprod/taskdefs",
            "ecs:RegisterTaskDefinition",
            json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "b"}]}),
        ),
        (
            "/nonprod/servicediscovery/services",
            "servicediscovery:CreateService",
            json!({"name": "r", "namespaceId": namespace}),
        ),
    ] {
        body["tags"] = tags.clone();
        app.post(path, &body).await.expect(200);
        let sent = app.faults().sent(operation).remove(0);
        let sent = if sent["tags"].is_null() {
            &sent["Tags"]
        } else {
            &sent["tags"]
        };
        let keys: Vec<_> = sent
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["key"].as_str().or(tag["Key"].as_str()))
            .collect();
        assert_eq!(keys, [Some("team")], "{operation}");
    }
}
