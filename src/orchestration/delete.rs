//! The orchestrated delete: the service, and with `recursive` its registries and its cluster, in AWS's order.
//!
//! Each step looks at what is there and does what can be done, so that the same delete again goes on where the
//! first one stopped: the service is INACTIVE, then its registries' instances are gone, then the registries,
//! then the cluster.
//!
//! What a request has no time for is the [`Rest`]: the same steps go on with it later, one look at a time.

mod cluster;
mod registry;
mod rest;
mod tasks;

pub use rest::{Rest, remember};

use std::fmt::Display;
use std::time::Duration;

use aws_sdk_ecs::types::Service;
use futures_util::future::join_all;

use super::Cause;
use crate::aws::{self, Account, Kind, ecs};
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
    /// The ARNs of what is gone; without `recursive`, the service that ECS has agreed to delete.
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
    /// What was gone, or going, before.
    pub deleted: Vec<String>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
    /// How far it had come, where it may go on by itself: what is left waits for AWS to be well again.
    pub unfinished: Option<Box<Progress>>,
}

/// When a recursive delete is at work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion<'w> {
    /// Somebody waits for the answer: it waits as long as it may for what is pending.
    Request,
    /// Nobody waits: it looks once, and takes no cluster for the one that it was to delete unless that bears the mark
    /// that [`remember`] has put there.
    Later {
        /// The mark.
        mark: Option<&'w str>,
    },
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
pub async fn delete(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let begun = deadline
        .limit(begin(account, target))
        .await
        .map_err(Cause::from)
        .and_then(|begun| begun);
    let service = begun.map_err(|cause| Failure {
        cause,
        deleted: Vec::new(),
        kept: Vec::new(),
        unfinished: None,
    })?;
    let mut progress = Progress::of(service);
    if !target.is_recursive {
        progress.deleted.push(arn(&progress.service));
        return Ok(progress);
    }
    let work = Work {
        account,
        target,
        deadline,
        occasion: Occasion::Request,
    };
    Box::pin(work.go_on(progress)).await
}

/// Goes on with what a request had no time for: looks once at everything, and does what can be done now.
///
/// # Errors
/// [`Failure`] with the refusal, and what was deleted before it.
pub async fn resume(
    account: &Account,
    rest: &Rest,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let target = rest.target();
    let work = Work {
        account,
        target: &target,
        deadline,
        occasion: Occasion::Later {
            mark: rest.cluster_mark.as_deref(),
        },
    };
    Box::pin(work.go_on(Progress::of(rest.service()))).await
}

/// Force-deletes the service, unless it is going or gone already.
async fn begin(account: &Account, target: &Target) -> Result<Service, Cause> {
    let Target {
        cluster,
        service: name,
        ..
    } = target;
    let missing = || {
        Cause::Missing(format!(
            "there is no service `{name}` in the cluster `{cluster}`"
        ))
    };
    let service = match ecs::describe_service(account, cluster, name).await? {
        Some(service) => service,
        None if target.is_recursive => {
            return gone_with_its_cluster(account, target)
                .await?
                .ok_or_else(missing);
        }
        None => return Err(missing()),
    };
    if service.status() != Some("ACTIVE") {
        return if target.is_recursive {
            Ok(service)
        } else {
            settled(service).ok_or_else(missing)
        };
    }
    let answer = ecs::delete_service(account, cluster, name).await?;
    let going = answer
        .service
        .ok_or_else(|| account.lacking("ecs:DeleteService", "service"))?;
    Ok(with_what_is_known_of(service, going))
}

/// AWS knows no services of a cluster that is INACTIVE: they are gone with it. Which they were, nobody can say, so this
/// one has no ARN.
async fn gone_with_its_cluster(
    account: &Account,
    target: &Target,
) -> Result<Option<Service>, aws::Error> {
    let found = ecs::describe_cluster(account, &target.cluster).await?;
    let arn = found
        .filter(|cluster| cluster.status() == Some("INACTIVE"))
        .and_then(|cluster| cluster.cluster_arn);
    let Some(cluster_arn) = arn else {
        return Ok(None);
    };
    let service = Service::builder()
        .service_name(&target.service)
        .cluster_arn(cluster_arn)
        .status("INACTIVE");
    Ok(Some(service.build()))
}

