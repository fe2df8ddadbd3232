//! The look before the first change: what is there, what is to be made, and what is in the way.

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Cluster, Service, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::operation::create_service as registry;
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{ClusterPart, Creation, RegistryPart, TaskDefinitionPart};
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::RegistryId;
use crate::orchestration::Cause;
use crate::orchestration::idempotency::Owner;
use crate::orchestration::site::{PARALLEL, Site, known_revision};

/// A part after the look.
pub(super) enum Step<T, I> {
    /// It is there.
    Use(T),
    /// It is there because another run of this very request made it.
    Resume(T),
    /// It is to be made.
    Make(Box<I>),
}

impl<T, I> Step<T, I> {
    /// The same, where what another run made has been in use by a service since: nobody takes it back. What is younger
    /// than that service was made by a later run.
    fn settled(
        self,
        made_at: impl Fn(&T) -> Option<DateTime>,
        used_since: Option<DateTime>,
    ) -> Self {
        match self {
            Self::Resume(found) if made_at(&found) <= used_since => Self::Use(found),
            step => step,
        }
    }
}

/// Every part after the look.
pub(super) struct Steps {
    pub cluster: Step<Cluster, CreateClusterInput>,
    pub task_definition: Step<TaskDefinition, RegisterTaskDefinitionInput>,
    /// The family's latest revision, as far as a keyed request has looked; 0 if there is none.
    pub latest_revision: i32,
    pub registry: Option<Step<Registry, registry::CreateServiceInput>>,
    /// What to create where the cluster that is used is taken away meanwhile.
    pub new_cluster: Option<Box<CreateClusterInput>>,
    /// What the service of the name was before: tells its tokens from those of one that was deleted.
    pub before: String,
}

/// What the look found.
pub(super) enum Looked {
    /// The request has been done.
    Done(Box<Service>),
    /// Something is to be made.
    Missing(Box<Steps>),
}

/// The service's name is free; who had it before.
struct Free {
    before: String,
    /// When this very request's service of before was created.
    used_since: Option<DateTime>,
}

/// Looks at everything that can be checked before the first change, side by side.
pub(super) async fn look(
    site: &Site<'_>,
    cluster: ClusterPart,
    task_definition: TaskDefinitionPart,
    registry: RegistryPart,
    deadline: Deadline,
) -> Result<Looked, Cause> {
    let new_cluster = if let ClusterPart::New { input, .. } = &cluster {
        Some(input.clone())
    } else {
        None
    };
    let (service, cluster, task_definition, registry) = tokio::join!(
        look_at_service(site),
        look_at_cluster(site, cluster),
        look_at_task_definition(site, task_definition),
        look_at_registry(site, registry, deadline),
    );
    // In the way of everything else: the request has been done.
    if let Ok(Err(service)) = service {
        return Ok(Looked::Done(service));
    }
    let (cluster, (task_definition, latest_revision), registry) =
        (cluster?, task_definition?, registry?);
    let free = service?.unwrap_or_else(|_| Free {
        before: String::new(),
        used_since: None,
    });
    let mut steps = Steps {
        cluster,
        task_definition,
        latest_revision,
        registry,
        new_cluster,
        before: free.before,
    };
    if free.used_since.is_some() {
        // A cluster does not say when it was created; one that has a service is not deleted.
        steps.cluster = steps.cluster.settled(|_| None, free.used_since);
        steps.task_definition = steps
            .task_definition
            .settled(|found| found.registered_at().copied(), free.used_since);
        let settled = |step: Step<Registry, _>| {
            step.settled(|found| found.create_date().copied(), free.used_since)
        };
        steps.registry = steps.registry.map(settled);
    }
    Ok(Looked::Missing(Box::new(steps)))
}

/// A service of the name that is ACTIVE or DRAINING is in the way, unless this very request made it.
async fn look_at_service(site: &Site<'_>) -> Result<Result<Free, Box<Service>>, Cause> {
    let Site {
        cluster,
        service: name,
        ..
    } = site;
    let Some(service) = ecs::describe_service(site.account, cluster, name).await? else {
        return Ok(Ok(Free {
            before: String::new(),
            used_since: None,
        }));
    };
    let owner = site.owner(service.tags());
    match (service.status(), owner) {
        (Some("ACTIVE"), owner) if owner.is_this_request() => Ok(Err(Box::new(service))),
        (Some("ACTIVE"), Owner::SameKey) => Err(key_reused(&format!("the service `{name}`"))),
        (Some("ACTIVE"), _) => Err(Cause::Taken(format!(
            "the cluster `{cluster}` has a service `{name}` already"
        ))),
        (Some("DRAINING"), _) => Err(Cause::Draining(format!(
            "the service `{name}` of the cluster `{cluster}` is still draining; its name is free once it is INACTIVE"
        ))),
        _ => {
            let before = service
                .created_at()
                .map(|time| time.as_nanos().to_string())
                .unwrap_or_default();
            let used_since = service
                .created_at()
                .filter(|_| owner.is_this_request())
                .copied();
            Ok(Ok(Free { before, used_since }))
        }
    }
}

