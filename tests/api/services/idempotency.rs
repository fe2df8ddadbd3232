//! The same request, however often it is sent: `Idempotency-Key`.

use std::time::Duration;

use serde_json::{Value, json};

use super::documented;
use crate::support::{Answer, Caller, TestAccount, TestApp};

async fn create(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.request("POST", "/nonprod/services").header("idempotency-key", key).json(body).send().await
}

/// A body that creates all four in a namespace of the app's account.
async fn all_new(app: &TestApp) -> Value {
    documented(&app.account().namespace().await)
}

/// The ARNs of the four parts of an answer.
fn arns(answer: &Value) -> Vec<String> {
    let parts = [
        "/Cluster/ClusterArn",
        "/TaskDefinition/TaskDefinitionArn",
        "/ServiceDiscoveryService/Arn",
        "/Service/ServiceArn",
    ];
    let mut arns: Vec<_> =
        parts.iter().map(|part| answer.pointer(part).unwrap().as_str().unwrap().to_owned()).collect();
    arns.sort();
    arns
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_result_once() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, "deploy-42", &body).await.expect(200);
    let before = app.account().inventory().await;
    assert_eq!(before, arns(&first));
    app.faults().forget_calls();
    for _ in 0..2 {
        assert_eq!(arns(&create(&app, "deploy-42", &body).await.expect(200)), before);
    }
    let reordered: Value = serde_json::from_str(&body.to_string()).unwrap();
    let reordered: serde_json::Map<_, _> = reordered.as_object().unwrap().clone().into_iter().rev().collect();
    assert_eq!(arns(&create(&app, "deploy-42", &Value::Object(reordered)).await.expect(200)), before);
    assert_eq!(app.account().inventory().await, before);
    let calls = app.faults().calls();
    let changes: Vec<_> = calls.iter().filter(|call| call.contains("Create") || call.contains("Register")).collect();
    assert_eq!(changes, [""; 0], "a repetition changes nothing");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict_whatever_it_has_in_common() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    create(&app, "deploy-42", &body).await.expect(200);
    let before = app.account().inventory().await;
    for (pointer, value) in [
        ("/service/desiredcount", json!(2)),
        // The cluster, the family and the registry are still those of the first body.
        ("/service/servicename", json!("another")),
    ] {
        let mut other = body.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let problem = create(&app, "deploy-42", &other).await.problem(409);
        assert_eq!((&problem["code"], &problem["retryable"]), (&json!("IdempotencyKeyReused"), &json!(false)));
    }
    for (kept, what) in [
        ("cluster", "the cluster `myclu`"),
        ("taskdefinition", "a revision of `mytaskdef`"),
        ("serviceregistry", "the registry `www`"),
    ] {
        let mut other = body.clone();
        other["service"]["servicename"] = "another".into();
        for (part, name) in [("cluster", "clustername"), ("taskdefinition", "family"), ("serviceregistry", "name")] {
            if part != kept {
                other[part][name] = "another".into();
            }
        }
        let problem = create(&app, "deploy-42", &other).await.problem(409);
        let detail = format!("{what} was created with this `Idempotency-Key` and another body");
        assert_eq!((&problem["code"], &problem["detail"]), (&json!("IdempotencyKeyReused"), &json!(detail)));
    }
    assert_eq!(app.account().inventory().await, before);
}

