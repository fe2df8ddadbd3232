//! One POST creates cluster, task definition, registry and service, or nothing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{arns, documented};
use crate::support::{Answer, Caller, Faults, TestAccount, TestApp};

/// The original's documented body of a new service with existing resources, but for the registry's ARN.
fn documented_existing(registry_arn: &str) -> Value {
    json!({"service": {
        "cluster": "myclu",
        "desiredcount": 1,
        "servicename": "webapp",
        "taskdefinition": "mytaskdef:1",
        "serviceregistries": [{"registryarn": registry_arn}],
    }})
}

async fn create(app: &TestApp, body: &Value) -> Answer {
    app.post("/nonprod/services", body).await
}

/// A body that creates all four in a namespace of the app's account.
async fn all_new(app: &TestApp) -> Value {
    documented(&app.account().namespace().await)
}

#[tokio::test]
async fn the_documented_body_creates_all_four() {
    let app = TestApp::with_accounts(vec![TestAccount::of("nonprod", "111122223333".to_owned())]);
    let account = app.account();
    let answer = create(&app, &all_new(&app).await).await.expect(200);
    insta::assert_json_snapshot!(answer, {
        ".Cluster" => insta::sorted_redaction(),
        ".**.Id" => "[id]",
        ".**.Arn" => "[arn]",
        ".**.Tags[].Value" => "[request]",
        ".**.RegistryArn" => "[arn]",
        ".**.NamespaceId" => "[namespace]",
        ".**.CreatorRequestId" => "[id]",
        ".**.CreateDate" => "[time]",
        ".**.CreatedAt" => "[time]",
        ".**.UpdatedAt" => "[time]",
        ".**.RegisteredAt" => "[time]",
    }, @r#"
    {
      "Cluster": {
        "ActiveServicesCount": 0,
        "Attachments": [],
        "AttachmentsStatus": "",
        "CapacityProviders": [],
        "ClusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/myclu",
        "ClusterName": "myclu",
        "DefaultCapacityProviderStrategy": [],
        "PendingTasksCount": 0,
        "RegisteredContainerInstancesCount": 0,
        "RunningTasksCount": 0,
        "Settings": [
          {
            "Name": "containerInsights",
            "Value": "disabled"
          }
        ],
        "Statistics": [],
        "Status": "ACTIVE",
        "Tags": [
          {
            "Key": "ecs-api:request-id",
            "Value": "[request]"
          }
        ]
      },
      "TaskDefinition": {
        "TaskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/mytaskdef:1",
        "ContainerDefinitions": [
          {
            "Name": "webserver",
            "Image": "nginx:alpine",
            "Cpu": 0,
            "PortMappings": [
              {
                "ContainerPort": 80,
                "Protocol": "tcp"
              },
              {
                "ContainerPort": 443,
                "Protocol": "tcp"
              }
            ],
            "Essential": true
          }
        ],
        "Family": "mytaskdef",
        "TaskRoleArn": "",
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        "NetworkMode": "awsvpc",
        "Revision": 1,
        "Volumes": [],
        "Status": "ACTIVE",
        "PlacementConstraints": [],
        "Compatibilities": [
          "FARGATE",
          "EC2"
        ],
        "RequiresCompatibilities": [
          "FARGATE"
        ],
        "Cpu": "256",
        "Memory": "512",
        "PidMode": "",
        "IpcMode": "",
        "RegisteredAt": "[time]",
        "RegisteredBy": "arn:aws:iam::111122223333:root"
      },
      "ServiceDiscoveryService": {
        "Id": "[id]",
        "Arn": "[arn]",
        "Name": "www",
        "NamespaceId": "[namespace]",
        "DnsConfig": {
          "DnsRecords": [
            {
              "Type": "A",
              "TTL": 30
            }
          ]
        },
        "HealthCheckCustomConfig": {
          "FailureThreshold": 1
        },
        "CreateDate": "[time]",
        "CreatorRequestId": "[id]"
      },
      "Service": {
        "ServiceArn": "arn:aws:ecs:us-east-1:111122223333:service/myclu/webapp",
        "ServiceName": "webapp",
        "ClusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/myclu",
        "LoadBalancers": [],
        "ServiceRegistries": [
          {
            "RegistryArn": "[arn]"
          }
        ],
        "Status": "ACTIVE",
        "DesiredCount": 1,
        "RunningCount": 1,
        "PendingCount": 0,
        "LaunchType": "FARGATE",
        "PlatformVersion": "",
        "PlatformFamily": "",
        "TaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/mytaskdef:1",
        "DeploymentConfiguration": {
          "DeploymentCircuitBreaker": {
            "Enable": false,
            "Rollback": false
          },
          "MaximumPercent": 200,
          "MinimumHealthyPercent": 100
        },
        "Deployments": [
          {
            "Id": "[id]",
            "Status": "PRIMARY",
            "TaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/mytaskdef:1",
            "DesiredCount": 1,
            "PendingCount": 0,
            "RunningCount": 1,
            "FailedTasks": 0,
            "CreatedAt": "[time]",
            "UpdatedAt": "[time]",
            "LaunchType": "FARGATE",
            "RolloutState": "COMPLETED",
            "RolloutStateReason": "ECS deployment completed."
          }
        ],
        "RoleArn": "",
        "Events": [],
        "CreatedAt": "[time]",
        "NetworkConfiguration": {
          "AwsvpcConfiguration": {
            "Subnets": [
              "subnet-111122223333"
            ],
            "SecurityGroups": [
              "sg-111122223333"
            ],
            "AssignPublicIp": "DISABLED"
          }
        },
        "HealthCheckGracePeriodSeconds": 0,
        "SchedulingStrategy": "REPLICA",
        "DeploymentController": {
          "Type": "ECS"
        },
        "Tags": [
          {
            "Key": "ecs-api:request-id",
            "Value": "[request]"
          }
        ],
        "CreatedBy": "arn:aws:iam::111122223333:root",
        "EnableECSManagedTags": false,
        "PropagateTags": "NONE",
        "EnableExecuteCommand": false
      }
    }
    "#);
    let definition = &answer["TaskDefinition"];
    let ports = &definition["ContainerDefinitions"][0]["PortMappings"];
    let numbers: Vec<_> = ports
        .as_array()
        .unwrap()
        .iter()
        .map(|port| port["ContainerPort"].clone())
        .collect();
    assert_eq!(numbers, [80, 443]);
    assert_eq!(definition["RequiresCompatibilities"], json!(["FARGATE"]));
    assert_eq!(definition["NetworkMode"], "awsvpc");
    assert_eq!(definition["ExecutionRoleArn"], account.execution_role());
    let found = account.inventory().await;
    for made in [
        &answer["Cluster"]["ClusterArn"],
        &definition["TaskDefinitionArn"],
        &answer["ServiceDiscoveryService"]["Arn"],
        &answer["Service"]["ServiceArn"],
    ] {
        let arn = made.as_str().unwrap().to_owned();
        assert!(
            arn.contains(":111122223333:") && found.contains(&arn),
            "{arn} is not in {found:?}"
        );
    }
}

#[tokio::test]
async fn the_documented_body_of_existing_resources_creates_the_service_alone() {
    let mut app = TestApp::with_faults();
    let first = create(&app, &all_new(&app).await).await.expect(200);
    let ecs = app.account().ecs();
    ecs.delete_service()
        .cluster("myclu")
        .service("webapp")
        .force(true)
        .send()
        .await
        .unwrap();
    let before = app.account().inventory().await;
    app.faults().forget_calls();
    let registry_arn = first["ServiceDiscoveryService"]["Arn"].as_str().unwrap();
    let answer = create(&app, &documented_existing(registry_arn))
        .await
        .expect(200);
    let mut after = app.account().inventory().await;
    after.retain(|arn| !before.contains(arn));
    assert_eq!(json!(after), json!([answer["Service"]["ServiceArn"]]));
    assert_eq!(
        answer["Service"]["ServiceRegistries"],
        json!([{"RegistryArn": registry_arn}])
    );
    assert_eq!(answer["TaskDefinition"], first["TaskDefinition"]);
    assert_eq!(answer["ServiceDiscoveryService"]["Arn"], registry_arn);
    let mut calls = app.faults().calls();
    calls.sort();
    assert_eq!(
        calls,
        [
            "dynamodb:PutItem",
            "dynamodb:PutItem",
            "ecs:CreateService",
            "ecs:DescribeClusters",
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "servicediscovery:GetService",
        ]
    );
}

/// Names of structures' members in another case; the bodies of these tests hold no maps.
fn respell(value: &Value, spell: fn(&str) -> String) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (spell(name), respell(value, spell)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| respell(value, spell)).collect(),
        other => other.clone(),
    }
}

