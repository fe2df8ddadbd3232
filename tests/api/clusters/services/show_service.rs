use std::time::Duration;

use aws_sdk_ecs::types::{ServiceRegistry, Tag};
use fake_aws::Fault;
use serde_json::json;

use super::{arn, encoded, refuses_impossible_services};
use crate::support::promised::{SERVICE, WHOLE_SERVICE, project};
use crate::support::{TestAccount, TestApp};

const PATH: &str = "/nonprod/clusters/myclu/services/web";
const ALL: &str = "/nonprod/clusters/myclu/services/web?all=true";

/// An app whose first deployments are as far with each look.
fn standing_still() -> TestApp {
    let app = TestApp::new();
    app.aws().circumstances(&app.account().id, |account| {
        account.deployments.named_after = Duration::from_hours(1);
        account.deployments.step = Duration::from_hours(1);
    });
    app
}

/// Gives the app the tagged service `web`.
async fn with_web(app: TestApp) -> TestApp {
    app.account().furnish().await;
    let tag = Tag::builder().key("Team").value("A").build();
    app.account().service("web").tags(tag).send().await.unwrap();
    app
}

/// Gives the app the service `web` that registers as `www` in a namespace, and the registry's id.
async fn with_registry(
    app: TestApp,
    namespace: impl AsyncFnOnce(&TestAccount) -> String,
) -> (TestApp, String) {
    let account = app.account();
    account.furnish().await;
    let registry = account
        .discovery()
        .create_service()
        .name("www")
        .namespace_id(namespace(account).await);
    let registry = registry.send().await.unwrap().service.unwrap();
    let registers = ServiceRegistry::builder()
        .registry_arn(registry.arn().unwrap())
        .build();
    account
        .service("web")
        .service_registries(registers)
        .send()
        .await
        .unwrap();
    let id = registry.id().unwrap().to_owned();
    (app, id)
}

/// A private DNS namespace `demo.internal`.
async fn private(account: &TestAccount) -> String {
    account.namespace().await
}

/// A public DNS namespace `example.com`.
async fn public(account: &TestAccount) -> String {
    let made = account
        .discovery()
        .create_public_dns_namespace()
        .name("example.com")
        .send()
        .await
        .unwrap();
    account.made_by(made.operation_id().unwrap()).await
}

/// An HTTP namespace `calls`.
async fn http(account: &TestAccount) -> String {
    let made = account
        .discovery()
        .create_http_namespace()
        .name("calls")
        .send()
        .await
        .unwrap();
    account.made_by(made.operation_id().unwrap()).await
}

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}

#[tokio::test]
async fn a_service_is_shown_with_its_tags() {
    let app = with_web(standing_still()).await;
    let answer = app.get(PATH).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, SERVICE), {
        ".**.ServiceArn" => "[arn]",
        ".**.ClusterArn" => "[arn]",
        ".**.TaskDefinition" => "[arn]",
        ".**.CreatedAt" => "[time]",
        ".**.AwsvpcConfiguration" => "[network]",
    }, @r#"
    {
      "Services": [
        {
          "ServiceArn": "[arn]",
          "ServiceName": "web",
          "ClusterArn": "[arn]",
          "ServiceRegistries": [],
          "Status": "ACTIVE",
          "DesiredCount": 0,
          "LaunchType": "FARGATE",
          "TaskDefinition": "[arn]",
          "CreatedAt": "[time]",
          "NetworkConfiguration": {
            "AwsvpcConfiguration": "[network]"
          },
          "Tags": [
            {
              "Key": "Team",
              "Value": "A"
            }
          ]
        }
      ],
      "Failures": []
    }
    "#);
    assert_eq!(
        app.aws().operations(),
        ["sts:AssumeRole", "ecs:DescribeServices"]
    );
    assert_eq!(
        app.get(&format!("{PATH}?all=false")).await.expect(200),
        answer
    );
}