#[tokio::test]
async fn another_key_another_caller_and_no_key_are_other_requests() {
    let grants = json!([{"accounts": ["*"], "access": "write"}]);
    let token = |token: &str| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(token));
    let app = TestApp::with_settings(&json!({"callers": [
        {"name": "one", "tokenSha256": token("a-writers-token"), "grants": grants},
        {"name": "two", "tokenSha256": token("another-token"), "grants": grants},
    ]}));
    let body = all_new(&app).await;
    create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(create(&app, "deploy-43", &body).await.problem(409)["code"], "AlreadyExists");
    assert_eq!(app.post("/nonprod/services", &body).await.problem(409)["code"], "AlreadyExists");
    let other = app.request("POST", "/nonprod/services").by(Caller::Anonymous).header("x-auth-token", "another-token");
    let answer = other.header("idempotency-key", "deploy-42").json(&body).send().await;
    assert_eq!(answer.problem(409)["code"], "AlreadyExists");
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_nothing_is_called() {
    let mut app = TestApp::with_faults();
    let body = documented("ns-1");
    for key in ["", &"x".repeat(65), "schlüssel", "a\tb"] {
        let problem = create(&app, key, &body).await.problem(400);
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(problem["errors"], @r#"
            [
              {
                "path": "Idempotency-Key",
                "message": "expected one key of 1 to 64 printable ASCII characters"
              }
            ]
            "#);
        }
    }
    assert_eq!(app.faults().calls(), [""; 0]);
    create(&app, &"~ ".repeat(32).trim_end().replace(' ', "!"), &all_new(&app).await).await.expect(200);
}

#[tokio::test]
async fn a_repetition_after_a_delete_is_a_new_creation() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, "deploy-42", &body).await.expect(200);
    app.delete("/nonprod/services?cluster=myclu&service=webapp").await.expect(200);
    let second = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(second["Service"]["Status"], "ACTIVE");
    let deployment = |answer: &Value| answer["Service"]["Deployments"][0]["Id"].as_str().unwrap().to_owned();
    assert_ne!(deployment(&second), deployment(&first));
    app.delete("/nonprod/services?cluster=myclu&service=webapp&recursive=true").await.expect(200);
    let third = create(&app, "deploy-42", &body).await.expect(200);
    assert_ne!(third["ServiceDiscoveryService"]["Arn"], first["ServiceDiscoveryService"]["Arn"]);
    let tokens: Vec<_> =
        app.faults().sent("ecs:CreateService").iter().map(|sent| sent["clientToken"].clone()).collect();
    assert_ne!(tokens[0], tokens[1], "AWS must not take the new creation for the old one");
}

#[tokio::test]
async fn two_identical_requests_at_the_same_moment_answer_the_same() {
    for round in 0..5 {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        // Slow enough that both are at the same step.
        app.faults().inject("ecs:CreateService", json!({"latency": 50 * round}));
        let (one, two) = tokio::join!(create(&app, "deploy-42", &body), create(&app, "deploy-42", &body));
        let (one, two) = (one.expect(200), two.expect(200));
        assert_eq!(arns(&one), arns(&two));
        assert_eq!(app.account().inventory().await, arns(&one));
    }
}

#[tokio::test]
async fn two_identical_requests_that_are_refused_leave_nothing() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().refuse("ecs:CreateService", "InvalidParameterException", "no");
    let (one, two) = tokio::join!(create(&app, "deploy-42", &body), create(&app, "deploy-42", &body));
    for answer in [one, two] {
        assert_eq!(answer.problem(400)["LeftBehind"], json!([]));
    }
    assert_eq!(app.account().inventory().await, [""; 0]);
    app.faults().clear();
    create(&app, "deploy-42", &body).await.expect(200);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_again_at_every_step() {
    for operation in
        ["ecs:CreateCluster", "ecs:RegisterTaskDefinition", "servicediscovery:CreateService", "ecs:CreateService"]
    {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answer(operation);
        let answer = create(&app, "deploy-42", &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer), "{operation}");
        let answer = create(&app, "deploy-42", &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer), "{operation}");
    }
}

#[tokio::test]
async fn a_repetition_after_a_timeout_makes_nothing_twice() {
    let mut app = TestApp::with_faults();
    app.set_time_left(Duration::from_secs(10));
    let body = all_new(&app).await;
    // AWS does the work, and does not say so in time.
    app.faults().inject("ecs:CreateService", json!({"times": 1, "response": {"bandwidth_kbps": 0.05}}));
    let first = create(&app, "deploy-42", &body).await;
    let second = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&second), "{}", first.text());
}