/// The parts of an answer that do not differ between accounts and runs.
fn essence(answer: &Value) -> Value {
    let definition = &answer["TaskDefinition"];
    json!([
        answer["Cluster"]["ClusterName"],
        answer["Service"]["ServiceName"],
        answer["Service"]["DesiredCount"],
        answer["Service"]["LaunchType"],
        answer["ServiceDiscoveryService"]["Name"],
        answer["ServiceDiscoveryService"]["DnsConfig"]["DnsRecords"],
        definition["ContainerDefinitions"],
        definition["Cpu"],
        definition["Memory"],
        definition["Family"],
    ])
}

#[tokio::test]
async fn camel_case_and_pascal_case_give_the_same_result() {
    const CAMEL: [&str; 16] = [
        "cluster",
        "clusterName",
        "taskDefinition",
        "family",
        "cpu",
        "memory",
        "containerDefinitions",
        "image",
        "ports",
        "service",
        "desiredCount",
        "serviceName",
        "serviceRegistry",
        "dnsConfig",
        "namespaceId",
        "dnsRecords",
    ];
    fn camel(name: &str) -> String {
        CAMEL
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .map_or(name, |known| known)
            .to_owned()
    }
    fn pascal(name: &str) -> String {
        let camel = camel(name);
        camel[..1].to_uppercase() + &camel[1..]
    }
    let mut results = Vec::new();
    for spell in [str::to_owned, camel, pascal] {
        let app = TestApp::new();
        let body = respell(&all_new(&app).await, spell);
        results.push(essence(&create(&app, &body).await.expect(200)));
    }
    assert_eq!(results[0][6][0]["PortMappings"][1]["ContainerPort"], 443);
    assert!(
        results.iter().all(|result| *result == results[0]),
        "{results:#?}"
    );
}