#[tokio::test]
async fn all_gives_one_flat_object_with_everything_around_the_service() {
    let (app, _) = with_registry(TestApp::new(), private).await;
    app.account()
        .ecs()
        .update_service()
        .cluster("myclu")
        .service("web")
        .desired_count(1)
        .send()
        .await
        .unwrap();
    let answer = app.get(ALL).await.expect(200);
    insta::assert_json_snapshot!(project(&answer, WHOLE_SERVICE), {
        ".ServiceArn" => "[arn]",
        ".ClusterArn" => "[arn]",
        ".ServiceRegistries[].RegistryArn" => "[arn]",
        ".Deployments[].TaskDefinition" => "[arn]",
        ".TaskDefinition.TaskDefinitionArn" => "[arn]",
        ".Tasks[]" => "[cluster/id]",
    }, @r#"
    {
      "ServiceArn": "[arn]",
      "ServiceName": "web",
      "ClusterArn": "[arn]",
      "ServiceRegistries": [
        {
          "RegistryArn": "[arn]"
        }
      ],
      "Status": "ACTIVE",
      "DesiredCount": 1,
      "LaunchType": "FARGATE",
      "TaskDefinition": {
        "TaskDefinitionArn": "[arn]",
        "ContainerDefinitions": [
          {
            "Name": "app",
            "Image": "nginx:alpine"
          }
        ],
        "Family": "web",
        "Revision": 1,
        "Status": "ACTIVE"
      },
      "Tags": [],
      "ServiceEndpoint": "www.demo.internal",
      "Tasks": [
        "[cluster/id]"
      ]
    }
    "#);
    assert_eq!(
        answer["TaskDefinition"]["TaskDefinitionArn"],
        arn(&app, "task-definition/web:1")
    );
    let ids = app.account().task_ids("web").await;
    assert_eq!(answer["Tasks"], json!([format!("myclu/{}", ids[0])]));
}

#[tokio::test]
async fn the_endpoint_is_name_and_namespace_of_whatever_kind() {
    let (private, _) = with_registry(TestApp::new(), private).await;
    let (public, _) = with_registry(TestApp::new(), public).await;
    let (http, _) = with_registry(TestApp::new(), http).await;
    for (app, endpoint) in [
        (&private, "www.demo.internal"),
        (&public, "www.example.com"),
        (&http, "www.calls"),
    ] {
        assert_eq!(app.get(ALL).await.expect(200)["ServiceEndpoint"], endpoint);
    }
    assert_eq!(
        sorted(private.aws().operations()),
        [
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTasks",
            "ecs:ListTasks",
            "servicediscovery:GetNamespace",
            "servicediscovery:GetService",
            "sts:AssumeRole",
        ]
    );
}

#[tokio::test]
async fn an_old_registry_has_its_namespace_in_its_dns_config() {
    let (app, id) = with_registry(TestApp::new(), private).await;
    let namespaces = app
        .account()
        .discovery()
        .list_namespaces()
        .send()
        .await
        .unwrap();
    let namespace_id = namespaces.namespaces()[0].id().unwrap();
    let dns = json!({"NamespaceId": namespace_id, "DnsRecords": [{"Type": "A", "TTL": 30}]});
    let old = json!({"Service": {"Id": id, "Name": "www", "DnsConfig": dns}});
    app.aws()
        .on("servicediscovery:GetService")
        .meets(Fault::answer(&old));
    assert_eq!(
        app.get(ALL).await.expect(200)["ServiceEndpoint"],
        "www.demo.internal"
    );
}

#[tokio::test]
async fn a_service_without_a_registry_has_no_endpoint() {
    let app = with_web(TestApp::new()).await;
    let shown = app.get(ALL).await.expect(200);
    assert_eq!(shown.get("ServiceEndpoint"), None);
    assert_eq!(
        (&shown["ServiceName"], &shown["Tasks"]),
        (&json!("web"), &json!([]))
    );
    assert_eq!(shown["Tags"], json!([{"Key": "Team", "Value": "A"}]));
    let asked = app
        .aws()
        .operations()
        .into_iter()
        .filter(|call| call.starts_with("servicediscovery:"))
        .count();
    assert_eq!(asked, 0);
}

#[tokio::test]
async fn a_service_whose_registry_is_gone_has_no_endpoint() {
    let (app, id) = with_registry(TestApp::new(), private).await;
    app.account()
        .discovery()
        .delete_service()
        .id(id)
        .send()
        .await
        .unwrap();
    let shown = app.get(ALL).await.expect(200);
    assert_eq!(
        (&shown["ServiceName"], shown.get("ServiceEndpoint")),
        (&json!("web"), None)
    );
    assert_eq!(shown["ServiceRegistries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_whose_namespace_is_gone_has_no_endpoint() {
    let (app, _) = with_registry(TestApp::new(), private).await;
    app.aws()
        .on("servicediscovery:GetNamespace")
        .meets(Fault::refuse("NamespaceNotFound", "no such namespace"));
    assert_eq!(app.get(ALL).await.expect(200).get("ServiceEndpoint"), None);
}

#[tokio::test]
async fn the_tasks_are_those_of_every_page_running_and_stopped() {
    let app = with_web(TestApp::new()).await;
    let ecs = app.account().ecs();
    for count in [130, 128] {
        ecs.update_service()
            .cluster("myclu")
            .service("web")
            .desired_count(count)
            .send()
            .await
            .unwrap();
    }
    app.account()
        .service("other")
        .desired_count(1)
        .send()
        .await
        .unwrap();
    let expected: Vec<_> = app
        .account()
        .task_ids("web")
        .await
        .iter()
        .map(|id| format!("myclu/{id}"))
        .collect();
    let shown = app.get(ALL).await.expect(200);
    assert_eq!(expected.len(), 130);
    assert_eq!(shown["Tasks"], json!(expected));
    assert_eq!(shown["RunningCount"], 128);
    let lists = app
        .aws()
        .operations()
        .into_iter()
        .filter(|call| call == "ecs:ListTasks")
        .count();
    assert_eq!(lists, 3, "two pages of running tasks, one of stopped ones");
}

#[tokio::test]
async fn a_task_with_an_old_arn_is_named_with_its_cluster_too() {
    let app = with_web(TestApp::new()).await;
    for (status, tasks) in [
        ("RUNNING", json!([arn(&app, "task/0123abc")])),
        ("STOPPED", json!([])),
    ] {
        app.aws()
            .on("ecs:ListTasks")
            .whose(move |sent| sent["desiredStatus"] == status)
            .meets(Fault::answer(&json!({"taskArns": tasks})));
    }
    assert_eq!(
        app.get(ALL).await.expect(200)["Tasks"],
        json!(["myclu/0123abc"])
    );
}

#[tokio::test]
async fn a_task_definition_that_is_gone_leaves_its_arn() {
    let app = with_web(TestApp::new()).await;
    app.aws()
        .on("ecs:DescribeTaskDefinition")
        .meets(Fault::refuse(
            "ClientException",
            "Unable to describe task definition.",
        ));
    assert_eq!(
        app.get(ALL).await.expect(200)["TaskDefinition"],
        arn(&app, "task-definition/web:1")
    );
}

#[tokio::test]
async fn a_draining_service_is_shown() {
    let app = with_web(TestApp::new()).await;
    let draining =
        json!({"services": [{"serviceName": "web", "status": "DRAINING"}], "failures": []});
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining));
    assert_eq!(
        app.get(PATH).await.expect(200)["Services"][0]["Status"],
        "DRAINING"
    );
    assert_eq!(app.get(ALL).await.expect(200)["Status"], "DRAINING");
}

#[tokio::test]
async fn an_inactive_service_is_shown_though_it_has_no_list_of_tasks() {
    let app = with_web(TestApp::new()).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::ZERO;
    });
    app.delete(PATH).await.expect(200);
    assert_eq!(
        app.get(PATH).await.expect(200)["Services"][0]["Status"],
        "INACTIVE"
    );
    app.aws().on("ecs:ListTasks").meets(Fault::refuse(
        "ServiceNotFoundException",
        "Service not found.",
    ));
    let shown = app.get(ALL).await.expect(200);
    assert_eq!(
        (&shown["Status"], &shown["Tasks"]),
        (&json!("INACTIVE"), &json!([]))
    );
}

