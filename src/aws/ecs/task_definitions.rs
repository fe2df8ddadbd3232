//! Task definitions.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionOutput;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::operation::register_task_definition::{
    RegisterTaskDefinitionInput, RegisterTaskDefinitionOutput,
};
use aws_sdk_ecs::types::{
    Failure, TaskDefinition, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus,
};

use crate::aws::pages::{Page, PageRequest, ResultsPage, collect};
use crate::aws::retries::OnlyRefused;
use crate::aws::whole_input::WholeInput;
use crate::aws::{Account, Error};
use crate::ids::{Arn, Family, TaskDefinitionName};

/// Calls `ecs:ListTaskDefinitions`: a page of the revisions of a status, of one family or of all, in the order of family
/// and revision.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_task_definitions(
    account: &Account,
    family: Option<&Family>,
    status: &TaskDefinitionStatus,
    page: PageRequest,
) -> Result<ResultsPage, Error> {
    const OPERATION: &str = "ecs:ListTaskDefinitions";
    // AWS calls it a prefix, and takes it for the whole name
    // (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>); an AWS that takes it
    // for a prefix is answered right too.
    let call = account
        .ecs
        .list_task_definitions()
        .set_family_prefix(family.map(Family::to_string))
        .status(status.clone());
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            let mut page = Page::of_arns(page.task_definition_arns, page.next_token);
            let is_of =
                |arn: &Arn| family.is_none_or(|family| family_of(arn.as_str()) == family.as_str());
            page.entries.retain(is_of);
            Ok(page)
        }
    })
    .await
}

/// Returns the family of a revision's ARN: `arn:aws:ecs:…:task-definition/web:7` → `web`.
fn family_of(arn: &str) -> &str {
    let name = arn.rsplit('/').next().unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// Calls `ecs:ListTaskDefinitionFamilies`: all families whose names begin with `prefix`, in their order.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_task_definition_families(
    account: &Account,
    prefix: &str,
    status: TaskDefinitionFamilyStatus,
    page: PageRequest,
) -> Result<ResultsPage<Family>, Error> {
    const OPERATION: &str = "ecs:ListTaskDefinitionFamilies";
    let call = account
        .ecs
        .list_task_definition_families()
        .family_prefix(prefix)
        .status(status);
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            let families = page.families.unwrap_or_default().into_iter();
            Ok(Page {
                entries: families.map(Family::from_answer).collect(),
                next_token: page.next_token,
            })
        }
    })
    .await
}

/// Calls `ecs:RegisterTaskDefinition`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn register_task_definition(
    account: &Account,
    input: RegisterTaskDefinitionInput,
) -> Result<RegisterTaskDefinitionOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .register_task_definition()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send()
        .await
        .map_err(account.refused("ecs:RegisterTaskDefinition"))
}

/// Calls `ecs:DescribeTaskDefinition` with tags, by `family`, `family:revision` or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](crate::aws::Kind::NotFound) if there is none.
pub async fn describe_task_definition(
    account: &Account,
    name: &TaskDefinitionName,
) -> Result<DescribeTaskDefinitionOutput, Error> {
    let call = account
        .ecs
        .describe_task_definition()
        .task_definition(name.as_str())
        .include(TaskDefinitionField::Tags);
    call.send()
        .await
        .map_err(account.refused("ecs:DescribeTaskDefinition"))
}

/// Calls `ecs:DeregisterTaskDefinition` of one revision, by `family:revision` or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn deregister_task_definition(
    account: &Account,
    revision: &TaskDefinitionName,
) -> Result<DeregisterTaskDefinitionOutput, Error> {
    let call = account
        .ecs
        .deregister_task_definition()
        .task_definition(revision.as_str());
    call.send()
        .await
        .map_err(account.refused("ecs:DeregisterTaskDefinition"))
}

/// Calls `ecs:DeleteTaskDefinitions` of one revision, by `family:revision` or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](crate::aws::Kind::NotFound) if there is no such revision, [`Kind::Conflict`](crate::aws::Kind::Conflict) if it is ACTIVE.
pub async fn delete_task_definition(
    account: &Account,
    revision: &TaskDefinitionName,
) -> Result<TaskDefinition, Error> {
    const OPERATION: &str = "ecs:DeleteTaskDefinitions";
    let call = account
        .ecs
        .delete_task_definitions()
        .task_definitions(revision.as_str());
    let answer = call.send().await.map_err(account.refused(OPERATION))?;
    if let Some(deleted) = answer.task_definitions().first() {
        return Ok(deleted.clone());
    }
    let failure = answer.failures().first();
    let reason = failure.and_then(Failure::reason).unwrap_or_default();
    Err(account.refused_within(OPERATION, reason))
}
