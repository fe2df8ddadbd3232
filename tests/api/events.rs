//! The sample events: every route has one, and each is understood.

use std::time::Duration;

use std::fs;
use std::path::{Path, PathBuf};

use ecs_api::config::CleanupQueue;
use ecs_api::router::Router;
use ecs_api::routes::ROUTES;
use lambda_http::http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Caller, TestApp};

fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut samples: Vec<(PathBuf, Value)> = files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            (
                path.clone(),
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
            )
        })
        .collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    samples
        .iter()
        .map(|(path, event)| (name(path), event.clone()))
        .collect()
}

#[test]
fn every_operation_has_an_event_of_its_name() {
    let router = Router::new(&ROUTES).unwrap();
    let samples = samples();
    for route in &ROUTES {
        let name = route.name;
        let Some((_, event)) = samples.iter().find(|(sample, _)| sample == name) else {
            panic!("events/{name}.json is missing")
        };
        let found = router.find(event["rawPath"].as_str().unwrap()).unwrap();
        let method: Method = event["requestContext"]["http"]["method"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(found.route(&method).unwrap().name, name);
    }
}

#[test]
fn every_event_is_described() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    for (name, _) in samples() {
        assert!(
            readme.contains(&format!("| `{name}.json` |")),
            "events/README.md says nothing of {name}.json"
        );
    }
}

/// The beginning of the names of the events that show a way in.
const WAY_IN: &str = "by_";

