//! The checks of CreateService before it makes anything.

use serde_json::{Value, json};

use super::Exchange;
use super::services::{TASK_DEFINITION_INACTIVE, TASK_DEFINITION_NOT_FOUND};
use crate::answer::{Refusal, Rule};
use crate::value::{has, list, text};

const fn rule(message: &'static str, source: &'static str) -> Rule {
    Rule::new("InvalidParameterException", message, source)
}

const SCHEDULING: Rule = rule(
    "Scheduling strategy should be one of [REPLICA,DAEMON]",
    "[ecs/services #30]",
);
const LONG_TOKEN: Rule = rule("idempotency token longer than 36.", "[ecs/services #90]");
const NO_COUNT: Rule = rule("DesiredCount is missing", "[ecs/services #35]");
const NEGATIVE_COUNT: Rule = rule(
    "DesiredCount can not be lesser than 0",
    "[ecs/services #29]",
);
pub(super) const NO_NETWORK: Rule = rule(
    "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    "[ecs/services #16, #34]",
);
pub(super) const NEEDLESS_NETWORK: Rule = rule(
    "Network Configuration is not valid for the given networkMode of this task definition.",
    "https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/616",
);
const EXTERNAL_DEFINITION: Rule = rule(
    "TaskDefinition must be blank",
    "https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/278",
);
const EXTERNAL_NETWORK: Rule = rule(
    "NetworkConfiguration must be null.",
    "https://github.com/aws/aws-cdk/issues/26335",
);
const COUNTED_DAEMON: Rule = rule(
    "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
    "[ecs/services #51]",
);
const FARGATE_DAEMON: Rule = rule(
    "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try again",
    "[ecs/services #65]",
);
pub(super) const TWO_LAUNCH_TYPES: Rule = rule(
    "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html",
);
const FOREIGN_PROVIDER: Rule = rule(
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. \
     Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
    "https://github.com/dask/dask-cloudprovider/issues/328",
);
pub(super) const NOT_FOR_FARGATE: Rule = rule(
    "Task definition does not support launch_type FARGATE.",
    "https://github.com/aws/aws-cli/issues/3983",
);
const LOW_MAXIMUM: Rule = rule("maximumPercent must be at least 100", "[ecs/services #31]");
const HIGH_MINIMUM: Rule = rule(
    "minimumHealthyPercent must be at most 100",
    "[ecs/services #32]",
);
const BREAKER_VALUE: Rule = rule(
    "Invalid deployment circuit breaker threshold value.",
    "[ecs/services #131, #132]",
);
const BREAKER_TYPE: Rule = rule(
    "Invalid deployment circuit breaker threshold type.",
    "[ecs/services #133]",
);
const UNKNOWN_CONTAINER: Rule = rule(
    "The container {} does not exist in the task definition.",
    "https://github.com/aws/amazon-ecs-agent/issues/1276",
);
const NEEDLESS_PORT: Rule = rule(
    "The values specified for serviceRegistries do not require a value for 'containerPort'. Remove the value and retry. \
     Registry: {}",
    "https://github.com/umotif-public/terraform-aws-ecs-fargate/issues/25",
);
const TWO_PORTS: Rule = rule(
    "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and \
     retry.",
    "https://github.com/cloudposse/terraform-aws-ecs-web-app/pull/208",
);
const NO_PORT: Rule = rule(
    "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be specified \
     from the task definition. Registry: {}",
    "https://github.com/techservicesillinois/terraform-aws-ecs-service/issues/16",
);
/// The words were not seen; the rule is the documentation's.
const NO_PORT_FOR_SRV: Rule = rule(
    "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination for the SRV record. \
     Registry: {}",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html",
);
/// The words were not seen.
const UNKNOWN_REGISTRY: Rule = rule(
    "The service registry {} was not found.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html",
);

impl Exchange<'_> {
    /// Checks the input of CreateService; the cluster that it is for.
    pub(super) async fn check_service(&self) -> Result<Value, Refusal> {
        let input = self.input();
        let scheduling = input["schedulingStrategy"].as_str().unwrap_or("REPLICA");
        if !["REPLICA", "DAEMON"].contains(&scheduling) {
            return SCHEDULING.refuse();
        }
        // Before the network is looked at [ecs/services #90].
        if text(input, "clientToken").chars().count() > 36 {
            return LONG_TOKEN.refuse();
        }
        let cluster = self.active_cluster(&self.cluster_name()).await?;
        if text(&input["deploymentController"], "type") == "EXTERNAL" {
            check_external(input)?;
            return Ok(cluster);
        }
        let definition = self
            .usable_definition(text(input, "taskDefinition"))
            .await?;
        let is_replica = scheduling == "REPLICA";
        match input["desiredCount"].as_i64() {
            None if is_replica => return NO_COUNT.refuse(),
            Some(count) if count < 0 => return NEGATIVE_COUNT.refuse(),
            _ => {}
        }
        self.check_network(&definition)?;
        if !is_replica && text(input, "launchType") == "FARGATE" {
            return FARGATE_DAEMON.refuse();
        }
        if !is_replica && !input["desiredCount"].is_null() {
            return COUNTED_DAEMON.refuse();
        }
        self.check_launch_type(&definition)?;
        self.check_providers(&cluster)?;
        check_deployment(&input["deploymentConfiguration"])?;
        self.check_passed_roles(&Value::Null)?;
        self.check_containers(&definition)?;
        self.check_registries(&definition).await?;
        Ok(cluster)
    }

    /// Describes a task definition that is ACTIVE.
    pub(super) async fn usable_definition(&self, name: &str) -> Result<Value, Refusal> {
        let Some(definition) = self.definition(name).await? else {
            return TASK_DEFINITION_NOT_FOUND.refuse();
        };
        match text(&definition, "status") {
            "ACTIVE" => Ok(definition),
            "INACTIVE" => TASK_DEFINITION_INACTIVE.refuse(),
            _ => super::run_task::BEING_DELETED.refuse(),
        }
    }

    /// Describes a task definition, if there is one.
    pub(super) async fn definition(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let input = json!({"taskDefinition": name});
        match self.ask("ecs:DescribeTaskDefinition", &input).await {
            Ok(mut answer) => Ok(Some(answer["taskDefinition"].take())),
            Err(refusal) if refusal.status == 400 => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Demands a network where tasks have one of their own, and refuses it where not.
    pub(super) fn check_network(&self, definition: &Value) -> Result<(), Refusal> {
        let subnets = &self.input()["networkConfiguration"]["awsvpcConfiguration"]["subnets"];
        let has_network = subnets
            .as_array()
            .is_some_and(|subnets| !subnets.is_empty());
        match (text(definition, "networkMode") == "awsvpc", has_network) {
            (true, false) => NO_NETWORK.refuse(),
            (false, true) => NEEDLESS_NETWORK.refuse(),
            _ => Ok(()),
        }
    }

    /// Refuses a launch type beside a strategy, and one that the task definition is not for.
    pub(super) fn check_launch_type(&self, definition: &Value) -> Result<(), Refusal> {
        let input = self.input();
        let strategy = list(input, "capacityProviderStrategy");
        if !strategy.is_empty() && !input["launchType"].is_null() {
            return TWO_LAUNCH_TYPES.refuse();
        }
        let is_fargate = text(input, "launchType") == "FARGATE";
        let is_known = !list(definition, "compatibilities").is_empty();
        if is_fargate && is_known && !has(definition, "compatibilities", "FARGATE") {
            return NOT_FOR_FARGATE.refuse();
        }
        Ok(())
    }

    /// Refuses capacity providers that the cluster does not have.
    pub(super) fn check_providers(&self, cluster: &Value) -> Result<(), Refusal> {
        let mut strategy = list(self.input(), "capacityProviderStrategy").iter();
        let is_known =
            |item: &Value| has(cluster, "capacityProviders", text(item, "capacityProvider"));
        if strategy.all(is_known) {
            Ok(())
        } else {
            FOREIGN_PROVIDER.refuse()
        }
    }

    /// Refuses load balancers of containers that the task definition has not.
    fn check_containers(&self, definition: &Value) -> Result<(), Refusal> {
        let balancers = list(self.input(), "loadBalancers").iter();
        let registries = list(self.input(), "serviceRegistries").iter();
        for named in balancers.chain(registries) {
            let name = text(named, "containerName");
            let mut containers = list(definition, "containerDefinitions").iter();
            if !name.is_empty() && !containers.any(|container| text(container, "name") == name) {
                return UNKNOWN_CONTAINER.refuse_naming(&[name]);
            }
        }
        Ok(())
    }

    /// Demands a port for SRV records, and refuses a container's for A records of tasks with a network of their own.
    async fn check_registries(&self, definition: &Value) -> Result<(), Refusal> {
        for entry in list(self.input(), "serviceRegistries") {
            let arn = text(entry, "registryArn");
            let Ok(registry) = self.registry(arn).await else {
                return UNKNOWN_REGISTRY.refuse_naming(&[arn]);
            };
            let mut records = list(&registry["DnsConfig"], "DnsRecords").iter();
            let is_srv = records.any(|record| text(record, "Type") == "SRV");
            let has_container =
                !entry["containerPort"].is_null() || !entry["containerName"].is_null();
            let has_both = !entry["containerPort"].is_null() && !entry["containerName"].is_null();
            let has_port = !entry["port"].is_null();
            let is_awsvpc = text(definition, "networkMode") == "awsvpc";
            if has_container && has_port {
                return TWO_PORTS.refuse();
            }
            if is_srv && !has_both && !(is_awsvpc && has_port) {
                let missing = if is_awsvpc { NO_PORT_FOR_SRV } else { NO_PORT };
                return missing.refuse_naming(&[arn]);
            }
            if !is_srv && is_awsvpc && (has_container || has_port) {
                return NEEDLESS_PORT.refuse_naming(&[arn]);
            }
        }
        Ok(())
    }
}

/// Refuses what task sets bring themselves where tasks are deployed from outside.
fn check_external(input: &Value) -> Result<(), Refusal> {
    if !input["taskDefinition"].is_null() {
        return EXTERNAL_DEFINITION.refuse();
    }
    if !input["networkConfiguration"].is_null() {
        return EXTERNAL_NETWORK.refuse();
    }
    Ok(())
}

/// Refuses a configuration of deployments that makes no sense.
pub(super) fn check_deployment(configuration: &Value) -> Result<(), Refusal> {
    if configuration["maximumPercent"]
        .as_i64()
        .is_some_and(|percent| percent < 100)
    {
        return LOW_MAXIMUM.refuse();
    }
    if configuration["minimumHealthyPercent"]
        .as_i64()
        .is_some_and(|percent| percent > 100)
    {
        return HIGH_MINIMUM.refuse();
    }
    let threshold = &configuration["deploymentCircuitBreaker"]["thresholdConfiguration"];
    if threshold.is_null() {
        return Ok(());
    }
    let kind = text(threshold, "type");
    if !["BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"].contains(&kind) {
        return BREAKER_TYPE.refuse();
    }
    let value = threshold["value"].as_i64().unwrap_or_default();
    if value < 1 || (kind.ends_with("PERCENT") && value > 100) {
        return BREAKER_VALUE.refuse();
    }
    Ok(())
}
