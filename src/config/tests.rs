use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;

mod faults;
mod parts;

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
    let parent = config
        .pointer_mut(parent)
        .expect("the documented configuration has the place");
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
    Config::parse(config.to_string().as_bytes())
        .expect_err("the configuration is wrong")
        .to_string()
}

#[test]
fn the_documented_configuration_is_read_whole() {
    let config = Config::parse(documented().to_string().as_bytes()).unwrap();
    let account = &config.accounts["nonprod"];
    assert_eq!(
        account.role_arn.as_str(),
        "arn:aws:iam::111122223333:role/ecs-api"
    );
    assert_eq!(account.default_subnets, ["subnet-0a1b"]);
    assert_eq!(config.callers.len(), 4);
    assert!(matches!(config.callers[3].proof, Proof::Invoke));
    assert_eq!(config.log_level, LogLevel::Debug);
}

/// Forty accounts are forty lines.
#[test]
fn an_account_is_one_line_where_the_defaults_say_the_rest() {
    let config = json!({
        "defaults": {"roleName": "tools/ecs", "region": "eu-west-1", "externalId": "shared", "executionRoleName": "run"},
        "accounts": {
            "prod": {"accountId": "444455556666"},
            "china": {"accountId": "000011112222", "region": "cn-north-1", "externalId": "of-its-own"},
            "old": {"roleArn": "arn:aws:iam::111122223333:role/x", "defaultSubnets": ["subnet-1"],
                    "defaultExecutionRoleArn": "arn:aws:iam::111122223333:role/y"},
        },
    });
    let config = Config::parse(config.to_string().as_bytes()).unwrap();
    let resolved = |name: &str| {
        let account = &config.accounts[name];
        let execution_role = account
            .default_execution_role_arn
            .as_ref()
            .unwrap()
            .as_str()
            .to_owned();
        (
            account.role_arn.as_str(),
            account.region.as_str(),
            account.external_id.as_deref().unwrap(),
            execution_role,
        )
    };
    for (name, role, region, external_id, execution_role) in [
        (
            "prod",
            "arn:aws:iam::444455556666:role/tools/ecs",
            "eu-west-1",
            "shared",
            "arn:aws:iam::444455556666:role/run",
        ),
        (
            "china",
            "arn:aws-cn:iam::000011112222:role/tools/ecs",
            "cn-north-1",
            "of-its-own",
            "arn:aws-cn:iam::000011112222:role/run",
        ),
        (
            "old",
            "arn:aws:iam::111122223333:role/x",
            "eu-west-1",
            "shared",
            "arn:aws:iam::111122223333:role/y",
        ),
    ] {
        assert_eq!(
            resolved(name),
            (role, region, external_id, execution_role.to_owned()),
            "{name}"
        );
    }
    assert!(config.accounts["prod"].default_subnets.is_empty());
    let bare =
        json!({"accounts": {"prod": {"accountId": "444455556666", "region": "us-gov-west-1"}}});
    let bare = Config::parse(bare.to_string().as_bytes()).unwrap();
    assert_eq!(
        bare.accounts["prod"].role_arn.as_str(),
        "arn:aws-us-gov:iam::444455556666:role/ecs-api"
    );
}

/// The defaults hold whole where an account says nothing, and not at all where it does.
#[test]
fn tags_and_logs_are_shared_or_an_accounts_own() {
    let config = json!({
        "defaults": {
            "region": "us-east-1", "tags": {"team": "a", "stage": "b"}, "logRegions": ["eu-west-1"],
            "logs": {"group": "/ecs/{cluster}", "retentionInDays": 30}, "logGroups": ["/ecs/*"],
        },
        "accounts": {
            "shared": {"accountId": "444455556666"},
            "own": {"accountId": "111122223333", "tags": {"team": "c"}, "logRegions": [], "logs": {"group": "/own"},
                    "logGroups": []},
        },
    });
    let config = Config::parse(config.to_string().as_bytes()).unwrap();
    let (shared, own) = (&config.accounts["shared"], &config.accounts["own"]);
    assert_eq!((shared.tags.len(), own.tags["team"].as_str()), (2, "c"));
    assert_eq!(shared.logs.as_ref().unwrap().retention_in_days, Some(30));
    assert_eq!(own.logs.as_ref().unwrap().group, "/own");
    assert!(shared.reads_logs_in("us-east-1") && shared.reads_logs_in("eu-west-1"));
    assert!(own.reads_logs_in("us-east-1") && !own.reads_logs_in("eu-west-1"));
    assert!(shared.reads_log_group("/ecs/web") && !shared.reads_log_group("/aws/ecs/web"));
    assert!(!own.reads_log_group("/own"));
    let bare = json!({"accounts": {"a": {"accountId": "444455556666", "region": "us-east-1"}}});
    let bare = Config::parse(bare.to_string().as_bytes()).unwrap();
    assert!(bare.accounts["a"].reads_log_group("anything") && bare.accounts["a"].tags.is_empty());
    assert!(!bare.accounts["a"].reads_logs_in("us-west-2"));
}

