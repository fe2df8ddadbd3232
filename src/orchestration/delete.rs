//! The orchestrated delete: the service, and with `recursive` its registries and its cluster, in AWS's order.
//!
//! Each step looks at what is there and does what can be done, so that the same delete again goes on where the
//! first one stopped: the service is INACTIVE, then its registries' instances are gone, then the registries,
//! then the cluster.

use std::fmt::Display;
use std::time::Duration;

use aws_sdk_ecs::types::{Cluster, Service, Task};
use aws_sdk_servicediscovery::types::InstanceSummary;
use futures_util::future::join_all;

use super::Cause;
use crate::aws::pages::Span;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::{Deadline, Elapsed};

/// How often a thing that is going is looked at again.
const POLL: Duration = Duration::from_secs(2);
/// The cluster that AWS uses where none is named; it is nobody's to delete as a side effect.
const DEFAULT_CLUSTER: &str = "default";

/// What is to be deleted.
#[derive(Debug)]
pub struct Target {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// Whether the registries and the cluster go too.
    pub is_recursive: bool,
}

/// How far a delete has come.
#[derive(Debug)]
pub struct Progress {
    /// The service as AWS last described it.
    pub service: Service,
    /// The ARNs of what is gone.
    pub deleted: Vec<String>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
    /// What goes as soon as something else has happened.
    pub pending: Vec<Pending>,
}

/// Something that a recursive delete does not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its ARN.
    pub arn: String,
    /// Why it stays.
    pub reason: String,
}

/// Something that is still to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its ARN.
    pub arn: String,
    /// What must happen first.
    pub waiting_for: String,
}

/// A delete that AWS refused to go on with.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// The refusal.
    #[source]
    pub cause: Cause,
    /// What was gone before.
    pub deleted: Vec<String>,
}

/// What became of one thing.
enum Step {
    Gone,
    Kept(String),
    Pending(String),
}

/// Deletes a target, as far as the time allows.
///
/// # Errors
/// [`Failure`] with the refusal, and what was deleted before it.
pub async fn delete(account: &Account, target: &Target, deadline: Deadline) -> Result<Progress, Failure> {
    let begun = deadline.limit(begin(account, target)).await.map_err(Cause::from).and_then(|begun| begun);
    let service = begun.map_err(|cause| Failure { cause, deleted: Vec::new() })?;
    let mut progress = Progress { service, deleted: Vec::new(), kept: Vec::new(), pending: Vec::new() };
    if !target.is_recursive {
        progress.deleted.push(arn(&progress.service));
        return Ok(progress);
    }
    match Box::pin(finish(account, target, &mut progress, deadline)).await {
        Ok(()) => Ok(progress),
        Err(cause) => Err(Failure { cause: cause.into(), deleted: progress.deleted }),
    }
}

/// Force-deletes the service, unless it is going or gone already.
async fn begin(account: &Account, target: &Target) -> Result<Service, Cause> {
    let Target { cluster, service: name, .. } = target;
    let missing = || Cause::Missing(format!("there is no service `{name}` in the cluster `{cluster}`"));
    let service = ecs::describe_service(account, cluster, name).await?.ok_or_else(missing)?;
    if service.status() != Some("ACTIVE") {
        return if target.is_recursive { Ok(service) } else { settled(service).ok_or_else(missing) };
    }
    let answer = ecs::delete_service(account, cluster, name).await?;
    let going = answer.service.ok_or_else(|| account.lacking("ecs:DeleteService", "service"))?;
    Ok(with_registries_of(service, going))
}

/// A later description of a service; where it leaves the registries out, they are the earlier one's.
fn with_registries_of(earlier: Service, mut later: Service) -> Service {
    if later.service_registries().is_empty() {
        later.service_registries = earlier.service_registries;
    }
    later
}

/// A service that is DRAINING has been deleted; one that is INACTIVE is not there any more.
fn settled(service: Service) -> Option<Service> {
    (service.status() == Some("DRAINING")).then_some(service)
}

