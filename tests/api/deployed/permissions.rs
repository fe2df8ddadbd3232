//! The member's role allows no more and no less than the endpoints need: each action taken away makes exactly those
//! endpoints fail that need it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_ecs::types::{ContainerDefinition, LogConfiguration, LogDriver, Tag};
use aws_sdk_servicediscovery::types::{DnsConfig, DnsRecord, RecordType};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use ecs_api::api::operation::Handler;
use ecs_api::routes::OPERATIONS;

use super::{Stack, signature};
use crate::support::TestAccount;

const MEMBER: &str = "sandbox";

/// The actions whose lack the local AWS does not notice, and why. That the role has them, and no others, is for
/// `templates.rs` to hold against AWS's documentation.
const UNNOTICED: &[(&str, &str)] = &[
    (
        "ecs:ContinueServiceDeployment",
        "it keeps no service deployments, so that there is none to continue",
    ),
    (
        "ecs:DescribeServiceDeployments",
        "its list of service deployments is empty, so that none is described",
    ),
    ("ecs:DescribeServiceRevisions", "as above"),
    ("ecs:StopServiceDeployment", "as above"),
    (
        "ecs:DeleteExpressGatewayService",
        "it has no services of Express Mode, which alone are deleted by it",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "it makes no service-linked role",
    ),
    ("iam:PassRole", "it lets anybody pass a role"),
    (
        "iam:SimulatePrincipalPolicy",
        "readiness answers without it, and knows less",
    ),
    ("ecs:ListAccountSettings", "as above"),
    (
        "logs:DeleteLogGroup",
        "only what a failed create has made is taken back, and no request here fails",
    ),
    ("logs:DescribeLogStreams", "as above"),
    ("logs:ListTagsForResource", "as above"),
    (
        "logs:TagResource",
        "it creates with tags whoever may create",
    ),
    (
        "route53:ChangeResourceRecordSets",
        "its Cloud Map keeps no records in Route 53",
    ),
    ("route53:DeleteHealthCheck", "as above"),
    ("route53:GetHealthCheck", "as above"),
    ("route53:GetHostedZone", "as above"),
    ("route53:UpdateHealthCheck", "as above"),
    (
        "servicediscovery:DeregisterInstance",
        "it deletes a registry with its instances, so that nobody deregisters any",
    ),
    ("servicediscovery:ListInstances", "as above"),
    (
        "servicediscovery:ListTagsForResource",
        "a create needs it only with an `Idempotency-Key`, and if the registry is there: no request here is one",
    ),
    (
        "servicediscovery:TagResource",
        "it creates with tags whoever may create",
    ),
];

/// A request to an endpoint.
struct DirectCall {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

fn get(path: impl Into<String>) -> DirectCall {
    DirectCall {
        method: "GET",
        path: path.into(),
        body: None,
    }
}

fn delete(path: impl Into<String>) -> DirectCall {
    DirectCall {
        method: "DELETE",
        path: path.into(),
        body: None,
    }
}

fn post(path: impl Into<String>, body: Value) -> DirectCall {
    DirectCall {
        method: "POST",
        path: path.into(),
        body: Some(body),
    }
}

/// An account's lasting things, and names for those that are used up.
struct Room {
    account: TestAccount,
    namespace_id: String,
    registry_id: String,
    execution_role: String,
    task: String,
}

/// The endpoints of a service deployment, of which the local AWS keeps none: scripted tests refuse their calls.
const OF_A_DEPLOYMENT: [&str; 3] = ["show_deployment", "stop_deployment", "continue_deployment"];

/// The endpoints that need an account, in the order of the route table.
const ENDPOINTS: [&str; 40] = [
    "show_readiness",
    "create_orchestration",
    "create_orchestration with what exists",
    "create_orchestration in one line",
    "delete_orchestration",
    "delete_orchestration recursive",
    "list_clusters",
    "create_cluster",
    "show_cluster",
    "delete_cluster",
    "list_services",
    "list_services all",
    "create_service",
    "show_service",
    "show_service all",
    "update_service",
    "update_service tag",
    "roll_back_service",
    "delete_service",
    "delete_service recursive",
    "list_events",
    "list_deployments",
    "diagnose_service",
    "show_logs",
    "show_logs of all tasks",
    "list_tasks",
    "run_task",
    "show_task",
    "diagnose_task",
    "stop_task",
    "show_task_logs",
    "list_task_definitions",
    "list_task_definitions by prefix",
    "register_task_definition",
    "show_task_definition",
    "deregister_task_definition",
    "list_registries",
    "create_registry",
    "show_registry",
    "delete_registry",
];

/// Registers a task definition whose container logs to CloudWatch Logs, and answers its ARN.
async fn register_logged(account: &TestAccount) -> String {
    let log = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", "/ecs/web")
        .options("awslogs-region", "us-east-1")
        .options("awslogs-stream-prefix", "live")
        .build()
        .unwrap();
    let container = ContainerDefinition::builder()
        .name("app")
        .image("nginx:alpine")
        .log_configuration(log)
        .build();
    let register = account.ecs().register_task_definition().family("logged");
    let registered = register.container_definitions(container).send().await;
    let definition = registered.unwrap().task_definition.unwrap();
    definition.task_definition_arn.unwrap()
}

impl Room {
    async fn furnish(stack: &Stack) -> Self {
        let account = stack.member(MEMBER);
        let text = |name: &str| {
            stack.members[MEMBER][name]
                .as_str()
                .expect("a text")
                .to_owned()
        };
        account.furnish().await;
        account
            .service("web")
            .task_definition(register_logged(&account).await)
            .desired_count(1)
            .send()
            .await
            .unwrap();
        let task = account.task_ids("web").await.remove(0);
        let namespace_id = text("namespace_id");
        let mut room = Self {
            account,
            namespace_id,
            registry_id: String::new(),
            execution_role: text("execution_role_arn"),
            task,
        };
        room.registry_id = room.registry("kept").await;
        room
    }

