//! What is found of one change in AWS, and how it is taken back.

use aws_sdk_ecs::types::{Service, TaskDefinition, TaskDefinitionStatus};

use super::Leftover;
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::orchestration::idempotency::Owner;
use crate::orchestration::ledger::{Change, Entry, State};
use crate::orchestration::lists::registry_user;
use crate::orchestration::site::{Site, known_revision};

/// What was found of a change, and done about it.
pub(super) enum Target {
    /// It was there, and is taken back.
    Gone,
    /// It is not there.
    Absent,
    /// Something else has come to use it, and keeps it.
    InUse(String),
    /// What is there is another request's.
    OfOthers,
    /// Nothing says whose this is, which is there.
    Unmarked(Option<String>),
    /// It is there, and with it the request is done.
    Service(Box<Service>),
}

impl Target {
    /// What is there, if this run did not make it.
    fn not_own(owner: Owner, arn: Option<&str>) -> Option<Self> {
        match owner {
            Owner::ThisRun => None,
            Owner::Unmarked => Some(Self::Unmarked(arn.map(str::to_owned))),
            Owner::AnotherRun | Owner::SameKey | Owner::Others => Some(Self::OfOthers),
        }
    }
}

/// Takes one change back, but nothing that `kept` uses, and no service but one that `is_spoiled`. The entry learns the ARN
/// of what is found.
pub(super) async fn take_back(
    site: &Site<'_>,
    entry: &mut Entry,
    kept: Option<&Service>,
    is_spoiled: bool,
    deadline: Deadline,
) -> Result<Target, Error> {
    match entry.change.clone() {
        Change::Cluster(name) => cluster(site, &name, entry, is_spoiled, deadline).await,
        Change::TaskDefinition(family) => revisions(site, &family, entry, kept).await,
        Change::Registry { name, namespace_id } => {
            Box::pin(registry(
                site,
                &namespace_id,
                &name,
                entry,
                is_spoiled,
                deadline,
            ))
            .await
        }
        Change::Service { cluster, service } => {
            self::service(site, &cluster, &service, entry, is_spoiled).await
        }
    }
}

/// Whether what another run made is still there, as far as AWS says.
pub(super) async fn is_there(account: &Account, entry: &Entry) -> bool {
    let arn = entry.arn.as_deref().unwrap_or_default();
    match &entry.change {
        Change::Cluster(name) => {
            let found = ecs::describe_cluster(account, name).await;
            found.map_or(true, |found| {
                found.is_some_and(|cluster| cluster.status() != Some("INACTIVE"))
            })
        }
        Change::TaskDefinition(_) => {
            let found = known_revision(account, arn).await;
            let is_active = |found: (TaskDefinition, _)| {
                found.0.status() == Some(&TaskDefinitionStatus::Active)
            };
            found.map_or(true, |found| found.is_some_and(is_active))
        }
        Change::Registry { .. } => discovery::get_service(account, id_of(arn))
            .await
            .map_or_else(|error| error.kind != Kind::NotFound, |_| true),
        Change::Service { .. } => true,
    }
}

/// `CreateCluster` does not tell whether it made the cluster, but the cluster does.
async fn cluster(
    site: &Site<'_>,
    name: &str,
    entry: &mut Entry,
    is_spoiled: bool,
    deadline: Deadline,
) -> Result<Target, Error> {
    let found = ecs::describe_cluster(site.account, name)
        .await?
        .filter(|cluster| cluster.status() != Some("INACTIVE"));
    let Some(cluster) = found else {
        return Ok(Target::Absent);
    };
    if let Some(not_own) = Target::not_own(site.owner(cluster.tags()), cluster.cluster_arn()) {
        return Ok(not_own);
    }
    entry.arn = cluster.cluster_arn;
    let deleted = leaves(entry, ecs::delete_cluster(site.account, name)).await;
    if is_spoiled || !deleted.as_ref().is_err_and(has_services) {
        return deleted;
    }
    // AWS counts a service that is on its way too; one that is ACTIVE is another request's, and stays.
    let page = PageRequest {
        limit: Some(1),
        ..PageRequest::whole(deadline)
    };
    let services = ecs::list_services(site.account, name, None, page)
        .await?
        .entries;
    services.first().map_or(deleted, |arn| {
        Ok(Target::InUse(format!("the service `{arn}` is in it")))
    })
}

