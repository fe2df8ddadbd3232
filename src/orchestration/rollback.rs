//! A rollback by hand: a service gets everything back that an earlier service revision of it had.
//!
//! It is a [deploy](super::deploy) from another source: the same record, the same undo, the same watch.

use std::collections::BTreeSet;

use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::{
    Service, ServiceDeploymentBrief, ServiceDeploymentStatus, ServiceRevision, Tag, TaskDefinition,
};

use super::Cause;
use super::deploy::flow::{Look, Source, carry_out};
use super::deploy::look::{check_controller, check_precondition, check_status, find_service};
use super::deploy::plan::{DeployPlan, RevisionPlan};
use super::deploy::{DeployOutcome, Precondition, PreconditionError, deployed_revision};
use super::failure::Failure;
use super::flow_context::FlowContext;
use super::mark::Mark;
use super::parts::{service, task_definition};
use super::record::{Names, WorkKind};
use super::request::NewTaskDefinition;
use super::tag_update::tags_of_next_revision;
use crate::aws::ecs::DeploymentFilter;
use crate::aws::pages::{PageRequest, PageToken};
use crate::aws::{Account, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, Family, ServiceName, ServiceRevisionId, TaskDefinitionName};
use crate::wire::definition::{DefinitionChange, FieldChange};
use crate::wire::restore::restore;

/// The deployments that succeeded among which the one to go back to is looked for: as many revisions as one call
/// describes beside the present one.
const LOOKED_AT: usize = 19;

/// A request to go back.
#[derive(Debug, Clone)]
pub struct RollbackRequest {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service.
    pub service: ServiceName,
    /// The point to go back to; without one, the last that succeeded before the one that runs.
    pub to: Option<RollbackTarget>,
    /// The deployment that the caller has seen, if it must be the present one.
    pub precondition: Option<Precondition>,
}

/// A point to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackTarget {
    /// A service revision, with everything that it had.
    Revision(ServiceRevisionId),
    /// A revision of a task definition, and nothing else.
    TaskDefinition(TaskDefinitionName),
}

/// A point that can't be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RollbackFault {
    /// ECS knows no such service revision.
    #[error(
        "there is no service revision `{revision}` of the service `{service}`; ECS keeps them for 90 days"
    )]
    NoRevision {
        /// The revision.
        revision: ServiceRevisionId,
        /// The service.
        service: ServiceName,
    },
    /// No deployment succeeded before the one that runs and brought anything else.
    #[error(
        "no deployment of the service `{0}` that brought anything else has succeeded before the present one; name one in `to`"
    )]
    NothingBefore(ServiceName),
}

/// Goes back, once.
///
/// # Errors
/// [`Failure`] with the first cause, after everything that was made was taken back.
pub async fn roll_back(
    context: &FlowContext<'_>,
    request: RollbackRequest,
) -> Result<DeployOutcome, Failure> {
    let names = Names {
        kind: WorkKind::Deploy,
        cluster: Some(request.cluster.clone()),
        service: Some(request.service.clone()),
        ..Names::default()
    };
    let source = Rollback {
        account: context.account,
        request: &request,
        deadline: context.deadline,
    };
    Box::pin(carry_out(context, names, &source)).await
}

struct Rollback<'r> {
    account: &'r Account,
    request: &'r RollbackRequest,
    deadline: Deadline,
}

impl<'r> Source for Rollback<'r> {
    type Look = RollbackLook<'r>;

    fn look(
        &self,
        target: Option<ServiceRevisionId>,
    ) -> impl Future<Output = Result<RollbackLook<'r>, Cause>> + Send {
        look(self.account, self.request, target, self.deadline)
    }
}

/// A service, and what it goes back to.
struct RollbackLook<'r> {
    account: &'r Account,
    request: &'r RollbackRequest,
    service: Service,
    /// The point to go back to; a fault is told once it is known that it was not done before.
    found: Result<Point, Cause>,
}

/// A point to go back to, as a look shows it.
struct Point {
    update: UpdateServiceInput,
    changes: Vec<FieldChange>,
    /// The definition that is to run, with its tags, if it is another one than now.
    definition: Option<(TaskDefinition, Vec<Tag>)>,
    /// The service revision, if no request names it.
    chosen: Option<ServiceRevisionId>,
}

async fn look<'r>(
    account: &'r Account,
    request: &'r RollbackRequest,
    target: Option<ServiceRevisionId>,
    deadline: Deadline,
) -> Result<RollbackLook<'r>, Cause> {
    let chosen = target.map(RollbackTarget::Revision);
    let to = request.to.as_ref().or(chosen.as_ref());
    let (service, candidates) = tokio::join!(
        Box::pin(find_service(account, &request.cluster, &request.service)),
        Box::pin(candidates(account, request, to, deadline)),
    );
    let service = service?;
    let found = async {
        check_status(&service, &request.cluster, &request.service)?;
        check_controller(&service, &request.service)?;
        find_point(account, request, to, &service, candidates?).await
    };
    let found = Box::pin(found).await;
    Ok(RollbackLook {
        account,
        request,
        service,
        found,
    })
}

