//! The request of a create: every part that the caller gave, by its name where it exists and by its input where it is
//! to be made.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_servicediscovery::operation::create_service as discovery;

use super::mark::{MARK_TAG, Mark};
use super::record::{Names, WorkKind};
use crate::ids::{
    ClusterName, Family, LogGroupName, NamespaceId, RegistryId, RegistryName, ServiceName,
    TaskDefinitionName,
};

/// The request of a create: every part that the caller gave.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// The cluster that the service goes to.
    pub cluster: ClusterPart,
    /// The task definition that the service's tasks run.
    pub task_definition: TaskDefinitionPart,
    /// The log group of the containers that name none; `None` if each names one, or the account has none for them.
    pub log_group: Option<NewLogGroup>,
    /// The registry in which the service's tasks are found by name.
    pub registry: RegistryPart,
    /// The service's name.
    pub service_name: ServiceName,
    /// The service. Its cluster, task definition and registries are filled in from the other parts.
    pub service: CreateServiceInput,
}

/// The cluster of a request.
#[derive(Debug, Clone)]
pub enum ClusterPart {
    /// Must exist and be ACTIVE.
    Existing(ClusterName),
    /// Is created, or used where it is ACTIVE already.
    New(NewCluster),
}

/// The task definition of a request.
#[derive(Debug, Clone)]
pub enum TaskDefinitionPart {
    /// Must exist and be ACTIVE.
    Existing(TaskDefinitionName),
    /// Is registered.
    New(NewTaskDefinition),
}

/// The registry of a request.
#[derive(Debug, Clone)]
pub enum RegistryPart {
    /// The service is not found by name.
    None,
    /// All of these must exist.
    Existing(Vec<RegistryId>),
    /// Is created in the namespace, or used where it exists already and agrees.
    New(NewRegistry),
}

/// A cluster that is to be created.
#[derive(Debug, Clone)]
pub struct NewCluster {
    /// Its name.
    pub name: ClusterName,
    /// The input of its creation.
    pub input: Box<CreateClusterInput>,
}

/// A revision that is to be registered.
#[derive(Debug, Clone)]
pub struct NewTaskDefinition {
    /// Its family.
    pub family: Family,
    /// The input of its registration.
    pub input: Box<RegisterTaskDefinitionInput>,
}

/// A log group that is to be created where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogGroup {
    /// Its name.
    pub name: LogGroupName,
    /// The days that its events are kept. Without it, for ever.
    pub retention_in_days: Option<i32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl NewLogGroup {
    /// Puts the mark of an undertaking on it.
    pub(super) fn mark(&mut self, mark: &Mark) {
        self.tags.insert(MARK_TAG.to_owned(), mark.to_string());
    }
}

/// A registry that is to be created.
#[derive(Debug, Clone)]
pub struct NewRegistry {
    /// Its namespace.
    pub namespace_id: NamespaceId,
    /// Its name.
    pub name: RegistryName,
    /// The input of its creation.
    pub input: Box<discovery::CreateServiceInput>,
}

impl ClusterPart {
    /// Returns its name.
    pub fn name(&self) -> &ClusterName {
        match self {
            Self::Existing(name) | Self::New(NewCluster { name, .. }) => name,
        }
    }
}

impl CreateRequest {
    /// Returns the name of the cluster.
    pub fn cluster_name(&self) -> &ClusterName {
        self.cluster.name()
    }

    /// Returns the names of everything that the request makes.
    pub fn names(&self) -> Names {
        let family = match &self.task_definition {
            TaskDefinitionPart::New(new) => Some(new.family.clone()),
            TaskDefinitionPart::Existing(_) => None,
        };
        let (namespace_id, registry) = match &self.registry {
            RegistryPart::New(new) => (Some(new.namespace_id.clone()), Some(new.name.clone())),
            RegistryPart::None | RegistryPart::Existing(_) => (None, None),
        };
        Names {
            kind: WorkKind::Create,
            cluster: Some(self.cluster_name().clone()),
            service: Some(self.service_name.clone()),
            makes_cluster: matches!(self.cluster, ClusterPart::New(_)),
            log_group: self.log_group.as_ref().map(|new| new.name.clone()),
            family,
            namespace_id,
            registry,
            target: None,
        }
    }
}
