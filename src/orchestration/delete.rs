//! The orchestrated delete: the service, and with `recursive` its registries and its cluster, in AWS's order.
//!
//! Each step looks at what is there and does what can be done, so that the same delete again goes on where the
//! first one stopped: the service's tasks are gone, then its registries' instances, then the registries, then the
//! cluster.
//!
//! A request that runs out of time leaves a [`PendingDelete`]: the same steps go on with it later, one look at a time.

mod pending;
mod planned;

pub use pending::{PendingDelete, remember};

use std::time::Duration;

use aws_sdk_ecs::types::{Cluster, Deployment, ResourceManagementType, Service};
use aws_sdk_servicediscovery::types::Service as Registry;
use aws_smithy_types::DateTime;
use futures_util::future::join_all;

use super::Cause;
use super::parts::registry::{OwnService, id_of};
use super::parts::{Removal, cluster, count, registry, tasks};
use super::step::Step;
use super::users::Users;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::{Deadline, Elapsed};
use crate::ids::RegistryId;

/// The time before the second look at a thing that is going; each later one waits half as long again.
const POLL_MIN: Duration = Duration::from_secs(2);
/// The longest time between two looks: all of an account's clients share its quota of reads
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
const POLL_MAX: Duration = Duration::from_secs(6);
/// The cluster that AWS uses where none is named; it is nobody's to delete as a side effect.
const DEFAULT_CLUSTER: &str = "default";

/// Said of the cluster `default`.
const DEFAULT_IS_KEPT: &str = "the cluster `default` is never deleted along with a service";
/// Said of what bears the name of a thing that was to be deleted, and is younger.
const CREATED_AGAIN: &str = "it was created again after the delete was asked for";

/// The thing that is to be deleted.
#[derive(Debug)]
pub struct Target {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// Claims that the registries and the cluster go too.
    pub is_recursive: bool,
}

/// The progress of a delete.
#[derive(Debug)]
pub struct Progress {
    /// The service as AWS last described it.
    pub service: Service,
    /// The ARNs of what is gone; without `recursive`, the service that ECS has agreed to delete.
    pub deleted: Vec<String>,
    /// The things that stay, and why.
    pub kept: Vec<Kept>,
    /// The things that go as soon as something else has happened.
    pub pending: Vec<Pending>,
}

/// Something that a recursive delete does not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its ARN.
    pub arn: String,
    /// The reason why it stays.
    pub reason: String,
}

/// Something that is still to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its ARN.
    pub arn: String,
    /// The event that must come first.
    pub waiting_for: String,
}

/// A delete that AWS refused to go on with.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// The refusal.
    #[source]
    pub cause: Cause,
    /// The ARNs of what was gone, or going, before.
    pub deleted: Vec<String>,
    /// The things that stay, and why.
    pub kept: Vec<Kept>,
    /// Its progress, where it may go on by itself: what is left waits for AWS to be well again.
    pub unfinished: Option<Box<Progress>>,
}

