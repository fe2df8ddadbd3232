//! The AWS of the bench: in memory, with the rules of the tests, and a way to each call as long as it is told.

use std::io;

use fake_aws::{FakeAws, HUB, Server};
use serde_json::{Value, json};

/// The member account, `nonprod` in paths.
pub const MEMBER: &str = "111122223333";
/// The namespace of its registries.
pub const NAMESPACE: &str = "ns-y3uaw6neshhbev3f";
/// The role that the function assumes there, and the script too.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/ecs-api";
/// The log group of the services that are created.
const LOG_GROUP: &str = "/ecs/bench";
/// The token that opens the function of the bench, and no other.
const TOKEN: &str = "a-token-of-the-bench";
/// Its SHA-256.
const TOKEN_DIGEST: &str = "9e5ae7b1e7c4bbe60c442994153757ef5ff1b512aaffb917955d1921440374c3";

/// An AWS, and a door for other processes.
pub struct Aws {
    /// What is behind the door.
    pub fake: FakeAws,
    server: Server,
    queue_url: String,
}

impl Aws {
    /// Starts an AWS with the hub's table and queue, and the member's namespace.
    ///
    /// # Errors
    /// If this machine has no free port.
    pub fn start() -> io::Result<Self> {
        let fake = FakeAws::in_memory();
        fake.put_namespace(MEMBER, NAMESPACE, "example.internal");
        fake.put_table(HUB, "ecs-api-records", "id");
        let queue_url = fake.put_queue(HUB, "ecs-api-cleanup");
        let group = json!({"logGroupName": LOG_GROUP});
        fake.put(MEMBER, "logs:CreateLogGroup", &group)
            .map_err(|refusal| io::Error::other(refusal.message))?;
        let server = Server::start(fake.clone())?;
        Ok(Self {
            fake,
            server,
            queue_url,
        })
    }

    /// Returns the URL that takes the place of AWS's endpoints.
    pub fn endpoint(&self) -> &str {
        self.server.endpoint()
    }

    /// Returns the environment of a function that has this AWS.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment_at(self.endpoint())
    }

    /// Returns the environment of a function that reaches this AWS by another way.
    pub fn environment_at(&self, endpoint: &str) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("ECS_API_CONFIG", configuration().to_string()),
            ("ECS_API_CLEANUP_QUEUE_URL", self.queue_url.clone()),
            ("ECS_API_RECORDS_TABLE", "ecs-api-records".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Puts a cluster with this many services into the member account.
    ///
    /// # Panics
    /// Where something of these names is there already.
    pub fn put_services(&self, cluster: &str, count: usize) {
        let put = |operation: &str, input: &Value| {
            let done = self.fake.put(MEMBER, operation, input);
            done.unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
        };
        put("ecs:CreateCluster", &json!({"clusterName": cluster}));
        put(
            "ecs:RegisterTaskDefinition",
            &json!({"family": cluster, "cpu": "256", "memory": "512", "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "containerDefinitions": [{"name": "web", "image": "nginx:1.27", "essential": true}]}),
        );
        let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}});
        for number in 0..count {
            put(
                "ecs:CreateService",
                &json!({"cluster": cluster, "serviceName": format!("service-{number}"), "desiredCount": 0,
                    "taskDefinition": format!("{cluster}:1"), "launchType": "FARGATE", "networkConfiguration": network}),
            );
        }
    }
}

fn configuration() -> Value {
    json!({
        "accounts": {"nonprod": {
            "roleArn": ROLE, "region": "us-east-1",
            "defaultSubnets": ["subnet-0a1b2c3d"], "defaultSgs": ["sg-0a1b2c3d"],
            "defaultExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        }},
        "callers": [{"name": "bench", "tokenSha256": TOKEN_DIGEST, "grants": [{"accounts": ["*"], "access": "write"}]}],
        "logLevel": "info",
    })
}

/// Returns the event of a request below `/v1/ecs`, as an HTTP API sends it.
pub fn event(method: &str, path: &str, body: &Value) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = format!("/v1/ecs{path}");
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"authorization": format!("Bearer {TOKEN}"), "host": "api.example.com", "accept": "*/*"},
        "requestContext": {"accountId": HUB, "apiId": "a1b2c3d4e5", "domainName": "api.example.com",
            "domainPrefix": "api", "requestId": "UvBqSjGeIAMEJ6A=", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:14:08:06 +0000", "timeEpoch": 1_795_356_486_000_u64,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "bench"}},
        "body": if body.is_null() { Value::Null } else { body.to_string().into() },
        "isBase64Encoded": false,
    })
}

/// Returns the body of an orchestrated create of a cluster, a task definition, a registry and a service of this name.
pub fn create(name: &str) -> Value {
    json!({
        "cluster": {"clusterName": name},
        "taskDefinition": {"family": name, "cpu": "256", "memory": "512",
            "containerDefinitions": [{"name": "web", "image": "nginx:1.27", "ports": [80], "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": LOG_GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}}}]},
        "serviceRegistry": {"name": name, "dnsConfig": {"namespaceId": NAMESPACE,
            "dnsRecords": [{"ttl": 30, "type": "A"}]}},
        "service": {"serviceName": name, "desiredCount": 0},
    })
}