#[tokio::test]
async fn a_service_is_shown_by_its_arn() {
    let app = with_web(standing_still()).await;
    let by_name = app.get(PATH).await.expect(200);
    let cluster = arn(&app, "cluster/myclu");
    // API Gateway's HTTP APIs hand the path on decoded.
    for cluster in ["myclu", &encoded(&cluster), &cluster] {
        for resource in ["service/myclu/web", "service/web"] {
            let service = arn(&app, resource);
            for service in [encoded(&service), service] {
                let path = format!("/nonprod/clusters/{cluster}/services/{service}");
                assert_eq!(app.get(&path).await.expect(200), by_name, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_impossible_service_is_refused_before_any_call() {
    refuses_impossible_services("GET", "").await;
}

#[tokio::test]
async fn an_unknown_service_or_cluster_is_not_found() {
    let app = with_web(TestApp::new()).await;
    let problem = app
        .get("/nonprod/clusters/myclu/services/nothing")
        .await
        .problem(404);
    insta::assert_json_snapshot!(problem, @r#"
    {
      "status": 404,
      "detail": "there is no service `nothing` in the cluster `myclu`",
      "code": "NotFound",
      "retryable": false
    }
    "#);
    assert_eq!(
        app.get("/nonprod/clusters/myclu/services/nothing?all=true")
            .await
            .problem(404),
        problem
    );
    for query in ["", "?all=true"] {
        let problem = app
            .get(&format!("/nonprod/clusters/nowhere/services/web{query}"))
            .await
            .problem(404);
        assert_eq!(
            problem["detail"],
            "there is no service `web` in the cluster `nowhere`"
        );
    }
}

#[tokio::test]
async fn a_refusal_of_any_part_is_a_problem() {
    let (app, _) = with_registry(TestApp::new(), private).await;
    // The namespace's name is remembered as soon as it was answered.
    for operation in [
        "servicediscovery:GetNamespace",
        "servicediscovery:GetService",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTasks",
        "ecs:DescribeServices",
    ] {
        app.aws()
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "not you"));
        let problem = app.get(ALL).await.problem(403);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.ends_with(&format!("may not do `{operation}`: not you")),
            "{detail}"
        );
        app.aws().forget_script();
    }
}

#[tokio::test]
async fn a_bad_query_is_refused_before_any_call() {
    let app = TestApp::new();
    let queries = [
        ("all=maybe", "all", "expected `true`, `false`, `1` or `0`"),
        (
            "tags=true",
            "tags",
            "unknown query parameter; this path knows `all`",
        ),
    ];
    app.assert_refuses("GET", PATH, &queries).await;
}
