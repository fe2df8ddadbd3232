//! A service with everything around it: tasks, task definition, the name under which it is found.

use aws_sdk_ecs::types::{DesiredStatus, Service, TaskDefinition};

use super::parts::task_definition;
use crate::aws::discovery::namespace_of;
use crate::aws::ecs::TaskFilter;
use crate::aws::namespaces::namespace_name;
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, RegistryId, ServiceName, TaskDefinitionName};

/// A service and what belongs to it.
#[derive(Debug)]
pub struct ServiceView {
    /// The service.
    pub service: Service,
    /// `name.namespace` of its first registry; `None` without one, or if it is gone.
    pub endpoint: Option<String>,
    /// Its running and stopped tasks, as `cluster/id`.
    pub tasks: Vec<String>,
    /// Its task definition; `None` if it is gone.
    pub task_definition: Option<TaskDefinition>,
}

/// Shows a service, or `None` if AWS does not know it.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn show_service(
    account: &Account,
    cluster: &ClusterName,
    name: &ServiceName,
    deadline: Deadline,
) -> Result<Option<ServiceView>, Error> {
    let (service, running, stopped) = tokio::join!(
        ecs::describe_service(account, cluster, name),
        tasks(account, cluster, name, DesiredStatus::Running, deadline),
        tasks(account, cluster, name, DesiredStatus::Stopped, deadline),
    );
    let Some(service) = service? else {
        return Ok(None);
    };
    let (task_definition, endpoint) = tokio::join!(
        definition_of(account, &service),
        endpoint(account, &service)
    );
    let tasks = running?.into_iter().chain(stopped?).collect();
    Ok(Some(ServiceView {
        endpoint: endpoint?,
        tasks,
        task_definition: task_definition?,
        service,
    }))
}

async fn tasks(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
    status: DesiredStatus,
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let filter = TaskFilter {
        service: Some(service.clone()),
        status: Some(status),
        ..TaskFilter::default()
    };
    let listed = match ecs::list_tasks(account, cluster, filter, PageRequest::whole(deadline)).await
    {
        Ok(listed) => listed,
        // A service that is INACTIVE is still described, but has no list of tasks any more.
        Err(error) if error.kind == Kind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // `task/{cluster}/{id}`, or the older `task/{id}`.
    let id = |arn: &Arn| {
        arn.as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(listed
        .entries
        .iter()
        .map(|arn| format!("{cluster}/{}", id(arn)))
        .collect())
}

async fn definition_of(
    account: &Account,
    service: &Service,
) -> Result<Option<TaskDefinition>, Error> {
    let Some(arn) = service.task_definition() else {
        return Ok(None);
    };
    task_definition::look(account, &TaskDefinitionName::from_answer(arn)).await
}

async fn endpoint(account: &Account, service: &Service) -> Result<Option<String>, Error> {
    let arn = service
        .service_registries()
        .first()
        .and_then(|registry| registry.registry_arn());
    let Some(arn) = arn else { return Ok(None) };
    let id = RegistryId::of(arn, &account.account_region());
    match find_endpoint(account, &id).await {
        Ok(endpoint) => Ok(endpoint),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn find_endpoint(account: &Account, id: &RegistryId) -> Result<Option<String>, Error> {
    let registry = discovery::get_service(account, id).await?;
    let Some(namespace_id) = namespace_of(&registry) else {
        return Ok(None);
    };
    let namespace = namespace_name(account, &namespace_id).await?;
    Ok(registry
        .name()
        .zip(namespace)
        .map(|(name, namespace)| format!("{name}.{namespace}")))
}