/// Everything after the service: each waits for what is before it.
async fn finish(
    account: &Account,
    target: &Target,
    progress: &mut Progress,
    deadline: Deadline,
) -> Result<(), aws::Error> {
    let (registries, cluster) = (registry_arns(&progress.service), cluster_arn(&progress.service));
    if target.cluster == DEFAULT_CLUSTER {
        let reason = "the cluster `default` is never deleted along with a service";
        progress.note(cluster.clone(), Step::Kept(reason.to_owned()));
    }
    if let Some(waiting_for) = drained(account, target, progress, deadline).await? {
        progress.pending.push(Pending { arn: arn(&progress.service), waiting_for });
        let after = || format!("the service `{}` to be INACTIVE", target.service);
        progress.pending.extend(registries.into_iter().map(|arn| Pending { arn, waiting_for: after() }));
        if target.cluster != DEFAULT_CLUSTER {
            progress.pending.push(Pending { arn: cluster, waiting_for: after() });
        }
        return Ok(());
    }
    progress.deleted.push(arn(&progress.service));
    let steps = join_all(
        registries.iter().map(|arn| until(deadline, || Box::pin(registry_step(account, target, arn, deadline)))),
    )
    .await;
    for (arn, step) in registries.into_iter().zip(steps) {
        progress.note(arn, step?);
    }
    if target.cluster == DEFAULT_CLUSTER {
        return Ok(());
    }
    if !progress.pending.is_empty() {
        progress.note(cluster, Step::Pending("the registries to be deleted".to_owned()));
        return Ok(());
    }
    let step = until(deadline, || Box::pin(cluster_step(account, target, deadline))).await?;
    progress.note(cluster, step);
    Ok(())
}

impl Progress {
    fn note(&mut self, arn: String, step: Step) {
        match step {
            Step::Gone => self.deleted.push(arn),
            Step::Kept(reason) => self.kept.push(Kept { arn, reason }),
            Step::Pending(waiting_for) => self.pending.push(Pending { arn, waiting_for }),
        }
    }
}

/// Waits until the service is INACTIVE; what it still waits for when the time is over.
async fn drained(
    account: &Account,
    target: &Target,
    progress: &mut Progress,
    deadline: Deadline,
) -> Result<Option<String>, aws::Error> {
    loop {
        if progress.service.status() == Some("INACTIVE") {
            return Ok(None);
        }
        let look = async {
            let found = ecs::describe_service(account, &target.cluster, &target.service).await?;
            if found.as_ref().is_some_and(|service| service.status() != Some("INACTIVE")) {
                tokio::time::sleep(POLL).await;
            }
            Ok::<_, aws::Error>(found)
        };
        let running = progress.service.running_count();
        match deadline.limit(look).await {
            Ok(found) => match found? {
                Some(found) => progress.service = with_registries_of(progress.service.clone(), found),
                // AWS has forgotten it: it is gone.
                None => return Ok(None),
            },
            Err(Elapsed) if running > 0 => return Ok(Some(format!("{} to stop", count(running, "task")))),
            Err(Elapsed) => return Ok(Some("its tasks to stop".to_owned())),
        }
    }
}

/// Repeats a step while it is pending, until the deadline.
async fn until<F>(deadline: Deadline, step: impl Fn() -> F) -> Result<Step, aws::Error>
where
    F: Future<Output = Result<Step, aws::Error>>,
{
    let mut last = Step::Pending("the next attempt".to_owned());
    loop {
        match deadline.limit(step()).await {
            Ok(Ok(Step::Pending(waiting_for))) => last = Step::Pending(waiting_for),
            Ok(done) => return done,
            Err(Elapsed) => return Ok(last),
        }
        if deadline.limit(tokio::time::sleep(POLL)).await.is_err() {
            return Ok(last);
        }
    }
}

/// Deletes a registry, once no instance is left in it.
async fn registry_step(account: &Account, target: &Target, arn: &str, deadline: Deadline) -> Result<Step, aws::Error> {
    let id = arn.rsplit('/').next().unwrap_or_default();
    match discovery::delete_service(account, id).await {
        Ok(()) => return Ok(Step::Gone),
        Err(error) if error.kind == Kind::NotFound => return Ok(Step::Gone),
        Err(error) if error.kind == Kind::Conflict => {}
        Err(error) => return Err(error),
    }
    let instances = instances(account, id, deadline).await?;
    let (gone, live) = sort_out(account, target, instances).await?;
    if live > 0 {
        return Ok(Step::Kept(format!("it has {} of others", count(live, "instance"))));
    }
    // ECS deregisters as tasks stop, sometimes never
    // (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>).
    let deregistered =
        join_all(gone.iter().map(|instance| discovery::deregister_instance(account, id, instance))).await;
    for outcome in deregistered {
        match outcome {
            Err(error) if !matches!(error.kind, Kind::NotFound | Kind::Conflict) => return Err(error),
            _ => {}
        }
    }
    Ok(Step::Pending("its instances to be deregistered".to_owned()))
}

