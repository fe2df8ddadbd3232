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
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::future::join_all;

use super::ledger::{Change, Ledger, Outcome};
use super::{Cause, defaults};
use crate::aws::discovery::namespace_of;
use crate::aws::pages::Span;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::Deadline;

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
    let parts = (cluster, task_definition, registry);
    let looked = working.limit(Box::pin(look(account, parts, &service, working))).await;
    let steps = looked.map_err(Cause::from).and_then(|steps| steps);
    let steps = steps.map_err(|cause| Failure { cause, outcome: Outcome::default() })?;
    let ledger = Ledger::default();
    let made = working.limit(Box::pin(make(account, steps, service, token, &ledger))).await;
    match made.map_err(Cause::from).and_then(|made| made) {
        Ok(creation) => Ok(creation),
        Err(cause) => Err(Failure { cause, outcome: Box::pin(ledger.undo(account, deadline)).await }),
    }
}

/// Looks at everything that can be checked before the first change, side by side.
async fn look(
    account: &Account,
    (cluster, task_definition, registry): (ClusterPart, TaskDefinitionPart, RegistryPart),
    service: &CreateServiceInput,
    deadline: Deadline,
) -> Result<Steps, Cause> {
    let cluster_name = cluster.name().to_owned();
    let (cluster, task_definition, registry, service) = tokio::join!(
        look_at_cluster(account, cluster),
        look_at_task_definition(account, task_definition),
        look_at_registry(account, registry, deadline),
        look_at_service(account, &cluster_name, service.service_name.as_deref().unwrap_or_default()),
    );
    let steps = Steps { cluster: cluster?, task_definition: task_definition?, registry: registry? };
    service.map(|()| steps)
}

async fn look_at_cluster(account: &Account, part: ClusterPart) -> Result<Step<Cluster, CreateClusterInput>, Cause> {
    let found = ecs::describe_cluster(account, part.name()).await?;
    let status = found.as_ref().and_then(|cluster| cluster.status()).unwrap_or("INACTIVE").to_owned();
    match (part, found) {
        (_, Some(cluster)) if status == "ACTIVE" => Ok(Step::Use(cluster)),
        (ClusterPart::Existing(name), _) => Err(Cause::Missing(format!("there is no ACTIVE cluster `{name}`"))),
        // A deleted cluster stays known as INACTIVE for a while; any other status is that of somebody's cluster.
        (ClusterPart::New { input, .. }, _) if status == "INACTIVE" => Ok(Step::Make(input)),
        (ClusterPart::New { name, .. }, _) => Err(Cause::Taken(format!("the cluster `{name}` is {status}"))),
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
    deadline: Deadline,
) -> Result<Option<Step<Registry, registry::CreateServiceInput>>, Cause> {
    match part {
        RegistryPart::None => Ok(None),
        RegistryPart::Existing(ids) => {
            let all = join_all(ids.iter().map(|id| discovery::get_service(account, id))).await;
            let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().next().map(Step::Use))
        }
        RegistryPart::New { namespace_id, input } => {
            let (namespace, registries) = tokio::join!(
                discovery::get_namespace(account, &namespace_id),
                discovery::list_services(account, Some(&namespace_id), Span::whole(deadline)),
            );
            namespace?;
            let taken = registries?.entries.into_iter().filter(|taken| taken.name() == input.name.as_deref());
            match registry_in(account, &namespace_id, taken.filter_map(|taken| taken.id).collect()).await? {
                None => Ok(Some(Step::Make(input))),
                Some(registry) if agrees(&registry, &input) => Ok(Some(Step::Use(registry))),
                Some(registry) => Err(taken_registry(&registry)),
            }
        }
    }
}

/// The registry among `ids` that is in the namespace. (AWS lists only those; an AWS that lists all is answered right
/// too.)
async fn registry_in(account: &Account, namespace_id: &str, ids: Vec<String>) -> Result<Option<Registry>, aws::Error> {
    for id in ids {
        let registry = discovery::get_service(account, &id).await?;
        if namespace_of(&registry).is_none_or(|other| other == namespace_id) {
            return Ok(Some(registry));
        }
    }
    Ok(None)
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
        make_registry(account, steps.registry, token, ledger),
    );
    // All three have ended, so that the ledger is whole, before the first failure ends the run.
    let (cluster, task_definition, registry) = (cluster?, task_definition?, registry?);
    let strategy = !cluster.default_capacity_provider_strategy().is_empty();
    defaults::service(&mut service, &account.settings, strategy);
    service.cluster = cluster.cluster_name.clone().or(service.cluster);
    service.task_definition.clone_from(&task_definition.task_definition_arn);
    let registry_arn = registry.as_ref().and_then(|registry| registry.arn.clone());
    if let Some(arn) = registry_arn.filter(|_| service.service_registries().is_empty()) {
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
    token: &str,
    ledger: &Ledger,
) -> Result<Option<Registry>, aws::Error> {
    let mut input = match step {
        None => return Ok(None),
        Some(Step::Use(registry)) => return Ok(Some(registry)),
        Some(Step::Make(input)) => input,
    };
    let change = Change::Registry {
        name: input.name.clone().unwrap_or_default(),
        namespace_id: input.namespace_id.clone().unwrap_or_default(),
        creator: input.creator_request_id.get_or_insert_with(|| token.to_owned()).clone(),
    };
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