/// The occasion on which a recursive delete is at work.
#[derive(Clone, Copy)]
enum Occasion<'w> {
    /// Somebody waits for the answer: it waits as long as it may for what is pending.
    Request,
    /// Nobody waits: it looks once, and takes nothing for what was to be deleted that was created since.
    Later(&'w PendingDelete),
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
        .limit(Box::pin(begin(account, target)))
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

/// Lists what a delete would do, in its order, and changes nothing.
///
/// # Errors
/// [`Cause`] as the same request would get before its first change.
pub async fn plan(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Vec<Step>, Cause> {
    deadline
        .limit(Box::pin(planned::steps(account, target, deadline)))
        .await?
}

/// Goes on with what a request had no time for: looks once at everything, and does what can be done now.
///
/// # Errors
/// [`Failure`] with the refusal, and what was deleted before it.
pub async fn resume(
    account: &Account,
    pending: &PendingDelete,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let target = pending.target();
    let work = Work {
        account,
        target: &target,
        deadline,
        occasion: Occasion::Later(pending),
    };
    Box::pin(work.go_on(Progress::of(pending.service()))).await
}

/// Force-deletes the service, unless it is going or gone already.
async fn begin(account: &Account, target: &Target) -> Result<Service, Cause> {
    let Target {
        cluster,
        service: name,
        ..
    } = target;
    let missing = || Cause::NoService {
        cluster: cluster.clone(),
        service: name.clone(),
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
    let going = request_delete(account, target, &service).await?;
    Ok(with_what_is_known_of(service, going))
}

/// Asks ECS to delete a service, by the call that deletes its kind.
async fn request_delete(
    account: &Account,
    target: &Target,
    service: &Service,
) -> Result<Service, aws::Error> {
    if !is_express(service) {
        let answer = ecs::delete_service(account, &target.cluster, &target.service).await?;
        return answer
            .service
            .ok_or_else(|| account.lacking("ecs:DeleteService", "service"));
    }
    // It has resources of its own, which DeleteService would leave; ECS refuses it
    // (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-overview.html>).
    let arn = service.service_arn().unwrap_or_default();
    ecs::delete_express_gateway_service(account, arn).await?;
    let found = ecs::describe_service(account, &target.cluster, &target.service).await?;
    Ok(found.unwrap_or_else(|| service.clone()))
}

fn is_express(service: &Service) -> bool {
    service.resource_management_type() == Some(&ResourceManagementType::Ecs)
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

/// Returns `true` if two descriptions of one name are of services that were created at different times.
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

    fn note(&mut self, arn: String, removal: Removal) {
        match removal {
            Removal::Gone | Removal::Absent => self.deleted.push(arn),
            Removal::Kept(reason) => self.kept.push(Kept { arn, reason }),
            Removal::NotOwn => self.kept.push(Kept {
                arn,
                reason: CREATED_AGAIN.to_owned(),
            }),
            Removal::Pending(waiting_for) => self.pending.push(Pending { arn, waiting_for }),
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

    /// Deletes everything after the service: each waits for what is before it.
    async fn finish(&self, progress: &mut Progress) -> Result<(), aws::Error> {
        let (registries, cluster) = (
            registry_arns(&progress.service),
            cluster_arn(&progress.service),
        );
        if self.target.cluster == DEFAULT_CLUSTER {
            progress.note(cluster.clone(), Removal::Kept(DEFAULT_IS_KEPT.to_owned()));
        }
        let first_look = match self.wait_until_drained(progress).await? {
            Drained::Yes(cluster) => cluster,
            Drained::NotYet(waiting_for) => {
                self.note_waiting(progress, waiting_for, registries, cluster);
                return Ok(());
            }
        };
        progress
            .deleted
            .extend(progress.service.service_arn().map(str::to_owned));
        self.delete_registries(progress, registries).await?;
        if self.target.cluster == DEFAULT_CLUSTER {
            return Ok(());
        }
        if !progress.pending.is_empty() {
            let waits = Removal::Pending("the registries to be deleted".to_owned());
            progress.note(cluster, waits);
            return Ok(());
        }
        let mut looked_at = first_look;
        let removal = self
            .until_settled(|| Box::pin(self.delete_cluster(std::mem::take(&mut looked_at))))
            .await?;
        progress.note(cluster, removal);
        Ok(())
    }

    /// Notes what everything waits for while the service has tasks.
    fn note_waiting(
        &self,
        progress: &mut Progress,
        waiting_for: String,
        registries: Vec<String>,
        cluster: String,
    ) {
        let service = arn(&progress.service);
        progress.note(service, Removal::Pending(waiting_for));
        let after = || Removal::Pending(format!("the tasks of `{}` to stop", self.target.service));
        for arn in registries {
            progress.note(arn, after());
        }
        if self.target.cluster != DEFAULT_CLUSTER {
            progress.note(cluster, after());
        }
    }

    async fn delete_registries(
        &self,
        progress: &mut Progress,
        arns: Vec<String>,
    ) -> Result<(), aws::Error> {
        let users = Users::new(self.account, self.deadline);
        let service = &progress.service;
        let removals = arns
            .iter()
            .map(|arn| self.until_settled(|| Box::pin(self.delete_registry(service, arn, &users))));
        let removals = join_all(removals).await;
        let mut failed = None;
        for (arn, removal) in arns.into_iter().zip(removals) {
            match removal {
                Ok(removal) => progress.note(arn, removal),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Deletes one registry of the service, unless it is another one by now, or somebody else needs it.
    async fn delete_registry(
        &self,
        service: &Service,
        arn: &str,
        users: &Users<'_>,
    ) -> Result<Removal, aws::Error> {
        let own = OwnService {
            cluster: &self.target.cluster,
            service: &self.target.service,
        };
        if RegistryId::parse(arn, &self.account.account_region()).is_err() {
            return Ok(Removal::Kept(registry::OF_ANOTHER_ACCOUNT.to_owned()));
        }
        let found = match discovery::get_service(self.account, id_of(arn)).await {
            Ok(found) => found,
            Err(error) if error.kind == Kind::NotFound => return Ok(Removal::Absent),
            Err(error) => return Err(error),
        };
        if self.is_younger(service, &found) {
            return Ok(Removal::NotOwn);
        }
        registry::delete_unused(self.account, arn, Some(own), users, self.deadline).await
    }

    /// Tells whether a registry was created after the service had begun to use one of its id: Cloud Map may give the
    /// same id again (<https://github.com/hashicorp/terraform-provider-aws/issues/46930>).
    fn is_younger(&self, service: &Service, registry: &Registry) -> bool {
        let Some(created_at) = registry.create_date() else {
            return false;
        };
        match self.occasion {
            Occasion::Later(pending) => pending.is_another_registry(registry),
            Occasion::Request => used_since(service).is_some_and(|since| *created_at > since),
        }
    }

    /// Deletes the cluster, unless it is another one by now, or something else is in it.
    async fn delete_cluster(&self, looked_at: ClusterLook) -> Result<Removal, aws::Error> {
        let Self {
            account,
            target,
            deadline,
            occasion,
        } = *self;
        let look = match looked_at {
            ClusterLook::None => {
                ClusterLook::of(ecs::describe_cluster(account, &target.cluster).await?)
            }
            look => look,
        };
        let ClusterLook::Found(cluster) = look else {
            return Ok(Removal::Absent);
        };
        if let Occasion::Later(pending) = occasion
            && !pending.is_marked(&cluster)
        {
            return Ok(Removal::NotOwn);
        }
        let removal =
            cluster::delete_unused(account, &cluster, Some(&target.service), deadline).await?;
        if matches!(removal, Removal::Kept(_)) {
            pending::unmark(account, &cluster).await?;
        }
        Ok(removal)
    }

    /// Waits until the service's tasks have stopped; says what it still waits for when the time is over.
    async fn wait_until_drained(&self, progress: &mut Progress) -> Result<Drained, aws::Error> {
        let mut waiting_for = "its tasks to stop".to_owned();
        let mut pause = POLL_MIN;
        loop {
            let look = self.deadline.limit(Box::pin(self.look(progress))).await;
            match look {
                Ok(Ok((0, cluster))) => return Ok(Drained::Yes(cluster)),
                Ok(Ok((running, _))) => {
                    waiting_for = format!("{} to stop", count(running, "task"));
                }
                Ok(Err(error)) if error.kind == Kind::TimedOut => {
                    return Ok(Drained::NotYet(waiting_for));
                }
                Ok(Err(error)) => return Err(error),
                Err(Elapsed) => return Ok(Drained::NotYet(waiting_for)),
            }
            if !self.wait_for_next_look(&mut pause).await {
                return Ok(Drained::NotYet(waiting_for));
            }
        }
    }

    /// Counts the tasks that the service still has, and looks at the cluster beside.
    async fn look(&self, progress: &mut Progress) -> Result<(usize, ClusterLook), aws::Error> {
        let Self {
            account,
            target,
            deadline,
            ..
        } = *self;
        let look = ecs::describe_service(account, &target.cluster, &target.service);
        if let Occasion::Later(_) = self.occasion {
            // Nobody waits for it: what is looked at decides what is looked at next.
            let is_ours = Self::note_look(progress, look.await?);
            let counted = counted_tasks(&progress.service);
            if !is_ours || counted > 0 {
                return Ok((if is_ours { counted } else { 0 }, ClusterLook::None));
            }
            let live =
                tasks::live(account, &target.cluster, Some(&target.service), deadline).await?;
            return Ok((live.len(), ClusterLook::None));
        }
        let (found, live, cluster) = tokio::join!(
            look,
            tasks::live(account, &target.cluster, Some(&target.service), deadline),
            ecs::describe_cluster(account, &target.cluster),
        );
        let is_ours = Self::note_look(progress, found?);
        let (live, cluster) = (live?.len(), ClusterLook::of(cluster?));
        let counted = counted_tasks(&progress.service);
        Ok((if is_ours { live.max(counted) } else { 0 }, cluster))
    }

    /// Notes how the service was seen, and tells whether it is the one that was to be deleted. One of another time of
    /// creation is another one: ours is gone.
    fn note_look(progress: &mut Progress, found: Option<Service>) -> bool {
        match found {
            Some(found) if is_another(&progress.service, &found) => false,
            Some(found) => {
                progress.service = with_what_is_known_of(progress.service.clone(), found);
                true
            }
            // ECS has forgotten it; its tasks may be there.
            None => true,
        }
    }

    /// Repeats a step while it is pending and there is time.
    async fn until_settled<F>(&self, mut step: impl FnMut() -> F) -> Result<Removal, aws::Error>
    where
        F: Future<Output = Result<Removal, aws::Error>>,
    {
        let mut last = Removal::Pending("the next attempt".to_owned());
        let mut pause = POLL_MIN;
        loop {
            match self.deadline.limit(step()).await {
                Ok(Ok(removal @ Removal::Pending(_))) => last = removal,
                // A list that was cut off by the same deadline.
                Ok(Err(error)) if error.kind == Kind::TimedOut => return Ok(last),
                Ok(done) => return done,
                Err(Elapsed) => return Ok(last),
            }
            if !self.wait_for_next_look(&mut pause).await {
                return Ok(last);
            }
        }
    }

    /// Waits a little, if somebody waits for what will be seen then, and tells whether there was time for it.
    async fn wait_for_next_look(&self, pause: &mut Duration) -> bool {
        if let Occasion::Later(_) = self.occasion {
            return false;
        }
        let slept = self.deadline.limit(tokio::time::sleep(*pause)).await;
        *pause = POLL_MAX.min(*pause * 3 / 2);
        slept.is_ok()
    }
}

/// The answer to whether a service's tasks have stopped.
enum Drained {
    /// They have; the cluster, if it was looked at then.
    Yes(ClusterLook),
    /// They have not; this is waited for.
    NotYet(String),
}

/// The cluster, as far as it was looked at.
#[derive(Default)]
enum ClusterLook {
    /// It was not looked at.
    #[default]
    None,
    /// It is there.
    Found(Box<Cluster>),
    /// It is not there, or INACTIVE.
    Gone,
}

impl ClusterLook {
    fn of(found: Option<Cluster>) -> Self {
        match found {
            Some(cluster) if cluster.status() != Some("INACTIVE") => Self::Found(Box::new(cluster)),
            _ => Self::Gone,
        }
    }
}

/// Returns the number of tasks that ECS counts of a service. It counts those of an INACTIVE one no more.
fn counted_tasks(service: &Service) -> usize {
    match service.status() {
        Some("INACTIVE") => 0,
        _ => usize::try_from(service.running_count()).unwrap_or_default(),
    }
}

/// Returns the moment since which a service has used its registries at the latest.
fn used_since(service: &Service) -> Option<DateTime> {
    let deployed = service
        .deployments()
        .iter()
        .filter_map(Deployment::created_at);
    service
        .created_at()
        .into_iter()
        .chain(deployed)
        .max()
        .copied()
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
