//! The cluster of a service that is gone: deleted, unless something else is in it.

use aws_sdk_ecs::types::{Cluster, Task};

use super::{Occasion, Step, Target, count, rest, tasks};
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;

/// Deletes the cluster, if nothing else is in it.
pub(super) async fn step(
    account: &Account,
    target: &Target,
    occasion: Occasion<'_>,
    deadline: Deadline,
) -> Result<Step, Error> {
    let name = &target.cluster;
    let (found, services, live) = tokio::join!(
        ecs::describe_cluster(account, name),
        ecs::list_services(account, name, None, PageRequest::whole(deadline)),
        tasks::live(account, name, deadline),
    );
    let Some(cluster) = found?.filter(|cluster| cluster.status() != Some("INACTIVE")) else {
        return Ok(Step::Gone);
    };
    if is_another(&cluster, occasion) {
        return Ok(Step::Kept(
            "it was created again after the delete was asked for".to_owned(),
        ));
    }
    if let Some(status @ ("PROVISIONING" | "DEPROVISIONING")) = cluster.status() {
        return Ok(Step::Pending(format!("the cluster, which is {status}")));
    }
    let is_stopping = |task: &Task| {
        tasks::is_of(task, &target.service) || task.desired_status() == Some("STOPPED")
    };
    let (stopping, others): (Vec<_>, Vec<_>) = live?.into_iter().partition(is_stopping);
    let instances = cluster.registered_container_instances_count();
    if let Some(reason) = in_use(services?.entries.len(), others.len(), instances) {
        unmark(account, &cluster).await?;
        return Ok(Step::Kept(reason));
    }
    if !stopping.is_empty() {
        return Ok(Step::Pending(format!(
            "{} to stop",
            count(stopping.len(), "task")
        )));
    }
    match ecs::delete_cluster(account, name).await {
        Ok(_) => Ok(Step::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Step::Gone),
        // What AWS counts in a cluster lags behind what is in it.
        Err(error) if error.kind == Kind::Conflict => Ok(Step::Pending(error.message)),
        Err(error) => Err(error),
    }
}

/// Whether a delete that goes on later was to delete another cluster of the name.
fn is_another(cluster: &Cluster, occasion: Occasion<'_>) -> bool {
    let Occasion::Later { mark } = occasion else {
        return false;
    };
    mark.is_none() || rest::mark(cluster) != mark
}

/// Takes the mark off a cluster that stays.
async fn unmark(account: &Account, cluster: &Cluster) -> Result<(), Error> {
    let Some(arn) = cluster
        .cluster_arn()
        .filter(|_| rest::mark(cluster).is_some())
    else {
        return Ok(());
    };
    ecs::untag_resource(account, arn, rest::MARK).await
}

fn in_use(services: usize, tasks: usize, instances: i32) -> Option<String> {
    if services > 0 {
        Some(format!("it has {}", count(services, "other service")))
    } else if tasks > 0 {
        Some(format!("it has {}", count(tasks, "other task")))
    } else if instances > 0 {
        Some(format!("it has {}", count(instances, "container instance")))
    } else {
        None
    }
}
