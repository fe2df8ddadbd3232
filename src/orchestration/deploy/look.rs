//! The look of a deploy: the service, the revision that it runs, and whether it can be deployed here at all.

use std::sync::Arc;

use aws_sdk_ecs::types::{DeploymentControllerType, ResourceManagementType, Service};

use super::DeployRequest;
use super::flow::{Look, Source};
use super::plan::{DeployPlan, plan};
use crate::aws::revisions::{Revision, describe_revision};
use crate::aws::{Account, Error, Kind, ecs};
use crate::ids::{ClusterName, ServiceName, ServiceRevisionId, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::mark::Mark;

/// The beginning of a deployment's id, which the number of its service revision follows.
const DEPLOYMENT_PREFIX: &str = "ecs-svc/";

/// A service that is not deployed by ECS as it is by default.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControllerError {
    /// The service `CodeDeploy` of AWS deploys it.
    #[error(
        "the service `{0}` is deployed by CodeDeploy, of which ECS keeps no service deployments: start a deployment of \
         its application there, with a task definition of `POST …/taskdefs`; `aws deploy list-deployments` shows them"
    )]
    CodeDeploy(ServiceName),
    /// An external controller deploys it.
    #[error(
        "the service `{0}` is deployed by an external controller, of which ECS keeps no service deployments: deploy \
         there, with a task definition of `POST …/taskdefs`; `aws ecs describe-task-sets` shows its task sets"
    )]
    External(ServiceName),
    /// Express Mode deploys it.
    #[error(
        "the service `{0}` is one of Express Mode: deploy it by `ecs:UpdateExpressGatewayService`"
    )]
    Express(ServiceName),
}

/// A service that is not as its caller has seen it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the service `{service}` is not deployed as `If-Match` says; {}", present_in_words(.present.as_deref()))]
pub struct PreconditionError {
    /// The service.
    pub service: ServiceName,
    /// The id of the service revision that is deployed; `None` without one.
    pub present: Option<String>,
}

fn present_in_words(present: Option<&str>) -> String {
    present.map_or_else(
        || "nothing is deployed".to_owned(),
        |present| format!("its `ETag` is `\"{present}\"`"),
    )
}

/// The deployment that a caller has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Any.
    Any,
    /// One of these service revisions, by id.
    OneOf(Vec<String>),
}

impl Precondition {
    fn holds(&self, present: Option<&str>) -> bool {
        match self {
            Self::Any => present.is_some(),
            Self::OneOf(ids) => present.is_some_and(|present| ids.iter().any(|id| id == present)),
        }
    }
}

/// Returns the id of the service revision that a service's latest deployment brings: what follows `ecs-svc/` in the id of
/// its PRIMARY deployment, or task set. `None` for a service that has none, as a deleted one.
pub fn deployed_revision(service: &Service) -> Option<&str> {
    let deployments = service.deployments().iter();
    let deployments = deployments.map(|deployment| (deployment.status(), deployment.id()));
    let task_sets = service.task_sets().iter();
    let task_sets = task_sets.map(|task_set| (task_set.status(), task_set.id()));
    let primary = deployments
        .chain(task_sets)
        .find(|(status, _)| *status == Some("PRIMARY"));
    let id = primary.and_then(|(_, id)| id)?;
    Some(id.strip_prefix(DEPLOYMENT_PREFIX).unwrap_or(id))
}

/// A service as a deploy finds it.
pub(super) struct ServiceLook<'r> {
    account: &'r Account,
    request: &'r DeployRequest,
    service: Service,
    /// The revision that it runs, where something of it is to be changed.
    revision: Option<Arc<Revision>>,
}

/// A change of what a service runs, as a body asks for it.
pub(super) struct ChangeSource<'r> {
    /// The account.
    pub account: &'r Account,
    /// The request.
    pub request: &'r DeployRequest,
}

impl<'r> Source for ChangeSource<'r> {
    type Look = ServiceLook<'r>;

