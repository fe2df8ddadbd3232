//! One DELETE removes a service and, if asked, what belongs to it, in AWS's order.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::documented;
use crate::support::{Answer, TestApp};

const RECURSIVE: &str = "/nonprod/services?cluster=myclu&service=webapp&recursive=true";

/// Creates the documented four, and answers what was created.
async fn create(app: &TestApp) -> Value {
    let body = documented(&app.account().namespace().await);
    app.post("/nonprod/services", &body).await.expect(200)
}

async fn delete(app: &TestApp, body: &Value) -> Answer {
    app.request("DELETE", "/nonprod/services")
        .json(body)
        .send()
        .await
}

fn arns(made: &Value) -> [Value; 3] {
    let arns = [
        &made["Service"]["ServiceArn"],
        &made["ServiceDiscoveryService"]["Arn"],
        &made["Cluster"]["ClusterArn"],
    ];
    arns.map(Clone::clone)
}

#[tokio::test]
async fn everything_goes_in_aws_s_order_but_the_task_definition() {
    let app = TestApp::new();
    let made = create(&app).await;
    app.aws().forget_calls();
    let answer = delete(
        &app,
        &json!({"cluster": "myclu", "service": "webapp", "recursive": true}),
    )
    .await
    .expect(200);
    assert_eq!(answer["Deleted"], json!(arns(&made)));
    assert_eq!(answer["Kept"], json!([]));
    assert_eq!(answer["Service"]["ServiceName"], "webapp");
    assert_eq!(answer.get("Pending"), None);
    assert_eq!(
        json!(app.account().inventory().await),
        json!([made["TaskDefinition"]["TaskDefinitionArn"]])
    );
    let calls = app.aws().operations();
    let changes: Vec<_> = calls
        .iter()
        .filter(|call| call.contains(":Delete"))
        .collect();
    assert_eq!(
        changes,
        [
            "ecs:DeleteService",
            "servicediscovery:DeleteService",
            "ecs:DeleteCluster"
        ]
    );
}

#[tokio::test]
async fn what_to_delete_comes_in_the_query_too() {
    let app = TestApp::new();
    let made = create(&app).await;
    let answer = app
        .delete("/nonprod/services?cluster=myclu&service=webapp&recursive=TRUE")
        .await
        .expect(200);
    assert_eq!(answer["Deleted"], json!(arns(&made)));
}

#[tokio::test]
async fn the_services_own_path_deletes_recursively_too() {
    let app = TestApp::new();
    let made = create(&app).await;
    let answer = app
        .delete("/nonprod/clusters/myclu/services/webapp?recursive=1")
        .await
        .expect(200);
    assert_eq!(answer["Deleted"], json!(arns(&made)));
}

#[tokio::test]
async fn without_recursive_only_the_service_goes() {
    let app = TestApp::new();
    let made = create(&app).await;
    let answer = delete(&app, &json!({"Cluster": "myclu", "SERVICE": "webapp"}))
        .await
        .expect(200);
    assert_eq!(answer["Deleted"], json!([made["Service"]["ServiceArn"]]));
    let left = json!(app.account().inventory().await);
    let [_, registry, cluster] = arns(&made);
    assert_eq!(
        left,
        json!([
            cluster,
            made["TaskDefinition"]["TaskDefinitionArn"],
            registry
        ])
    );
}

#[tokio::test]
async fn a_cluster_with_another_service_is_kept_and_the_answer_says_why() {
    let app = TestApp::new();
    let made = create(&app).await;
    let second = json!({"service": {"cluster": "myclu", "serviceName": "second", "taskDefinition": "mytaskdef:1", "desiredCount": 0}});
    app.post("/nonprod/services", &second).await.expect(200);
    let answer = app.delete(RECURSIVE).await.expect(200);
    let [service, registry, cluster] = arns(&made);
    assert_eq!(answer["Deleted"], json!([service, registry]));
    assert_eq!(
        answer["Kept"],
        json!([{"Arn": cluster, "Reason": "it has 1 other service"}])
    );
}

#[tokio::test]
async fn a_cluster_with_another_task_is_kept() {
    let app = TestApp::new();
    let made = create(&app).await;
    app.account()
        .ecs()
        .run_task()
        .cluster("myclu")
        .task_definition("mytaskdef:1")
        .network_configuration(app.account().network())
        .send()
        .await
        .unwrap();
    let answer = app.delete(RECURSIVE).await.expect(200);
    let [_, _, cluster] = arns(&made);
    assert_eq!(
        answer["Kept"],
        json!([{"Arn": cluster, "Reason": "it has 1 other task"}])
    );
}

