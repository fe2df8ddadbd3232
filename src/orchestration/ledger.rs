//! What a flow has changed so far, and how to take it back.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Service, TaskDefinition};

use super::idempotency::Owner;
use super::site::Site;
use crate::aws::pages::Span;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::{Deadline, Elapsed};

/// What is said of a change that there was no time to take back.
const TOO_LATE: &str = "the time that the request may take is over";
/// What is said of what another run of the same request made: that run may be at work, and takes it back itself.
const OF_ANOTHER_RUN: &str = "an earlier request with this `Idempotency-Key` made it, and may still be at work";
/// What is said of a revision that was registered while this run asked for one and was not answered.
const DOUBTFUL: &str = "AWS never answered; this was registered meanwhile, by this request or by another";
/// How far AWS's clock and ours may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);
/// How long the undo waits before it tries again.
const UNDO_PAUSE: Duration = Duration::from_millis(500);

/// One change that a flow made, or asked for without hearing how it ended.
#[derive(Debug, Clone)]
struct Entry {
    change: Change,
    /// The ARN, once AWS has answered.
    arn: Option<String>,
    state: State,
    /// When it was asked for.
    asked_at: SystemTime,
}

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked for; not answered, or not yet.
    Asked,
    /// The connection ended without an answer, and with it AWS's work on the call.
    BrokenOff,
    /// Made by this run.
    Made,
    /// Made by another run of the same request, and in use by this one.
    Found,
    /// Not made, or not this run's.
    Void,
}

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A cluster of this name was created.
    Cluster(String),
    /// A revision of this family was registered.
    TaskDefinition(String),
    /// A registry was created.
    Registry {
        /// Its name.
        name: String,
        /// The namespace that it is in.
        namespace_id: String,
        /// The id of the request that created it, which Cloud Map keeps.
        creator: String,
    },
    /// A service was created.
    Service {
        /// The cluster's name or ARN.
        cluster: String,
        /// The service's name.
        service: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "the cluster `{name}`"),
            Self::TaskDefinition(family) => write!(f, "a revision of `{family}`"),
            Self::Registry { name, .. } => write!(f, "the registry `{name}`"),
            Self::Service { service, .. } => write!(f, "the service `{service}`"),
        }
    }
}

/// The changes of one flow, in their order. Entries are made before the call and completed after it, so that
/// a call that is cut off is still known.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Vec<Entry>>);

/// What became of the changes that a failed flow had made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that the flow had created.
    pub created: Vec<String>,
    /// What of it was taken back.
    pub rolled_back: Vec<String>,
    /// What of it is, or may be, still there.
    pub left_behind: Vec<Leftover>,
}

/// Something that could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its ARN, or its name where AWS never answered.
    pub arn: String,
    /// Why it is still there.
    pub error: String,
    /// The command that takes it back.
    pub command: String,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        // A panic of another holder leaves whole entries: each is pushed or completed in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, change: Change, arn: Option<String>, state: State) -> usize {
        let mut entries = self.entries();
        entries.push(Entry { change, arn, state, asked_at: SystemTime::now() });
        entries.len() - 1
    }

    /// Does `work`, whose success is `change`, and keeps the ARN that `arn` finds in its answer.
    pub(super) async fn record<T>(
        &self,
        change: &Change,
        work: impl Future<Output = Result<T, aws::Error>>,
        arn: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, aws::Error> {
        let own = self.push(change.clone(), None, State::Asked);
        let result = work.await;
        let entry = &mut self.entries()[own];
        match &result {
            Ok(answer) => (entry.arn, entry.state) = (arn(answer), State::Made),
            Err(error) if !error.kind.leaves_outcome_unknown() => entry.state = State::Void,
            Err(error) if error.kind == Kind::Unavailable => entry.state = State::BrokenOff,
            Err(_) => {}
        }
        result
    }

    /// A change that AWS did not answer turned out to be made.
    pub(super) fn found(&self, change: &Change, arn: Option<String>) {
        let mut entries = self.entries();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.change == *change) {
            (entry.arn, entry.state) = (arn, State::Made);
        }
    }

    /// A change turned out not to be this run's, or is taken back already.
    pub(super) fn forget(&self, change: &Change) {
        for entry in self.entries().iter_mut().filter(|entry| entry.change == *change) {
            entry.state = State::Void;
        }
    }

    /// Notes what another run of the same request made: it is not taken back, and not concealed.
    pub(super) fn leave(&self, change: Change, arn: Option<String>) {
        self.push(change, arn, State::Found);
    }

    /// Takes back every change of this run, the newest first. What AWS is still busy with is tried again after the
    /// others, until the deadline.
    ///
    /// Before each, a keyed run looks for its service: if a twin has made it meanwhile, the request is done.
    pub(super) async fn undo(self, site: &Site<'_>, deadline: Deadline) -> Undone {
        let entries = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Outcome::default();
        let (found, entries): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.state == State::Found);
        outcome.left_behind =
            found.iter().map(|entry| entry.leftover(OF_ANOTHER_RUN.to_owned(), site.account)).collect();
        let made = entries.into_iter().filter(|entry| entry.state != State::Void);
        let mut left: Vec<_> = made.rev().map(|entry| (entry, TOO_LATE.to_owned())).collect();
        outcome.created.extend(left.iter().rev().filter_map(|(entry, _)| entry.arn.clone()));
        // Where nothing is to be taken back, nobody else looks.
        if left.is_empty()
            && let Ok(Ok(Some(service))) = deadline.limit(Box::pin(site.service_of_claim())).await
        {
            return Undone::Fulfilled(Box::new(service));
        }
        loop {
            let mut busy = Vec::new();
            for (entry, last) in left {
                match deadline.limit(Box::pin(entry.try_to_undo(site, deadline))).await {
                    Ok(Undo::Done) => outcome.rolled_back.extend(entry.arn),
                    Ok(Undo::Doubtful(arn)) => {
                        let entry = Entry { arn: Some(arn), ..entry };
                        outcome.left_behind.push(entry.leftover(DOUBTFUL.to_owned(), site.account));
                    }
                    Ok(Undo::OfOthers) => outcome.created.retain(|arn| Some(arn) != entry.arn.as_ref()),
                    Ok(Undo::Fulfilled(service)) => return Undone::Fulfilled(service),
                    Ok(Undo::Stuck(error)) => outcome.left_behind.push(entry.leftover(error, site.account)),
                    Ok(Undo::Busy(error)) => busy.push((entry, error)),
                    Err(Elapsed) => busy.push((entry, last)),
                }
            }
            if busy.is_empty() || deadline.limit(tokio::time::sleep(UNDO_PAUSE)).await.is_err() {
                let late = busy.into_iter().map(|(entry, error)| entry.leftover(error, site.account));
                outcome.left_behind.extend(late);
                return Undone::Back(outcome);
            }
            left = busy;
        }
    }
}

