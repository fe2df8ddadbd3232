//! The rules of real AWS that emulators do not keep: what it refuses, leaves out of its answers, or takes its time for.
//! They are a layer in front of either AWS that a test may have.
//!
//! Each rule has its source beside it: `ecs/services #14` is a call of the captures of real AWS that the public
//! repository <https://github.com/radkawar/stackd> keeps below `testdata/aws`; else an URL, or the thread where it was
//! seen.

pub(crate) mod cloud_map;
pub(crate) mod clusters;
mod deployments;
mod fargate;
pub(crate) mod filter_pattern;
mod iam;
mod lifecycle;
pub(crate) mod logs;
mod new_service;
mod pages;
pub(crate) mod parameters;
pub(crate) mod queues;
mod roles;
mod run_task;
pub(crate) mod services;
mod sts;
pub(crate) mod tables;
mod tags;
pub(crate) mod task_definitions;
pub(crate) mod tasks;
mod update_service;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answer::{ASSUME_ROLE, Refusal};
use crate::behind::Behind;
use crate::call::Call;
use crate::circumstances::Circumstances;
use crate::clock::Clock;
use crate::value::{last, list};

/// The facts to remember of an account in a region, since no answer tells them.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The inputs that made clusters, by name.
    cluster_inputs: BTreeMap<String, Value>,
    /// The inputs and answers of CreateService, by the service's ARN.
    services_made: BTreeMap<String, services::Creation>,
    /// The inputs of RunTask and the tasks that they started, by cluster and token.
    tasks_run: BTreeMap<(String, String), run_task::Run>,
    /// Services that were deleted, by ARN.
    drains: BTreeMap<String, lifecycle::Drain>,
    /// The lives of tasks, by ARN.
    lives: BTreeMap<String, lifecycle::Life>,
    /// The service deployments and revisions.
    deployments: crate::deployments::Deployments,
    /// Ids of registries that were deleted, by namespace and name.
    registry_ids: BTreeMap<(String, String), String>,
    /// The number of times that events of a log stream were asked for.
    log_reads: u64,
}

/// A call on its way through the rules.
pub(crate) struct Exchange<'e> {
    pub(crate) call: &'e Call,
    pub(crate) state: &'e mut State,
    pub(crate) circumstances: Circumstances,
    pub(crate) behind: Behind<'e>,
    pub(crate) clock: &'e Clock,
}

impl Exchange<'_> {
    /// Answers the call.
    pub(crate) async fn answer(&mut self) -> Result<Value, Refusal> {
        let call = self.call;
        match call.operation.as_str() {
            "ecs:CreateCluster" => clusters::create(self).await,
            "ecs:DescribeClusters" => clusters::describe(self).await,
            "ecs:ListClusters" => pages::cut(self, &pages::CLUSTERS).await,
            "ecs:ListAccountSettings" => Ok(iam::list_account_settings(self)),
            "iam:SimulatePrincipalPolicy" => iam::simulate(self),
            "ecs:DeleteCluster" => clusters::delete(self).await,
            "ecs:TagResource" => tags::tag(self).await,
            "ecs:ListTagsForResource" => tags::list(self).await,
            "ecs:RegisterTaskDefinition" => task_definitions::register(self).await,
            "ecs:DescribeTaskDefinition" => task_definitions::describe(self).await,
            "ecs:DeregisterTaskDefinition" => task_definitions::deregister(self).await,
            "ecs:DeleteTaskDefinitions" => task_definitions::delete(self).await,
            "ecs:ListTaskDefinitions" => pages::cut(self, &pages::TASK_DEFINITIONS).await,
            "ecs:ListTaskDefinitionFamilies" => pages::cut(self, &pages::FAMILIES).await,
            "ecs:CreateService" => services::create(self).await,
            "ecs:DescribeServices" => services::describe(self).await,
            "ecs:ListServices" => services::list_services(self).await,
            "ecs:UpdateService" => update_service::update(self).await,
            "ecs:DeleteService" => services::delete(self).await,
            "ecs:DeleteExpressGatewayService" => services::delete_express(self).await,
            "ecs:ListServiceDeployments" => deployments::list_deployments(self).await,
            "ecs:DescribeServiceDeployments" => deployments::describe(self).await,
            "ecs:DescribeServiceRevisions" => deployments::describe_revisions(self).await,
            "ecs:StopServiceDeployment" => deployments::stop(self),
            "ecs:ContinueServiceDeployment" => deployments::resume(self),
            "ecs:RunTask" => run_task::run(self).await,
            "ecs:DescribeTasks" => tasks::describe(self).await,
            "ecs:ListTasks" => tasks::list_tasks(self).await,
            "ecs:StopTask" => tasks::stop(self).await,
            "servicediscovery:CreateService" => cloud_map::create(self).await,
            "servicediscovery:DeleteService" => cloud_map::delete(self).await,
            "servicediscovery:ListServices" => pages::cut(self, &pages::REGISTRIES).await,
            "servicediscovery:ListInstances" => cloud_map::list_instances(self).await,
            "servicediscovery:DeregisterInstance" => cloud_map::deregister(self).await,
            "servicediscovery:GetNamespace" => cloud_map::get_namespace(self).await,
            "servicediscovery:TagResource" => cloud_map::tag(self).await,
            "logs:GetLogEvents" => logs::get_events(self).await,
            "logs:FilterLogEvents" => logs::filter_events(self).await,
            "logs:PutLogEvents" => logs::put_events(self).await,
            "sqs:SendMessage" => queues::send(self).await,
            ASSUME_ROLE => sts::assume(self).await,
            operation => self.ask(operation, &call.input).await,
        }
    }

    /// Asks the AWS behind the rules.
    pub(crate) async fn ask(&self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        self.behind.ask(self.call, operation, input).await
    }

    /// Passes the call on as it came.
    pub(crate) async fn pass(&self) -> Result<Value, Refusal> {
        self.ask(&self.call.operation, &self.call.input).await
    }

    /// Returns what was sent.
    pub(crate) fn input(&self) -> &Value {
        &self.call.input
    }

    /// Returns the name of the cluster that the call is for.
    pub(crate) fn cluster_name(&self) -> String {
        last(self.call.input["cluster"].as_str().unwrap_or("default")).to_owned()
    }

    /// Describes a cluster, whatever its status, with its tags and settings.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let include = json!([
            "ATTACHMENTS",
            "CONFIGURATIONS",
            "SETTINGS",
            "STATISTICS",
            "TAGS"
        ]);
        let input = json!({"clusters": [last(name)], "include": include});
        let answer = self.ask("ecs:DescribeClusters", &input).await?;
        Ok(list(&answer, "clusters").first().cloned())
    }

    /// Returns an ARN in ECS of this account and region.
    pub(crate) fn ecs_arn(&self, resource: &str) -> String {
        self.call.arn("ecs", resource)
    }
}
