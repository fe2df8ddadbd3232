//! One deployment, looked at: in three round trips at most.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ecs::types::{
    DeploymentRolloutState, Service, ServiceDeployment, ServiceDeploymentBrief, ServiceRevision,
};

use super::state::{self, Reason, State};
use super::view::{DeploymentView, RequestedBy, RequestedRevision, ServiceFacts};
use super::{DeploymentFault, ServicePlace};
use crate::aws::ecs::{self, DeploymentFilter};
use crate::aws::pages::{PageRequest, PageToken};
use crate::aws::{Account, Error};
use crate::deadline::Deadline;
use crate::ids::{Arn, DeploymentName, ServiceDeploymentId, ServiceRevisionId, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::deploy::look::{check_rollout, find_service};
use crate::orchestration::parts::task_definition;

/// The deployments that are asked for at once while one is looked for.
const PAGE: usize = 100;

/// The longest time from the registration of a task definition to the service revision that it was registered for: that of
/// a request behind a gateway. What is older was deployed before.
const REGISTERED_FOR_IT: Duration = crate::deadline::GATEWAY_LIMIT;

/// A deployment in ECS's list, and what the list tells of those after it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) arn: Arn,
    target: Option<Arn>,
    has_newer: bool,
    pub(super) is_overtaken: bool,
}

impl Listed {
    /// Reads an entry of the list. `newer` are the entries before it.
    pub(super) fn new(brief: &ServiceDeploymentBrief, newer: &[ServiceDeploymentBrief]) -> Self {
        let overtakes = |other: &ServiceDeploymentBrief| {
            state::overtakes(other.created_at(), brief.finished_at())
        };
        Self {
            arn: Arn::from_answer(brief.service_deployment_arn().unwrap_or_default()),
            target: brief.target_service_revision_arn().map(Arn::from_answer),
            has_newer: !newer.is_empty(),
            is_overtaken: newer.iter().any(overtakes),
        }
    }
}

/// A service, and one of its deployments as far as it is listed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) service: Service,
    pub(super) listed: Option<Listed>,
}

/// Shows a deployment.
///
/// # Errors
/// [`Cause`] if there is no such deployment, if ECS does not roll the service out, or with AWS's refusal.
pub async fn show(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    deadline: Deadline,
) -> Result<DeploymentView, Cause> {
    let found = find(account, place, name, deadline).await?;
    describe(account, place, &found, name).await
}

/// Finds a service and, in the list of its deployments, the one that is asked for.
pub(super) async fn find(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    deadline: Deadline,
) -> Result<Found, Cause> {
    let (service, listed) = tokio::join!(
        Box::pin(service_of(account, place)),
        Box::pin(find_listed(account, place, name, deadline)),
    );
    let (service, listed) = (service?, listed?);
    if listed.is_none() && !is_awaited(&service, name) {
        return Err(unknown(place, name).into());
    }
    Ok(Found { service, listed })
}

impl Found {
    /// Finds the state of the deployment, as ECS describes it.
    pub(super) fn assess(&self, listed: &Listed, deployment: &ServiceDeployment) -> State {
        let facts = ServiceFacts::of(&self.service);
        let surroundings = facts.surroundings(deployment, listed.has_newer, listed.is_overtaken);
        state::assess(deployment, &surroundings).0
    }
}

pub(super) fn unknown(place: &ServicePlace, name: &DeploymentName) -> DeploymentFault {
    DeploymentFault::Unknown {
        name: name.clone(),
        service: place.service.clone(),
        cluster: place.cluster.clone(),
    }
}

/// Returns the service, if ECS itself rolls it out.
pub(super) async fn service_of(account: &Account, place: &ServicePlace) -> Result<Service, Cause> {
    let service = find_service(account, &place.cluster, &place.service).await?;
    check_rollout(&service, &place.service)?;
    Ok(service)
}

