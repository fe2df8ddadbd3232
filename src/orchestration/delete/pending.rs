//! A delete that goes on when its request is over: what is left of it, known by more than names.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{Cluster, Service, ServiceRegistry, Tag};
use aws_sdk_servicediscovery::types::Service as Registry;
use aws_smithy_types::DateTime;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Progress, Target, arn, cluster_arn, registry_arns};
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::ids::{Arn, ClusterName, RegistryId, ServiceName};

/// The number of registries that are looked at together: AWS throttles per account.
const PARALLEL: usize = 5;

/// The tag that tells the cluster that is to be deleted from one that is created under its name later: AWS gives
/// clusters neither an id nor a time of creation. Its value is the id of the first request that asked for it; the rests of
/// several services of the cluster share it. A cluster that is kept loses it.
pub const MARK: &str = "ecs-api:delete-requested";

/// A recursive delete that goes on after its request. Whatever is created again under one of the names meanwhile is not
/// taken for what was to be deleted: a service is known by its time of creation, a registry by its id, a cluster by a
/// mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingDelete {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name.
    pub service: ServiceName,
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// The mark of the cluster; `None` for the cluster `default`, which is not deleted.
    pub cluster_mark: Option<String>,
    /// The service's ARN.
    pub service_arn: String,
    /// The time at which, as AWS says, the service was created.
    pub service_created_at: Option<Timestamp>,
    /// The ARNs of the service's registries; they hold Cloud Map's ids.
    pub registry_arns: Vec<String>,
    /// The times at which, as AWS says, they were created, by ARN: Cloud Map may give the same id again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registries_created_at: BTreeMap<String, Timestamp>,
}

/// Notes down what is left of a delete, and marks the cluster, unless it is marked already.
///
/// # Errors
/// [`aws::Error`] if the cluster can't be marked: then it could not be told from another one later.
pub async fn remember(
    account: &Account,
    target: &Target,
    progress: &Progress,
    request_id: &str,
) -> Result<PendingDelete, aws::Error> {
    let service = &progress.service;
    let (cluster_mark, registries_created_at) = tokio::try_join!(
        async {
            if target.is_in_default_cluster() {
                return Ok(None);
            }
            mark_cluster(account, target, request_id).await.map(Some)
        },
        find_times_of_creation(account, registry_arns(service)),
    )?;
    Ok(PendingDelete {
        cluster: target.cluster.clone(),
        service: target.service.clone(),
        cluster_arn: cluster_arn(service),
        cluster_mark,
        service_arn: arn(service),
        service_created_at: service.created_at().and_then(|at| timestamp(*at)),
        registries_created_at,
        registry_arns: registry_arns(service),
    })
}

/// Finds out when the registries were created that are still there, and are this account's.
async fn find_times_of_creation(
    account: &Account,
    arns: Vec<String>,
) -> Result<BTreeMap<String, Timestamp>, aws::Error> {
    let region = account.account_region();
    let own = arns.into_iter().filter_map(|arn| {
        let id = RegistryId::parse(&arn, &region).ok()?;
        Some((arn, id))
    });
    let looks = stream::iter(own).map(|(arn, id)| async move {
        let created_at = match discovery::get_service(account, &id).await {
            Ok(found) => found.create_date().and_then(|at| timestamp(*at)),
            Err(error) if error.kind == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(created_at.map(|created_at| (arn, created_at)))
    });
    let known: Vec<_> = looks.buffered(PARALLEL).try_collect().await?;
    Ok(known.into_iter().flatten().collect())
}

/// Takes the mark off a cluster that stays.
///
/// # Errors
/// [`aws::Error`] with AWS's refusal.
pub(super) async fn unmark(account: &Account, cluster: &Cluster) -> Result<(), aws::Error> {
    let Some(arn) = cluster.cluster_arn().filter(|_| mark(cluster).is_some()) else {
        return Ok(());
    };
    ecs::untag_resource(account, &Arn::from_answer(arn), vec![MARK.to_owned()]).await
}

/// Marks the cluster with the request's id, or answers what it is marked with.
async fn mark_cluster(
    account: &Account,
    target: &Target,
    request_id: &str,
) -> Result<String, aws::Error> {
    let missing = || {
        account.missing(
            "ecs:DescribeClusters",
            format!("there is no cluster `{}`", target.cluster),
        )
    };
    let cluster = ecs::describe_cluster(account, &target.cluster)
        .await?
        .ok_or_else(missing)?;
    if let Some(mark) = mark(&cluster) {
        return Ok(mark.to_owned());
    }
    let lacking = || account.lacking("ecs:DescribeClusters", "clusterArn");
    let arn = Arn::from_answer(cluster.cluster_arn().ok_or_else(lacking)?);
    let tag = Tag::builder().key(MARK).value(request_id).build();
    ecs::tag_resource(account, &arn, vec![tag]).await?;
    Ok(request_id.to_owned())
}

/// Returns the value that a cluster is marked with.
fn mark(cluster: &Cluster) -> Option<&str> {
    cluster
        .tags()
        .iter()
        .find(|tag| tag.key() == Some(MARK))
        .and_then(|tag| tag.value())
}

impl PendingDelete {
    /// Returns `true` if a cluster is the one that was to be deleted.
    pub(super) fn is_marked(&self, cluster: &Cluster) -> bool {
        self.cluster_mark.is_some() && mark(cluster) == self.cluster_mark.as_deref()
    }

    /// Returns `true` if a registry is another one than the one of its id that was to be deleted.
    pub(super) fn is_another_registry(&self, found: &Registry) -> bool {
        let known = found
            .arn()
            .and_then(|arn| self.registries_created_at.get(arn));
        let created_at = found.create_date().and_then(|at| timestamp(*at));
        known.is_some_and(|known| created_at.as_ref() != Some(known))
    }

    /// Returns the same target as the request's.
    pub(super) fn target(&self) -> Target {
        Target {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            is_recursive: true,
        }
    }

    /// The service as far as it is remembered, on its way out.
    pub(super) fn service(&self) -> Service {
        let registry = |arn: &String| ServiceRegistry::builder().registry_arn(arn).build();
        Service::builder()
            .service_name(self.service.as_str())
            .service_arn(&self.service_arn)
            .cluster_arn(&self.cluster_arn)
            .status("DRAINING")
            .set_created_at(self.service_created_at.and_then(date_time))
            .set_service_registries(Some(self.registry_arns.iter().map(registry).collect()))
            .build()
    }
}

fn timestamp(at: DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

fn date_time(at: Timestamp) -> Option<DateTime> {
    Some(DateTime::from_secs_and_nanos(
        at.as_second(),
        u32::try_from(at.subsec_nanosecond()).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_creation_survives_to_the_nanosecond() {
        for at in [
            DateTime::from_secs_and_nanos(1_795_356_486, 123_456_789),
            DateTime::from_secs(0),
        ] {
            assert_eq!(timestamp(at).and_then(date_time), Some(at));
        }
    }
}
