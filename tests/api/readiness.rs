//! `GET /{account}/readiness`: what an account lacks for a create, and what mends it.

use std::time::Duration;

use ecs_api::config::LogLevel;
use fake_aws::Fault;
use serde_json::{Value, json};

use crate::secrets::Log;
use crate::support::scripted::{MEMBER, ScriptedApp};

const ROLE: &str = "arn:aws:iam::111122223333:role/ecs-api";
const EXECUTION_ROLE: &str = "arn:aws:iam::111122223333:role/ecsTaskExecutionRole";
const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// An account whose containers log to one group, which is there.
fn logging() -> ScriptedApp {
    let app = without_group();
    let group = json!({"logGroupName": "/ecs/all"});
    app.aws.put(MEMBER, "logs:CreateLogGroup", &group).unwrap();
    app
}

fn without_group() -> ScriptedApp {
    ScriptedApp::with_account(&json!({"logs": {"group": "/ecs/all"}}))
}

async fn readiness(app: &ScriptedApp) -> Value {
    app.send("GET", "/nonprod/readiness", None, &Value::Null)
        .await
        .expect(200)
}

fn check<'r>(readiness: &'r Value, name: &str) -> &'r Value {
    let mut checks = readiness["Checks"].as_array().unwrap().iter();
    checks
        .find(|check| check["Name"] == name)
        .unwrap_or_else(|| panic!("there is no check {name}: {readiness}"))
}