/// A later description of a service; what it leaves out is the earlier one's.
fn with_what_is_known_of(earlier: Service, mut later: Service) -> Service {
    if later.service_registries().is_empty() {
        later.service_registries = earlier.service_registries;
    }
    later.created_at = later.created_at.or(earlier.created_at);
    later
}

/// Whether two descriptions of one name are of services that were created at different times.
fn is_another(earlier: &Service, later: &Service) -> bool {
    earlier
        .created_at()
        .zip(later.created_at())
        .is_some_and(|(earlier, later)| earlier != later)
}

/// A service that is DRAINING has been deleted; one that is INACTIVE is not there any more.
fn settled(service: Service) -> Option<Service> {
    (service.status() == Some("DRAINING")).then_some(service)
}

impl Progress {
    fn of(service: Service) -> Self {
        Self {
            service,
            deleted: Vec::new(),
            kept: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// The same, with everything that is neither gone nor kept waiting for AWS.
    fn waiting_for(&self, cause: &aws::Error) -> Self {
        let Self {
            service,
            deleted,
            kept,
            ..
        } = self;
        let all = [arn(service)]
            .into_iter()
            .chain(registry_arns(service))
            .chain([cluster_arn(service)]);
        let is_settled = |arn: &String| {
            arn.is_empty() || deleted.contains(arn) || kept.iter().any(|kept| kept.arn == *arn)
        };
        let pending = all.filter(|arn| !is_settled(arn)).map(|arn| Pending {
            arn,
            waiting_for: cause.to_string(),
        });
        Self {
            service: service.clone(),
            deleted: deleted.clone(),
            kept: kept.clone(),
            pending: pending.collect(),
        }
    }

    fn note(&mut self, arn: String, step: Step) {
        match step {
            Step::Gone => self.deleted.push(arn),
            Step::Kept(reason) => self.kept.push(Kept { arn, reason }),
            Step::Pending(waiting_for) => self.pending.push(Pending { arn, waiting_for }),
        }
    }
}

/// A recursive delete whose service has been told to go.
struct Work<'w> {
    account: &'w Account,
    target: &'w Target,
    deadline: Deadline,
    occasion: Occasion<'w>,
}

impl Work<'_> {
    async fn go_on(&self, mut progress: Progress) -> Result<Progress, Failure> {
        match self.finish(&mut progress).await {
            Ok(()) => Ok(progress),
            Err(cause) => {
                let unfinished = cause
                    .kind
                    .passes()
                    .then(|| Box::new(progress.waiting_for(&cause)));
                let service = arn(&progress.service);
                // Of a service that went with its cluster, nobody knows the ARN.
                if !service.is_empty() && !progress.deleted.contains(&service) {
                    progress.deleted.insert(0, service);
                }
                Err(Failure {
                    cause: cause.into(),
                    deleted: progress.deleted,
                    kept: progress.kept,
                    unfinished,
                })
            }
        }
    }