async fn revisions(
    site: &Site<'_>,
    family: &str,
    entry: &mut Entry,
    kept: Option<&Service>,
) -> Result<Target, Error> {
    let mut arns: Vec<_> = entry.arn.iter().cloned().collect();
    if arns.is_empty() || entry.is_repeated {
        arns.extend(
            site.revisions(family, 0)
                .await?
                .own_arns()
                .filter(|arn| entry.arn.as_ref() != Some(arn)),
        );
    }
    arns.retain(|arn| kept.is_none_or(|service| service.task_definition() != Some(arn)));
    let Some(first) = arns.first() else {
        return Ok(Target::Absent);
    };
    entry.arn = Some(first.clone());
    for arn in &arns {
        leaves(entry, ecs::deregister_task_definition(site.account, arn)).await?;
    }
    Ok(Target::Gone)
}

/// A registry that was answered may still be another run's: with the same token, Cloud Map answers the first one again.
/// And another request's service may use it by now.
async fn registry(
    site: &Site<'_>,
    namespace_id: &str,
    name: &str,
    entry: &mut Entry,
    is_spoiled: bool,
    deadline: Deadline,
) -> Result<Target, Error> {
    let arn = match &entry.arn {
        Some(arn) => Some(arn.clone()),
        None => match site.named_registry(namespace_id, name, deadline).await? {
            Some(registry) => registry.arn,
            None => return Ok(Target::Absent),
        },
    };
    // Whoever uses it, a spoiled service's parts go.
    let user = async {
        let arn = arn.as_deref().filter(|_| !is_spoiled);
        if let Some(arn) = arn {
            registry_user(site.account, &site.cluster, arn, deadline).await
        } else {
            Ok(None)
        }
    };
    let (owner, user) = tokio::join!(site.owner_of_registry(arn.as_deref()), user);
    if let Some(not_own) = Target::not_own(owner?, arn.as_deref()) {
        return Ok(not_own);
    }
    if let Some(user) = user? {
        entry.arn = arn;
        return Ok(Target::InUse(format!("the service `{user}` uses it")));
    }
    let id = arn.as_deref().map(id_of).unwrap_or_default().to_owned();
    entry.arn = arn;
    leaves(entry, discovery::delete_service(site.account, &id)).await
}

fn has_services(error: &Error) -> bool {
    error.code.as_deref() == Some("ClusterContainsServicesException")
}

/// Asks AWS to take back what an entry stands for. An answer that does not come may be one that it is gone.
async fn leaves<T>(
    entry: &mut Entry,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<Target, Error> {
    let was_leaving = std::mem::replace(&mut entry.is_leaving, true);
    let result = work.await;
    if result
        .as_ref()
        .is_err_and(|error| !error.kind.leaves_outcome_unknown() && error.kind != Kind::NotFound)
    {
        entry.is_leaving = was_leaving;
    }
    result.map(|_| Target::Gone)
}

/// A service goes that is spoiled; any other is what was asked for, however late it shows.
async fn service(
    site: &Site<'_>,
    cluster: &str,
    name: &str,
    entry: &mut Entry,
    is_spoiled: bool,
) -> Result<Target, Error> {
    if is_spoiled && entry.state == State::Made {
        return leaves(entry, ecs::delete_service(site.account, cluster, name)).await;
    }
    let found = ecs::describe_service(site.account, cluster, name).await?;
    let Some(found) = found.filter(|service| service.status() == Some("ACTIVE")) else {
        return Ok(Target::Absent);
    };
    let is_own = site.owner(found.tags()).is_this_request();
    Ok(if is_own {
        Target::Service(Box::new(found))
    } else {
        Target::OfOthers
    })
}

/// What is still there of a change, and the command that takes it back.
pub(in crate::orchestration) fn leftover(entry: &Entry, why: &str, account: &Account) -> Leftover {
    let arn = entry.arn.clone();
    let command = match &entry.change {
        Change::Cluster(name) => format!("aws ecs delete-cluster --cluster {name}"),
        Change::TaskDefinition(family) => {
            let revision = arn.clone().unwrap_or_else(|| format!("{family}:REVISION"));
            format!("aws ecs deregister-task-definition --task-definition {revision}")
        }
        Change::Registry { .. } => {
            let id = arn.as_deref().map_or("SERVICE_ID", id_of);
            format!("aws servicediscovery delete-service --id {id}")
        }
        Change::Service { cluster, service } => {
            format!("aws ecs delete-service --cluster {cluster} --service {service} --force")
        }
    };
    let arn = arn.unwrap_or_else(|| entry.change.name().to_owned());
    Leftover {
        arn,
        error: why.to_owned(),
        command: format!("{command} --region {}", account.settings.region),
    }
}

/// `arn:aws:servicediscovery:…:service/srv-…` → `srv-…`.
fn id_of(registry_arn: &str) -> &str {
    registry_arn.rsplit('/').next().unwrap_or_default()
}
