//! What is left of a delete when its request is over, known by more than names.

use aws_sdk_ecs::types::{Cluster, Service, ServiceRegistry};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DEFAULT_CLUSTER, Progress, Target, arn, cluster_arn, registry_arns};
use crate::aws::{self, Account, ecs};

/// The tag that tells the cluster that is to be deleted from one that is created under its name later: AWS gives
/// clusters neither an id nor a time of creation. Its value is the id of the request that asked for the delete.
pub const MARK: &str = "ecs-api:delete-requested";

/// A recursive delete that goes on after its request. Whatever is created again under one of the names meanwhile is not
/// taken for what was to be deleted: a service is known by its time of creation, a registry by its id, a cluster by a
/// mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rest {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// The service's ARN.
    pub service_arn: String,
    /// When AWS says that the service was created.
    pub service_created_at: Option<Timestamp>,
    /// The ARNs of the service's registries; they hold Cloud Map's ids.
    pub registry_arns: Vec<String>,
}

/// Notes down what is left of a delete, and marks the cluster.
///
/// # Errors
/// [`aws::Error`] if the cluster can't be marked: then it could not be told from another one later.
pub async fn remember(
    account: &Account,
    target: &Target,
    progress: &Progress,
    request_id: &str,
) -> Result<Rest, aws::Error> {
    let service = &progress.service;
    let rest = Rest {
        cluster: target.cluster.clone(),
        service: target.service.clone(),
        cluster_arn: cluster_arn(service),
        service_arn: arn(service),
        service_created_at: service.created_at().and_then(|at| timestamp(*at)),
        registry_arns: registry_arns(service),
    };
    if target.cluster != DEFAULT_CLUSTER {
        ecs::tag_resource(account, &rest.cluster_arn, MARK, request_id).await?;
    }
    Ok(rest)
}

/// Whether it is the cluster that [`remember`] has marked.
pub(super) fn is_marked(cluster: &Cluster) -> bool {
    cluster.tags().iter().any(|tag| tag.key() == Some(MARK))
}

impl Rest {
    /// The same target as the request's.
    pub(super) fn target(&self) -> Target {
        Target { cluster: self.cluster.clone(), service: self.service.clone(), is_recursive: true }
    }

    /// The service as far as it is remembered, on its way out.
    pub(super) fn service(&self) -> Service {
        let registry = |arn: &String| ServiceRegistry::builder().registry_arn(arn).build();
        Service::builder()
            .service_name(&self.service)
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
    Some(DateTime::from_secs_and_nanos(at.as_second(), u32::try_from(at.subsec_nanosecond()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_creation_survives_to_the_nanosecond() {
        for at in [DateTime::from_secs_and_nanos(1_795_356_486, 123_456_789), DateTime::from_secs(0)] {
            assert_eq!(timestamp(at).and_then(date_time), Some(at));
        }
    }
}
