//! Service deployments and service revisions. No AWS behind knows them: they are answered here.

use serde_json::{Value, json};

use super::{Exchange, pages};
use crate::answer::{Refusal, Rule};
use crate::deployments::{Begin, Course, Stop, Unwilling};
use crate::value::{has, list, text, texts};

const NO_SERVICE: Rule = Rule::new(
    "InvalidParameterException",
    "The Service ARN provided is invalid.",
    "[ecs/service_revisions #2, #3]",
);
const INVALID_REVISION: Rule = Rule::new(
    "InvalidParameterException",
    "The ServiceRevision ARN is invalid.",
    "[ecs/service_revisions #14, #15, #16]",
);
const TOO_MANY_REVISIONS: Rule = Rule::new(
    "InvalidParameterException",
    "Service Revision ARN count cannot exceed 20",
    "[ecs/service_revisions #5]",
);
const CROSS_SERVICE_REVISIONS: Rule = Rule::new(
    "InvalidParameterException",
    "Cross service requests are not allowed. All requested service revisions must be for a single service",
    "[ecs/service_revisions #20]",
);
const TWICE: Rule = Rule {
    status: 500,
    ..Rule::new(
        "ServerException",
        "Service Unavailable. Please try again later.",
        "[ecs/service_revisions #10, #21]",
    )
};
const INACTIVE_CLUSTER: Rule = Rule::new(
    "ClusterNotFoundException",
    "The referenced cluster was inactive.",
    "[ecs/service_revisions #1]",
);
/// The words were not seen; those of revisions were.
const INVALID_DEPLOYMENT: Rule = Rule::new(
    "InvalidParameterException",
    "The ServiceDeployment ARN is invalid.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html",
);
/// The words were not seen; those of revisions were.
const TOO_MANY_DEPLOYMENTS: Rule = Rule::new(
    "InvalidParameterException",
    "Service Deployment ARN count cannot exceed 20",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html",
);
/// The words were not seen; those of revisions were.
const CROSS_SERVICE_DEPLOYMENTS: Rule = Rule::new(
    "InvalidParameterException",
    "Cross service requests are not allowed. All requested service deployments must be for a single service",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html",
);
/// The words were not seen.
const NOT_FOUND: Rule = Rule::new(
    "ServiceDeploymentNotFoundException",
    "The service deploy ARN that you specified in the StopServiceDeployment doesn't exist.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html",
);
/// The words are those of the documentation.
const IS_OVER: Rule = Rule::new(
    "ConflictException",
    "The request could not be processed because of conflict in the current state of the resource.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html",
);
/// The words were not seen.
const NO_SUCH_PAUSE: Rule = Rule::new(
    "InvalidParameterException",
    "The service deployment has no lifecycle hook {} that awaits an action.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html",
);
/// The words were not seen.
const WRONG_STATUS: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid service deployment status {}",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html",
);
/// The words were not seen.
const WRONG_CHOICE: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid value {}",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html",
);

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>
const STATUSES: [&str; 9] = [
    "PENDING",
    "SUCCESSFUL",
    "STOPPED",
    "STOP_REQUESTED",
    "IN_PROGRESS",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
];

/// The most ARNs of one call.
const ARNS_MAX: usize = 20;

/// Lists the deployments of a service, newest first.
pub(super) async fn list_deployments(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    pages::check(exchange, &pages::DEPLOYMENTS)?;
    let input = exchange.input().clone();
    let mut statuses = texts(&input, "status");
    if let Some(wrong) = statuses.find(|status| !STATUSES.contains(status)) {
        return WRONG_STATUS.refuse_naming(&[wrong]);
    }
    let cluster = exchange.cluster_name();
    exchange.known_cluster(&cluster).await?;
    let Some(service) = exchange.service(&cluster, text(&input, "service")).await? else {
        return super::services::NOT_FOUND.refuse();
    };
    let arn = text(&service, "serviceArn");
    let mut found = exchange.state.deployments.list(arn, exchange.clock);
    found.retain(|brief| is_asked_for(brief, &input));
    pages::page(
        exchange,
        &pages::DEPLOYMENTS,
        json!({"serviceDeployments": found}),
    )
}

