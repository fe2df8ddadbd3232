//! A deployment as callers see it.

use std::collections::BTreeMap;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    Deployment, DeploymentLifecycleHookDetail, Service, ServiceDeployment, ServiceRevision, Tag,
};

use super::state::{self, Reason, State, Surroundings};
use crate::ids::{Arn, ServiceDeploymentId, ServiceRevisionId};
use crate::orchestration::parts::service::primary;

/// A deployment, and what became of it.
#[derive(Debug)]
pub struct DeploymentView {
    /// The service deployment; `None` as long as ECS has not named it.
    pub id: Option<ServiceDeploymentId>,
    /// Its state.
    pub state: State,
    /// The reason for that state.
    pub reason: Option<Reason>,
    /// ECS's own word for it.
    pub status: Option<String>,
    /// The time at which it began.
    pub started_at: Option<DateTime>,
    /// The time at which it was over.
    pub finished_at: Option<DateTime>,
    /// The revision that was asked for.
    pub requested: RequestedRevision,
    /// The revisions that the service runs now.
    pub running: Vec<RunningRevision>,
    /// The one who asked for it, where this deployment brought the task definition.
    pub requested_by: Option<RequestedBy>,
    /// The lifecycle hooks that it has come to.
    pub hooks: Vec<DeploymentLifecycleHookDetail>,
    /// The revision is that of the service's PRIMARY deployment.
    pub is_current: bool,
}

/// The revision that a deployment aims at.
#[derive(Debug)]
pub struct RequestedRevision {
    /// Its number.
    pub revision: ServiceRevisionId,
    /// The ARN of its task definition.
    pub task_definition: Option<Arn>,
    /// The images of its containers.
    pub images: Vec<ContainerImage>,
}

/// The image of a container.
#[derive(Debug)]
pub struct ContainerImage {
    /// The container.
    pub container: String,
    /// The reference, as the task definition has it.
    pub image: String,
    /// The digest that it stood for when the deployment began.
    pub digest: Option<String>,
}

/// A revision that a service runs.
#[derive(Debug, Clone)]
pub struct RunningRevision {
    /// Its number.
    pub revision: ServiceRevisionId,
    /// The ARN of its task definition.
    pub task_definition: Option<Arn>,
    /// Its tasks that run.
    pub running: i32,
    /// Its tasks that are on their way.
    pub pending: i32,
    /// The tasks that it shall have.
    pub requested: i32,
}

/// The one who asked for a deployment.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestedBy {
    /// The caller's name.
    pub caller: Option<String>,
    /// The request's id.
    pub request_id: String,
}

/// The tag that tells who asked.
const CALLER_TAG: &str = "ecs-api:caller";

impl RequestedBy {
    /// Reads it from the tags of a task definition; `None` where no request of this API has registered it.
    pub fn from_tags(tags: &[Tag]) -> Option<Self> {
        let value = |key| {
            let tag = tags.iter().find(|tag| tag.key() == Some(key))?;
            tag.value().map(str::to_owned)
        };
        let mark = value(crate::orchestration::mark::MARK_TAG)?;
        // The generation of a record is of no use to anybody else.
        let request_id = mark.split('/').next().unwrap_or_default().to_owned();
        let caller = value(CALLER_TAG);
        Some(Self { caller, request_id })
    }
}

/// The facts that a service tells of its deployments.
#[derive(Debug)]
pub(super) struct ServiceFacts {
    primary: Option<Deployment>,
    pub(super) running: Vec<RunningRevision>,
}

impl ServiceFacts {
    pub(super) fn of(service: &Service) -> Self {
        let is_active = service.status() == Some("ACTIVE");
        let definitions: BTreeMap<_, _> = service
            .deployments()
            .iter()
            .filter_map(|one| Some((ServiceRevisionId::of(one.id()?), one.task_definition()?)))
            .collect();
        let running = service
            .current_service_revisions()
            .iter()
            .filter(|_| is_active)
            .map(|current| {
                let revision = ServiceRevisionId::of(current.arn().unwrap_or_default());
                RunningRevision {
                    task_definition: definitions.get(&revision).map(|arn| Arn::from_answer(*arn)),
                    revision,
                    running: current.running_task_count(),
                    pending: current.pending_task_count(),
                    requested: current.requested_task_count(),
                }
            })
            .collect();
        let primary = primary(service).filter(|_| is_active);
        Self {
            primary: primary.cloned(),
            running,
        }
    }

    pub(super) fn primary(&self) -> Option<ServiceRevisionId> {
        Some(ServiceRevisionId::of(self.primary.as_ref()?.id()?))
    }

    /// Completes what is known of the deployments after one: the PRIMARY one may be newer than all that ECS has named.
    pub(super) fn surroundings(
        &self,
        deployment: &ServiceDeployment,
        has_newer: bool,
        is_overtaken: bool,
    ) -> Surroundings {
        let primary = self.primary();
        let mut sources = deployment.source_service_revisions().iter();
        let is_source = sources.any(|source| source.arn().map(ServiceRevisionId::of) == primary);
        let began_at = self.primary.as_ref().and_then(Deployment::created_at);
        let is_newer = !is_source
            && primary != state::target(deployment)
            && began_at > deployment.created_at();
        Surroundings {
            primary,
            has_newer: has_newer || is_newer,
            is_overtaken: is_overtaken
                || (is_newer && state::overtakes(began_at, deployment.finished_at())),
        }
    }
}

impl RequestedRevision {
    pub(super) fn of(revision: ServiceRevisionId, described: Option<&ServiceRevision>) -> Self {
        let images = described.map(ServiceRevision::container_images);
        let images = images.unwrap_or_default().iter();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            revision,
            task_definition: described
                .and_then(|one| one.task_definition())
                .map(Arn::from_answer),
            images: images
                .map(|one| ContainerImage {
                    container: text(one.container_name()),
                    image: text(one.image()),
                    digest: one.image_digest().map(str::to_owned),
                })
                .collect(),
        }
    }
}
