//! The AWS of an input: what its account holds, and what becomes of calls.

use fake_aws::{FakeAws, Fault as Met, Refusal};
use serde_json::json;

use super::script::{Back, Fault, Script};

/// The account of `nonprod`.
pub const ACCOUNT: &str = "111122223333";
/// The registry and the task that the documentation names are the first ones that are made.
const REGISTRY: &str =
    "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-tvtbgvkkxtts3qlf";
const STREAM: &str = "webapp/webserver/0123456789abcdef0123456789abcdef";

/// Makes the AWS of a script, with the namespace that the documentation names.
pub fn of(script: &Script) -> FakeAws {
    let aws = FakeAws::in_memory();
    aws.set_uneven_latency();
    aws.put_namespace(ACCOUNT, "ns-y3uaw6neshhbev3f", "example");
    if script.is_furnished {
        furnish(&aws);
    }
    // A service is DRAINING for longer than its tasks take.
    aws.circumstances(ACCOUNT, |account| {
        account.stops_after = script.drains_in * 2 / 3;
        account.drains_on = script.drains_in / 3;
    });
    for fault in &script.faults {
        let calls = aws.on(&fault.operation);
        let calls = if fault.is_lasting {
            calls
        } else {
            calls.once()
        };
        calls.meets(met(fault));
    }
    aws
}

/// Puts in what the documentation's bodies make.
fn furnish(aws: &FakeAws) {
    let logs = json!({"logDriver": "awslogs", "options": {"awslogs-group": "myclu", "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "webapp"}});
    let container = json!({"name": "webserver", "image": "nginx:alpine", "logConfiguration": logs});
    let family = json!({"family": "mytaskdef", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "compatibilities": ["EC2", "FARGATE"],
        "executionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole", "containerDefinitions": [container]});
    let registry = json!({"Name": "www", "NamespaceId": "ns-y3uaw6neshhbev3f",
        "DnsConfig": {"DnsRecords": [{"TTL": 30, "Type": "A"}]}});
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]}});
    let service = json!({"cluster": "myclu", "serviceName": "webapp", "taskDefinition": "mytaskdef", "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": network, "serviceRegistries": [{"registryArn": REGISTRY}]});
    let stream = json!({"logGroupName": "myclu", "logStreamName": STREAM});
    let events = json!({"logGroupName": "myclu", "logStreamName": STREAM,
        "logEvents": [{"timestamp": 1, "message": "hello"}]});
    for (operation, input) in [
        ("ecs:CreateCluster", json!({"clusterName": "myclu"})),
        ("ecs:RegisterTaskDefinition", family),
        ("servicediscovery:CreateService", registry),
        ("ecs:CreateService", service),
        ("logs:CreateLogGroup", json!({"logGroupName": "myclu"})),
        ("logs:CreateLogStream", stream),
        ("logs:PutLogEvents", events),
    ] {
        let put = aws.put(ACCOUNT, operation, &input);
        put.expect("nothing is in the way in an empty account");
    }
}

/// Returns what a call meets, in the words of the tests' AWS.
fn met(fault: &Fault) -> Met {
    let met = match &fault.back {
        Back::Answer => Met::delay(fault.after),
        Back::Reset => Met::reset(),
        Back::Silence => Met::silence(),
        // A refusal is `Code: message` where it is not written out.
        Back::Words(status, words)
            if *status < 400 || words.is_empty() || words.starts_with(['{', '<']) =>
        {
            Met::body(*status, words.as_str())
        }
        Back::Words(status, words) => {
            let (code, message) = words.split_once(": ").unwrap_or((words, "no"));
            Met::refusal(Refusal::of(code.to_owned(), message.to_owned()).status(*status))
        }
    };
    let met = if fault.is_done { met.after_work() } else { met };
    met.after(fault.after)
}
