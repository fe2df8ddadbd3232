//! The deployments of a service: in three round trips, however many there are.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    ServiceDeployment, ServiceDeploymentBrief, ServiceDeploymentStatus, ServiceRevision,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::ServicePlace;
use super::look::{self, Listed};
use super::view::{DeploymentView, ServiceFacts};
use crate::aws::ecs::{self, DESCRIBE_DEPLOYMENTS_MAX, DeploymentFilter};
use crate::aws::pages::{PageRequest, ResultsPage};
use crate::aws::{Account, Error};
use crate::deadline::Deadline;
use crate::ids::Arn;
use crate::orchestration::Cause;

/// The most deployments of one answer: each may cost a call for the tags of its task definition.
const DEPLOYMENTS_MAX: usize = 100;

/// The calls of a fan-out that are under way at once: AWS throttles per account.
const PARALLEL: usize = 10;

/// Lists the deployments of a service, the newest first, of these of ECS's statuses or of all.
///
/// # Errors
/// [`Cause`] if there is no such service, if ECS does not roll it out, or with AWS's refusal.
pub async fn list(
    account: &Account,
    place: &ServicePlace,
    statuses: Vec<ServiceDeploymentStatus>,
    page: PageRequest,
) -> Result<ResultsPage<DeploymentView>, Cause> {
    let is_whole = statuses.is_empty() && page.start.token().is_none() && page.start.skip() == 0;
    let limit = page
        .limit
        .map_or(DEPLOYMENTS_MAX, |limit| limit.min(DEPLOYMENTS_MAX));
    let deadline = page.deadline;
    let page = PageRequest {
        limit: Some(limit),
        ..page
    };
    let filter = DeploymentFilter {
        statuses,
        ..DeploymentFilter::default()
    };
    let (service, listed) = tokio::join!(
        deadline.run(look::service_of(account, place)),
        Box::pin(ecs::list_service_deployments(
            account,
            &place.cluster,
            &place.service,
            filter,
            page
        )),
    );
    let (service, listed) = (service?, listed?);
    let Some(listed) = listed else {
        return Err(Cause::NoService {
            cluster: place.cluster.clone(),
            service: place.service.clone(),
        });
    };
    let listing = Listing {
        account,
        place,
        facts: ServiceFacts::of(&service),
        briefs: listed.entries,
        is_whole,
        deadline,
    };
    let entries = deadline.run(listing.views()).await?;
    let next = listed.next;
    Ok(ResultsPage { entries, next })
}

/// A list of deployments, on its way to be described.
struct Listing<'l> {
    account: &'l Account,
    place: &'l ServicePlace,
    facts: ServiceFacts,
    briefs: Vec<ServiceDeploymentBrief>,
    /// The newest deployment of all is among them, and none between them is left out.
    is_whole: bool,
    deadline: Deadline,
}

impl Listing<'_> {
    async fn views(&self) -> Result<Vec<DeploymentView>, Cause> {
        let (deployments, revisions) = tokio::try_join!(
            Box::pin(described(self.account, &self.briefs)),
            Box::pin(described_targets(self.account, &self.briefs)),
        )?;
        let (deployments, revisions) = (&deployments, &revisions);
        let views = (0..deployments.len()).map(|place| self.view(&deployments[place], revisions));
        let views: Vec<_> = stream::iter(views).buffered(PARALLEL).try_collect().await?;
        Ok(views.into_iter().flatten().collect())
    }

    /// Describes one deployment. `None` for one that was not asked for.
    async fn view(
        &self,
        deployment: &ServiceDeployment,
        revisions: &[ServiceRevision],
    ) -> Result<Option<DeploymentView>, Cause> {
        let arn = deployment.service_deployment_arn();
        let mut briefs = self.briefs.iter();
        let place = briefs.position(|brief| brief.service_deployment_arn() == arn);
        let Some(place) = place else {
            return Ok(None);
        };
        let mut listed = Listed::new(&self.briefs[place], &self.briefs[..place]);
        let (requested_by, is_overtaken) = tokio::try_join!(
            Box::pin(look::requested_by(self.account, deployment, revisions)),
            Box::pin(self.is_overtaken(deployment, &listed)),
        )?;
        listed.is_overtaken = is_overtaken;
        let view = look::view(&self.facts, &listed, deployment, revisions, requested_by);
        Ok(Some(view))
    }

    /// Returns `true` if another deployment began before the end of one that stopped, also where the list leaves that out.
    async fn is_overtaken(
        &self,
        deployment: &ServiceDeployment,
        listed: &Listed,
    ) -> Result<bool, Error> {
        let is_stopped = deployment.status() == Some(&ServiceDeploymentStatus::Stopped);
        if listed.is_overtaken || self.is_whole || !is_stopped {
            return Ok(listed.is_overtaken);
        }
        let filter = DeploymentFilter {
            after: deployment.created_at().copied(),
            before: deployment.finished_at().copied(),
            ..DeploymentFilter::default()
        };
        let ServicePlace { cluster, service } = self.place;
        let page = PageRequest {
            limit: Some(1),
            ..PageRequest::whole(self.deadline)
        };
        let newer = ecs::list_service_deployments(self.account, cluster, service, filter, page);
        Ok(newer.await?.is_some_and(|page| !page.entries.is_empty()))
    }
}

/// Describes deployments, in the order of the list.
async fn described(
    account: &Account,
    briefs: &[ServiceDeploymentBrief],
) -> Result<Vec<ServiceDeployment>, Cause> {
    let arns: Vec<_> = briefs
        .iter()
        .filter_map(|brief| brief.service_deployment_arn())
        .map(Arn::from_answer)
        .collect();
    let batches: Vec<_> = arns
        .chunks(DESCRIBE_DEPLOYMENTS_MAX)
        .map(<[Arn]>::to_vec)
        .collect();
    let described = stream::iter(batches)
        .map(|batch| async move { ecs::describe_service_deployments(account, &batch).await });
    let described: Vec<_> = described.buffered(PARALLEL).try_collect().await?;
    let mut described: Vec<_> = described.into_iter().flatten().collect();
    described.sort_by_key(|one| {
        let arn = one.service_deployment_arn();
        arns.iter().position(|listed| Some(listed.as_str()) == arn)
    });
    Ok(described)
}

/// Describes the revisions that deployments aim at.
async fn described_targets(
    account: &Account,
    briefs: &[ServiceDeploymentBrief],
) -> Result<Vec<ServiceRevision>, Cause> {
    let arns: BTreeSet<_> = briefs
        .iter()
        .filter_map(|brief| brief.target_service_revision_arn())
        .map(Arn::from_answer)
        .collect();
    let arns: Vec<_> = arns.into_iter().collect();
    let batches: Vec<BTreeSet<_>> = arns
        .chunks(DESCRIBE_DEPLOYMENTS_MAX)
        .map(|batch| batch.iter().cloned().collect())
        .collect();
    let described = stream::iter(batches)
        .map(|batch| async move { look::described_revisions(account, &batch).await });
    let described: Vec<_> = described.buffered(PARALLEL).try_collect().await?;
    Ok(described.into_iter().flatten().collect())
}
