//! The places of the stack's configuration, and what becomes of a wrong one.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cleanup::eventually;
use super::permissions::{Role, without};
use super::{HUB, Stack};
use crate::support::root_config;

/// The longest time from a change below the path until the function knows it.
const IN_FORCE: Duration = Duration::from_secs(90);
const NEW_TOKEN: &str = "a-newcomers-token";

#[test]
fn the_configuration_comes_from_parameters_or_from_a_file_of_the_package_just_as_well() {
    for kept in ["parameter", "path", "file"] {
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

/// The function's role may read the parameters below the path, and IAM is asked for that path.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_below_the_path_is_in_force_without_a_deploy_and_the_role_reads_what_it_needs() {
    let stack = Stack::beside("refreshed", &["--config", "path"]);
    let path = format!("/{}/config/", stack.function());
    let name = stack.output("FunctionRoleArn").rsplit('/').next();
    let name = name.expect("the name of the role");
    let role = Role::of(&stack, HUB, name, "read-configuration");
    let policy = role.policy();
    let below = format!("arn:aws:ssm:us-east-1:{HUB}:parameter{path}*");
    let statement = json!({
        "Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:GetParametersByPath"], "Resource": below,
    });
    assert_eq!(policy["Statement"], json!([statement]));

    let clusters = || {
        let (status, answer) = stack.send("GET", "/sandbox/clusters", Some(NEW_TOKEN), None);
        (status, answer["code"].as_str().map(str::to_owned))
    };
    assert_eq!(clusters().0, 401);
    let ssm = aws_sdk_ssm::Client::new(&root_config(HUB, stack.endpoint()));
    let newcomer = json!({
        "tokenSha256": hex::encode(Sha256::digest(NEW_TOKEN)),
        "grants": [{"accounts": ["sandbox"], "access": "read"}],
    });
    let put = ssm.put_parameter().name(format!("{path}callers/newcomer"));
    let put = put.value(newcomer.to_string()).r#type("String".into());
    put.send().await.expect("the parameter is put");
    eventually("the newcomer gets in", IN_FORCE, async || {
        (clusters().0 == 200).then_some(())
    })
    .await;

    // A function that begins reads it too, and does not begin without.
    let variables = stack.environment();
    for (allowed, begins) in [
        (without(&policy, "ssm:GetParametersByPath"), false),
        (elsewhere(&policy), false),
        (policy, true),
    ] {
        role.put(&allowed);
        stack.reconfigure(&variables);
        let (status, _) = stack.send("GET", "/ping", None, None);
        assert_eq!(status / 100, if begins { 2 } else { 5 }, "{allowed}");
    }
    assert_eq!(clusters().0, 200);
}

/// The policy for another stack's path.
fn elsewhere(policy: &Value) -> Value {
    let text = policy.to_string();
    let changed = text.replace("/config/*", "/config-of-others/*");
    assert_ne!(changed, text);
    serde_json::from_str(&changed).expect("a policy is JSON")
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
