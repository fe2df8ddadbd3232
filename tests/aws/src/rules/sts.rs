//! Roles that are assumed.

use serde_json::Value;

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::text;

/// One text for a caller that may not, a trust policy that does not agree, and a wrong external id.
const DENIED: Rule = Rule {
    status: 403,
    code: "AccessDenied",
    message: "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html",
};
const TOO_LONG: Rule = Rule::new(
    "ValidationError",
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
);

/// Assumes a role, where its external id agrees, for an hour at most: the caller is a role's session itself.
pub(super) async fn assume(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input();
    let role = text(input, "RoleArn");
    let seconds = input["DurationSeconds"].as_str().unwrap_or("3600");
    if seconds.parse::<u32>().is_ok_and(|seconds| seconds > 3_600) {
        return TOO_LONG.refuse();
    }
    let mut asked = exchange.circumstances.external_ids.iter();
    let wanted = asked.find(|(other, _)| other == role);
    if wanted.is_some_and(|(_, id)| id != text(input, "ExternalId")) {
        let caller = format!(
            "arn:aws:sts::{}:assumed-role/function/ecs-api",
            exchange.call.account
        );
        return DENIED.refuse_naming(&[&caller, role]);
    }
    exchange.pass().await
}
