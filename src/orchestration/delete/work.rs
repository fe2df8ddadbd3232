//! A recursive delete at work: everything after the service, each thing waiting for what is before it.

use std::time::Duration;

use aws_sdk_ecs::types::{Cluster, Service};
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::future::join_all;

use super::pending::{self, PendingDelete};
use super::{
    DEFAULT_IS_KEPT, Failure, Progress, RegistrySight, Target, arn, cluster_arn, is_another,
    is_younger, look_at_registry, registry_arns, with_what_is_known_of,
};
use crate::aws::{self, Account, Kind, ecs};
use crate::deadline::{Deadline, Elapsed};
use crate::ids::Arn;
use crate::orchestration::parts::{Removal, cluster, count, registry, tasks};
use crate::orchestration::users::ServiceUsers;

/// The time before the second look at a thing that is going; each later one waits half as long again.
const POLL_MIN: Duration = Duration::from_secs(2);
/// The longest time between two looks: all of an account's clients share its quota of reads
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
const POLL_MAX: Duration = Duration::from_secs(6);

/// The occasion on which a recursive delete is at work.
#[derive(Clone, Copy)]
pub(super) enum Occasion<'w> {
    /// Somebody waits for the answer: it waits as long as it may for what is pending.
    Request,
    /// Nobody waits: it looks once, and takes nothing for what was to be deleted that was created since.
    Later(&'w PendingDelete),
}

/// A recursive delete whose service has been told to go.
pub(super) struct Work<'w> {
    pub account: &'w Account,
    pub target: &'w Target,
    pub deadline: Deadline,
    pub occasion: Occasion<'w>,
}

impl Work<'_> {
    pub async fn go_on(&self, mut progress: Progress) -> Result<Progress, Failure> {
        match self.finish(&mut progress).await {
            Ok(()) => Ok(progress),
            Err(cause) => {
                let unfinished = cause
                    .kind
                    .is_transient()
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
        if self.target.is_in_default_cluster() {
            progress.note(cluster.clone(), Removal::Kept(DEFAULT_IS_KEPT.to_owned()));
        }
        let first_look = match self.wait_until_drained(progress).await? {
            DrainState::Drained(cluster) => cluster,
            DrainState::Draining(waiting_for) => {
                self.note_waiting(progress, waiting_for, registries, cluster);
                return Ok(());
            }
        };
        progress
            .deleted
            .extend(progress.service.service_arn().map(str::to_owned));
        self.delete_registries(progress, registries).await?;
        if self.target.is_in_default_cluster() {
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
        if !self.target.is_in_default_cluster() {
            progress.note(cluster, after());
        }
    }

    async fn delete_registries(
        &self,
        progress: &mut Progress,
        arns: Vec<String>,
    ) -> Result<(), aws::Error> {
        let users = ServiceUsers::new(self.account, self.deadline);
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
        users: &ServiceUsers<'_>,
    ) -> Result<Removal, aws::Error> {
        users.begin_again().await;
        let arn = Arn::from_answer(arn);
        let is_another = |found: &Registry| self.is_another_registry(service, found);
        match look_at_registry(self.account, &arn, is_another).await? {
            RegistrySight::Other(removal) => Ok(removal),
            RegistrySight::Own(_) => {
                let own = Some(self.target.own_service());
                registry::delete_unused(self.account, &arn, own, users, self.deadline).await
            }
        }
    }

    /// Returns `true` if a registry is another one than the service has used.
    fn is_another_registry(&self, service: &Service, registry: &Registry) -> bool {
        match self.occasion {
            Occasion::Later(pending) => {
                registry.create_date().is_some() && pending.is_another_registry(registry)
            }
            Occasion::Request => is_younger(registry, service),
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
        let (name, own) = (&target.cluster, Some(&target.service));
        let removal = cluster::delete_unused(account, name, &cluster, own, deadline).await?;
        if matches!(removal, Removal::Kept(_)) {
            pending::unmark(account, &cluster).await?;
        }
        Ok(removal)
    }

    /// Waits until the service's tasks have stopped; says what it still waits for when the time is over.
    async fn wait_until_drained(&self, progress: &mut Progress) -> Result<DrainState, aws::Error> {
        let mut waiting_for = "its tasks to stop".to_owned();
        let mut pause = POLL_MIN;
        loop {
            let look = self.deadline.limit(Box::pin(self.look(progress))).await;
            match look {
                Ok(Ok((0, cluster))) => return Ok(DrainState::Drained(cluster)),
                Ok(Ok((running, _))) => {
                    waiting_for = format!("{} to stop", count(running, "task"));
                }
                Ok(Err(error)) if error.kind == Kind::TimedOut => {
                    return Ok(DrainState::Draining(waiting_for));
                }
                Ok(Err(error)) => return Err(error),
                Err(Elapsed) => return Ok(DrainState::Draining(waiting_for)),
            }
            if !self.wait_for_next_look(&mut pause).await {
                return Ok(DrainState::Draining(waiting_for));
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
enum DrainState {
    /// They have; the cluster, if it was looked at then.
    Drained(ClusterLook),
    /// They have not; this is waited for.
    Draining(String),
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