/// Returns `true` for a revision whose deployment ECS is about to name.
fn is_awaited(service: &Service, name: &DeploymentName) -> bool {
    let DeploymentName::Aim(revision) = name else {
        return false;
    };
    service.deployments().iter().any(|one| {
        one.id().map(ServiceRevisionId::of).as_ref() == Some(revision)
            && one.rollout_state() != Some(&DeploymentRolloutState::Completed)
    })
}

/// Walks the list of deployments, the newest first, until the one that is asked for.
async fn find_listed(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    deadline: Deadline,
) -> Result<Option<Listed>, Error> {
    let (mut newer, mut start) = (Vec::new(), PageToken::default());
    loop {
        let page = PageRequest {
            start,
            limit: Some(PAGE),
            deadline,
        };
        let listed = ecs::list_service_deployments(
            account,
            &place.cluster,
            &place.service,
            DeploymentFilter::default(),
            page,
        );
        let Some(page) = listed.await? else {
            return Ok(None);
        };
        for brief in page.entries {
            if is_it(&brief, name) {
                return Ok(Some(Listed::new(&brief, &newer)));
            }
            newer.push(brief);
        }
        match page.next {
            Some(next) => start = next,
            None => return Ok(None),
        }
    }
}

fn is_it(brief: &ServiceDeploymentBrief, name: &DeploymentName) -> bool {
    let (arn, id) = match name {
        DeploymentName::Own(id) => (brief.service_deployment_arn(), id.as_str()),
        DeploymentName::Aim(id) => (brief.target_service_revision_arn(), id.as_str()),
    };
    arn.and_then(|arn| arn.rsplit('/').next()) == Some(id)
}

/// Describes what was found.
pub(super) async fn describe(
    account: &Account,
    place: &ServicePlace,
    found: &Found,
    name: &DeploymentName,
) -> Result<DeploymentView, Cause> {
    let facts = ServiceFacts::of(&found.service);
    let Some(listed) = &found.listed else {
        return Box::pin(unnamed(account, found, name, facts)).await;
    };
    let targets: BTreeSet<_> = listed.target.iter().cloned().collect();
    let (deployments, revisions) = tokio::join!(
        Box::pin(ecs::describe_service_deployments(
            account,
            std::slice::from_ref(&listed.arn)
        )),
        Box::pin(described_revisions(account, &targets)),
    );
    let deployment = deployments?.pop();
    let deployment = deployment.ok_or_else(|| unknown(place, name))?;
    let revisions = revisions?;
    let requested_by = Box::pin(requested_by(account, &deployment, &revisions)).await?;
    Ok(view(&facts, listed, &deployment, &revisions, requested_by))
}

/// Describes revisions of one service; none, if none is asked for.
pub(super) async fn described_revisions(
    account: &Account,
    revisions: &BTreeSet<Arn>,
) -> Result<Vec<ServiceRevision>, Error> {
    if revisions.is_empty() {
        return Ok(Vec::new());
    }
    ecs::describe_service_revisions(account, revisions).await
}

/// Shows a revision at which no service deployment aims yet.
async fn unnamed(
    account: &Account,
    found: &Found,
    name: &DeploymentName,
    facts: ServiceFacts,
) -> Result<DeploymentView, Cause> {
    let revision = ServiceRevisionId::from_answer(name.to_string());
    let mut deployments = found.service.deployments().iter();
    let is_its = |id: &str| ServiceRevisionId::of(id) == revision;
    let own = deployments.find(|one| one.id().is_some_and(is_its));
    let mut requested = RequestedRevision::of(revision.clone(), None);
    requested.task_definition = own
        .and_then(|one| one.task_definition())
        .map(Arn::from_answer);
    let requested_by = match &requested.task_definition {
        Some(arn) => asker_of(account, arn, own.and_then(|one| one.created_at())).await?,
        None => None,
    };
    Ok(DeploymentView {
        id: None,
        state: State::Running,
        reason: Some(Reason::Unnamed),
        status: None,
        started_at: None,
        finished_at: None,
        is_current: facts.primary() == Some(revision),
        requested,
        running: facts.running,
        requested_by,
        hooks: Vec::new(),
    })
}

