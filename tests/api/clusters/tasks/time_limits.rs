//! Time limits of tasks, which the stack's queue keeps, whether or not somebody waits.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};

use super::one_off::{furnish, furnished};
use crate::support::Answer;
use crate::support::scripted::{MEMBER, ScriptedApp};

const PATH: &str = "/nonprod/clusters/myclu/tasks";

fn containers() -> Value {
    json!([{"name": "app", "image": "app"}])
}

async fn run(app: &ScriptedApp, key: Option<&str>, body: &Value) -> Answer {
    app.send("POST", PATH, key, body).await
}

/// The last status of each task, and the reason why it stopped.
fn tasks(app: &ScriptedApp, count: u128) -> Vec<(String, String)> {
    let first: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
    let ids: Vec<_> = (0..count)
        .map(|number| format!("{:032x}", first + number))
        .collect();
    let input = json!({"cluster": "myclu", "tasks": ids});
    let described = app.aws.put(MEMBER, "ecs:DescribeTasks", &input).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tasks = described["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| (text(&task["lastStatus"]), text(&task["stoppedReason"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn tasks_that_take_longer_than_their_limit_are_stopped_although_nobody_waits() {
    let app = furnished(&containers());
    let body = json!({"taskDefinition": "job", "count": 2, "timeoutSeconds": 90});
    run(&app, None, &body).await.expect(200);
    // Another request's task stays.
    run(&app, None, &json!({"taskDefinition": "job"}))
        .await
        .expect(200);
    app.deliver_for(Duration::from_secs(85)).await;
    assert!(tasks(&app, 3).iter().all(|(status, _)| status == "RUNNING"));
    app.deliver_for(Duration::from_secs(15)).await;
    let reason = "ecs-api: it took longer than the 90 seconds of its `timeoutSeconds`";
    let stopped = ("STOPPED".to_owned(), reason.to_owned());
    let running = ("RUNNING".to_owned(), String::new());
    assert_eq!(tasks(&app, 3), [stopped.clone(), stopped, running]);
    assert!(app.aws.messages(&app.queue_url).is_empty());
    let path = format!("{PATH}/0123456789abcdef0123456789abcdef");
    let shown = app.send("GET", &path, None, &json!({})).await.expect(200);
    assert_eq!(
        shown["Tasks"][0]["Outcome"],
        json!({"State": "stopped", "Reason": reason})
    );
}

/// Lets this time pass, and delivers what is due every ten minutes, as often as a message comes back.
async fn pass(app: &ScriptedApp, time: Duration) {
    let until = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() + Duration::from_mins(10) < until {
        tokio::time::sleep(Duration::from_secs(598)).await;
        app.deliver_for(Duration::from_secs(3)).await;
    }
    let left = until.duration_since(tokio::time::Instant::now());
    app.deliver_for(left).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_longer_than_sqs_delays_a_message_is_kept_to_the_second() {
    let app = furnished(&containers());
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 10_000});
    run(&app, None, &body).await.expect(200);
    pass(&app, Duration::from_secs(9_990)).await;
    assert_eq!(tasks(&app, 1)[0].0, "RUNNING");
    app.deliver_for(Duration::from_secs(15)).await;
    assert_eq!(tasks(&app, 1)[0].0, "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_at_the_end_of_a_long_limit_is_tried_again() {
    let app = furnished(&containers());
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 20_000});
    run(&app, None, &body).await.expect(200);
    app.aws
        .on("ecs:StopTask")
        .times(2)
        .meets(Fault::refuse("AccessDeniedException", "No"));
    pass(&app, Duration::from_secs(20_005)).await;
    assert_eq!(tasks(&app, 1)[0].0, "RUNNING");
    app.deliver_for(Duration::from_mins(3)).await;
    assert_eq!(tasks(&app, 1)[0].0, "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn a_function_that_dies_after_the_start_leaves_no_task_without_its_limit() {
    let app = furnished(&containers());
    app.aws
        .on("ecs:RunTask")
        .meets(Fault::silence().after_work());
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 60});
    assert_eq!(run(&app, None, &body).await.status, 504);
    app.aws.forget_script();
    assert_eq!(tasks(&app, 1)[0].0, "RUNNING");
    app.deliver_for(Duration::from_secs(70)).await;
    assert_eq!(tasks(&app, 1)[0].0, "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_second_finds_the_task_that_is_not_listed_yet() {
    let app = furnished(&containers());
    app.aws
        .on("ecs:ListTasks")
        .once()
        .meets(Fault::answer(&json!({"taskArns": []})));
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 1});
    run(&app, None, &body).await.expect(200);
    app.deliver_for(Duration::from_secs(15)).await;
    assert_eq!(tasks(&app, 1)[0].0, "STOPPED");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_second_finds_the_one_of_two_tasks_that_is_not_listed_yet() {
    let app = furnished(&containers());
    let first = "arn:aws:ecs:us-east-1:111122223333:task/myclu/0123456789abcdef0123456789abcdef";
    app.aws
        .on("ecs:ListTasks")
        .once()
        .meets(Fault::answer(&json!({"taskArns": [first]})));
    let body = json!({"taskDefinition": "job", "count": 2, "timeoutSeconds": 1});
    run(&app, None, &body).await.expect(200);
    app.deliver_for(Duration::from_secs(5)).await;
    assert_eq!(tasks(&app, 1)[0].0, "STOPPED");
    app.deliver_for(Duration::from_secs(10)).await;
    assert!(tasks(&app, 2).iter().all(|(status, _)| status == "STOPPED"));
    app.deliver_for(Duration::from_secs(30)).await;
    assert!(app.aws.messages(&app.queue_url).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_can_not_be_stopped_keeps_no_other_from_its_limit() {
    let app = furnished(&containers());
    app.aws
        .on("ecs:StopTask")
        .whose(|input| input["task"] == "0123456789abcdef0123456789abcdef")
        .times(1)
        .meets(Fault::refuse("AccessDeniedException", "No"));
    let body = json!({"taskDefinition": "job", "count": 2, "timeoutSeconds": 60});
    run(&app, None, &body).await.expect(200);
    app.deliver_for(Duration::from_secs(61)).await;
    let status = |tasks: &[(String, String)]| {
        tasks
            .iter()
            .map(|(status, _)| status.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(status(&tasks(&app, 2)), ["RUNNING", "STOPPED"]);
    app.deliver_for(Duration::from_mins(2)).await;
    assert_eq!(status(&tasks(&app, 2)), ["STOPPED", "STOPPED"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_starts_one_task_with_one_limit() {
    let app = furnished(&containers());
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 60});
    let first = run(&app, Some("k"), &body).await.expect(200);
    let second = run(&app, Some("k"), &body).await.expect(200);
    assert_eq!(first["Tasks"][0]["TaskArn"], second["Tasks"][0]["TaskArn"]);
    assert_eq!(app.aws.messages(&app.queue_url).len(), 1);
    let own = json!({"taskDefinition": "job", "timeoutSeconds": 60, "clientToken": "mine"});
    let first = run(&app, None, &own).await.expect(200);
    let second = run(&app, None, &own).await.expect(200);
    assert_eq!(first["Tasks"][0]["TaskArn"], second["Tasks"][0]["TaskArn"]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_would_keep_is_refused_and_nothing_runs() {
    let app = ScriptedApp::without_stack();
    furnish(&app, &containers());
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 60});
    let problem = run(&app, None, &body).await.problem(400);
    let message = "this function has no queue that would stop the tasks (`ECS_API_CLEANUP_QUEUE_URL`); send the request \
                   without it";
    assert_eq!(
        problem["errors"],
        json!([{"path": "timeoutSeconds", "message": message}])
    );

    let app = furnished(&containers());
    for wrong in [json!(0), json!(86_401), json!("60"), json!(1.5)] {
        let body = json!({"taskDefinition": "job", "timeoutSeconds": wrong});
        let problem = run(&app, None, &body).await.problem(400);
        assert_eq!(
            problem["detail"],
            "timeoutSeconds: expected a whole number of seconds, 1 to 86400"
        );
    }
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 60, "startedBy": "cron"});
    let problem = run(&app, None, &body).await.problem(400);
    assert_eq!(problem["errors"][0]["path"], "startedBy");

    app.aws
        .on("sqs:SendMessage")
        .meets(Fault::refuse("AccessDenied", "No"));
    let body = json!({"taskDefinition": "job", "timeoutSeconds": 60});
    let answer = run(&app, None, &body).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.problem(503)["code"], "QueueUnavailable");
    assert_eq!(app.aws.sent("ecs:RunTask"), [Value::Null; 0]);
}
