//! A record, and what it is the record of.

use serde::{Deserialize, Serialize};

use crate::ids::{
    Arn, ClusterName, Family, LogGroupName, NamespaceId, RegistryName, ServiceName,
    ServiceRevisionId,
};
use crate::orchestration::mark::Mark;

/// The longest token of ECS, in characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
const CLIENT_TOKEN_MAX: usize = 36;

/// The kinds of work that are recorded, by what is left where an invocation dies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkKind {
    /// A service and what it needs are created.
    #[default]
    Create,
    /// A service that is there gets another revision.
    Deploy,
}

/// The names of what a request makes: all that is known of it where its invocation dies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Names {
    /// The kind of work.
    pub kind: WorkKind,
    /// The cluster of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterName>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// The request is to make the cluster, too.
    pub makes_cluster: bool,
    /// The log group to be created where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group: Option<LogGroupName>,
    /// The family of the revision to be registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// The namespace of the registry to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<NamespaceId>,
    /// The registry to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryName>,
    /// The service revision that a rollback has chosen to go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<ServiceRevisionId>,
}

/// A choice that an invocation makes by what it sees, and that whoever comes after it can't make again: what it saw has
/// changed by then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The family of a revision that is registered for a service that runs none of it.
    pub family: Option<Family>,
    /// The service revision that a rollback goes back to.
    pub target: Option<ServiceRevisionId>,
}

impl Names {
    /// Returns the choice that was written down.
    pub(super) fn choice(&self) -> Choice {
        Choice {
            family: self.family.clone(),
            target: self.target.clone(),
        }
    }

    /// Takes what a choice says over; what it leaves open stays.
    pub(super) fn take(&mut self, choice: Choice) {
        self.family = choice.family.or(self.family.take());
        self.target = choice.target.or(self.target.take());
    }
}

/// The state of a thing that is to be done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// An invocation is at it, until its lease is over.
    Running,
    /// A watch takes back what an invocation has left, until its lease is over.
    TakingBack,
    /// It is done.
    Done,
    /// Everything is as it was before.
    Undone,
}

/// The record of one thing that is to be done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The digest of the key, or the id of the request that has none.
    pub id: String,
    /// The number of writes so far, by which each write is known to follow the one before.
    pub version: u64,
    /// The milliseconds since 1970 at which it was begun; with the id it is the [`Mark`].
    pub generation: u64,
    /// The digest of the body.
    pub body: String,
    /// The invocation that is at it, or was last.
    pub owner: String,
    /// The account's name in the configuration.
    pub account: String,
    /// The names of what is made.
    pub names: Names,
    /// Its state.
    pub state: State,
    /// The milliseconds since 1970 until which nobody but the owner is at it.
    pub lease: u64,
    /// The seconds since 1970 at which it is forgotten.
    pub expires: u64,
    /// The ARNs of what was made, where it is done.
    #[serde(default)]
    pub arns: Vec<Arn>,
}

impl Record {
    /// Returns the mark of what is made.
    pub fn mark(&self) -> Mark {
        Mark::new(&self.id, self.generation)
    }

    pub(super) fn is_forgotten(&self, now_ms: u64) -> bool {
        self.expires < now_ms / 1000
    }

    /// Returns the record as its next write leaves it.
    pub(super) fn next(&self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        }
    }
}

/// The identity of a request that is to be done once.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The digest of caller, account, method, path and key; or the id of the request that has none.
    pub id: String,
    /// The digest of the body.
    pub body: String,
    /// The caller gave an `Idempotency-Key`.
    pub is_keyed: bool,
    /// The account's name in the configuration.
    pub account: String,
    /// The name of who asked for it.
    pub caller: String,
    /// Lambda's id of the invocation.
    pub request_id: String,
}

impl Identity {
    /// Returns the token by which AWS knows a repeated call: at most 36 characters, the same for the same key.
    pub fn token(&self) -> String {
        // Lambda's ids have 36 characters; a client of a direct invocation has no say in it.
        self.id
            .get(..CLIENT_TOKEN_MAX)
            .unwrap_or(&self.id)
            .to_owned()
    }
}
