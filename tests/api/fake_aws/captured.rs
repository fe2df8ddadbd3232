//! The cases that real AWS was seen to refuse, asked of the AWS of the tests: it answers them word for word.

use std::collections::BTreeSet;
use std::time::Duration;

use fake_aws::FakeAws;
use serde_json::{Value, json};

use super::ACCOUNT;

/// The cases that are not asked here: the function does not call the operation, a test scripts the policy's refusal, or
/// `records.rs` asks the condition of `DynamoDB`.
const NOT_ASKED: [(&str, &str); 15] = [
    ("DynamoDB BatchWriteItem", ""),
    ("ECS StartTask", ""),
    ("ECS UpdateCluster", ""),
    ("ECS UpdateClusterSettings", ""),
    ("ECS UpdateService", "the role lacks the permission"),
    (
        "Logs DescribeLogGroups",
        "credentials that AWS does not know",
    ),
    ("Logs DescribeLogGroups", "denied by a session policy"),
    ("SQS ReceiveMessage", "denied"),
    ("SQS SendMessage", "denied"),
    ("SQS SendMessage", "the queue's KMS key"),
    ("SQS StartMessageMoveTask", ""),
    ("STS AssumeRole", "more than the role's MaxSessionDuration"),
    ("STS GetCallerIdentity", ""),
    ("DynamoDB PutItem", ""),
    ("DynamoDB UpdateItem", ""),
];

fn is_asked(case: &Value) -> bool {
    let operation = format!("{} {}", text(case, "service"), text(case, "operation"));
    let mut others = NOT_ASKED.iter();
    !others.any(|(other, situation)| {
        operation.starts_with(other) && text(case, "situation").starts_with(situation)
    })
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// Returns one object with the members of another in place of its own.
fn with(mut base: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().shift_remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

fn service(members: &Value) -> Value {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    let base = json!({"cluster": "CLUSTER", "serviceName": "SERVICE", "taskDefinition": "FAMILY", "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": network, "clientToken": "token-1"});
    with(base, members)
}

fn definition(members: &Value, container: &Value) -> Value {
    let container = with(json!({"name": "app", "image": "nginx"}), container);
    let base = json!({"family": "FAMILY", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [container]});
    with(base, members)
}

fn task(members: &Value) -> Value {
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}});
    let base = json!({"cluster": "CLUSTER", "taskDefinition": "FAMILY:1", "launchType": "FARGATE",
        "networkConfiguration": network, "clientToken": "token-1"});
    with(base, members)
}

/// Puts in the cluster CLUSTER, the revisions FAMILY:1 and FAMILY:2, the group GROUP and the stream STREAM.
async fn furnished() -> FakeAws {
    let aws = FakeAws::in_memory();
    for (operation, input) in [
        (
            "ecs:CreateCluster",
            json!({"clusterName": "CLUSTER", "tags": [{"key": "a", "value": "1"}]}),
        ),
        (
            "ecs:RegisterTaskDefinition",
            definition(&json!({}), &json!({})),
        ),
        (
            "ecs:RegisterTaskDefinition",
            definition(&json!({"taskRoleArn": ROLE}), &json!({})),
        ),
        ("logs:CreateLogGroup", json!({"logGroupName": "GROUP"})),
        (
            "logs:CreateLogStream",
            json!({"logGroupName": "GROUP", "logStreamName": "STREAM"}),
        ),
    ] {
        aws.ask(ACCOUNT, operation, &input).await.unwrap();
    }
    aws
}

const ROLE: &str = "arn:aws:iam::111122223333:role/ROLE";

/// Brings an AWS into a situation, and returns the input that it then refuses.
async fn bring(aws: &FakeAws, operation: &str, situation: &str) -> Option<Value> {
    match operation {
        "CreateService" | "UpdateService" | "DeleteService" | "DescribeServices"
        | "ListServices" => services(aws, operation, situation).await,
        "RegisterTaskDefinition" => registered(situation),
        "DescribeServiceRevisions" => Some(revisions(aws, situation).await),
        "RunTask" => run(aws, situation).await,
        _ if operation.contains("Log") => logs(situation),
        _ => others(aws, operation, situation).await,
    }
}

