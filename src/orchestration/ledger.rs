//! What a flow has changed so far, and how to take it back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::Deadline;

/// One change that a flow made, or asked for without hearing how it ended.
#[derive(Debug, Clone)]
struct Entry {
    change: Change,
    /// The ARN, once AWS has answered.
    arn: Option<String>,
}

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A cluster of this name was created.
    Cluster(String),
    /// A revision of this family was registered.
    TaskDefinition(String),
    /// A registry of this name was created; the id is known once AWS has answered.
    Registry(String),
    /// A service was created.
    Service {
        /// The cluster's name or ARN.
        cluster: String,
        /// The service's name.
        service: String,
    },
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
        self.entries().push(Entry { change: change.clone(), arn: None });
        let result = work.await;
        let mut entries = self.entries();
        let own = entries.iter().position(|entry| entry.change == change);
        match (&result, own) {
            (Ok(answer), Some(own)) => entries[own].arn = arn(answer),
            (Err(error), Some(own)) if !error.kind.leaves_outcome_unknown() => {
                entries.remove(own);
            }
            _ => {}
        }
        result
    }

    /// Takes back every change, the newest first, but not past the deadline.
    pub(super) async fn undo(self, account: &Account, deadline: Deadline) -> Outcome {
        let entries = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Outcome::default();
        outcome.created.extend(entries.iter().filter_map(|entry| entry.arn.clone()));
        for entry in entries.into_iter().rev() {
            let undone = match deadline.limit(entry.take_back(account)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) if error.kind == Kind::NotFound => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(elapsed) => Err(elapsed.to_string()),
            };
            match (undone, &entry.arn) {
                (Ok(()), Some(arn)) => outcome.rolled_back.push(arn.clone()),
                (Ok(()), None) => {}
                (Err(error), _) => outcome.left_behind.push(entry.leftover(error, &account.settings.region)),
            }
        }
        outcome
    }
}

impl Entry {
    async fn take_back(&self, account: &Account) -> Result<(), aws::Error> {
        match &self.change {
            Change::Cluster(name) => ecs::delete_cluster(account, name).await.map(drop),
            Change::TaskDefinition(family) => match &self.arn {
                Some(arn) => ecs::deregister_task_definition(account, arn).await.map(drop),
                None => Err(account.unheard("ecs:RegisterTaskDefinition", family)),
            },
            Change::Registry(name) => match self.registry_id() {
                Some(id) => discovery::delete_service(account, id).await,
                None => Err(account.unheard("servicediscovery:CreateService", name)),
            },
            Change::Service { cluster, service } => ecs::delete_service(account, cluster, service).await.map(drop),
        }
    }

    /// `arn:aws:servicediscovery:…:service/srv-…` → `srv-…`.
    fn registry_id(&self) -> Option<&str> {
        self.arn.as_deref().and_then(|arn| arn.rsplit('/').next())
    }

    fn leftover(&self, error: String, region: &str) -> Leftover {
        let known = self.arn.clone();
        let (name, command) = match &self.change {
            Change::Cluster(name) => (name, format!("aws ecs delete-cluster --cluster {name}")),
            Change::TaskDefinition(family) => {
                let revision = known.clone().unwrap_or_else(|| format!("{family}:REVISION"));
                (family, format!("aws ecs deregister-task-definition --task-definition {revision}"))
            }
            Change::Registry(name) => {
                let id = self.registry_id().unwrap_or("SERVICE_ID");
                (name, format!("aws servicediscovery delete-service --id {id}"))
            }
            Change::Service { cluster, service } => {
                (service, format!("aws ecs delete-service --cluster {cluster} --service {service} --force"))
            }
        };
        let arn = known.unwrap_or_else(|| name.clone());
        Leftover { arn, error, command: format!("{command} --region {region}") }
    }
}
