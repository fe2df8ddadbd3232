use serde_json::json;

use super::*;

fn documented() -> Value {
    json!({
        "accounts": {"nonprod": {
            "roleArn": "arn:aws:iam::111122223333:role/ecs-api", "externalId": "shared-with-nonprod",
            "region": "us-east-1", "defaultSubnets": ["subnet-0a1b"], "defaultSgs": ["sg-0a1b"],
            "defaultExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        }},
        "callers": [
            {"name": "portal", "tokenSha256": "9".repeat(64), "grants": [{"accounts": ["*"], "access": "write"}]},
            {"name": "deploy-bot", "principal": "arn:aws:iam::123456789012:role/deploy-*",
             "grants": [{"accounts": ["nonprod"], "access": "write"}]},
            {"name": "team-a", "claims": {"client_id": "abc"}, "grants": [{"accounts": ["nonprod"], "access": "read"}]},
            {"name": "nightly", "invoke": true, "grants": [{"accounts": ["nonprod"], "access": "read"}]},
        ],
        "corsOrigins": ["https://portal.example.com"],
        "logLevel": "debug",
    })
}

/// The documented configuration with one place of it changed.
fn changed(pointer: &str, value: Value) -> Value {
    let mut config = documented();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let parent = config.pointer_mut(parent).expect("the documented configuration has the place");
    match parent {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
        }
        other => other[key.parse::<usize>().expect("an index")] = value,
    }
    config
}

#[track_caller]
fn refused(config: &Value) -> String {
    Config::parse(config.to_string().as_bytes()).expect_err("the configuration is wrong").to_string()
}

#[test]
fn the_documented_configuration_is_read_whole() {
    let config = Config::parse(documented().to_string().as_bytes()).unwrap();
    let account = &config.accounts["nonprod"];
    assert_eq!(account.role_arn.as_str(), "arn:aws:iam::111122223333:role/ecs-api");
    assert_eq!(account.default_subnets, ["subnet-0a1b"]);
    assert_eq!(config.callers.len(), 4);
    assert!(matches!(config.callers[3].proof, Proof::Invoke));
    assert_eq!(config.log_level, LogLevel::Debug);
}

#[test]
fn every_fault_is_named_with_its_place() {
    for (pointer, value, expected) in [
        ("/accounts", json!({}), "`accounts` is empty"),
        ("/acounts", json!({}), "unknown field `acounts`"),
        ("/accounts/nonprod/subnets", json!([]), "`accounts.nonprod.subnets`: unknown field `subnets`"),
        (
            "/accounts/nonprod/roleArn",
            json!("ecs-api"),
            "`accounts.nonprod.roleArn`: `ecs-api` is not the ARN of a role",
        ),
        ("/accounts/nonprod/region", json!("virginia"), "`accounts.nonprod.region`: `virginia` is not a region"),
        ("/accounts/nonprod/defaultSubnets", json!(["sg-1"]), "`accounts.nonprod.defaultSubnets`: `sg-1`"),
        ("/accounts/nonprod/defaultSgs", json!(["sg-"]), "`accounts.nonprod.defaultSgs`: `sg-`"),
        ("/accounts/nonprod/externalId", json!("?"), "`accounts.nonprod.externalId`: has 2 to 1224"),
        (
            "/accounts/nonprod/defaultExecutionRoleArn",
            json!("arn:aws:iam::444455556666:role/x"),
            "is a role of account 444455556666, but `roleArn` is in account 111122223333",
        ),
        ("/accounts/nonprod/akid", json!("AKIA"), "`accounts.nonprod.akid` is not accepted: no static credentials"),
        ("/accounts/nonprod/secret", json!("x"), "give the account a `roleArn`"),
        ("/token", json!("x"), "`token` is not accepted: no token is held; list who may call under `callers`"),
        ("/callers/0/tokenSha256", json!("abc"), "64 hexadecimal digits"),
        ("/callers/0/principal", json!("arn:aws:iam::1:role/x"), "caller `portal`: give exactly one of"),
        ("/callers/3/invoke", json!(false), "caller `nightly`: give exactly one of"),
        ("/callers/1/name", json!("portal"), "caller `portal`: the name is given to two callers"),
        ("/callers/2/claims", json!({}), "caller `team-a`: `claims` is empty"),
        ("/callers/1/principal", json!("deploy-bot"), "`deploy-bot` is not the ARN of an IAM principal"),
        ("/callers/0/grants", json!([]), "caller `portal`: `grants` is empty"),
        ("/callers/2/grants/0/accounts", json!(["prod"]), "the account `prod`, which `accounts` does not have"),
        ("/callers/2/grants/0/access", json!("admin"), "unknown variant `admin`"),
        ("/corsOrigins", json!(["*"]), "`*` is not an origin"),
        ("/logLevel", json!("loud"), "unknown variant `loud`"),
    ] {
        let error = refused(&changed(pointer, value));
        assert!(error.contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn a_syntax_error_has_a_line_and_a_column() {
    let error = Config::parse(b"{\n  \"accounts\": }").unwrap_err().to_string();
    assert_eq!(error, "the configuration is not JSON: expected value at line 2 column 15");
}

#[test]
fn debug_output_holds_no_external_id_and_no_hash() {
    let config = Config::parse(documented().to_string().as_bytes()).unwrap();
    let text = format!("{config:?}");
    assert!(!text.contains("shared-with-nonprod") && !text.contains("9999"), "{text}");
}
