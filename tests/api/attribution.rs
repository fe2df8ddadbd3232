//! The member account shows who asked, and the function's log shows what AWS made of it.

use ecs_api::config::LogLevel;
use serde_json::{Value, json};

use crate::secrets::Log;
use crate::services::documented;
use crate::support::scripted::{NAMESPACE, ScriptedApp};
use crate::support::{Caller, TestApp};

/// Returns the user agents of the calls of an operation.
fn agents_of(app: &TestApp, operation: &str) -> Vec<String> {
    let calls = app.aws().calls().into_iter().map(|recorded| recorded.call);
    let of_operation = calls.filter(|call| call.operation == operation);
    of_operation.map(|call| call.user_agent).collect()
}

#[tokio::test]
async fn a_call_says_in_the_members_trail_for_whom_it_is_made_and_the_log_what_aws_calls_it() {
    let app = TestApp::with_writer("writer");
    app.get("/ping").await; // so that the line's place in the code is known before anybody listens
    let (log, _guard) = Log::start(LogLevel::Info);
    let made = app
        .post("/nonprod/clusters", &json!({"name": "made"}))
        .await;
    made.expect(200);
    let listed = app
        .request("GET", "/nonprod/clusters")
        .by(Caller::Reader)
        .send()
        .await;
    listed.expect(200);
    for (answer, caller, operation) in [
        (made, "writer", "ecs:CreateCluster"),
        (listed, "reader", "ecs:ListClusters"),
    ] {
        let id = answer.header("x-request-id").unwrap();
        let expected = format!("md/ecs-api-caller#{caller} md/ecs-api-request#{id}");
        let agents = agents_of(&app, operation);
        assert_eq!(agents.len(), 1, "{operation}: {agents:?}");
        assert!(
            agents[0].starts_with("aws-sdk-rust/") && agents[0].ends_with(&expected),
            "{agents:?}"
        );
        assert!(!agents[0].contains("token"), "{agents:?}");
    }
    let lines = log.lines();
    let (write, read) = (&lines[0]["aws_writes"], &lines[1]["aws_writes"]);
    let id = write
        .as_str()
        .unwrap()
        .strip_prefix("ecs:CreateCluster=")
        .unwrap();
    assert!(id.len() >= 16 && !id.contains(' '), "{write}");
    assert_eq!(read, "", "what changes nothing has no id in the log");
}

/// The name of a caller is its owner's to choose; in the user agent it is one word.
#[tokio::test]
async fn a_callers_name_adds_nothing_to_the_user_agent_but_itself() {
    let app = TestApp::with_writer("the portal\r\nx: y#z/1 é");
    app.get("/nonprod/clusters").await.expect(200);
    let agents = agents_of(&app, "ecs:ListClusters");
    assert!(
        agents[0].contains("md/ecs-api-caller#the_portal__x__y_z_1__ md/ecs-api-request#"),
        "{agents:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_names_what_was_changed_whether_the_path_names_it_or_not() {
    let app = ScriptedApp::new();
    let changed = async |method: &str, path: &str, body: &Value| {
        let (log, _guard) = Log::start(LogLevel::Info);
        let status = app.send(method, path, None, body).await.status;
        assert!(status < 300, "{method} {path}: {status}");
        let lines = log.lines();
        let line = lines.iter().find(|line| line["message"] == "request");
        line.expect("a line")["changed"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let made = changed("POST", "/nonprod/services", &documented(NAMESPACE)).await;
    let mut made: Vec<_> = made.split(' ').collect();
    made.sort_unstable();
    let expected = [
        "ecs:CreateCluster=myclu",
        "ecs:CreateService=myclu/webapp",
        "ecs:RegisterTaskDefinition=mytaskdef",
        "servicediscovery:CreateService=www",
    ];
    assert_eq!(made, expected);
    let service = "/nonprod/clusters/myclu/services/webapp";
    let scaled = changed("PATCH", service, &json!({"desiredCount": 2})).await;
    assert_eq!(scaled, "ecs:UpdateService=myclu/webapp");
    assert_eq!(changed("GET", service, &json!({})).await, "");
    let arn = "arn%3Aaws%3Aecs%3Aus-east-1%3A111122223333%3Aservice%2Fmyclu%2Fwebapp";
    let service = format!("/nonprod/clusters/myclu/services/{arn}");
    let deleted = changed("DELETE", &service, &json!({})).await;
    assert_eq!(deleted, "ecs:DeleteService=myclu/webapp");
}