#[tokio::test]
async fn a_repetition_finds_what_a_killed_request_left_and_does_not_take_it_back() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    // Killed before its service, seen from AWS: three of the four are there, and nobody undoes them.
    app.faults().inject("ecs:CreateService", json!({"timeout_ms": 4000}));
    let killed = tokio::time::timeout(Duration::from_millis(1500), create(&app, "deploy-42", &body)).await;
    assert!(killed.is_err());
    let left = app.account().inventory().await;
    assert_eq!(left.len(), 3);
    app.faults().clear();
    app.faults().refuse("ecs:CreateService", "InvalidParameterException", "no");
    let problem = create(&app, "deploy-42", &body).await.problem(400);
    let listed: Vec<_> = problem["LeftBehind"].as_array().unwrap().iter().map(|entry| entry["Arn"].clone()).collect();
    assert_eq!((&problem["Created"], listed.len()), (&json!([]), 3), "{problem}");
    let why = "an earlier request with this `Idempotency-Key` made it, and may still be at work";
    assert_eq!(problem["LeftBehind"][0]["Error"], why);
    assert_eq!(app.account().inventory().await, left);
    app.faults().clear();
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&answer));
    assert!(left.iter().all(|arn| arns(&answer).contains(arn)), "{left:?}");
}

#[tokio::test]
async fn a_revision_is_found_again_behind_later_ones_of_others() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().inject("ecs:CreateService", json!({"timeout_ms": 4000}));
    let killed = tokio::time::timeout(Duration::from_millis(1500), create(&app, "deploy-42", &body)).await;
    assert!(killed.is_err());
    app.faults().clear();
    for _ in 0..3 {
        app.post("/nonprod/taskdefs", &body["taskdefinition"]).await.expect(200);
    }
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}

#[tokio::test]
async fn only_a_keyed_request_is_tagged_and_the_callers_own_tags_stay() {
    let mut app = TestApp::with_faults();
    let mut body = all_new(&app).await;
    body["service"]["tags"] = json!([{"key": "team", "value": "a"}]);
    app.post("/nonprod/services", &body).await.expect(200);
    let sent = [app.faults().sent("ecs:CreateCluster"), app.faults().sent("servicediscovery:CreateService")].concat();
    assert!(sent.iter().all(|sent| sent.get("tags").is_none() && sent.get("Tags").is_none()), "{sent:?}");
    assert_eq!(app.faults().sent("ecs:CreateService")[0]["tags"], json!([{"key": "team", "value": "a"}]));

    let mut app = TestApp::build(vec![TestAccount::new("nonprod")], Some(crate::support::Faults::none()), &json!({}));
    let mut body = all_new(&app).await;
    // What was answered may come back, with the tags of another key.
    body["service"]["tags"] =
        json!([{"key": "team", "value": "a"}, {"key": "ecs-api:idempotency-key", "value": "x/y"}]);
    create(&app, "a secret of the caller", &body).await.expect(200);
    let sent = app.faults().sent("ecs:CreateService").remove(0);
    let tags = sent["tags"].as_array().unwrap();
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0], json!({"key": "team", "value": "a"}));
    assert_eq!(tags[1]["key"], "ecs-api:idempotency-key");
    assert!(tags[1]["value"].as_str().unwrap().len() == 65 && !sent.to_string().contains("a secret"));
    assert!(sent["clientToken"].as_str().unwrap().len() <= 36);
    for (operation, tags) in [
        ("ecs:CreateCluster", "tags"),
        ("ecs:RegisterTaskDefinition", "tags"),
        ("servicediscovery:CreateService", "Tags"),
    ] {
        assert_eq!(app.faults().sent(operation)[0][tags].as_array().unwrap().len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn a_cluster_that_another_undo_took_away_is_made_again() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let gone = json!({"times": 1, "error": {"code": "ClusterNotFoundException", "status": 400, "message": "Cluster not found."}});
    app.faults().inject("ecs:CreateService", gone);
    let answer = app.post("/nonprod/services", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&answer));
    let calls = app.faults().calls();
    assert_eq!(calls.iter().filter(|call| *call == "ecs:CreateCluster").count(), 2);
}

