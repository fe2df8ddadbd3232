//! The same request, however often it is sent: `Idempotency-Key`.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arns, create_with_key as create, documented};
use crate::support::{Caller, TestApp};

/// A body that creates all four in a namespace of the app's account.
async fn all_new(app: &TestApp) -> Value {
    documented(&app.account().namespace().await)
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_result_once() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    let first = create(&app, "deploy-42", &body).await.expect(200);
    let before = app.account().inventory().await;
    assert_eq!(before, arns(&first));
    app.aws().forget_calls();
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
    let calls = app.aws().operations();
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
    let app = TestApp::new();
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
    assert_eq!(app.aws().operations(), [""; 0]);
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
    let app = TestApp::new();
    let body = all_new(&app).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::ZERO;
    });
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
        .aws()
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
        let app = TestApp::new();
        let body = all_new(&app).await;
        app.aws()
            .on(operation)
            .once()
            .meets(Fault::reset().after_work());
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

#[tokio::test(start_paused = true)]
async fn a_repetition_after_a_timeout_makes_nothing_twice() {
    let mut app = TestApp::scripted();
    app.set_time_left(Duration::from_secs(10));
    let body = all_new(&app).await;
    // AWS does the work, and does not say so in time.
    app.aws()
        .on("ecs:CreateService")
        .once()
        .meets(Fault::silence().after_work());
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
async fn what_is_made_says_which_request_made_it_and_the_callers_own_tags_stay() {
    for key in [None, Some("a secret of the caller")] {
        let app = TestApp::new();
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
        let mut marks = std::collections::BTreeSet::new();
        for (operation, tags, (name, value)) in [
            ("ecs:CreateCluster", "tags", ("key", "value")),
            ("ecs:RegisterTaskDefinition", "tags", ("key", "value")),
            ("servicediscovery:CreateService", "Tags", ("Key", "Value")),
            ("ecs:CreateService", "tags", ("key", "value")),
        ] {
            let sent = app.aws().sent(operation).remove(0);
            assert!(!sent.to_string().contains("a secret"), "{sent}");
            let all = sent[tags].as_array().unwrap();
            let own: Vec<_> = all.iter().filter(|tag| tag[name] != "team").collect();
            assert_eq!(
                (own.len(), all.len() - own.len()),
                (1, usize::from(operation == "ecs:CreateService"))
            );
            assert_eq!(own[0][name], "ecs-api:request-id", "{operation}");
            let mark = own[0][value].as_str().unwrap();
            marks.insert(mark.to_owned());
            let begins = if key.is_some() { "" } else { id.as_str() };
            assert!(mark.starts_with(begins) && mark.contains('/'), "{mark}");
        }
        assert_eq!(marks.len(), 1, "{marks:?}");
        assert!(
            app.aws().sent("ecs:CreateService")[0]["clientToken"]
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
    for answer in [
        create(&app, "deploy-42", &body).await,
        app.post("/nonprod/services", &body).await,
    ] {
        assert_eq!(
            answer.problem(400)["errors"],
            json!([{"path": "cluster.tags", "message": "at most 49 tags are accepted"}])
        );
    }
}