/// The refusal of a key that another body has been sent with.
fn key_reused(what: &str) -> Cause {
    Cause::KeyReused(format!(
        "{what} was created with this `Idempotency-Key` and another body"
    ))
}

async fn look_at_cluster(
    site: &Site<'_>,
    part: ClusterPart,
) -> Result<Step<Cluster, CreateClusterInput>, Cause> {
    let found = ecs::describe_cluster(site.account, part.name()).await?;
    let status = found
        .as_ref()
        .and_then(|cluster| cluster.status())
        .unwrap_or("INACTIVE")
        .to_owned();
    match (part, found) {
        (ClusterPart::Existing(_), Some(cluster)) if status == "ACTIVE" => Ok(Step::Use(cluster)),
        (ClusterPart::New { name, .. }, Some(cluster)) if status == "ACTIVE" => {
            match site.owner(cluster.tags()) {
                Owner::Others | Owner::Unmarked => Ok(Step::Use(cluster)),
                Owner::ThisRun | Owner::AnotherRun => Ok(Step::Resume(cluster)),
                Owner::SameKey => Err(key_reused(&format!("the cluster `{name}`"))),
            }
        }
        (ClusterPart::Existing(name), _) => Err(Cause::Missing(format!(
            "there is no ACTIVE cluster `{name}`"
        ))),
        // A deleted cluster stays known as INACTIVE for a while; any other status is that of somebody's cluster.
        (ClusterPart::New { input, .. }, _) if status == "INACTIVE" => Ok(Step::Make(input)),
        (ClusterPart::New { name, .. }, _)
            if matches!(status.as_str(), "PROVISIONING" | "DEPROVISIONING") =>
        {
            Err(Cause::NotReady(format!("the cluster `{name}` is {status}")))
        }
        (ClusterPart::New { name, .. }, _) => {
            Err(Cause::Taken(format!("the cluster `{name}` is {status}")))
        }
    }
}

async fn look_at_task_definition(
    site: &Site<'_>,
    part: TaskDefinitionPart,
) -> Result<(Step<TaskDefinition, RegisterTaskDefinitionInput>, i32), Cause> {
    let name = match part {
        TaskDefinitionPart::New(input) if !site.run.is_keyed() => {
            return Ok((Step::Make(input), 0));
        }
        TaskDefinitionPart::New(input) => {
            let family = input.family.clone().unwrap_or_default();
            let revisions = site.revisions(&family, 0).await?;
            if revisions.is_key_reused {
                return Err(key_reused(&format!("a revision of `{family}`")));
            }
            let lowest = revisions.of_request.into_iter().next();
            return Ok((
                lowest.map_or(Step::Make(input), |(found, _)| Step::Resume(found)),
                revisions.latest,
            ));
        }
        TaskDefinitionPart::Existing(name) => name,
    };
    let found = known_revision(site.account, &name)
        .await?
        .map(|(found, _)| found);
    let active = found.filter(|found| found.status() == Some(&TaskDefinitionStatus::Active));
    let missing = || Cause::Missing(format!("there is no ACTIVE task definition `{name}`"));
    active
        .map(|found| (Step::Use(found), 0))
        .ok_or_else(missing)
}

