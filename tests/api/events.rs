//! The sample events: every route has one, and each is understood.

use std::fs;
use std::path::{Path, PathBuf};

use ecs_api::routes::{ROUTES, Routes};
use lambda_http::http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::TestApp;

fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut samples: Vec<(PathBuf, Value)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.clone(), serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()))
        .collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    samples.iter().map(|(path, event)| (name(path), event.clone())).collect()
}

/// `CreateCluster` → `create_cluster`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn every_route_has_an_event_of_its_name() {
    let routes = Routes::new(ROUTES).unwrap();
    let samples = samples();
    for route in ROUTES {
        let name = snake(&format!("{:?}", route.endpoint));
        let Some((_, event)) = samples.iter().find(|(sample, _)| *sample == name) else {
            panic!("events/{name}.json is missing")
        };
        let found = routes.find(event["rawPath"].as_str().unwrap()).unwrap();
        let method: Method = event["requestContext"]["http"]["method"].as_str().unwrap().parse().unwrap();
        assert_eq!(found.route(&method).unwrap().endpoint, route.endpoint, "{name}");
    }
}

#[test]
fn every_event_is_described() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    for (name, _) in samples() {
        assert!(readme.contains(&format!("| `{name}.json` |")), "events/README.md says nothing of {name}.json");
    }
}

/// Puts a value of this account in place of the documentation's.
fn localised(event: &Value, from: &str, to: &str) -> Value {
    serde_json::from_str(&event.to_string().replace(from, to)).unwrap()
}

#[tokio::test]
async fn every_event_is_answered_as_its_story_goes() {
    let digest = hex::encode(Sha256::digest("demo-token"));
    let demo = json!([{"name": "demo", "tokenSha256": digest, "grants": [{"accounts": ["*"], "access": "write"}]}]);
    let app = TestApp::with_settings(&json!({"callers": demo}));
    let namespace = app.account().namespace().await;
    let samples = samples();
    let mut registry_arn = String::new();
    let story = [
        "ping",
        "show_version",
        "create_orchestration",
        "create_orchestration_existing",
        "create_cluster",
        "list_clusters",
        "show_cluster",
        "delete_cluster",
    ];
    assert_eq!(samples.len(), story.len(), "the story tells of every event");
    for name in story {
        let (_, event) = samples.iter().find(|(sample, _)| sample == name).unwrap();
        if name == "create_orchestration_existing" {
            app.account().ecs().delete_service().cluster("myclu").service("webapp").force(true).send().await.unwrap();
        }
        let event = localised(event, "ns-y3uaw6neshhbev3f", &namespace);
        let documented = "arn:aws:servicediscovery:us-east-1:12345678910:service/srv-tvtbgvkkxtts3qlf";
        let answer = app.invoke(localised(&event, documented, &registry_arn)).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
        if name == "create_orchestration" {
            let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            registry_arn = body["ServiceDiscoveryService"]["Arn"].as_str().unwrap().to_owned();
        }
    }
}
