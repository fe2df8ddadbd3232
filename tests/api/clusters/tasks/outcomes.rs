//! The outcome of a task, by what ECS says of it: each text is AWS's own.

use fake_aws::Fault;
use serde_json::{Value, json};

use crate::support::scripted::ScriptedApp;

const TASK: &str = "/nonprod/clusters/myclu/tasks/0123456789abcdef0123456789abcdef";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:111122223333:task-definition/job:7";

/// A task as `DescribeTasks` answers it, with these members.
fn task(members: &Value) -> Value {
    let mut task = json!({
        "taskArn": "arn:aws:ecs:us-east-1:111122223333:task/myclu/0123456789abcdef0123456789abcdef",
        "taskDefinitionArn": DEFINITION, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "createdAt": 1_795_356_486.0, "startedAt": 1_795_356_500.0, "containers": [],
    });
    for (name, value) in members.as_object().unwrap() {
        task[name] = value.clone();
    }
    task
}

/// A container that exited with this code.
fn exited(name: &str, code: i32) -> Value {
    json!({"name": name, "lastStatus": "STOPPED", "exitCode": code})
}

/// A container that never started.
fn never(name: &str) -> Value {
    json!({"name": name, "lastStatus": "STOPPED"})
}

fn with_reason(mut container: Value, reason: &str) -> Value {
    container["reason"] = reason.into();
    container
}

/// The essential containers `app` and `agent`, and `init`, which is not.
fn definition() -> Value {
    json!({"taskDefinitionArn": DEFINITION, "family": "job", "revision": 7, "status": "ACTIVE", "containerDefinitions": [
        {"name": "app", "image": "app"}, {"name": "agent", "image": "agent", "essential": true},
        {"name": "init", "image": "init", "essential": false},
    ]})
}

/// The outcome of a task, and the operations that it took to tell it.
async fn outcome(members: &Value) -> (Value, Vec<String>) {
    let app = ScriptedApp::new();
    let described = json!({"tasks": [task(members)], "failures": []});
    app.aws
        .on("ecs:DescribeTasks")
        .meets(Fault::answer(&described));
    let described = json!({"taskDefinition": definition(), "tags": []});
    app.aws
        .on("ecs:DescribeTaskDefinition")
        .meets(Fault::answer(&described));
    let mut shown = app.send("GET", TASK, None, &json!({})).await.expect(200);
    let mut operations = app.aws.operations();
    operations.retain(|operation| operation.starts_with("ecs:"));
    assert_eq!(shown["Tasks"][0]["Revision"], 7);
    (shown["Tasks"][0]["Outcome"].take(), operations)
}

const EXITED: &str = "Essential container in task exited";

