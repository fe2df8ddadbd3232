//! Services.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_ecs::operation::delete_service::DeleteServiceOutput;
use aws_sdk_ecs::operation::update_service::{UpdateServiceInput, UpdateServiceOutput};
use aws_sdk_ecs::types::{LaunchType, Service, ServiceField};

use super::absent;
use crate::aws::pages::{Page, PageRequest, ResultsPage, collect};
use crate::aws::retries::OnlyRefused;
use crate::aws::whole_input::WholeInput;
use crate::aws::{Account, Error};
use crate::ids::{Arn, ClusterName, ServiceName};

/// The most services that one call describes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>).
pub const DESCRIBE_SERVICES_MAX: usize = 10;

/// Calls `ecs:ListServices`: a page of a cluster's ACTIVE services, of one launch type or of all. (A service with a capacity
/// provider strategy has no launch type.)
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_services(
    account: &Account,
    cluster: &ClusterName,
    launch_type: Option<LaunchType>,
    page: PageRequest,
) -> Result<ResultsPage, Error> {
    const OPERATION: &str = "ecs:ListServices";
    let call = account
        .ecs
        .list_services()
        .cluster(cluster.as_str())
        .set_launch_type(launch_type);
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page::of_arns(page.service_arns, page.next_token))
        }
    })
    .await
}

/// Calls `ecs:CreateService`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn create_service(
    account: &Account,
    input: CreateServiceInput,
) -> Result<CreateServiceOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .create_service()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send()
        .await
        .map_err(account.refused("ecs:CreateService"))
}

/// Calls `ecs:DescribeServices` of one service, with tags. `None` if AWS does not know it, or its cluster; a deleted one
/// is known as DRAINING, then as INACTIVE for a while.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_service(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<Option<Service>, Error> {
    match describe(account, cluster, vec![service.to_string()]).await {
        Ok(services) => Ok(services.into_iter().next()),
        Err(error) => absent(error),
    }
}

/// Calls `ecs:DescribeServices` of at most [`DESCRIBE_SERVICES_MAX`] services by ARN, with tags, in the order asked for.
/// Those that AWS does not know are left out.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_services(
    account: &Account,
    cluster: &ClusterName,
    services: &[Arn],
) -> Result<Vec<Service>, Error> {
    let arns = services.iter().map(Arn::to_string).collect();
    let mut found = describe(account, cluster, arns).await?;
    let place = |service: &Service| {
        let is_its = |arn: &Arn| service.service_arn() == Some(arn.as_str());
        services.iter().position(is_its)
    };
    found.sort_by_key(place);
    Ok(found)
}

async fn describe(
    account: &Account,
    cluster: &ClusterName,
    services: Vec<String>,
) -> Result<Vec<Service>, Error> {
    let call = account
        .ecs
        .describe_services()
        .cluster(cluster.as_str())
        .include(ServiceField::Tags);
    let call = call.set_services(Some(services));
    let answer = call
        .send()
        .await
        .map_err(account.refused("ecs:DescribeServices"))?;
    Ok(answer.services.unwrap_or_default())
}

/// Calls `ecs:UpdateService`. What AWS may have done is not done twice: `forceNewDeployment` would deploy again.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn update_service(
    account: &Account,
    input: UpdateServiceInput,
) -> Result<UpdateServiceOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .update_service()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send()
        .await
        .map_err(account.refused("ecs:UpdateService"))
}

/// Calls `ecs:DeleteService` with `force`: the tasks are stopped, however many are desired.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_service(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<DeleteServiceOutput, Error> {
    let call = account
        .ecs
        .delete_service()
        .cluster(cluster.as_str())
        .service(service.as_str())
        .force(true);
    call.send()
        .await
        .map_err(account.refused("ecs:DeleteService"))
}

/// Calls `ecs:DeleteExpressGatewayService`: what Express Mode has made goes by this call alone
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteExpressGatewayService.html>).
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn delete_express_gateway_service(account: &Account, arn: &Arn) -> Result<(), Error> {
    let call = account
        .ecs
        .delete_express_gateway_service()
        .service_arn(arn.as_str());
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("ecs:DeleteExpressGatewayService"))
}
