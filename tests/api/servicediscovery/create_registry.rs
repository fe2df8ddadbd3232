use fake_aws::Fault;
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::{Caller, TestApp};

const PATH: &str = "/nonprod/servicediscovery/services";
const CREATE: &str = "servicediscovery:CreateService";

/// Returns the input of the last `CreateService`, without its `CreatorRequestId`.
fn sent(app: &TestApp) -> Value {
    let mut sent = app.aws().sent(CREATE).pop().expect("there was a call");
    sent.as_object_mut()
        .unwrap()
        .shift_remove("CreatorRequestId");
    sent
}

#[tokio::test]
async fn the_documented_registry_is_created_in_its_namespace_with_the_health_check_of_ecs() {
    let app = TestApp::new();
    let namespace = app.account().namespace().await;
    // With `cluster`, which Cloud Map does not know, and with the namespace where Cloud Map had it once.
    let answer = app
        .post(PATH, &documented(&namespace)["serviceregistry"])
        .await
        .expect(200);
    insta::assert_json_snapshot!(answer, {
        ".Service.Id" => "[id]",
        ".Service.Arn" => "[arn]",
        ".Service.NamespaceId" => "[namespace]",
        ".Service.CreateDate" => "[time]",
    }, @r#"
    {
      "Service": {
        "Id": "[id]",
        "Arn": "[arn]",
        "Name": "www",
        "NamespaceId": "[namespace]",
        "DnsConfig": {
          "DnsRecords": [
            {
              "Type": "A",
              "TTL": 30
            }
          ]
        },
        "HealthCheckCustomConfig": {
          "FailureThreshold": 1
        },
        "CreateDate": "[time]"
      }
    }
    "#);
    assert_eq!(answer["Service"]["NamespaceId"], namespace);
    let expected = json!({
        "Name": "www", "NamespaceId": namespace, "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 30}]},
        "HealthCheckCustomConfig": {"FailureThreshold": 1},
    });
    assert_eq!(sent(&app), expected);
    assert_eq!(
        app.account().inventory().await,
        [answer["Service"]["Arn"].as_str().unwrap()]
    );
}

#[tokio::test]
async fn what_the_caller_gives_is_not_defaulted() {
    let app = TestApp::new();
    let namespace = app.account().namespace().await;
    for (name, check) in [
        (
            "one",
            json!({"HealthCheckConfig": {"Type": "HTTP", "ResourcePath": "/ready", "FailureThreshold": 3}}),
        ),
        (
            "two",
            json!({"HealthCheckCustomConfig": {"FailureThreshold": 5}}),
        ),
    ] {
        let mut body = json!({"Name": name, "NamespaceId": namespace, "Tags": [{"Key": "Team", "Value": "A"}]});
        body.as_object_mut()
            .unwrap()
            .extend(check.as_object().unwrap().clone());
        app.post(PATH, &body).await.expect(200);
        assert_eq!(sent(&app), body);
    }
}

#[tokio::test]
async fn what_is_shown_may_come_back_as_a_body() {
    let app = TestApp::new();
    let namespace = app.account().namespace().await;
    let first = app
        .post(PATH, &documented(&namespace)["serviceregistry"])
        .await
        .expect(200)["Service"]
        .take();
    let id = first["Id"].as_str().unwrap();
    let mut shown = app.get(&format!("{PATH}/{id}")).await.expect(200)["Service"].take();
    shown["Name"] = "second".into();
    let copy = app.post(PATH, &shown).await.expect(200)["Service"].take();
    for same in ["NamespaceId", "DnsConfig", "HealthCheckCustomConfig"] {
        assert_eq!(copy[same], first[same]);
    }
    assert_ne!(copy["Id"], first["Id"]);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_reported_before_any_call() {
    let app = TestApp::new();
    let body = json!({
        "nam": "www", "namespaceid": "ns-1",
        "dnsconfig": {"namespaceid": "ns-2", "dnsrecords": [{"type": "A", "ttl": "30"}]},
    });
    insta::assert_json_snapshot!(app.post(PATH, &body).await.problem(400), @r#"
    {
      "status": 400,
      "detail": "DnsConfig.NamespaceId: differs from `NamespaceId`; give one of them (and 2 more)",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "DnsConfig.NamespaceId",
          "message": "differs from `NamespaceId`; give one of them"
        },
        {
          "path": "nam",
          "message": "unknown member; did you mean `Name`?"
        },
        {
          "path": "DnsConfig.DnsRecords[0].TTL",
          "message": "expected integer, got string \"30\""
        }
      ]
    }
    "#);
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn unknown_members_are_dropped_and_listed_for_a_lenient_caller() {
    let app = TestApp::new();
    let body = json!({"name": "www", "namespaceId": app.account().namespace().await, "ttl": 30});
    let answer = app
        .request("POST", PATH)
        .header("prefer", "handling=lenient")
        .json(&body)
        .send()
        .await;
    assert_eq!(answer.expect(200)["Service"]["Name"], "www");
    assert_eq!(answer.header("x-ignored-members"), Some("ttl"));
}

#[tokio::test]
async fn a_reader_creates_nothing() {
    let app = TestApp::new();
    let body = json!({"name": "www", "namespaceId": app.account().namespace().await});
    let answer = app
        .request("POST", PATH)
        .by(Caller::Reader)
        .json(&body)
        .send()
        .await;
    assert_eq!(answer.problem(403)["code"], "Forbidden");
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn a_missing_namespace_is_not_found() {
    let body = json!({"name": "www", "namespaceId": "ns-y3uaw6neshhbev3f"});
    let problem = TestApp::new().post(PATH, &body).await.problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`servicediscovery:CreateService` was refused: Namespace not found",
      "code": "NamespaceNotFound",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("InvalidInput", 400),
        ("TooManyTagsException", 400),
        ("AccessDeniedException", 403),
        ("NamespaceNotFound", 404),
        ("ServiceAlreadyExists", 409),
        ("ResourceLimitExceeded", 409),
    ] {
        app.aws().on(CREATE).meets(Fault::refuse(code, "No"));
        let problem = app
            .post(PATH, &json!({"name": "www", "namespaceId": "ns-1"}))
            .await
            .problem(status);
        assert_eq!(
            (&problem["code"], &problem["retryable"]),
            (&json!(code), &json!(false))
        );
        app.aws().forget_script();
    }
}
