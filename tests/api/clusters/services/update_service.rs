use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use super::{arn, encoded, refuses_impossible_services};
use crate::support::scripted::{MEMBER, ScriptedApp};
use crate::support::{Answer, Caller, TestApp};

mod deploy;
mod deploy_faults;
mod deploy_once;
mod entity_tags;

const PATH: &str = "/nonprod/clusters/myclu/services/web";
/// The service that is deployed in the scripted account.
pub(super) const DEPLOYED: &str = "/nonprod/clusters/shop/services/web";

/// The time until the watch has looked after an invocation.
pub(super) const WATCHED: Duration = Duration::from_secs(35 + 120);

/// The service as AWS describes it.
pub(super) async fn service(app: &ScriptedApp) -> Value {
    let input = json!({"cluster": "shop", "services": ["web"], "include": ["TAGS"]});
    let described = app.aws.ask(MEMBER, "ecs:DescribeServices", &input);
    described.await.unwrap()["services"][0].take()
}

/// The ARNs of the revisions that are ACTIVE.
pub(super) fn revisions(app: &ScriptedApp) -> Vec<String> {
    let mut arns = app.inventory();
    arns.retain(|arn| arn.contains(":task-definition/"));
    arns
}

/// The ARN of a revision of the service that is deployed.
pub(super) fn revision(number: u32) -> String {
    format!("arn:aws:ecs:us-east-1:{MEMBER}:task-definition/web:{number}")
}

/// A scripted account with a service `web` of two containers.
pub(super) fn deployable() -> ScriptedApp {
    furnished(ScriptedApp::new(), |_, _| ())
}

/// Gives an account the cluster `shop`, and a service `web` of two containers, with these changes of its definition and of
/// itself.
fn furnished(app: ScriptedApp, change: impl FnOnce(&mut Value, &mut Value)) -> ScriptedApp {
    let mut definition = json!({
        "family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": format!("arn:aws:iam::{MEMBER}:role/ecsTaskExecutionRole"),
        "containerDefinitions": [
            {"name": "web", "image": "host:5000/team/web:1", "essential": true},
            {"name": "sidecar", "image": "team/sidecar:1", "essential": false, "environment": []},
        ],
        "tags": [{"key": "team", "value": "shop"}, {"key": "ecs-api:request-id", "value": "before/1"}],
    });
    let mut service = json!({
        "cluster": "shop", "serviceName": "web", "taskDefinition": "web:1", "desiredCount": 2, "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        "tags": [{"key": "owner", "value": "me"}],
    });
    let containers = definition["containerDefinitions"].as_array_mut().unwrap();
    for container in containers {
        // As ECS fills them in.
        container["cpu"] = 0.into();
        for list in [
            "portMappings",
            "mountPoints",
            "volumesFrom",
            "systemControls",
        ] {
            container[list] = json!([]);
        }
    }
    definition["containerDefinitions"][0]["environment"] =
        json!([{"name": "MODE", "value": "a"}, {"name": "OLD", "value": "b"}]);
    change(&mut definition, &mut service);
    for (operation, input) in [
        ("ecs:CreateCluster", json!({"clusterName": "shop"})),
        ("ecs:RegisterTaskDefinition", definition),
        ("ecs:CreateService", service),
    ] {
        let put = app.aws.put(MEMBER, operation, &input);
        put.expect("nothing is in the way in an empty account");
    }
    app
}

/// Changes the service of the scripted account.
pub(super) async fn deploy(app: &ScriptedApp, body: &Value) -> Answer {
    app.send("PATCH", DEPLOYED, None, body).await
}

/// Gives the app the service `web` of one task.
async fn with_web(app: TestApp) -> TestApp {
    app.account().furnish().await;
    app.account()
        .service("web")
        .desired_count(1)
        .send()
        .await
        .unwrap();
    app
}

/// Changes the service `web`.
async fn patch(app: &TestApp, body: &Value) -> Answer {
    app.request("PATCH", PATH).json(body).send().await
}

#[tokio::test]
async fn a_service_is_scaled_by_one_call_and_all_else_stays() {
    let app = with_web(TestApp::new()).await;
    let before = app.get(PATH).await.expect(200)["Services"][0].take();
    app.aws().forget_calls();
    let answer = patch(&app, &json!({"desiredcount": 3})).await.expect(200);
    let after = answer["Service"].clone();
    let arn = after["TaskDefinition"].clone();
    let expected = json!({"Service": after, "Changed": true, "TaskDefinition": arn, "PreviousTaskDefinition": arn,
        "Changes": [{"Path": "desiredCount", "To": 3}]});
    assert_eq!(answer, expected);
    assert_eq!(after["DesiredCount"], 3);
    for member in [
        "ServiceArn",
        "TaskDefinition",
        "LaunchType",
        "NetworkConfiguration",
        "CreatedAt",
    ] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(app.aws().operations(), ["ecs:UpdateService"]);
    let sent = app.aws().sent("ecs:UpdateService");
    assert_eq!(
        sent,
        [json!({"cluster": "myclu", "service": "web", "desiredCount": 3})]
    );
    assert_eq!(app.account().task_ids("web").await.len(), 3);
}