async fn services(aws: &FakeAws, operation: &str, situation: &str) -> Option<Value> {
    let no_cluster = situation.starts_with("no such cluster");
    let named =
        json!({"cluster": if no_cluster { "OTHER" } else { "CLUSTER" }, "service": "SERVICE"});
    if situation.contains("SERVICE") || !situation.starts_with("no such") {
        aws.ask(ACCOUNT, "ecs:CreateService", &service(&json!({})))
            .await
            .unwrap();
    }
    if situation.contains("DRAINING") {
        let delete = with(named.clone(), &json!({"force": true}));
        aws.ask(ACCOUNT, "ecs:DeleteService", &delete)
            .await
            .unwrap();
    }
    let is = |begin: &str| situation.starts_with(begin);
    let members = match operation {
        "UpdateService" if is("desiredCount -1") => json!({"desiredCount": -1}),
        "UpdateService" if is("maximumPercent") => {
            json!({"deploymentConfiguration": {"maximumPercent": 100}})
        }
        "DescribeServices" if is("an include") => {
            json!({"services": ["SERVICE"], "include": ["BOGUS"]})
        }
        "DescribeServices" => json!({"services": ["OTHER"]}),
        "ListServices" if is("launchType") => json!({"launchType": "BOGUS"}),
        "ListServices" if is("maxResults") => json!({"maxResults": 101}),
        "CreateService" => return new_service(situation),
        _ => json!({}),
    };
    Some(with(named, &members))
}

async fn revisions(aws: &FakeAws, situation: &str) -> Value {
    let is = |begin: &str| situation.starts_with(begin);
    let region = if is("another region") {
        "us-west-2"
    } else {
        "us-east-1"
    };
    if is("the cluster is deleted") {
        let delete = json!({"cluster": "CLUSTER"});
        let deleted = aws.ask(ACCOUNT, "ecs:DeleteCluster", &delete).await;
        deleted.unwrap();
    }
    let arn = format!("arn:aws:ecs:{region}:{ACCOUNT}:service-revision/CLUSTER/SERVICE/1");
    let count = if is("21 ARNs") { 21 } else { 1 };
    json!({"serviceRevisionArns": vec![arn; count]})
}

fn new_service(situation: &str) -> Option<Value> {
    let threshold = |kind: &str, value: u32| {
        let threshold = json!({"type": kind, "value": value});
        let breaker =
            json!({"enable": true, "rollback": true, "thresholdConfiguration": threshold});
        json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker}})
    };
    let begins = |begin: &str| situation.starts_with(begin);
    let members = match situation {
        _ if begins("DAEMON with a desiredCount") => {
            json!({"schedulingStrategy": "DAEMON", "launchType": "EC2"})
        }
        _ if begins("DAEMON") => json!({"schedulingStrategy": "DAEMON", "desiredCount": null}),
        _ if begins("a task definition with") => json!({"networkConfiguration": null}),
        _ if begins("circuit breaker threshold 0") => threshold("COUNT", 0),
        _ if begins("circuit breaker") => threshold("BOGUS", 1),
        _ if begins("clientToken of 37") => json!({"clientToken": "x".repeat(37)}),
        _ if begins("desiredCount -1") => json!({"desiredCount": -1}),
        _ if begins("desiredCount left out") => json!({"desiredCount": null}),
        _ if begins("maximumPercent 0") => {
            json!({"deploymentConfiguration": {"maximumPercent": 0}})
        }
        _ if begins("minimumHealthy") => {
            json!({"deploymentConfiguration": {"minimumHealthyPercent": 101}})
        }
        _ if begins("no such cluster") => json!({"cluster": "OTHER"}),
        _ if begins("no such task definition") => json!({"taskDefinition": "OTHER"}),
        _ if begins("schedulingStrategy") => json!({"schedulingStrategy": "BOGUS"}),
        _ if begins("the name is a DRAINING") => json!({"clientToken": "token-2"}),
        _ if situation.contains("another clientToken") => json!({"clientToken": "token-2"}),
        _ if situation.contains("no clientToken") => json!({"clientToken": null}),
        _ if situation.contains("another desiredCount") => json!({"desiredCount": 2}),
        _ if situation.contains("another taskDefinition") => json!({"taskDefinition": "FAMILY:1"}),
        _ => return None,
    };
    Some(service(&members))
}

