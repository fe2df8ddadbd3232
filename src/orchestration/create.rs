//! The orchestrated create: cluster, task definition, registry and service by one request, or nothing.
//!
//! Look, make, finish: first everything checkable is looked at side by side, then what is missing is made
//! side by side, then the service is created. What a failed run had made is taken back before it answers.
//! What a request with an `Idempotency-Key` looks for besides, [`idempotency`](super::idempotency) tells.

mod look;
mod make;

use std::time::Duration;

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::{Cluster, Service, TaskDefinition};
use aws_sdk_servicediscovery::operation::create_service as registry;
use aws_sdk_servicediscovery::types::Service as Registry;

use super::Cause;
use super::idempotency::Run;
use super::ledger::{Entry, Ledger};
use super::site::{Site, is_older};
use super::undo::{Leftover, Outcome, Undone, leftover, release, undo};
use crate::aws::{Account, ecs};
use crate::deadline::Deadline;

use look::{Looked, finished, look};
use make::Stop;

/// What is kept back of a request's time to take back what a run has made.
const UNDO_RESERVE: Duration = Duration::from_secs(8);

/// What of that is kept to take back a service whose parts another run has taken back.
const TAKE_BACK_RESERVE: Duration = Duration::from_secs(2);

/// What is said of what a service is made of that is there, and could not be shown.
const NOT_SHOWN: &str = "it belongs to the service, which is there, but could not be shown";

/// The longest that a run may last: that of an invocation
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const RUN_MAX: Duration = Duration::from_mins(15);

/// What to create: every part that the caller gave.
#[derive(Debug)]
pub struct Plan {
    /// The cluster that the service goes to.
    pub cluster: ClusterPart,
    /// What the service's tasks run.
    pub task_definition: TaskDefinitionPart,
    /// Where the service's tasks are found by name.
    pub registry: RegistryPart,
    /// The service. Its cluster, task definition and registries are filled in from the other parts.
    pub service: CreateServiceInput,
}

/// The cluster of a plan.
#[derive(Debug)]
pub enum ClusterPart {
    /// Must exist and be ACTIVE; the name or ARN as the caller wrote it.
    Existing(String),
    /// Is created, or used where it is ACTIVE already.
    New {
        /// Its name.
        name: String,
        /// What to create.
        input: Box<CreateClusterInput>,
    },
}

impl ClusterPart {
    fn name(&self) -> &str {
        match self {
            Self::Existing(name) | Self::New { name, .. } => name,
        }
    }
}

/// The task definition of a plan.
#[derive(Debug)]
pub enum TaskDefinitionPart {
    /// Must exist and be ACTIVE.
    Existing(String),
    /// Is registered.
    New(Box<RegisterTaskDefinitionInput>),
}

/// The registry of a plan.
#[derive(Debug)]
pub enum RegistryPart {
    /// The service is not found by name.
    None,
    /// All of these must exist; ids of Cloud Map services.
    Existing(Vec<String>),
    /// Is created in the namespace, or used where it exists already and agrees.
    New {
        /// The namespace's id.
        namespace_id: String,
        /// What to create.
        input: Box<registry::CreateServiceInput>,
    },
}

/// The parts that a successful run involved.
#[derive(Debug)]
pub struct Creation {
    /// The cluster, created or found.
    pub cluster: Cluster,
    /// The task definition, registered or found.
    pub task_definition: TaskDefinition,
    /// The first registry, created or found.
    pub registry: Option<Registry>,
    /// The service.
    pub service: Service,
    /// What the run made besides, and could not take back.
    pub left_behind: Vec<Leftover>,
}

/// A run that did not succeed, and what became of what it had made.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What went wrong first.
    #[source]
    pub cause: Cause,
    /// What became of what the run had made; empty where it failed before it made anything.
    pub outcome: Outcome,
    /// Whether the caller gave a key: then the same request again finds what was left, and goes on with it.
    pub is_keyed: bool,
}

