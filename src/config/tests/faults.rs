//! The faults of a configuration, each with its place.

use super::*;

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
        // No container can log there: AWS keeps these names for itself.
        (
            "/accounts/nonprod/logGroups",
            json!(["aws/*"]),
            "`accounts.nonprod.logGroups`: `aws/*` is not the name of a log group",
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
