//! Services.

use serde_json::{Value, json};

use super::{Exchange, pages, tags};
use crate::answer::{Refusal, Rule};
use crate::value::{default, extend, last, list, remove, text, texts, without};

pub(crate) const NOT_FOUND: Rule = Rule::new(
    "ServiceNotFoundException",
    "Service not found.",
    "[ecs/services #27]",
);
pub(crate) const TASK_DEFINITION_NOT_FOUND: Rule = Rule::new(
    "ClientException",
    "TaskDefinition not found.",
    "[ecs/services #33, ecs/audit_execution_rejections]",
);
pub(super) const TASK_DEFINITION_INACTIVE: Rule = Rule::new(
    "InvalidParameterException",
    "TaskDefinition is inactive",
    "[ecs/task_tags #39], https://github.com/DefangLabs/defang/pull/775",
);
/// The message is empty.
const DELETE_NOT_FOUND: Rule = Rule::new("ServiceNotFoundException", "", "[ecs/services #28]");
const SCALED: Rule = Rule::new(
    "InvalidParameterException",
    "The service cannot be stopped while it is scaled above 0.",
    "[ecs/services #64]",
);
const NOT_IDEMPOTENT: Rule = Rule::new(
    "InvalidParameterException",
    "Creation of service was not idempotent.",
    "[ecs/services #13, #47, #49, #89]",
);
const DRAINING: Rule = Rule::new(
    "InvalidParameterException",
    "Unable to Start a service that is still Draining.",
    "[ecs/services #164]",
);
const EXPRESS: Rule = Rule::new(
    "InvalidParameterException",
    "{} has ResourceManagementType=ECS use DeleteExpressGatewayService to delete",
    "https://github.com/ekristen/aws-nuke/issues/982",
);
const NOT_EXPRESS: Rule = Rule::new(
    "InvalidParameterException",
    "{} has ResourceManagementType=CUSTOMER use DeleteService to delete",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteExpressGatewayService.html",
);
const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "Services cannot have more than 10 elements.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html",
);
const WRONG_INCLUDE: Rule = Rule::new(
    "InvalidParameterException",
    "include should be one of [TAGS]",
    "[ecs/services #67]",
);
const LAUNCH_TYPE: Rule = Rule::new(
    "InvalidParameterException",
    "launch type should be one of [EC2,FARGATE,EXTERNAL,FMI,MANAGED_INSTANCES]",
    "[ecs/services #68]",
);

/// A call of CreateService that made a service.
#[derive(Debug, Clone)]
pub(crate) struct Creation {
    input: Value,
    answer: Value,
}

/// Makes a service. The same token and parameters are answered the service as it was in the first answer; tags are not
/// compared, and the token counts for this name alone (ecs/services #12, #14, #15).
pub(super) async fn create(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let mut input = exchange.input().clone();
    let cluster = exchange.cluster_name();
    let described = exchange.check_service().await?;
    tags::check(list(&input, "tags"))?;
    exchange.check_long_arns()?;
    let arn = exchange.ecs_arn(&format!(
        "service/{cluster}/{}",
        text(&input, "serviceName")
    ));
    let there = exchange.service(&cluster, &arn).await?;
    match there.as_ref().map(|there| text(there, "status")) {
        Some("DRAINING") => return DRAINING.refuse(),
        Some("ACTIVE") => return exchange.again(&arn),
        _ => {}
    }
    default_launch_type(&mut input, &described);
    let mut answer = exchange.ask(&exchange.call.operation, &input).await?;
    let mut service = answer["service"].take();
    exchange.state.drains.remove(&arn);
    exchange.state.deployments.forget(&arn);
    for task in exchange
        .tasks_of(&cluster, text(&input, "serviceName"))
        .await?
    {
        exchange.begin_life(&task);
    }
    describe_made(exchange, &mut service);
    exchange.begin_deployment(&service).await?;
    exchange.show_deployments(&mut service);
    service["tags"] = list(&input, "tags").into();
    let answer = json!({"service": service});
    let made = Creation {
        input: exchange.input().clone(),
        answer: answer.clone(),
    };
    exchange.state.services_made.insert(arn, made);
    Ok(answer)
}

/// Without a type and a strategy a service gets the cluster's strategy, or EC2 (ecs/services #11).
fn default_launch_type(input: &mut Value, cluster: &Value) {
    let strategy = list(cluster, "defaultCapacityProviderStrategy");
    let has_strategy = !list(input, "capacityProviderStrategy").is_empty();
    match (input["launchType"].is_null(), has_strategy, strategy) {
        (true, false, []) => input["launchType"] = "EC2".into(),
        (true, false, strategy) => input["capacityProviderStrategy"] = strategy.into(),
        _ => {}
    }
    if input["launchType"].is_null() {
        remove(input, "launchType");
    }
}

