//! UpdateService.

use serde_json::{Value, json};

use super::Exchange;
use super::new_service::check_deployment;
use super::services::{NOT_FOUND, describe_made};
use crate::answer::{Refusal, Rule};
use crate::value::{last, remove, text};

const NOT_ACTIVE: Rule = Rule::new(
    "ServiceNotActiveException",
    "Service was not ACTIVE.",
    "[ecs/services #94, #163]",
);
const NEGATIVE_COUNT: Rule = Rule::new(
    "InvalidParameterException",
    "Task count can not be lesser than 0",
    "[ecs/services #36]",
);
const REBALANCED: Rule = Rule::new(
    "InvalidParameterException",
    "The service couldn't be updated because Availability Zone Rebalancing does not support maximumPercent <= 100 % as \
     deployment configuration. Update deployment configuration and try again.",
    "[ecs/services #57]",
);
/// The words were not seen.
const EXPRESS: Rule = Rule::new(
    "InvalidParameterException",
    "{} has ResourceManagementType=ECS use UpdateExpressGatewayService to update",
    "https://github.com/kayac/ecspresso/issues/902",
);

/// Updates a service. The answer has no tags, no events and no deployment under way (ecs/services #55).
pub(super) async fn update(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let cluster = exchange.cluster_name();
    exchange.active_cluster(&cluster).await?;
    let name = last(text(exchange.input(), "service")).to_owned();
    let there = exchange.service(&cluster, &name).await?;
    let Some(there) = there else {
        return NOT_FOUND.refuse();
    };
    if text(&there, "status") != "ACTIVE" {
        return NOT_ACTIVE.refuse();
    }
    check(exchange, &there).await?;
    let before = exchange.tasks_of(&cluster, &name).await?;
    let mut answer = exchange.pass().await?;
    let mut service = answer["service"].take();
    let after = exchange.tasks_of(&cluster, &name).await?;
    let is_in = |tasks: &[Value], task: &Value| {
        tasks
            .iter()
            .any(|other| other["taskArn"] == task["taskArn"])
    };
    for task in before.iter().filter(|task| !is_in(&after, task)) {
        exchange.end_life(task, Vec::new());
    }
    for task in after.iter().filter(|task| !is_in(&before, task)) {
        exchange.begin_life(task);
    }
    describe_made(exchange, &mut service);
    if exchange.input()["taskDefinition"].is_null() {
        // After a rollback it is another than the one that the AWS behind was told.
        service["taskDefinition"] = there["taskDefinition"].clone();
    }
    exchange.update_deployments(&there, &service).await?;
    exchange.show_deployments(&mut service);
    exchange.drain(&mut service);
    for member in ["tags", "currentServiceDeployment"] {
        remove(&mut service, member);
    }
    service["events"] = json!([]);
    Ok(json!({"service": service}))
}

async fn check(exchange: &Exchange<'_>, there: &Value) -> Result<(), Refusal> {
    let input = exchange.input();
    if input["desiredCount"]
        .as_i64()
        .is_some_and(|count| count < 0)
    {
        return NEGATIVE_COUNT.refuse();
    }
    if text(there, "resourceManagementType") == "ECS" {
        return EXPRESS.refuse_naming(&[text(there, "serviceArn")]);
    }
    if let Some(name) = input["taskDefinition"].as_str() {
        let definition = exchange.usable_definition(name).await?;
        let has_network = !there["networkConfiguration"].is_null();
        if !input["networkConfiguration"].is_null() || !has_network {
            exchange.check_network(&definition)?;
        }
    }
    let configuration = &input["deploymentConfiguration"];
    check_deployment(configuration)?;
    let rebalancing = input["availabilityZoneRebalancing"].as_str();
    let rebalancing = rebalancing.unwrap_or_else(|| text(there, "availabilityZoneRebalancing"));
    let is_narrow = configuration["maximumPercent"]
        .as_i64()
        .is_some_and(|percent| percent <= 100);
    if is_narrow && rebalancing == "ENABLED" {
        return REBALANCED.refuse();
    }
    Ok(())
}
