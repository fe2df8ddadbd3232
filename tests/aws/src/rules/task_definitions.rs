//! Task definitions.

use serde_json::{Value, json};

use super::{Exchange, fargate, tags};
use crate::answer::{Refusal, Rule};
use crate::value::{default, last, list, remove, text, texts};

pub(crate) const CANNOT_DESCRIBE: Rule = Rule::new(
    "ClientException",
    "Unable to describe task definition.",
    "[ecs/controls #45, #46, #59]",
);
const WRONG_REVISION: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid task definition: Invalid revision number.",
    "[ecs/controls #47]",
);
const WRONG_INCLUDE: Rule = Rule::new(
    "ClientException",
    "{} is not a valid value for include. The value must be one of [[TAGS]]",
    "[ecs/controls #48]",
);
const NO_REVISION: Rule = Rule::new(
    "InvalidParameterException",
    "Revision is missing",
    "[ecs/controls #51]",
);
const BEING_DELETED: Rule = Rule::new(
    "ClientException",
    "The task definition could not be deregistered because it is in the process of being deleted.",
    "[ecs/controls #89]",
);
const CANNOT_DEREGISTER: Rule = Rule::new(
    "ClientException",
    "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
    "DeleteTaskDefinitions says so [ecs/controls #49]",
);
const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "taskDefinitions can have at most 10 items.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html",
);

/// Registers a revision, also an identical one: each call makes one (ecs/services #9). Much of it is filled in
/// (ecs/services #8, #10, ecs/controls #65).
pub(super) async fn register(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let mut input = exchange.input().clone();
    tags::check(list(&input, "tags"))?;
    fargate::check(&input)?;
    exchange.check_passed_roles(&input)?;
    fargate::fill_in(&mut input);
    let mut answer = exchange.ask(&exchange.call.operation, &input).await?;
    describe_made(exchange, &input, &mut answer["taskDefinition"]);
    // Absent if none was given [ecs/services #10].
    remove(&mut answer, "tags");
    if let [_, ..] = list(&input, "tags") {
        answer["tags"] = input["tags"].clone();
    }
    Ok(answer)
}

fn describe_made(exchange: &Exchange<'_>, input: &Value, definition: &mut Value) {
    let by = format!(
        "arn:aws:sts::{}:assumed-role/ecs-api/ecs-api",
        exchange.call.account
    );
    default(
        definition,
        json!({"volumes": [], "placementConstraints": [], "registeredBy": by,
        "compatibilities": fargate::compatibilities(input)}),
    );
    // Not filled in unless they were given.
    for member in [
        "runtimePlatform",
        "networkMode",
        "requiresCompatibilities",
        "executionRoleArn",
        "taskRoleArn",
        "pidMode",
        "ipcMode",
    ] {
        if input[member].is_null() || input[member] == "" {
            remove(definition, member);
        }
    }
    if list(definition, "requiresAttributes").is_empty() {
        remove(definition, "requiresAttributes");
    }
}

/// Describes a revision; `tags: []` is always there (ecs/controls #34).
pub(super) async fn describe(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    // It comes first, even if nothing is there.
    if let Some(wrong) = texts(&input, "include").find(|word| *word != "TAGS") {
        return WRONG_INCLUDE.refuse_naming(&[wrong]);
    }
    let name = text(&input, "taskDefinition");
    check_name(name)?;
    let asked = json!({"taskDefinition": name, "include": ["TAGS"]});
    let Ok(mut answer) = exchange.ask(&exchange.call.operation, &asked).await else {
        return CANNOT_DESCRIBE.refuse();
    };
    let definition = &mut answer["taskDefinition"];
    let is_family = !last(name).contains(':');
    if is_family && text(definition, "status") != "ACTIVE" {
        return CANNOT_DESCRIBE.refuse();
    }
    let described = definition.clone();
    describe_made(exchange, &described, definition);
    let has_tags = exchange.includes("TAGS") && answer["tags"].is_array();
    if !has_tags {
        answer["tags"] = json!([]);
    }
    Ok(answer)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    match last(name).split_once(':') {
        Some((_, revision)) if revision.parse::<u32>().is_err() => WRONG_REVISION.refuse(),
        _ => Ok(()),
    }
}

/// Deregisters a revision; once more is no fault (ecs/controls #52, #53).
pub(super) async fn deregister(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let name = text(exchange.input(), "taskDefinition").to_owned();
    if !last(&name).contains(':') {
        return NO_REVISION.refuse();
    }
    check_name(&name)?;
    let Some(there) = exchange.definition(&name).await? else {
        return CANNOT_DEREGISTER.refuse();
    };
    match text(&there, "status") {
        "DELETE_IN_PROGRESS" => return BEING_DELETED.refuse(),
        "INACTIVE" => return Ok(json!({"taskDefinition": there})),
        _ => {}
    }
    let mut answer = exchange.pass().await?;
    remove(&mut answer["taskDefinition"], "deregisteredAt");
    Ok(answer)
}

/// Deletes revisions that are INACTIVE; the others are failures of a 200 (ecs/controls #49, #50, #61, #63, #99).
pub(super) async fn delete(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    if list(&input, "taskDefinitions").len() > 10 {
        return TOO_MANY.refuse();
    }
    let (mut deletable, mut failures) = (Vec::new(), Vec::new());
    for name in texts(&input, "taskDefinitions") {
        let found = exchange.definition(name).await?;
        let reason = match found.as_ref().map(|found| text(found, "status")) {
            _ if !last(name).contains(':') => {
                "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."
            }
            None => {
                "The specified task definition does not exist. Specify a valid account, family, revision and try again."
            }
            Some("ACTIVE") => {
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
            }
            Some(_) => {
                deletable.push(name);
                continue;
            }
        };
        failures.push(json!({"arn": name, "reason": reason}));
    }
    let mut answer = json!({"taskDefinitions": [], "failures": []});
    if !deletable.is_empty() {
        let asked = json!({"taskDefinitions": deletable});
        answer = exchange.ask(&exchange.call.operation, &asked).await?;
    }
    let behind = list(&answer, "failures").to_vec();
    answer["failures"] = [failures, behind].concat().into();
    Ok(answer)
}
