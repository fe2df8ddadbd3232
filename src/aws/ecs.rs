//! Amazon ECS: one function per operation, under AWS's own names.

use aws_sdk_ecs::operation::create_cluster::{CreateClusterInput, CreateClusterOutput};
use aws_sdk_ecs::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_ecs::operation::delete_cluster::DeleteClusterOutput;
use aws_sdk_ecs::operation::delete_service::DeleteServiceOutput;
use aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionOutput;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::operation::register_task_definition::{RegisterTaskDefinitionInput, RegisterTaskDefinitionOutput};
use aws_sdk_ecs::types::{Cluster, ClusterField, Service, TaskDefinitionField};

use super::pages::{Listing, Page, Span, collect};
use super::prepared::Prepared;
use super::{Account, Error, Kind};

/// `ecs:ListClusters`: a span of the list, over as many calls as it takes.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if not even one page came in time.
pub async fn list_clusters(account: &Account, span: Span) -> Result<Listing, Error> {
    const OPERATION: &str = "ecs:ListClusters";
    let call = account.ecs.list_clusters();
    collect(OPERATION, account, span, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))?;
            Ok(Page { entries: page.cluster_arns.unwrap_or_default(), next_token: page.next_token })
        }
    })
    .await
}

/// `ecs:CreateCluster`. An existing ACTIVE cluster of the name is returned without an error.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_cluster(account: &Account, input: CreateClusterInput) -> Result<CreateClusterOutput, Error> {
    let call = account.ecs.create_cluster().customize().interceptor(Prepared(input));
    call.send().await.map_err(|error| Error::from_sdk("ecs:CreateCluster", account.role_arn(), error))
}

/// `ecs:DescribeClusters` of one cluster, with configuration, settings, statistics and tags. `None` if
/// AWS does not know it; a deleted one is known as INACTIVE for a while.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_cluster(account: &Account, name: &str) -> Result<Option<Cluster>, Error> {
    let include =
        vec![ClusterField::Configurations, ClusterField::Settings, ClusterField::Statistics, ClusterField::Tags];
    let call = account.ecs.describe_clusters().clusters(name).set_include(Some(include));
    match call.send().await {
        Ok(answer) => Ok(answer.clusters.unwrap_or_default().into_iter().next()),
        Err(error) => absent(Error::from_sdk("ecs:DescribeClusters", account.role_arn(), error)),
    }
}

/// `ecs:DeleteCluster`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_cluster(account: &Account, name: &str) -> Result<DeleteClusterOutput, Error> {
    let call = account.ecs.delete_cluster().cluster(name);
    call.send().await.map_err(|error| Error::from_sdk("ecs:DeleteCluster", account.role_arn(), error))
}

/// `ecs:RegisterTaskDefinition`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn register_task_definition(
    account: &Account,
    input: RegisterTaskDefinitionInput,
) -> Result<RegisterTaskDefinitionOutput, Error> {
    let call = account.ecs.register_task_definition().customize().interceptor(Prepared(input));
    call.send().await.map_err(|error| Error::from_sdk("ecs:RegisterTaskDefinition", account.role_arn(), error))
}

/// `ecs:DescribeTaskDefinition` with tags, by `family`, `family:revision` or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`] if there is none.
pub async fn describe_task_definition(account: &Account, name: &str) -> Result<DescribeTaskDefinitionOutput, Error> {
    let call = account.ecs.describe_task_definition().task_definition(name).include(TaskDefinitionField::Tags);
    call.send().await.map_err(|error| Error::from_sdk("ecs:DescribeTaskDefinition", account.role_arn(), error))
}

/// `ecs:DeregisterTaskDefinition` of one revision, by `family:revision` or ARN.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn deregister_task_definition(
    account: &Account,
    revision: &str,
) -> Result<DeregisterTaskDefinitionOutput, Error> {
    let call = account.ecs.deregister_task_definition().task_definition(revision);
    call.send().await.map_err(|error| Error::from_sdk("ecs:DeregisterTaskDefinition", account.role_arn(), error))
}

/// `ecs:CreateService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_service(account: &Account, input: CreateServiceInput) -> Result<CreateServiceOutput, Error> {
    let call = account.ecs.create_service().customize().interceptor(Prepared(input));
    call.send().await.map_err(|error| Error::from_sdk("ecs:CreateService", account.role_arn(), error))
}

/// `ecs:DescribeServices` of one service. `None` if AWS does not know it, or its cluster; a deleted one
/// is known as DRAINING, then as INACTIVE for a while.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_service(account: &Account, cluster: &str, service: &str) -> Result<Option<Service>, Error> {
    let call = account.ecs.describe_services().cluster(cluster).services(service);
    match call.send().await {
        Ok(answer) => Ok(answer.services.unwrap_or_default().into_iter().next()),
        Err(error) => absent(Error::from_sdk("ecs:DescribeServices", account.role_arn(), error)),
    }
}

/// `ecs:DeleteService` with `force`: the tasks are stopped, however many are desired.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_service(account: &Account, cluster: &str, service: &str) -> Result<DeleteServiceOutput, Error> {
    let call = account.ecs.delete_service().cluster(cluster).service(service).force(true);
    call.send().await.map_err(|error| Error::from_sdk("ecs:DeleteService", account.role_arn(), error))
}

/// "There is none" is an answer to a look, not a failure of it.
fn absent<T>(error: Error) -> Result<Option<T>, Error> {
    if error.kind == Kind::NotFound { Ok(None) } else { Err(error) }
}