/// Runs a plan.
///
/// # Errors
/// [`Failure`] with the first cause, after everything that this run had made was taken back.
pub async fn create(
    account: &Account,
    plan: Plan,
    run: &Run,
    deadline: Deadline,
) -> Result<Creation, Failure> {
    let Plan {
        cluster,
        task_definition,
        registry,
        service,
    } = plan;
    let name = service.service_name.clone().unwrap_or_default();
    let site = Site {
        account,
        run,
        cluster: cluster.name().to_owned(),
        service: name,
    };
    let working = deadline.keeping(UNDO_RESERVE);
    let failed = |cause, outcome| Failure {
        cause,
        outcome,
        is_keyed: run.is_keyed(),
    };
    let looked = working
        .limit(Box::pin(look(
            &site,
            cluster,
            task_definition,
            registry,
            working,
        )))
        .await;
    let steps = match looked.map_err(Cause::from).and_then(|looked| looked) {
        Ok(Looked::Missing(steps)) => *steps,
        Ok(Looked::Done(service)) => {
            return answer_again(&site, *service, &[], Vec::new(), deadline).await;
        }
        Err(cause) => return Err(failed(cause, Outcome::default())),
    };
    let ledger = Ledger::default();
    let made = working
        .limit(Box::pin(make::make(
            &site, steps, service, &ledger, working,
        )))
        .await;
    let settled = match made.map_err(Stop::from).and_then(|made| made) {
        Ok(made) => made
            .settled(&site, deadline.keeping(TAKE_BACK_RESERVE))
            .await
            .map_err(Stop::from),
        Err(stop) => Err(stop),
    };
    let cause = match settled {
        Ok(creation) => return Ok(creation),
        Err(Stop::DoneByAnother(service)) => {
            let own = ledger.own();
            let left_behind = Box::pin(release(ledger, &site, &service, deadline)).await;
            return answer_again(&site, *service, &own, left_behind, deadline).await;
        }
        Err(Stop::Failed(cause)) => cause,
    };
    let (own, is_spoiled) = (ledger.own(), matches!(cause, Cause::TakenBack(_)));
    match Box::pin(undo(ledger, &site, is_spoiled, deadline)).await {
        Undone::Back(outcome) => Err(failed(cause, outcome)),
        Undone::Fulfilled(service, left_behind) => {
            answer_again(&site, *service, &own, left_behind, deadline).await
        }
    }
}

/// The answer of a request that has been done, by this run or by another; `own` is what this run had made.
async fn answer_again(
    site: &Site<'_>,
    service: Service,
    own: &[Entry],
    mut left_behind: Vec<Leftover>,
    deadline: Deadline,
) -> Result<Creation, Failure> {
    let found = deadline
        .limit(Box::pin(look_once_more(site, service)))
        .await
        .map_err(Cause::from);
    match found.and_then(|found| found) {
        Ok(creation) => Ok(Creation {
            left_behind,
            ..creation
        }),
        Err(cause) => {
            let unlisted = own.iter().filter(|entry| {
                left_behind
                    .iter()
                    .all(|left| Some(&left.arn) != entry.arn.as_ref())
            });
            let unlisted: Vec<_> = unlisted
                .map(|entry| leftover(entry, NOT_SHOWN, site.account))
                .collect();
            left_behind.extend(unlisted);
            let created = own.iter().filter_map(|entry| entry.arn.clone()).collect();
            let outcome = Outcome {
                created,
                left_behind,
                ..Outcome::default()
            };
            Err(Failure {
                cause,
                outcome,
                is_keyed: site.run.is_keyed(),
            })
        }
    }
}

/// Everything that the service is made of, as it is now. A young service whose registry is gone has lost it to an undo
/// that had begun before: it is taken back, as by the run that made it.
async fn look_once_more(site: &Site<'_>, service: Service) -> Result<Creation, Cause> {
    let is_young = !is_older(service.created_at(), RUN_MAX);
    let creation = Box::pin(finished(site.account, service)).await?;
    let Creation {
        service, registry, ..
    } = &creation;
    let is_spoiled = is_young && registry.is_none() && !service.service_registries().is_empty();
    if !is_spoiled {
        return Ok(creation);
    }
    let (cluster, name) = (
        service.cluster_arn().unwrap_or_default(),
        service.service_name().unwrap_or_default(),
    );
    ecs::delete_service(site.account, cluster, name).await?;
    Err(Cause::TakenBack(format!(
        "the registry of the service `{name}` is gone, and the service with it"
    )))
}