/// How an undo ended.
#[derive(Debug)]
pub(super) enum Undone {
    /// Everything is taken back, or listed.
    Back(Outcome),
    /// A twin of this run has created the service: the request is done.
    Fulfilled(Box<Service>),
}

/// What became of one attempt to take a change back.
enum Undo {
    /// It is gone.
    Done,
    /// It can't be taken back now, but perhaps in a moment.
    Busy(String),
    /// It can't be taken back.
    Stuck(String),
    /// This appeared meanwhile, and may be it.
    Doubtful(String),
    /// Another request made it.
    OfOthers,
    /// A twin of this run has created the service: nothing is to be taken back any more.
    Fulfilled(Box<Service>),
}

impl Undo {
    fn failed(error: &aws::Error) -> Self {
        if error.kind.passes() { Self::Busy(error.to_string()) } else { Self::Stuck(error.to_string()) }
    }
}

/// What there is to take back.
enum Target {
    /// It, or nothing that was left of it, is taken back.
    Gone,
    /// Nothing tells what is to be taken back.
    Unknown,
    /// Nothing tells whose this is, which appeared meanwhile.
    Doubtful(String),
    /// Another request made it.
    OfOthers,
}

impl Entry {
    fn is_own_service(&self) -> bool {
        matches!(self.change, Change::Service { .. }) && self.state == State::Made
    }

    async fn try_to_undo(&self, site: &Site<'_>, deadline: Deadline) -> Undo {
        if !self.is_own_service() {
            match site.service_of_claim().await {
                Ok(Some(service)) => return Undo::Fulfilled(Box::new(service)),
                Ok(None) => {}
                // What a twin may use stays.
                Err(error) => return Undo::failed(&error),
            }
        }
        match self.take_back(site, deadline).await {
            Ok(Target::Gone) => Undo::Done,
            Ok(Target::OfOthers) => Undo::OfOthers,
            Ok(Target::Doubtful(arn)) => Undo::Doubtful(arn),
            Ok(Target::Unknown) => {
                Undo::Stuck(format!("AWS never answered; whether {} is of this request is not known", self.change))
            }
            // What is not there is taken back, unless AWS may still be at work on it.
            Err(error) if error.kind == Kind::NotFound && self.state != State::Asked => Undo::Done,
            Err(error) if error.kind == Kind::NotFound => {
                Undo::Stuck("AWS never answered; it is not there, but may still appear".to_owned())
            }
            Err(error) => Undo::failed(&error),
        }
    }

