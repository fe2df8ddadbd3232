//! The tasks that have not stopped.

use aws_sdk_ecs::types::{DesiredStatus, Task};

use crate::aws::ecs::{DESCRIBE_TASKS_MAX, TaskFilter};
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;
use crate::ids::{ClusterName, ServiceName};

/// Returns every task of a cluster, or of one of its services, that is not STOPPED: those that shall run, and those
/// that are on their way to stop.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn live(
    account: &Account,
    cluster: &ClusterName,
    service: Option<&ServiceName>,
    deadline: Deadline,
) -> Result<Vec<Task>, Error> {
    let (running, stopping) = tokio::join!(
        Box::pin(of_status(
            account,
            cluster,
            service,
            DesiredStatus::Running,
            deadline
        )),
        Box::pin(of_status(
            account,
            cluster,
            service,
            DesiredStatus::Stopped,
            deadline
        )),
    );
    Ok(running?
        .into_iter()
        .chain(stopping?)
        .filter(|task| task.last_status() != Some("STOPPED"))
        .collect())
}

async fn of_status(
    account: &Account,
    cluster: &ClusterName,
    service: Option<&ServiceName>,
    status: DesiredStatus,
    deadline: Deadline,
) -> Result<Vec<Task>, Error> {
    let filter = TaskFilter {
        service: service.cloned(),
        status: Some(status),
        ..TaskFilter::default()
    };
    let listed = match ecs::list_tasks(account, cluster, filter, PageRequest::whole(deadline)).await
    {
        Ok(listed) => listed.entries,
        Err(error) if error.kind == Kind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut tasks = Vec::new();
    for batch in listed.chunks(DESCRIBE_TASKS_MAX) {
        tasks.extend(ecs::describe_tasks(account, cluster, batch).await?);
    }
    Ok(tasks)
}

/// Returns `true` if a service has started the task.
pub(in crate::orchestration) fn is_of(task: &Task, service: &ServiceName) -> bool {
    service_of(task) == Some(service.as_str())
}

/// Returns the name of the service that has started a task, if one did.
pub(in crate::orchestration) fn service_of(task: &Task) -> Option<&str> {
    task.group()?.strip_prefix("service:")
}
