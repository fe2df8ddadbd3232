//! Makes what is missing, and keeps it in the ledger: the parts side by side, then the service.

mod cluster;
mod registry;
mod revision;
mod service;

use std::time::Duration;

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Cluster, Service, ServiceRegistry, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::types::Service as Registry;
use tokio::time::{Instant, sleep};

use super::look::{Step, Steps};
use super::{Creation, RUN_MAX};
use crate::aws::{Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::orchestration::idempotency::Owner;
use crate::orchestration::ledger::Ledger;
use crate::orchestration::site::{Site, is_older};
use crate::orchestration::undo;
use crate::orchestration::{Cause, defaults, tags};

/// How long after its own service a run looks again at what another run made: longer than the other's attempt to take
/// it back, if that looked for the service before it was there, and than a second one, if AWS did not answer the first.
const ANOTHER_UNDO: Duration = undo::ATTEMPT
    .saturating_mul(2)
    .saturating_add(Duration::from_secs(1));
/// How long ECS may not have heard of a cluster, a revision or a role that was just made.
const READY: Duration = Duration::from_secs(8);

/// Why a run stops making things.
pub(super) enum Stop {
    /// A step failed.
    Failed(Cause),
    /// Another run of the same request has created the service.
    DoneByAnother(Box<Service>),
}

impl<E: Into<Cause>> From<E> for Stop {
    fn from(cause: E) -> Self {
        Self::Failed(cause.into())
    }
}

/// A part of the service, and who made it.
struct Part<T> {
    thing: T,
    origin: Origin,
}

/// Who made a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// This run.
    ThisRun,
    /// Another run of the same request, which may be at work and take it back.
    AnotherRun,
    /// It was there before, or another request made it.
    Others,
}

impl<T> Part<T> {
    fn new(thing: T, origin: Origin) -> Self {
        Self { thing, origin }
    }
}

/// Everything that was made or found.
pub(super) struct Made {
    cluster: Cluster,
    parts: Parts,
    service: Service,
}

/// Makes what is missing side by side, then the service.
pub(super) async fn make(
    site: &Site<'_>,
    steps: Steps,
    service: CreateServiceInput,
    ledger: &Ledger,
    deadline: Deadline,
) -> Result<Made, Stop> {
    let token = site.run.token(&steps.before);
    let (cluster, task_definition, registry) = tokio::join!(
        cluster::make(site, steps.cluster, ledger),
        revision::make(site, steps.task_definition, steps.latest_revision, ledger),
        registry::make(site, steps.registry, &token, ledger, deadline),
    );
    // All three have ended, so that the ledger is whole, before the first failure ends the run.
    let (cluster, mut parts) = (
        cluster?,
        Parts {
            task_definition: task_definition?,
            registry: registry?,
        },
    );
    let mut input = complete(site, service, &cluster, &parts);
    input.client_token.get_or_insert(token);
    let is_own_revision = parts.task_definition.origin == Origin::ThisRun;
    let (made, maker) = tokio::join!(
        make_service(site, &input, steps.new_cluster, is_own_revision, ledger),
        parts.registry_maker(site, ledger, deadline),
    );
    if let (Some(registry), Some(maker)) = (&mut parts.registry, maker) {
        registry.origin = maker;
    }
    match made {
        Ok(service) => Ok(Made {
            cluster,
            parts,
            service,
        }),
        Err(Stop::Failed(Cause::Aws(error)))
            if matches!(error.kind, Kind::NotFound | Kind::Invalid) =>
        {
            parts
                .check(site, |origin| origin != Origin::ThisRun)
                .await?;
            Err(error.into())
        }
        Err(stop) => Err(stop),
    }
}

impl Made {
    /// The parts that were involved, once it is known that they stay. What another run made, which may be at work, is
    /// looked at once more when that run's undo has seen the service.
    pub async fn settled(self, site: &Site<'_>, deadline: Deadline) -> Result<Creation, Cause> {
        self.parts.outlive_another_run(site, deadline).await?;
        let Self {
            cluster,
            parts: Parts {
                task_definition,
                registry,
            },
            service,
        } = self;
        let (task_definition, registry) = (task_definition.thing, registry.map(|part| part.thing));
        Ok(Creation {
            cluster,
            task_definition,
            registry,
            service,
            left_behind: Vec::new(),
        })
    }
}

/// Creates the service, and tries again as long as ECS has not heard of what was made for it.
async fn make_service(
    site: &Site<'_>,
    input: &CreateServiceInput,
    new_cluster: Option<Box<CreateClusterInput>>,
    is_own_revision: bool,
    ledger: &Ledger,
) -> Result<Service, Stop> {
    let begun = Instant::now();
    loop {
        let error = match service::make(site, input, ledger).await {
            Err(Stop::Failed(Cause::Aws(error))) if begun.elapsed() < READY => error,
            made => return made,
        };
        match (error.kind, &new_cluster) {
            // Perhaps another request's undo took it: it is empty until the service is in it, and `CreateCluster` answers
            // one that is there.
            (Kind::NotFound, Some(cluster)) if lacks_the_cluster(&error) => {
                cluster::make(site, Step::Make(cluster.clone()), ledger).await?;
            }
            (Kind::NotFound, _) if is_own_revision && !lacks_the_cluster(&error) => {}
            (Kind::NotReady, _) => {}
            _ => return Err(error.into()),
        }
        sleep(undo::PAUSE).await;
    }
}