    fn name() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        format!("n{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    async fn registry(&self, name: &str) -> String {
        let record = DnsRecord::builder()
            .r#type(RecordType::A)
            .ttl(60)
            .build()
            .unwrap();
        let dns = DnsConfig::builder().dns_records(record).build().unwrap();
        let call = self
            .account
            .discovery()
            .create_service()
            .name(name)
            .namespace_id(&self.namespace_id)
            .dns_config(dns);
        call.send().await.unwrap().service.unwrap().id.unwrap()
    }

    /// A cluster of its own with a service in it.
    async fn cluster_with_service(&self) -> String {
        let name = Self::name();
        self.account
            .ecs()
            .create_cluster()
            .cluster_name(&name)
            .send()
            .await
            .unwrap();
        self.account
            .service("web")
            .cluster(&name)
            .send()
            .await
            .unwrap();
        name
    }

    /// A cluster with a service of a definition that nobody has looked at.
    async fn cluster_with_definition(&self, family: &str) -> String {
        let container = ContainerDefinition::builder().name("app").image("nginx:1");
        let register = self.account.ecs().register_task_definition().family(family);
        let register = register.container_definitions(container.build());
        register.send().await.unwrap();
        let name = Self::name();
        let cluster = self.account.ecs().create_cluster().cluster_name(&name);
        cluster.send().await.unwrap();
        let service = self.account.service("web").cluster(&name);
        let owner = Tag::builder().key("owner").value("me").build();
        let service = service.task_definition(family).tags(owner);
        service.send().await.unwrap();
        name
    }

