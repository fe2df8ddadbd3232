//! The things that are there before a create: used, missing, or in its way.

use fake_aws::Fault;
use serde_json::json;

use super::{all_new, create};
use crate::support::TestApp;

#[tokio::test]
async fn whatever_must_exist_and_does_not_is_not_found_before_anything_is_made() {
    let app = TestApp::new();
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
    let web = app.account().task_definition("inactive", "a");
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
        .aws()
        .operations()
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
    let app = TestApp::new();
    let body = all_new(&app).await;
    let message = "Unable to Start a service that is still Draining.";
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", message));
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
async fn a_service_that_is_there_and_can_not_be_shown_is_in_the_way_of_a_repetition() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::reset().after_work());
    // The look finds none, the one after the create sees nothing, and the undo's finds it.
    app.aws()
        .on("ecs:DescribeServices")
        .once()
        .meets(Fault::answer(&json!({"services": [], "failures": []})));
    app.aws()
        .on("ecs:DescribeServices")
        .once()
        .meets(Fault::refuse("AccessDeniedException", "not you"));
    app.aws()
        .on("servicediscovery:GetService")
        .meets(Fault::refuse("ThrottlingException", "slow"));
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
async fn a_cluster_that_is_not_ready_is_a_reason_to_come_back_and_an_own_one_is_waited_for() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    let provisioning = json!({"clusterName": "myclu", "status": "PROVISIONING"});
    let look = || app.aws().on("ecs:DescribeClusters");
    let shows_it = Fault::answer(&json!({"clusters": [provisioning], "failures": []}));
    look().meets(shows_it.clone());
    let answer = create(&app, &body).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.problem(409)["code"], "NotReady");
    app.aws().forget_script();
    // The look finds none; what is created is PROVISIONING at first.
    let shows_none = Fault::answer(&json!({"clusters": [], "failures": []}));
    look().once().meets(shows_none);
    look().times(2).meets(shows_it);
    app.aws()
        .on("ecs:CreateCluster")
        .once()
        .meets(Fault::answer(&json!({"cluster": provisioning})));
    app.account()
        .ecs()
        .create_cluster()
        .cluster_name("myclu")
        .send()
        .await
        .unwrap();
    create(&app, &body).await.expect(200);
    let looks = app
        .aws()
        .operations()
        .iter()
        .filter(|call| *call == "ecs:DescribeClusters")
        .count();
    assert!(looks >= 4, "{looks}");
}

#[tokio::test]
async fn a_registry_that_does_not_say_who_created_it_is_somebody_elses() {
    let app = TestApp::new();
    let body = all_new(&app).await;
    app.aws()
        .on("servicediscovery:CreateService")
        .meets(Fault::reset().after_work());
    app.aws()
        .on("servicediscovery:ListTagsForResource")
        .meets(Fault::answer(&json!({"Tags": []})));
    app.aws()
        .on("ecs:CreateService")
        .meets(Fault::refuse("InvalidParameterException", "no"));
    let problem = create(&app, &body).await.problem(400);
    assert_eq!(problem["LeftBehind"], json!([]));
    let found = app.account().inventory().await;
    assert!(
        found.len() == 1 && found[0].contains(":servicediscovery:"),
        "{found:?}"
    );
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
