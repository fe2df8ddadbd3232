//! Makes what is missing, and keeps it in the ledger.

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::{Cluster, Service, ServiceRegistry, Tag, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::operation::create_service as registry;
use aws_sdk_servicediscovery::types::Service as Registry;
use aws_sdk_servicediscovery::types::Tag as RegistryTag;

use super::Creation;
use super::look::{Step, Steps, named_registry, use_registry};
use crate::aws::{Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::orchestration::idempotency::{Owner, is_own_tag};
use crate::orchestration::ledger::{Change, Ledger};
use crate::orchestration::site::Site;
use crate::orchestration::{Cause, defaults};

/// A part of the service, and whether another run of this request made it.
struct Part<T> {
    thing: T,
    is_of_another_run: bool,
}

impl<T> Part<T> {
    fn of_this_run(thing: T) -> Self {
        Self { thing, is_of_another_run: false }
    }

    fn of_another_run(thing: T) -> Self {
        Self { thing, is_of_another_run: true }
    }
}

/// Makes what is missing side by side, then the service.
pub(super) async fn make(
    site: &Site<'_>,
    steps: Steps,
    mut service: CreateServiceInput,
    ledger: &Ledger,
    deadline: Deadline,
) -> Result<Creation, Cause> {
    let token = site.run.token(&steps.before);
    let new_cluster = if let Step::Make(input) = &steps.cluster { Some(input.clone()) } else { None };
    let (cluster, task_definition, registry) = tokio::join!(
        make_cluster(site, steps.cluster, ledger),
        make_task_definition(site, steps.task_definition, steps.latest_revision, ledger),
        make_registry(site, steps.registry, &token, ledger, deadline),
    );
    // All three have ended, so that the ledger is whole, before the first failure ends the run.
    let (cluster, task_definition, registry) = (cluster?, task_definition?, registry?);
    let strategy = !cluster.thing.default_capacity_provider_strategy().is_empty();
    defaults::service(&mut service, &site.account.settings, strategy);
    service.cluster = cluster.thing.cluster_name.clone().or(service.cluster);
    service.task_definition.clone_from(&task_definition.thing.task_definition_arn);
    let registry_arn = registry.as_ref().and_then(|registry| registry.thing.arn.clone());
    if let Some(arn) = registry_arn.filter(|_| service.service_registries().is_empty()) {
        service.service_registries = Some(vec![ServiceRegistry::builder().registry_arn(arn).build()]);
    }
    service.client_token.get_or_insert(token);
    put_tags(&mut service.tags, site.run.service_tags());
    let made = make_service(site, &service, ledger).await;
    let made = match (made, new_cluster) {
        // ECS has not heard of the new cluster yet, or somebody else's undo took it: it is empty until the service is in
        // it, and `CreateCluster` answers one that is there.
        (Err(error), Some(input)) if error.code.as_deref() == Some("ClusterNotFoundException") => {
            make_cluster(site, Step::Make(input), ledger).await?;
            make_service(site, &service, ledger).await
        }
        (made, _) => made,
    };
    let service = made?;
    let (cluster, task_definition) = (cluster.thing, check_revision(site, task_definition).await?);
    let registry = if let Some(registry) = registry { Some(check_registry(site, registry).await?) } else { None };
    Ok(Creation { cluster, task_definition, registry, service })
}

/// Puts this API's own tags in place of those that came back with a body that was answered.
fn put_tags(tags: &mut Option<Vec<Tag>>, own: Vec<(&'static str, String)>) {
    if let Some(given) = tags {
        given.retain(|tag| !tag.key().is_some_and(is_own_tag));
    }
    if !own.is_empty() {
        let own = own.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        tags.get_or_insert_default().extend(own);
    }
}

async fn make_cluster(
    site: &Site<'_>,
    step: Step<Cluster, CreateClusterInput>,
    ledger: &Ledger,
) -> Result<Part<Cluster>, Error> {
    let mut input = match step {
        Step::Use(cluster) => return Ok(Part::of_this_run(cluster)),
        Step::Resume(cluster) => {
            let name = cluster.cluster_name.clone().unwrap_or_default();
            ledger.leave(Change::Cluster(name), cluster.cluster_arn.clone());
            return Ok(Part::of_another_run(cluster));
        }
        Step::Make(input) => input,
    };
    put_tags(&mut input.tags, site.run.tags());
    let change = Change::Cluster(input.cluster_name.clone().unwrap_or_default());
    let cluster = match create_cluster(site, &input, &change, ledger).await {
        // ECS answers a cluster that is there, so that asking again does no harm.
        Err(error) if error.kind == Kind::TimedOut => create_cluster(site, &input, &change, ledger).await?,
        made => made?,
    };
    // ECS answers a cluster that another request made at the same moment as if this one had made it.
    let is_of_others = site.run.is_keyed()
        && !cluster.tags().is_empty()
        && site.owner(cluster.tags()) != (Owner::This { is_this_run: true });
    if is_of_others {
        ledger.forget(&change);
    }
    Ok(Part { thing: cluster, is_of_another_run: is_of_others })
}

async fn create_cluster(
    site: &Site<'_>,
    input: &CreateClusterInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Cluster, Error> {
    let work = async {
        let answer = ecs::create_cluster(site.account, input.clone()).await?;
        answer.cluster.ok_or_else(|| site.account.lacking("ecs:CreateCluster", "cluster"))
    };
    ledger.record(change, work, |cluster| cluster.cluster_arn.clone()).await
}

async fn make_task_definition(
    site: &Site<'_>,
    step: Step<TaskDefinition, RegisterTaskDefinitionInput>,
    latest: i32,
    ledger: &Ledger,
) -> Result<Part<TaskDefinition>, Error> {
    let mut input = match step {
        Step::Use(task_definition) => return Ok(Part::of_this_run(task_definition)),
        Step::Resume(found) => {
            let family = found.family.clone().unwrap_or_default();
            ledger.leave(Change::TaskDefinition(family), found.task_definition_arn.clone());
            return Ok(Part::of_another_run(found));
        }
        Step::Make(input) => input,
    };
    put_tags(&mut input.tags, site.run.tags());
    let family = input.family.clone().unwrap_or_default();
    let change = Change::TaskDefinition(family.clone());
    let made = match register(site, &input, &change, ledger).await {
        Err(error) if site.run.is_keyed() && error.kind.leaves_outcome_unknown() => {
            let found = site.revisions(&family, latest).await?;
            match found.own {
                Some(own) => {
                    ledger.found(&change, own.task_definition_arn.clone());
                    own
                }
                None if error.kind == Kind::Unavailable => register(site, &input, &change, ledger).await?,
                None => return Err(error),
            }
        }
        made => made?,
    };
    // Without a key, or if nobody registered one in between, there is nothing to settle.
    if !site.run.is_keyed() || made.revision() <= latest + 1 {
        return Ok(Part::of_this_run(made));
    }
    let lowest = site.revisions(&family, latest).await?.lowest;
    match lowest {
        Some((lowest, false)) if lowest.revision() < made.revision() => {
            let own = made.task_definition_arn().unwrap_or_default();
            ecs::deregister_task_definition(site.account, own).await?;
            ledger.forget(&change);
            Ok(Part::of_another_run(lowest))
        }
        _ => Ok(Part::of_this_run(made)),
    }
}

async fn register(
    site: &Site<'_>,
    input: &RegisterTaskDefinitionInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<TaskDefinition, Error> {
    let work = async {
        let answer = ecs::register_task_definition(site.account, input.clone()).await?;
        answer.task_definition.ok_or_else(|| site.account.lacking("ecs:RegisterTaskDefinition", "taskDefinition"))
    };
    ledger.record(change, work, |made| made.task_definition_arn.clone()).await
}

async fn make_registry(
    site: &Site<'_>,
    step: Option<Step<Registry, registry::CreateServiceInput>>,
    token: &str,
    ledger: &Ledger,
    deadline: Deadline,
) -> Result<Option<Part<Registry>>, Cause> {
    let mut input = match step {
        None => return Ok(None),
        Some(Step::Use(registry)) => return Ok(Some(Part::of_this_run(registry))),
        Some(Step::Resume(registry)) => return Ok(Some(resume_registry(registry, ledger))),
        Some(Step::Make(input)) => input,
    };
    put_registry_tags(&mut input.tags, site);
    let change = Change::Registry {
        name: input.name.clone().unwrap_or_default(),
        namespace_id: input.namespace_id.clone().unwrap_or_default(),
        creator: input.creator_request_id.get_or_insert_with(|| token.to_owned()).clone(),
    };
    let error = match create_registry(site, &input, &change, ledger).await {
        Err(error) if site.run.is_keyed() && is_worth_a_look(&error) => error,
        made => return Ok(Some(Part::of_this_run(made?))),
    };
    let Change::Registry { name, namespace_id, .. } = &change else { return Err(error.into()) };
    match named_registry(site, namespace_id, name, deadline).await? {
        Some((registry, Owner::This { is_this_run: true })) => {
            ledger.found(&change, registry.arn.clone());
            Ok(Some(Part::of_this_run(registry)))
        }
        Some(found) => {
            ledger.forget(&change);
            match use_registry(found, &input)? {
                Step::Use(registry) => Ok(Some(Part::of_this_run(registry))),
                Step::Resume(registry) => Ok(Some(resume_registry(registry, ledger))),
                Step::Make(_) => Err(error.into()),
            }
        }
        None if error.kind == Kind::Unavailable => {
            Ok(Some(Part::of_this_run(create_registry(site, &input, &change, ledger).await?)))
        }
        None => Err(error.into()),
    }
}

/// Whether a look tells more of a create than its error: it may have been done, by this run or by a twin.
fn is_worth_a_look(error: &Error) -> bool {
    error.kind == Kind::Conflict || error.kind.leaves_outcome_unknown()
}

fn resume_registry(registry: Registry, ledger: &Ledger) -> Part<Registry> {
    let name = registry.name.clone().unwrap_or_default();
    let change = Change::Registry { name, namespace_id: String::new(), creator: String::new() };
    ledger.leave(change, registry.arn.clone());
    Part::of_another_run(registry)
}

fn put_registry_tags(tags: &mut Option<Vec<RegistryTag>>, site: &Site<'_>) {
    if let Some(given) = tags {
        given.retain(|tag| !is_own_tag(tag.key()));
    }
    // Both members are given, so that none of them is missing.
    let own = site
        .run
        .tags()
        .into_iter()
        .filter_map(|(key, value)| RegistryTag::builder().key(key).value(value).build().ok());
    let own: Vec<_> = own.collect();
    if !own.is_empty() {
        tags.get_or_insert_default().extend(own);
    }
}

async fn create_registry(
    site: &Site<'_>,
    input: &registry::CreateServiceInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Registry, Error> {
    let work = async {
        let answer = discovery::create_service(site.account, input.clone()).await?;
        answer.service.ok_or_else(|| site.account.lacking("servicediscovery:CreateService", "Service"))
    };
    ledger.record(change, work, |made| made.arn.clone()).await
}

/// Creates the service. With a key, what AWS did not answer is looked for, and what it has certainly not done is asked
/// for again, with the same token.
async fn make_service(site: &Site<'_>, input: &CreateServiceInput, ledger: &Ledger) -> Result<Service, Error> {
    let change = Change::Service {
        cluster: input.cluster.clone().unwrap_or_default(),
        service: input.service_name.clone().unwrap_or_default(),
    };
    let made = create_service(site, input, &change, ledger).await;
    let made = match made {
        Err(error) if site.run.is_keyed() && error.kind == Kind::Unavailable => match site.service_of_claim().await? {
            Some(service) => {
                ledger.found(&change, service.service_arn.clone());
                Ok(service)
            }
            None => create_service(site, input, &change, ledger).await,
        },
        made => made,
    }?;
    if !site.run.is_keyed() || made.status().is_none_or(|status| status == "ACTIVE") {
        return Ok(made);
    }
    // The answer to the same token before the service was deleted: this is a new creation.
    let mut input = input.clone();
    input.client_token = Some(site.run.own_token());
    create_service(site, &input, &change, ledger).await
}

async fn create_service(
    site: &Site<'_>,
    input: &CreateServiceInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Service, Error> {
    let work = async {
        let answer = ecs::create_service(site.account, input.clone()).await?;
        answer.service.ok_or_else(|| site.account.lacking("ecs:CreateService", "service"))
    };
    ledger.record(change, work, |service| service.service_arn.clone()).await
}

/// A revision that another run registered, if that run has not taken it back meanwhile.
async fn check_revision(site: &Site<'_>, part: Part<TaskDefinition>) -> Result<TaskDefinition, Cause> {
    if part.is_of_another_run {
        let arn = part.thing.task_definition_arn().unwrap_or_default();
        let found = ecs::describe_task_definition(site.account, arn).await?.task_definition;
        if found.is_none_or(|found| found.status() != Some(&TaskDefinitionStatus::Active)) {
            return Err(taken_back("task definition", arn));
        }
    }
    Ok(part.thing)
}

/// A registry that another run created, if that run has not taken it back meanwhile.
async fn check_registry(site: &Site<'_>, part: Part<Registry>) -> Result<Registry, Cause> {
    if part.is_of_another_run {
        match discovery::get_service(site.account, part.thing.id().unwrap_or_default()).await {
            Err(error) if error.kind == Kind::NotFound => {
                return Err(taken_back("registry", part.thing.arn().unwrap_or_default()));
            }
            found => drop(found?),
        }
    }
    Ok(part.thing)
}

fn taken_back(what: &str, arn: &str) -> Cause {
    Cause::TakenBack(format!("an earlier request with this `Idempotency-Key` took the {what} `{arn}` back meanwhile"))
}