fn registered(situation: &str) -> Option<Value> {
    let depends = |condition: &str, other: &Value| {
        let other = with(json!({"name": "other", "image": "nginx"}), other);
        let app = json!({"name": "app", "image": "nginx", "dependsOn": [{"containerName": "other", "condition": condition}]});
        json!({"containerDefinitions": [app, other]})
    };
    let log = |driver: &str, options: Value| json!({"logConfiguration": {"logDriver": driver, "options": options}});
    let options = json!({"awslogs-region": "us-east-1", "awslogs-group": "GROUP"});
    let platform = |member: &str| json!({"runtimePlatform": {member: "BOGUS"}});
    let none = json!({});
    let has = |part: &str| situation.contains(part);
    let (members, container) = match situation {
        _ if has("awslogs without options") => (none, log("awslogs", json!({}))),
        _ if has("awslogs, no executionRoleArn") => (none, log("awslogs", options)),
        _ if has("no pair") => (json!({"memory": "4096"}), none),
        _ if has("json-file") => (none, log("json-file", json!({}))),
        _ if has("bridge") => (json!({"networkMode": "bridge"}), none),
        _ if has("FARGATE, no cpu") => (json!({"cpu": null}), none),
        _ if has("FARGATE, no memory") => (json!({"memory": null}), none),
        _ if has("operatingSystemFamily") => (platform("operatingSystemFamily"), none),
        _ if has("stopTimeout 121") => (none, json!({"stopTimeout": 121})),
        _ if has("memoryReservation") => (none, json!({"memory": 128, "memoryReservation": 256})),
        _ if has("hostPort") => (
            none,
            json!({"portMappings": [{"containerPort": 80, "hostPort": 81}]}),
        ),
        _ if has("empty string") => (json!({"cpu": ""}), none),
        _ if has("cpuArchitecture") => (platform("cpuArchitecture"), none),
        _ if has("HEALTHY") => (depends("HEALTHY", &json!({})), none),
        _ if has("SUCCESS") => (depends("SUCCESS", &json!({})), none),
        _ if has("circle") => {
            let back = json!({"dependsOn": [{"containerName": "app", "condition": "START"}]});
            (depends("START", &back), none)
        }
        _ if has("names no container") => {
            let missing = json!([{"containerName": "missing", "condition": "START"}]);
            (none, json!({"dependsOn": missing}))
        }
        _ if has("no container is essential") => (none, json!({"essential": false})),
        _ if has("startTimeout") => (none, json!({"startTimeout": 1})),
        _ if has("stopTimeout below 2") => (none, json!({"stopTimeout": 1})),
        _ => return None,
    };
    Some(definition(&members, &container))
}

async fn run(aws: &FakeAws, situation: &str) -> Option<Value> {
    if situation.contains("same clientToken") {
        aws.ask(ACCOUNT, "ecs:RunTask", &task(&json!({})))
            .await
            .unwrap();
    }
    let has = |part: &str| situation.contains(part);
    if has("meanwhile") {
        let named = json!({"taskDefinition": "FAMILY:1"});
        aws.ask(ACCOUNT, "ecs:DeregisterTaskDefinition", &named)
            .await
            .unwrap();
    }
    if has("DELETE_IN_PROGRESS") {
        let named = json!({"taskDefinitions": ["FAMILY:1"]});
        aws.ask(ACCOUNT, "ecs:DeleteTaskDefinitions", &named)
            .await
            .unwrap();
    }
    if has("trust policy") {
        aws.circumstances(ACCOUNT, |account| {
            account.unassumable_roles.push(ROLE.to_owned());
        });
    }
    let members = match situation {
        _ if has("no such task definition") => {
            json!({"taskDefinition": "OTHER", "cluster": "OTHER"})
        }
        _ if has("meanwhile") => json!({}),
        _ if has("spelled differently") => json!({"count": 1}),
        _ if has("trust policy") => json!({"taskDefinition": "FAMILY:2"}),
        _ => return None,
    };
    Some(task(&members))
}