/// Puts together what is known of a deployment.
pub(super) fn view(
    facts: &ServiceFacts,
    listed: &Listed,
    deployment: &ServiceDeployment,
    revisions: &[ServiceRevision],
    requested_by: Option<RequestedBy>,
) -> DeploymentView {
    let surroundings = facts.surroundings(deployment, listed.has_newer, listed.is_overtaken);
    let (state, reason) = state::assess(deployment, &surroundings);
    let target = deployment.target_service_revision();
    let target = target.and_then(|target| target.arn()).unwrap_or_default();
    let revision = ServiceRevisionId::of(target);
    let described = revision_of(revisions, target);
    DeploymentView {
        id: Some(ServiceDeploymentId::of(&listed.arn)),
        state,
        reason,
        status: deployment.status().map(|status| status.as_str().to_owned()),
        started_at: deployment.started_at().copied(),
        finished_at: deployment.finished_at().copied(),
        is_current: facts.primary().as_ref() == Some(&revision),
        requested: RequestedRevision::of(revision, described),
        running: facts.running.clone(),
        requested_by,
        hooks: deployment.lifecycle_hook_details().to_vec(),
    }
}

fn revision_of<'r>(revisions: &'r [ServiceRevision], arn: &str) -> Option<&'r ServiceRevision> {
    let mut revisions = revisions.iter();
    revisions.find(|one| one.service_revision_arn() == Some(arn))
}

/// Returns who asked for a deployment, where it brought a task definition of its own.
pub(super) async fn requested_by(
    account: &Account,
    deployment: &ServiceDeployment,
    revisions: &[ServiceRevision],
) -> Result<Option<RequestedBy>, Error> {
    let target = deployment.target_service_revision();
    let target = target.and_then(|target| target.arn()).unwrap_or_default();
    let Some(revision) = revision_of(revisions, target) else {
        return Ok(None);
    };
    let Some(definition) = revision.task_definition() else {
        return Ok(None);
    };
    let sources = deployment.source_service_revisions().iter();
    let sources: Vec<_> = sources.filter_map(|source| source.arn()).collect();
    let brings_it = |revisions: &[ServiceRevision]| {
        let mut known = sources.iter().filter_map(|arn| revision_of(revisions, arn));
        known.all(|source| source.task_definition() != Some(definition))
    };
    if !brings_it(revisions) {
        return Ok(None);
    }
    let unknown = sources.iter().copied();
    let unknown = unknown.filter(|arn| revision_of(revisions, arn).is_none());
    let unknown = unknown.map(Arn::from_answer).collect();
    let definition = Arn::from_answer(definition);
    // Side by side: a call more for who has asked by other means, and no trip more for all others.
    let (asker, described) = tokio::try_join!(
        Box::pin(asker_of(account, &definition, revision.created_at())),
        Box::pin(described_revisions(account, &unknown)),
    )?;
    Ok(asker.filter(|_| brings_it(&described)))
}

/// Returns who had a task definition registered, if that was for a service revision of this time.
async fn asker_of(
    account: &Account,
    definition: &Arn,
    deployed_at: Option<&aws_sdk_ecs::primitives::DateTime>,
) -> Result<Option<RequestedBy>, Error> {
    let name = TaskDefinitionName::from_answer(definition.as_str());
    // It may be deleted for good, and its tags with it.
    let Some((definition, tags)) = task_definition::describe(account, &name).await? else {
        return Ok(None);
    };
    let registered = definition.registered_at();
    let (Some(registered), Some(deployed)) = (registered, deployed_at) else {
        return Ok(None);
    };
    if deployed.secs() - registered.secs() > REGISTERED_FOR_IT.as_secs().cast_signed() {
        return Ok(None);
    }
    Ok(RequestedBy::from_tags(&tags))
}