/// Fills in what AWS tells of a service (ecs/services #11, #48).
pub(super) fn describe_made(exchange: &Exchange<'_>, service: &mut Value) {
    default(
        service,
        json!({"loadBalancers": [], "serviceRegistries": [], "placementConstraints": [], "placementStrategy": [],
            "events": [], "healthCheckGracePeriodSeconds": 0, "schedulingStrategy": "REPLICA", "pendingCount": 0,
            "runningCount": 0, "deploymentController": {"type": "ECS"}, "enableECSManagedTags": false,
            "propagateTags": "NONE", "enableExecuteCommand": false, "availabilityZoneRebalancing": "ENABLED",
            "deploymentConfiguration": {},
            "createdBy": format!("arn:aws:iam::{}:role/ecs-api", exchange.call.account)}),
    );
    let is_express = exchange
        .circumstances
        .express_services
        .iter()
        .any(|name| name == text(service, "serviceName"));
    let managed_by = if is_express { "ECS" } else { "CUSTOMER" };
    service["resourceManagementType"] = managed_by.into();
    let breaker = json!({"enable": false, "rollback": false, "resetOnHealthyTask": true,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}});
    let deployment = &mut service["deploymentConfiguration"];
    default(
        deployment,
        json!({"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
            "deploymentCircuitBreaker": breaker}),
    );
    default(&mut deployment["deploymentCircuitBreaker"], breaker);
    let awsvpc = &mut service["networkConfiguration"]["awsvpcConfiguration"];
    if awsvpc.is_object() {
        default(
            awsvpc,
            json!({"securityGroups": [], "assignPublicIp": "DISABLED"}),
        );
    } else {
        remove(service, "networkConfiguration");
    }
    if text(service, "launchType") == "FARGATE" {
        let role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        let role = format!("arn:aws:iam::{}:{role}", exchange.call.account);
        let fargate =
            json!({"platformVersion": "LATEST", "platformFamily": "Linux", "roleArn": role});
        default(service, fargate);
    }
    describe_revision(exchange, service);
}

/// Tells which revision the service runs: the number is that of its PRIMARY deployment.
fn describe_revision(exchange: &Exchange<'_>, service: &mut Value) {
    let deployments = list(service, "deployments").iter();
    let mut primary = deployments.filter(|one| text(one, "status") == "PRIMARY");
    let Some(number) = primary.next().map(|one| last(text(one, "id")).to_owned()) else {
        return;
    };
    let cluster = last(text(service, "clusterArn"));
    let name = text(service, "serviceName");
    let arn = exchange.ecs_arn(&format!("service-revision/{cluster}/{name}/{number}"));
    let revision = json!([{"arn": arn, "requestedTaskCount": service["desiredCount"],
        "runningTaskCount": service["runningCount"], "pendingTaskCount": service["pendingCount"]}]);
    extend(service, json!({"currentServiceRevisions": revision}));
}