/// The service's input with its parts, the account's defaults and the tags of the run.
fn complete(
    site: &Site<'_>,
    mut input: CreateServiceInput,
    cluster: &Cluster,
    parts: &Parts,
) -> CreateServiceInput {
    let strategy = !cluster.default_capacity_provider_strategy().is_empty();
    defaults::service(&mut input, &site.account.settings, strategy);
    input.cluster = cluster.cluster_name.clone().or(input.cluster);
    input
        .task_definition
        .clone_from(&parts.task_definition.thing.task_definition_arn);
    let registry_arn = parts
        .registry
        .as_ref()
        .and_then(|registry| registry.thing.arn.clone());
    if let Some(arn) = registry_arn.filter(|_| input.service_registries().is_empty()) {
        input.service_registries = Some(vec![ServiceRegistry::builder().registry_arn(arn).build()]);
    }
    tags::put_on(&mut input.tags, &site.run.tags());
    input
}

fn lacks_the_cluster(error: &Error) -> bool {
    error.code.as_deref() == Some("ClusterNotFoundException")
}

/// What the service is made of, besides the cluster: AWS deletes no cluster that has a service.
struct Parts {
    task_definition: Part<TaskDefinition>,
    registry: Option<Part<Registry>>,
}

impl Parts {
    /// Who made the registry that Cloud Map answered to a keyed run: with the same token, it answers a twin's again.
    async fn registry_maker(
        &self,
        site: &Site<'_>,
        ledger: &Ledger,
        deadline: Deadline,
    ) -> Option<Origin> {
        let registry = self
            .registry
            .as_ref()
            .filter(|part| site.run.is_keyed() && part.origin == Origin::ThisRun)?;
        let look = deadline
            .within(undo::ATTEMPT)
            .limit(site.owner_of_registry(registry.thing.arn()))
            .await;
        match look {
            Ok(Ok(Owner::ThisRun)) => None,
            Ok(Ok(Owner::AnotherRun)) => {
                ledger.disown(registry.thing.arn().unwrap_or_default());
                Some(Origin::AnotherRun)
            }
            // Perhaps the other one has taken it back already: it is looked at once more.
            _ => Some(Origin::AnotherRun),
        }
    }

    /// Looks at the parts of these origins once more.
    async fn check(
        &self,
        site: &Site<'_>,
        is_doubtful: impl Fn(Origin) -> bool,
    ) -> Result<(), Cause> {
        let Self {
            task_definition,
            registry,
        } = self;
        let (revision, registry) = tokio::join!(
            async {
                if is_doubtful(task_definition.origin) {
                    find(site, task_definition).await
                } else {
                    Ok(())
                }
            },
            async {
                match registry {
                    Some(registry) if is_doubtful(registry.origin) => {
                        find_registry(site, registry).await
                    }
                    _ => Ok(()),
                }
            },
        );
        revision.and(registry)
    }

    async fn outlive_another_run(&self, site: &Site<'_>, deadline: Deadline) -> Result<(), Cause> {
        let Self {
            task_definition,
            registry,
        } = self;
        let may_go = |origin, made_at: Option<&DateTime>| {
            origin == Origin::AnotherRun && !is_older(made_at, RUN_MAX)
        };
        let registry_may_go = registry
            .as_ref()
            .is_some_and(|part| may_go(part.origin, part.thing.create_date()));
        if !registry_may_go
            && !may_go(
                task_definition.origin,
                task_definition.thing.registered_at(),
            )
        {
            return Ok(());
        }
        // With less time than that, they are looked at as late as can be.
        let _ = deadline
            .keeping(undo::ATTEMPT)
            .limit(sleep(ANOTHER_UNDO))
            .await;
        self.check(site, |origin| origin == Origin::AnotherRun)
            .await
    }
}

/// A revision is there as long as it is ACTIVE. What can't be looked at counts as there.
async fn find(site: &Site<'_>, part: &Part<TaskDefinition>) -> Result<(), Cause> {
    let arn = part.thing.task_definition_arn().unwrap_or_default();
    let is_gone = match ecs::describe_task_definition(site.account, arn).await {
        Ok(answer) => {
            let status = answer.task_definition.and_then(|found| found.status);
            status.is_some_and(|status| status != TaskDefinitionStatus::Active)
        }
        Err(error) => error.kind == Kind::NotFound,
    };
    if is_gone {
        Err(taken_back("task definition", arn))
    } else {
        Ok(())
    }
}

async fn find_registry(site: &Site<'_>, part: &Part<Registry>) -> Result<(), Cause> {
    let found = discovery::get_service(site.account, part.thing.id().unwrap_or_default()).await;
    let is_gone = found.is_err_and(|error: Error| error.kind == Kind::NotFound);
    if is_gone {
        Err(taken_back("registry", part.thing.arn().unwrap_or_default()))
    } else {
        Ok(())
    }
}

fn taken_back(what: &str, arn: &str) -> Cause {
    Cause::TakenBack(format!(
        "the {what} `{arn}` was there, and another request took it away meanwhile"
    ))
}