/// Lists the revisions of the last deployments that succeeded, the newest first, where none is named.
async fn candidates(
    account: &Account,
    request: &RollbackRequest,
    to: Option<&RollbackTarget>,
    deadline: Deadline,
) -> Result<Vec<Arn>, Cause> {
    if to.is_some() {
        return Ok(Vec::new());
    }
    let filter = DeploymentFilter {
        statuses: vec![ServiceDeploymentStatus::Successful],
        ..DeploymentFilter::default()
    };
    let page = PageRequest {
        start: PageToken::default(),
        limit: Some(LOOKED_AT),
        deadline,
    };
    let (cluster, service) = (&request.cluster, &request.service);
    let listed = ecs::list_service_deployments(account, cluster, service, filter, page).await?;
    let briefs = listed.map(|listed| listed.entries).unwrap_or_default();
    let arns = briefs
        .iter()
        .filter_map(ServiceDeploymentBrief::target_service_revision_arn);
    Ok(arns.map(Arn::from_answer).collect())
}

/// Finds the point to go back to, and what differs there.
async fn find_point(
    account: &Account,
    request: &RollbackRequest,
    to: Option<&RollbackTarget>,
    service: &Service,
    candidates: Vec<Arn>,
) -> Result<Point, Cause> {
    if let Some(RollbackTarget::TaskDefinition(name)) = to {
        return of_task_definition(account, request, service, name).await;
    }
    let present = deployed_revision(service).map(|id| service::revision_arn(service, id));
    let wanted = match to {
        Some(RollbackTarget::Revision(id)) => vec![service::revision_arn(service, id.as_str())],
        _ => candidates,
    };
    let asked_for: BTreeSet<_> = wanted.iter().cloned().chain(present.clone()).collect();
    let revisions = ecs::describe_service_revisions(account, &asked_for).await?;
    let find = |arn: &Arn| {
        let is_it = |found: &&ServiceRevision| found.service_revision_arn() == Some(arn.as_str());
        revisions.iter().find(is_it)
    };
    // A service that ECS has no revision of any more lacks everything.
    let blank = ServiceRevision::builder().build();
    let present = present.as_ref().and_then(find).unwrap_or(&blank);
    let names = (request.cluster.as_str(), request.service.as_str());
    for arn in &wanted {
        let Some(revision) = find(arn) else { continue };
        let restored = restore(names, present, revision).map_err(Cause::Unrestorable)?;
        if restored.changes.is_empty() && to.is_none() {
            continue;
        }
        let name = restored.update.task_definition();
        let name = name.map(TaskDefinitionName::from_answer);
        return Ok(Point {
            definition: describe(account, name.as_ref()).await?,
            update: restored.update,
            changes: restored.changes,
            chosen: to.is_none().then(|| ServiceRevisionId::of(arn.as_str())),
        });
    }
    let fault = match to {
        Some(RollbackTarget::Revision(revision)) => RollbackFault::NoRevision {
            revision: revision.clone(),
            service: request.service.clone(),
        },
        _ => RollbackFault::NothingBefore(request.service.clone()),
    };
    Err(fault.into())
}

/// Goes back to another revision of the task definition, and leaves all else as it is.
async fn of_task_definition(
    account: &Account,
    request: &RollbackRequest,
    service: &Service,
    name: &TaskDefinitionName,
) -> Result<Point, Cause> {
    let definition = describe(account, Some(name)).await?;
    let arn = definition
        .as_ref()
        .and_then(|(definition, _)| definition.task_definition_arn.clone());
    let before = service.task_definition.clone();
    let is_another = arn != before;
    let mut update = service::blank_update(&request.cluster, &request.service);
    update.task_definition = arn.clone().filter(|_| is_another);
    let change = is_another.then(|| FieldChange {
        path: "taskDefinition".to_owned(),
        from: before.map(Into::into),
        to: arn.map(Into::into),
    });
    Ok(Point {
        update,
        changes: change.into_iter().collect(),
        definition: definition.filter(|_| is_another),
        chosen: None,
    })
}

/// Describes the definition that is to run, with its tags. It is asked for anew: it may have been deregistered.
async fn describe(
    account: &Account,
    name: Option<&TaskDefinitionName>,
) -> Result<Option<(TaskDefinition, Vec<Tag>)>, Cause> {
    let Some(name) = name else { return Ok(None) };
    let found = task_definition::describe(account, name).await?;
    found
        .map(Some)
        .ok_or_else(|| Cause::NoTaskDefinition(name.clone()))
}

impl Look for RollbackLook<'_> {
    fn service(&self) -> &Service {
        &self.service
    }

    fn check_precondition(&self) -> Result<(), PreconditionError> {
        let precondition = self.request.precondition.as_ref();
        check_precondition(&self.service, &self.request.service, precondition)
    }

    fn plan(self, mark: &Mark, caller: &str) -> Result<DeployPlan, Cause> {
        let request = self.request;
        let point = self.found?;
        let revision = match point.definition {
            Some((definition, tags)) if !task_definition::is_active(&definition) => {
                let by = (mark, caller);
                RevisionPlan::Register(Box::new(copy(self.account, &definition, &tags, by)?))
            }
            _ => RevisionPlan::Stays,
        };
        let is_something = !point.changes.is_empty();
        Ok(DeployPlan {
            name: (request.cluster.clone(), request.service.clone()),
            service: self.service,
            revision,
            update: is_something.then(|| Box::new(point.update)),
            tags: None,
            changes: point.changes,
            target: point.chosen,
        })
    }
}

/// Returns the registration of a copy.
fn copy(
    account: &Account,
    definition: &TaskDefinition,
    tags: &[Tag],
    by: (&Mark, &str),
) -> Result<NewTaskDefinition, Cause> {
    let mut input = DefinitionChange::default().merge(definition)?.input;
    let tags = tags_of_next_revision(tags, &[], &account.settings.tags, by)?;
    input.tags = Some(tags);
    Ok(NewTaskDefinition {
        family: Family::from_answer(input.family.clone().unwrap_or_default()),
        input: Box::new(input),
    })
}
