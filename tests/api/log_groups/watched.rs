//! The log group of a create that died, or that AWS refused to complete: the watch's.

use std::time::Duration;

use fake_aws::Fault;
use serde_json::json;

use super::{GROUP, body, group, logging};

#[tokio::test(start_paused = true)]
async fn a_retention_that_aws_refuses_is_set_by_the_stack_itself() {
    let app = logging();
    let refusal = Fault::refuse("AccessDeniedException", "no");
    app.aws
        .on("logs:PutRetentionPolicy")
        .times(2)
        .meets(refusal);
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
