//! The deployments of a service: each way to end, through the front door.

use std::time::Duration;

use fake_aws::Course;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

mod act;
mod foreign;
mod list;
mod show;
mod wait;

/// The path of the service `web`, and of its deployments.
const SERVICE: &str = "/nonprod/clusters/myclu/services/web";
const DEPLOYMENTS: &str = "/nonprod/clusters/myclu/services/web/deployments";

/// Returns the configuration of a circuit breaker that rolls back.
fn breaker() -> Value {
    json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}})
}

/// The function, and the service `web` that runs the first revision of its task definition since a day.
struct Deployed {
    app: ScriptedApp,
}

impl Deployed {
    async fn new(configuration: Value) -> Self {
        Self::with(configuration, 2).await
    }

    async fn with(configuration: Value, desired: u64) -> Self {
        let deployed = Self {
            app: ScriptedApp::new(),
        };
        let cluster = json!({"clusterName": "myclu"});
        deployed.ask("ecs:CreateCluster", &cluster).await;
        deployed.register("nginx:1", &json!([])).await;
        let service = json!({"cluster": "myclu", "serviceName": "web", "taskDefinition": "web:1",
            "desiredCount": desired, "launchType": "FARGATE", "deploymentConfiguration": configuration,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
        deployed.ask("ecs:CreateService", &service).await;
        sleep(Duration::from_hours(24)).await;
        deployed
    }

    async fn ask(&self, operation: &str, input: &Value) -> Value {
        self.app.aws.ask(MEMBER, operation, input).await.unwrap()
    }

    /// Registers the next revision of the task definition.
    async fn register(&self, image: &str, tags: &Value) {
        let web = json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "tags": tags,
            "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "app", "image": image}]});
        self.ask("ecs:RegisterTaskDefinition", &web).await;
    }

    /// Registers a revision, and deploys it; the number of the service revision.
    async fn deploy(&self, image: &str, course: Course) -> String {
        self.register(image, &json!([])).await;
        self.update(&json!({"taskDefinition": "web"}), course).await
    }

    /// Updates the service; the number of the service revision of its PRIMARY deployment.
    async fn update(&self, members: &Value, course: Course) -> String {
        self.app.aws.deployments_go(MEMBER, "web", course);
        let mut input = json!({"cluster": "myclu", "service": "web"});
        for (name, value) in members.as_object().unwrap() {
            input[name] = value.clone();
        }
        let updated = self.ask("ecs:UpdateService", &input).await;
        let id = updated["service"]["deployments"][0]["id"].as_str().unwrap();
        id.strip_prefix("ecs-svc/").unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Answer {
        self.app.send("GET", path, None, &json!({})).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.app.send("POST", path, None, body).await
    }

    async fn show(&self, id: &str) -> Value {
        self.get(&format!("{DEPLOYMENTS}/{id}")).await.expect(200)
    }

    async fn list(&self) -> Vec<Value> {
        let listed = self.get(DEPLOYMENTS).await.expect(200);
        listed.as_array().unwrap().clone()
    }

    /// Shows a deployment after some time.
    async fn after(&self, seconds: u64, id: &str) -> Value {
        sleep(Duration::from_secs(seconds)).await;
        self.show(id).await
    }
}

/// The state of a deployment, why, and whose revision runs.
fn ending(deployment: &Value) -> Value {
    json!([
        deployment["State"],
        deployment["Reason"],
        deployment["IsCurrent"]
    ])
}