async fn look_at_registry(
    site: &Site<'_>,
    part: RegistryPart,
    deadline: Deadline,
) -> Result<Option<Step<Registry, registry::CreateServiceInput>>, Cause> {
    match part {
        RegistryPart::None => Ok(None),
        RegistryPart::Existing(ids) => {
            let looks = stream::iter(ids)
                .map(|id| async move { discovery::get_service(site.account, &id).await });
            let all: Vec<_> = looks.buffered(PARALLEL).try_collect().await?;
            Ok(all.into_iter().next().map(Step::Use))
        }
        RegistryPart::New {
            namespace_id,
            input,
        } => {
            let (namespace, found) = tokio::join!(
                discovery::get_namespace(site.account, &namespace_id),
                look_for_registry(
                    site,
                    &namespace_id,
                    input.name.as_deref().unwrap_or_default(),
                    deadline
                ),
            );
            namespace?;
            let Some((registry, owner)) = found? else {
                return Ok(Some(Step::Make(input)));
            };
            if owner.is_this_request() {
                return Ok(Some(Step::Resume(registry)));
            }
            use_registry(&registry, owner, &input)?;
            Ok(Some(Step::Use(registry)))
        }
    }
}

/// The registry of the name, and whose it is. Without a key, no other run can be this request's, and nothing is asked.
async fn look_for_registry(
    site: &Site<'_>,
    namespace_id: &str,
    name: &str,
    deadline: Deadline,
) -> Result<Option<(Registry, Owner)>, aws::Error> {
    let Some(registry) = site.named_registry(namespace_id, name, deadline).await? else {
        return Ok(None);
    };
    let owner = if site.run.is_keyed() {
        site.owner_of_registry(registry.arn()).await?
    } else {
        Owner::Unmarked
    };
    Ok(Some((registry, owner)))
}

/// Whether a registry of the name that another request made is used: where it agrees with what was asked for.
pub(super) fn use_registry(
    registry: &Registry,
    owner: Owner,
    wanted: &registry::CreateServiceInput,
) -> Result<(), Cause> {
    match owner {
        Owner::SameKey => Err(key_reused(&format!(
            "the registry `{}`",
            registry.name().unwrap_or_default()
        ))),
        _ if agrees(registry, wanted) => Ok(()),
        _ => Err(taken_registry(registry)),
    }
}

fn taken_registry(registry: &Registry) -> Cause {
    let (name, arn) = (
        registry.name().unwrap_or_default(),
        registry.arn().unwrap_or_default(),
    );
    Cause::Taken(format!(
        "the namespace has a registry `{name}` with another DNS config already: `{arn}`"
    ))
}

/// Whether a registry's records and routing policy are those asked for. A routing policy that was not asked
/// for may be any: Cloud Map chooses it.
fn agrees(registry: &Registry, wanted: &registry::CreateServiceInput) -> bool {
    match (registry.dns_config(), wanted.dns_config()) {
        (None, None) => true,
        (Some(has), Some(wants)) => {
            let routing_agrees =
                wants.routing_policy().is_none() || wants.routing_policy() == has.routing_policy();
            let records = has.dns_records();
            routing_agrees
                && records.len() == wants.dns_records().len()
                && wants
                    .dns_records()
                    .iter()
                    .all(|record| records.contains(record))
        }
        _ => false,
    }
}

/// Everything that a request which has been done involved, as it is now.
pub(super) async fn finished(account: &Account, service: Service) -> Result<Creation, aws::Error> {
    let (cluster_arn, definition) = (
        service.cluster_arn().unwrap_or_default(),
        service.task_definition().unwrap_or_default(),
    );
    let (cluster, task_definition, registry) = tokio::join!(
        ecs::describe_cluster(account, cluster_arn),
        ecs::describe_task_definition(account, definition),
        first_registry(account, &service),
    );
    let missing = || {
        account.missing(
            "ecs:DescribeClusters",
            format!("there is no cluster `{cluster_arn}`"),
        )
    };
    let cluster = cluster?.ok_or_else(missing)?;
    let lacking = || account.lacking("ecs:DescribeTaskDefinition", "taskDefinition");
    let task_definition = task_definition?.task_definition.ok_or_else(lacking)?;
    Ok(Creation {
        cluster,
        task_definition,
        registry: registry?,
        service,
        left_behind: Vec::new(),
    })
}

async fn first_registry(
    account: &Account,
    service: &Service,
) -> Result<Option<Registry>, aws::Error> {
    let arn = service
        .service_registries()
        .first()
        .and_then(|registry| registry.registry_arn());
    let Some(arn) = arn else { return Ok(None) };
    // Cloud Map takes the id of an own registry, and the ARN of one that another account shares.
    let own = RegistryId::parse(arn, &account.account_region());
    match discovery::get_service(account, own.as_ref().map_or(arn, RegistryId::as_str)).await {
        Ok(registry) => Ok(Some(registry)),
        // It has been deleted since.
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
