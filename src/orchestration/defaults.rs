//! The defaults that an account brings to a request, applied only where the caller left the member out.

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::operation::run_task::RunTaskInput;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, Compatibility,
    DeploymentController, DeploymentControllerType, LaunchType, NetworkConfiguration, NetworkMode,
    PropagateTags,
};
use aws_sdk_servicediscovery::operation::create_service as discovery;
use aws_sdk_servicediscovery::types::HealthCheckCustomConfig;

use crate::config::Account;

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

/// Tells whether all tasks of these launch type and strategy run on Fargate, once the defaults are put to them.
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
