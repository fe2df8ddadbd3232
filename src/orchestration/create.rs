//! The orchestrated create: cluster, task definition, registry and service by one request, or nothing.
//!
//! Look, make, finish: first everything checkable is looked at side by side, then what is missing is made
//! side by side, then the service is created. What a failed run had made is taken back before it answers.

use std::time::Duration;

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::{Cluster, Service, ServiceRegistry, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::operation::create_service as registry;
use aws_sdk_servicediscovery::types::{Service as Registry, ServiceSummary};
use futures_util::future::join_all;

use super::defaults;
use super::ledger::{Change, Ledger, Outcome};
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::{Deadline, Elapsed};

/// What is kept back of a request's time to take back what a run has made.
const UNDO_RESERVE: Duration = Duration::from_secs(8);

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
}

/// Why a run did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// AWS refused a call, or did not answer it.
    #[error("{0}")]
    Aws(#[from] aws::Error),
    /// A part that must exist does not, or is not ACTIVE.
    #[error("{0}")]
    Missing(String),
    /// Something of the name is in the way.
    #[error("{0}")]
    Taken(String),
    /// A service of the name is still draining.
    #[error("{0}")]
    Draining(String),
    /// The request's time was over.
    #[error("{0}")]
    Deadline(#[from] Elapsed),
}

/// A part after the look: there already, or to be made.
enum Step<T, I> {
    Use(T),
    Make(Box<I>),
}

/// Every part after the look.
struct Steps {
    cluster: Step<Cluster, CreateClusterInput>,
    task_definition: Step<TaskDefinition, RegisterTaskDefinitionInput>,
    registry: Option<Step<Registry, registry::CreateServiceInput>>,
}

/// Runs a plan. `token` makes AWS recognise a repeated call of this run as the same (at most 36 characters).
///
/// # Errors
/// [`Failure`] with the first cause, after everything that this run had made was taken back.
pub async fn create(account: &Account, plan: Plan, token: &str, deadline: Deadline) -> Result<Creation, Failure> {
    let working = deadline.keeping(UNDO_RESERVE);
    let Plan { cluster, task_definition, registry, service } = plan;
    let looked = working.limit(Box::pin(look(account, cluster, task_definition, registry, &service))).await;
    let steps = looked.map_err(Cause::from).and_then(|steps| steps);
    let steps = steps.map_err(|cause| Failure { cause, outcome: Outcome::default() })?;
    let ledger = Ledger::default();
    let made = working.limit(Box::pin(make(account, steps, service, token, &ledger))).await;
    match made.map_err(Cause::from).and_then(|made| made) {
        Ok(creation) => Ok(creation),
        Err(cause) => Err(Failure { cause, outcome: ledger.undo(account, deadline).await }),
    }
}

/// Looks at everything that can be checked before the first change, side by side.
async fn look(
    account: &Account,
    cluster: ClusterPart,
    task_definition: TaskDefinitionPart,
    registry: RegistryPart,
    service: &CreateServiceInput,
) -> Result<Steps, Cause> {
    let cluster_name = cluster.name().to_owned();
    let (cluster, task_definition, registry, service) = tokio::join!(
        look_at_cluster(account, cluster),
        look_at_task_definition(account, task_definition),
        look_at_registry(account, registry),
        look_at_service(account, &cluster_name, service.service_name.as_deref().unwrap_or_default()),
    );
    let steps = Steps { cluster: cluster?, task_definition: task_definition?, registry: registry? };
    service.map(|()| steps)
}

async fn look_at_cluster(account: &Account, part: ClusterPart) -> Result<Step<Cluster, CreateClusterInput>, Cause> {
    let found = ecs::describe_cluster(account, part.name()).await?;
    let active = found.filter(|cluster| cluster.status() == Some("ACTIVE"));
    match (part, active) {
        (_, Some(cluster)) => Ok(Step::Use(cluster)),
        (ClusterPart::New { input, .. }, None) => Ok(Step::Make(input)),
        (ClusterPart::Existing(name), None) => Err(Cause::Missing(format!("there is no ACTIVE cluster `{name}`"))),
    }
}

async fn look_at_task_definition(
    account: &Account,
    part: TaskDefinitionPart,
) -> Result<Step<TaskDefinition, RegisterTaskDefinitionInput>, Cause> {
    let name = match part {
        TaskDefinitionPart::New(input) => return Ok(Step::Make(input)),
        TaskDefinitionPart::Existing(name) => name,
    };
    let found = match ecs::describe_task_definition(account, &name).await {
        Ok(answer) => answer.task_definition,
        Err(error) if error.kind == Kind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let active = found.filter(|found| found.status() == Some(&TaskDefinitionStatus::Active));
    active.map(Step::Use).ok_or_else(|| Cause::Missing(format!("there is no ACTIVE task definition `{name}`")))
}

async fn look_at_registry(
    account: &Account,
    part: RegistryPart,
) -> Result<Option<Step<Registry, registry::CreateServiceInput>>, Cause> {
    match part {
        RegistryPart::None => Ok(None),
        RegistryPart::Existing(ids) => {
            let all = join_all(ids.iter().map(|id| discovery::get_service(account, id))).await;
            let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().next().map(Step::Use))
        }
        RegistryPart::New { namespace_id, input } => {
            let (namespace, taken) = tokio::join!(
                discovery::get_namespace(account, &namespace_id),
                discovery::find_service(account, &namespace_id, input.name.as_deref().unwrap_or_default()),
            );
            namespace?;
            match taken? {
                None => Ok(Some(Step::Make(input))),
                Some(summary) => use_registry(account, &summary, &input).await.map(|used| Some(Step::Use(used))),
            }
        }
    }
}

/// An existing registry of the name is used where its DNS config is the one asked for.
async fn use_registry(
    account: &Account,
    taken: &ServiceSummary,
    wanted: &registry::CreateServiceInput,
) -> Result<Registry, Cause> {
    let registry = discovery::get_service(account, taken.id().unwrap_or_default()).await?;
    if agrees(&registry, wanted) { Ok(registry) } else { Err(taken_registry(&registry)) }
}

fn taken_registry(registry: &Registry) -> Cause {
    let (name, arn) = (registry.name().unwrap_or_default(), registry.arn().unwrap_or_default());
    Cause::Taken(format!("the namespace has a registry `{name}` with another DNS config already: `{arn}`"))
}

/// Whether a registry's records and routing policy are those asked for. A routing policy that was not asked
/// for may be any: Cloud Map chooses it.
fn agrees(registry: &Registry, wanted: &registry::CreateServiceInput) -> bool {
    match (registry.dns_config(), wanted.dns_config()) {
        (None, None) => true,
        (Some(has), Some(wants)) => {
            let routing_agrees = wants.routing_policy().is_none() || wants.routing_policy() == has.routing_policy();
            let records = has.dns_records();
            routing_agrees
                && records.len() == wants.dns_records().len()
                && wants.dns_records().iter().all(|record| records.contains(record))
        }
        _ => false,
    }
}

/// A service of the name that is ACTIVE or DRAINING is in the way.
async fn look_at_service(account: &Account, cluster: &str, name: &str) -> Result<(), Cause> {
    let found = ecs::describe_service(account, cluster, name).await?;
    match found.as_ref().and_then(|service| service.status()) {
        Some("ACTIVE") => Err(Cause::Taken(format!("the cluster `{cluster}` has a service `{name}` already"))),
        Some("DRAINING") => Err(Cause::Draining(format!(
            "the service `{name}` of the cluster `{cluster}` is still draining; its name is free once it is INACTIVE"
        ))),
        _ => Ok(()),
    }
}

/// Makes what is missing side by side, then the service.
async fn make(
    account: &Account,
    steps: Steps,
    mut service: CreateServiceInput,
    token: &str,
    ledger: &Ledger,
) -> Result<Creation, Cause> {
    let (cluster, task_definition, registry) = tokio::join!(
        make_cluster(account, steps.cluster, ledger),
        make_task_definition(account, steps.task_definition, ledger),
        make_registry(account, steps.registry, ledger),
    );
    // All three have ended, so that the ledger is whole, before the first failure ends the run.
    let (cluster, task_definition, registry) = (cluster?, task_definition?, registry?);
    let strategy = !cluster.default_capacity_provider_strategy().is_empty();
    defaults::service(&mut service, &account.settings, strategy);
    service.cluster = cluster.cluster_name.clone().or(service.cluster);
    service.task_definition.clone_from(&task_definition.task_definition_arn);
    if let (None, Some(arn)) = (&service.service_registries, registry.as_ref().and_then(|made| made.arn.clone())) {
        service.service_registries = Some(vec![ServiceRegistry::builder().registry_arn(arn).build()]);
    }
    service.client_token.get_or_insert_with(|| token.to_owned());
    let service = make_service(account, service, ledger).await?;
    Ok(Creation { cluster, task_definition, registry, service })
}

async fn make_cluster(
    account: &Account,
    step: Step<Cluster, CreateClusterInput>,
    ledger: &Ledger,
) -> Result<Cluster, aws::Error> {
    let input = match step {
        Step::Use(cluster) => return Ok(cluster),
        Step::Make(input) => input,
    };
    let change = Change::Cluster(input.cluster_name.clone().unwrap_or_default());
    let work = async {
        let answer = ecs::create_cluster(account, *input).await?;
        answer.cluster.ok_or_else(|| account.lacking("ecs:CreateCluster", "cluster"))
    };
    ledger.record(change, work, |cluster| cluster.cluster_arn.clone()).await
}

async fn make_task_definition(
    account: &Account,
    step: Step<TaskDefinition, RegisterTaskDefinitionInput>,
    ledger: &Ledger,
) -> Result<TaskDefinition, aws::Error> {
    let input = match step {
        Step::Use(task_definition) => return Ok(task_definition),
        Step::Make(input) => input,
    };
    let change = Change::TaskDefinition(input.family.clone().unwrap_or_default());
    let work = async {
        let answer = ecs::register_task_definition(account, *input).await?;
        answer.task_definition.ok_or_else(|| account.lacking("ecs:RegisterTaskDefinition", "taskDefinition"))
    };
    ledger.record(change, work, |made| made.task_definition_arn.clone()).await
}

async fn make_registry(
    account: &Account,
    step: Option<Step<Registry, registry::CreateServiceInput>>,
    ledger: &Ledger,
) -> Result<Option<Registry>, aws::Error> {
    let input = match step {
        None => return Ok(None),
        Some(Step::Use(registry)) => return Ok(Some(registry)),
        Some(Step::Make(input)) => input,
    };
    let change = Change::Registry(input.name.clone().unwrap_or_default());
    let work = async {
        let answer = discovery::create_service(account, *input).await?;
        answer.service.ok_or_else(|| account.lacking("servicediscovery:CreateService", "Service"))
    };
    ledger.record(change, work, |made| made.arn.clone()).await.map(Some)
}

async fn make_service(account: &Account, input: CreateServiceInput, ledger: &Ledger) -> Result<Service, aws::Error> {
    let change = Change::Service {
        cluster: input.cluster.clone().unwrap_or_default(),
        service: input.service_name.clone().unwrap_or_default(),
    };
    let work = async {
        let answer = ecs::create_service(account, input).await?;
        answer.service.ok_or_else(|| account.lacking("ecs:CreateService", "service"))
    };
    ledger.record(change, work, |service| service.service_arn.clone()).await
}
