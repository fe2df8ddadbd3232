//! Making what a deploy has planned: the revision and the tags side by side, then the update.

use aws_sdk_ecs::types::Service;

use super::DeployOutcome;
use super::look::{deployed_revision, explain_refusal};
use super::plan::{DeployPlan, RevisionPlan};
use crate::aws::Account;
use crate::aws::revisions::{Revision, remember_revision};
use crate::ids::{Arn, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::service::Update;
use crate::orchestration::parts::{service, task_definition};
use crate::orchestration::undo_log::{Change, UndoLog};

/// Makes what a plan says, and returns the service. The tags come before the update: ECS gives them to the tasks that a
/// deployment starts, where `propagateTags` says so.
pub(super) async fn make(
    account: &Account,
    plan: &DeployPlan,
    mark: &Mark,
    log: &UndoLog,
) -> Result<Service, Cause> {
    let (revision, tagged) = tokio::join!(
        find_or_register(account, &plan.revision, mark, log),
        async {
            match &plan.tags {
                Some(update) => {
                    let present = plan.service.tags();
                    Box::pin(service::change_tags(account, update, present, log)).await
                }
                None => Ok(()),
            }
        },
    );
    // Both have ended, so that the log is whole, before the first failure ends the deploy.
    let (revision, ()) = (revision?, tagged?);
    let Some(input) = &plan.update else {
        return Ok(plan.service.clone());
    };
    let mut input = input.clone();
    if let Some(revision) = &revision {
        input.task_definition = Some(revision.to_string());
    }
    let previous = plan.service.task_definition();
    let brought = revision.map(|revision| Arn::from_answer(revision.as_str()));
    let update = Update {
        name: (&plan.name.0, &plan.name.1),
        input: &input,
        revision: brought.or_else(|| plan.named_revision()),
        previous: previous.map(Arn::from_answer),
        is_new_revision: matches!(plan.revision, RevisionPlan::Register(_)),
    };
    let updated = service::update(account, update, log).await;
    updated.map_err(|refusal| explain_refusal(&plan.service, &plan.name.1, refusal))
}

/// Returns the revision that the service is to run, if it is another one than the present.
async fn find_or_register(
    account: &Account,
    revision: &RevisionPlan,
    mark: &Mark,
    log: &UndoLog,
) -> Result<Option<TaskDefinitionName>, Cause> {
    match revision {
        RevisionPlan::Stays => Ok(None),
        RevisionPlan::Reuse {
            family,
            arn,
            others,
        } => {
            for arn in others.iter().rev().chain([arn]) {
                log.inherit(Change::TaskDefinition(family.clone()), arn);
            }
            Ok(Some(arn.clone().into()))
        }
        RevisionPlan::Register(new) => {
            let registered = task_definition::make(account, mark, new, log).await?;
            let arn = registered.task_definition_arn.clone();
            let revision = Revision {
                definition: registered,
                tags: new.input.tags.clone().unwrap_or_default(),
            };
            remember_revision(account, revision);
            let lacking = || account.lacking("ecs:RegisterTaskDefinition", "taskDefinitionArn");
            Ok(Some(TaskDefinitionName::from_answer(
                arn.ok_or_else(lacking)?,
            )))
        }
    }
}

/// Shapes what a plan has come to.
pub(super) fn shape(plan: DeployPlan, mut service: Service) -> DeployOutcome {
    let is_changed = !plan.is_empty();
    let (before, after) = (
        deployed_revision(&plan.service),
        deployed_revision(&service),
    );
    let deployment = after.filter(|_| before != after).map(str::to_owned);
    // `UpdateService` answers no tags.
    let present = service.tags.take().or(plan.service.tags);
    service.tags = present.map(|tags| match &plan.tags {
        Some(update) => update.applied_to(tags),
        None => tags,
    });
    DeployOutcome {
        service,
        is_changed,
        previous: plan.service.task_definition,
        deployment,
        changes: plan.changes,
    }
}