/// Describes services, DRAINING and INACTIVE ones, too. Tags are there with include TAGS alone (ecs/services #17, #18).
pub(super) async fn describe(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let cluster = exchange.cluster_name();
    if list(&input, "services").len() > 10 {
        return TOO_MANY.refuse();
    }
    if texts(&input, "include").any(|word| word != "TAGS") {
        return WRONG_INCLUDE.refuse();
    }
    exchange.known_cluster(&cluster).await?;
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in texts(&input, "services") {
        let Some(mut service) = exchange.service(&cluster, name).await? else {
            let arn = exchange.ecs_arn(&format!("service/{cluster}/{}", last(name)));
            failures.push(json!({"arn": arn, "reason": "MISSING"}));
            continue;
        };
        if !exchange.includes("TAGS") {
            remove(&mut service, "tags");
        }
        services.push(service);
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// Lists ACTIVE services: a deleted one is gone at once (ecs/services #93, #162).
pub(super) async fn list_services(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let kinds = ["EC2", "FARGATE", "EXTERNAL", "FMI", "MANAGED_INSTANCES"];
    let asked = exchange.input()["launchType"].as_str();
    if asked.is_some_and(|asked| !kinds.contains(&asked)) {
        return LAUNCH_TYPE.refuse();
    }
    exchange.active_cluster(&exchange.cluster_name()).await?;
    pages::cut(exchange, &pages::SERVICES).await
}

/// Deletes a service: it is DRAINING from now on, its tasks are told to stop, and once more is no fault
/// (ecs/services #95, #156).
pub(super) async fn delete(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let cluster = exchange.cluster_name();
    exchange.active_cluster(&cluster).await?;
    let name = last(text(exchange.input(), "service")).to_owned();
    let Some(there) = exchange.service(&cluster, &name).await? else {
        return DELETE_NOT_FOUND.refuse();
    };
    match text(&there, "status") {
        "DRAINING" => return Ok(deleted(&there)),
        "INACTIVE" => return DELETE_NOT_FOUND.refuse(),
        _ => {}
    }
    if text(&there, "resourceManagementType") == "ECS" {
        return EXPRESS.refuse_naming(&[text(&there, "serviceArn")]);
    }
    let is_scaled = there["desiredCount"].as_u64().unwrap_or_default() > 0;
    if is_scaled && exchange.input()["force"] != true {
        return SCALED.refuse();
    }
    let operation = exchange.call.operation.clone();
    let input = exchange.input().clone();
    end(exchange, there, &operation, &input).await
}

/// Deletes a service that Express Mode made, and no other.
pub(super) async fn delete_express(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let arn = text(exchange.input(), "serviceArn").to_owned();
    let cluster = arn.rsplit('/').nth(1).unwrap_or("default").to_owned();
    exchange.active_cluster(&cluster).await?;
    let there = exchange.service(&cluster, &arn).await?;
    let Some(there) = there.filter(|there| text(there, "status") != "INACTIVE") else {
        return NOT_FOUND.refuse();
    };
    if text(&there, "resourceManagementType") != "ECS" {
        return NOT_EXPRESS.refuse_naming(&[&arn]);
    }
    // The AWS behind may know of no Express Mode.
    let input = json!({"cluster": cluster, "service": last(&arn), "force": true});
    end(exchange, there, "ecs:DeleteService", &input).await?;
    Ok(
        json!({"service": {"serviceArn": arn, "serviceName": last(&arn), "status": {"statusCode": "DRAINING"},
        "cluster": cluster}}),
    )
}

async fn end(
    exchange: &mut Exchange<'_>,
    there: Value,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    let arn = text(&there, "serviceArn").to_owned();
    let cluster = last(text(&there, "clusterArn")).to_owned();
    let name = text(&there, "serviceName").to_owned();
    let tasks = exchange.tasks_of(&cluster, &name).await?;
    for task in &tasks {
        let instances = exchange.instances_of(&there, task).await?;
        exchange.end_life(task, instances);
    }
    exchange.ask(operation, input).await?;
    exchange.begin_drain(&arn, !tasks.is_empty());
    exchange.state.deployments.end(&arn, exchange.clock);
    exchange.state.services_made.remove(&arn);
    let mut service = there;
    extend(
        &mut service,
        json!({"status": "DRAINING", "desiredCount": 0}),
    );
    Ok(deleted(&service))
}

/// Returns what DeleteService answers: no tags, no revisions, and less of the configuration (ecs/services #95, #156).
fn deleted(service: &Value) -> Value {
    let mut service = without(
        service,
        &[
            "tags",
            "currentServiceRevisions",
            "currentServiceDeployment",
        ],
    );
    let configuration = &mut service["deploymentConfiguration"];
    remove(configuration, "bakeTimeInMinutes");
    for member in ["resetOnHealthyTask", "thresholdConfiguration"] {
        remove(&mut configuration["deploymentCircuitBreaker"], member);
    }
    json!({"service": service})
}

impl Exchange<'_> {
    /// Answers CreateService of a name that is ACTIVE.
    fn again(&self, arn: &str) -> Result<Value, Refusal> {
        let Some(made) = self.state.services_made.get(arn) else {
            return NOT_IDEMPOTENT.refuse();
        };
        let compared = |input: &Value| {
            let mut input = without(input, &["tags"]);
            input["cluster"] = last(input["cluster"].as_str().unwrap_or("default")).into();
            input
        };
        let has_token = !self.input()["clientToken"].is_null();
        if has_token && compared(&made.input) == compared(self.input()) {
            return Ok(made.answer.clone());
        }
        NOT_IDEMPOTENT.refuse()
    }

    /// Describes a service by its name or ARN, with its tags, as far as its drain is.
    pub(super) async fn service(
        &mut self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<Value>, Refusal> {
        let input = json!({"cluster": cluster, "services": [last(name)], "include": ["TAGS"]});
        let answer = self.ask("ecs:DescribeServices", &input).await?;
        let Some(mut service) = list(&answer, "services").first().cloned() else {
            return Ok(None);
        };
        describe_made(self, &mut service);
        self.show_deployments(&mut service);
        default(&mut service, json!({"tags": []}));
        self.drain(&mut service);
        if text(&service, "status") == "INACTIVE" {
            // Everything but the events stays [ecs/services #193].
            service["events"] = json!([]);
        }
        Ok(Some(service))
    }

    /// Refuses a cluster that there never was.
    pub(super) async fn known_cluster(&self, name: &str) -> Result<Value, Refusal> {
        let there = self.cluster(name).await?;
        there.ok_or_else(|| super::clusters::NOT_FOUND.refusal())
    }

    /// Returns the instances that a task of a service has in its registries.
    async fn instances_of(
        &self,
        service: &Value,
        task: &Value,
    ) -> Result<Vec<(String, Value)>, Refusal> {
        let mut found = Vec::new();
        for registry in list(service, "serviceRegistries") {
            let id = last(text(registry, "registryArn"));
            for instance in self.instances(id).await? {
                if text(&instance, "Id") == last(text(task, "taskArn")) {
                    found.push((id.to_owned(), instance));
                }
            }
        }
        Ok(found)
    }
}
