//! An account of the local AWS that belongs to one test.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::Region;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, LaunchType, NetworkConfiguration,
    NetworkMode,
};
use fake_aws::FakeAws;
use serde_json::{Value, json};

use super::local_aws::{root_config, rules};

/// Returns twelve digits that no other account of this test binary has.
fn next_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(200_000_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// An account of its own, seen as its root user.
#[derive(Debug)]
pub struct TestAccount {
    /// The name in the configuration and in paths.
    pub name: &'static str,
    /// Twelve digits that no other test has.
    pub id: String,
    /// Containers that name no log log to a group of the account.
    logs: bool,
    config: aws_config::SdkConfig,
}

impl TestAccount {
    /// A new account.
    pub fn new(name: &'static str) -> Self {
        Self::of(name, next_id())
    }

    /// The account of that number.
    pub fn of(name: &'static str, id: String) -> Self {
        Self::of_memory(&rules().beside(), name, id)
    }

    /// The account of that number on another local AWS.
    pub fn at(endpoint: &str, name: &'static str, id: String) -> Self {
        let config = root_config(&id, endpoint);
        Self {
            name,
            id,
            logs: false,
            config,
        }
    }

    /// A new account of an AWS in memory.
    pub fn in_memory(aws: &FakeAws, name: &'static str) -> Self {
        Self::of_memory(aws, name, next_id())
    }

    /// The account of that number of an AWS in memory.
    pub fn of_memory(aws: &FakeAws, name: &'static str, id: String) -> Self {
        let config = aws.sdk_config(&id);
        Self {
            name,
            id,
            logs: false,
            config,
        }
    }

    /// The same, with a log group for each cluster.
    pub fn with_logs(self) -> Self {
        Self { logs: true, ..self }
    }

    /// The same account, seen through another AWS or another process.
    pub fn again(&self, account: Self) -> Self {
        Self {
            logs: self.logs,
            ..account
        }
    }

    /// The account's entry in the configuration: every value is recognisably this account's.
    pub fn settings(&self) -> Value {
        let Self { id, .. } = self;
        super::leaks::keep_secret(&format!("external-{id}"));
        let logs = json!({"group": "/ecs/{cluster}", "retentionInDays": 30});
        json!({
            "logs": if self.logs { logs } else { Value::Null },
            "roleArn": format!("arn:aws:iam::{id}:role/ecs-api"),
            "externalId": format!("external-{id}"),
            "region": "us-east-1",
            "defaultSubnets": [self.subnet()],
            "defaultSgs": [self.security_group()],
            "defaultExecutionRoleArn": self.execution_role(),
        })
    }

    pub fn subnet(&self) -> String {
        format!("subnet-{}", self.id)
    }

    pub fn security_group(&self) -> String {
        format!("sg-{}", self.id)
    }

    pub fn execution_role(&self) -> String {
        format!("arn:aws:iam::{}:role/ecsTaskExecutionRole", self.id)
    }

    pub fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.config)
    }

    pub fn discovery(&self) -> aws_sdk_servicediscovery::Client {
        aws_sdk_servicediscovery::Client::new(&self.config)
    }

    /// Makes a private DNS namespace and answers its id.
    pub async fn namespace(&self) -> String {
        self.namespace_named("demo.internal").await
    }

    /// Makes a private DNS namespace of this name and answers its id.
    pub async fn namespace_named(&self, name: &str) -> String {
        let namespace = self
            .discovery()
            .create_private_dns_namespace()
            .name(name)
            .vpc("vpc-1");
        self.made_by(namespace.send().await.unwrap().operation_id().unwrap())
            .await
    }

    /// The id of what an operation of Cloud Map has made.
    pub async fn made_by(&self, operation_id: &str) -> String {
        let operation = self
            .discovery()
            .get_operation()
            .operation_id(operation_id)
            .send()
            .await
            .unwrap();
        let targets = operation.operation().unwrap().targets().unwrap();
        targets.values().next().unwrap().clone()
    }

    /// A client of CloudWatch Logs in any region.
    pub fn logs(&self, region: &str) -> aws_sdk_cloudwatchlogs::Client {
        let config = self
            .config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .build();
        aws_sdk_cloudwatchlogs::Client::new(&config)
    }

    /// Makes the cluster `myclu`, and the task definition `web:1` with the container `app`.
    pub async fn furnish(&self) {
        self.ecs()
            .create_cluster()
            .cluster_name("myclu")
            .send()
            .await
            .unwrap();
        let web = self.task_definition("web", "app");
        web.send().await.unwrap();
    }

    /// Lets the cluster `myclu` have Fargate's own capacity providers.
    pub async fn associate_fargate(&self) {
        self.ecs()
            .put_cluster_capacity_providers()
            .cluster("myclu")
            .capacity_providers("FARGATE")
            .capacity_providers("FARGATE_SPOT")
            .set_default_capacity_provider_strategy(Some(Vec::new()))
            .send()
            .await
            .unwrap();
    }

    /// Returns the call that registers a revision for Fargate, of one container.
    pub fn task_definition(
        &self,
        family: &str,
        container: &str,
    ) -> RegisterTaskDefinitionFluentBuilder {
        let container = ContainerDefinition::builder()
            .name(container)
            .image("nginx:alpine")
            .build();
        self.ecs()
            .register_task_definition()
            .family(family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu("256")
            .memory("512")
            .container_definitions(container)
    }

    /// The network that the account's tasks are in.
    pub fn network(&self) -> NetworkConfiguration {
        let network = AwsVpcConfiguration::builder()
            .subnets(self.subnet())
            .security_groups(self.security_group())
            .build()
            .expect("subnets are all that is required");
        NetworkConfiguration::builder()
            .awsvpc_configuration(network)
            .build()
    }

    /// Returns the call that makes a service of `web:1` on Fargate, without a task, in a furnished account's cluster.
    pub fn service(&self, name: impl Into<String>) -> CreateServiceFluentBuilder {
        let service = self
            .ecs()
            .create_service()
            .cluster("myclu")
            .service_name(name)
            .task_definition("web:1");
        service
            .desired_count(0)
            .launch_type(LaunchType::Fargate)
            .network_configuration(self.network())
    }

    /// The ids of the tasks that a furnished account's service has started, stopped ones at the end.
    pub async fn task_ids(&self, service: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for status in ["RUNNING", "STOPPED"] {
            let list = self
                .ecs()
                .list_tasks()
                .cluster("myclu")
                .service_name(service)
                .desired_status(status.into());
            let mut pages = list.into_paginator().items().send();
            while let Some(arn) = pages.next().await {
                ids.push(arn.unwrap().rsplit('/').next().unwrap().to_owned());
            }
        }
        ids
    }

    /// Puts events into a log stream that does not exist yet: milliseconds since 1970, and the message.
    pub async fn log(&self, region: &str, group: &str, stream: &str, events: &[(i64, &str)]) {
        let logs = self.logs(region);
        // The group is there already where another stream of it is.
        let _ = logs.create_log_group().log_group_name(group).send().await;
        logs.create_log_stream()
            .log_group_name(group)
            .log_stream_name(stream)
            .send()
            .await
            .unwrap();
        let event = |(time, text): &(i64, &str)| {
            InputLogEvent::builder()
                .timestamp(*time)
                .message(*text)
                .build()
        };
        let events = events.iter().map(|each| event(each).unwrap()).collect();
        let put = logs
            .put_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .set_log_events(Some(events));
        put.send().await.unwrap();
    }

    /// Everything in the account that a create makes: what a failed one must leave as it was.
    pub async fn inventory(&self) -> Vec<String> {
        let (ecs, mut found) = (self.ecs(), Vec::new());
        for cluster in ecs.list_clusters().send().await.unwrap().cluster_arns() {
            found.push(cluster.clone());
            let services = ecs.list_services().cluster(cluster).send().await.unwrap();
            found.extend_from_slice(services.service_arns());
        }
        let definitions = ecs.list_task_definitions().send().await.unwrap();
        found.extend_from_slice(definitions.task_definition_arns());
        let registries = self.discovery().list_services().send().await.unwrap();
        found.extend(
            registries
                .services()
                .iter()
                .map(|registry| registry.arn().unwrap().to_owned()),
        );
        let groups = self.logs("us-east-1").describe_log_groups().send().await;
        let groups = groups.unwrap().log_groups.unwrap_or_default();
        found.extend(groups.into_iter().filter_map(|group| group.arn));
        found.sort();
        found
    }
}