    /// Prepares an endpoint's request so that nothing but a permission can be in its way.
    async fn ask(&self, endpoint: &str) -> DirectCall {
        let name = Self::name();
        let container = json!([{"name": "app", "image": "nginx:alpine"}]);
        let definition = json!({"family": name, "cpu": "256", "memory": "512", "containerDefinitions": container,
            "executionRoleArn": self.execution_role});
        let dns = json!({"dnsRecords": [{"type": "A", "ttl": 60}]});
        let registry = json!({"name": name, "namespaceId": self.namespace_id, "dnsConfig": dns});
        let registry_arn = format!(
            "arn:aws:servicediscovery:us-east-1:{}:service/{}",
            self.account.id, self.registry_id
        );
        match endpoint {
            "create_orchestration" => post(
                "/services",
                json!({
                    "cluster": {"name": name}, "taskDefinition": definition, "serviceRegistry": registry,
                    "service": {"serviceName": name, "desiredCount": 0},
                }),
            ),
            "create_orchestration with what exists" => post(
                "/services",
                json!({"service": {
                    "cluster": "myclu", "taskDefinition": "web:1", "serviceName": name, "desiredCount": 0,
                    "serviceRegistries": [{"registryArn": registry_arn}],
                }}),
            ),
            "create_orchestration in one line" => post(
                "/services",
                json!({"name": name, "cluster": "myclu", "image": "nginx:alpine", "count": 0,
                    "namespace": "demo.internal"}),
            ),
            "delete_orchestration" => {
                let cluster = self.cluster_with_service().await;
                delete(format!("/services?cluster={cluster}&service=web"))
            }
            "delete_orchestration recursive" => {
                self.account
                    .ecs()
                    .create_cluster()
                    .cluster_name(&name)
                    .send()
                    .await
                    .unwrap();
                let id = self.registry(&name).await;
                let arn = format!(
                    "arn:aws:servicediscovery:us-east-1:{}:service/{id}",
                    self.account.id
                );
                let used = aws_sdk_ecs::types::ServiceRegistry::builder()
                    .registry_arn(arn)
                    .build();
                self.account
                    .service("web")
                    .cluster(&name)
                    .service_registries(used)
                    .send()
                    .await
                    .unwrap();
                delete(format!(
                    "/services?cluster={name}&service=web&recursive=true"
                ))
            }
            "show_readiness" => get("/readiness"),
            "list_clusters" => get("/clusters"),
            "create_cluster" => post(
                "/clusters",
                json!({"name": name, "tags": [{"key": "a", "value": "b"}]}),
            ),
            "show_cluster" => get("/clusters/myclu"),
            "delete_cluster" => {
                self.account
                    .ecs()
                    .create_cluster()
                    .cluster_name(&name)
                    .send()
                    .await
                    .unwrap();
                delete(format!("/clusters/{name}"))
            }
            "list_services" => get("/clusters/myclu/services"),
            "list_services all" => get("/clusters/myclu/services?all=true"),
            "create_service" => post(
                "/clusters/myclu/services",
                json!({
                    "serviceName": name, "taskDefinition": "web:1", "desiredCount": 0,
                }),
            ),
            "show_service" => get("/clusters/myclu/services/web"),
            "show_service all" => get("/clusters/myclu/services/web?all=true"),
            "update_service" => DirectCall {
                method: "PATCH",
                path: "/clusters/myclu/services/web".to_owned(),
                body: Some(json!({"desiredCount": 1})),
            },
            "update_service tag" => {
                let cluster = self.cluster_with_definition(&name).await;
                DirectCall {
                    method: "PATCH",
                    path: format!("/clusters/{cluster}/services/web"),
                    body: Some(json!({"tag": "2", "tags": {"stage": "live", "owner": null}})),
                }
            }
            "roll_back_service" => {
                let cluster = self.cluster_with_definition(&name).await;
                let path = format!("/clusters/{cluster}/services/web/rollback");
                post(path, json!({"to": "web:1"}))
            }
            "delete_service" => {
                let cluster = self.cluster_with_service().await;
                delete(format!("/clusters/{cluster}/services/web"))
            }
            "delete_service recursive" => {
                let cluster = self.cluster_with_service().await;
                delete(format!("/clusters/{cluster}/services/web?recursive=true"))
            }
            "list_events" => get("/clusters/myclu/services/web/events"),
            "list_deployments" => get("/clusters/myclu/services/web/deployments"),
            "diagnose_service" => get("/clusters/myclu/services/web/diagnosis"),
            "show_logs" => get(format!(
                "/clusters/myclu/services/web/logs?task={}&container=app",
                self.task
            )),
            "show_logs of all tasks" => get("/clusters/myclu/services/web/logs"),
            "show_task_logs" => get(format!("/clusters/myclu/tasks/{}/logs", self.task)),
            "list_tasks" => get("/clusters/myclu/tasks"),
            "run_task" => post("/clusters/myclu/tasks", json!({"taskDefinition": "web:1"})),
            "show_task" => get(format!("/clusters/myclu/tasks/{}", self.task)),
            "diagnose_task" => get(format!("/clusters/myclu/tasks/{}/diagnosis", self.task)),
            "stop_task" => {
                let run = self
                    .account
                    .ecs()
                    .run_task()
                    .cluster("myclu")
                    .task_definition("web:1")
                    .send()
                    .await
                    .unwrap();
                let arn = run.tasks()[0].task_arn().unwrap();
                delete(format!(
                    "/clusters/myclu/tasks/{}",
                    arn.rsplit('/').next().unwrap()
                ))
            }
            "list_task_definitions" => get("/taskdefs?family=web"),
            "list_task_definitions by prefix" => get("/taskdefs?prefix=we"),
            "register_task_definition" => post("/taskdefs", definition),
            "show_task_definition" => get("/taskdefs/web:1"),
            "deregister_task_definition" => {
                let container = ContainerDefinition::builder()
                    .name("app")
                    .image("nginx")
                    .build();
                let register = self.account.ecs().register_task_definition().family(&name);
                register
                    .container_definitions(container)
                    .send()
                    .await
                    .unwrap();
                delete(format!("/taskdefs/{name}:1?delete=true"))
            }
            "list_registries" => get("/servicediscovery/services"),
            "create_registry" => post("/servicediscovery/services", registry),
            "show_registry" => get(format!("/servicediscovery/services/{}", self.registry_id)),
            "delete_registry" => {
                let id = self.registry(&name).await;
                delete(format!("/servicediscovery/services/{id}"))
            }
            other => panic!("no request is known for {other}"),
        }
    }
}

/// A policy of a role, changed as the account's root user would.
pub(super) struct Role<'s> {
    stack: &'s Stack,
    account_id: &'s str,
    name: &'s str,
    policy_name: &'s str,
}