fn logs(situation: &str) -> Option<Value> {
    let event = |time: u64, message: String| json!({"timestamp": time, "message": message});
    let events = |events: Value| json!({"logEvents": events});
    let hello = || "hello".to_owned();
    let has = |part: &str| situation.contains(part);
    let members = match situation {
        _ if has("no such group") => json!({"logGroupName": "OTHER", "logEvents": []}),
        _ if has("no such stream") => json!({"logStreamName": "OTHER", "logEvents": []}),
        _ if has("exists") => json!({}),
        _ if has("pattern") => json!({"logStreamName": null, "filterPattern": "{ $.a"}),
        _ if has("over the limit") => events(json!([event(1, "x".repeat(1_048_578))])),
        _ if has("24 hours") => events(json!([event(1, hello()), event(86_400_002, hello())])),
        _ if has("out of order") => events(json!([event(2, hello()), event(1, hello())])),
        _ => return None,
    };
    Some(with(
        json!({"logGroupName": "GROUP", "logStreamName": "STREAM"}),
        &members,
    ))
}

async fn others(aws: &FakeAws, operation: &str, situation: &str) -> Option<Value> {
    let has = |part: &str| situation.contains(part);
    let cluster = json!({"cluster": "CLUSTER"});
    let arn = "arn:aws:ecs:us-east-1:111122223333";
    Some(match operation {
        "CreateCluster" => json!({"clusterName": "CLUSTER", "tags": [{"key": "a", "value": "2"}]}),
        "DeleteCluster" if has("no such cluster") => json!({"cluster": "OTHER"}),
        "DeleteCluster" if has("it has ACTIVE services") => {
            aws.ask(ACCOUNT, "ecs:CreateService", &service(&json!({})))
                .await
                .unwrap();
            cluster
        }
        "DeleteCluster" => {
            aws.ask(ACCOUNT, "ecs:RunTask", &task(&json!({})))
                .await
                .unwrap();
            cluster
        }
        "DeleteTaskDefinitions" if has("without a revision") => {
            json!({"taskDefinitions": ["FAMILY"]})
        }
        "DeleteTaskDefinitions" if has("no such") => json!({"taskDefinitions": ["FAMILY:9"]}),
        "DeleteTaskDefinitions" => json!({"taskDefinitions": ["FAMILY:1"]}),
        "DeregisterTaskDefinition" if has("without a revision") => {
            json!({"taskDefinition": "FAMILY"})
        }
        "DeregisterTaskDefinition" => {
            let named = json!({"taskDefinition": "FAMILY:1"});
            aws.ask(ACCOUNT, "ecs:DeregisterTaskDefinition", &named)
                .await
                .unwrap();
            let listed = json!({"taskDefinitions": ["FAMILY:1"]});
            aws.ask(ACCOUNT, "ecs:DeleteTaskDefinitions", &listed)
                .await
                .unwrap();
            named
        }
        "DescribeClusters" if has("include") => {
            json!({"clusters": ["CLUSTER"], "include": ["BOGUS"]})
        }
        "DescribeClusters" => json!({"clusters": ["OTHER"]}),
        "DescribeTaskDefinition" if has("FAMILY:bad") => json!({"taskDefinition": "FAMILY:bad"}),
        "DescribeTaskDefinition" if has("include") => {
            json!({"taskDefinition": "OTHER", "include": ["BOGUS"]})
        }
        "DescribeTaskDefinition" if has("INACTIVE") => {
            for name in ["FAMILY:1", "FAMILY:2"] {
                let named = json!({"taskDefinition": name});
                aws.ask(ACCOUNT, "ecs:DeregisterTaskDefinition", &named)
                    .await
                    .unwrap();
            }
            json!({"taskDefinition": "FAMILY"})
        }
        "DescribeTaskDefinition" => json!({"taskDefinition": "OTHER"}),
        "ListTagsForResource" if has("cluster") => {
            aws.ask(ACCOUNT, "ecs:DeleteCluster", &cluster)
                .await
                .unwrap();
            json!({"resourceArn": format!("{arn}:cluster/CLUSTER")})
        }
        "ListTagsForResource" => {
            let run = aws
                .ask(ACCOUNT, "ecs:RunTask", &task(&json!({})))
                .await
                .unwrap();
            let task = run["tasks"][0]["taskArn"].clone();
            let stop = json!({"cluster": "CLUSTER", "task": task});
            aws.ask(ACCOUNT, "ecs:StopTask", &stop).await.unwrap();
            json!({"resourceArn": task})
        }
        "TagResource" if has("task definition") => {
            json!({"resourceArn": format!("{arn}:task-definition/FAMILY:1"), "tags": [{"key": "a"}]})
        }
        "TagResource" => {
            json!({"resourceArn": format!("{arn}:cluster/CLUSTER"), "tags": [{"key": "a"}]})
        }
        "AssumeRole" if has("3600") => {
            json!({"RoleArn": ROLE, "RoleSessionName": "SESSION", "DurationSeconds": "3601"})
        }
        "AssumeRole" => {
            let id = (ROLE.to_owned(), "right".to_owned());
            aws.circumstances(ACCOUNT, |account| account.external_ids.push(id));
            json!({"RoleArn": ROLE, "RoleSessionName": "SESSION", "ExternalId": "wrong"})
        }
        _ => return None,
    })
}

