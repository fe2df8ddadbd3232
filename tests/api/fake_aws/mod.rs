//! The AWS of the tests itself, asked by real SDK clients: what real AWS was seen to answer.

mod captured;
mod clusters;
mod deployments;
mod records;
mod script;
mod services;
mod sessions;

use fake_aws::FakeAws;
use serde_json::{Value, json};

/// The account that these tests ask.
const ACCOUNT: &str = "111122223333";

/// An AWS in memory, and clients of one of its accounts.
struct Clients {
    aws: FakeAws,
    ecs: aws_sdk_ecs::Client,
}

impl Clients {
    fn new() -> Self {
        let aws = FakeAws::in_memory();
        let ecs = aws_sdk_ecs::Client::new(&aws.sdk_config(ACCOUNT));
        Self { aws, ecs }
    }

    /// Makes the cluster `myclu` and the task definition `web:1`, of Fargate.
    async fn furnished() -> Self {
        let asked = Self::new();
        let made = asked.ecs.create_cluster().cluster_name("myclu").send();
        made.await.unwrap();
        let web = json!({"family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "app", "image": "nginx"}]});
        asked
            .aws
            .put(ACCOUNT, "ecs:RegisterTaskDefinition", &web)
            .unwrap();
        asked
    }
}

/// Returns the code and message of a refusal.
fn refusal<T, E>(answer: Result<T, aws_sdk_ecs::error::SdkError<E>>) -> Value
where
    E: aws_sdk_ecs::error::ProvideErrorMetadata,
    T: std::fmt::Debug,
{
    let error = answer.unwrap_err();
    let error = error.as_service_error().expect("AWS refused");
    json!([error.code(), error.message()])
}
