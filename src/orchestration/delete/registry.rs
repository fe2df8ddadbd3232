//! One registry of a service that is gone: deleted, unless somebody else needs it.

use std::collections::HashMap;

use aws_sdk_servicediscovery::types::InstanceSummary;
use futures_util::stream::{self, StreamExt as _};

use super::{Step, Target, count, tasks};
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, discovery};
use crate::deadline::Deadline;
use crate::ids::RegistryId;
use crate::orchestration::lists::registry_user;

/// How many instances are deregistered at once: AWS throttles per account.
const PARALLEL: usize = 5;

/// Deletes a registry, once no instance is left in it.
pub(super) async fn step(
    account: &Account,
    target: &Target,
    arn: &str,
    deadline: Deadline,
) -> Result<Step, Error> {
    let Ok(id) = RegistryId::parse(arn, &account.account_region()) else {
        return Ok(Step::Kept(
            "it belongs to another account or region".to_owned(),
        ));
    };
    // Cloud Map would delete a registry that a service still uses, but has no instance in yet.
    if let Some(user) = registry_user(account, &target.cluster, arn, deadline).await? {
        return Ok(Step::Kept(format!("the service `{user}` uses it")));
    }
    match discovery::delete_service(account, id.as_str()).await {
        Ok(()) => return Ok(Step::Gone),
        Err(error) if error.kind == Kind::NotFound => return Ok(Step::Gone),
        Err(error) if error.kind == Kind::Conflict => {}
        Err(error) => return Err(error),
    }
    Box::pin(clear(account, target, id.as_str(), deadline)).await
}

/// Deregisters the instances that ECS has left there: those of the service's tasks that have stopped, as ECS does
/// itself, but sometimes never (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>).
async fn clear(
    account: &Account,
    target: &Target,
    id: &str,
    deadline: Deadline,
) -> Result<Step, Error> {
    let (instances, live) = tokio::join!(
        discovery::list_instances(account, id, PageRequest::whole(deadline)),
        tasks::live(account, &target.cluster, deadline),
    );
    let instances = match instances {
        Ok(listed) => listed.entries,
        Err(error) if error.kind == Kind::NotFound => return Ok(Step::Gone),
        Err(error) => return Err(error),
    };
    let (ours, others): (Vec<_>, Vec<_>) = instances
        .into_iter()
        .partition(|instance| is_ours(instance, target));
    if !others.is_empty() {
        return Ok(Step::Kept(format!(
            "it has {} of others",
            count(others.len(), "instance")
        )));
    }
    // An instance's id is its task's.
    let live = live?;
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
    let mut outcomes = stream::iter(stuck)
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
    Ok(Step::Pending("its instances to be deregistered".to_owned()))
}

/// Whether ECS registered the instance for this very service: it says so in these attributes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html>).
fn is_ours(instance: &InstanceSummary, target: &Target) -> bool {
    let says = |attributes: &HashMap<String, String>, name: &str, value: &str| {
        attributes.get(name).is_some_and(|said| said == value)
    };
    instance.attributes().is_some_and(|attributes| {
        says(attributes, "ECS_CLUSTER_NAME", &target.cluster)
            && says(attributes, "ECS_SERVICE_NAME", &target.service)
    })
}