#[tokio::test]
async fn the_cluster_default_is_kept() {
    let app = TestApp::new();
    let ecs = app.account().ecs();
    ecs.create_cluster().send().await.unwrap();
    let web = app.account().task_definition("web", "a");
    web.send().await.unwrap();
    let service = app.account().service("web").cluster("default");
    service.send().await.unwrap();
    let answer = app
        .delete("/nonprod/services?cluster=default&service=web&recursive=true")
        .await
        .expect(200);
    let kept = &answer["Kept"][0];
    assert!(
        kept["Arn"].as_str().unwrap().ends_with(":cluster/default"),
        "{answer}"
    );
    assert_eq!(
        kept["Reason"],
        "the cluster `default` is never deleted along with a service"
    );
    assert_eq!(
        app.account()
            .ecs()
            .list_clusters()
            .send()
            .await
            .unwrap()
            .cluster_arns()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_is_not_done_in_time_is_pending_and_the_same_delete_again_goes_on() {
    let mut app = TestApp::new();
    let made = create(&app).await;
    let [service, registry, cluster] = arns(&made);
    app.set_time_left(Duration::from_secs(6));
    app.aws()
        .on("servicediscovery:DeleteService")
        .meets(Fault::refuse("ResourceInUse", "instances are registered"));
    let started = Instant::now();
    let answer = app.delete(RECURSIVE).await;
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(answer.header("retry-after"), Some("15"));
    let body = answer.expect(202);
    assert_eq!(body["Deleted"], json!([service]));
    let repeat =
        "nobody goes on with it: repeat this DELETE, after `Retry-After`, until it answers 200";
    assert_eq!(
        (&body["Queued"], &body["Detail"]),
        (&json!(false), &json!(repeat))
    );
    assert_eq!(
        body["Pending"],
        json!([
            {"Arn": registry, "WaitingFor": "instances are registered"},
            {"Arn": cluster, "WaitingFor": "the registries to be deleted"},
        ])
    );
    app.aws().forget_script();
    let body = app.delete(RECURSIVE).await.expect(200);
    assert_eq!(body["Deleted"], json!([service, registry, cluster]));
    let body = app.delete(RECURSIVE).await;
    assert!(matches!(body.status, 200 | 404), "{}", body.text());
}

#[tokio::test]
async fn an_instance_that_ecs_forgot_is_deregistered() {
    let app = TestApp::new();
    let made = create(&app).await;
    let id = made["ServiceDiscoveryService"]["Id"].as_str().unwrap();
    let register = app
        .account()
        .discovery()
        .register_instance()
        .service_id(id)
        .instance_id("0a1b2c3d4e5f");
    register
        .attributes("AWS_INSTANCE_IPV4", "10.0.0.7")
        .attributes("ECS_SERVICE_NAME", "webapp")
        .attributes("ECS_CLUSTER_NAME", "myclu")
        .send()
        .await
        .unwrap();
    app.aws()
        .on("servicediscovery:DeleteService")
        .once()
        .meets(Fault::refuse("ResourceInUse", "has instances"));
    let answer = app.delete(RECURSIVE).await.expect(200);
    assert_eq!(answer["Deleted"], json!(arns(&made)));
    let calls = app.aws().operations();
    let discovery: Vec<_> = calls
        .iter()
        .filter(|call| call.starts_with("servicediscovery:De"))
        .collect();
    let expected = ["DeregisterInstance", "DeleteService", "DeleteService"]
        .map(|call| format!("servicediscovery:{call}"));
    assert_eq!(discovery, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_registry_with_instances_of_others_is_kept() {
    for attributes in [
        vec![("ECS_SERVICE_NAME", "other"), ("ECS_CLUSTER_NAME", "myclu")],
        // A service of the same name in another cluster.
        vec![
            ("ECS_SERVICE_NAME", "webapp"),
            ("ECS_CLUSTER_NAME", "green"),
        ],
        // Registered by hand.
        vec![],
    ] {
        let app = TestApp::new();
        let made = create(&app).await;
        let [service, registry, cluster] = arns(&made);
        let id = made["ServiceDiscoveryService"]["Id"].as_str().unwrap();
        let mut register = app
            .account()
            .discovery()
            .register_instance()
            .service_id(id)
            .instance_id("0a1b2c3d4e5f");
        for (name, value) in attributes {
            register = register.attributes(name, value);
        }
        register
            .attributes("AWS_INSTANCE_IPV4", "10.0.0.7")
            .send()
            .await
            .unwrap();
        app.aws()
            .on("servicediscovery:DeleteService")
            .meets(Fault::refuse("ResourceInUse", "instances are registered"));
        let answer = app.delete(RECURSIVE).await.expect(200);
        assert_eq!(answer["Deleted"], json!([service, cluster]));
        assert_eq!(
            answer["Kept"],
            json!([{"Arn": registry, "Reason": "it has 1 instance of others"}])
        );
        let calls = app.aws().operations();
        assert!(
            !calls.contains(&"servicediscovery:DeregisterInstance".to_owned()),
            "{calls:?}"
        );
    }
}

#[tokio::test]
async fn a_registry_that_another_service_uses_is_kept_though_it_has_no_instance() {
    let app = TestApp::new();
    let made = create(&app).await;
    let [service, registry, cluster] = arns(&made);
    let second = json!({"service": {
        "cluster": "myclu", "serviceName": "second", "taskDefinition": "mytaskdef:1", "desiredCount": 0,
        "serviceRegistries": [{"registryArn": registry}],
    }});
    app.post("/nonprod/services", &second).await.expect(200);
    let answer = app.delete(RECURSIVE).await.expect(200);
    assert_eq!(answer["Deleted"], json!([service]));
    assert_eq!(
        answer["Kept"],
        json!([
            {"Arn": registry, "Reason": "the service `second` uses it"},
            {"Arn": cluster, "Reason": "it has 1 other service"},
        ])
    );
    assert!(
        app.account()
            .inventory()
            .await
            .contains(&registry.as_str().unwrap().to_owned())
    );
}

/// Returns AWS's description of the service while it drains.
fn draining(made: &Value) -> Value {
    json!({"failures": [], "services": [{
        "serviceArn": made["Service"]["ServiceArn"], "serviceName": "webapp", "status": "DRAINING", "runningCount": 2,
        "createdAt": 1_000_000_000,
        "clusterArn": made["Cluster"]["ClusterArn"],
        "serviceRegistries": [{"registryArn": made["ServiceDiscoveryService"]["Arn"]}],
    }]})
}

#[tokio::test]
async fn a_service_that_drains_longer_than_a_request_is_pending_with_what_waits_for_it() {
    let mut app = TestApp::new();
    let made = create(&app).await;
    let [service, registry, cluster] = arns(&made);
    app.set_time_left(Duration::from_secs(5));
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining(&made)));
    let answer = app.delete(RECURSIVE).await;
    assert_eq!(answer.header("retry-after"), Some("15"));
    let body = answer.expect(202);
    assert_eq!((&body["Deleted"], &body["Kept"]), (&json!([]), &json!([])));
    let waiting = "the tasks of `webapp` to stop";
    assert_eq!(
        body["Pending"],
        json!([
            {"Arn": service, "WaitingFor": "2 tasks to stop"},
            {"Arn": registry, "WaitingFor": waiting},
            {"Arn": cluster, "WaitingFor": waiting},
        ])
    );
    app.aws().forget_script();
    assert_eq!(
        app.delete(RECURSIVE).await.expect(200)["Deleted"],
        json!([service, registry, cluster])
    );
}

#[tokio::test(start_paused = true)]
async fn the_cluster_default_is_kept_also_while_a_service_drains() {
    let mut app = TestApp::scripted();
    app.set_time_left(Duration::from_secs(4));
    let service = json!({"serviceArn": "arn:s", "serviceName": "web", "status": "DRAINING", "runningCount": 1, "clusterArn": "arn:c"});
    app.aws().on("ecs:DescribeServices").meets(Fault::answer(
        &json!({"failures": [], "services": [service]}),
    ));
    let body = app
        .delete("/nonprod/services?cluster=default&service=web&recursive=true")
        .await
        .expect(202);
    assert_eq!(
        body["Pending"],
        json!([{"Arn": "arn:s", "WaitingFor": "1 task to stop"}])
    );
    let reason = "the cluster `default` is never deleted along with a service";
    assert_eq!(body["Kept"], json!([{"Arn": "arn:c", "Reason": reason}]));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_still_stopping_is_waited_for_and_nobody_elses() {
    let mut app = TestApp::scripted();
    let made = create(&app).await;
    app.set_time_left(Duration::from_secs(5));
    let stopping = json!({"failures": [], "tasks": [
        {"taskArn": "arn:aws:ecs:us-east-1:1:task/myclu/0a", "lastStatus": "STOPPING", "group": "service:webapp"},
    ]});
    app.aws()
        .on("ecs:DescribeTasks")
        .meets(Fault::answer(&stopping));
    let body = app.delete(RECURSIVE).await.expect(202);
    assert_eq!(
        body["Pending"][0],
        json!({"Arn": made["Service"]["ServiceArn"], "WaitingFor": "1 task to stop"})
    );
    app.aws().forget_script();
    assert_eq!(
        app.delete(RECURSIVE).await.expect(200)["Deleted"],
        json!(arns(&made))
    );
}

#[tokio::test]
async fn a_service_that_was_created_again_meanwhile_is_left_alone() {
    let app = TestApp::new();
    let made = create(&app).await;
    let [_, registry, cluster] = arns(&made);
    app.aws()
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&draining(&made)));
    let mut again = draining(&made);
    again["services"][0]["status"] = "ACTIVE".into();
    again["services"][0]["createdAt"] = json!(4_000_000_000_u32);
    let create_again = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        app.aws().forget_script();
        app.aws()
            .on("ecs:DescribeServices")
            .meets(Fault::answer(&again));
    };
    let (answer, ()) = tokio::join!(app.delete(RECURSIVE), create_again);
    let answer = answer.expect(200);
    assert_eq!(answer["Deleted"], json!([made["Service"]["ServiceArn"]]));
    assert_eq!(
        answer["Kept"],
        json!([
            {"Arn": registry, "Reason": "it was created again after the delete was asked for"},
            {"Arn": cluster, "Reason": "it has 1 other service"},
        ])
    );
}