#[tokio::test]
async fn a_service_gets_another_task_definition() {
    let app = with_web(TestApp::new()).await;
    app.account().furnish().await;
    let answer = patch(
        &app,
        &json!({"taskDefinition": "web:2", "forceNewDeployment": true}),
    )
    .await
    .expect(200);
    assert_eq!(
        answer["Service"]["TaskDefinition"],
        arn(&app, "task-definition/web:2")
    );
    assert_eq!(answer["Service"]["DesiredCount"], 1);
}

#[tokio::test]
async fn a_service_is_scaled_by_its_arn() {
    let app = with_web(TestApp::new()).await;
    for (count, resource) in [(2, "service/myclu/web"), (0, "service/web")] {
        let path = format!(
            "/nonprod/clusters/myclu/services/{}",
            encoded(&arn(&app, resource))
        );
        let answer = app
            .request("PATCH", &path)
            .json(&json!({"desiredCount": count}))
            .send()
            .await
            .expect(200);
        assert_eq!(answer["Service"]["DesiredCount"], count, "{resource}");
    }
}

#[tokio::test]
async fn a_body_may_name_the_path_and_nothing_else() {
    let app = with_web(TestApp::new()).await;
    let own =
        json!({"cluster": "myclu", "service": arn(&app, "service/myclu/web"), "desiredCount": 2});
    patch(&app, &own).await.expect(200);
    assert_eq!(app.aws().sent("ecs:UpdateService")[0]["service"], "web");
    app.aws().forget_calls();
    for (member, message) in [
        (
            "cluster",
            "differs from the path's cluster, `myclu`; leave it out",
        ),
        (
            "service",
            "differs from the path's service, `web`; leave it out",
        ),
    ] {
        let problem = patch(&app, &json!({(member): "other", "desiredCount": 2}))
            .await
            .problem(400);
        assert_eq!(
            problem["errors"],
            json!([{"path": member, "message": message}])
        );
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_changes_nothing_or_what_cannot_be_changed_is_refused_before_any_call() {
    let app = TestApp::new();
    for (body, path, message) in [
        (
            json!({}),
            "",
            "nothing to change: name at least one member, such as `tag` or `desiredCount`",
        ),
        (json!({"launchType": "EC2"}), "launchType", "unknown member"),
        (
            json!({"desiredCount": "3"}),
            "desiredCount",
            "expected integer, got string \"3\"",
        ),
    ] {
        let problem = patch(&app, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path, "{body}");
        let said = problem["errors"][0]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{body}: {said}");
    }
    assert_eq!(app.aws().operations(), [""; 0]);
}

#[tokio::test]
async fn what_was_shown_can_be_sent_back() {
    let app = with_web(TestApp::new()).await;
    let mut shown = app.get(PATH).await.expect(200)["Services"][0].take();
    shown["DesiredCount"] = json!(2);
    let answer = patch(&app, &shown).await;
    assert_eq!(answer.expect(200)["Service"]["DesiredCount"], 2);
    // What is no member of a service is one of nothing.
    shown["Colour"] = json!("red");
    let problem = patch(&app, &shown).await.problem(400);
    assert_eq!(problem["errors"][0]["path"], "Colour");
    let answer = app
        .request("PATCH", PATH)
        .json(&shown)
        .header("prefer", "handling=lenient")
        .send()
        .await;
    answer.expect(200);
    assert_eq!(answer.header("x-ignored-members"), Some("Colour"));
}

#[tokio::test]
async fn an_impossible_service_is_refused_before_any_call() {
    refuses_impossible_services("PATCH", "").await;
}

#[tokio::test]
async fn each_refusal_of_aws_has_its_status_and_keeps_awss_words() {
    let app = with_web(TestApp::new()).await;
    for (code, message, status) in [
        ("ServiceNotFoundException", "Service not found.", 404),
        ("ClusterNotFoundException", "Cluster not found.", 404),
        ("ServiceNotActiveException", "Service was not ACTIVE.", 409),
        (
            "AccessDeniedException",
            "User is not authorized to perform: ecs:UpdateService",
            403,
        ),
        (
            "InvalidParameterException",
            "Desired count must be 0 or more.",
            400,
        ),
        ("ServerException", "oops", 502),
    ] {
        app.aws()
            .on("ecs:UpdateService")
            .meets(Fault::refuse(code, message));
        let problem = patch(&app, &json!({"desiredCount": 2}))
            .await
            .problem(status);
        assert_eq!(problem["code"], code, "{message}");
        assert!(
            problem["detail"].as_str().unwrap().contains(message),
            "{message}: {problem}"
        );
        app.aws().forget_script();
    }
    let shown = app.get(PATH).await.expect(200);
    assert_eq!(shown["Services"][0]["DesiredCount"], 1);
}

#[tokio::test]
async fn a_reader_may_not_change_a_service() {
    let app = with_web(TestApp::new()).await;
    let request = app.request("PATCH", PATH).json(&json!({"desiredCount": 2}));
    request.by(Caller::Reader).send().await.problem(403);
    assert_eq!(app.aws().operations(), [""; 0]);
}