#[test]
fn the_report_says_what_everything_comes_to_and_no_secret() {
    let mut config = documented();
    config["defaults"] = json!({"region": "eu-west-1"});
    config["accounts"]["sandbox"] = json!({"accountId": "777788889999"});
    config["callers"][0]["grants"][0]["accounts"] = json!(["nonprod"]);
    config["callers"][0]["tokenSha256"] = json!(["9".repeat(64), "8".repeat(64)]);
    config["accounts"]["nonprod"]["tags"] = json!({"team": "web", "stage": "nonprod"});
    config["accounts"]["nonprod"]["logRegions"] = json!(["eu-west-1"]);
    config["accounts"]["nonprod"]["logGroups"] = json!(["/ecs/*", "/batch/*"]);
    config["accounts"]["nonprod"]["logs"] =
        json!({"group": "/containers/{cluster}", "retentionInDays": 30});
    let text = config.to_string();
    let config = Config::parse(text.as_bytes()).unwrap();
    let report = report::Report {
        config: &config,
        texts: &Texts::Whole(vec![b' '; 5000]),
    }
    .to_string();
    insta::assert_snapshot!(report, @"
    2 accounts
      nonprod: arn:aws:iam::111122223333:role/ecs-api in us-east-1
        external id:     set
        subnets:         subnet-0a1b
        security groups: sg-0a1b
        execution role:  arn:aws:iam::111122223333:role/ecsTaskExecutionRole
        tags:            stage=nonprod, team=web
        containers log:  where they say, else to /containers/{cluster}, kept for 30 days
        logs are read:   /ecs/*, /batch/* in us-east-1, eu-west-1
      sandbox: arn:aws:iam::777788889999:role/ecs-api in eu-west-1
        external id:     none
        subnets:         none
        security groups: none
        execution role:  none
        tags:            none
        containers log:  where they say
        logs are read:   * in eu-west-1
    4 callers
      portal: known by one of 2 tokens; reads and writes nonprod
      deploy-bot: known by the principal arn:aws:iam::123456789012:role/deploy-*; reads and writes nonprod
      team-a: known by the claims client_id; reads nonprod
      nightly: known by a direct invocation; reads nonprod
    pages of https://portal.example.com may call from a browser
    note: containers of `nonprod` log to `/containers/{cluster}`, which its `logGroups` let nobody read
    note: `sandbox` has no external id, which the role of templates/member-account.yaml demands
    note: no caller has a grant for `sandbox`
    note: the claims of `team-a` do not hold `iss`: whatever issuer or audience a gateway in front accepts would do
    note: 5000 bytes are too long for Lambda's environment, which has about 3584 for it: deploy it as a file, or as SSM parameters
    The configuration is valid.
    ");
    for secret in ["shared-with-nonprod", "9999999", "abc"] {
        assert!(!report.contains(secret), "{report}");
    }
}

#[test]
fn a_published_token_opens_nothing_but_a_local_aws() {
    let digest = |token: &[u8]| json!(hex::encode(Sha256::digest(token)));
    let demo = changed("/callers/0/tokenSha256", digest(b"demo-token"));
    let demo = Config::parse(demo.to_string().as_bytes()).unwrap();
    for (endpoint, is_local) in [
        ("", false),
        ("http://127.0.0.1:4566", true),
        ("http://[::1]:4566/", true),
        ("https://localhost", true),
        ("http://aws.localhost:4566", true),
        ("https://vpce-1.sts.us-east-1.vpce.amazonaws.com", false),
        ("http://localhost.example.com", false),
        ("http://127.0.0.1@example.com", false),
        ("https://10.0.0.1:4566", false),
        ("localhost", false),
    ] {
        assert_eq!(
            checks::is_local_endpoint(endpoint),
            is_local,
            "{endpoint:?}"
        );
    }
    demo.refuse_published_tokens().unwrap_err();
    let own = Config::parse(documented().to_string().as_bytes()).unwrap();
    own.refuse_published_tokens().unwrap();
    let refused = refused(&changed("/callers/0/tokenSha256", digest(b"")));
    assert!(
        refused.contains("caller `portal`: `tokenSha256` is the digest of the empty text"),
        "{refused}"
    );
}

#[test]
fn a_syntax_error_has_a_line_and_a_column() {
    let error = Config::parse(b"{\n  \"accounts\": }")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the configuration is not JSON: expected value at line 2 column 15"
    );
}

#[test]
fn debug_output_holds_no_external_id_and_no_hash() {
    let config = Config::parse(documented().to_string().as_bytes()).unwrap();
    let text = format!("{config:?}");
    assert!(
        !text.contains("shared-with-nonprod") && !text.contains("9999"),
        "{text}"
    );
}