impl<'s> Role<'s> {
    pub(super) fn of(
        stack: &'s Stack,
        account_id: &'s str,
        name: &'s str,
        policy_name: &'s str,
    ) -> Self {
        Self {
            stack,
            account_id,
            name,
            policy_name,
        }
    }

    fn iam(&self, action: &str, more: &[(&str, &str)]) -> String {
        let given = [
            ("Action", action),
            ("Version", "2010-05-08"),
            ("RoleName", self.name),
            ("PolicyName", self.policy_name),
        ];
        let sent = ureq::post(self.stack.endpoint())
            .header("authorization", signature(self.account_id, "iam"));
        let mut answer = sent
            .send_form(given.iter().chain(more).copied())
            .expect("IAM answers");
        answer
            .body_mut()
            .read_to_string()
            .expect("the answer is text")
    }

    pub(super) fn policy(&self) -> Value {
        let answer = self.iam("GetRolePolicy", &[]);
        let (_, rest) = answer
            .split_once("<PolicyDocument>")
            .expect("the role has the policy");
        let (encoded, _) = rest.split_once("</PolicyDocument>").expect("XML");
        let text = percent_decode_str(encoded).decode_utf8().expect("UTF-8");
        serde_json::from_str(&text).expect("a policy is JSON")
    }

    pub(super) fn put(&self, policy: &Value) {
        self.iam("PutRolePolicy", &[("PolicyDocument", &policy.to_string())]);
    }
}

pub(super) fn actions_of(statement: &Value) -> Vec<String> {
    let actions = statement["Action"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![statement["Action"].clone()]);
    actions
        .iter()
        .map(|action| action.as_str().expect("a text").to_owned())
        .collect()
}

/// The policy without one action.
pub(super) fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let statements = policy["Statement"].as_array_mut().expect("a list");
    for statement in &mut *statements {
        statement["Action"] = actions_of(statement)
            .into_iter()
            .filter(|allowed| allowed != action)
            .collect();
    }
    statements.retain(|statement| statement["Action"] != json!([]));
    policy
}

#[test]
fn every_endpoint_that_enters_an_account_is_among_those_that_lose_their_permissions() {
    let known: BTreeSet<_> = OPERATIONS
        .iter()
        .filter(|operation| matches!(operation.handler, Handler::Account(_)))
        .map(|operation| operation.name.to_owned())
        .collect();
    let asked = ENDPOINTS
        .iter()
        .chain(&OF_A_DEPLOYMENT)
        .map(|endpoint| endpoint.split(' ').next().expect("a name").to_owned());
    assert_eq!(asked.collect::<BTreeSet<_>>(), known);
}

