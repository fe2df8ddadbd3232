//! The reasons why a flow did not succeed.

use aws_sdk_servicediscovery::types::Service as Registry;

use super::checks::ServiceFault;
use super::deploy::{ControllerError, PreconditionError};
use super::deployments::DeploymentFault;
use super::logs::{ForbiddenLog, LogElsewhere, NoLog};
use super::record::BeginError;
use super::rollback::RollbackFault;
use super::tags::TAGS_MAX;
use crate::aws;
use crate::deadline::Elapsed;
use crate::ids::{Arn, ClusterName, NamespaceId, RegistryName, ServiceName, TaskDefinitionName};
use crate::wire::definition::MergeError;
use crate::wire::validation::FieldError;

/// The first thing that went wrong in a flow.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// AWS refused a call, or did not answer it.
    #[error(transparent)]
    Aws(#[from] aws::Error),
    /// The request could not be begun.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// The cluster that must exist does not, or is not ACTIVE.
    #[error("there is no ACTIVE cluster `{0}`")]
    NoCluster(ClusterName),
    /// The task definition that must exist does not, or is not ACTIVE.
    #[error("there is no ACTIVE task definition `{0}`")]
    NoTaskDefinition(TaskDefinitionName),
    /// There is no service of the name.
    #[error("there is no service `{service}` in the cluster `{cluster}`")]
    NoService {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
    },
    /// The service is on its way to be gone, or is gone.
    #[error("the service `{service}` of the cluster `{cluster}` is {status}, and not ACTIVE")]
    ServiceNotActive {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
        /// Its status.
        status: String,
    },
    /// Somebody else deploys the service.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// The service is not as its caller has seen it.
    #[error(transparent)]
    Precondition(#[from] PreconditionError),
    /// There is nothing to go back to.
    #[error(transparent)]
    Rollback(#[from] RollbackFault),
    /// The settings of an earlier revision can't be given back.
    #[error("the update that goes back is not valid")]
    Unrestorable(Vec<FieldError>),
    /// The change does not fit what the service runs.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The revision would have so many tags that none could tell who made it.
    #[error(
        "the revision would have {tags} tags; at most {} are accepted, since one more tells what made it",
        TAGS_MAX - 1
    )]
    NoRoomForMark {
        /// The number of tags.
        tags: usize,
    },
    /// ECS would refuse the service, once everything else is made.
    #[error("the service is not valid at {}", places(.0))]
    Faulty(Vec<ServiceFault>),
    /// There is no such log.
    #[error(transparent)]
    NoLog(#[from] NoLog),
    /// A cluster of the name is on its way to be of use, or to be gone.
    #[error("the cluster `{name}` is {status}")]
    ClusterNotReady {
        /// The cluster's name.
        name: ClusterName,
        /// Its status.
        status: String,
    },
    /// A cluster of the name is there, and of no use.
    #[error("the cluster `{name}` is {status}")]
    ClusterTaken {
        /// The cluster's name.
        name: ClusterName,
        /// Its status.
        status: String,
    },
    /// The cluster has a service of the name.
    #[error("the cluster `{cluster}` has a service `{service}` already")]
    ServiceTaken {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
    },
    /// A service of the name is still draining.
    #[error(
        "the service `{service}` of the cluster `{cluster}` is still draining; its name is free once it is INACTIVE"
    )]
    Draining {
        /// The cluster's name.
        cluster: ClusterName,
        /// The service's name.
        service: ServiceName,
    },
    /// The namespace has a registry of the name, with other records.
    #[error("the namespace has a registry `{name}` with another DNS config already: `{arn}`")]
    RegistryTaken {
        /// The registry's name.
        name: RegistryName,
        /// Its ARN.
        arn: Arn,
    },
    /// The registry is to be created in a namespace that another account shares: nothing there can be tagged, so that
    /// nothing would tell who made it (<https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2472>).
    #[error(
        "the namespace `{namespace_id}` is shared by the account `{owner}`, and what is created in it can't be tagged: \
         create the registry by `POST …/servicediscovery/services`, and name its ARN in `service.serviceRegistries`"
    )]
    SharedNamespace {
        /// The namespace.
        namespace_id: NamespaceId,
        /// The id of the account that it belongs to.
        owner: String,
    },
    /// ECS has forgotten the tasks that the same request has started.
    #[error(
        "this `Idempotency-Key` has started tasks, and ECS has forgotten them: it knows a stopped task for an hour at most"
    )]
    TasksForgotten,
    /// A container does not log to CloudWatch Logs.
    #[error(transparent)]
    LogElsewhere(#[from] LogElsewhere),
    /// A container logs where the account's configuration lets nobody read.
    #[error(transparent)]
    ForbiddenLog(#[from] ForbiddenLog),
    /// Nothing can be told of a deployment, or done to it.
    #[error(transparent)]
    Deployment(#[from] DeploymentFault),
    /// The request's time was over.
    #[error(transparent)]
    Deadline(#[from] Elapsed),
}

/// Lists the members that are at fault.
fn places(faults: &[ServiceFault]) -> String {
    let places: Vec<_> = faults
        .iter()
        .map(|fault| format!("`service.{}`", fault.path))
        .collect();
    places.join(", ")
}

impl Cause {
    /// Returns the cause that a registry is in the way.
    pub(super) fn registry_taken(registry: &Registry) -> Self {
        Self::RegistryTaken {
            name: RegistryName::from_answer(registry.name().unwrap_or_default()),
            arn: Arn::from_answer(registry.arn().unwrap_or_default()),
        }
    }
}
