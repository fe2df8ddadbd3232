//! The plan of a deploy, made of what was looked at. No AWS calls here.

use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::{Service, TaskDefinition};

use super::DeployRequest;
use crate::aws::Account;
use crate::aws::revisions::Revision;
use crate::ids::{Arn, ClusterName, Family, ServiceName, ServiceRevisionId};
use crate::orchestration::Cause;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::service;
use crate::orchestration::request::NewTaskDefinition;
use crate::orchestration::tag_update::{TagUpdate, tag_changes, tags_of_next_revision};
use crate::wire::definition::{FieldChange, member_changes};

/// Everything that a deploy is to do.
pub(in crate::orchestration) struct DeployPlan {
    /// The names of the cluster and of the service.
    pub name: (ClusterName, ServiceName),
    /// The service as it was looked at.
    pub service: Service,
    /// The revision that it is to run.
    pub revision: RevisionPlan,
    /// The update of the service, whose revision is filled in once it is there; `None` if nothing of it changes.
    pub update: Option<Box<UpdateServiceInput>>,
    /// The tags of the service that change.
    pub tags: Option<TagUpdate>,
    /// The differences.
    pub changes: Vec<FieldChange>,
    /// The service revision that was chosen to go back to; `None` if the request names it, or goes nowhere back.
    pub target: Option<ServiceRevisionId>,
}

/// The revision that a service is to run.
#[derive(Debug)]
pub(in crate::orchestration) enum RevisionPlan {
    /// The present one, or the one that the update names.
    Stays,
    /// One that an earlier invocation has registered for the same request.
    Reuse {
        /// Its family.
        family: Family,
        /// Its ARN.
        arn: Arn,
        /// The ARNs of others, the newest first: AWS has made more than it was asked for.
        others: Vec<Arn>,
    },
    /// One that is to be registered.
    Register(Box<NewTaskDefinition>),
}

impl DeployPlan {
    /// Returns `true` if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.update.is_none() && self.tags.is_none()
    }

    /// Takes the newest of the revisions that an earlier invocation has registered for the same request, if there is one.
    pub fn reuse(&mut self, newest_first: &[TaskDefinition]) {
        let arns = newest_first.iter();
        let mut arns = arns
            .filter_map(TaskDefinition::task_definition_arn)
            .map(Arn::from_answer);
        let RevisionPlan::Register(new) = &self.revision else {
            return;
        };
        if let Some(arn) = arns.next() {
            self.revision = RevisionPlan::Reuse {
                family: new.family.clone(),
                arn,
                others: arns.collect(),
            };
        }
    }

    /// Returns `true` if nothing but a newer deployment would show that the plan was carried out: it brings no revision, and
    /// forces a deployment or has nothing left to do.
    pub fn leaves_no_trace(&self) -> bool {
        let update = self.update.as_deref();
        let stays = matches!(self.revision, RevisionPlan::Stays);
        let forces = |update: &UpdateServiceInput| update.force_new_deployment == Some(true);
        stays && (self.is_empty() || update.is_some_and(forces))
    }

    /// Returns the ARN of the revision that is there and that the update names, if the service runs another one. The
    /// latest of a family is no revision that could be known again.
    pub fn named_revision(&self) -> Option<Arn> {
        let present = self.service.task_definition()?;
        let name = self.update.as_deref()?.task_definition()?;
        let arn = if name.starts_with("arn:") {
            name.to_owned()
        } else {
            let (place, _) = present.rsplit_once('/')?;
            name.contains(':').then(|| format!("{place}/{name}"))?
        };
        (arn != present).then(|| Arn::from_answer(arn))
    }

    /// Returns the family of the revision to be registered, if the service runs none of it.
    pub fn foreign_family(&self) -> Option<&Family> {
        let RevisionPlan::Register(new) = &self.revision else {
            return None;
        };
        Some(&new.family).filter(|family| !service::families(&self.service).contains(family))
    }
}

/// Plans a deploy.
///
/// # Errors
/// [`Cause`] if the change does not fit what is there.
pub(super) fn plan(
    request: &DeployRequest,
    service: Service,
    revision: Option<&Revision>,
    account: &Account,
    by: (&Mark, &str),
) -> Result<DeployPlan, Cause> {
    let mut changes = Vec::new();
    let mut revision_plan = RevisionPlan::Stays;
    if let Some(present) = revision {
        let merged = request.definition.merge(&present.definition)?;
        if !merged.changes.is_empty() {
            let mut input = merged.input;
            let tags =
                tags_of_next_revision(&present.tags, &request.tags, &account.settings.tags, by)?;
            input.tags = Some(tags);
            revision_plan = RevisionPlan::Register(Box::new(NewTaskDefinition {
                family: Family::from_answer(input.family.clone().unwrap_or_default()),
                input: Box::new(input),
            }));
        }
        changes.extend(merged.changes);
    }
    let update = match (&request.update, &revision_plan) {
        (Some(update), _) => Some(update.clone()),
        (None, RevisionPlan::Stays) => None,
        (None, _) => Some(Box::new(service::blank_update(
            &request.cluster,
            &request.service,
        ))),
    };
    if let Some(update) = &update {
        changes.extend(member_changes(Some(&service), update));
    }
    let arn = service.service_arn().map(Arn::from_answer);
    let tags = arn.and_then(|arn| TagUpdate::of(arn, service.tags(), &request.tags));
    if tags.is_some() {
        changes.extend(tag_changes(service.tags(), &request.tags));
    }
    Ok(DeployPlan {
        name: (request.cluster.clone(), request.service.clone()),
        service,
        revision: revision_plan,
        update,
        tags,
        changes,
        target: None,
    })
}
