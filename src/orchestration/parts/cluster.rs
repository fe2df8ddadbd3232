//! The cluster.

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::types::{Cluster, Task};
use tokio::time::sleep;

use super::{PAUSE, Removal, count, is_there_perhaps, tasks};
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, ServiceName};
use crate::orchestration::mark::Mark;
use crate::orchestration::request::NewCluster;
use crate::orchestration::undo_log::{Change, UndoLog};

/// Creates the cluster. One that another request has just created is used; the mark tells whose it is.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn make(
    account: &Account,
    NewCluster { name, input }: &NewCluster,
    log: &UndoLog,
) -> Result<Cluster, Error> {
    let change = Change::Cluster(name.clone());
    let mut cluster = match create(account, input, &change, log).await {
        // ECS refuses one that is there with other tags or settings, and ours are always others.
        Err(error) if is_there_perhaps(&error) => {
            match ecs::describe_cluster(account, name).await? {
                Some(cluster) if cluster.status() != Some("INACTIVE") => cluster,
                _ if error.kind.leaves_outcome_unknown() => {
                    create(account, input, &change, log).await?
                }
                _ => return Err(error),
            }
        }
        made => made?,
    };
    // One with capacity providers takes a while.
    while cluster.status() == Some("PROVISIONING") {
        sleep(PAUSE).await;
        let found = ecs::describe_cluster(account, name).await?;
        cluster = found.unwrap_or(cluster);
    }
    Ok(cluster)
}

async fn create(
    account: &Account,
    input: &CreateClusterInput,
    change: &Change,
    log: &UndoLog,
) -> Result<Cluster, Error> {
    let work = async {
        let answer = ecs::create_cluster_once(account, input.clone()).await?;
        answer
            .cluster
            .ok_or_else(|| account.lacking("ecs:CreateCluster", "cluster"))
    };
    log.track(change, work, |cluster| cluster.cluster_arn.clone())
        .await
}

/// Deletes the cluster of a name if it has the mark, and nothing is in it.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn take_back(
    account: &Account,
    mark: &Mark,
    name: &ClusterName,
    deadline: Deadline,
) -> Result<(Removal, Option<Arn>), Error> {
    let found = ecs::describe_cluster(account, name)
        .await?
        .filter(|cluster| cluster.status() != Some("INACTIVE"));
    let Some(cluster) = found else {
        return Ok((Removal::Absent, None));
    };
    if !mark.is_on(cluster.tags()) {
        return Ok((Removal::NotOwn, None));
    }
    let removal = delete_unused(account, name, &cluster, None, deadline).await?;
    Ok((removal, cluster.cluster_arn.map(Arn::from_answer)))
}

/// Deletes a cluster, if nothing is in it but what is left of the service `own`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn delete_unused(
    account: &Account,
    name: &ClusterName,
    cluster: &Cluster,
    own: Option<&ServiceName>,
    deadline: Deadline,
) -> Result<Removal, Error> {
    if let Some(status @ ("PROVISIONING" | "DEPROVISIONING")) = cluster.status() {
        return Ok(Removal::Pending(format!("the cluster, which is {status}")));
    }
    let has_been_looked_at = !seems_empty(cluster);
    if has_been_looked_at
        && let Some(removal) = look_inside(account, name, cluster, own, None, deadline).await?
    {
        return Ok(removal);
    }
    match ecs::delete_cluster(account, name).await {
        Ok(_) => Ok(Removal::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Removal::Gone),
        Err(error) if is_held_by_owner(&error) => Ok(Removal::Kept(error.message)),
        Err(error) if error.kind == Kind::Conflict => {
            let inside = if has_been_looked_at {
                None
            } else {
                look_inside(account, name, cluster, own, None, deadline).await?
            };
            Ok(inside.unwrap_or(Removal::Pending(error.message)))
        }
        Err(error) => Err(error),
    }
}

/// Returns `true` if ECS counts nothing in a cluster. Its counts lag behind by some seconds.
fn seems_empty(cluster: &Cluster) -> bool {
    [
        cluster.active_services_count(),
        cluster.running_tasks_count(),
        cluster.pending_tasks_count(),
        cluster.registered_container_instances_count(),
    ]
    .iter()
    .all(|count| *count == 0)
}

/// Returns `true` if a cluster can't go before its owner has taken away what only he can: capacity providers of its own,
/// or daemons, for which ECS has no code of its own.
fn is_held_by_owner(error: &Error) -> bool {
    let message = error.message.to_ascii_lowercase();
    error.code.as_deref() == Some("ClientException")
        && (message.contains("capacity provider") || message.contains("daemon"))
}

/// Finds the reason why a cluster can't be deleted; `None` if nothing is seen in it but tasks of the service `own`, and
/// the service of the ARN `ignored`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn look_inside(
    account: &Account,
    name: &ClusterName,
    cluster: &Cluster,
    own: Option<&ServiceName>,
    ignored: Option<&Arn>,
    deadline: Deadline,
) -> Result<Option<Removal>, Error> {
    let (services, live) = tokio::join!(
        ecs::list_services(account, name, None, PageRequest::whole(deadline)),
        tasks::live(account, name, None, deadline),
    );
    let is_stopping = |task: &Task| {
        own.is_some_and(|service| tasks::is_of(task, service))
            || task.desired_status() == Some("STOPPED")
    };
    let (stopping, others): (Vec<_>, Vec<_>) = live?.into_iter().partition(is_stopping);
    let counts = |arn: &&Arn| Some(*arn) != ignored;
    let services = services?.entries.iter().filter(counts).count();
    let instances = cluster.registered_container_instances_count();
    Ok(if services > 0 {
        Some(kept_for(&count(services, "other service")))
    } else if !others.is_empty() {
        Some(kept_for(&count(others.len(), "other task")))
    } else if instances > 0 {
        Some(kept_for(&count(instances, "container instance")))
    } else if !stopping.is_empty() {
        let tasks = count(stopping.len(), "task");
        Some(Removal::Pending(format!("{tasks} to stop")))
    } else {
        None
    })
}

fn kept_for(what: &str) -> Removal {
    Removal::Kept(format!("it has {what}"))
}
