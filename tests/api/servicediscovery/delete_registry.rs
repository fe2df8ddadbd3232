use fake_aws::Fault;
use serde_json::json;

use crate::support::TestApp;

const PATH: &str = "/nonprod/servicediscovery/services";

#[tokio::test]
async fn a_deleted_registry_is_gone() {
    let app = TestApp::new();
    let namespace = app.account().namespace().await;
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        made.push(
            app.post(PATH, &json!({"name": name, "namespaceId": namespace}))
                .await
                .expect(200)["Service"]
                .take(),
        );
    }
    let id = made[0]["Id"].as_str().unwrap();
    assert_eq!(
        app.delete(&format!("{PATH}/{id}")).await.expect(200),
        json!({})
    );
    app.get(&format!("{PATH}/{id}")).await.problem(404);
    let arn = |index: usize| made[index]["Arn"].as_str().unwrap().to_owned();
    app.delete(&format!("{PATH}/{}", arn(1).replace('/', "%2F")))
        .await
        .expect(200);
    assert_eq!(app.account().inventory().await, [arn(2)]);
    // API Gateway's HTTP APIs hand the path on decoded.
    app.delete(&format!("{PATH}/{}", arn(2))).await.expect(200);
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn a_registry_with_instances_is_a_conflict_and_keeps_them() {
    let app = TestApp::new();
    let message = "The specified resource can't be deleted because it contains other resources";
    app.aws()
        .on("servicediscovery:DeleteService")
        .meets(Fault::refuse("ResourceInUse", message));
    let problem = app
        .delete(&format!("{PATH}/srv-tvtbgvkkxtts3qlf"))
        .await
        .problem(409);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 409,
      "detail": "`servicediscovery:DeleteService` was refused: The specified resource can't be deleted because it contains other resources",
      "code": "ResourceInUse",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "servicediscovery:DeleteService"]
    );
}

#[tokio::test]
async fn an_unknown_registry_is_not_found() {
    let problem = TestApp::new()
        .delete(&format!("{PATH}/srv-tvtbgvkkxtts3qlf"))
        .await
        .problem(404);
    assert_eq!(problem["code"], "ServiceNotFound");
}

#[tokio::test]
async fn an_impossible_registry_is_refused_before_any_call() {
    let app = TestApp::new();
    for id in [
        "www",
        "arn:aws:servicediscovery:us-east-1:999999999999:service/srv-tvtbgvkkxtts3qlf",
    ] {
        let problem = app.delete(&format!("{PATH}/{id}")).await.problem(400);
        assert_eq!(problem["code"], "InvalidIdentifier", "{id}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_aws_refuses_is_a_problem() {
    let app = TestApp::new();
    for (code, status) in [("InvalidInput", 400), ("AccessDeniedException", 403)] {
        app.aws()
            .on("servicediscovery:DeleteService")
            .meets(Fault::refuse(code, "No"));
        assert_eq!(
            app.delete(&format!("{PATH}/srv-1")).await.problem(status)["code"],
            code
        );
        app.aws().forget_script();
    }
}
