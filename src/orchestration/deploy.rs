//! A deploy: a service gets another revision of what it runs, other tags or other settings, or all stays as it was.
//!
//! Look, plan, make, as a [create](super::create): the service and the revision that it runs are looked at while the
//! [`record`](super::record) of the request is written; what the body names is merged into the revision; the new one
//! is registered, and the service is updated. What a failed deploy has made is taken back before it answers, and of one
//! that died by its watch.

pub(super) mod flow;
pub(super) mod look;
mod make;
pub(super) mod plan;

use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::Service;

use super::Cause;
use super::failure::Failure;
use super::flow_context::FlowContext;
use super::record::{Names, WorkKind};
use crate::aws::ecs;
use crate::ids::{ClusterName, ServiceName};
use crate::wire::definition::{DefinitionChange, FieldChange, member_changes};
use crate::wire::tag_changes::TagChange;

use look::{ChangeSource, explain_refusal, find_service};
pub use look::{ControllerError, Precondition, PreconditionError, deployed_revision};

/// The only member of an update of which nobody needs to know what was there before.
const COUNT: &str = "desiredCount";

/// A request to change a service that is there.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service.
    pub service: ServiceName,
    /// The changes of the definition that the service runs.
    pub definition: DefinitionChange,
    /// The changes of tags, of the service and of a new revision.
    pub tags: Vec<TagChange>,
    /// The other changes; `None` without any.
    pub update: Option<Box<UpdateServiceInput>>,
    /// The deployment that the caller has seen, if it must be the present one.
    pub precondition: Option<Precondition>,
}

/// A service after a deploy.
#[derive(Debug)]
pub struct DeployOutcome {
    /// The service.
    pub service: Service,
    /// ECS was asked for a change.
    pub is_changed: bool,
    /// The ARN of the revision that it ran before; `None` if that is not known any more.
    pub previous: Option<String>,
    /// The id of the service revision that is being deployed; `None` where nothing is.
    pub deployment: Option<String>,
    /// The differences, as far as they are known.
    pub changes: Vec<FieldChange>,
}

/// Deploys, once.
///
/// # Errors
/// [`Failure`] with the first cause, after everything that was made was taken back.
pub async fn deploy(
    context: &FlowContext<'_>,
    request: DeployRequest,
) -> Result<DeployOutcome, Failure> {
    if let Some(update) = request.lone_count()
        && !context.identity.is_keyed
    {
        let scaled = context.deadline.run(scale(context, &request, update)).await;
        return scaled.map_err(Failure::before_any_change);
    }
    let source = ChangeSource {
        account: context.account,
        request: &request,
    };
    Box::pin(flow::carry_out(context, request.names(), &source)).await
}

/// Changes the number of tasks, by one call. Only if AWS refuses it the service is looked at.
async fn scale(
    context: &FlowContext<'_>,
    request: &DeployRequest,
    update: &UpdateServiceInput,
) -> Result<DeployOutcome, Cause> {
    let account = context.account;
    let answer = match ecs::update_service(account, update.clone()).await {
        Ok(answer) => answer,
        Err(refusal) => {
            let found = find_service(account, &request.cluster, &request.service).await;
            return Err(match found {
                Ok(service) => explain_refusal(&service, &request.service, refusal),
                Err(_) => refusal.into(),
            });
        }
    };
    let lacking = || account.lacking("ecs:UpdateService", "service");
    let service = answer.service.ok_or_else(lacking)?;
    Ok(DeployOutcome {
        is_changed: true,
        previous: service.task_definition.clone(),
        deployment: None,
        changes: member_changes(None, update),
        service,
    })
}

impl DeployRequest {
    /// Returns the update, if it names nothing but the number of tasks, and the request names nothing beside it.
    fn lone_count(&self) -> Option<&UpdateServiceInput> {
        let update = self.update.as_deref()?;
        let is_alone = self.definition.is_empty()
            && self.tags.is_empty()
            && self.precondition.is_none()
            && !self.deploys();
        let members = member_changes(None, update);
        (is_alone && members.iter().all(|member| member.path == COUNT)).then_some(update)
    }

    /// Returns `true` if the caller asks for a deployment.
    fn deploys(&self) -> bool {
        let update = self.update.as_deref();
        !self.definition.is_empty()
            || update.is_some_and(|update| {
                update.task_definition.is_some() || update.force_new_deployment == Some(true)
            })
    }

    /// Returns the names of what may be left of it, if it may bring another revision.
    fn names(&self) -> Names {
        if self.definition.is_empty() {
            return Names::default();
        }
        Names {
            kind: WorkKind::Deploy,
            cluster: Some(self.cluster.clone()),
            service: Some(self.service.clone()),
            ..Names::default()
        }
    }
}