#[tokio::test(start_paused = true)]
async fn the_outcome_is_told_from_aws_own_words() {
    let out_of_memory = "OutOfMemoryError: Container killed due to memory usage";
    let no_image = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                    docker.io/library/nothing:1: docker.io/library/nothing:1: not found";
    for (case, members, expected) in [
        (
            "it was started just now",
            json!({"lastStatus": "PROVISIONING", "startedAt": null, "containers": [never("app")]}),
            json!({"State": "pending"}),
        ),
        (
            "it runs",
            json!({"lastStatus": "RUNNING", "containers": [{"name": "app", "lastStatus": "RUNNING"}]}),
            json!({"State": "running"}),
        ),
        (
            // [ecs/task_role_trust #63]: a container's exit is seen before the task is STOPPED.
            "its container has exited, and ECS takes the rest away",
            json!({"lastStatus": "DEPROVISIONING", "stopCode": "EssentialContainerExited", "stoppedReason": EXITED,
                "containers": [exited("app", 0)]}),
            json!({"State": "running", "Reason": EXITED}),
        ),
        (
            "it exited with 0",
            json!({"stopCode": "EssentialContainerExited", "stoppedReason": EXITED, "containers": [exited("app", 0)]}),
            json!({"State": "succeeded", "ExitCode": 0}),
        ),
        (
            "it was so short that nobody saw it RUNNING",
            json!({"stopCode": "EssentialContainerExited", "stoppedReason": EXITED, "startedAt": null,
                "containers": [exited("app", 0)]}),
            json!({"State": "succeeded", "ExitCode": 0}),
        ),
        (
            "it exited with 3",
            json!({"stopCode": "EssentialContainerExited", "stoppedReason": EXITED, "containers": [exited("app", 3)]}),
            json!({"State": "failed", "ExitCode": 3, "Reason": "the container `app` exited with code 3"}),
        ),
        (
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/out-of-memory.html
            "it ran out of memory",
            json!({"stopCode": "EssentialContainerExited", "stoppedReason": EXITED,
                "containers": [with_reason(exited("app", 137), out_of_memory)]}),
            json!({"State": "failed", "ExitCode": 137,
                "Reason": format!("the container `app` exited with code 137: {out_of_memory}")}),
        ),
        (
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
            "its image is not there",
            json!({"stopCode": "TaskFailedToStart", "stoppedReason": no_image, "startedAt": null,
                "containers": [with_reason(never("app"), no_image)]}),
            json!({"State": "failed", "Reason": no_image}),
        ),
        (
            // [ecs/task_log_startup]: stopCode TaskFailedToStart, no `startedAt`, containers without exitCode or reason.
            "it never started, and ECS says nothing of why",
            json!({"stopCode": "TaskFailedToStart", "stoppedReason": "Task failed to start", "startedAt": null,
                "containers": [never("app")]}),
            json!({"State": "failed", "Reason": "Task failed to start"}),
        ),
        (
            // [ecs/task_dependency_transitions]: what another container waited for did not succeed.
            "what it depends on failed",
            json!({"stopCode": "TaskFailedToStart", "stoppedReason": "Task failed to start", "startedAt": null,
                "containers": [never("app"), never("agent"), exited("init", 1)]}),
            json!({"State": "failed", "Reason": "Task failed to start; the container `init` exited with code 1"}),
        ),
        (
            "somebody stopped it",
            json!({"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user", "containers": [exited("app", 137)]}),
            json!({"State": "stopped", "ExitCode": 137, "Reason": "Task stopped by user"}),
        ),
        (
            // [ecs/task_tags #43]: a minute after the stop there are no containers any more.
            "somebody stopped it some time ago",
            json!({"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user"}),
            json!({"State": "stopped", "Reason": "Task stopped by user"}),
        ),
        (
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
            "Spot took its capacity back",
            json!({"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted.",
                "containers": [exited("app", 137)]}),
            json!({"State": "stopped", "ExitCode": 137, "Reason": "Your Spot Task was interrupted."}),
        ),
        (
            // [ecs/services #75]
            "its service was scaled down",
            json!({"stopCode": "ServiceSchedulerInitiated", "containers": [exited("app", 143)],
                "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/0123456789012345678)"}),
            json!({"State": "stopped", "ExitCode": 143,
                "Reason": "Scaling activity initiated by (deployment ecs-svc/0123456789012345678)"}),
        ),
        (
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
            "its service found it unhealthy",
            json!({"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Task failed container health checks",
                "containers": [exited("app", 137)]}),
            json!({"State": "failed", "ExitCode": 137, "Reason": "Task failed container health checks"}),
        ),
    ] {
        let (outcome, operations) = outcome(&members).await;
        assert_eq!(outcome, expected, "{case}");
        assert_eq!(operations, ["ecs:DescribeTasks"], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_essential_containers_decide_and_the_task_definition_tells_which_these_are() {
    for (case, containers, expected) in [
        (
            "an essential one failed",
            json!([exited("app", 2), exited("agent", 0), exited("init", 0)]),
            json!({"State": "failed", "ExitCode": 2, "Reason": "the container `app` exited with code 2"}),
        ),
        (
            "one that is not essential failed",
            json!([exited("app", 0), exited("agent", 0), exited("init", 9)]),
            json!({"State": "succeeded", "ExitCode": 0}),
        ),
        (
            "one ended well, and ECS stopped the other one",
            json!([exited("app", 0), exited("agent", 143), exited("init", 0)]),
            json!({"State": "succeeded", "ExitCode": 0}),
        ),
        (
            "the other one was killed for its memory",
            json!([
                exited("app", 0),
                with_reason(exited("agent", 137), "OutOfMemoryError"),
                exited("init", 0)
            ]),
            json!({"State": "failed", "ExitCode": 137,
                "Reason": "the container `agent` exited with code 137: OutOfMemoryError"}),
        ),
        (
            "one failed, and ECS stopped the other one, which stands before it",
            json!([exited("agent", 143), exited("app", 1), exited("init", 0)]),
            json!({"State": "failed", "ExitCode": 1, "Reason": "the container `app` exited with code 1"}),
        ),
        (
            "both were killed",
            json!([exited("app", 137), exited("agent", 137), exited("init", 0)]),
            json!({"State": "failed", "ExitCode": 137, "Reason": "the container `app` exited with code 137"}),
        ),
        (
            "an essential one never started",
            json!([never("app"), exited("agent", 0), exited("init", 1)]),
            json!({"State": "failed", "Reason": format!("the container `app` never started: {EXITED}")}),
        ),
        (
            "AWS ran a container of its own beside it",
            json!([
                exited("app", 0),
                exited("agent", 0),
                exited("aws-guardduty-agent-x", 1)
            ]),
            json!({"State": "succeeded", "ExitCode": 0}),
        ),
    ] {
        let members = json!({"stopCode": "EssentialContainerExited", "stoppedReason": EXITED, "containers": containers});
        let (outcome, operations) = outcome(&members).await;
        assert_eq!(outcome, expected, "{case}");
        let expected = ["ecs:DescribeTasks", "ecs:DescribeTaskDefinition"];
        assert_eq!(operations, expected, "{case}");
    }
}
