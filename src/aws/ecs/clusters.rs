//! Clusters.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::operation::create_cluster::{CreateClusterInput, CreateClusterOutput};
use aws_sdk_ecs::operation::delete_cluster::DeleteClusterOutput;
use aws_sdk_ecs::types::{Cluster, ClusterField};

use super::absent;
use crate::aws::pages::{Page, PageRequest, ResultsPage, collect};
use crate::aws::retries::OnlyRefused;
use crate::aws::whole_input::WholeInput;
use crate::aws::{Account, Error};
use crate::ids::ClusterName;

/// Calls `ecs:ListClusters`: a page of the list, over as many calls as it takes.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_clusters(account: &Account, page: PageRequest) -> Result<ResultsPage, Error> {
    const OPERATION: &str = "ecs:ListClusters";
    let call = account.ecs.list_clusters();
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page::of_arns(page.cluster_arns, page.next_token))
        }
    })
    .await
}

/// Calls `ecs:CreateCluster`, repeated where AWS fails it: an existing ACTIVE cluster of the name is returned without an
/// error.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_cluster(
    account: &Account,
    input: CreateClusterInput,
) -> Result<CreateClusterOutput, Error> {
    let call = account
        .ecs
        .create_cluster()
        .customize()
        .interceptor(WholeInput(input));
    call.send()
        .await
        .map_err(account.refused("ecs:CreateCluster"))
}

/// Calls `ecs:CreateCluster`, repeated only where AWS has refused it: for a flow that must know what it has asked for.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_cluster_once(
    account: &Account,
    input: CreateClusterInput,
) -> Result<CreateClusterOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .create_cluster()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send()
        .await
        .map_err(account.refused("ecs:CreateCluster"))
}

/// Calls `ecs:DescribeClusters` of one cluster, with configuration, settings, statistics and tags. `None` if
/// AWS does not know it; a deleted one is known as INACTIVE for a while.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_cluster(
    account: &Account,
    name: &ClusterName,
) -> Result<Option<Cluster>, Error> {
    let include = vec![
        ClusterField::Configurations,
        ClusterField::Settings,
        ClusterField::Statistics,
        ClusterField::Tags,
    ];
    let call = account
        .ecs
        .describe_clusters()
        .clusters(name.as_str())
        .set_include(Some(include));
    match call.send().await {
        Ok(answer) => Ok(answer.clusters.unwrap_or_default().into_iter().next()),
        Err(error) => absent(account.refused("ecs:DescribeClusters")(error)),
    }
}

/// Calls `ecs:DeleteCluster`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_cluster(
    account: &Account,
    name: &ClusterName,
) -> Result<DeleteClusterOutput, Error> {
    let call = account.ecs.delete_cluster().cluster(name.as_str());
    call.send()
        .await
        .map_err(account.refused("ecs:DeleteCluster"))
}