#[tokio::test]
async fn a_lenient_delete_lists_what_it_does_not_know() {
    let app = TestApp::new();
    create(&app).await;
    let body = json!({"cluster": "myclu", "service": "webapp", "recusive": true});
    let request = app
        .request("DELETE", "/nonprod/services")
        .header("prefer", "handling=lenient")
        .json(&body);
    let answer = request.send().await;
    answer.expect(200);
    assert_eq!(answer.header("x-ignored-members"), Some("recusive"));
}

#[tokio::test]
async fn a_refusal_on_the_way_says_what_is_gone() {
    let app = TestApp::new();
    let made = create(&app).await;
    let [service, registry, _] = arns(&made);
    app.aws()
        .on("ecs:DeleteCluster")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let problem = app.delete(RECURSIVE).await.problem(403);
    assert_eq!(problem["Deleted"], json!([service, registry]));
    assert_eq!(problem["code"], "AccessDeniedException");
    app.aws().forget_script();
    app.aws()
        .on("ecs:DeleteService")
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    let made = create_again(&app, "second").await;
    let problem = app
        .delete("/nonprod/services?cluster=myclu&service=second&recursive=true")
        .await
        .problem(403);
    assert_eq!(
        (&problem["Deleted"], &problem["Kept"]),
        (&json!([]), &json!([]))
    );
    assert!(
        app.account()
            .inventory()
            .await
            .contains(&made["Service"]["ServiceArn"].as_str().unwrap().to_owned())
    );
}

