//! The same request, however often it is sent: `Idempotency-Key`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{arns, create_killed_at, create_with_key as create, documented};
use crate::support::{Caller, TestApp};

/// A body that creates all four in a namespace of the app's account.
async fn all_new(app: &TestApp) -> Value {
    documented(&app.account().namespace().await)
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
        assert_eq!(
            arns(&create(&app, "deploy-42", &body).await.expect(200)),
            before
        );
    }
    let reordered: Value = serde_json::from_str(&body.to_string()).unwrap();
    let reordered: serde_json::Map<_, _> = reordered
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .rev()
        .collect();
    assert_eq!(
        arns(
            &create(&app, "deploy-42", &Value::Object(reordered))
                .await
                .expect(200)
        ),
        before
    );
    assert_eq!(app.account().inventory().await, before);
    let calls = app.faults().calls();
    let changes: Vec<_> = calls
        .iter()
        .filter(|call| call.contains("Create") || call.contains("Register"))
        .collect();
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
        assert_eq!(
            (&problem["code"], &problem["retryable"]),
            (&json!("IdempotencyKeyReused"), &json!(false))
        );
    }
    for (kept, what) in [
        ("cluster", "the cluster `myclu`"),
        ("taskdefinition", "a revision of `mytaskdef`"),
        ("serviceregistry", "the registry `www`"),
    ] {
        let mut other = body.clone();
        other["service"]["servicename"] = "another".into();
        for (part, name) in [
            ("cluster", "clustername"),
            ("taskdefinition", "family"),
            ("serviceregistry", "name"),
        ] {
            if part != kept {
                other[part][name] = "another".into();
            }
        }
        let problem = create(&app, "deploy-42", &other).await.problem(409);
        let detail = format!("{what} was created with this `Idempotency-Key` and another body");
        assert_eq!(
            (&problem["code"], &problem["detail"]),
            (&json!("IdempotencyKeyReused"), &json!(detail))
        );
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
    assert_eq!(
        create(&app, "deploy-43", &body).await.problem(409)["code"],
        "AlreadyExists"
    );
    assert_eq!(
        app.post("/nonprod/services", &body).await.problem(409)["code"],
        "AlreadyExists"
    );
    let other = app
        .request("POST", "/nonprod/services")
        .by(Caller::Anonymous)
        .header("x-auth-token", "another-token");
    let answer = other
        .header("idempotency-key", "deploy-42")
        .json(&body)
        .send()
        .await;
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
    create(
        &app,
        &"~ ".repeat(32).trim_end().replace(' ', "!"),
        &all_new(&app).await,
    )
    .await
    .expect(200);
}

#[tokio::test]
async fn a_repetition_after_a_delete_is_a_new_creation() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, "deploy-42", &body).await.expect(200);
    app.delete("/nonprod/services?cluster=myclu&service=webapp")
        .await
        .expect(200);
    let second = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(second["Service"]["Status"], "ACTIVE");
    let deployment = |answer: &Value| {
        answer["Service"]["Deployments"][0]["Id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_ne!(deployment(&second), deployment(&first));
    app.delete("/nonprod/services?cluster=myclu&service=webapp&recursive=true")
        .await
        .expect(200);
    let third = create(&app, "deploy-42", &body).await.expect(200);
    assert_ne!(
        third["ServiceDiscoveryService"]["Arn"],
        first["ServiceDiscoveryService"]["Arn"]
    );
    let tokens: Vec<_> = app
        .faults()
        .sent("ecs:CreateService")
        .iter()
        .map(|sent| sent["clientToken"].clone())
        .collect();
    assert_ne!(
        tokens[0], tokens[1],
        "AWS must not take the new creation for the old one"
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_again_at_every_step() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answer(operation);
        let answer = create(&app, "deploy-42", &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&answer),
            "{operation}"
        );
        let answer = create(&app, "deploy-42", &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&answer),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_repetition_after_a_timeout_makes_nothing_twice() {
    let mut app = TestApp::with_faults();
    app.set_time_left(Duration::from_secs(10));
    let body = all_new(&app).await;
    // AWS does the work, and does not say so in time.
    app.faults().inject(
        "ecs:CreateService",
        json!({"times": 1, "response": {"bandwidth_kbps": 0.05}}),
    );
    let first = create(&app, "deploy-42", &body).await;
    let second = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(
        app.account().inventory().await,
        arns(&second),
        "{}",
        first.text()
    );
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
async fn a_repetition_finds_what_a_killed_request_left_and_does_not_take_it_back() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    // Three of the four are there, and nobody undoes them.
    create_killed_at(&mut app, "ecs:CreateService", "deploy-42", &body).await;
    let left = app.account().inventory().await;
    assert_eq!(left.len(), 3);
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    let problem = create(&app, "deploy-42", &body).await.problem(400);
    let listed: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["Arn"].clone())
        .collect();
    assert_eq!(
        (&problem["Created"], listed.len()),
        (&json!([]), 3),
        "{problem}"
    );
    let why = "an earlier request with this `Idempotency-Key` made it, and may still be at work";
    assert_eq!(problem["LeftBehind"][0]["Error"], why);
    assert_eq!(app.account().inventory().await, left);
    app.faults().clear();
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&answer));
    assert!(
        left.iter().all(|arn| arns(&answer).contains(arn)),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_revision_is_found_again_behind_later_ones_of_others() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", "deploy-42", &body).await;
    for _ in 0..25 {
        app.post("/nonprod/taskdefs", &body["taskdefinition"])
            .await
            .expect(200);
    }
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}