#[tokio::test]
async fn a_misspelt_member_is_named_with_the_right_one_and_nothing_is_called() {
    let mut app = TestApp::with_faults();
    let mut body = documented("ns-1");
    body["service"] = json!({"servicename": "webapp", "desiredCoutn": 1});
    let answer = create(&app, &body).await;
    insta::assert_json_snapshot!(answer.problem(400), @r#"
    {
      "status": 400,
      "detail": "service.desiredCoutn: unknown member; did you mean `desiredCount`?",
      "code": "InvalidRequest",
      "retryable": false,
      "errors": [
        {
          "path": "service.desiredCoutn",
          "message": "unknown member; did you mean `desiredCount`?"
        }
      ]
    }
    "#);
    assert_eq!(app.faults().calls(), [""; 0]);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_reported_together() {
    let app = TestApp::new();
    let body = json!({
        "clusters": {},
        "cluster": {"clusterName": 7},
        "taskDefinition": {"family": "web", "cpu": 256, "containerDefinitions": [{"ports": ["http"]}]},
        "serviceRegistry": {"dnsConfig": {"dnsRecords": [{"ttl": "30"}]}},
        "service": {"desiredCount": "1"},
    });
    insta::assert_json_snapshot!(create(&app, &body).await.problem(400)["errors"], @r#"
    [
      {
        "path": "cluster.clusterName",
        "message": "expected string, got integer 7"
      },
      {
        "path": "taskDefinition.containerDefinitions[0].ports",
        "message": "expected a list of whole numbers from 0 to 65535"
      },
      {
        "path": "taskDefinition.cpu",
        "message": "expected string, got integer 256"
      },
      {
        "path": "serviceRegistry.DnsConfig.DnsRecords[0].TTL",
        "message": "expected integer, got string \"30\""
      },
      {
        "path": "service.desiredCount",
        "message": "expected integer, got string \"1\""
      },
      {
        "path": "clusters",
        "message": "unknown member; did you mean `cluster`?"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_part_that_is_missing_is_asked_for() {
    let app = TestApp::new();
    for (body, path) in [
        (json!({}), "service"),
        (
            json!({"service": {"serviceName": "a", "taskDefinition": "b"}}),
            "service.cluster",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b"}}),
            "service.taskDefinition",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b", "taskDefinition": "c"}, "cluster": null,
                "serviceRegistry": {"name": "www"}}),
            "serviceRegistry.NamespaceId",
        ),
        (
            json!({"service": {"serviceName": "a", "taskDefinition": "b"}, "cluster": {}}),
            "cluster.clusterName",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b", "taskDefinition": "c",
                "serviceRegistries": [{"registryArn": "www"}]}}),
            "service.serviceRegistries[0].registryArn",
        ),
        (
            json!({"service": {"serviceName": "a b", "cluster": "b", "taskDefinition": "c"}}),
            "service.serviceName",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "b c", "taskDefinition": "c"}}),
            "service.cluster",
        ),
        (
            json!({"service": {"serviceName": "a", "cluster": "arn:aws:ecs:us-east-1:999999999999:cluster/b",
                "taskDefinition": "c"}}),
            "service.cluster",
        ),
    ] {
        let problem = create(&app, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{problem}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    }
}

