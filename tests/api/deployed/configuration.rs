//! Where the stack's configuration may be kept, and what becomes of a wrong one.

use serde_json::json;

use super::Stack;

#[test]
fn the_configuration_comes_from_a_parameter_or_from_a_file_of_the_package_just_as_well() {
    for kept in ["parameter", "file"] {
        let stack = Stack::beside(kept, &["--config", kept]);
        assert_eq!(
            stack.expect(200, "GET", "/sandbox/clusters", None),
            json!([]),
            "{kept}"
        );
        assert_eq!(
            stack.send("GET", "/sandbox/clusters", None, None).0,
            401,
            "{kept}"
        );
    }
}

#[test]
fn a_wrong_external_id_is_a_bad_gateway_that_names_the_role() {
    let problem = Stack::shared().expect(502, "GET", "/misinformed/clusters", None);
    assert_eq!(problem["code"], "AccessDenied");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(
        detail.contains("`arn:aws:iam::777788889999:role/ecs-api`"),
        "{detail}"
    );
    assert!(
        !problem.to_string().contains("of-somebody-else"),
        "{problem}"
    );
}

/// Everything optional at once: IAM in front, a domain, traces, reserved concurrency, an alarm's topic.
#[test]
fn with_iam_the_gateway_takes_signatures_alone_and_the_function_knows_the_principal() {
    let parameters = [
        "AuthMode=iam",
        "DomainName=ecs-api.example.com",
        "CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d",
        "Tracing=Active",
        "ReservedConcurrency=5",
        "AlarmTopicArn=arn:aws:sns:us-east-1:123456789012:alarms",
    ];
    let arguments: Vec<_> = parameters
        .iter()
        .flat_map(|parameter| ["--parameter", parameter])
        .collect();
    let stack = Stack::beside("iam", &arguments);
    assert_eq!(stack.output("ApiUrl"), "https://ecs-api.example.com");
    assert_eq!(stack.send("GET", "/ping", None, None), (200, json!("pong")));
    assert_eq!(
        stack.send("GET", "/sandbox/clusters", None, None),
        (403, json!({"message": "Forbidden"}))
    );
    assert_eq!(stack.signed("/sandbox/clusters"), (200, json!([])));
}

#[test]
fn with_jwt_the_gateway_takes_tokens_of_the_issuer_alone() {
    let parameters = [
        "AuthMode=jwt",
        "JwtIssuer=https://id.example.com",
        "JwtAudience=ecs-api,portal",
    ];
    let arguments: Vec<_> = parameters
        .iter()
        .flat_map(|parameter| ["--parameter", parameter])
        .collect();
    let stack = Stack::beside("jwt", &arguments);
    assert_eq!(stack.send("GET", "/ping", None, None), (200, json!("pong")));
    for token in [None, Some(stack.token.as_str())] {
        let refused = (401, json!({"message": "Unauthorized"}));
        assert_eq!(stack.send("GET", "/sandbox/clusters", token, None), refused);
    }
}
