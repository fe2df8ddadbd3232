//! One POST creates cluster, task definition, registry and service, or nothing.

mod body;
mod existing;
mod unanswered;
mod undo;

use std::time::Duration;

use fake_aws::{Fault, Refusal};
use serde_json::{Value, json};

use super::documented;
use crate::support::{Answer, TestAccount, TestApp};

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
        ".**.RolloutStateReason" => "[reason]",
    }, @r#"
    {
      "Cluster": {
        "ActiveServicesCount": 0,
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
                "HostPort": 80,
                "Protocol": "tcp"
              },
              {
                "ContainerPort": 443,
                "HostPort": 443,
                "Protocol": "tcp"
              }
            ],
            "Essential": true,
            "Environment": [],
            "MountPoints": [],
            "VolumesFrom": [],
            "SystemControls": []
          }
        ],
        "Family": "mytaskdef",
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
            "Rollback": false,
            "ResetOnHealthyTask": true,
            "ThresholdConfiguration": {
              "Type": "BOUNDED_PERCENT",
              "Value": 50
            }
          },
          "MaximumPercent": 200,
          "MinimumHealthyPercent": 100,
          "Strategy": "ROLLING",
          "BakeTimeInMinutes": 0
        },
        "Deployments": [
          {
            "Id": "[id]",
            "Status": "PRIMARY",
            "TaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/mytaskdef:1",
            "DesiredCount": 1,
            "PendingCount": 1,
            "RunningCount": 0,
            "FailedTasks": 0,
            "CreatedAt": "[time]",
            "UpdatedAt": "[time]",
            "LaunchType": "FARGATE",
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
            "RolloutState": "IN_PROGRESS",
            "RolloutStateReason": "[reason]"
          }
        ],
        "RoleArn": "",
        "Events": [],
        "CreatedAt": "[time]",
        "CurrentServiceRevisions": [
          {
            "Arn": "[arn]",
            "RequestedTaskCount": 1,
            "RunningTaskCount": 0,
            "PendingTaskCount": 1
          }
        ],
        "PlacementConstraints": [],
        "PlacementStrategy": [],
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
        "EnableExecuteCommand": false,
        "AvailabilityZoneRebalancing": "ENABLED",
        "ResourceManagementType": "CUSTOMER"
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
    let app = TestApp::new();
    let first = create(&app, &all_new(&app).await).await.expect(200);
    let ecs = app.account().ecs();
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::ZERO;
    });
    ecs.delete_service()
        .cluster("myclu")
        .service("webapp")
        .force(true)
        .send()
        .await
        .unwrap();
    let before = app.account().inventory().await;
    app.aws().forget_calls();
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
    let mut calls = app.aws().operations();
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

#[tokio::test]
async fn two_accounts_never_see_each_others_values() {
    let accounts = vec![TestAccount::new("nonprod"), TestAccount::new("prod")];
    let app = TestApp::build(accounts, &json!({}));
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
    let calls = app.aws().operations();
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
    let app = TestApp::new();
    let body = all_new(&app).await;
    app.aws().on("sts:AssumeRole").meets(Fault::refusal(
        Refusal::of(
            "AccessDenied",
            "User: x is not authorized to perform: sts:AssumeRole",
        )
        .status(403),
    ));
    let problem = create(&app, &body).await.problem(502);
    let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
    assert_eq!(problem["code"], "AccessDenied");
    let expected = format!(
        "the role `{role}` can't be assumed: User: x is not authorized to perform: sts:AssumeRole"
    );
    assert_eq!(problem["detail"], expected);
    assert_eq!(app.account().inventory().await, [""; 0]);
}
