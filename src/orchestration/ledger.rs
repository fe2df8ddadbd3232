//! What a flow has changed so far, and how to take it back.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::pages::Span;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::{Deadline, Elapsed};

/// What is said of a change that there was no time to take back.
const TOO_LATE: &str = "the time that the request may take is over";
/// How long the undo waits before it tries again.
const UNDO_PAUSE: Duration = Duration::from_millis(500);

/// One change that a flow made, or asked for without hearing how it ended.
#[derive(Debug, Clone)]
struct Entry {
    change: Change,
    /// The ARN, once AWS has answered.
    arn: Option<String>,
    /// Whether the connection ended without an answer, and with it AWS's work on the call.
    is_broken_off: bool,
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
            Self::TaskDefinition(family) => write!(f, "the latest revision of `{family}`"),
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

    /// Does `work`, whose success is `change`, and keeps the ARN that `arn` finds in its answer.
    pub(super) async fn record<T>(
        &self,
        change: Change,
        work: impl Future<Output = Result<T, aws::Error>>,
        arn: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, aws::Error> {
        self.entries().push(Entry { change: change.clone(), arn: None, is_broken_off: false });
        let result = work.await;
        let mut entries = self.entries();
        let own = entries.iter().position(|entry| entry.change == change);
        match (&result, own) {
            (Ok(answer), Some(own)) => entries[own].arn = arn(answer),
            (Err(error), Some(own)) if !error.kind.leaves_outcome_unknown() => {
                entries.remove(own);
            }
            (Err(error), Some(own)) => entries[own].is_broken_off = error.kind == Kind::Unavailable,
            _ => {}
        }
        result
    }

    /// Takes back every change, the newest first. What AWS is still busy with is tried again after the others, until
    /// the deadline.
    pub(super) async fn undo(self, account: &Account, deadline: Deadline) -> Outcome {
        let entries = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Outcome::default();
        outcome.created.extend(entries.iter().filter_map(|entry| entry.arn.clone()));
        let mut left: Vec<_> = entries.into_iter().rev().map(|entry| (entry, TOO_LATE.to_owned())).collect();
        loop {
            let mut busy = Vec::new();
            for (entry, last) in left {
                match deadline.limit(Box::pin(entry.try_to_undo(account, deadline))).await {
                    Ok(Undo::Done) => outcome.rolled_back.extend(entry.arn),
                    Ok(Undo::Stuck(error)) => outcome.left_behind.push(entry.leftover(error, account)),
                    Ok(Undo::Busy(error)) => busy.push((entry, error)),
                    Err(Elapsed) => busy.push((entry, last)),
                }
            }
            if busy.is_empty() || deadline.limit(tokio::time::sleep(UNDO_PAUSE)).await.is_err() {
                let late = busy.into_iter().map(|(entry, error)| entry.leftover(error, account));
                outcome.left_behind.extend(late);
                return outcome;
            }
            left = busy;
        }
    }
}

/// What became of one attempt to take a change back.
enum Undo {
    /// It is gone.
    Done,
    /// It can't be taken back now, but perhaps in a moment.
    Busy(String),
    /// It can't be taken back.
    Stuck(String),
}

impl Entry {
    async fn try_to_undo(&self, account: &Account, deadline: Deadline) -> Undo {
        match self.take_back(account, deadline).await {
            Ok(Some(())) => Undo::Done,
            Ok(None) => {
                Undo::Stuck(format!("AWS never answered; whether {} is of this request is not known", self.change))
            }
            // What is not there is taken back, unless AWS may still be at work on it.
            Err(error) if error.kind == Kind::NotFound && self.is_settled() => Undo::Done,
            Err(error) if error.kind == Kind::NotFound => {
                Undo::Stuck("AWS never answered; it is not there, but may still appear".to_owned())
            }
            Err(error) if is_passing(error.kind) => Undo::Busy(error.to_string()),
            Err(error) => Undo::Stuck(error.to_string()),
        }
    }

    /// Whether AWS has ended its work on the change, one way or the other.
    fn is_settled(&self) -> bool {
        self.arn.is_some() || self.is_broken_off
    }

    /// Takes the change back; `None` where nothing tells what is to be taken back.
    async fn take_back(&self, account: &Account, deadline: Deadline) -> Result<Option<()>, aws::Error> {
        match (&self.change, &self.arn) {
            (Change::Cluster(name), _) => ecs::delete_cluster(account, name).await.map(drop)?,
            (Change::TaskDefinition(_), Some(arn)) => ecs::deregister_task_definition(account, arn).await.map(drop)?,
            // A family's revisions do not say which request made them.
            (Change::TaskDefinition(_), None) => return Ok(None),
            (Change::Registry { .. }, Some(arn)) => discovery::delete_service(account, id_of(arn)).await?,
            (Change::Registry { name, namespace_id, creator }, None) => {
                match made_registry(account, namespace_id, name, creator, deadline).await? {
                    Some(id) => discovery::delete_service(account, &id).await?,
                    None => return Ok(None),
                }
            }
            (Change::Service { cluster, service }, _) => {
                ecs::delete_service(account, cluster, service).await.map(drop)?;
            }
        }
        Ok(Some(()))
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

/// The id of the registry of this name that this request has made; `None` if there is one that does not tell.
async fn made_registry(
    account: &Account,
    namespace_id: &str,
    name: &str,
    creator: &str,
    deadline: Deadline,
) -> Result<Option<String>, aws::Error> {
    let listed = discovery::list_services(account, Some(namespace_id), Span::whole(deadline)).await?;
    let found = listed.entries.into_iter().find(|registry| registry.name() == Some(name));
    let missing = || account.missing("servicediscovery:ListServices", format!("there is no registry `{name}`"));
    let id = found.and_then(|registry| registry.id).ok_or_else(missing)?;
    let registry = discovery::get_service(account, &id).await?;
    match registry.creator_request_id() {
        Some(other) if other == creator => Ok(Some(id)),
        // Somebody else's of the same name stays.
        Some(_) => Err(missing()),
        None => Ok(None),
    }
}

/// Whether a refusal may pass: a thing that is still being made, or an AWS that has too much to do.
fn is_passing(kind: Kind) -> bool {
    matches!(kind, Kind::Conflict | Kind::Throttled | Kind::Unavailable | Kind::TimedOut)
}
