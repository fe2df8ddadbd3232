//! `Idempotency-Key` on every route that changes something: heeded, or refused by name; never ignored.

use ecs_api::routes::ROUTES;
use serde_json::{Value, json};

use crate::services::{arns, documented};
use crate::support::scripted::{MEMBER, NAMESPACE, ScriptedApp};

/// The operations that heed a key.
const HEEDED: [&str; 4] = [
    "create_orchestration",
    "update_service",
    "roll_back_service",
    "run_task",
];

fn path_of(pattern: &str) -> String {
    let names = [
        ("{account}", "nonprod"),
        ("{cluster}", "myclu"),
        ("{service}", "webapp"),
    ];
    names
        .iter()
        .fold(pattern.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        })
}

/// The sample event's body of an operation.
fn sample(name: &str) -> Value {
    let file = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let event: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    serde_json::from_str(event["body"].as_str().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_post_and_patch_heeds_a_key_or_refuses_it_by_name() {
    let changing = ROUTES
        .iter()
        .filter(|route| matches!(route.method.as_str(), "POST" | "PATCH"));
    let mut heeded = Vec::new();
    for route in changing {
        let app = ScriptedApp::new();
        let twin = app.another_process("twin");
        app.create(None, &documented(NAMESPACE)).await.expect(200);
        let before = app.inventory();
        let (path, mut body) = (path_of(route.path), sample(route.name));
        if route.name == "create_orchestration" {
            body["service"]["servicename"] = "second".into();
        }
        app.aws.forget_calls();
        let method = route.method.as_str();
        let first = app.send(method, &path, Some("k"), &body).await;
        let second = twin.send(method, &path, Some("k"), &body).await;
        if !route.heeds_idempotency_key {
            for answer in [first, second] {
                let error = answer.problem(400)["errors"][0].clone();
                assert_eq!(error["path"], "Idempotency-Key", "{path}");
                let message = error["message"].as_str().unwrap();
                for heeding in ROUTES.iter().filter(|route| route.heeds_idempotency_key) {
                    let named = format!("`{} {}`", heeding.method, heeding.path);
                    assert!(message.contains(&named), "{named}: {message}");
                }
            }
            assert_eq!(app.inventory(), before, "{path}");
            assert_eq!(app.aws.operations(), [""; 0], "{path}");
            continue;
        }
        heeded.push(route.name);
        let (first, second) = (first.expect(200), second.expect(200));
        match route.name {
            "run_task" => {
                assert_eq!(first["Tasks"][0]["TaskArn"], second["Tasks"][0]["TaskArn"]);
            }
            "update_service" => {
                assert_eq!(
                    first["Service"]["DesiredCount"],
                    second["Service"]["DesiredCount"]
                );
                let updates = [&app, &twin].map(|app| app.aws.sent("ecs:UpdateService").len());
                assert_eq!(updates, [1, 0]);
            }
            "roll_back_service" => assert_eq!(first["Changed"], second["Changed"]),
            _ => assert_eq!(arns(&first), arns(&second)),
        }
    }
    assert_eq!(heeded, HEEDED);
}

async fn run(app: &ScriptedApp, key: &str, body: &Value) -> crate::support::Answer {
    app.send("POST", "/nonprod/clusters/myclu/tasks", Some(key), body)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_started_with_a_key_is_shown_as_it_is_now_until_ecs_forgets_it() {
    let app = ScriptedApp::new();
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    let body = json!({"taskDefinition": "mytaskdef:1"});
    let first = run(&app, "k", &body).await.expect(200);
    let arn = first["Tasks"][0]["TaskArn"].clone();
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    let again = run(&app, "k", &body).await.expect(200);
    assert_eq!(again["Tasks"][0]["TaskArn"], arn);
    assert_eq!(
        app.aws
            .operations()
            .iter()
            .filter(|call| *call == "ecs:RunTask")
            .count(),
        1
    );
    let other = run(
        &app,
        "k",
        &json!({"taskDefinition": "mytaskdef:1", "count": 2}),
    )
    .await;
    assert_eq!(other.problem(409)["code"], "IdempotencyKeyReused");

    let missing = json!({"tasks": [], "failures": [{"arn": arn, "reason": "MISSING"}]});
    app.aws
        .on("ecs:DescribeTasks")
        .meets(fake_aws::Fault::answer(&missing));
    let forgotten = run(&app, "k", &body).await;
    assert_eq!(forgotten.problem(409)["code"], "TasksForgotten");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_does_not_show_yet_is_shown_to_who_sends_its_key_again() {
    let app = ScriptedApp::new();
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    // For a second or three, DescribeTasks says MISSING (https://github.com/boto/boto3/issues/3393).
    app.aws.circumstances(MEMBER, |account| {
        account.missing_for = std::time::Duration::from_secs(2);
    });
    let body = json!({"taskDefinition": "mytaskdef:1", "count": 2});
    let first = run(&app, "k", &body).await.expect(200);
    let again = run(&app, "k", &body).await.expect(200);
    let arns = |answer: &Value| {
        let tasks = answer["Tasks"].as_array().unwrap().iter();
        tasks
            .map(|task| task["TaskArn"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(arns(&again), arns(&first));
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_start_was_not_answered_is_started_once() {
    let app = ScriptedApp::new();
    app.create(None, &documented(NAMESPACE)).await.expect(200);
    app.aws
        .on("ecs:RunTask")
        .meets(fake_aws::Fault::reset().after_work());
    let body = json!({"taskDefinition": "mytaskdef:1"});
    let unanswered = run(&app, "k", &body).await;
    // With its key, the request may be sent again.
    let problem = unanswered.problem(unanswered.status);
    assert!(
        matches!(unanswered.status, 502 | 504) && problem["retryable"] == true,
        "{problem}"
    );
    app.aws.forget_script();
    // AWS may still be at work: the lease says for how long.
    assert_eq!(
        run(&app, "k", &body).await.problem(409)["code"],
        "RequestUnderWay"
    );
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
    run(&app, "k", &body).await.expect(200);
    let list = "/nonprod/clusters/myclu/tasks?family=mytaskdef";
    let tasks = app.send("GET", list, None, &json!({})).await.expect(200);
    // One of the service, one of the key.
    assert_eq!(tasks.as_array().map(Vec::len), Some(2), "{tasks}");
}