#[tokio::test]
async fn a_task_definition_that_was_answered_is_accepted_back() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    let shown = create(&app, &body).await.expect(200)["TaskDefinition"].take();
    body["taskdefinition"] = shown.clone();
    body["service"]["servicename"] = "second".into();
    let again = create(&app, &body).await.expect(200)["TaskDefinition"].take();
    assert_eq!(
        (&shown["Revision"], &again["Revision"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(again["ContainerDefinitions"], shown["ContainerDefinitions"]);
}

#[tokio::test]
async fn two_accounts_never_see_each_others_values() {
    let accounts = vec![TestAccount::new("nonprod"), TestAccount::new("prod")];
    let mut app = TestApp::build(accounts, Some(Faults::none()), &json!({}));
    let names = ["nonprod", "prod"];
    let bodies = names.map(|name| async { documented(&app.account_named(name).namespace().await) });
    let bodies = futures_util::future::join_all(bodies).await;
    for round in 0..2 {
        for (name, body) in names.iter().zip(&bodies) {
            let (account, mut body) = (app.account_named(name), body.clone());
            body["service"]["servicename"] = format!("webapp-{round}").into();
            body["serviceregistry"]["name"] = format!("www-{round}").into();
            let answer = app
                .post(&format!("/{name}/services"), &body)
                .await
                .expect(200);
            let network = &answer["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"];
            assert_eq!(network["Subnets"], json!([account.subnet()]));
            assert_eq!(network["SecurityGroups"], json!([account.security_group()]));
            assert_eq!(network["AssignPublicIp"], "DISABLED");
            assert_eq!(
                answer["TaskDefinition"]["ExecutionRoleArn"],
                account.execution_role()
            );
        }
    }
    let calls = app.faults().calls();
    let assumed = calls
        .iter()
        .filter(|call| *call == "sts:AssumeRole")
        .count();
    assert_eq!(assumed, 2, "each account's role is assumed once: {calls:?}");
    for account in ["nonprod", "prod"].map(|name| app.account_named(name)) {
        let found = account.inventory().await;
        assert!(
            found.len() == 7 && found.iter().all(|arn| arn.contains(&account.id)),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn what_the_caller_gives_is_not_overwritten_by_the_account() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["taskdefinition"]["requiresCompatibilities"] = json!(["EC2"]);
    body["taskdefinition"]["networkMode"] = "awsvpc".into();
    body["service"]["launchType"] = "EC2".into();
    body["service"]["networkConfiguration"] =
        json!({"awsvpcConfiguration": {"subnets": ["subnet-own"]}});
    let answer = create(&app, &body).await.expect(200);
    assert_eq!(answer["Service"]["LaunchType"], "EC2");
    assert_eq!(
        answer["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"],
        json!(["subnet-own"])
    );
    assert_eq!(
        answer["TaskDefinition"]["RequiresCompatibilities"],
        json!(["EC2"])
    );
    assert_ne!(
        answer["TaskDefinition"]["ExecutionRoleArn"],
        app.account().execution_role()
    );
}

#[tokio::test]
async fn a_clusters_capacity_providers_decide_instead_of_fargate() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["cluster"]["capacityProviders"] = json!(["FARGATE_SPOT"]);
    body["cluster"]["defaultCapacityProviderStrategy"] =
        json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    create(&app, &body).await.expect(200);
    body["service"]["servicename"] = "second".into();
    create(&app, &body).await.expect(200);
    for name in ["webapp", "second"] {
        let services = app
            .account()
            .ecs()
            .describe_services()
            .cluster("myclu")
            .services(name)
            .send()
            .await
            .unwrap();
        let launch_type = services.services()[0]
            .launch_type()
            .map(ToString::to_string);
        assert_ne!(launch_type.as_deref(), Some("FARGATE"), "{name}");
    }
}

#[tokio::test]
async fn a_role_that_can_not_be_assumed_is_named() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().inject(
        "sts:AssumeRole",
        json!({"error": {"code": "AccessDenied", "status": 403,
        "message": "User: x is not authorized to perform: sts:AssumeRole"}}),
    );
    let problem = create(&app, &body).await.problem(502);
    let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
    assert_eq!(problem["code"], "AccessDenied");
    let expected = format!(
        "the role `{role}` can't be assumed: User: x is not authorized to perform: sts:AssumeRole"
    );
    assert_eq!(problem["detail"], expected);
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn whatever_must_exist_and_does_not_is_not_found_before_anything_is_made() {
    let mut app = TestApp::with_faults();
    let mut body = all_new(&app).await;
    create(&app, &body).await.expect(200);
    let ecs = app.account().ecs();
    ecs.create_cluster()
        .cluster_name("deleted")
        .send()
        .await
        .unwrap();
    ecs.delete_cluster()
        .cluster("deleted")
        .send()
        .await
        .unwrap();
    let web = ecs
        .register_task_definition()
        .family("inactive")
        .container_definitions(
            aws_sdk_ecs::types::ContainerDefinition::builder()
                .name("a")
                .image("b")
                .build(),
        );
    web.send().await.unwrap();
    ecs.deregister_task_definition()
        .task_definition("inactive:1")
        .send()
        .await
        .unwrap();
    let before = app.account().inventory().await;
    body["service"]["servicename"] = "second".into();
    body["serviceregistry"]["name"] = "second".into();
    for (part, value, detail) in [
        (
            "cluster",
            json!("nowhere"),
            "there is no ACTIVE cluster `nowhere`",
        ),
        (
            "cluster",
            json!("deleted"),
            "there is no ACTIVE cluster `deleted`",
        ),
        (
            "taskdefinition",
            json!("nothing:7"),
            "there is no ACTIVE task definition `nothing:7`",
        ),
        (
            "taskdefinition",
            json!("inactive:1"),
            "there is no ACTIVE task definition `inactive:1`",
        ),
    ] {
        let mut body = body.clone();
        body["cluster"] = json!({"name": "another"});
        body["service"][part] = value;
        assert_eq!(create(&app, &body).await.problem(404)["detail"], detail);
    }
    let registry =
        json!([{"registryArn": "arn:aws:servicediscovery:us-east-1:1:service/srv-nothing"}]);
    let mut with_registry = body.clone();
    with_registry["service"]["serviceRegistries"] = registry;
    assert_eq!(
        create(&app, &with_registry).await.problem(404)["code"],
        "ServiceNotFound"
    );
    body["serviceregistry"]["dnsconfig"]["namespaceid"] = "ns-nothing".into();
    assert_eq!(
        create(&app, &body).await.problem(404)["code"],
        "NamespaceNotFound"
    );
    assert_eq!(app.account().inventory().await, before);
    let changes = [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
    ];
    let made = app
        .faults()
        .calls()
        .into_iter()
        .filter(|call| changes.contains(&call.as_str()))
        .count();
    assert_eq!(
        made,
        changes.len(),
        "nothing was made and taken back: only the first create made anything"
    );
}

#[tokio::test]
async fn a_registry_of_the_name_is_used_where_it_agrees_and_a_conflict_where_it_does_not() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    let first = create(&app, &body).await.expect(200);
    body["service"]["servicename"] = "second".into();
    let second = create(&app, &body).await.expect(200);
    assert_eq!(
        second["ServiceDiscoveryService"]["Arn"],
        first["ServiceDiscoveryService"]["Arn"]
    );
    let before = app.account().inventory().await;
    body["service"]["servicename"] = "third".into();
    body["serviceregistry"]["dnsconfig"]["dnsrecords"][0]["ttl"] = 60.into();
    let problem = create(&app, &body).await.problem(409);
    assert_eq!(problem["code"], "AlreadyExists");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("has a registry `www` with another DNS config already")
    );
    assert_eq!(app.account().inventory().await, before);
}

#[tokio::test]
async fn a_service_of_the_name_is_a_conflict() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    create(&app, &body).await.expect(200);
    let before = app.account().inventory().await;
    let problem = create(&app, &body).await.problem(409);
    assert_eq!(
        problem["detail"],
        "the cluster `myclu` has a service `webapp` already"
    );
    assert_eq!(app.account().inventory().await, before);
}