    fn look(
        &self,
        _target: Option<ServiceRevisionId>,
    ) -> impl Future<Output = Result<ServiceLook<'r>, Cause>> + Send {
        look(self.account, self.request)
    }
}

/// Looks at the service and, if something of it is to be changed, at the revision that it runs.
async fn look<'r>(
    account: &'r Account,
    request: &'r DeployRequest,
) -> Result<ServiceLook<'r>, Cause> {
    let service = find_service(account, &request.cluster, &request.service).await?;
    let revision = match service.task_definition() {
        Some(arn) if !request.definition.is_empty() => {
            let name = TaskDefinitionName::from_answer(arn);
            Some(describe_revision(account, &name, arn).await?)
        }
        _ => None,
    };
    Ok(ServiceLook {
        account,
        request,
        service,
        revision,
    })
}

/// Returns the service of a name.
pub(in crate::orchestration) async fn find_service(
    account: &Account,
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<Service, Cause> {
    let found = ecs::describe_service(account, cluster, name).await?;
    found.ok_or_else(|| Cause::NoService {
        cluster: cluster.clone(),
        service: name.clone(),
    })
}

impl Look for ServiceLook<'_> {
    fn service(&self) -> &Service {
        &self.service
    }

    fn check_precondition(&self) -> Result<(), PreconditionError> {
        let precondition = self.request.precondition.as_ref();
        check_precondition(&self.service, &self.request.service, precondition)
    }

    fn plan(self, mark: &Mark, caller: &str) -> Result<DeployPlan, Cause> {
        let request = self.request;
        check_status(&self.service, &request.cluster, &request.service)?;
        if request.deploys() {
            check_controller(&self.service, &request.service)?;
        }
        let revision = self.revision.as_deref();
        plan(
            request,
            self.service,
            revision,
            self.account,
            (mark, caller),
        )
    }
}

/// Checks that the service can be changed at all.
pub(in crate::orchestration) fn check_status(
    service: &Service,
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<(), Cause> {
    match service.status() {
        Some("ACTIVE") => Ok(()),
        status => Err(Cause::ServiceNotActive {
            cluster: cluster.clone(),
            service: name.clone(),
            status: status.unwrap_or_default().to_owned(),
        }),
    }
}

/// Checks that ECS itself deploys the service.
pub(in crate::orchestration) fn check_controller(
    service: &Service,
    name: &ServiceName,
) -> Result<(), ControllerError> {
    if service.resource_management_type() == Some(&ResourceManagementType::Ecs) {
        return Err(ControllerError::Express(name.clone()));
    }
    check_rollout(service, name)
}

/// Checks that ECS itself rolls the service out, for Express Mode or not.
pub(in crate::orchestration) fn check_rollout(
    service: &Service,
    name: &ServiceName,
) -> Result<(), ControllerError> {
    let controller = service.deployment_controller();
    match controller.map(aws_sdk_ecs::types::DeploymentController::r#type) {
        Some(DeploymentControllerType::CodeDeploy) => {
            Err(ControllerError::CodeDeploy(name.clone()))
        }
        Some(DeploymentControllerType::External) => Err(ControllerError::External(name.clone())),
        _ => Ok(()),
    }
}

/// Returns the cause of an update that AWS refused: who deploys the service, if that is not ECS, else AWS's own words.
pub(super) fn explain_refusal(service: &Service, name: &ServiceName, refusal: Error) -> Cause {
    match check_controller(service, name) {
        Err(controller) if matches!(refusal.kind, Kind::Invalid | Kind::Conflict) => {
            controller.into()
        }
        _ => refusal.into(),
    }
}

/// Checks that the service is deployed as the caller has seen it.
pub(in crate::orchestration) fn check_precondition(
    service: &Service,
    name: &ServiceName,
    precondition: Option<&Precondition>,
) -> Result<(), PreconditionError> {
    let present = deployed_revision(service);
    if precondition.is_none_or(|precondition| precondition.holds(present)) {
        return Ok(());
    }
    Err(PreconditionError {
        service: name.clone(),
        present: present.map(str::to_owned),
    })
}
