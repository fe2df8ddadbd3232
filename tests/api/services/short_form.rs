//! The short form of a create: what it stands for, what is wrong with it, and that AWS takes it.

use serde_json::{Value, json};

use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// The least that a service needs.
fn least() -> Value {
    json!({"name": "cart", "cluster": "shop", "image": "nginx:alpine"})
}

/// The least, and these members.
fn with(members: &Value) -> Value {
    let mut body = least();
    for (name, value) in members.as_object().expect("members are an object") {
        body[name] = value.clone();
    }
    body
}

/// Returns the plan that a dry run shows.
async fn plan(app: &ScriptedApp, body: &Value) -> Value {
    let path = "/nonprod/services?dryRun=true";
    app.send("POST", path, None, body).await.expect(200)
}

/// The faults of a body, one a line.
async fn faults(app: &ScriptedApp, body: &Value) -> String {
    let problem = app.create(None, body).await.problem(400);
    let errors = problem["errors"].as_array().expect("there are errors");
    let line = |error: &Value| {
        let text = |member: &str| error[member].as_str().expect("a text").to_owned();
        format!("{}: {}", text("path"), text("message"))
    };
    errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn three_texts_stand_for_a_whole_service() {
    let app = ScriptedApp::new();
    insta::assert_json_snapshot!(plan(&app, &least()).await, @r#"
    {
      "Request": {
        "Cluster": {
          "ClusterName": "shop"
        },
        "TaskDefinition": {
          "Family": "cart",
          "ExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
          "NetworkMode": "awsvpc",
          "ContainerDefinitions": [
            {
              "Name": "cart",
              "Image": "nginx:alpine",
              "Cpu": 0,
              "Essential": true
            }
          ],
          "RequiresCompatibilities": [
            "FARGATE"
          ],
          "Cpu": "256",
          "Memory": "512"
        },
        "Service": {
          "ServiceName": "cart",
          "DesiredCount": 1,
          "LaunchType": "FARGATE",
          "DeploymentConfiguration": {
            "DeploymentCircuitBreaker": {
              "Enable": true,
              "Rollback": true
            }
          },
          "NetworkConfiguration": {
            "AwsvpcConfiguration": {
              "Subnets": [
                "subnet-0a1b2c3d"
              ],
              "SecurityGroups": [
                "sg-0a1b2c3d"
              ],
              "AssignPublicIp": "DISABLED"
            }
          }
        }
      },
      "Steps": [
        {
          "Operation": "ecs:CreateCluster",
          "Resource": "shop",
          "Does": "create",
          "Why": "it is not there"
        },
        {
          "Operation": "ecs:RegisterTaskDefinition",
          "Resource": "cart",
          "Does": "create",
          "Why": "each request registers a revision of its own"
        },
        {
          "Operation": "ecs:CreateService",
          "Resource": "cart",
          "Does": "create",
          "Why": "its name is free"
        }
      ]
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn every_member_has_its_place_in_the_long_form() {
    let app = ScriptedApp::new();
    let body = with(&json!({
        "port": 80, "cpu": "1024", "memory": 4096, "count": 3, "command": ["nginx", "-g", "daemon off;"],
        "environment": {"STAGE": "prod", "EMPTY": ""},
        "secrets": {"PASSWORD": format!("arn:aws:secretsmanager:us-east-1:{MEMBER}:secret:cart-AbCdEf")},
        "namespace": NAMESPACE, "capacity": "mixed", "tags": {"team": "shop"},
    }));
    insta::assert_json_snapshot!(plan(&app, &body).await["Request"], @r#"
    {
      "Cluster": {
        "ClusterName": "shop",
        "Tags": [
          {
            "Key": "team",
            "Value": "shop"
          }
        ],
        "CapacityProviders": [
          "FARGATE",
          "FARGATE_SPOT"
        ]
      },
      "TaskDefinition": {
        "Family": "cart",
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        "NetworkMode": "awsvpc",
        "ContainerDefinitions": [
          {
            "Name": "cart",
            "Image": "nginx:alpine",
            "Cpu": 0,
            "PortMappings": [
              {
                "ContainerPort": 80,
                "Protocol": "tcp"
              }
            ],
            "Essential": true,
            "Command": [
              "nginx",
              "-g",
              "daemon off;"
            ],
            "Environment": [
              {
                "Name": "STAGE",
                "Value": "prod"
              },
              {
                "Name": "EMPTY",
                "Value": ""
              }
            ],
            "Secrets": [
              {
                "Name": "PASSWORD",
                "ValueFrom": "arn:aws:secretsmanager:us-east-1:111122223333:secret:cart-AbCdEf"
              }
            ]
          }
        ],
        "RequiresCompatibilities": [
          "FARGATE"
        ],
        "Cpu": "1024",
        "Memory": "4096",
        "Tags": [
          {
            "Key": "team",
            "Value": "shop"
          }
        ]
      },
      "ServiceRegistry": {
        "Name": "cart",
        "NamespaceId": "ns-y3uaw6neshhbev3f",
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
        "Tags": [
          {
            "Key": "team",
            "Value": "shop"
          }
        ]
      },
      "Service": {
        "ServiceName": "cart",
        "ServiceRegistries": [
          {}
        ],
        "DesiredCount": 3,
        "CapacityProviderStrategy": [
          {
            "CapacityProvider": "FARGATE",
            "Weight": 0,
            "Base": 1
          },
          {
            "CapacityProvider": "FARGATE_SPOT",
            "Weight": 1,
            "Base": 0
          }
        ],
        "DeploymentConfiguration": {
          "DeploymentCircuitBreaker": {
            "Enable": true,
            "Rollback": true
          }
        },
        "NetworkConfiguration": {
          "AwsvpcConfiguration": {
            "Subnets": [
              "subnet-0a1b2c3d"
            ],
            "SecurityGroups": [
              "sg-0a1b2c3d"
            ],
            "AssignPublicIp": "DISABLED"
          }
        },
        "Tags": [
          {
            "Key": "team",
            "Value": "shop"
          }
        ],
        "PropagateTags": "SERVICE"
      }
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn capacity_is_always_said_and_the_cluster_has_what_it_needs() {
    let (spot, none) = (json!(["FARGATE", "FARGATE_SPOT"]), Value::Null);
    for (capacity, launch_type, strategy, providers) in [
        (Value::Null, json!("FARGATE"), Value::Null, &none),
        (json!("on-demand"), json!("FARGATE"), Value::Null, &none),
        (
            json!("spot"),
            Value::Null,
            json!([{"CapacityProvider": "FARGATE_SPOT", "Weight": 1, "Base": 0}]),
            &spot,
        ),
        (
            json!("mixed"),
            Value::Null,
            json!([{"CapacityProvider": "FARGATE", "Weight": 0, "Base": 1},
                {"CapacityProvider": "FARGATE_SPOT", "Weight": 1, "Base": 0}]),
            &spot,
        ),
    ] {
        let app = ScriptedApp::new();
        let body = with(&json!({"capacity": capacity}));
        let request = plan(&app, &body).await["Request"].take();
        assert_eq!(request["Service"]["LaunchType"], launch_type, "{capacity}");
        assert_eq!(
            request["Service"]["CapacityProviderStrategy"], strategy,
            "{capacity}"
        );
        assert_eq!(
            request["Cluster"]["CapacityProviders"], *providers,
            "{capacity}"
        );
        let made = app.create(None, &body).await.expect(200);
        assert_eq!(made["Service"]["DesiredCount"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_spot_is_told_before_the_first_change() {
    let app = ScriptedApp::new();
    let cluster = json!({"clusterName": "shop"});
    app.aws.put(MEMBER, "ecs:CreateCluster", &cluster).unwrap();
    let before = app.inventory();
    let expected = "capacity: the cluster does not have the capacity provider `FARGATE_SPOT`, which must be associated with \
                    it first; it has none";
    let body = with(&json!({"capacity": "spot"}));
    assert_eq!(faults(&app, &body).await, expected);
    assert_eq!(app.inventory(), before);
    // On demand it is used as it is.
    app.create(None, &least()).await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_named_by_its_id_its_arn_or_its_name() {
    let arn = format!("arn:aws:servicediscovery:us-east-1:{MEMBER}:namespace/{NAMESPACE}");
    for namespace in [NAMESPACE, &arn, "example.internal"] {
        let app = ScriptedApp::new();
        app.aws
            .put_namespace(MEMBER, "ns-another000000000", "another.internal");
        let body = with(&json!({"namespace": namespace}));
        let made = app.create(None, &body).await.expect(200);
        let registry = &made["ServiceDiscoveryService"];
        assert_eq!(
            (&registry["Name"], &registry["NamespaceId"]),
            (&json!("cart"), &json!(NAMESPACE))
        );
        let records = &registry["DnsConfig"]["DnsRecords"];
        assert_eq!(*records, json!([{"Type": "A", "TTL": 30}]));
        let entries = &made["Service"]["ServiceRegistries"];
        assert_eq!(entries[0]["RegistryArn"], registry["Arn"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespaces_name_that_is_not_one_thing_is_told() {
    let app = ScriptedApp::new();
    let http = json!({"Name": "calls"});
    app.aws
        .put(MEMBER, "servicediscovery:CreateHttpNamespace", &http)
        .unwrap();
    app.aws
        .put_namespace(MEMBER, "ns-another000000000", "example.internal");
    for (name, expected) in [
        (
            "example.internal",
            "namespace: several namespaces have this name: give one of `ns-another000000000`, `ns-y3uaw6neshhbev3f`",
        ),
        (
            "calls",
            "namespace: nothing is found by DNS in this namespace, which is for calls by HTTP alone",
        ),
    ] {
        assert_eq!(
            faults(&app, &with(&json!({"namespace": name}))).await,
            expected
        );
    }
    let missing = with(&json!({"namespace": "nowhere.internal"}));
    let problem = app.create(None, &missing).await.problem(404);
    assert_eq!(
        problem["detail"],
        "there is no namespace `nowhere.internal`"
    );
    assert_eq!(app.inventory(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn everything_wrong_with_a_short_form_is_said_at_once() {
    let app = ScriptedApp::new();
    let body = json!({
        "name": "no spaces please", "image": "", "port": 0, "cpu": 256, "memory": 4096, "count": -1,
        "environment": {"A": 1, "B": null}, "secrets": ["x"], "command": ["run", 1], "capacity": "cheap", "imag": "x",
        "service": {"serviceName": "x"},
    });
    insta::assert_snapshot!(faults(&app, &body).await, @r#"
    service: is of the long form, and `name` of the short one; give one of the forms
    cluster: required: the name of the cluster
    image: expected string, got an empty one
    port: expected integer from 1 to 65535, got integer 0
    count: expected integer from 0 to 2147483647, got integer -1
    environment.A: expected string, got integer
    environment.B: expected string, got null
    secrets: expected object, got list
    command[1]: expected string, got integer 1
    imag: unknown member; did you mean `image`?
    name: expected 1 to 255 letters, digits, `-` and `_`, got `no spaces please`
    memory: with a `cpu` of 256 Fargate has 512, 1024 or 2048 MiB of memory; got 4096
    capacity: expected `on-demand`, `spot` or `mixed`, got `cheap`
    "#);
    let long = "a".repeat(64);
    for (body, expected) in [
        (
            json!({"image": "x"}),
            "name: required: the name of the service\ncluster: required: the name of the cluster",
        ),
        (
            with(&json!({"environment": {"A": "1"}, "secrets": {"A": "arn"}})),
            "secrets.A: given in `environment`, too; give one of them",
        ),
        (
            with(&json!({"name": long, "namespace": NAMESPACE})),
            &format!("name: expected at most 63 characters beside `namespace`, got `{long}`"),
        ),
        (
            with(&json!({"cluster": {"clusterName": "shop"}})),
            "cluster: expected string, got object",
        ),
    ] {
        assert_eq!(faults(&app, &body).await, expected);
    }
    assert_eq!(app.inventory(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_short_form_stands_for_can_be_sent_in_its_place() {
    let body = with(
        &json!({"namespace": NAMESPACE, "capacity": "spot", "tags": {"team": "shop"}, "port": 80}),
    );
    let app = ScriptedApp::new();
    let long = plan(&app, &body).await["Request"].take();
    assert_eq!(plan(&app, &long).await["Request"], long);
    app.create(None, &long).await.expect(200);
    let of_long: Vec<_> = app.aws.sent("ecs:CreateService");
    let app = ScriptedApp::new();
    app.create(None, &body).await.expect(200);
    let of_short: Vec<_> = app.aws.sent("ecs:CreateService");
    let count = |sent: &[Value]| sent[0].as_object().map(serde_json::Map::len);
    assert_eq!(count(&of_long), count(&of_short));
}

#[tokio::test(start_paused = true)]
async fn a_short_form_takes_as_many_trips_as_a_long_one() {
    let app = ScriptedApp::new();
    app.create(None, &with(&json!({"name": "warm"})))
        .await
        .expect(200);
    app.aws.forget_calls();
    app.aws.set_latency(std::time::Duration::from_millis(100));
    let body = with(&json!({"cluster": "new", "namespace": NAMESPACE}));
    app.create(None, &body).await.expect(200);
    assert_eq!(app.aws.depth(), 4, "{:?}", app.aws.operations());
}
