//! The defaults that an account brings to a request, applied only where the caller left the member out.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::operation::run_task::RunTaskInput;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, Compatibility,
    DeploymentController, DeploymentControllerType, LaunchType, LogConfiguration, LogDriver,
    NetworkConfiguration, NetworkMode, PropagateTags,
};
use aws_sdk_servicediscovery::operation::create_service as discovery;
use aws_sdk_servicediscovery::types::HealthCheckCustomConfig;

use super::request::NewLogGroup;
use crate::config::Account;
use crate::ids::{ClusterName, IdError, LogGroupName, ServiceName};

/// Puts the account's subnets and security groups, without a public address, to a service that names none, and FARGATE
/// to one without a launch type, unless it `has_strategy`: capacity providers decide, its own or the cluster's.
///
/// A service that is deployed from outside of ECS takes neither; its task sets have them
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
pub fn service(
    input: &mut CreateServiceInput,
    account: &Account,
    has_strategy: bool,
    uses_awsvpc: bool,
) {
    let controller = input
        .deployment_controller()
        .map(DeploymentController::r#type);
    if controller == Some(&DeploymentControllerType::External) {
        return;
    }
    let network = &mut input.network_configuration;
    place(
        network,
        &mut input.launch_type,
        account,
        has_strategy,
        uses_awsvpc,
    );
}

/// Puts to tasks what a [`service`] would get.
pub fn tasks(input: &mut RunTaskInput, account: &Account, has_strategy: bool, uses_awsvpc: bool) {
    let network = &mut input.network_configuration;
    place(
        network,
        &mut input.launch_type,
        account,
        has_strategy,
        uses_awsvpc,
    );
}

/// Returns `true` if all tasks of these launch type and strategy run on Fargate, once the defaults are put to them.
pub fn is_on_fargate(
    launch_type: Option<&LaunchType>,
    strategy: &[CapacityProviderStrategyItem],
    cluster_decides: bool,
) -> bool {
    let is_fargate = |item: &CapacityProviderStrategyItem| {
        matches!(item.capacity_provider(), "FARGATE" | "FARGATE_SPOT")
    };
    match launch_type {
        Some(launch_type) => *launch_type == LaunchType::Fargate,
        None if strategy.is_empty() => !cluster_decides,
        None => strategy.iter().all(is_fargate),
    }
}

/// Places what says nothing itself: on Fargate, unless capacity providers decide, and in the account's network, where
/// its tasks have one of their own.
fn place(
    network_configuration: &mut Option<NetworkConfiguration>,
    launch_type: &mut Option<LaunchType>,
    account: &Account,
    has_strategy: bool,
    uses_awsvpc: bool,
) {
    if network_configuration.is_none() && uses_awsvpc {
        *network_configuration = network(account);
    }
    if launch_type.is_none() && !has_strategy {
        *launch_type = Some(LaunchType::Fargate);
    }
}

/// Lets the tasks of a service that has tags have them too, unless it says what they shall have.
pub fn propagation(input: &mut CreateServiceInput) {
    if !input.tags().is_empty() && input.propagate_tags.is_none() {
        input.propagate_tags = Some(PropagateTags::Service);
    }
}

/// A task definition that does not say what it is compatible with becomes one for Fargate.
pub fn task_definition(input: &mut RegisterTaskDefinitionInput, account: &Account) {
    if !input.requires_compatibilities().is_empty() {
        return;
    }
    input.requires_compatibilities = Some(vec![Compatibility::Fargate]);
    input.network_mode.get_or_insert(NetworkMode::Awsvpc);
    if input.execution_role_arn.is_none() {
        input.execution_role_arn = account
            .default_execution_role_arn
            .as_ref()
            .map(|role| role.as_str().to_owned());
    }
}

/// Lets every container that says nothing of its log log to the account's group, and returns that group; `None` if
/// nothing is to be logged there.
///
/// The stream of a container is the service's name, its own and the task's, as the original had it.
///
/// # Errors
/// [`IdError`] if the names of cluster and service make the group's too long.
pub fn logs(
    input: &mut RegisterTaskDefinitionInput,
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<Option<NewLogGroup>, IdError> {
    let containers = input.container_definitions.iter_mut().flatten();
    let mut silent: Vec<_> = containers
        .filter(|container| container.log_configuration.is_none())
        .collect();
    let Some(logs) = account.logs.as_ref().filter(|_| !silent.is_empty()) else {
        return Ok(None);
    };
    let name = LogGroupName::parse(&logs.group_of(cluster.as_str(), service.as_str()))?;
    for container in &mut silent {
        container.log_configuration = LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .options("awslogs-group", name.as_str())
            .options("awslogs-region", &account.region)
            .options("awslogs-stream-prefix", service.as_str())
            .build()
            .ok();
    }
    Ok(Some(NewLogGroup {
        name,
        retention_in_days: logs.retention_in_days,
        tags: BTreeMap::new(),
    }))
}

/// A registry without a health check gets the one that ECS reports to.
pub fn registry(input: &mut discovery::CreateServiceInput) {
    if input.health_check_config.is_none() && input.health_check_custom_config.is_none() {
        #[expect(
            deprecated,
            reason = "Cloud Map ignores the threshold and answers it as 1; the contract promises it"
        )]
        let config = HealthCheckCustomConfig::builder()
            .failure_threshold(1)
            .build();
        input.health_check_custom_config = Some(config);
    }
}

fn network(account: &Account) -> Option<NetworkConfiguration> {
    if account.default_subnets.is_empty() {
        return None;
    }
    let groups = (!account.default_sgs.is_empty()).then(|| account.default_sgs.clone());
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(account.default_subnets.clone()))
        .set_security_groups(groups)
        .assign_public_ip(AssignPublicIp::Disabled)
        .build()
        .ok()?;
    Some(
        NetworkConfiguration::builder()
            .awsvpc_configuration(vpc)
            .build(),
    )
}
