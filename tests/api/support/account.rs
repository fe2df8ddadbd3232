//! An account of the local AWS that belongs to one test.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::local_aws::{endpoint, root_config};

/// An account of its own, seen as its root user.
#[derive(Debug)]
pub struct TestAccount {
    /// The name in the configuration and in paths.
    pub name: &'static str,
    /// Twelve digits that no other test has.
    pub id: String,
    config: aws_config::SdkConfig,
}

impl TestAccount {
    /// A new account.
    pub fn new(name: &'static str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(200_000_000_000);
        Self::of(name, NEXT.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// The account of that number.
    pub fn of(name: &'static str, id: String) -> Self {
        let config = root_config(&id, endpoint());
        Self { name, id, config }
    }

    /// The account's entry in the configuration: every value is recognisably this account's.
    pub fn settings(&self) -> Value {
        let Self { id, .. } = self;
        json!({
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
        let discovery = self.discovery();
        let made = discovery.create_private_dns_namespace().name("demo.internal").vpc("vpc-1").send().await.unwrap();
        let operation = discovery.get_operation().operation_id(made.operation_id().unwrap()).send().await.unwrap();
        let targets = operation.operation().unwrap().targets().unwrap();
        targets.values().next().unwrap().clone()
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
        found.extend(registries.services().iter().map(|registry| registry.arn().unwrap().to_owned()));
        found.sort();
        found
    }
}
