//! The CloudFormation templates: what installers script against, and permissions for what the code calls, no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use ecs_api::orchestration::readiness;
use serde_json::{Value, json};

use crate::rooms::sources;
use crate::support::ChildGuard;

/// A template with its intrinsic functions in their long form.
pub fn template(path: &str) -> &'static Value {
    static TEMPLATES: OnceLock<Value> = OnceLock::new();
    let templates = TEMPLATES.get_or_init(|| ChildGuard::start("templates.py", &[]).1);
    templates
        .get(path)
        .unwrap_or_else(|| panic!("there is no {path}"))
}

const HUB: &str = "template.yaml";
const MEMBER: &str = "templates/member-account.yaml";
const CALLERS: &str = "templates/callers.yaml";

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// `list_task_definitions` → `ListTaskDefinitions`.
fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

/// The SDK clients that the code makes, by the IAM prefix of what they call, and the fields that hold them.
const CLIENTS: [(&str, &str, &str); 8] = [
    ("ecs", "ecs", "aws_sdk_ecs"),
    ("servicediscovery", "discovery", "aws_sdk_servicediscovery"),
    ("logs", "logs", "aws_sdk_cloudwatchlogs"),
    ("iam", "iam", "aws_sdk_iam"),
    ("sqs", "sqs", "aws_sdk_sqs"),
    ("dynamodb", "dynamodb", "aws_sdk_dynamodb"),
    ("ssm", "ssm", "aws_sdk_ssm"),
    // Its `GetCallerIdentity`, which the start asks for, needs no permission.
    ("sts", "sts", "aws_sdk_sts"),
];

/// The code without its tests and without white space, by file.
fn code() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root)
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"));
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .split("#[cfg(test)]")
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        (
            path.strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
            code,
        )
    };
    files.map(read).collect()
}

/// Every operation that the code calls, as IAM names it: `account.ecs.list_clusters()` is `ecs:ListClusters`.
fn operations() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // Only there may AWS be called (`rooms.rs`); elsewhere `.logs.` is a member of the configuration.
    let calling = |file: &str| file == "aws.rs" || file.starts_with("aws/");
    for (_, code) in code().iter().filter(|(file, _)| calling(file)) {
        for (prefix, field, _) in CLIENTS {
            for call in code.split(&format!(".{field}.")).skip(1) {
                let method = call.split("()").next().unwrap();
                if method
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '_')
                {
                    found.insert(format!("{prefix}:{}", camel(method)));
                }
            }
        }
        if code.contains("AssumeRoleProvider::builder(") {
            found.insert("sts:AssumeRole".to_owned());
        }
    }
    found
}

#[test]
fn every_client_of_the_sdk_is_known_and_every_operation_is_named_where_it_is_called() {
    let (mut clients, mut named) = (
        BTreeSet::new(),
        BTreeSet::from(["sts:AssumeRole".to_owned()]),
    );
    // What readiness names there, it asks IAM about.
    let naming = code();
    let naming = naming
        .iter()
        .filter(|(file, _)| !file.starts_with("orchestration/readiness/"));
    for (_, code) in naming {
        let made = code
            .split("::Client")
            .map(|before| before.rsplit(|c: char| !c.is_alphanumeric() && c != '_'));
        clients.extend(
            made.map(|mut before| before.next().unwrap().to_owned())
                .filter(|name| name.starts_with("aws_")),
        );
        for text in code.split('"') {
            let is_operation = CLIENTS.iter().any(|(prefix, ..)| {
                text.strip_prefix(prefix)
                    .and_then(|rest| rest.strip_prefix(':'))
                    .is_some_and(|operation| {
                        operation.starts_with(|c: char| c.is_ascii_uppercase())
                            && operation.chars().all(char::is_alphanumeric)
                    })
            });
            if is_operation {
                named.insert(text.to_owned());
            }
        }
    }
    assert_eq!(
        clients,
        CLIENTS
            .iter()
            .map(|(_, _, client)| (*client).to_owned())
            .collect()
    );
    assert_eq!(operations(), named);
}