#[tokio::test]
async fn every_way_in_has_an_event_that_is_answered() {
    let digest = hex::encode(Sha256::digest("demo-token"));
    let grants = json!([{"accounts": ["*"], "access": "read"}]);
    let app = TestApp::with_settings(&json!({"callers": [
        {"name": "demo", "tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "write"}]},
        {"name": "deploy-bot", "principal": "arn:aws:iam::123456789012:role/deploy-*", "grants": grants},
        {"name": "team-a", "claims": {"client_id": "abc"}, "grants": grants},
        {"name": "nightly", "invoke": true, "grants": grants},
    ]}));
    app.account().furnish().await;
    let mut shown = 0;
    let requests = samples()
        .into_iter()
        .filter(|(name, _)| name.starts_with(WAY_IN) && name != BATCH);
    for (name, event) in requests {
        // The sample's task definition is that of the other samples.
        let event = serde_json::from_str(&event.to_string().replace("mytaskdef", "web")).unwrap();
        let answer = app.invoke(event).await.unwrap();
        let status = answer.get("statusCode").or_else(|| answer.get("status"));
        assert_eq!(status, Some(&json!(200)), "{name}: {answer}");
        shown += 1;
    }
    assert_eq!(shown, 9);
}

/// The event of the stack's own queue, which carries no request.
const BATCH: &str = "by_queue";

#[tokio::test]
async fn the_batch_is_worked_off() {
    let url = "http://127.0.0.1:4566/123456789012/ecs-api-cleanup".to_owned();
    let app = TestApp::with_queues(&CleanupQueue {
        url,
        dead_letter_url: None,
    });
    let (_, batch) = samples()
        .into_iter()
        .find(|(name, _)| name == BATCH)
        .unwrap();
    let batch = batch.to_string().replace("111122223333", &app.account().id);
    let answer = app
        .invoke(serde_json::from_str(&batch).unwrap())
        .await
        .unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

/// Every event in an order in which each finds what the ones before it left.
const STORY: [&str; 43] = [
    "ping",
    "show_version",
    "show_openapi",
    "show_docs",
    "list_accounts",
    "show_readiness",
    "create_orchestration",
    "search_services",
    "list_services",
    "show_service",
    "list_events",
    "list_deployments",
    "show_deployment",
    "continue_deployment",
    "stop_deployment",
    "diagnose_service",
    "show_logs",
    "update_service",
    "update_service_tag",
    "roll_back_service",
    "delete_service",
    "create_orchestration_existing",
    "create_orchestration_short",
    "create_service",
    "run_task",
    "list_tasks",
    "show_task",
    "show_task_logs",
    "diagnose_task",
    "stop_task",
    "register_task_definition",
    "list_task_definitions",
    "show_task_definition",
    "deregister_task_definition",
    "create_registry",
    "list_registries",
    "show_registry",
    "delete_registry",
    "create_cluster",
    "list_clusters",
    "show_cluster",
    "delete_cluster",
    "delete_orchestration",
];

/// The names of the documentation, each with the one that a test has made in its place.
#[derive(Default)]
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn learn(&mut self, documented: &'static str, made: &str) {
        self.0.push((documented, made.to_owned()));
    }

    /// Puts what was made in place of what the documentation names.
    fn put_into(&self, event: &Value) -> Value {
        let put =
            |event: String, (documented, made): &(&str, String)| event.replace(documented, made);
        serde_json::from_str(&self.0.iter().fold(event.to_string(), put)).unwrap()
    }
}

/// Deploys the service of the story, and waits until the deployment is paused.
async fn pause_a_deployment(app: &TestApp) {
    let path = "/nonprod/clusters/myclu/services/webapp";
    let pauses = json!({"forceNewDeployment": true, "deploymentConfiguration": {"strategy": "BLUE_GREEN",
        "lifecycleHooks": [{"targetType": "PAUSE",
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]}]}});
    let send = async |method, path: &str, body: &Value| {
        let request = app.request(method, path).by(Caller::Anonymous);
        let request = request.header("authorization", "Bearer demo-token");
        request.json(body).send().await.expect(200)
    };
    send("PATCH", path, &pauses).await;
    let deployments = format!("{path}/deployments");
    while send("GET", &deployments, &json!({})).await[0]["State"] != "waiting" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_event_is_answered_as_its_story_goes() {
    let digest = hex::encode(Sha256::digest("demo-token"));
    let demo = json!([{"name": "demo", "tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "write"}]}]);
    let app = TestApp::with_settings(&json!({"callers": demo}));
    app.aws().circumstances(&app.account().id, |account| {
        account.drains_on = Duration::ZERO;
        account.deployments.named_after = Duration::ZERO;
        account.deployments.step = Duration::from_millis(1);
    });
    let samples = samples();
    let of_routes = samples
        .iter()
        .filter(|(sample, _)| !sample.starts_with(WAY_IN));
    assert_eq!(
        of_routes.count(),
        STORY.len(),
        "the story tells of every event of a route"
    );
    let mut names = Names::default();
    names.learn("ns-y3uaw6neshhbev3f", &app.account().namespace().await);
    for name in STORY {
        let (_, event) = samples.iter().find(|(sample, _)| sample == name).unwrap();
        let answer = app.invoke(names.put_into(event)).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
        let body: Value =
            serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap();
        let id = |pointer: &str| text(pointer).rsplit('/').next().unwrap();
        match name {
            "list_events" => pause_a_deployment(&app).await,
            "list_deployments" => names.learn("4330177702079110333", text("/0/Requested/Revision")),
            "create_orchestration" => {
                let documented =
                    "arn:aws:servicediscovery:us-east-1:12345678910:service/srv-tvtbgvkkxtts3qlf";
                names.learn(documented, text("/ServiceDiscoveryService/Arn"));
            }
            // The documented log request is `?task="foo"&container="bar"`.
            "show_service" => {
                let container = text("/TaskDefinition/ContainerDefinitions/0/Name");
                names.learn("foo", id("/Tasks/0"));
                names.learn("bar", container);
                // Its definition names no log, so that the original's convention says where one would be.
                let stream = format!("webapp/{container}/{}", id("/Tasks/0"));
                let events = [(1_795_356_486_000, "hello")];
                app.account()
                    .log("us-east-1", "myclu", &stream, &events)
                    .await;
            }
            "run_task" => names.learn("0123456789abcdef0123456789abcdef", id("/Tasks/0/TaskArn")),
            "create_registry" => names.learn("srv-tvtbgvkkxtts3qlf", text("/Service/Id")),
            "delete_orchestration" => {
                let kept = body["Kept"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|kept| kept["Arn"].as_str().unwrap());
                assert!(
                    kept.clone().any(|arn| arn.ends_with(":cluster/myclu")),
                    "{body}"
                );
            }
            _ => {}
        }
    }
}
