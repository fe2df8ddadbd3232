use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_fault_is_named_with_its_place() {
    for (pointer, value, expected) in [
        ("/accounts", json!({}), "`accounts` is empty"),
        ("/acounts", json!({}), "unknown field `acounts`"),
        (
            "/accounts/nonprod/subnets",
            json!([]),
            "`accounts.nonprod.subnets`: unknown field `subnets`",
        ),
        (
            "/accounts/nonprod/roleArn",
            json!("ecs-api"),
            "`accounts.nonprod.roleArn`: `ecs-api` is not the ARN of a role",
        ),
        (
            "/accounts/nonprod/region",
            json!("virginia"),
            "`accounts.nonprod.region`: `virginia` is not a region",
        ),
        (
            "/accounts/nonprod/defaultSubnets",
            json!(["sg-1"]),
            "`accounts.nonprod.defaultSubnets`: `sg-1`",
        ),
        (
            "/accounts/nonprod/defaultSgs",
            json!(["sg-"]),
            "`accounts.nonprod.defaultSgs`: `sg-`",
        ),
        (
            "/accounts/nonprod/externalId",
            json!("?"),
            "`accounts.nonprod.externalId`: has 2 to 1224",
        ),
        (
            "/accounts/nonprod/defaultExecutionRoleArn",
            json!("arn:aws:iam::444455556666:role/x"),
            "is a role of account 444455556666, but `roleArn` is in account 111122223333",
        ),
        (
            "/accounts/nonprod/akid",
            json!("AKIA"),
            "`accounts.nonprod.akid` is not accepted: no static credentials",
        ),
        (
            "/accounts/nonprod/secret",
            json!("x"),
            "give the account a `roleArn`",
        ),
        (
            "/token",
            json!("x"),
            "`token` is not accepted: no token is held; list who may call under `callers`",
        ),
        (
            "/callers/0/tokenSha256",
            json!("abc"),
            "64 hexadecimal digits",
        ),
        (
            "/callers/0/principal",
            json!("arn:aws:iam::123456789012:role/x"),
            "caller `portal`: give exactly one of",
        ),
        (
            "/callers/3/invoke",
            json!(false),
            "caller `nightly`: give exactly one of",
        ),
        (
            "/callers/1/name",
            json!("portal"),
            "caller `portal`: the name is given to two callers",
        ),
        (
            "/callers/2/claims",
            json!({}),
            "caller `team-a`: `claims` is empty",
        ),
        (
            "/callers/1/principal",
            json!("deploy-bot"),
            "`deploy-bot` is not the ARN of an IAM principal",
        ),
        (
            "/callers/0/grants",
            json!([]),
            "caller `portal`: `grants` is empty",
        ),
        (
            "/callers/2/grants/0/accounts",
            json!(["prod"]),
            "the account `prod`, which `accounts` does not have",
        ),
        (
            "/callers/2/grants/0/access",
            json!("admin"),
            "unknown variant `admin`",
        ),
        ("/corsOrigins", json!(["*"]), "`*` is not an origin"),
        (
            "/callers/1/principal",
            json!("arn:aws:iam::123456789012:role/team/*"),
            "`arn:aws:iam::123456789012:role/team/*` asks for a path",
        ),
        (
            "/callers/1/principal",
            json!("*"),
            "`*` is not the ARN of an IAM principal",
        ),
        (
            "/callers/1/principal",
            json!("arn:*"),
            "`arn:*` is not the ARN of an IAM principal",
        ),
        (
            "/callers/1/principal",
            json!("arn:aws:iam::*"),
            "is not the ARN of an IAM principal",
        ),
        (
            "/callers/1/principal",
            json!("arn:*:role/deploy"),
            "is not the ARN of an IAM principal",
        ),
        (
            "/callers/1/principal",
            json!("arn:aws:iam::*:role/deploy"),
            "`arn:aws:iam::*:role/deploy` does not say of which account",
        ),
        (
            "/callers/1/principal",
            json!("arn:aws:iam::12345678901*:role/deploy"),
            "does not say of which account",
        ),
        (
            "/callers/1/principal",
            json!("arn:*:iam::123456789012:role/deploy"),
            "does not say of which account",
        ),
        (
            "/callers/0/tokenSha256",
            json!(["9".repeat(64), "abc"]),
            "`callers[0].tokenSha256[1]`: expected a SHA-256: 64 hexadecimal digits",
        ),
        (
            "/callers/0/tokenSha256",
            json!(["9".repeat(64), "9".repeat(64)]),
            "`tokenSha256` has a digest twice",
        ),
        (
            "/callers/0/tokenSha256",
            json!([]),
            "caller `portal`: `tokenSha256` is empty",
        ),
        (
            "/callers/0/tokenSha256",
            json!(7),
            "invalid type: integer `7`, expected a SHA-256 or a list of them",
        ),
        (
            "/listClaims",
            json!([""]),
            "`listClaims`: `` is not the name of a claim",
        ),
        (
            "/accounts/services",
            json!({"accountId": "111122223333", "region": "us-east-1"}),
            "`accounts.services`: the name is a path of the API's own",
        ),
        (
            "/accounts/nonprod/logRegions",
            json!(["us-east-1", "x.example.com/#"]),
            "`accounts.nonprod.logRegions`: `x.example.com/#` is not a region",
        ),
        (
            "/accounts/nonprod/logGroups",
            json!(["/ecs/*", "a b"]),
            "`accounts.nonprod.logGroups`: `a b` is not the name of a log group",
        ),
        (
            "/accounts/nonprod/tags",
            json!({"aws:x": "1"}),
            "`accounts.nonprod.tags`: `aws:x`: tags that begin with `aws:` or `ecs-api:`",
        ),
        (
            "/accounts/nonprod/tags",
            json!({"team": "a\n"}),
            "`accounts.nonprod.tags`: `team`: a key has 1 to 128",
        ),
        (
            "/accounts/nonprod/tags",
            (0..41)
                .map(|n| (format!("t{n}"), json!("")))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            "`accounts.nonprod.tags`: 41 tags; at most 40",
        ),
        (
            "/accounts/nonprod/logs",
            json!({"group": "/ecs/{account}"}),
            "`accounts.nonprod.logs.group`: `/ecs/{account}` is not the name of a log group like `/ecs/{cluster}`",
        ),
        (
            "/accounts/nonprod/logs",
            json!({"group": "/ecs/x", "retentionInDays": 31}),
            "`accounts.nonprod.logs.retentionInDays`: `31` is not one of 1, 3, 5",
        ),
        (
            "/accounts/nonprod/logs",
            json!({"retentionInDays": 30}),
            "`accounts.nonprod.logs`: missing field `group`",
        ),
        (
            "/defaults",
            json!({"logGroups": ["?"]}),
            "`defaults.logGroups`: `?` is not the name of a log group",
        ),
        (
            "/defaults",
            json!({"logs": {"group": ""}}),
            "`defaults.logs.group`: `` is not the name of a log group",
        ),
        (
            "/callers/1",
            json!({"name": "again", "invoke": true, "grants": [{"accounts": ["*"], "access": "read"}]}),
            "caller `nightly`: `invoke` belongs to another caller too",
        ),
        (
            "/accounts/nonprod/accountId",
            json!("111122223333"),
            "`accounts.nonprod`: `roleArn` and `accountId` both say",
        ),
        (
            "/accounts/other",
            json!({"region": "us-east-1"}),
            "`accounts.other`: give its `accountId`, or the `roleArn`",
        ),
        (
            "/accounts/other",
            json!({"accountId": "111122223333"}),
            "`accounts.other`: give its `region`, here or in",
        ),
        (
            "/accounts/other",
            json!({"accountId": "1111"}),
            "`accounts.other.accountId`: `1111` is not the id of an account",
        ),
        (
            "/accounts/other",
            json!({"accountId": 111_122_223_333_u64}),
            "`accounts.other.accountId`: invalid type: integer",
        ),
        (
            "/accounts/other",
            json!("111122223333"),
            "`accounts.other`: invalid type: string",
        ),
        (
            "/defaults",
            json!({"regoin": "us-east-1"}),
            "`defaults.regoin`: unknown field `regoin`, expected one of",
        ),
        (
            "/defaults",
            json!({"region": "virginia"}),
            "`defaults.region`: `virginia` is not a region",
        ),
        (
            "/defaults",
            json!({"externalId": "?"}),
            "`defaults.externalId`: has 2 to 1224",
        ),
        (
            "/defaults",
            json!({"roleName": "a b"}),
            "`defaults.roleName`: `a b` is not the name of a role",
        ),
        (
            "/defaults",
            json!({"defaultSubnets": ["subnet-1"]}),
            "`defaults.defaultSubnets`: unknown field",
        ),
        (
            "/defaults",
            json!({"secret": "x"}),
            "`defaults.secret` is not accepted: no static credentials",
        ),
        ("/logLevel", json!("loud"), "unknown variant `loud`"),
    ] {
        let error = refused(&changed(pointer, value));
        assert!(error.contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn a_role_and_a_region_of_two_partitions_do_not_go_together() {
    let config = json!({"accounts": {"china": {
        "roleArn": "arn:aws:iam::111122223333:role/ecs-api", "region": "cn-north-1",
    }}});
    let error = refused(&config);
    let expected = "`accounts.china.region`: `cn-north-1` is in the partition `aws-cn`, but `roleArn` in `aws`";
    assert!(error.contains(expected), "{error}");
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

fn parts(parts: &[(&str, &str)]) -> Texts {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Texts::Parts(parts.iter().map(owned).collect())
}

#[test]
fn parts_come_to_what_one_text_comes_to() {
    let documented = documented();
    let mut texts = BTreeMap::from([(VERSION.to_owned(), "7".to_owned())]);
    for (name, account) in documented["accounts"].as_object().unwrap() {
        texts.insert(format!("accounts/{name}"), account.to_string());
    }
    for caller in documented["callers"].as_array().unwrap() {
        let name = caller["name"].as_str().unwrap();
        texts.insert(format!("callers/{name}"), caller.to_string());
    }
    for member in ["corsOrigins", "logLevel"] {
        texts.insert(member.to_owned(), documented[member].to_string());
    }
    let parted = Texts::Parts(texts).parse().unwrap();
    let whole = Config::parse(documented.to_string().as_bytes()).unwrap();
    assert!(parted.accounts == whole.accounts);
    let names = |config: &Config| {
        let mut names: Vec<_> = config
            .callers
            .iter()
            .map(|caller| caller.name.clone())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&parted), names(&whole));
    assert_eq!(
        (parted.cors_origins, parted.log_level),
        (whole.cors_origins, whole.log_level)
    );
}

#[test]
fn a_caller_is_named_by_its_part() {
    let grants = r#""invoke": true, "grants": [{"accounts": ["*"], "access": "read"}]"#;
    let account = (
        "accounts/a",
        r#"{"accountId": "444455556666", "region": "us-east-1"}"#,
    );
    let caller = format!("{{{grants}}}");
    let config = parts(&[account, ("callers/nightly", &caller)])
        .parse()
        .unwrap();
    assert_eq!(config.callers[0].name, "nightly");
}

#[test]
fn texts_are_told_apart_by_names_and_texts() {
    let digests = [
        parts(&[("a", "bc")]),
        parts(&[("ab", "c")]),
        parts(&[("a", "bc"), ("d", "")]),
        Texts::Whole(b"abc".to_vec()),
    ]
    .map(|texts| texts.digest());
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest), "{digests:?}");
    }
    assert_eq!(
        parts(&[("a", "bc")]).digest(),
        parts(&[("a", "bc")]).digest()
    );
}

#[test]
fn the_name_of_a_parameter_is_absolute_and_that_of_a_path_ends_in_a_slash() {
    for (name, is_path) in [
        ("/config", Some(false)),
        ("/ecs-api/config", Some(false)),
        ("/ecs-api/config/", Some(true)),
        ("config", None),
        ("/", None),
        ("//config", None),
        ("/ecs-api/config:3", None),
        ("/ecs-api/*", None),
    ] {
        let parsed = ParameterName::parse(name);
        assert_eq!(
            parsed.ok().map(|parsed| parsed.is_path()),
            is_path,
            "{name}"
        );
    }
    assert_eq!(
        ParameterName::parse("config").unwrap_err().to_string(),
        "ECS_API_CONFIG_PARAMETER: `config` is not the name of a parameter like `/ecs-api/config`, or of a path of them like \
         `/ecs-api/config/`"
    );
}