#[tokio::test]
async fn an_action_taken_away_fails_exactly_the_endpoints_that_need_it() {
    let stack = Stack::shared();
    let room = Room::furnish(stack).await;
    let role = Role::of(stack, &room.account.id, "ecs-api", "ecs-api");
    let policy = role.policy();
    let send = async |endpoint: &str| {
        let DirectCall { method, path, body } = room.ask(endpoint).await;
        stack.send(
            method,
            &format!("/{MEMBER}{path}"),
            Some(&stack.token),
            body.as_ref(),
        )
    };
    for endpoint in ENDPOINTS {
        let (status, answer) = send(endpoint).await;
        assert_eq!(status, 200, "{endpoint}: {answer}");
    }
    let actions: BTreeSet<_> = policy["Statement"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(actions_of)
        .collect();
    let unnoticed: BTreeSet<_> = UNNOTICED
        .iter()
        .map(|(action, _)| (*action).to_owned())
        .collect();
    assert!(actions.is_superset(&unnoticed));
    let mut needed: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for action in &actions - &unnoticed {
        role.put(&without(&policy, &action));
        let mut failed = Vec::new();
        for endpoint in ENDPOINTS {
            let (status, answer) = send(endpoint).await;
            if status != 200 {
                assert_eq!(status, 403, "{endpoint} without {action}: {answer}");
                let detail = answer["detail"].as_str().expect("a text");
                assert!(
                    detail.contains(action.as_str()),
                    "{endpoint} without {action}: {detail}"
                );
                failed.push(endpoint);
            }
        }
        assert!(
            !failed.is_empty(),
            "nothing needs {action}, or the local AWS does not notice that it is not allowed"
        );
        needed.insert(action, failed);
    }
    role.put(&policy);
    // Logs are read by revisions that the process remembers, each looked at when all were allowed.
    insta::assert_json_snapshot!(needed, @r#"
    {
      "ecs:CreateCluster": [
        "create_orchestration",
        "create_cluster"
      ],
      "ecs:CreateService": [
        "create_orchestration",
        "create_orchestration with what exists",
        "create_orchestration in one line",
        "create_service"
      ],
      "ecs:DeleteCluster": [
        "delete_orchestration recursive",
        "delete_cluster",
        "delete_service recursive"
      ],
      "ecs:DeleteService": [
        "delete_orchestration",
        "delete_orchestration recursive",
        "delete_service",
        "delete_service recursive"
      ],
      "ecs:DeleteTaskDefinitions": [
        "deregister_task_definition"
      ],
      "ecs:DeregisterTaskDefinition": [
        "deregister_task_definition"
      ],
      "ecs:DescribeClusters": [
        "create_orchestration",
        "create_orchestration with what exists",
        "create_orchestration in one line",
        "delete_orchestration recursive",
        "show_cluster",
        "create_service",
        "delete_service recursive",
        "run_task"
      ],
      "ecs:DescribeServices": [
        "create_orchestration",
        "create_orchestration with what exists",
        "create_orchestration in one line",
        "delete_orchestration",
        "delete_orchestration recursive",
        "list_services all",
        "show_service",
        "show_service all",
        "update_service tag",
        "roll_back_service",
        "delete_service recursive",
        "list_events",
        "list_deployments",
        "diagnose_service",
        "show_logs of all tasks"
      ],
      "ecs:DescribeTaskDefinition": [
        "create_orchestration with what exists",
        "show_service all",
        "update_service tag",
        "roll_back_service",
        "show_task_definition"
      ],
      "ecs:DescribeTasks": [
        "show_logs",
        "show_task",
        "diagnose_task",
        "show_task_logs"
      ],
      "ecs:ListClusters": [
        "delete_orchestration recursive",
        "list_clusters"
      ],
      "ecs:ListServiceDeployments": [
        "list_deployments"
      ],
      "ecs:ListServices": [
        "delete_orchestration recursive",
        "list_services",
        "list_services all"
      ],
      "ecs:ListTaskDefinitionFamilies": [
        "list_task_definitions by prefix"
      ],
      "ecs:ListTaskDefinitions": [
        "list_task_definitions",
        "list_task_definitions by prefix"
      ],
      "ecs:ListTasks": [
        "delete_orchestration recursive",
        "show_service all",
        "delete_service recursive",
        "list_tasks"
      ],
      "ecs:RegisterTaskDefinition": [
        "create_orchestration",
        "create_orchestration in one line",
        "update_service tag",
        "register_task_definition"
      ],
      "ecs:RunTask": [
        "run_task"
      ],
      "ecs:StopTask": [
        "stop_task"
      ],
      "ecs:TagResource": [
        "update_service tag"
      ],
      "ecs:UntagResource": [
        "update_service tag"
      ],
      "ecs:UpdateService": [
        "update_service",
        "update_service tag",
        "roll_back_service"
      ],
      "logs:CreateLogGroup": [
        "create_orchestration"
      ],
      "logs:DescribeLogGroups": [
        "create_orchestration",
        "create_orchestration in one line"
      ],
      "logs:FilterLogEvents": [
        "show_logs of all tasks",
        "show_task_logs"
      ],
      "logs:GetLogEvents": [
        "show_logs"
      ],
      "logs:PutRetentionPolicy": [
        "create_orchestration"
      ],
      "servicediscovery:CreateService": [
        "create_orchestration",
        "create_orchestration in one line",
        "create_registry"
      ],
      "servicediscovery:DeleteService": [
        "delete_orchestration recursive",
        "delete_registry"
      ],
      "servicediscovery:GetNamespace": [
        "create_orchestration",
        "create_orchestration in one line"
      ],
      "servicediscovery:GetService": [
        "create_orchestration with what exists",
        "delete_orchestration recursive",
        "show_registry"
      ],
      "servicediscovery:ListNamespaces": [
        "create_orchestration in one line"
      ],
      "servicediscovery:ListServices": [
        "create_orchestration",
        "create_orchestration in one line",
        "list_registries"
      ]
    }
    "#);
}