#[tokio::test]
async fn a_revision_older_than_a_day_is_no_repetitions() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    create_killed_at(&mut app, "ecs:CreateService", "deploy-42", &body).await;
    for _ in 0..25 {
        app.post("/nonprod/taskdefs", &body["taskdefinition"])
            .await
            .expect(200);
    }
    // The latest is of yesterday: nothing behind it is looked at.
    let arn = format!(
        "arn:aws:ecs:us-east-1:{}:task-definition/mytaskdef:26",
        app.account().id
    );
    let old = json!({"taskDefinitionArn": arn, "family": "mytaskdef", "revision": 26, "status": "ACTIVE", "registeredAt": 1_000_000_000});
    let mut old = crate::clusters::services::instead(&json!({"taskDefinition": old, "tags": []}));
    old["times"] = json!(1);
    app.faults().inject("ecs:DescribeTaskDefinition", old);
    app.faults().forget_calls();
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 27);
    let looks = app
        .faults()
        .calls()
        .iter()
        .filter(|call| *call == "ecs:DescribeTaskDefinition")
        .count();
    assert_eq!(looks, 1);
}

#[tokio::test]
async fn a_create_service_that_aws_does_not_answer_keeps_its_parts_for_the_repetition() {
    let mut app = TestApp::with_faults();
    app.set_time_left(Duration::from_secs(12));
    let body = all_new(&app).await;
    app.faults()
        .inject("ecs:CreateService", json!({"timeout_ms": 20_000}));
    let problem = create(&app, "deploy-42", &body).await.problem(504);
    let left = app.account().inventory().await;
    assert_eq!(
        (left.len(), &problem["RolledBack"], &problem["retryable"]),
        (3, &json!([]), &json!(true)),
        "{problem}"
    );
    let why: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["Error"])
        .collect();
    let kept = "AWS never answered whether the service is made; the same request with this `Idempotency-Key` goes on with it";
    assert_eq!(
        why,
        [
            "AWS never answered; it is not there, but may still appear",
            kept,
            kept,
            kept
        ]
    );
    app.faults().clear();
    let answer = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&answer));
    assert!(
        left.iter().all(|arn| arns(&answer).contains(arn)),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_service_that_lost_its_registry_is_made_anew_while_it_is_young_and_answered_as_it_is_later()
 {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let first = create(&app, "deploy-42", &body).await.expect(200);
    let id = first["ServiceDiscoveryService"]["Id"].as_str().unwrap();
    app.delete(&format!("/nonprod/servicediscovery/services/{id}"))
        .await
        .expect(200);
    let described = app
        .account()
        .ecs()
        .describe_services()
        .cluster("myclu")
        .services("webapp");
    let found = described
        .include(aws_sdk_ecs::types::ServiceField::Tags)
        .send()
        .await
        .unwrap();
    let tags: Vec<_> = found.services()[0]
        .tags()
        .iter()
        .map(|tag| json!({"key": tag.key(), "value": tag.value()}))
        .collect();
    // The same service, made long ago.
    let old = json!({"serviceName": "webapp", "serviceArn": first["Service"]["ServiceArn"], "status": "ACTIVE",
        "clusterArn": first["Cluster"]["ClusterArn"], "taskDefinition": first["TaskDefinition"]["TaskDefinitionArn"],
        "serviceRegistries": [{"registryArn": first["ServiceDiscoveryService"]["Arn"]}], "tags": tags,
        "createdAt": 1_000_000_000});
    app.faults().answer(
        "ecs:DescribeServices",
        &json!({"services": [old], "failures": []}),
    );
    let again = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(
        again["Service"]["ServiceArn"],
        first["Service"]["ServiceArn"]
    );
    assert!(again.get("ServiceDiscoveryService").is_none());
    app.faults().clear();
    let problem = create(&app, "deploy-42", &body).await.problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("TakenBack"), &json!(true)),
        "{problem}"
    );
    let again = create(&app, "deploy-42", &body).await.expect(200);
    assert_eq!(app.account().inventory().await, arns(&again));
}

