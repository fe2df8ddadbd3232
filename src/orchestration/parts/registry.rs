//! The registry: a service of Cloud Map.

use std::collections::HashMap;

use aws_sdk_servicediscovery::operation::create_service::CreateServiceInput;
use aws_sdk_servicediscovery::types::{InstanceSummary, Service as Registry};
use futures_util::stream::{self, StreamExt as _};

use super::{Removal, count, is_there_perhaps, tasks};
use crate::aws::discovery::namespace_of;
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, discovery};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, NamespaceId, RegistryId, RegistryName, ServiceName};
use crate::orchestration::Cause;
use crate::orchestration::mark::Mark;
use crate::orchestration::request::NewRegistry;
use crate::orchestration::undo_log::{Change, UndoLog};
use crate::orchestration::users::ServiceUsers;

/// The number of instances that are deregistered at once: AWS throttles per account.
const PARALLEL: usize = 5;

/// Said of a registry that is not this account's to delete.
pub(in crate::orchestration) const OF_ANOTHER_ACCOUNT: &str =
    "it belongs to another account or region";

/// The service whose registry it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::orchestration) struct OwnService<'s> {
    /// The name of its cluster.
    pub cluster: &'s ClusterName,
    /// Its name.
    pub service: &'s ServiceName,
}

/// Returns the registry of a name in a namespace; `None` if there is none.
///
/// AWS lists only those of the namespace; an AWS that lists all is answered right too.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if the list is too long for the time.
pub(in crate::orchestration) async fn look(
    account: &Account,
    namespace_id: &NamespaceId,
    name: &RegistryName,
    deadline: Deadline,
) -> Result<Option<Registry>, Error> {
    let page = PageRequest::whole(deadline);
    let listed = discovery::list_services(account, Some(namespace_id), page).await?;
    let named = listed
        .entries
        .into_iter()
        .filter(|summary| summary.name() == Some(name.as_str()));
    for id in named.filter_map(|summary| summary.id) {
        let registry = discovery::get_service(account, &RegistryId::from_answer(id)).await?;
        if namespace_of(&registry).is_none_or(|other| other.is_same_as(namespace_id)) {
            return Ok(Some(registry));
        }
    }
    match listed.next {
        Some(_) => Err(account.too_late("servicediscovery:ListServices")),
        None => Ok(None),
    }
}

/// Returns `true` if a registry has the mark.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn is_own(
    account: &Account,
    mark: &Mark,
    registry: &Registry,
) -> Result<bool, Error> {
    let Some(arn) = registry.arn() else {
        return Ok(false);
    };
    let tags = discovery::list_tags_for_resource(account, &Arn::from_answer(arn)).await?;
    Ok(mark.is_on_registry(&tags))
}

/// Returns `true` if a registry's records and routing policy are those asked for. A routing policy that was not asked for
/// may be any: Cloud Map chooses it.
pub(in crate::orchestration) fn agrees(registry: &Registry, wanted: &CreateServiceInput) -> bool {
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

/// Creates the registry. What AWS did not answer, or says is there, is looked for; what is not there is asked for again,
/// with the same token.
///
/// # Errors
/// [`Cause`] with AWS's refusal, or if another registry has the name.
pub(in crate::orchestration) async fn make(
    account: &Account,
    mark: &Mark,
    new: &NewRegistry,
    log: &UndoLog,
    deadline: Deadline,
) -> Result<Registry, Cause> {
    let NewRegistry {
        namespace_id,
        name,
        input,
    } = new;
    let change = Change::Registry {
        name: name.clone(),
        namespace_id: namespace_id.clone(),
    };
    let mut has_asked_again = false;
    loop {
        let error = match create(account, input, &change, log).await {
            Err(error) if is_there_perhaps(&error) => error,
            made => return Ok(made?),
        };
        match look(account, namespace_id, name, deadline).await {
            Ok(Some(registry)) => {
                return accept(account, mark, input, registry, &change, log).await;
            }
            Ok(None) if error.kind.leaves_outcome_unknown() && !has_asked_again => {
                has_asked_again = true;
            }
            // The first error is the cause.
            Ok(None) | Err(_) => return Err(error.into()),
        }
    }
}

/// Accepts a registry that is there in place of the one that a request wanted to create, or refuses it.
async fn accept(
    account: &Account,
    mark: &Mark,
    wanted: &CreateServiceInput,
    registry: Registry,
    change: &Change,
    log: &UndoLog,
) -> Result<Registry, Cause> {
    if is_own(account, mark, &registry).await? {
        log.note_made(change, registry.arn());
        return Ok(registry);
    }
    log.forget(change);
    if agrees(&registry, wanted) {
        Ok(registry)
    } else {
        Err(Cause::registry_taken(&registry))
    }
}

async fn create(
    account: &Account,
    input: &CreateServiceInput,
    change: &Change,
    log: &UndoLog,
) -> Result<Registry, Error> {
    let work = async {
        let answer = discovery::create_service(account, input.clone()).await?;
        answer
            .service
            .ok_or_else(|| account.lacking("servicediscovery:CreateService", "Service"))
    };
    log.track(change, work, |made| made.arn.clone()).await
}

/// Deletes a registry, once no instance is left in it, unless somebody else needs it.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn delete_unused(
    account: &Account,
    arn: &Arn,
    own: Option<OwnService<'_>>,
    users: &ServiceUsers<'_>,
    deadline: Deadline,
) -> Result<Removal, Error> {
    let Ok(id) = RegistryId::parse(arn.as_str(), &account.account_region()) else {
        return Ok(Removal::Kept(OF_ANOTHER_ACCOUNT.to_owned()));
    };
    if let Some(removal) = clear(account, &id, own, deadline).await? {
        return Ok(removal);
    }
    if let Some(removal) = kept_for_user(arn, users).await? {
        return Ok(removal);
    }
    match users.rely_on(discovery::delete_service(account, &id)).await {
        Ok(()) => Ok(Removal::Gone),
        Err(error) if error.kind == Kind::NotFound => Ok(Removal::Gone),
        Err(error) if error.kind == Kind::Conflict => Ok(Removal::Pending(error.message)),
        Err(error) => Err(error),
    }
}