/// The actions that an operation needs beside that of its own name, and where AWS says so.
const DEPENDENT: &[(&str, &[&str])] = &[
    // "If an IAM role is specified …, iam:PassRole": execution and task roles.
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    (
        "ecs:RegisterTaskDefinition",
        &["iam:PassRole", "ecs:TagResource"],
    ),
    // As above, for a task role in `overrides`.
    ("ecs:RunTask", &["iam:PassRole", "ecs:TagResource"]),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html,
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    (
        "ecs:CreateCluster",
        &["ecs:TagResource", "iam:CreateServiceLinkedRole"],
    ),
    ("ecs:CreateService", &["iam:PassRole", "ecs:TagResource"]),
    // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    ("logs:CreateLogGroup", &["logs:TagResource"]),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html: as above, for volumes
    // and Service Connect.
    ("ecs:UpdateService", &["iam:PassRole"]),
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudmap.html
    (
        "servicediscovery:CreateService",
        &["servicediscovery:TagResource"],
    ),
    // https://docs.aws.amazon.com/cloud-map/latest/dg/cloud-map-api-permissions-ref.html names the health checks,
    // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCloudMapRegisterInstanceAccess.html all.
    (
        "servicediscovery:DeregisterInstance",
        &[
            "route53:ChangeResourceRecordSets",
            "route53:DeleteHealthCheck",
            "route53:GetHealthCheck",
            "route53:GetHostedZone",
            "route53:UpdateHealthCheck",
        ],
    ),
];

