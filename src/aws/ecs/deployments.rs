//! Service deployments and service revisions.

use std::collections::BTreeSet;

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    CreatedAt, DeploymentLifecycleHookAction, ServiceDeployment, ServiceDeploymentBrief,
    ServiceDeploymentStatus, ServiceRevision,
};

use super::absent;
use crate::aws::pages::{Page, PageRequest, ResultsPage, collect};
use crate::aws::retries::OnlyRefused;
use crate::aws::{Account, Error};
use crate::ids::{Arn, ClusterName, ServiceName};

/// The most service deployments, and the most service revisions, that one call describes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html>).
pub const DESCRIBE_DEPLOYMENTS_MAX: usize = 20;

/// The statuses of service deployments that ECS lists them by
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>).
pub const DEPLOYMENT_STATUSES: &[&str] = &[
    "PENDING",
    "IN_PROGRESS",
    "SUCCESSFUL",
    "STOP_REQUESTED",
    "STOPPED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
];

/// A way to stop a deployment.
pub use aws_sdk_ecs::types::StopServiceDeploymentStopType as Stop;

/// A choice of a service's deployments.
#[derive(Debug, Clone, Default)]
pub struct DeploymentFilter {
    /// Those of these statuses; of none, all.
    pub statuses: Vec<ServiceDeploymentStatus>,
    /// Those created after this.
    pub after: Option<DateTime>,
    /// Those created before this.
    pub before: Option<DateTime>,
}

/// Calls `ecs:ListServiceDeployments`: a page of a service's deployments of the last 90 days, the newest first. `None` if
/// AWS does not know the service, or its cluster.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_service_deployments(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
    filter: DeploymentFilter,
    page: PageRequest,
) -> Result<Option<ResultsPage<ServiceDeploymentBrief>>, Error> {
    const OPERATION: &str = "ecs:ListServiceDeployments";
    let is_bounded = filter.after.is_some() || filter.before.is_some();
    let created_at = CreatedAt::builder()
        .set_after(filter.after)
        .set_before(filter.before)
        .build();
    let call = account
        .ecs
        .list_service_deployments()
        .cluster(cluster.as_str())
        .service(service.as_str())
        .set_created_at(is_bounded.then_some(created_at))
        .set_status((!filter.statuses.is_empty()).then_some(filter.statuses));
    let listed = collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page {
                entries: page.service_deployments.unwrap_or_default(),
                next_token: page.next_token,
            })
        }
    });
    listed.await.map(Some).or_else(absent)
}

/// Calls `ecs:DescribeServiceDeployments` of at most [`DESCRIBE_DEPLOYMENTS_MAX`] deployments of one service. Those that AWS
/// does not know are left out.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_service_deployments(
    account: &Account,
    deployments: &[Arn],
) -> Result<Vec<ServiceDeployment>, Error> {
    let arns = deployments.iter().map(Arn::to_string).collect();
    let call = account
        .ecs
        .describe_service_deployments()
        .set_service_deployment_arns(Some(arns));
    let answer = call
        .send()
        .await
        .map_err(account.refused("ecs:DescribeServiceDeployments"))?;
    Ok(answer.service_deployments.unwrap_or_default())
}

/// Calls `ecs:DescribeServiceRevisions` of at most [`DESCRIBE_DEPLOYMENTS_MAX`] revisions of one service. Those that AWS does
/// not know are left out. None is asked for twice: ECS fails of that, as captures of it show.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_service_revisions(
    account: &Account,
    revisions: &BTreeSet<Arn>,
) -> Result<Vec<ServiceRevision>, Error> {
    let arns = revisions.iter().map(Arn::to_string).collect();
    let call = account
        .ecs
        .describe_service_revisions()
        .set_service_revision_arns(Some(arns));
    let answer = call
        .send()
        .await
        .map_err(account.refused("ecs:DescribeServiceRevisions"))?;
    Ok(answer.service_revisions.unwrap_or_default())
}

/// Calls `ecs:StopServiceDeployment`. Once more is no fault as long as the deployment is not over.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn stop_service_deployment(
    account: &Account,
    deployment: &Arn,
    stop_type: Stop,
) -> Result<(), Error> {
    let call = account
        .ecs
        .stop_service_deployment()
        .service_deployment_arn(deployment.as_str())
        .stop_type(stop_type);
    let stopped = call.send().await;
    stopped
        .map(drop)
        .map_err(account.refused("ecs:StopServiceDeployment"))
}

/// Calls `ecs:ContinueServiceDeployment`. What AWS may have done is not done twice: the hook would not be there any more.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn continue_service_deployment(
    account: &Account,
    deployment: &Arn,
    hook_id: &str,
    action: DeploymentLifecycleHookAction,
) -> Result<(), Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .continue_service_deployment()
        .service_deployment_arn(deployment.as_str())
        .hook_id(hook_id)
        .action(action)
        .customize()
        .config_override(config);
    let resumed = call.send().await;
    resumed
        .map(drop)
        .map_err(account.refused("ecs:ContinueServiceDeployment"))
}
