//! One-off tasks: what is wanted of their only essential container, and how long somebody waits for them.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

const PATH: &str = "/nonprod/clusters/myclu/tasks";
const RUN: &str = "ecs:RunTask";
const ARN: &str = "arn:aws:ecs:us-east-1:111122223333:task/myclu/0123456789abcdef0123456789abcdef";

/// An app with the cluster `myclu` and the task definition `job`, of these containers.
pub fn furnished(containers: &Value) -> ScriptedApp {
    let app = ScriptedApp::new();
    furnish(&app, containers);
    app
}

/// Puts the cluster `myclu` and the task definition `job` into the member account.
pub fn furnish(app: &ScriptedApp, containers: &Value) {
    for (operation, input) in [
        ("ecs:CreateCluster", json!({"clusterName": "myclu"})),
        (
            "ecs:RegisterTaskDefinition",
            json!({"family": "job", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"], "containerDefinitions": containers}),
        ),
    ] {
        let done = app.aws.put(MEMBER, operation, &input);
        done.expect("nothing is in its way");
    }
}

/// A container of a task definition.
fn container(name: &str) -> Value {
    json!({"name": name, "image": name, "essential": true})
}

async fn run(app: &ScriptedApp, query: &str, body: &Value) -> Answer {
    app.send("POST", &format!("{PATH}{query}"), None, body)
        .await
}

#[tokio::test(start_paused = true)]
async fn the_short_members_become_overrides_of_the_only_essential_container() {
    let limited = json!({"name": "app", "image": "app", "memory": 512, "cpu": 256});
    let helper = json!({"name": "helper", "image": "helper", "essential": false});
    for (containers, body, overrides) in [
        (
            json!([container("app"), helper]),
            json!({"Command": ["migrate", "--all"], "environment": {"MODE": "once", "EMPTY": ""}, "cpu": 1024, "memory": 2048}),
            json!({"containerOverrides": [{"name": "app", "command": ["migrate", "--all"],
                "environment": [{"name": "MODE", "value": "once"}, {"name": "EMPTY", "value": ""}]}],
                "cpu": "1024", "memory": "2048"}),
        ),
        (
            // A limit of the container's own would hold beside that of the task.
            json!([limited]),
            json!({"memory": 1024, "cpu": 512}),
            json!({"containerOverrides": [{"name": "app", "cpu": 512, "memory": 1024}], "cpu": "512", "memory": "1024"}),
        ),
        (
            json!([container("app"), helper]),
            json!({"command": ["go"], "overrides": {"taskRoleArn": null, "containerOverrides": [
                {"name": "helper", "command": ["help"]}, {"name": "app", "environment": [{"name": "A", "value": "1"}]}]}}),
            json!({"containerOverrides": [{"name": "helper", "command": ["help"]},
                {"name": "app", "command": ["go"], "environment": [{"name": "A", "value": "1"}]}]}),
        ),
    ] {
        let app = furnished(&containers);
        let mut asked = json!({"taskDefinition": "job"});
        for (name, value) in body.as_object().unwrap() {
            asked[name] = value.clone();
        }
        run(&app, "", &asked).await.expect(200);
        assert_eq!(app.aws.sent(RUN)[0]["overrides"], overrides, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_become_an_override_is_refused_and_nothing_runs() {
    let two = json!([container("app"), container("agent")]);
    let one = json!([container("app")]);
    let twice = json!({"containerOverrides": [{"name": "app", "command": ["a"], "environment": [{"name": "A", "value": "1"}],
        "memory": 1}]});
    for (containers, body, path, message) in [
        (
            &two,
            json!({"command": ["a"]}),
            "command",
            "`arn:aws:ecs:us-east-1:111122223333:task-definition/job:1` has not one essential container but `app`, \
             `agent`; name the one that is meant in `overrides.containerOverrides`",
        ),
        (
            &one,
            json!({"command": ["b"], "overrides": twice}),
            "command",
            "given beside the same in `overrides`; give one of them",
        ),
        (
            &one,
            json!({"environment": {"A": "2"}, "overrides": twice}),
            "environment",
            "given beside the same in `overrides`; give one of them",
        ),
        (
            &one,
            json!({"memory": 2, "overrides": twice}),
            "memory",
            "given beside the same in `overrides`; give one of them",
        ),
        (
            &one,
            json!({"command": "migrate --all"}),
            "command",
            "expected a list of texts, the command's words",
        ),
        (
            &one,
            json!({"environment": [{"name": "A", "value": "1"}]}),
            "environment",
            r#"expected an object, such as `{"NAME": "value"}`"#,
        ),
        (
            &one,
            json!({"environment": {"A": 1}}),
            "environment.A",
            "expected a text: the variable's value",
        ),
        (
            &one,
            json!({"cpu": "256"}),
            "cpu",
            "expected a whole number of CPU units, 1024 to a vCPU, such as `512`",
        ),
        (
            &one,
            json!({"memory": 0}),
            "memory",
            "expected a whole number of MiB, such as `512`",
        ),
    ] {
        let app = furnished(containers);
        let mut asked = json!({"taskDefinition": "job"});
        for (name, value) in body.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let problem = run(&app, "", &asked).await.problem(400);
        assert_eq!(
            problem["errors"],
            json!([{"path": path, "message": message}])
        );
        assert_eq!(app.aws.sent(RUN), [Value::Null; 0], "{body}");
    }
    let app = furnished(&one);
    let unknown = json!({"taskDefinition": "nothing", "command": ["a"]});
    let problem = run(&app, "", &unknown).await.problem(404);
    assert_eq!(problem["detail"], "there is no task definition `nothing`");
}

/// Lets the first task end with this exit code.
fn end(app: &ScriptedApp, code: i32) {
    let task = app
        .aws
        .put(
            MEMBER,
            "ecs:DescribeTasks",
            &json!({"cluster": "myclu", "tasks": ["0123456789abcdef0123456789abcdef"]}),
        )
        .unwrap()["tasks"][0]
        .take();
    let mut task = task;
    task["lastStatus"] = "STOPPED".into();
    task["stopCode"] = "EssentialContainerExited".into();
    task["stoppedReason"] = "Essential container in task exited".into();
    task["containers"][0]["exitCode"] = code.into();
    app.aws
        .on("ecs:DescribeTasks")
        .meets(Fault::answer(&json!({"tasks": [task], "failures": []})));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_answered_when_the_task_has_stopped() {
    let app = furnished(&json!([container("app")]));
    let begun = tokio::time::Instant::now();
    let body = json!({"taskDefinition": "job"});
    let (answer, ()) = tokio::join!(run(&app, "?wait=20", &body), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        end(&app, 4);
    });
    let answer = answer.expect(200);
    assert_eq!(
        answer["Tasks"][0]["Outcome"],
        json!({"State": "failed", "ExitCode": 4, "Reason": "the container `app` exited with code 4"})
    );
    let waited = begun.elapsed().as_secs();
    assert!((5..=8).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn who_waited_in_vain_is_told_where_to_go_on_and_ecs_is_asked_with_restraint() {
    let app = furnished(&json!([container("app")]));
    let body = json!({"taskDefinition": "job", "count": 2});
    let begun = tokio::time::Instant::now();
    let answer = run(&app, "?wait=25", &body).await;
    let started = answer.expect(202);
    assert_eq!(started["Tasks"].as_array().unwrap().len(), 2);
    assert_eq!(started["Tasks"][0]["Outcome"], json!({"State": "running"}));
    let first = "0123456789abcdef0123456789abcdef";
    assert!(
        started["Tasks"][0]["TaskArn"]
            .as_str()
            .unwrap()
            .ends_with(first)
    );
    let place = answer.header("location").unwrap();
    assert_eq!(place, format!("/v1/ecs{PATH}/{first}?wait=25"));
    assert_eq!(answer.header("retry-after"), Some("0"));
    let waited = begun.elapsed().as_secs();
    assert!((21..=25).contains(&waited), "{waited} s");
    // The account has 20 of these calls a second, for all of its users.
    let looks = app.aws.sent("ecs:DescribeTasks").len();
    assert!(looks <= 10, "{looks} looks");

    end(&app, 0);
    let place = place.strip_prefix("/v1/ecs").unwrap();
    let over = app.send("GET", place, None, &json!({})).await.expect(200);
    assert_eq!(
        over["Tasks"][0]["Outcome"],
        json!({"State": "succeeded", "ExitCode": 0})
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_on_is_shown_as_it_is_when_the_wait_is_over() {
    let app = furnished(&json!([container("app")]));
    let body = json!({"taskDefinition": "job"});
    let started = run(&app, "", &body).await.expect(200);
    let id = started["Tasks"][0]["TaskArn"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    let begun = tokio::time::Instant::now();
    let path = format!("{PATH}/{id}?wait=10");
    let shown = app.send("GET", &path, None, &json!({})).await.expect(200);
    assert_eq!(shown["Tasks"][0]["Outcome"], json!({"State": "running"}));
    let waited = begun.elapsed().as_secs();
    assert!((7..=10).contains(&waited), "{waited} s");
    for wrong in ["0", "26", "1.5", "long"] {
        let path = format!("{PATH}/{id}?wait={wrong}");
        let problem = app.send("GET", &path, None, &json!({})).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], "wait", "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_does_not_know_yet_is_waited_for_all_the_same() {
    let app = furnished(&json!([container("app")]));
    // For a second or three, DescribeTasks says MISSING (https://github.com/boto/boto3/issues/3393).
    app.aws.circumstances(MEMBER, |account| {
        account.missing_for = Duration::from_secs(3);
        account.runs_after = Duration::from_secs(6);
    });
    let body = json!({"taskDefinition": "job"});
    let (answer, ()) = tokio::join!(run(&app, "?wait=20", &body), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        end(&app, 0);
    });
    assert_eq!(
        answer.expect(200)["Tasks"][0]["Outcome"],
        json!({"State": "succeeded", "ExitCode": 0})
    );
    app.aws.forget_script();
    // Whose wait is over first is told what RunTask said.
    let answer = run(&app, "?wait=2", &body).await.expect(202);
    assert_eq!(answer["Tasks"][0]["Outcome"], json!({"State": "pending"}));
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_the_start_hides_no_task() {
    for (operation, fault) in [
        (
            "ecs:DescribeTasks",
            Fault::refuse("AccessDeniedException", "No"),
        ),
        ("ecs:DescribeTasks", Fault::fail(500)),
        ("ecs:DescribeTasks", Fault::silence()),
    ] {
        let app = furnished(&json!([container("app")]));
        app.aws.on(operation).meets(fault.clone());
        let body = json!({"taskDefinition": "job"});
        let answer = run(&app, "?wait=25", &body).await;
        let started = answer.expect(202);
        assert!(started["Tasks"][0]["TaskArn"].is_string(), "{fault:?}");
        assert!(answer.header("location").is_some(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_that_is_not_shown_hides_no_task_that_was_started() {
    for fault in [Fault::silence(), Fault::fail(500)] {
        let app = furnished(&json!([container("app"), container("agent")]));
        let body = json!({"taskDefinition": "job"});
        app.aws
            .on("ecs:DescribeTaskDefinition")
            .meets(fault.clone());
        let begun = tokio::time::Instant::now();
        let (answer, ()) = tokio::join!(run(&app, "?wait=25", &body), async {
            tokio::time::sleep(Duration::from_secs(18)).await;
            end(&app, 1);
        });
        let waited = begun.elapsed();
        assert!(waited < Duration::from_secs(27), "{waited:?}");
        let started = answer.expect(202);
        assert!(started["Tasks"][0]["TaskArn"].is_string(), "{fault:?}");
        assert!(answer.header("location").is_some(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_definition_that_is_not_shown_hides_no_stop() {
    for fault in [
        Fault::silence(),
        Fault::refuse("AccessDeniedException", "No"),
    ] {
        let app = furnished(&json!([container("app"), container("agent")]));
        let body = json!({"taskDefinition": "job"});
        run(&app, "", &body).await.expect(200);
        let ended = json!({"task": {"taskArn": ARN, "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
            "taskDefinitionArn": "arn:aws:ecs:us-east-1:111122223333:task-definition/job:1",
            "containers": [{"name": "app", "exitCode": 1}, {"name": "agent", "exitCode": 143}]}});
        app.aws.on("ecs:StopTask").meets(Fault::answer(&ended));
        app.aws
            .on("ecs:DescribeTaskDefinition")
            .meets(fault.clone());
        let path = format!("{PATH}/0123456789abcdef0123456789abcdef");
        let stopped = app
            .send("DELETE", &path, None, &json!({}))
            .await
            .expect(200);
        assert_eq!(stopped["Task"]["TaskArn"], ARN, "{fault:?}");
    }
}
