//! Amazon ECS: one function per operation, under AWS's own names.

use aws_sdk_ecs::operation::create_cluster::{CreateClusterInput, CreateClusterOutput};
use aws_sdk_ecs::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_ecs::operation::delete_cluster::DeleteClusterOutput;
use aws_sdk_ecs::operation::delete_service::DeleteServiceOutput;
use aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionOutput;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::operation::register_task_definition::{RegisterTaskDefinitionInput, RegisterTaskDefinitionOutput};
use aws_sdk_ecs::types::{Cluster, ClusterField, Service, TaskDefinitionField};

use super::prepared::Prepared;
use super::{Account, Error, Kind};
use crate::deadline::Deadline;

/// The most entries that one List call returns
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListClusters.html>).
const PAGE_MAX: usize = 100;

/// The most entries of one answer: ARNs of at most 300 bytes in the 6 MB that Lambda may answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const LIST_MAX: usize = 15_000;

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The page's ARNs.
    pub arns: Vec<String>,
    /// What asks for the next page, if there is one.
    pub next_token: Option<String>,
}

/// `ecs:ListClusters`: `limit` ARNs from `next_token` on, or all of them, over as many calls as it takes. At
/// the deadline, the answer is what has come so far, with the token that continues it.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if not even one page came in time.
pub async fn list_clusters(
    account: &Account,
    limit: Option<usize>,
    next_token: Option<String>,
    deadline: Deadline,
) -> Result<Page, Error> {
    const OPERATION: &str = "ecs:ListClusters";
    let call = account.ecs.list_clusters();
    collect(OPERATION, account, limit, next_token, deadline, |page_size, next_token| {
        let call = call.clone().max_results(page_size).set_next_token(next_token);
        async move {
            let page = call.send().await.map_err(|error| Error::from_sdk(OPERATION, account.role_arn(), error))?;
            Ok(Page { arns: page.cluster_arns.unwrap_or_default(), next_token: page.next_token })
        }
    })
    .await
}

/// Follows the pages of a list until `limit`, the end, the deadline, or as much as one answer can carry.
async fn collect<F>(
    operation: &'static str,
    account: &Account,
    limit: Option<usize>,
    next_token: Option<String>,
    deadline: Deadline,
    mut fetch: impl FnMut(i32, Option<String>) -> F,
) -> Result<Page, Error>
where
    F: Future<Output = Result<Page, Error>>,
{
    let mut list = Page { arns: Vec::new(), next_token };
    loop {
        let left = limit.map_or(PAGE_MAX, |limit| limit - list.arns.len()).min(PAGE_MAX);
        let page_size = i32::try_from(left).expect("a page has at most 100 entries");
        let page = match deadline.limit(fetch(page_size, list.next_token.clone())).await {
            Ok(page) => page?,
            Err(_) if list.arns.is_empty() => return Err(Error::too_late(operation, account.role_arn())),
            Err(_) => return Ok(list),
        };
        list.arns.extend(page.arns);
        list.next_token = page.next_token.filter(|token| !token.is_empty());
        let is_full = limit.is_some_and(|limit| list.arns.len() >= limit) || list.arns.len() >= LIST_MAX;
        if list.next_token.is_none() || is_full {
            return Ok(list);
        }
    }
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