#[tokio::test]
async fn a_service_that_is_still_draining_asks_for_patience() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let message = "Unable to Start a service that is still Draining.";
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", message);
    let answer = create(&app, &body).await;
    assert_eq!(answer.header("retry-after"), Some("30"));
    let problem = answer.problem(409);
    assert_eq!(
        (&problem["code"], &problem["retryable"]),
        (&json!("InvalidParameterException"), &json!(true))
    );
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn every_refused_step_leaves_the_account_as_it_was() {
    for (operation, code, message, status) in [
        ("ecs:DescribeClusters", "AccessDeniedException", "no", 403),
        ("ecs:DescribeServices", "ServerException", "oops", 400),
        ("servicediscovery:GetNamespace", "InvalidInput", "no", 400),
        (
            "servicediscovery:ListServices",
            "RequestLimitExceeded",
            "slow down",
            429,
        ),
        (
            "ecs:CreateCluster",
            "LimitExceededException",
            "too many clusters",
            409,
        ),
        (
            "ecs:RegisterTaskDefinition",
            "ClientException",
            "invalid cpu",
            400,
        ),
        (
            "servicediscovery:CreateService",
            "ServiceAlreadyExists",
            "taken",
            409,
        ),
        (
            "ecs:CreateService",
            "InvalidParameterException",
            "no such subnet",
            400,
        ),
        (
            "ecs:CreateService",
            "PlatformUnknownException",
            "no such platform",
            400,
        ),
        (
            "ecs:CreateService",
            "ClientException",
            "Capacity is unavailable at this time",
            503,
        ),
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().refuse(operation, code, message);
        let answer = create(&app, &body).await;
        // An error of AWS's servers is a 502, whatever status it came with.
        let problem = answer.problem(if code == "ServerException" {
            502
        } else {
            status
        });
        assert_eq!(problem["code"], code, "{operation}");
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{operation}: {problem}"
        );
        assert_eq!(problem["LeftBehind"], json!([]), "{operation}");
        assert_eq!(
            problem["RolledBack"].as_array().unwrap().len(),
            problem["Created"].as_array().unwrap().len()
        );
        assert_eq!(app.account().inventory().await, [""; 0], "{operation}");
    }
}

#[tokio::test]
async fn a_refused_service_is_undone_newest_first_and_what_existed_stays() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    let before = app.account().inventory().await;
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(app.account().inventory().await, before);
    insta::assert_json_snapshot!(problem, {".Created[].Arn" => "[arn]", ".RolledBack[].Arn" => "[arn]"}, @r#"
    {
      "status": 400,
      "detail": "`ecs:CreateService` was refused: no",
      "code": "InvalidParameterException",
      "retryable": false,
      "Created": [
        {
          "Arn": "[arn]"
        },
        {
          "Arn": "[arn]"
        }
      ],
      "RolledBack": [
        {
          "Arn": "[arn]"
        },
        {
          "Arn": "[arn]"
        }
      ],
      "LeftBehind": []
    }
    "#);
    let calls = app.faults().calls();
    let undo = calls
        .iter()
        .skip_while(|call| *call != "ecs:CreateService")
        .skip(1);
    let undo: Vec<_> = undo
        .filter(|call| !call.contains(":List") && !call.starts_with("dynamodb:"))
        .collect();
    assert_eq!(
        undo,
        [
            "servicediscovery:DeleteService",
            "ecs:DeregisterTaskDefinition"
        ]
    );
}