/// The names of the checks whose result is this; `null` for those that are not known.
fn names(readiness: &Value, ok: &Value) -> Vec<String> {
    let checks = readiness["Checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["Ok"] == *ok)
        .map(|check| check["Name"].as_str().unwrap().to_owned())
        .collect()
}

/// Asserts that everything is well but these, and what is told of the first.
#[track_caller]
fn assert_lacks(readiness: &Value, lacking: &[&str], detail: &str, fix: &str) {
    assert_eq!(readiness["Ready"], false, "{readiness}");
    assert_eq!(names(readiness, &json!(false)), lacking, "{readiness}");
    assert_eq!(names(readiness, &Value::Null), ["Network"], "{readiness}");
    assert_says(readiness, lacking[0], detail, fix);
}

#[track_caller]
fn assert_says(readiness: &Value, name: &str, detail: &str, fix: &str) {
    let check = check(readiness, name);
    assert!(
        check["Detail"].as_str().unwrap().contains(detail),
        "{check}"
    );
    assert!(check["Fix"].as_str().unwrap().contains(fix), "{check}");
}

fn lack(app: &ScriptedApp, role: &str, actions: &[&str]) {
    app.aws.circumstances(MEMBER, |account| {
        let lacking = actions.iter();
        account.lacking_permissions = lacking
            .map(|action| (role.to_owned(), (*action).to_owned()))
            .collect();
    });
}

#[tokio::test(start_paused = true)]
async fn an_account_that_has_everything_is_ready() {
    let app = logging();
    let ready = readiness(&app).await;
    assert_eq!(ready["Ready"], true, "{ready}");
    assert_eq!(
        names(&ready, &json!(true)),
        [
            "AssumeRole",
            "LongArns",
            "EcsPermissions",
            "Tagging",
            "CloudMapPermissions",
            "LogGroupsAreSeen",
            "PassExecutionRole",
            "ServiceLinkedRole",
            "LogGroupPermissions",
            "LogGroupUndo",
            "LogPermissions",
            "RecordPermissions",
            "ZonePermissions",
            "HealthCheckPermissions",
            "ExecutionRole",
            "ExecutionRoleLogs",
            "LogGroup",
        ]
    );
    assert_eq!(names(&ready, &Value::Null), ["Network"]);
    let checks = ready["Checks"].as_array().unwrap();
    assert!(
        checks.iter().all(|check| check.get("Fix").is_none()),
        "{ready}"
    );
    let network = check(&ready, "Network");
    assert!(network.get("Ok").is_none());
    assert!(
        network["Detail"]
            .as_str()
            .unwrap()
            .starts_with("not looked at")
    );
}

#[tokio::test(start_paused = true)]
async fn readiness_changes_nothing_and_asks_little() {
    let app = logging();
    let before = app.inventory();
    app.aws.forget_calls();
    app.aws.set_latency(Duration::from_millis(20));
    readiness(&app).await;
    assert_eq!(app.inventory(), before);
    let mut operations = app.aws.operations();
    operations.sort();
    let mut expected = vec![SIMULATE; 8];
    expected.splice(0..0, ["ecs:ListAccountSettings"]);
    expected.extend(["logs:DescribeLogGroups", "sts:AssumeRole"]);
    assert_eq!(operations, expected);
    // The role, the settings, and the questions to IAM, four at once.
    assert_eq!(app.aws.depth(), 4);
}

/// A simulation is no change, whatever its name begins with.
#[tokio::test(start_paused = true)]
async fn the_log_tells_of_no_change_where_readiness_is_asked_for() {
    let app = logging();
    let (log, _guard) = Log::start(LogLevel::Info);
    readiness(&app).await;
    let lines = log.lines();
    let line = lines.iter().find(|line| line["message"] == "request");
    let line = line.expect("a line");
    assert_eq!(line["operation"], "show_readiness");
    assert_eq!(
        (&line["changed"], &line["aws_writes"]),
        (&json!(""), &json!(""))
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_can_not_be_assumed_is_all_that_is_told() {
    let app = logging();
    app.aws.circumstances(MEMBER, |account| {
        account.external_ids = vec![(ROLE.to_owned(), "another".to_owned())];
    });
    let lacking = readiness(&app).await;
    assert_lacks(
        &lacking,
        &["AssumeRole"],
        "can't be assumed",
        "--stack-name ecs-api-member",
    );
    assert_eq!(lacking["Checks"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(start_paused = true)]
async fn each_permission_that_the_role_lacks_is_named_with_the_policy_that_allows_it() {
    for (name, actions, resource) in [
        (
            "EcsPermissions",
            ["ecs:RunTask", "ecs:StopTask"].as_slice(),
            "*",
        ),
        ("EcsPermissions", &["ecs:RegisterTaskDefinition"], "*"),
        ("Tagging", &["ecs:TagResource"], "*"),
        ("Tagging", &["servicediscovery:TagResource"], "*"),
        (
            "CloudMapPermissions",
            &["servicediscovery:CreateService"],
            "*",
        ),
        ("LogGroupsAreSeen", &["logs:DescribeLogGroups"], "*"),
        ("PassExecutionRole", &["iam:PassRole"], EXECUTION_ROLE),
        (
            "ServiceLinkedRole",
            &["iam:CreateServiceLinkedRole"],
            "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        ),
        (
            "LogGroupPermissions",
            &["logs:CreateLogGroup", "logs:TagResource"],
            "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/all",
        ),
        (
            "LogGroupUndo",
            &["logs:DeleteLogGroup"],
            "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/all",
        ),
        (
            "LogPermissions",
            &["logs:GetLogEvents"],
            "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/all:log-stream:*",
        ),
    ] {
        let app = logging();
        lack(&app, ROLE, actions);
        let lacking = readiness(&app).await;
        assert_lacks(
            &lacking,
            &[name],
            &format!("the role needs `{}`", actions.join("`, `")),
            &format!("aws iam put-role-policy --role-name ecs-api --policy-name ecs-api-{name} "),
        );
        let fix = check(&lacking, name)["Fix"].as_str().unwrap();
        let policy = fix.split('\'').nth(1).unwrap();
        let policy: Value = serde_json::from_str(policy).unwrap();
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Action"], json!(actions));
        assert_eq!(statement["Resource"], resource);
        let has_condition =
            ["PassExecutionRole", "ServiceLinkedRole", "LogGroupUndo"].contains(&name);
        assert_eq!(statement.get("Condition").is_some(), has_condition, "{fix}");
    }
}

#[tokio::test(start_paused = true)]
async fn permissions_that_an_owner_may_have_narrowed_are_not_known_and_stop_no_create() {
    for (name, action) in [
        ("RecordPermissions", "route53:ChangeResourceRecordSets"),
        ("ZonePermissions", "route53:GetHostedZone"),
        ("HealthCheckPermissions", "route53:GetHealthCheck"),
    ] {
        let app = logging();
        lack(&app, ROLE, &[action]);
        let ready = readiness(&app).await;
        assert_eq!(names(&ready, &Value::Null), [name, "Network"], "{ready}");
        assert_says(&ready, name, "not known", action);
        assert_eq!(ready["Ready"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_is_forbidden_leads_to_the_policy_and_not_to_another_one() {
    let app = logging();
    app.aws.circumstances(MEMBER, |account| {
        let forbidden = (ROLE.to_owned(), "ecs:CreateService".to_owned());
        account.forbidden_permissions = vec![forbidden];
    });
    assert_lacks(
        &readiness(&app).await,
        &["EcsPermissions"],
        "a policy with `Deny`, its permissions boundary or the organization forbids it",
        "aws iam simulate-principal-policy --policy-source-arn arn:aws:iam::111122223333:role/ecs-api --action-names \
         ecs:CreateService --resource-arns '*'",
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_asks_for_more_of_a_request_is_not_known() {
    let app = logging();
    let body = "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>\
                <EvalActionName>iam:PassRole</EvalActionName><EvalDecision>implicitDeny</EvalDecision>\
                <MissingContextValues><member>aws:RequestTag/team</member></MissingContextValues></member>\
                </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>";
    app.aws
        .on(SIMULATE)
        .whose(|input| input["ActionNames.member.1"] == "iam:PassRole")
        .meets(Fault::body(200, body));
    let unknown = readiness(&app).await;
    assert_eq!(unknown["Ready"], false);
    let check = check(&unknown, "PassExecutionRole");
    assert!(check.get("Ok").is_none(), "{check}");
    assert!(
        check["Detail"]
            .as_str()
            .unwrap()
            .ends_with("policies ask for `aws:RequestTag/team` of a request"),
        "{check}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_ask_iam_leaves_its_permissions_unknown() {
    let app = logging();
    lack(&app, ROLE, &[SIMULATE]);
    let unknown = readiness(&app).await;
    assert_eq!(unknown["Ready"], false);
    assert_eq!(names(&unknown, &json!(false)), Vec::<String>::new());
    assert_eq!(
        names(&unknown, &json!(true)),
        [
            "AssumeRole",
            "LongArns",
            "ExecutionRole",
            "ExecutionRoleLogs",
            "LogGroup"
        ]
    );
    for name in names(&unknown, &Value::Null) {
        if name != "Network" {
            assert_says(&unknown, &name, "not known: the role", ROLE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_role_that_is_not_there_is_told_with_the_commands_that_make_it() {
    let app = logging();
    app.aws.circumstances(MEMBER, |account| {
        account.missing_roles = vec![EXECUTION_ROLE.to_owned()];
    });
    assert_lacks(
        &readiness(&app).await,
        &["ExecutionRole"],
        "there is no role `arn:aws:iam::111122223333:role/ecsTaskExecutionRole`",
        "aws iam create-role --role-name ecsTaskExecutionRole ",
    );
}

#[tokio::test(start_paused = true)]
async fn an_execution_role_that_may_not_log_is_told_with_the_policy_that_lets_it() {
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        let app = logging();
        lack(&app, EXECUTION_ROLE, &[action]);
        assert_lacks(
            &readiness(&app).await,
            &["ExecutionRoleLogs"],
            &format!("may not do `{action}` in the log group `/ecs/all`"),
            "aws iam put-role-policy --role-name ecsTaskExecutionRole ",
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_role_that_iam_may_not_be_asked_about_is_unknown() {
    let app = logging();
    lack(&app, EXECUTION_ROLE, &[SIMULATE]);
    let unknown = readiness(&app).await;
    assert_eq!(unknown["Ready"], false);
    assert_eq!(names(&unknown, &Value::Null), ["ExecutionRole", "Network"]);
    let policy = format!("\"Resource\":\"{EXECUTION_ROLE}\"");
    assert_says(&unknown, "ExecutionRole", "not known", &policy);
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_is_missing_is_no_lack_where_a_create_makes_it() {
    let app = without_group();
    let ready = readiness(&app).await;
    assert_eq!(ready["Ready"], true, "{ready}");
    let told = "there is no log group `/ecs/all` yet: a create makes it";
    assert_eq!(check(&ready, "LogGroup")["Detail"], told);
    lack(&app, ROLE, &["logs:CreateLogGroup"]);
    let lacking = readiness(&app).await;
    assert_eq!(
        names(&lacking, &json!(false)),
        ["LogGroupPermissions", "LogGroup"]
    );
    assert_says(
        &lacking,
        "LogGroup",
        "a create may not make it",
        "aws logs create-log-group --log-group-name /ecs/all --region us-east-1",
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_with_a_group_for_each_cluster_is_asked_about_an_example() {
    let app = ScriptedApp::with_account(&json!({"logs": {"group": "/ecs/{cluster}"}}));
    let ready = readiness(&app).await;
    assert_eq!(ready["Ready"], true, "{ready}");
    let told = check(&ready, "LogGroup")["Detail"].as_str().unwrap();
    assert!(
        told.contains("has a log group of its own, like `/ecs/ecs-api`"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_without_defaults_is_not_asked_about_them() {
    let app = ScriptedApp::with_account(&json!({"defaultExecutionRoleArn": null}));
    let ready = readiness(&app).await;
    assert_eq!(ready["Ready"], true, "{ready}");
    let told = names(&ready, &json!(true));
    for name in [
        "PassExecutionRole",
        "ExecutionRole",
        "ExecutionRoleLogs",
        "LogGroup",
    ] {
        assert!(!told.iter().any(|known| known == name), "{ready}");
    }
}

#[tokio::test(start_paused = true)]
async fn short_arns_are_told_with_the_settings_that_lengthen_them() {
    let app = logging();
    app.aws
        .circumstances(MEMBER, |account| account.has_long_arns = false);
    assert_lacks(
        &readiness(&app).await,
        &["LongArns"],
        "`serviceLongArnFormat` and `taskLongArnFormat`",
        "aws ecs put-account-setting-default --name serviceLongArnFormat --value enabled --region us-east-1 && \
         aws ecs put-account-setting-default --name taskLongArnFormat",
    );
}

#[tokio::test(start_paused = true)]
async fn settings_that_may_not_be_read_are_unknown() {
    let app = logging();
    let denied = Fault::refuse("AccessDeniedException", "no");
    app.aws.on("ecs:ListAccountSettings").meets(denied);
    let unknown = readiness(&app).await;
    assert_eq!(unknown["Ready"], false);
    assert_eq!(names(&unknown, &Value::Null), ["LongArns", "Network"]);
    assert_says(&unknown, "LongArns", "not known", "ecs:ListAccountSettings");
}

#[tokio::test(start_paused = true)]
async fn an_iam_that_throttles_or_is_silent_leaves_the_rest_told_in_time() {
    for fault in [
        Fault::refuse("Throttling", "Rate exceeded"),
        Fault::silence(),
    ] {
        let app = logging();
        app.aws.on(SIMULATE).meets(fault);
        let begun = tokio::time::Instant::now();
        let unknown = readiness(&app).await;
        assert!(begun.elapsed() < Duration::from_secs(29));
        assert_eq!(unknown["Ready"], false);
        assert_eq!(
            names(&unknown, &json!(true)),
            ["AssumeRole", "LongArns", "LogGroup"]
        );
        assert_eq!(names(&unknown, &json!(false)), Vec::<String>::new());
    }
}

/// Of one group, what IAM says is known; of a pattern, the account's owner may have allowed some.
#[tokio::test(start_paused = true)]
async fn logs_that_may_not_be_read_are_told_as_far_as_the_configuration_names_them() {
    for (group, ok) in [("/ecs/all", json!(false)), ("/ecs/*", Value::Null)] {
        let app = ScriptedApp::with_account(&json!({"logGroups": [group]}));
        lack(&app, ROLE, &["logs:GetLogEvents"]);
        let told = readiness(&app).await;
        let check = check(&told, "LogPermissions");
        assert_eq!(check.get("Ok").unwrap_or(&Value::Null), &ok, "{check}");
        assert_says(
            &told,
            "LogPermissions",
            "`logs:GetLogEvents`",
            &format!("log-group:{group}:log-stream:*"),
        );
    }
}

/// IAM may answer fewer decisions than were asked for, and the others behind a marker.
#[tokio::test(start_paused = true)]
async fn decisions_that_come_in_pages_are_all_heard() {
    let app = logging();
    let whole = readiness(&app).await;
    app.aws
        .circumstances(MEMBER, |account| account.simulated_page_max = 3);
    assert_eq!(readiness(&app).await, whole);
    assert_eq!(whole["Ready"], true, "{whole}");
    // A lack that only the last page tells.
    lack(&app, ROLE, &["ecs:UpdateService"]);
    assert_lacks(
        &readiness(&app).await,
        &["EcsPermissions"],
        "the role needs `ecs:UpdateService`",
        "ecs:UpdateService",
    );
}

#[tokio::test(start_paused = true)]
async fn an_ecs_that_is_out_of_order_is_a_problem_and_no_lack_of_the_account() {
    let app = logging();
    app.aws
        .on("ecs:ListAccountSettings")
        .meets(Fault::fail(500));
    let answer = app
        .send("GET", "/nonprod/readiness", None, &Value::Null)
        .await;
    answer.problem(502);
}