/// Returns what differs between a case and the answer.
async fn difference(case: &Value) -> Option<String> {
    let (operation, situation) = (text(case, "operation"), text(case, "situation"));
    let aws = furnished().await;
    let Some(input) = bring(&aws, operation, situation).await else {
        return Some("nothing brings it about".to_owned());
    };
    tokio::time::sleep(Duration::from_millis(10)).await;
    let service = text(case, "service").to_lowercase();
    let answer = aws
        .ask(ACCOUNT, &format!("{service}:{operation}"), &input)
        .await;
    let (code, message) = match answer {
        Ok(answer) => {
            let failure = &answer["failures"][0]["reason"];
            (Value::Null, failure.clone())
        }
        Err(refusal) => {
            let status = case["status"].as_u64().unwrap_or(400);
            if u64::from(refusal.status) != status {
                return Some(format!("{} is the status", refusal.status));
            }
            (
                refusal.code.into_owned().into(),
                refusal.message.into_owned().into(),
            )
        }
    };
    // A principal of the captures is any.
    let is_like = |text: &str| {
        text.starts_with("User: ")
            && case["message"]
                .as_str()
                .is_some_and(|case| case.starts_with("User: "))
    };
    let is_it = code == case["code"]
        && (message == case["message"] || message.as_str().is_some_and(is_like));
    (!is_it).then(|| format!("{code}: {message}"))
}

#[tokio::test(start_paused = true)]
async fn every_captured_refusal_is_answered_word_for_word() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../fixtures/aws_captured.json")).unwrap();
    let mut wrong = BTreeSet::new();
    let mut asked = 0;
    for case in cases.iter().filter(|case| is_asked(case)) {
        asked += 1;
        if let Some(difference) = difference(case).await {
            let (operation, situation) = (text(case, "operation"), text(case, "situation"));
            wrong.insert(format!("{operation}, {situation}: {difference}"));
        }
    }
    assert!(asked > 85, "only {asked} cases are asked");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
