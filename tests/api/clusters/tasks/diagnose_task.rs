//! The diagnosis of a task: why it is not running, or how it ended.

use fake_aws::Fault;
use serde_json::{Value, json};

use super::one_off::furnished;
use crate::support::scripted::ScriptedApp;

const ID: &str = "0123456789abcdef0123456789abcdef";

/// The diagnosis of a task with these members.
async fn diagnosis(members: &Value) -> Value {
    let app = furnished(&json!([{"name": "app", "image": "app"}]));
    show(&app, members);
    diagnose(&app).await
}

fn show(app: &ScriptedApp, members: &Value) {
    let mut task = json!({"taskArn": format!("arn:aws:ecs:us-east-1:111122223333:task/myclu/{ID}"),
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/job:1", "lastStatus": "STOPPED",
        "createdAt": 1_700_000_100.0, "startedAt": 1_700_000_200.0, "stoppedAt": 1_700_000_300.0});
    for (name, value) in members.as_object().unwrap() {
        task[name] = value.clone();
    }
    let described = json!({"tasks": [task], "failures": []});
    app.aws
        .on("ecs:DescribeTasks")
        .meets(Fault::answer(&described));
}

async fn diagnose(app: &ScriptedApp) -> Value {
    let path = format!("/nonprod/clusters/myclu/tasks/{ID}/diagnosis");
    app.send("GET", &path, None, &json!({})).await.expect(200)
}

fn codes(diagnosis: &Value) -> Vec<&str> {
    let findings = diagnosis["Findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["Code"].as_str().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_task_is_told_by_what_ecs_says_of_it() {
    let exited = |code: i32| json!([{"name": "app", "exitCode": code}]);
    let ended = "EssentialContainerExited";
    for (members, is_healthy, expected) in [
        (json!({"lastStatus": "RUNNING"}), true, vec![]),
        (
            json!({"lastStatus": "RUNNING", "healthStatus": "UNHEALTHY"}),
            false,
            vec!["ContainerUnhealthy"],
        ),
        (
            json!({"lastStatus": "PROVISIONING", "startedAt": null}),
            false,
            vec!["Starting"],
        ),
        (
            json!({"stopCode": ended, "containers": exited(0)}),
            true,
            vec![],
        ),
        (
            json!({"stopCode": ended, "containers": exited(2)}),
            false,
            vec!["ExitedWithError"],
        ),
        (
            json!({"stopCode": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError: manifest unknown",
                "startedAt": null}),
            false,
            vec!["ImageNotFound"],
        ),
        (
            json!({"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user", "containers": exited(137)}),
            false,
            vec!["StoppedByHand"],
        ),
    ] {
        let diagnosis = diagnosis(&members).await;
        assert_eq!(codes(&diagnosis), expected, "{members}");
        assert_eq!(diagnosis["Healthy"], is_healthy, "{members}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_says_of_its_task_is_told_and_nothing_else_of_it() {
    let app = furnished(&json!([{"name": "app", "image": "app"}]));
    show(
        &app,
        &json!({"group": "service:web", "stopCode": "ServiceSchedulerInitiated",
            "stoppedReason": "Task failed ELB health checks in (target-group web)"}),
    );
    let event = |id: &str, reason: &str| {
        json!({"id": "x", "createdAt": 1.0, "message": format!("(service web) (task {id}) (port 80) is unhealthy in \
            (target-group web) due to (reason {reason}).")})
    };
    let service = json!({"serviceName": "web", "status": "ACTIVE", "events": [
        event("89abcdef0123456789abcdef01234567", "Request timed out"),
        event(ID, "Health checks failed with these codes: [500]"),
    ]});
    app.aws.on("ecs:DescribeServices").meets(Fault::answer(
        &json!({"services": [service], "failures": []}),
    ));
    let diagnosis = diagnose(&app).await;
    assert_eq!(codes(&diagnosis), ["TargetGivesWrongCode"]);
    assert_eq!(
        diagnosis["Summary"],
        "The task of `job:1` is STOPPED, and its outcome is `failed`. The load balancer's health check gets another \
         status than it expects."
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_started_just_now_is_looked_for_again() {
    let app = furnished(&json!([{"name": "app", "image": "app"}]));
    // For a second or three, DescribeTasks says MISSING (https://github.com/boto/boto3/issues/3393).
    app.aws
        .on("ecs:DescribeTasks")
        .once()
        .meets(Fault::answer(&json!({"tasks": [], "failures": []})));
    show(
        &app,
        &json!({"lastStatus": "PROVISIONING", "startedAt": null}),
    );
    assert_eq!(codes(&diagnose(&app).await), ["Starting"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_task_is_not_found() {
    let app = furnished(&json!([{"name": "app", "image": "app"}]));
    let path = format!("/nonprod/clusters/myclu/tasks/{ID}/diagnosis");
    let problem = app.send("GET", &path, None, &json!({})).await.problem(404);
    assert_eq!(
        problem["detail"],
        format!("there is no task `{ID}` in the cluster `myclu`")
    );
}
