use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;

const PATH: &str = "/nonprod/servicediscovery/services";

#[tokio::test]
async fn a_registry_is_shown_by_id_and_by_arn() {
    let app = TestApp::new();
    let body = json!({
        "name": "www", "namespaceId": app.account().namespace().await,
        "dnsConfig": {"routingPolicy": "MULTIVALUE", "dnsRecords": [{"type": "A", "ttl": 30}]},
    });
    let made = app.post(PATH, &body).await.expect(200);
    let id = made["Service"]["Id"].as_str().unwrap();
    let shown = app.get(&format!("{PATH}/{id}")).await.expect(200);
    insta::assert_json_snapshot!(shown, {
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
          "RoutingPolicy": "MULTIVALUE",
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
    assert_eq!(shown, made);
    let arn = made["Service"]["Arn"].as_str().unwrap();
    assert_eq!(
        app.get(&format!(
            "{PATH}/{}",
            arn.replace(':', "%3A").replace('/', "%2F")
        ))
        .await
        .expect(200),
        shown
    );
    // API Gateway's HTTP APIs hand the path on decoded.
    assert_eq!(app.get(&format!("{PATH}/{arn}")).await.expect(200), shown);
}

#[tokio::test]
async fn an_unknown_registry_is_not_found() {
    let problem = TestApp::new()
        .get(&format!("{PATH}/srv-tvtbgvkkxtts3qlf"))
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "`servicediscovery:GetService` was refused: Service not found",
      "code": "ServiceNotFound",
      "retryable": false
    }
    "#);
}

#[tokio::test]
async fn an_impossible_registry_is_refused_before_any_call() {
    let app = TestApp::new();
    let elsewhere = "arn:aws:servicediscovery:us-east-1:999999999999:service/srv-tvtbgvkkxtts3qlf";
    let region = format!(
        "arn:aws:servicediscovery:eu-west-1:{}:service/srv-tvtbgvkkxtts3qlf",
        app.account().id
    );
    let of_ecs = format!(
        "arn:aws:ecs:us-east-1:{}:service/srv-tvtbgvkkxtts3qlf",
        app.account().id
    );
    for id in [
        "www",
        "srv-",
        "srv-a%20b",
        "srv-a%2Fb",
        elsewhere,
        &region,
        &of_ecs,
    ] {
        let problem = app.get(&format!("{PATH}/{id}")).await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{id}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [
        ("InvalidInput", 400),
        ("AccessDeniedException", 403),
        ("ServiceNotFound", 404),
    ] {
        app.aws()
            .on("servicediscovery:GetService")
            .meets(Fault::refuse(code, "No"));
        assert_eq!(
            app.get(&format!("{PATH}/srv-1")).await.problem(status)["code"],
            code
        );
        app.aws().forget_script();
    }
}