#[tokio::test]
async fn what_can_not_be_undone_is_listed_with_the_command_that_would() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    app.faults()
        .refuse("ecs:DeleteCluster", "AccessDeniedException", "not you");
    let problem = create(&app, &body).await.problem(400);
    let id = &app.account().id;
    let cluster = format!("arn:aws:ecs:us-east-1:{id}:cluster/myclu");
    assert_eq!(
        problem["LeftBehind"],
        json!([{
            "Arn": cluster,
            "Error": format!("the role `arn:aws:iam::{id}:role/ecs-api` may not do `ecs:DeleteCluster`: not you"),
            "Command": "aws ecs delete-cluster --cluster myclu --region us-east-1",
        }])
    );
    assert_eq!(problem["retryable"], false);
    assert_eq!(problem["RolledBack"].as_array().unwrap().len(), 2);
    assert_eq!(app.account().inventory().await, [cluster]);
}

#[tokio::test]
async fn a_silent_aws_ends_in_time_and_what_was_made_is_taken_back() {
    let mut app = TestApp::with_faults();
    app.set_time_left(Duration::from_secs(12));
    let body = all_new(&app).await;
    app.faults()
        .inject("ecs:CreateService", json!({"latency": 20_000}));
    let started = Instant::now();
    let problem = create(&app, &body).await.problem(504);
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(problem["code"], "DeadlineExceeded");
    assert_eq!(problem["Created"].as_array().unwrap().len(), 3);
    assert_eq!(problem["RolledBack"].as_array().unwrap().len(), 3);
    // AWS may still be at work on the call that was cut off: nobody can know.
    insta::assert_json_snapshot!(problem["LeftBehind"], @r#"
    [
      {
        "Arn": "webapp",
        "Error": "AWS never answered; it is not there, but may still appear",
        "Command": "aws ecs delete-service --cluster myclu --service webapp --force --region us-east-1"
      }
    ]
    "#);
    assert_eq!(problem["retryable"], false);
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn what_aws_made_and_did_not_answer_is_known_by_its_tags_and_made_once() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answer(operation);
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(
            app.account().inventory().await,
            arns(&answer),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn what_aws_never_answers_is_found_and_taken_back_where_the_next_step_is_refused() {
    for operation in [
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().lose_answers(operation);
        app.faults()
            .refuse("ecs:CreateService", "InvalidParameterException", "no");
        let problem = create(&app, &body).await.problem(400);
        assert_eq!(
            (&problem["LeftBehind"], &problem["retryable"]),
            (&json!([]), &json!(false)),
            "{operation}"
        );
        assert_eq!(problem["Created"].as_array().unwrap().len(), 3, "{problem}");
        assert_eq!(app.account().inventory().await, [""; 0], "{operation}");
    }
}

#[tokio::test]
async fn what_aws_does_although_it_failed_is_waited_for() {
    for operation in [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ] {
        for is_reset in [true, false] {
            let mut app = TestApp::with_faults();
            let body = all_new(&app).await;
            app.faults().do_it_late(operation, 1500, is_reset);
            let answer = create(&app, &body).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let left = app.account().inventory().await;
            assert_eq!(left, arns(&answer.expect(200)), "{operation} {is_reset}");
        }
    }
}

#[tokio::test]
async fn as_long_as_a_service_may_appear_its_parts_stay_and_once_it_does_it_is_the_answer() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().do_it_late("ecs:CreateService", 1500, true);
    app.faults()
        .inject("ecs:DescribeServices", json!({"latency": 200}));
    let calls = app.faults().calls_heard();
    let mut proxy = Faults::beside(app.faults());
    // Asked a second time, AWS refuses; what the first call does is in no answer.
    let refuse = async {
        calls.until("ecs:CreateService").await;
        proxy.refuse("ecs:CreateService", "AccessDeniedException", "not you");
    };
    let (answer, ()) = tokio::join!(create(&app, &body), refuse);
    assert_eq!(app.account().inventory().await, arns(&answer.expect(200)));
    assert_eq!(
        app.faults()
            .calls()
            .iter()
            .filter(|call| *call == "ecs:CreateService")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_service_that_can_not_be_seen_keeps_its_parts() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.set_time_left(Duration::from_secs(12));
    let mut first_look =
        crate::clusters::services::instead(&json!({"services": [], "failures": []}));
    first_look["times"] = json!(1);
    app.faults().inject("ecs:DescribeServices", first_look);
    app.faults()
        .refuse("ecs:DescribeServices", "AccessDeniedException", "not you");
    app.faults().lose_answers("ecs:CreateService");
    let problem = create(&app, &body).await.problem(502);
    assert_eq!(
        (&problem["RolledBack"], &problem["retryable"]),
        (&json!([]), &json!(false)),
        "{problem}"
    );
    assert_eq!(
        problem["LeftBehind"].as_array().unwrap().len(),
        4,
        "{problem}"
    );
    assert_eq!(app.account().inventory().await.len(), 4);
}

#[tokio::test]
async fn what_anothers_service_uses_by_now_is_listed_and_left() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let no = json!({"code": "InvalidParameterException", "status": 400, "message": "no"});
    app.faults()
        .inject("ecs:CreateService", json!({"latency": 2000, "error": no}));
    let (ecs, discovery, calls) = (
        app.account().ecs(),
        app.account().discovery(),
        app.faults().calls_heard(),
    );
    let another = async {
        calls.until("ecs:CreateService").await;
        let registries = discovery.list_services().send().await.unwrap();
        let registry = aws_sdk_ecs::types::ServiceRegistry::builder();
        let registry = registry
            .registry_arn(registries.services()[0].arn().unwrap())
            .build();
        let service = ecs
            .create_service()
            .cluster("myclu")
            .service_name("another")
            .task_definition("mytaskdef:1");
        service
            .desired_count(0)
            .service_registries(registry)
            .send()
            .await
            .unwrap();
    };
    let started = Instant::now();
    let (answer, ()) = tokio::join!(create(&app, &body), another);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "nothing is waited for: {:?}",
        started.elapsed()
    );
    let problem = answer.problem(400);
    let why: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["Error"].clone())
        .collect();
    assert_eq!(
        why,
        [
            json!("the service `another` uses it"),
            json!("the service `another` runs it"),
            json!("it has 1 other service"),
        ]
    );
    assert_eq!(app.account().inventory().await.len(), 4);
}

