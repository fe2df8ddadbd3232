//! A revision that goes for good.

use aws_sdk_ecs::types::TaskDefinition;

use crate::aws::{Account, Error, Kind, ecs};
use crate::ids::TaskDefinitionName;

/// Deregisters a revision, unless that is done, and deletes it: ECS deletes INACTIVE ones alone
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html>). It is
/// `DELETE_IN_PROGRESS` until nothing runs it any more. Twice does no harm.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`] if there is no such revision.
pub async fn delete_task_definition(
    account: &Account,
    revision: &TaskDefinitionName,
) -> Result<TaskDefinition, Error> {
    match ecs::deregister_task_definition(account, revision).await {
        // It is being deleted already: to ask again is to be told what it is now.
        Err(error) if error.kind != Kind::Conflict => return Err(error),
        Ok(_) | Err(_) => {}
    }
    ecs::delete_task_definition(account, revision).await
}