/// The actions that a role's statements allow, under whatever condition of the template.
fn actions(role: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(list) => list.iter().for_each(|each| collect(each, found)),
            Value::Object(members) => {
                let given = members
                    .get("Action")
                    .map(|action| action.as_array().cloned().unwrap_or(vec![action.clone()]));
                found.extend(
                    given
                        .into_iter()
                        .flatten()
                        .map(|action| action.as_str().unwrap().to_owned()),
                );
                members.values().for_each(|each| collect(each, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(&role["Properties"]["Policies"], &mut found);
    assert!(
        found.iter().all(|action| !action.contains('*')),
        "{found:?}"
    );
    found
}

fn set(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

/// The calls that the function makes as itself, in the hub.
const OWN_CALLS: &[&str] = &[
    "sts:AssumeRole",
    "sqs:SendMessage",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "ssm:GetParameter",
    "ssm:GetParametersByPath",
];

#[test]
fn the_members_role_allows_what_the_code_calls_there_and_nothing_else() {
    let mut needed = operations();
    for own in OWN_CALLS {
        assert!(needed.remove(*own), "{own} is the function's own");
    }
    for (operation, dependent) in DEPENDENT {
        assert!(needed.contains(*operation), "nothing calls {operation}");
        needed.extend(set(dependent));
    }
    assert_eq!(actions(&template(MEMBER)["Resources"]["Role"]), needed);
}

#[test]
fn readiness_asks_about_each_permission_of_the_members_role() {
    let mut asked: BTreeSet<_> = readiness::actions().map(str::to_owned).collect();
    assert_eq!(
        asked.len(),
        readiness::actions().count(),
        "each action is asked about once"
    );
    asked.extend(set(&readiness::OWN_ACTIONS));
    assert_eq!(actions(&template(MEMBER)["Resources"]["Role"]), asked);
}

#[test]
fn the_members_role_sees_the_permissions_of_itself_and_of_the_roles_of_tasks_alone() {
    let statements = &template(MEMBER)["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        ["Statement"];
    let resource_of = |sid: &str| {
        let mut statements = statements.as_array().unwrap().iter();
        statements
            .find(|statement| statement["Sid"] == sid)
            .unwrap()["Resource"]
            .clone()
    };
    assert_eq!(
        resource_of("SeesOwnPermissions"),
        json!({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${RoleName}"})
    );
    assert_eq!(
        resource_of("SeesPermissionsOfTasks"),
        resource_of("PassRolesToTasks")
    );
}

#[test]
fn the_functions_role_allows_what_the_code_and_lambda_call_as_it_and_nothing_else() {
    let code = set(OWN_CALLS);
    assert!(operations().is_superset(&code));
    // https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html: what Lambda does as the role.
    let lambda = set(&[
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "kms:Decrypt",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ]);
    assert_eq!(
        actions(&template(HUB)["Resources"]["FunctionRole"]),
        &code | &lambda
    );
}

#[test]
fn a_role_is_passed_to_tasks_or_to_ecs_and_only_by_name() {
    let statements = &template(MEMBER)["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        ["Statement"];
    // A statement that is there on a condition is in an `Fn::If`.
    let all = statements.as_array().unwrap().iter();
    let all = all.map(|statement| statement["Fn::If"].get(1).unwrap_or(statement));
    let passing: Vec<_> = all
        .filter(|statement| statement["Action"] == "iam:PassRole")
        .collect();
    let services: Vec<_> = passing
        .iter()
        .map(|statement| statement["Condition"].clone())
        .collect();
    let to = |service: &str| json!({"StringEquals": {"iam:PassedToService": service}});
    assert_eq!(
        services,
        [to("ecs-tasks.amazonaws.com"), to("ecs.amazonaws.com")]
    );
    assert_eq!(
        passing[1]["Resource"],
        json!({"Ref": "InfrastructureRoleArns"})
    );
    let named = passing[0]["Resource"].to_string();
    assert!(!named.contains('*'), "{named}");
    let trust = &template(MEMBER)["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(
        trust[0]["Principal"],
        json!({"AWS": {"Ref": "TrustedRoleArn"}})
    );
    assert_eq!(
        trust[0]["Condition"],
        json!({"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}})
    );
    assert_eq!(trust.as_array().map(Vec::len), Some(1));
}

/// A new account has no execution role, and AWS's own policy for one makes no log groups: without a group, no task starts.
#[test]
fn an_execution_role_that_is_created_may_create_log_groups() {
    let member = template(MEMBER);
    let role = &member["Resources"]["ExecutionRole"];
    assert_eq!(role["Condition"], "CreatesExecutionRole");
    assert_eq!(
        member["Parameters"]["CreateExecutionRole"]["Default"],
        "false"
    );
    assert_eq!(role["Properties"]["RoleName"], "ecsTaskExecutionRole");
    assert_eq!(actions(role), set(&["logs:CreateLogGroup"]));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[test]
fn no_template_takes_its_partition_for_granted() {
    for path in [HUB, MEMBER, CALLERS] {
        let text = template(path).to_string();
        assert!(
            !text.contains("arn:aws:"),
            "{path} names the partition `aws`"
        );
    }
}

fn statement<'t>(policy: &'t Value, sid: &str) -> &'t Value {
    let statements = policy["Statement"].as_array().expect("a list");
    // A statement that is there under a condition of the template is the second of `Fn::If`.
    let plain = |statement: &'t Value| statement.pointer("/Fn::If/1").unwrap_or(statement);
    let mut found = statements
        .iter()
        .map(plain)
        .filter(|each| each["Sid"] == sid);
    found.next().unwrap_or_else(|| panic!("no statement {sid}"))
}

fn members_policy() -> &'static Value {
    &template(MEMBER)["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
}

/// Root on an instance of the account is what EC2, host network, host volumes and `privileged` come to. The local AWS does not
/// know these keys.
#[test]
fn nothing_is_registered_but_for_fargate_unless_the_accounts_owner_says_so() {
    let conditions = [
        (
            "NothingButFargate",
            json!({"ForAnyValue:StringNotEquals": {"ecs:compute-compatibility": "FARGATE"}}),
        ),
        (
            "NothingUnsaid",
            json!({"Null": {"ecs:compute-compatibility": "true"}}),
        ),
        (
            "NothingPrivileged",
            json!({"StringEquals": {"ecs:privileged": "true"}}),
        ),
    ];
    for (sid, condition) in conditions {
        let denied = statement(members_policy(), sid);
        assert_eq!(
            denied,
            &json!({"Sid": sid, "Effect": "Deny", "Action": "ecs:RegisterTaskDefinition", "Resource": "*",
                    "Condition": condition})
        );
        let statements = members_policy()["Statement"].as_array().unwrap();
        let conditional = json!({"Fn::If": ["IsFargateAlone", denied, {"Ref": "AWS::NoValue"}]});
        assert!(statements.contains(&conditional), "{sid}");
    }
    let member = template(MEMBER);
    assert_eq!(
        member["Conditions"]["IsFargateAlone"],
        json!({"Fn::Equals": [{"Ref": "AllowedCompute"}, "FARGATE"]})
    );
    let compute = &member["Parameters"]["AllowedCompute"];
    assert_eq!(
        (&compute["Default"], &compute["AllowedValues"]),
        (&json!("FARGATE"), &json!(["FARGATE", "ANY"]))
    );
}

#[test]
fn records_of_zones_are_deleted_and_never_made() {
    let allowed = statement(members_policy(), "CloudMapDeletesRecords");
    assert_eq!(allowed["Action"], "route53:ChangeResourceRecordSets");
    assert_eq!(
        allowed["Condition"],
        json!({"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsActions": ["DELETE"]},
               "Null": {"route53:ChangeResourceRecordSetsActions": "false"}})
    );
    assert!(
        allowed["Resource"].to_string().contains("NamespaceZoneIds"),
        "{allowed}"
    );
}

/// Returns `true` if a value fits a parameter's pattern, which CloudFormation holds each entry of a list against.
fn fits(path: &str, parameter: &str, value: &str) -> bool {
    let pattern = template(path)["Parameters"][parameter]["AllowedPattern"].as_str();
    let pattern = format!(
        "^(?:{})$",
        pattern.unwrap_or_else(|| panic!("{parameter} has no pattern"))
    );
    jsonschema::is_valid(
        &json!({"type": "string", "pattern": pattern}),
        &json!(value),
    )
}

#[test]
fn parameters_take_nothing_that_opens_more_than_they_name() {
    let role = "arn:aws:iam::111122223333:role/tasks";
    for (path, parameter, value, is_taken) in [
        (MEMBER, "PassRoleArns", "", true),
        (MEMBER, "PassRoleArns", role, true),
        (
            MEMBER,
            "PassRoleArns",
            "arn:aws-cn:iam::111122223333:role/team/tasks-*",
            true,
        ),
        (MEMBER, "PassRoleArns", "*", false),
        (
            MEMBER,
            "PassRoleArns",
            "arn:aws:iam::111122223333:role/*",
            false,
        ),
        (MEMBER, "PassRoleArns", "arn:aws:iam::*:role/tasks", false),
        (MEMBER, "PassRoleArns", "arn:aws:iam::111122223333:*", false),
        (MEMBER, "InfrastructureRoleArns", "*", false),
        (MEMBER, "LogGroupPatterns", "/ecs/*", true),
        (MEMBER, "LogGroupPatterns", "a:b", false),
        (MEMBER, "NamespaceZoneIds", "Z0123456789ABC", true),
        (MEMBER, "NamespaceZoneIds", "Z*", false),
        (CALLERS, "Accounts", "nonprod,prod", true),
        (CALLERS, "Accounts", "non'prod", false),
        (HUB, "ConfigParameter", "", true),
        (HUB, "ConfigParameter", "/ecs-api/config", true),
        (HUB, "ConfigParameter", "/ecs-api/config/", true),
        (HUB, "ConfigParameter", "/ecs-api/config:3", true),
        (HUB, "ConfigParameter", "ecs-api-config:3", true),
        // The permission to read it would be for another.
        (HUB, "ConfigParameter", "ecs-api-config", false),
        (HUB, "ConfigParameter", "/", false),
        (HUB, "ConfigParameter", "/*", false),
        (HUB, "OrganizationId", "o-a1b2c3d4e5", true),
        (HUB, "OrganizationId", "*", false),
    ] {
        assert_eq!(
            fits(path, parameter, value),
            is_taken,
            "{parameter}: {value}"
        );
    }
}

/// An event says of itself that it is a gateway's. The function believes it where it came through this alias.
#[test]
fn only_gateways_may_invoke_the_alias_for_gateways() {
    let resources = template(HUB)["Resources"].as_object().unwrap();
    assert_eq!(resources["GatewayAlias"]["Properties"]["Name"], "gateway");
    let variables = &resources["Function"]["Properties"]["Environment"]["Variables"];
    assert_eq!(variables["ECS_API_GATEWAY_ALIAS"], "gateway");
    let alias = json!({"Ref": "GatewayAlias"});
    assert_eq!(
        resources["Integration"]["Properties"]["IntegrationUri"],
        alias
    );
    let permissions = resources
        .values()
        .filter(|each| each["Type"] == "AWS::Lambda::Permission");
    let permissions: Vec<_> = permissions.map(|each| &each["Properties"]).collect();
    assert_eq!(permissions.len(), 1);
    assert_eq!(permissions[0]["FunctionName"], alias);
    assert_eq!(permissions[0]["Principal"], "apigateway.amazonaws.com");
    assert!(
        permissions[0]["SourceArn"]["Fn::Sub"]
            .as_str()
            .unwrap()
            .contains("${Api}/*")
    );
}

#[test]
fn whoever_is_unknown_uses_up_nothing_that_callers_need() {
    let resources = template(HUB)["Resources"].as_object().unwrap();
    let settings = &resources["Stage"]["Properties"]["RouteSettings"];
    let routes = resources
        .values()
        .filter(|each| each["Type"] == "AWS::ApiGatewayV2::Route");
    let open: BTreeSet<_> = routes
        .map(|route| route["Properties"]["RouteKey"].as_str().unwrap())
        .filter(|key| *key != "$default")
        .collect();
    assert_eq!(names(settings), open);
    for setting in settings.as_object().unwrap().values() {
        let rates = json!({"ThrottlingRateLimit": {"Ref": "PublicRateLimit"}, "ThrottlingBurstLimit": {"Ref": "PublicBurstLimit"}});
        assert_eq!(*setting, rates);
    }
    // The stage refuses settings of routes that are not there yet.
    assert_eq!(
        resources["Stage"]["DependsOn"].as_array().map(Vec::len),
        Some(open.len())
    );
}

#[test]
fn the_access_log_takes_no_text_of_a_callers() {
    let format = &template(HUB)["Resources"]["Stage"]["Properties"]["AccessLogSettings"]["Format"];
    let format = format.as_str().unwrap();
    let line: Value = serde_json::from_str(format).expect("a line of the access log is JSON");
    let taken: BTreeSet<_> = line
        .as_object()
        .unwrap()
        .values()
        .map(|value| value.as_str().unwrap())
        .collect();
    // What AWS itself makes: times, ids, addresses, numbers, keys of routes, ARNs.
    let made_by_aws = [
        "$context.requestTime",
        "$context.requestId",
        "$context.identity.sourceIp",
        "$context.routeKey",
        "$context.status",
        "$context.error.responseType",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.responseLength",
        "$context.identity.userArn",
        "$context.integrationStatus",
        "$context.integration.requestId",
    ];
    assert_eq!(taken, made_by_aws.into());
}

/// A message makes the function delete what the members' roles can.
#[test]
fn nobody_but_the_function_and_named_operators_sends_to_the_queue() {
    let properties = &template(HUB)["Resources"]["CleanupQueuePolicy"]["Properties"];
    assert_eq!(properties["Queues"], json!([{"Ref": "CleanupQueue"}]));
    let denied = statement(&properties["PolicyDocument"], "NobodyElseSends");
    assert_eq!(
        (&denied["Effect"], &denied["Principal"], &denied["Action"]),
        (&json!("Deny"), &json!("*"), &json!("sqs:SendMessage"))
    );
    let except = &denied["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]["Fn::If"];
    assert_eq!(
        (&except[0], &except[2]),
        (
            &json!("HasOperators"),
            &json!({"Fn::GetAtt": ["FunctionRole", "Arn"]})
        )
    );
}

#[test]
fn what_happened_outlives_the_stack_and_what_is_given_is_not_shown() {
    let hub = template(HUB);
    let resources = hub["Resources"].as_object().unwrap();
    for (name, group) in resources
        .iter()
        .filter(|(_, each)| each["Type"] == "AWS::Logs::LogGroup")
    {
        assert_eq!(group["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(group["UpdateReplacePolicy"], "Retain", "{name}");
    }
    assert_eq!(hub["Parameters"]["Config"]["NoEcho"], true);
    let key =
        json!({"Fn::If": ["EncryptsEnvironment", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]});
    assert_eq!(resources["Function"]["Properties"]["KmsKeyArn"], key);
    assert_eq!(
        resources["Api"]["Properties"]["DisableExecuteApiEndpoint"],
        json!({"Fn::If": ["HasDomain", true, false]})
    );
    let assume =
        &resources["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0];
    assert_eq!(
        assume["Condition"]["Fn::If"][1],
        json!({"StringEquals": {"aws:ResourceOrgID": {"Ref": "OrganizationId"}}})
    );
}

/// The types that have no tags of their own.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>
const UNTAGGABLE: [&str; 9] = [
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::Route53::RecordSet",
    "AWS::SQS::QueuePolicy",
];

#[test]
fn everything_that_can_have_tags_has_them() {
    for path in [HUB, MEMBER, CALLERS] {
        for (name, resource) in template(path)["Resources"].as_object().unwrap() {
            let tags = &resource["Properties"]["Tags"];
            let is_tagged = tags["Application"] == "ecs-api"
                || *tags == json!([{"Key": "Application", "Value": "ecs-api"}]);
            let can_be = !UNTAGGABLE.contains(&resource["Type"].as_str().unwrap());
            assert_eq!(
                is_tagged, can_be,
                "{path}: {name} is a {}",
                resource["Type"]
            );
        }
    }
}

/// In every `AuthMode` a browser may ask what it may send, and anybody for what is public.
#[test]
fn what_needs_no_caller_passes_the_gateway_without_credentials() {
    let resources = template(HUB)["Resources"].as_object().unwrap();
    let routes = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::Route");
    let mut open = BTreeSet::new();
    for route in routes {
        let (key, properties) = (
            route["Properties"]["RouteKey"].as_str().unwrap(),
            &route["Properties"],
        );
        if key == "$default" {
            assert_eq!(
                properties["AuthorizationType"],
                json!({"Fn::If": ["TokensOnly", "NONE", {"Fn::If": ["UsesJwt", "JWT", "AWS_IAM"]}]})
            );
        } else {
            assert!(
                properties.get("AuthorizationType").is_none()
                    && properties.get("AuthorizerId").is_none(),
                "{key}"
            );
            open.insert(key);
        }
    }
    let public =
        ["ping", "version", "openapi.json", "docs"].map(|name| format!("ANY /v1/ecs/{name}"));
    let expected = public
        .iter()
        .map(String::as_str)
        .chain(["OPTIONS /{proxy+}"])
        .collect();
    assert_eq!(open, expected);
}

/// Lambda stops what it takes for a loop after 16 rounds
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>), and a slow delete has more.
#[test]
fn lambda_does_not_take_the_functions_own_queue_for_a_mistake() {
    let resources = &template(HUB)["Resources"];
    assert_eq!(
        resources["CleanupFeedsFunction"]["Properties"]["FunctionName"],
        json!({"Ref": "Function"})
    );
    assert_eq!(
        resources["Function"]["Properties"]["RecursiveLoop"],
        "Allow"
    );
}

#[test]
fn installers_find_every_parameter_and_output_that_was_promised() {
    let hub = template(HUB);
    for name in [
        "Config",
        "ConfigParameter",
        "MemberRoleName",
        "AuthMode",
        "JwtIssuer",
        "JwtAudience",
        "Architecture",
        "MemorySize",
        "LogRetentionDays",
        "AwsEndpointUrl",
    ] {
        assert!(names(&hub["Parameters"]).contains(name), "{name}");
    }
    for name in [
        "ApiUrl",
        "ApiId",
        "FunctionArn",
        "FunctionRoleArn",
        "CleanupQueueUrl",
        "DirectArn",
        "GatewayArn",
    ] {
        assert!(names(&hub["Outputs"]).contains(name), "{name}");
    }
    for (name, parameter) in hub["Parameters"].as_object().unwrap() {
        assert!(parameter.get("Default").is_some(), "{name} has no default");
    }
    let member = template(MEMBER);
    assert_eq!(
        names(&member["Parameters"]),
        [
            "AllowedCompute",
            "CreateExecutionRole",
            "ExternalId",
            "InfrastructureRoleArns",
            "LogGroupPatterns",
            "NamespaceZoneIds",
            "PassRoleArns",
            "RoleName",
            "TrustedRoleArn",
        ]
        .into()
    );
    assert_eq!(
        names(&member["Outputs"]),
        ["ExecutionRoleArn", "RoleArn"].into()
    );
}

#[test]
fn the_documentation_tells_of_every_parameter_with_its_default() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy.md")).unwrap();
    for path in [HUB, MEMBER] {
        for (name, parameter) in template(path)["Parameters"].as_object().unwrap() {
            let row = page
                .lines()
                .find(|line| line.starts_with("| ") && line.contains(&format!("`{name}`")));
            let row =
                row.unwrap_or_else(|| panic!("docs/deploy.md says nothing of {path}'s {name}"));
            let default = parameter
                .get("Default")
                .map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
            let default = default.filter(|default| !default.is_empty());
            assert!(
                default
                    .as_ref()
                    .is_none_or(|default| row.contains(&format!("`{default}`"))),
                "{default:?}: {row}"
            );
        }
    }
}