#[tokio::test]
async fn a_service_that_is_there_and_can_not_be_shown_is_in_the_way_of_a_repetition() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().lose_answers("ecs:CreateService");
    // The look finds none, the one after the create sees nothing, and the undo's finds it.
    let mut none = crate::clusters::services::instead(&json!({"services": [], "failures": []}));
    none["times"] = json!(1);
    app.faults().inject("ecs:DescribeServices", none);
    let denied = json!({"code": "AccessDeniedException", "status": 400, "message": "not you"});
    app.faults()
        .inject("ecs:DescribeServices", json!({"times": 1, "error": denied}));
    app.faults()
        .refuse("servicediscovery:GetService", "ThrottlingException", "slow");
    let problem = create(&app, &body).await.problem(429);
    assert_eq!(
        (&problem["retryable"], &problem["RolledBack"]),
        (&json!(false), &json!([])),
        "{problem}"
    );
    let left = problem["LeftBehind"].as_array().unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|left| left["Arn"].as_str().unwrap())
        .collect();
    let is_listed = |arn: &String| {
        left.contains(&arn.as_str()) || (arn.contains(":service/") && left.contains(&"webapp"))
    };
    assert!(
        app.account().inventory().await.iter().all(is_listed),
        "{problem}"
    );
}

#[tokio::test]
async fn what_ecs_has_not_heard_of_yet_is_waited_for() {
    for (code, message) in [
        ("ClusterNotFoundException", "Cluster not found."),
        ("ClientException", "TaskDefinition not found."),
        (
            "InvalidParameterException",
            "Unable to assume the service linked role.",
        ),
    ] {
        let mut app = TestApp::with_faults();
        let body = all_new(&app).await;
        app.faults().inject(
            "ecs:CreateService",
            json!({"times": 3, "error": {"code": code, "status": 400, "message": message}}),
        );
        let answer = create(&app, &body).await.expect(200);
        assert_eq!(app.account().inventory().await, arns(&answer), "{code}");
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_ready_is_a_reason_to_come_back_and_an_own_one_is_waited_for() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let provisioning = json!({"clusterName": "myclu", "status": "PROVISIONING"});
    let mut fault =
        crate::clusters::services::instead(&json!({"clusters": [provisioning], "failures": []}));
    app.faults().inject("ecs:DescribeClusters", fault.clone());
    let answer = create(&app, &body).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.problem(409)["code"], "NotReady");
    app.faults().clear();
    // The look finds none; what is created is PROVISIONING at first.
    let mut none = crate::clusters::services::instead(&json!({"clusters": [], "failures": []}));
    none["times"] = json!(1);
    fault["times"] = json!(2);
    app.faults().inject("ecs:DescribeClusters", none);
    app.faults().inject("ecs:DescribeClusters", fault);
    let mut created = crate::clusters::services::instead(&json!({"cluster": provisioning}));
    created["times"] = json!(1);
    app.faults().inject("ecs:CreateCluster", created);
    app.account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    create(&app, &body).await.expect(200);
    let looks = app
        .faults()
        .calls()
        .iter()
        .filter(|call| *call == "ecs:DescribeClusters")
        .count();
    assert!(looks >= 4, "{looks}");
}