fn is_asked_for(brief: &Value, input: &Value) -> bool {
    let created_at = brief["createdAt"].as_f64().unwrap_or_default();
    let bound = |name: &str| input["createdAt"][name].as_f64();
    (list(input, "status").is_empty() || has(input, "status", text(brief, "status")))
        && bound("after").is_none_or(|after| created_at > after)
        && bound("before").is_none_or(|before| created_at < before)
}

/// A kind of thing that is asked for by ARNs.
struct Kind {
    member: &'static str,
    resource: &'static str,
    invalid: Rule,
    too_many: Rule,
    cross_service: Rule,
}

const REVISIONS: Kind = Kind {
    member: "serviceRevisionArns",
    resource: "service-revision",
    invalid: INVALID_REVISION,
    too_many: TOO_MANY_REVISIONS,
    cross_service: CROSS_SERVICE_REVISIONS,
};

const DEPLOYMENTS: Kind = Kind {
    member: "serviceDeploymentArns",
    resource: "service-deployment",
    invalid: INVALID_DEPLOYMENT,
    too_many: TOO_MANY_DEPLOYMENTS,
    cross_service: CROSS_SERVICE_DEPLOYMENTS,
};

/// Describes deployments of one service.
pub(super) async fn describe(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let service = exchange.service_of(&DEPLOYMENTS).await?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in texts(&exchange.call.input, DEPLOYMENTS.member) {
        let deployments = &mut exchange.state.deployments;
        match deployments.describe(&service, arn, exchange.clock) {
            Some(deployment) => found.push(deployment),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

/// Describes revisions of one service. One that is there and asked for twice makes ECS fail.
pub(super) async fn describe_revisions(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let service = exchange.service_of(&REVISIONS).await?;
    let (mut found, mut failures) = (Vec::<Value>::new(), Vec::new());
    for arn in texts(&exchange.call.input, REVISIONS.member) {
        let deployments = &mut exchange.state.deployments;
        match deployments.describe_revision(&service, arn, exchange.clock) {
            Some(revision) if found.contains(&revision) => return TWICE.refuse(),
            Some(revision) => found.push(revision),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}

/// Stops a deployment.
pub(super) fn stop(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let arn = text(&input, "serviceDeploymentArn");
    let (service, _) = exchange.parse(arn, &DEPLOYMENTS)?;
    let stop = match input["stopType"].as_str() {
        None | Some("ROLLBACK") => Stop::Rollback,
        Some("ABORT") => Stop::Abort,
        Some(other) => return WRONG_CHOICE.refuse_naming(&[other]),
    };
    let deployments = &mut exchange.state.deployments;
    let stopped = deployments.stop(&service, arn, stop, exchange.clock);
    willing(stopped, "")?;
    Ok(json!({"serviceDeploymentArn": arn}))
}

/// Continues a deployment that is paused at a lifecycle hook, or rolls it back.
pub(super) fn resume(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let arn = text(&input, "serviceDeploymentArn");
    let (service, _) = exchange.parse(arn, &DEPLOYMENTS)?;
    let action = input["action"].as_str().unwrap_or("CONTINUE");
    if !["CONTINUE", "ROLLBACK"].contains(&action) {
        return WRONG_CHOICE.refuse_naming(&[action]);
    }
    let hook = text(&input, "hookId");
    let deployments = &mut exchange.state.deployments;
    let resumed = deployments.resume(&service, arn, (hook, action), exchange.clock);
    willing(resumed, hook)?;
    Ok(json!({"serviceDeploymentArn": arn}))
}

fn willing(done: Option<Result<(), Unwilling>>, hook: &str) -> Result<(), Refusal> {
    match done {
        None => NOT_FOUND.refuse(),
        Some(Ok(())) => Ok(()),
        Some(Err(Unwilling::IsOver)) => IS_OVER.refuse(),
        Some(Err(Unwilling::HasNoSuchPause)) => NO_SUCH_PAUSE.refuse_naming(&[hook]),
    }
}

impl Exchange<'_> {
    /// Takes an ARN apart: that of the service, and the cluster's name.
    fn parse(&self, arn: &str, kind: &Kind) -> Result<(String, String), Refusal> {
        let own = self.ecs_arn(kind.resource);
        let rest = arn
            .strip_prefix(&own)
            .and_then(|rest| rest.strip_prefix('/'));
        let parts: Vec<_> = rest.map_or(Vec::new(), |rest| rest.split('/').collect());
        let [cluster, service, id] = parts[..] else {
            let rule = if arn.starts_with("arn:") {
                kind.invalid
            } else {
                NO_SERVICE
            };
            return rule.refuse();
        };
        let is_number = id.bytes().all(|digit| digit.is_ascii_digit());
        if kind.resource == REVISIONS.resource && !is_number {
            return kind.invalid.refuse();
        }
        let service = self.ecs_arn(&format!("service/{cluster}/{service}"));
        Ok((service, cluster.to_owned()))
    }

    /// Returns the ARN of the one service that all ARNs of a call are of.
    async fn service_of(&mut self, kind: &Kind) -> Result<String, Refusal> {
        let call = self.call;
        let arns: Vec<_> = texts(&call.input, kind.member).collect();
        if arns.len() > ARNS_MAX {
            return kind.too_many.refuse();
        }
        let Some(first) = arns.first() else {
            return NO_SERVICE.refuse();
        };
        let (service, cluster) = self.parse(first, kind)?;
        for arn in &arns {
            let (other, _) = self.parse(arn, kind)?;
            if other != service {
                return kind.cross_service.refuse();
            }
        }
        let there = self.known_cluster(&cluster).await?;
        if text(&there, "status") != "ACTIVE" {
            return INACTIVE_CLUSTER.refuse();
        }
        match self.service(&cluster, &service).await? {
            Some(_) => Ok(service),
            None => super::services::NOT_FOUND.refuse(),
        }
    }

    /// Begins the deployment of a service as it is now.
    pub(super) async fn begin_deployment(&mut self, service: &Value) -> Result<(), Refusal> {
        if !is_rolled_out_by_ecs(service) {
            return Ok(());
        }
        let name = text(service, "taskDefinition");
        let input = json!({"taskDefinition": name});
        let described = self.ask("ecs:DescribeTaskDefinition", &input).await?;
        let definition = &described["taskDefinition"];
        let chosen = self.circumstances.courses.get(text(service, "serviceName"));
        let course = chosen.cloned().unwrap_or_else(|| usual_course(definition));
        let begin = Begin {
            service,
            task_definition: definition,
            course,
            times: self.circumstances.deployments,
        };
        self.state.deployments.begin(begin, self.clock);
        Ok(())
    }

    /// Notes an update of a service, which may ask for a deployment.
    pub(super) async fn update_deployments(
        &mut self,
        before: &Value,
        updated: &Value,
    ) -> Result<(), Refusal> {
        if !is_rolled_out_by_ecs(updated) {
            return Ok(());
        }
        self.state.deployments.adopt(before);
        let desired = updated["desiredCount"].as_u64().unwrap_or_default();
        let arn = text(updated, "serviceArn");
        self.state.deployments.scale(arn, desired);
        if self.state.deployments.asks_for_one(updated, self.input()) {
            self.begin_deployment(updated).await?;
        }
        Ok(())
    }

    /// Writes what is known of a service's deployments over what the AWS behind says.
    pub(super) fn show_deployments(&mut self, service: &mut Value) {
        self.state.deployments.show_in(service, self.clock);
    }
}

/// Returns `true` if a service's deployments are ECS's own, and not CodeDeploy's or somebody else's task sets.
fn is_rolled_out_by_ecs(service: &Value) -> bool {
    let controller = &service["deploymentController"]["type"];
    controller.is_null() || *controller == "ECS"
}

/// Returns what becomes of a deployment that no test has chosen the course of: no registry has the tag `broken`.
fn usual_course(definition: &Value) -> Course {
    let containers = list(definition, "containerDefinitions").iter();
    let is_broken = |container: &Value| text(container, "image").ends_with(":broken");
    if containers.into_iter().any(is_broken) {
        Course::TasksFail
    } else {
        Course::Succeeds
    }
}