#[tokio::test]
async fn what_a_later_run_made_after_a_delete_is_no_part_of_the_service_that_was_deleted() {
    let mut app = TestApp::with_faults();
    let mut body = all_new(&app).await;
    app.account().furnish().await;
    app.account().service("another").send().await.unwrap();
    body.as_object_mut().unwrap().remove("cluster");
    body["service"]["cluster"] = "myclu".into();
    create(&app, "deploy-42", &body).await.expect(200);
    app.delete("/nonprod/services?cluster=myclu&service=webapp&recursive=true")
        .await
        .expect(200);
    // The local AWS knows whole seconds only.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    create_killed_at(&mut app, "ecs:CreateService", "deploy-42", &body).await;
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    let problem = create(&app, "deploy-42", &body).await.problem(400);
    let left: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["Arn"].to_string())
        .collect();
    assert!(
        left.len() == 1 && left[0].contains(":servicediscovery:"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_is_made_says_which_request_made_it_and_the_callers_own_tags_stay() {
    for key in [None, Some("a secret of the caller")] {
        let mut app = TestApp::with_faults();
        let mut body = all_new(&app).await;
        body["service"]["tags"] = json!([{"key": "team", "value": "a"}]);
        let request = app.request("POST", "/nonprod/services").json(&body);
        let request = if let Some(key) = key {
            request.header("idempotency-key", key)
        } else {
            request
        };
        let answer = request.send().await;
        answer.expect(200);
        let id = answer.header("x-request-id").unwrap().to_owned();
        for (operation, tags, (name, value)) in [
            ("ecs:CreateCluster", "tags", ("key", "value")),
            ("ecs:RegisterTaskDefinition", "tags", ("key", "value")),
            ("servicediscovery:CreateService", "Tags", ("Key", "Value")),
            ("ecs:CreateService", "tags", ("key", "value")),
        ] {
            let sent = app.faults().sent(operation).remove(0);
            assert!(!sent.to_string().contains("a secret"), "{sent}");
            let all = sent[tags].as_array().unwrap();
            let own: Vec<_> = all.iter().filter(|tag| tag[name] != "team").collect();
            assert_eq!(
                (own.len(), all.len() - own.len()),
                (
                    1 + usize::from(key.is_some()),
                    usize::from(operation == "ecs:CreateService")
                )
            );
            assert_eq!(
                *own[own.len() - 1],
                json!({name: "ecs-api:request-id", value: id}),
                "{operation}"
            );
            if key.is_some() {
                assert_eq!(own[0][name], "ecs-api:idempotency-key");
                assert_eq!(own[0][value].as_str().unwrap().len(), 65);
            }
        }
        assert!(
            app.faults().sent("ecs:CreateService")[0]["clientToken"]
                .as_str()
                .unwrap()
                .len()
                <= 36
        );
    }
}

#[tokio::test]
async fn there_must_be_room_for_the_tags() {
    let app = TestApp::new();
    let mut body = documented("ns-1");
    let tags: Vec<_> = (0..50)
        .map(|index| json!({"key": format!("tag-{index}"), "value": "x"}))
        .collect();
    body["cluster"]["tags"] = tags.into();
    let errors = create(&app, "deploy-42", &body).await.problem(400)["errors"].take();
    let message = "at most 48 tags are accepted with an `Idempotency-Key`";
    assert_eq!(
        errors,
        json!([{"path": "cluster.tags", "message": message}])
    );
    let errors = app.post("/nonprod/services", &body).await.problem(400)["errors"].take();
    assert_eq!(
        errors,
        json!([{"path": "cluster.tags", "message": "at most 49 tags are accepted"}])
    );
}