    async fn take_back(&self, site: &Site<'_>, deadline: Deadline) -> Result<Target, aws::Error> {
        let account = site.account;
        match (&self.change, &self.arn) {
            (Change::Cluster(name), _) => {
                if site.run.is_keyed() && is_cluster_of_others(site, name).await? {
                    return Ok(Target::OfOthers);
                }
                ecs::delete_cluster(account, name).await.map(drop)?;
            }
            (Change::TaskDefinition(_), Some(arn)) => ecs::deregister_task_definition(account, arn).await.map(drop)?,
            (Change::TaskDefinition(family), None) if site.run.is_keyed() => {
                let own = site.revisions(family, 0).await?.own.and_then(|own| own.task_definition_arn);
                let missing = || account.missing("ecs:DescribeTaskDefinition", "there is no such revision".to_owned());
                ecs::deregister_task_definition(account, &own.ok_or_else(missing)?).await.map(drop)?;
            }
            (Change::TaskDefinition(family), None) => return self.find_revision(site, family).await,
            (Change::Registry { .. }, Some(arn)) => discovery::delete_service(account, id_of(arn)).await?,
            (Change::Registry { name, namespace_id, creator }, None) => {
                match made_registry(site, namespace_id, name, creator, deadline).await? {
                    Some(id) => discovery::delete_service(account, &id).await?,
                    None => return Ok(Target::Unknown),
                }
            }
            (Change::Service { cluster, service }, _) => {
                if self.state != State::Made && self.is_service_of_others(site, cluster, service).await? {
                    return Ok(Target::OfOthers);
                }
                ecs::delete_service(account, cluster, service).await.map(drop)?;
            }
        }
        Ok(Target::Gone)
    }

    /// Whether a service of the name that this run asked for, without being answered, is somebody else's: without a key
    /// its time of creation tells.
    async fn is_service_of_others(&self, site: &Site<'_>, cluster: &str, name: &str) -> Result<bool, aws::Error> {
        let Some(found) = ecs::describe_service(site.account, cluster, name).await? else { return Ok(false) };
        if site.run.is_keyed() {
            return Ok(!matches!(site.owner(found.tags()), Owner::This { .. }));
        }
        let since = DateTime::from(self.asked_at - CLOCKS_DIFFER);
        Ok(found.created_at().is_some_and(|at| *at < since))
    }

    /// A family's revisions do not say which request made them, but when they were made.
    async fn find_revision(&self, site: &Site<'_>, family: &str) -> Result<Target, aws::Error> {
        let latest = ecs::describe_task_definition(site.account, family).await?.task_definition;
        let since = DateTime::from(self.asked_at - CLOCKS_DIFFER);
        let is_new = |latest: &TaskDefinition| latest.registered_at().is_none_or(|at| *at >= since);
        match latest.filter(is_new) {
            Some(latest) => Ok(Target::Doubtful(latest.task_definition_arn.unwrap_or_default())),
            None => Err(site.account.missing("ecs:DescribeTaskDefinition", "there is no such revision".to_owned())),
        }
    }

    fn leftover(&self, error: String, account: &Account) -> Leftover {
        let known = self.arn.clone();
        let (name, command) = match &self.change {
            Change::Cluster(name) => (name, format!("aws ecs delete-cluster --cluster {name}")),
            Change::TaskDefinition(family) => {
                let revision = known.clone().unwrap_or_else(|| format!("{family}:REVISION"));
                (family, format!("aws ecs deregister-task-definition --task-definition {revision}"))
            }
            Change::Registry { name, .. } => {
                let id = self.arn.as_deref().map_or("SERVICE_ID", id_of);
                (name, format!("aws servicediscovery delete-service --id {id}"))
            }
            Change::Service { cluster, service } => {
                (service, format!("aws ecs delete-service --cluster {cluster} --service {service} --force"))
            }
        };
        let arn = known.unwrap_or_else(|| name.clone());
        Leftover { arn, error, command: format!("{command} --region {}", account.settings.region) }
    }
}

/// `arn:aws:servicediscovery:…:service/srv-…` → `srv-…`.
fn id_of(registry_arn: &str) -> &str {
    registry_arn.rsplit('/').next().unwrap_or_default()
}

/// Whether the cluster is there, but not by this run: `CreateCluster` does not tell.
async fn is_cluster_of_others(site: &Site<'_>, name: &str) -> Result<bool, aws::Error> {
    let found = ecs::describe_cluster(site.account, name).await?.filter(|cluster| cluster.status() != Some("INACTIVE"));
    Ok(found.is_some_and(|cluster| site.owner(cluster.tags()) != Owner::This { is_this_run: true }))
}

/// The id of the registry of this name that this run has made; `None` if there is one that does not tell.
async fn made_registry(
    site: &Site<'_>,
    namespace_id: &str,
    name: &str,
    creator: &str,
    deadline: Deadline,
) -> Result<Option<String>, aws::Error> {
    let account = site.account;
    let listed = discovery::list_services(account, Some(namespace_id), Span::whole(deadline)).await?;
    let found = listed.entries.into_iter().find(|registry| registry.name() == Some(name));
    let missing = || account.missing("servicediscovery:ListServices", format!("there is no registry `{name}`"));
    let id = found.and_then(|registry| registry.id).ok_or_else(missing)?;
    let registry = discovery::get_service(account, &id).await?;
    if site.run.is_keyed() {
        // Twins have the same creator's id; the tag tells them apart.
        let is_own = site.owner_of_registry(&registry).await? == Owner::This { is_this_run: true };
        return if is_own { Ok(Some(id)) } else { Err(missing()) };
    }
    match registry.creator_request_id() {
        Some(other) if other == creator => Ok(Some(id)),
        // Somebody else's of the same name stays.
        Some(_) => Err(missing()),
        None => Ok(None),
    }
}