/// Another service in the documented cluster, without a registry.
async fn create_again(app: &TestApp, name: &str) -> Value {
    let body = json!({
        "cluster": {"name": "myclu"}, "service": {"serviceName": name, "taskDefinition": "mytaskdef:1", "desiredCount": 0},
    });
    app.post("/nonprod/services", &body).await.expect(200)
}

#[tokio::test]
async fn an_unknown_service_is_not_found_and_nothing_is_deleted() {
    let app = TestApp::new();
    create(&app).await;
    let before = app.account().inventory().await;
    let problem = app
        .delete("/nonprod/services?cluster=myclu&service=nothing&recursive=true")
        .await
        .problem(404);
    assert_eq!(
        problem["detail"],
        "there is no service `nothing` in the cluster `myclu`"
    );
    app.delete("/nonprod/services?cluster=nowhere&service=webapp")
        .await
        .problem(404);
    assert_eq!(app.account().inventory().await, before);
}

#[tokio::test]
async fn a_target_that_is_not_clear_is_refused_before_any_call() {
    let app = TestApp::new();
    for (query, body, path) in [
        ("", json!({"service": "webapp"}), "cluster"),
        ("", json!({"cluster": "myclu"}), "service"),
        (
            "",
            json!({"cluster": "my clu", "service": "webapp"}),
            "cluster",
        ),
        (
            "",
            json!({"cluster": "myclu", "service": "other/webapp"}),
            "service",
        ),
        (
            "",
            json!({"cluster": "myclu", "service": "webapp", "recursive": "perhaps"}),
            "recursive",
        ),
        (
            "",
            json!({"cluster": "myclu", "service": "webapp", "recursve": true}),
            "recursve",
        ),
        (
            "?cluster=another",
            json!({"cluster": "myclu", "service": "webapp"}),
            "cluster",
        ),
        (
            "?recursive=2",
            json!({"cluster": "myclu", "service": "webapp"}),
            "recursive",
        ),
    ] {
        let answer = app
            .request("DELETE", &format!("/nonprod/services{query}"))
            .json(&body)
            .send()
            .await;
        let errors = answer.problem(400)["errors"].take();
        assert_eq!(
            (&errors[0]["path"], errors.as_array().unwrap().len()),
            (&json!(path), 1),
            "{errors}"
        );
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}
