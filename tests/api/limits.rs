//! Bounds on everything from outside; beyond them nothing is called.

use serde_json::{Value, json};

use crate::support::{Caller, OpenAnswer, Sent, TestApp, Way};

#[tokio::test]
async fn path_query_and_headers_have_a_length() {
    let app = TestApp::new();
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
      "the query has 16394 bytes; at most 16384 are accepted",
      "the headers have 65596 bytes; at most 65536 are accepted"
    ]
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

/// Distinct names for as many headers or query parameters.
fn names(number: usize) -> impl Iterator<Item = &'static str> {
    (0..number).map(|index| &*format!("n{index}").leak())
}

#[tokio::test]
async fn floods_of_names_and_of_empty_pairs_are_refused_by_every_way_in() {
    let app = TestApp::new();
    for way in Way::ALL {
        let path = "/nonprod/clusters";
        let with_query = |number| names(number).fold(Sent::new("GET", path), |s, n| s.query(n, ""));
        let with_headers =
            |number| names(number).fold(Sent::new("GET", path), |s, n| s.header(n, ""));
        for (sent, status, detail) in [
            (with_query(50), 401, "no known caller"),
            (
                with_query(51),
                400,
                "the query has 51 values; at most 50 are accepted",
            ),
            (with_headers(500), 401, "no known caller"),
            (
                with_headers(501),
                400,
                "the headers have 501 values; at most 500 are accepted",
            ),
            // More than a map of headers holds.
            (with_headers(40_000), 400, "the headers have "),
        ] {
            let answer = OpenAnswer::of(way, &app.invoke(sent.by(way)).await.unwrap());
            assert_eq!(answer.status, status, "{way:?}: {}", answer.body);
            let given = answer.body["detail"].as_str().unwrap();
            assert!(given.starts_with(detail), "{way:?}: {given}");
        }
    }
}

/// 800 KB of a direct invocation took 500 MB, and were answered with 34 MB.
#[tokio::test]
async fn what_is_answered_does_not_grow_with_a_flood() {
    let app = TestApp::new();
    let headers = json!({"x-auth-token": Caller::Writer.token()});
    let direct = |path: &str, query: Value| json!({"method": "GET", "path": path, "query": query, "headers": headers});
    let path = "/v1/ecs/nonprod/clusters";
    let v1 = Sent::new("GET", "/nonprod/clusters").by(Way::RestApi);
    let with = |pointer: &str, value: Value| {
        let mut event = v1.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let lists: serde_json::Map<_, _> = names(20_000).map(|n| (n.to_owned(), json!(""))).collect();
    for event in [
        direct(&format!("{path}?{}", "=&".repeat(400_000)), Value::Null),
        direct(&format!("{path}?{}", "=&".repeat(5_000)), Value::Null),
        direct(path, json!({"": vec![""; 200_000]})),
        direct(path, lists.clone().into()),
        direct(&"/".repeat(800_000), Value::Null),
        with("/pathParameters", lists.clone().into()),
        with("/requestContext/authorizer", json!({"claims": lists})),
        with("/stageVariables", json!({"a": "x".repeat(800_000)})),
        with("/resource", "x".repeat(800_000).into()),
    ] {
        let answer = app.invoke(event).await.unwrap();
        let status = answer.get("statusCode").or(answer.get("status"));
        assert_eq!(status, Some(&json!(400)), "{answer}");
        let length = answer.to_string().len();
        assert!(length < 1_000, "{length}");
    }
    let query = "a=&".repeat(50);
    let answer = app
        .get(&format!(
            "/nonprod/clusters?{}",
            query.trim_end_matches('&')
        ))
        .await;
    let errors = answer.problem(400)["errors"].take();
    assert_eq!(errors.as_array().map(Vec::len), Some(50));
    let long: serde_json::Map<_, _> = names(200).map(|n| (n.repeat(200), json!(1))).collect();
    let answer = app.post("/nonprod/clusters", &long.into()).await;
    let errors = answer.problem(400)["errors"].take();
    assert_eq!(
        errors.as_array().unwrap().last().unwrap()["message"],
        "and more problems, once these are mended"
    );
    assert!(answer.text().len() < 20_000, "{}", answer.text().len());
}

#[tokio::test]
async fn nesting_lists_and_maps_have_a_length() {
    let app = TestApp::new();
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
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn an_identifier_that_can_not_be_one_is_refused_before_any_call() {
    let app = TestApp::new();
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
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn this_apis_own_tags_are_dropped_from_every_body_and_others_stay() {
    let app = TestApp::new();
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
            json!({"serviceName": "a", "taskDefinition": "web:1", "desiredCount": 0}),
        ),
        (
            "/nonprod/clusters/myclu/tasks",
            "ecs:RunTask",
            json!({"taskDefinition": "web:1"}),
        ),
        (
            "/nonprod/taskdefs",
            "ecs:RegisterTaskDefinition",
            json!({"family": "f", "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "a", "image": "b"}]}),
        ),
        (
            "/nonprod/servicediscovery/services",
            "servicediscovery:CreateService",
            json!({"name": "r", "namespaceId": namespace}),
        ),
    ] {
        body["tags"] = tags.clone();
        app.post(path, &body).await.expect(200);
        let sent = app.aws().sent(operation).remove(0);
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