/// Finds the reason why a registry can't be deleted; `None` if nothing is seen in it but instances of the service `own`,
/// and no other service uses it.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn look_inside(
    account: &Account,
    id: &RegistryId,
    arn: &Arn,
    own: OwnService<'_>,
    users: &ServiceUsers<'_>,
    deadline: Deadline,
) -> Result<Option<Removal>, Error> {
    let listed = discovery::list_instances(account, id, PageRequest::whole(deadline)).await?;
    let (_, others) = partition(listed.entries, Some(own));
    match kept_for_others(&others) {
        Some(removal) => Ok(Some(removal)),
        None => kept_for_user(arn, users).await,
    }
}

/// Parts the instances of a service from those of others.
fn partition(
    instances: Vec<InstanceSummary>,
    own: Option<OwnService<'_>>,
) -> (Vec<InstanceSummary>, Vec<InstanceSummary>) {
    instances
        .into_iter()
        .partition(|instance| own.is_some_and(|own| is_of(instance, own)))
}

fn kept_for_others(others: &[InstanceSummary]) -> Option<Removal> {
    let others = (!others.is_empty()).then(|| count(others.len(), "instance"))?;
    Some(Removal::Kept(format!("it has {others} of others")))
}

/// Keeps a registry that a service uses. Cloud Map would delete one in which no instance is yet.
async fn kept_for_user(arn: &Arn, users: &ServiceUsers<'_>) -> Result<Option<Removal>, Error> {
    let user = users.of_registry(arn).await?;
    Ok(user.map(|user| Removal::Kept(format!("the service `{user}` uses it"))))
}

/// Deregisters the instances that ECS has left in a registry; `None` if there are none.
///
/// Those of the service's tasks that have stopped go, as ECS does itself, but sometimes never
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>).
async fn clear(
    account: &Account,
    id: &RegistryId,
    own: Option<OwnService<'_>>,
    deadline: Deadline,
) -> Result<Option<Removal>, Error> {
    let instances = match discovery::list_instances(account, id, PageRequest::whole(deadline)).await
    {
        Ok(listed) => listed.entries,
        Err(error) if error.kind == Kind::NotFound => return Ok(Some(Removal::Gone)),
        Err(error) => return Err(error),
    };
    if instances.is_empty() {
        return Ok(None);
    }
    let (ours, others) = partition(instances, own);
    let Some(own) = own.filter(|_| others.is_empty()) else {
        return Ok(kept_for_others(&others));
    };
    let live = tasks::live(account, own.cluster, Some(own.service), deadline).await?;
    // An instance's id is its task's.
    let is_live = |id: &str| {
        live.iter().any(|task| {
            task.task_arn()
                .is_some_and(|arn| arn.ends_with(&format!("/{id}")))
        })
    };
    let stuck: Vec<_> = ours
        .into_iter()
        .filter_map(|instance| instance.id)
        .filter(|id| !is_live(id))
        .collect();
    deregister(account, id, stuck).await?;
    Ok(Some(Removal::Pending(
        "its instances to be deregistered".to_owned(),
    )))
}

async fn deregister(
    account: &Account,
    id: &RegistryId,
    instances: Vec<String>,
) -> Result<(), Error> {
    let mut outcomes = stream::iter(instances)
        .map(|instance| async move { discovery::deregister_instance(account, id, &instance).await })
        .buffer_unordered(PARALLEL);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Err(error)
                if !matches!(
                    error.kind,
                    Kind::NotFound | Kind::Conflict | Kind::Throttled
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns `true` if ECS registered the instance for this very service: it says so in these attributes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>).
fn is_of(instance: &InstanceSummary, own: OwnService<'_>) -> bool {
    let says = |attributes: &HashMap<String, String>, name: &str, value: &str| {
        attributes.get(name).is_some_and(|said| said == value)
    };
    instance.attributes().is_some_and(|attributes| {
        says(attributes, "ECS_CLUSTER_NAME", own.cluster.as_str())
            && says(attributes, "ECS_SERVICE_NAME", own.service.as_str())
    })
}