/// An instance of a registry, and the ECS service that registered it.
struct Instance {
    id: String,
    service: Option<String>,
}

async fn instances(account: &Account, registry_id: &str, deadline: Deadline) -> Result<Vec<Instance>, aws::Error> {
    let listed = match discovery::list_instances(account, registry_id, Span::whole(deadline)).await {
        Ok(listed) => listed.entries,
        Err(error) if error.kind == Kind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let instance = |summary: InstanceSummary| {
        let service = summary.attributes().and_then(|all| all.get("ECS_SERVICE_NAME")).cloned();
        summary.id.map(|id| Instance { id, service })
    };
    Ok(listed.into_iter().filter_map(instance).collect())
}

/// The instances that nobody needs any more, and how many others there are. An instance's id is its task's: one
/// whose task runs, or that somebody else registered, is not ours to take away.
async fn sort_out(
    account: &Account,
    target: &Target,
    instances: Vec<Instance>,
) -> Result<(Vec<String>, usize), aws::Error> {
    let total = instances.len();
    let ours = |instance: &Instance| instance.service.as_ref().is_none_or(|service| *service == target.service);
    let candidates: Vec<_> = instances.into_iter().filter(ours).map(|instance| instance.id).collect();
    let mut gone = Vec::new();
    for batch in candidates.chunks(100) {
        let known = match ecs::describe_tasks(account, &target.cluster, batch.to_vec()).await {
            Ok(known) => known,
            Err(error) if error.kind == Kind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let runs = |id: &String| {
            let of_task = |task: &Task| task.task_arn().is_some_and(|arn| arn.ends_with(id.as_str()));
            known.iter().any(|task| of_task(task) && task.last_status() != Some("STOPPED"))
        };
        gone.extend(batch.iter().filter(|id| !runs(id)).cloned());
    }
    let others = total - gone.len();
    Ok((gone, others))
}

/// Deletes the cluster, if nothing else is in it.
async fn cluster_step(account: &Account, target: &Target, deadline: Deadline) -> Result<Step, aws::Error> {
    let name = &target.cluster;
    let (found, services) = tokio::join!(
        ecs::describe_cluster(account, name),
        ecs::list_services(account, name, None, Span::whole(deadline)),
    );
    let Some(cluster) = found?.filter(|cluster| cluster.status() == Some("ACTIVE")) else { return Ok(Step::Gone) };
    let services = services?.entries.len();
    if let Some(reason) = in_use(&cluster, services) {
        return Ok(Step::Kept(reason));
    }
    match ecs::delete_cluster(account, name).await {
        Ok(_) => Ok(Step::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Step::Gone),
        // The counts of a cluster lag behind what is in it.
        Err(error) if error.kind == Kind::Conflict => Ok(Step::Pending(error.message)),
        Err(error) => Err(error),
    }
}

fn in_use(cluster: &Cluster, services: usize) -> Option<String> {
    let tasks = cluster.running_tasks_count() + cluster.pending_tasks_count();
    let instances = cluster.registered_container_instances_count();
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

/// `1 task`, `2 tasks`.
fn count<N: Copy + PartialEq + From<bool> + Display>(number: N, what: &str) -> String {
    let plural = if number == N::from(true) { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn arn(service: &Service) -> String {
    service.service_arn().unwrap_or_default().to_owned()
}

fn cluster_arn(service: &Service) -> String {
    service.cluster_arn().unwrap_or_default().to_owned()
}

fn registry_arns(service: &Service) -> Vec<String> {
    let arns = service.service_registries().iter().filter_map(|registry| registry.registry_arn());
    arns.map(str::to_owned).collect()
}