    /// Everything after the service: each waits for what is before it.
    async fn finish(&self, progress: &mut Progress) -> Result<(), aws::Error> {
        let Self {
            account,
            target,
            deadline,
            occasion,
        } = *self;
        let (registries, cluster) = (
            registry_arns(&progress.service),
            cluster_arn(&progress.service),
        );
        if target.cluster == DEFAULT_CLUSTER {
            let reason = "the cluster `default` is never deleted along with a service";
            progress.note(cluster.clone(), Step::Kept(reason.to_owned()));
        }
        if let Some(waiting_for) = self.drained(progress).await? {
            progress.pending.push(Pending {
                arn: arn(&progress.service),
                waiting_for,
            });
            let after = || format!("the service `{}` to be INACTIVE", target.service);
            progress
                .pending
                .extend(registries.into_iter().map(|arn| Pending {
                    arn,
                    waiting_for: after(),
                }));
            if target.cluster != DEFAULT_CLUSTER {
                progress.pending.push(Pending {
                    arn: cluster,
                    waiting_for: after(),
                });
            }
            return Ok(());
        }
        progress
            .deleted
            .extend(progress.service.service_arn().map(str::to_owned));
        let steps = registries.iter().map(|arn| {
            self.until_settled(|| Box::pin(registry::step(account, target, arn, deadline)))
        });
        let steps = join_all(steps).await;
        let mut failed = None;
        for (arn, step) in registries.into_iter().zip(steps) {
            match step {
                Ok(step) => progress.note(arn, step),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if target.cluster == DEFAULT_CLUSTER {
            return Ok(());
        }
        if !progress.pending.is_empty() {
            progress.note(
                cluster,
                Step::Pending("the registries to be deleted".to_owned()),
            );
            return Ok(());
        }
        let step = self
            .until_settled(|| Box::pin(cluster::step(account, target, occasion, deadline)))
            .await?;
        progress.note(cluster, step);
        Ok(())
    }

    /// Waits until the service is INACTIVE and its tasks have stopped; what it still waits for when the time is over.
    async fn drained(&self, progress: &mut Progress) -> Result<Option<String>, aws::Error> {
        let mut waiting_for = "its tasks to stop".to_owned();
        loop {
            match self.deadline.limit(Box::pin(self.look(progress))).await {
                Ok(Ok(0)) => return Ok(None),
                Ok(Ok(running)) => waiting_for = format!("{} to stop", count(running, "task")),
                Ok(Err(error)) if error.kind == Kind::TimedOut => return Ok(Some(waiting_for)),
                Ok(Err(error)) => return Err(error),
                Err(Elapsed) => return Ok(Some(waiting_for)),
            }
            if !self.has_time_for_another_look().await {
                return Ok(Some(waiting_for));
            }
        }
    }

    /// How many tasks the service still has; at least one while it is not INACTIVE.
    async fn look(&self, progress: &mut Progress) -> Result<usize, aws::Error> {
        let Self {
            account,
            target,
            deadline,
            ..
        } = *self;
        if progress.service.status() != Some("INACTIVE") {
            let found = ecs::describe_service(account, &target.cluster, &target.service).await?;
            // A service of another time of creation is another service: ours is gone.
            let ours = found.filter(|found| !is_another(&progress.service, found));
            let Some(found) = ours else { return Ok(0) };
            progress.service = with_what_is_known_of(progress.service.clone(), found);
            if progress.service.status() != Some("INACTIVE") {
                return Ok(usize::try_from(progress.service.running_count())
                    .unwrap_or_default()
                    .max(1));
            }
        }
        // ECS calls a service INACTIVE once its tasks are stopping
        // (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html>).
        let live = tasks::live(account, &target.cluster, deadline).await?;
        Ok(live
            .iter()
            .filter(|task| tasks::is_of(task, &target.service))
            .count())
    }

    /// Repeats a step while it is pending and there is time.
    async fn until_settled<F>(&self, step: impl Fn() -> F) -> Result<Step, aws::Error>
    where
        F: Future<Output = Result<Step, aws::Error>>,
    {
        let mut last = Step::Pending("the next attempt".to_owned());
        loop {
            match self.deadline.limit(step()).await {
                Ok(Ok(Step::Pending(waiting_for))) => last = Step::Pending(waiting_for),
                // A list that was cut off by the same deadline.
                Ok(Err(error)) if error.kind == Kind::TimedOut => return Ok(last),
                Ok(done) => return done,
                Err(Elapsed) => return Ok(last),
            }
            if !self.has_time_for_another_look().await {
                return Ok(last);
            }
        }
    }

    /// Waits a little, if somebody waits for what will be seen then.
    async fn has_time_for_another_look(&self) -> bool {
        self.occasion == Occasion::Request
            && self.deadline.limit(tokio::time::sleep(POLL)).await.is_ok()
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
    let arns = service
        .service_registries()
        .iter()
        .filter_map(|registry| registry.registry_arn());
    arns.map(str::to_owned).collect()
}