#[tokio::test]
async fn a_registry_that_does_not_say_who_created_it_is_somebody_elses() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults().lose_answers("servicediscovery:CreateService");
    app.faults()
        .answer("servicediscovery:ListTagsForResource", &json!({"Tags": []}));
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(problem["LeftBehind"], json!([]));
    let found = app.account().inventory().await;
    assert!(
        found.len() == 1 && found[0].contains(":servicediscovery:"),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_undo_that_aws_does_not_answer_takes_no_time_of_the_others() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.set_time_left(Duration::from_secs(12));
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    app.faults().inject(
        "servicediscovery:DeleteService",
        json!({"timeout_ms": 30_000}),
    );
    let problem = create(&app, &body).await.problem(400);
    let left: Vec<_> = problem["LeftBehind"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["Error"])
        .collect();
    assert_eq!(left, ["the time that the request may take is over"]);
    assert_eq!(
        problem["RolledBack"].as_array().unwrap().len(),
        2,
        "{problem}"
    );
    let found = app.account().inventory().await;
    assert!(
        found.len() == 1 && found[0].contains(":servicediscovery:"),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_was_answered_can_come_back_with_the_tags_of_its_request() {
    let mut app = TestApp::with_faults();
    let mut body = all_new(&app).await;
    let tags = json!([{"key": "team", "value": "a"}, {"Key": "ecs-api:request-id", "Value": "x"}]);
    for part in ["cluster", "taskdefinition", "serviceregistry", "service"] {
        body[part]["tags"] = tags.clone();
    }
    create(&app, &body).await.expect(200);
    for (operation, tags, key) in [
        ("ecs:CreateCluster", "tags", "key"),
        ("ecs:RegisterTaskDefinition", "tags", "key"),
        ("servicediscovery:CreateService", "Tags", "Key"),
        ("ecs:CreateService", "tags", "key"),
    ] {
        let sent = app.faults().sent(operation).remove(0);
        let keys: Vec<_> = sent[tags]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag[key].as_str().unwrap())
            .collect();
        assert_eq!(keys, ["team", "ecs-api:request-id"], "{operation}");
        assert_ne!(
            sent[tags][1],
            json!({"key": "ecs-api:request-id", "value": "x"}),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn an_undo_that_comes_too_early_is_tried_again() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    app.faults()
        .refuse("ecs:CreateService", "InvalidParameterException", "no");
    let busy = json!({"times": 2, "error": {"code": "UpdateInProgressException", "status": 400, "message": "busy"}});
    app.faults().inject("ecs:DeleteCluster", busy);
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(
        (&problem["LeftBehind"], &problem["retryable"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(app.account().inventory().await, [""; 0]);
}

#[tokio::test]
async fn a_throttled_create_is_repeated_unseen() {
    let mut app = TestApp::with_faults();
    let body = all_new(&app).await;
    let throttled = json!({"times": 2, "error": {"code": "ThrottlingException", "status": 400, "message": "slow"}});
    app.faults().inject("ecs:RegisterTaskDefinition", throttled);
    let answer = create(&app, &body).await.expect(200);
    assert_eq!(answer["TaskDefinition"]["Revision"], 1);
}

#[tokio::test]
async fn an_empty_list_of_registries_is_no_registry() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["service"]["serviceRegistries"] = json!([]);
    let answer = create(&app, &body).await.expect(200);
    let expected = json!([{"RegistryArn": answer["ServiceDiscoveryService"]["Arn"]}]);
    assert_eq!(answer["Service"]["ServiceRegistries"], expected);
}

#[tokio::test]
async fn a_registry_of_the_name_in_another_namespace_is_not_in_the_way() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    let first = create(&app, &body).await.expect(200);
    let other = app.account().namespace_named("other.internal").await;
    body["service"]["servicename"] = "second".into();
    body["serviceregistry"]["dnsconfig"]["namespaceid"] = other.as_str().into();
    let second = create(&app, &body).await.expect(200);
    assert_ne!(
        second["ServiceDiscoveryService"]["Arn"],
        first["ServiceDiscoveryService"]["Arn"]
    );
    assert_eq!(second["ServiceDiscoveryService"]["NamespaceId"], other);
}

#[tokio::test]
async fn a_part_given_twice_is_refused_also_where_the_caller_is_lenient() {
    let mut app = TestApp::with_faults();
    let mut body = documented("ns-1");
    body["Service"] = body["service"].clone();
    let request = app
        .request("POST", "/nonprod/services")
        .header("prefer", "handling=lenient")
        .json(&body);
    let errors = request.send().await.problem(400)["errors"].take();
    assert_eq!(
        errors,
        json!([{"path": "service", "message": "given twice, as `service` and as `Service`"}])
    );
    assert_eq!(app.faults().calls(), [""; 0]);
}

#[tokio::test]
async fn a_hostile_body_is_refused_in_no_time() {
    let app = TestApp::new();
    let many: serde_json::Map<_, _> = (0..30_000)
        .map(|index| (format!("desiredCount{index:05}"), json!(1)))
        .collect();
    let labels: serde_json::Map<_, _> = (0..60_000)
        .map(|index| (format!("{index:05}"), json!("x")))
        .collect();
    for (service, definition) in [
        (json!({"x".repeat(1 << 19): 1}), json!({})),
        (Value::Object(many), json!({})),
        (
            json!({"serviceName": "a"}),
            json!({"containerDefinitions": [{"dockerLabels": labels}]}),
        ),
    ] {
        let body =
            json!({"service": service, "taskDefinition": definition, "cluster": {"name": "a"}});
        let started = Instant::now();
        let problem = create(&app, &body).await.problem(400);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
        assert!(problem["errors"].as_array().unwrap().len() <= 101);
    }
}

#[tokio::test]
async fn a_lenient_create_drops_and_lists_what_it_does_not_know() {
    let app = TestApp::new();
    let mut body = all_new(&app).await;
    body["comment"] = "x".into();
    body["service"]["color"] = "red".into();
    let request = app
        .request("POST", "/nonprod/services")
        .header("prefer", "respond-async, handling=lenient");
    let answer = request.by(Caller::Writer).json(&body).send().await;
    answer.expect(200);
    assert_eq!(
        answer.header("x-ignored-members"),
        Some("service.color, comment")
    );
}