#[tokio::test]
async fn there_must_be_room_for_the_tags() {
    let app = TestApp::new();
    let mut body = documented("ns-1");
    let tags: Vec<_> = (0..49).map(|index| json!({"key": format!("tag-{index}"), "value": "x"})).collect();
    body["cluster"]["tags"] = tags.into();
    let errors = create(&app, "deploy-42", &body).await.problem(400)["errors"].take();
    let message = "at most 48 tags are accepted with an `Idempotency-Key`";
    assert_eq!(errors, json!([{"path": "cluster.tags", "message": message}]));
}

#[tokio::test]
async fn without_a_key_no_round_trip_is_added() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.post("/nonprod/services", &body).await.expect(200);
    let mut calls = app.faults().calls();
    calls.sort();
    assert_eq!(
        calls,
        [
            "ecs:CreateCluster",
            "ecs:CreateService",
            "ecs:DescribeClusters",
            "ecs:DescribeServices",
            "ecs:RegisterTaskDefinition",
            "servicediscovery:CreateService",
            "servicediscovery:GetNamespace",
            "servicediscovery:ListServices",
            "sts:AssumeRole",
        ]
    );
}

#[tokio::test]
async fn what_another_run_takes_back_meanwhile_is_no_part_of_a_service() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().inject("ecs:CreateService", json!({"times": 1, "timeout_ms": 4000}));
    let killed = tokio::time::timeout(Duration::from_millis(1500), create(&app, "deploy-42", &body)).await;
    assert!(killed.is_err());
    app.faults().clear();
    app.faults().inject("ecs:CreateService", json!({"times": 1, "latency": 1500}));
    let ecs = app.account().ecs();
    let take_back = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        ecs.deregister_task_definition().task_definition("mytaskdef:1").send().await.unwrap();
    };
    let (answer, ()) = tokio::join!(create(&app, "deploy-42", &body), take_back);
    assert_eq!(answer.header("retry-after"), Some("5"));
    let problem = answer.problem(409);
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("TakenBack"), &json!(true)), "{problem}");
    let services = app.account().inventory().await.into_iter().filter(|arn| arn.contains(":service/myclu/")).count();
    assert_eq!(services, 0);
    let again = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(again["TaskDefinition"]["Revision"], 2);
    assert_eq!(app.account().inventory().await, arns(&again));
}

#[tokio::test]
async fn an_undo_leaves_a_service_alone_that_another_request_made_meanwhile() {
    for key in [Some("deploy-42"), None] {
        let mut app = TestApp::with_faults();
        app.account().furnish().await;
        app.account().service("webapp").send().await.unwrap();
        // The look comes before the other request, and the create after it, which AWS does not answer.
        let unknown = json!({"services": [], "failures": []});
        let mut unseen = crate::clusters::services::instead(&unknown);
        unseen["times"] = json!(1);
        app.faults().inject("ecs:DescribeServices", unseen);
        let oops = json!({"code": "ServerException", "status": 500, "message": "oops"});
        app.faults().inject("ecs:CreateService", json!({"error": oops}));
        if key.is_none() {
            // Without a key nothing but the time tells.
            let theirs = json!({"serviceName": "webapp", "status": "ACTIVE", "createdAt": 1_000_000_000});
            app.faults().answer("ecs:DescribeServices", &json!({"services": [theirs], "failures": []}));
        }
        let body = json!({"service": {"cluster": "myclu", "serviceName": "webapp", "taskDefinition": "web:1"}});
        let request = app.request("POST", "/nonprod/services").json(&body);
        let request = if let Some(key) = key { request.header("idempotency-key", key) } else { request };
        let problem = request.send().await.problem(502);
        assert_eq!((&problem["Created"], &problem["LeftBehind"]), (&json!([]), &json!([])), "{key:?}");
        assert!(!app.faults().calls().contains(&"ecs:DeleteService".to_owned()), "{key:?}");
    }
}
