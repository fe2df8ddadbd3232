//! The log group of a create that died, or that AWS refused to complete: the watch's.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{GROUP, body, create_without_its_group, group, logging, put, refuse_retention_twice};
use crate::support::scripted::ScriptedApp;

/// The dead letters of the stack.
fn dead_letters(app: &ScriptedApp) -> Vec<Value> {
    let letters = app.aws.messages(&format!("{}-dead-letters", app.queue_url));
    let bodies = letters.iter().map(|letter| letter.body.parse());
    bodies.map(Result::unwrap).collect()
}

#[tokio::test(start_paused = true)]
async fn a_retention_that_aws_refuses_is_set_by_the_stack_itself() {
    let app = logging();
    refuse_retention_twice(&app);
    app.create(None, &body()).await.problem(403);
    app.deliver_for(Duration::from_mins(2)).await;
    assert_eq!(group(&app, GROUP).unwrap()["retentionInDays"], 30);
    assert_eq!(app.record()["state"], json!({"S": "done"}));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_dies_leaves_no_group() {
    for operation in ["logs:CreateLogGroup", "ecs:CreateService"] {
        for is_done in [false, true] {
            let is_service_done = operation == "ecs:CreateService" && is_done;
            let fault = if is_done {
                Fault::silence().after_work()
            } else {
                Fault::silence()
            };
            let app = logging();
            app.aws.on(operation).meets(fault);
            let body = body();
            let dies = tokio::time::timeout(Duration::from_secs(2), app.create(None, &body));
            assert!(dies.await.is_err());
            app.aws.forget_script();
            app.deliver_for(Duration::from_mins(3)).await;
            if is_service_done {
                assert_eq!(group(&app, GROUP).unwrap()["retentionInDays"], 30);
            } else {
                assert_eq!(app.inventory(), [""; 0], "{operation}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_does_not_call_a_service_done_whose_group_is_not_there() {
    let app = logging();
    let answer = create_without_its_group(&app, None, u64::MAX).await;
    answer.problem(403);
    app.deliver_for(Duration::from_mins(30)).await;
    assert_ne!(app.record()["state"], json!({"S": "done"}));
    let [letter] = &dead_letters(&app)[..] else {
        panic!("there is one dead letter")
    };
    assert_eq!(
        letter["reason"],
        "the service is there, but the log group `/ecs/myclu` is not, to which its containers log; create it"
    );
    let service = json!({"cluster": "myclu", "services": ["webapp"]});
    let described = put(&app, "ecs:DescribeServices", &service);
    assert_eq!(described["services"][0]["status"], "ACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_watch_does_not_miss_the_group_of_a_service_that_was_deleted_since() {
    let app = logging();
    let answer = create_without_its_group(&app, None, u64::MAX).await;
    answer.problem(403);
    let service = json!({"cluster": "myclu", "service": "webapp", "force": true});
    put(&app, "ecs:DeleteService", &service);
    app.deliver_for(Duration::from_mins(3)).await;
    assert_eq!(app.record()["state"], json!({"S": "done"}));
    assert_eq!(dead_letters(&app), [json!(null); 0]);
}

#[tokio::test(start_paused = true)]
async fn a_retention_that_can_never_be_set_is_a_dead_letter_in_the_end() {
    for fault in [
        Fault::refuse("AccessDeniedException", "no"),
        Fault::silence(),
    ] {
        let app = logging();
        app.aws.on("logs:PutRetentionPolicy").meets(fault);
        let answer = app.create(None, &body()).await;
        assert_ne!(answer.status, 200);
        for _ in 0..180 {
            app.deliver_for(Duration::from_secs(1)).await;
            sleep(Duration::from_secs(59)).await;
        }
        let letters = dead_letters(&app);
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert!(letters[0]["reason"].is_string(), "{letters:?}");
        // Nobody holds the record: whoever moves the letter back goes on at once.
        app.aws.forget_script();
        app.create(None, &body()).await.problem(409);
        assert!(group(&app, GROUP).is_some());
    }
}
