//! The answers of IAM's simulator about roles, and of ECS about the settings of accounts.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::text;

const NO_SUCH_ROLE: Rule = Rule {
    status: 404,
    code: "NoSuchEntity",
    message: "Role {} does not exist.",
    source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",
};
const MAY_NOT_ASK: Rule = Rule {
    status: 403,
    code: "AccessDenied",
    message: "User: {} is not authorized to perform: iam:SimulatePrincipalPolicy on resource: {} because no identity-based \
              policy allows the iam:SimulatePrincipalPolicy action",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html",
};

/// The decisions of a page where nobody says how many
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>).
const PAGE: usize = 100;
/// The beginning of every marker; the number of decisions before the page follows.
const MARKER: &str = "after-";

/// The keys that the policies of a member's role ask for, with the only value under which they allow an action.
const CONDITIONS: [(&str, &str, &str); 5] = [
    (
        "ecs:RegisterTaskDefinition",
        "ecs:compute-compatibility",
        "FARGATE",
    ),
    (
        "iam:PassRole",
        "iam:PassedToService",
        "ecs-tasks.amazonaws.com",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "iam:AWSServiceName",
        "ecs.amazonaws.com",
    ),
    (
        "route53:ChangeResourceRecordSets",
        "route53:ChangeResourceRecordSetsActions",
        "DELETE",
    ),
    (
        "logs:DeleteLogGroup",
        "aws:ResourceTag/ecs-api:request-id",
        "readiness/0",
    ),
];

const WRONG_MARKER: Rule = Rule {
    status: 400,
    code: "InvalidInput",
    message: "Invalid Marker: {}",
    source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",
};

/// Answers what a role may do. The role that asks needs the permission to, for each role that it asks about.
pub(super) fn simulate(exchange: &Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input();
    let role = text(input, "PolicySourceArn");
    let circumstances = &exchange.circumstances;
    let is_in = |list: &[(String, String)], action: &str| {
        let mut list = list.iter();
        list.any(|(of, denied)| of == role && denied == action)
    };
    if is_in(
        &circumstances.lacking_permissions,
        "iam:SimulatePrincipalPolicy",
    ) {
        return MAY_NOT_ASK.refuse_naming(&[
            "arn:aws:sts::111122223333:assumed-role/ecs-api/ecs-api",
            role,
        ]);
    }
    if circumstances
        .missing_roles
        .iter()
        .any(|missing| missing == role)
    {
        return NO_SUCH_ROLE.refuse_naming(&[role.rsplit('/').next().unwrap_or_default()]);
    }
    let context = context(input);
    let actions = members(input, "ActionNames.member.");
    let marker = input["Marker"].as_str();
    let Some(begin) = marker.map_or(Some(0), beginning) else {
        return WRONG_MARKER.refuse_naming(&[marker.unwrap_or_default()]);
    };
    let asked = text(input, "MaxItems").parse().unwrap_or(PAGE);
    let page_max = circumstances.simulated_page_max.min(asked);
    let end = begin.saturating_add(page_max).min(actions.len());
    let mut results = String::new();
    for action in actions.iter().take(end).skip(begin).copied() {
        let missing = CONDITIONS
            .iter()
            .find(|(of, key, value)| *of == action && context.get(*key) != Some(&json!(value)));
        let decision = if is_in(&circumstances.forbidden_permissions, action) {
            "explicitDeny"
        } else if missing.is_some() || is_in(&circumstances.lacking_permissions, action) {
            "implicitDeny"
        } else {
            "allowed"
        };
        let missing =
            missing.map_or_else(String::new, |(_, key, _)| format!("<member>{key}</member>"));
        write!(
            results,
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>{decision}\
             </EvalDecision><MatchedStatements/><MissingContextValues>{missing}</MissingContextValues></member>"
        )
        .expect("a text takes all");
    }
    let more = if end < actions.len() {
        format!("<IsTruncated>true</IsTruncated><Marker>{MARKER}{end}</Marker>")
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    };
    Ok(format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
         {more}<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>\
         </SimulatePrincipalPolicyResponse>"
    )
    .into())
}

/// Returns the number of decisions that come before a page.
fn beginning(marker: &str) -> Option<usize> {
    marker.strip_prefix(MARKER)?.parse().ok()
}

/// Returns the elements of a list of the query protocol: `ActionNames.member.1` and so on.
fn members<'i>(input: &'i Value, prefix: &str) -> Vec<&'i str> {
    let numbered = (1..).map(|number| input[format!("{prefix}{number}")].as_str());
    numbered.map_while(|value| value).collect()
}

/// Returns the keys that are given, each with its first value.
fn context(input: &Value) -> Map<String, Value> {
    let entry = |number: usize| {
        let part = |name: &str| input[format!("ContextEntries.member.{number}.{name}")].as_str();
        let value = part("ContextKeyValues.member.1").unwrap_or_default();
        Some((part("ContextKeyName")?.to_owned(), json!(value)))
    };
    (1..).map_while(entry).collect()
}

/// Answers the settings that are in force
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListAccountSettings.html>).
pub(super) fn list_account_settings(exchange: &Exchange<'_>) -> Value {
    let form = if exchange.circumstances.has_long_arns {
        "enabled"
    } else {
        "disabled"
    };
    let principal = format!("arn:aws:iam::{}:root", exchange.call.account);
    let setting = |name: &str, value: &str| json!({"name": name, "value": value, "principalArn": principal, "type": "user"});
    json!({"settings": [
        setting("containerInsights", "disabled"),
        setting("serviceLongArnFormat", form),
        setting("tagResourceAuthorization", "on"),
        setting("taskLongArnFormat", form),
    ]})
}
