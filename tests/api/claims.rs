//! Callers that are known by a JWT's claims, as gateways hand them on.

use serde_json::{Value, json};

use crate::support::{Caller, TestApp};

/// Known callers by a group, a scope, a role of a claim that the configuration knows for a list, and a department.
fn settings() -> Value {
    let caller = |name: &str, claims: Value| json!({"name": name, "claims": claims, "grants": [{"accounts": ["*"], "access": "write"}]});
    json!({
        "listClaims": ["custom:roles"],
        "callers": [
            caller("group", json!({"iss": "https://issuer", "cognito:groups": "admin"})),
            caller("scope", json!({"iss": "https://issuer", "scope": "ecs/read"})),
            caller("role", json!({"iss": "https://issuer", "custom:roles": "deployer"})),
            caller("department", json!({"iss": "https://issuer", "department": "admin"})),
        ],
    })
}

/// The status of a request whose JWT has these claims, by way of an HTTP API, or of a REST API.
async fn statuses(app: &TestApp, claims: &Value) -> [u16; 2] {
    let mut claims = claims.clone();
    claims["iss"] = "https://issuer".into();
    let http_api = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Anonymous)
        .event(
            "/requestContext/authorizer",
            json!({"jwt": {"claims": claims, "scopes": null}}),
        );
    let rest_api = json!({
        "resource": "/{proxy+}", "path": "/v1/ecs/nonprod/clusters", "httpMethod": "GET",
        "pathParameters": {"proxy": "v1/ecs/nonprod/clusters"}, "headers": {"host": "api.example.com"},
        "requestContext": {"apiId": "api", "stage": "prod", "httpMethod": "GET", "path": "/prod/v1/ecs/nonprod/clusters",
            "identity": {}, "authorizer": {"claims": claims}},
    });
    let answer = app.invoke(rest_api).await.expect("the event is known");
    let rest_api = answer["statusCode"].as_u64().expect("a status is a number");
    [
        http_api.send().await.status,
        u16::try_from(rest_api).expect("a status is small"),
    ]
}

#[tokio::test]
async fn a_list_is_matched_by_part_and_a_text_is_not() {
    let app = TestApp::with_settings(&settings());
    for (claims, status) in [
        (json!({"cognito:groups": "[admin poweruser]"}), 200),
        (json!({"cognito:groups": "[poweruser admin]"}), 200),
        (json!({"cognito:groups": ["poweruser", "admin"]}), 200),
        (json!({"cognito:groups": "admin"}), 200),
        (json!({"cognito:groups": "[administrator]"}), 401),
        (json!({"scope": "ecs/write ecs/read"}), 200),
        (json!({"scope": "ecs/write"}), 401),
        (json!({"custom:roles": "[viewer deployer]"}), 200),
        (json!({"department": "admin"}), 200),
        (json!({"department": "[not admin]"}), 401),
        (json!({"department": "not admin"}), 401),
    ] {
        assert_eq!(statuses(&app, &claims).await, [status; 2], "{claims}");
    }
}

#[tokio::test]
async fn claims_that_are_no_texts_spoil_no_event() {
    let app = TestApp::with_settings(&settings());
    for other in [
        json!(7),
        json!(true),
        json!([1, {}]),
        json!({"a": 1}),
        json!(null),
    ] {
        let claims = json!({"cognito:groups": "[admin]", "other": other});
        assert_eq!(statuses(&app, &claims).await, [200; 2], "{claims}");
        let claims = json!({"cognito:groups": other});
        assert_eq!(statuses(&app, &claims).await, [401; 2], "{claims}");
    }
}
