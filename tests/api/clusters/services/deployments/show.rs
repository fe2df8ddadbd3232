use std::time::Duration;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    ServiceDeployment, ServiceDeploymentStatus as Status, ServiceRevisionSummary,
};
use ecs_api::ids::ServiceRevisionId;
use ecs_api::orchestration::deployments::state::{Surroundings, assess};
use ecs_api::orchestration::deployments::{Reason, State};
use fake_aws::{Course, Fault};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{DEPLOYMENTS, Deployed, SERVICE, breaker, ending};
use crate::support::scripted::MEMBER;

#[tokio::test(start_paused = true)]
async fn a_deployment_that_succeeds_tells_what_runs() {
    let web = Deployed::new(json!({})).await;
    let tags = json!([{"key": "ecs-api:request-id", "value": "request-7/1795356486000"},
        {"key": "ecs-api:caller", "value": "portal"}]);
    web.register("nginx:2", &tags).await;
    let id = web
        .update(&json!({"taskDefinition": "web:2"}), Course::Succeeds)
        .await;
    let running = web.after(5, &id).await;
    assert_eq!(
        ending(&running),
        json!(["running", "ECS says `IN_PROGRESS`", true])
    );
    let over = web.after(60, &id).await;
    insta::assert_json_snapshot!(over, {".StartedAt" => "[time]", ".FinishedAt" => "[time]",
        ".Requested.Images[].Digest" => "[digest]", ".Id" => "[id]"}, @r#"
    {
      "Id": "[id]",
      "State": "succeeded",
      "Status": "SUCCESSFUL",
      "StartedAt": "[time]",
      "FinishedAt": "[time]",
      "Requested": {
        "Revision": "0000000000000000002",
        "TaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/web:2",
        "Images": [
          {
            "Container": "app",
            "Image": "nginx:2",
            "Digest": "[digest]"
          }
        ]
      },
      "Running": [
        {
          "Revision": "0000000000000000002",
          "TaskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/web:2",
          "Tasks": {
            "Running": 2,
            "Pending": 0,
            "Requested": 2
          }
        }
      ],
      "RequestedBy": {
        "RequestId": "request-7",
        "Caller": "portal"
      },
      "Hooks": [],
      "IsCurrent": true
    }
    "#);
    let own = over["Id"].as_str().unwrap();
    assert_eq!(web.show(own).await, over);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_no_deployment_aims_at_yet_is_running() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Succeeds).await;
    let at_once = web.show(&id).await;
    assert_eq!(at_once["Id"], id.as_str());
    assert_eq!(
        ending(&at_once),
        json!([
            "running",
            "ECS has made the service revision, and not yet named the service deployment",
            true
        ])
    );
    assert_eq!(web.after(3, &id).await["Status"], "IN_PROGRESS");
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_rolls_back_and_that_is_no_success() {
    let web = Deployed::new(breaker()).await;
    let first = web.list().await.remove(0);
    let id = web.deploy("nginx:2", Course::TasksFail).await;
    let back = web.after(60, &id).await;
    assert_eq!(
        ending(&back),
        json!([
            "rolledBack",
            "the circuit breaker ended it after 3 failed tasks",
            false
        ])
    );
    // ECS itself calls what the service runs now COMPLETED.
    let service = web.get(SERVICE).await.expect(200);
    let deployment = &service["Services"][0]["Deployments"][0];
    assert_eq!(deployment["RolloutState"], "COMPLETED");
    let first = web.show(first["Id"].as_str().unwrap()).await;
    assert_eq!(ending(&first), json!(["succeeded", null, true]));
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_that_does_not_roll_back_fails_and_is_no_stop_by_hand() {
    let stops = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false}});
    let web = Deployed::new(stops).await;
    let id = web.deploy("nginx:2", Course::TasksFail).await;
    let failed = web.after(60, &id).await;
    assert_eq!(failed["Status"], "STOPPED");
    assert_eq!(
        ending(&failed),
        json!([
            "failed",
            "the circuit breaker ended it after 3 failed tasks",
            true
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_too_has_failed() {
    let web = Deployed::new(breaker()).await;
    let id = web.deploy("nginx:2", Course::RollbackFails).await;
    let failed = web.after(60, &id).await;
    assert_eq!(failed["Status"], "ROLLBACK_FAILED");
    assert_eq!(failed["State"], "failed");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_named() {
    for (rolls_back, expected) in [(true, "rolledBack"), (false, "failed")] {
        let alarms =
            json!({"alarms": {"alarmNames": ["slow"], "enable": true, "rollback": rolls_back}});
        let web = Deployed::new(alarms).await;
        let course = Course::AlarmFires("slow".to_owned());
        let id = web.deploy("nginx:2", course).await;
        let over = web.after(60, &id).await;
        assert_eq!(over["State"], expected);
        assert_eq!(over["Reason"], "an alarm fired: `slow`");
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_that_fail_without_a_circuit_breaker_go_on_for_ever() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::TasksFail).await;
    let running = web.after(86_400, &id).await;
    assert_eq!(running["State"], "running");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_rolls_back() {
    let hook = json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [{"lifecycleStages": ["POST_SCALE_UP"],
        "hookTargetArn": "arn:aws:lambda:us-east-1:111122223333:function:smoke", "roleArn": "arn:aws:iam::111122223333:role/hook"}]});
    let web = Deployed::new(hook).await;
    let id = web.deploy("nginx:2", Course::HookFails).await;
    let over = web.after(120, &id).await;
    assert_eq!(
        ending(&over),
        json!([
            "rolledBack",
            "the lifecycle hook `hook-0-post-scale-up` did not let it go on",
            false
        ])
    );
    assert_eq!(over["Hooks"][0]["Status"], "FAILED");
}

#[tokio::test(start_paused = true)]
async fn blue_green_linear_and_canary_deployments_succeed_after_their_last_stage() {
    for configuration in [
        json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}),
        json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0}}),
        json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 25.0}}),
    ] {
        let web = Deployed::new(configuration).await;
        let id = web.deploy("nginx:2", Course::Succeeds).await;
        let shifting = web.after(32, &id).await;
        assert_eq!(shifting["State"], "running");
        let reason = shifting["Reason"].as_str().unwrap();
        assert!(reason.contains("in the stage `"), "{reason}");
        let over = web.after(900, &id).await;
        assert_eq!(ending(&over), json!(["succeeded", null, true]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_deployment_supersedes_one_that_was_not_over() {
    let web = Deployed::new(breaker()).await;
    let older = web.deploy("nginx:2", Course::Lingers).await;
    sleep(Duration::from_secs(20)).await;
    let newer = web.deploy("nginx:3", Course::Succeeds).await;
    let meanwhile = web.show(&older).await;
    assert_eq!(meanwhile["State"], "running");
    let superseded = web.after(60, &older).await;
    assert_eq!(superseded["Status"], "STOPPED");
    assert_eq!(
        ending(&superseded),
        json!([
            "superseded",
            "a newer deployment began before it was over",
            false
        ])
    );
    let newer = web.show(&newer).await;
    assert_eq!(ending(&newer), json!(["succeeded", null, true]));
}

#[tokio::test(start_paused = true)]
async fn a_forced_deployment_of_the_same_definition_is_one_of_its_own() {
    let web = Deployed::new(json!({})).await;
    let first = web.list().await.remove(0);
    let tags = json!([{"key": "ecs-api:request-id", "value": "request-7"}]);
    let arn = format!("arn:aws:ecs:us-east-1:{MEMBER}:task-definition/web:1");
    web.ask(
        "ecs:TagResource",
        &json!({"resourceArn": arn, "tags": tags}),
    )
    .await;
    let forced = web
        .update(&json!({"forceNewDeployment": true}), Course::Succeeds)
        .await;
    let forced = web.after(60, &forced).await;
    assert_eq!(ending(&forced), json!(["succeeded", null, true]));
    assert_eq!(forced["Requested"]["TaskDefinition"], arn);
    // It did not bring the task definition.
    assert_eq!(forced["RequestedBy"], Value::Null);
    let first = web.show(first["Id"].as_str().unwrap()).await;
    assert_eq!(ending(&first), json!(["succeeded", null, false]));
}

#[tokio::test(start_paused = true)]
async fn a_forced_deployment_right_after_one_is_asked_for_by_nobody_wherever_it_is_shown() {
    let web = Deployed::new(json!({})).await;
    let tags = json!([{"key": "ecs-api:request-id", "value": "request-7"}]);
    web.register("nginx:2", &tags).await;
    web.update(&json!({"taskDefinition": "web:2"}), Course::Succeeds)
        .await;
    sleep(Duration::from_secs(10)).await;
    let forced = web
        .update(&json!({"forceNewDeployment": true}), Course::Succeeds)
        .await;
    let forced = web.after(60, &forced).await;
    let listed = web.list().await;
    let newest = web.get(&format!("{DEPLOYMENTS}?limit=1")).await.expect(200);
    assert_eq!(forced["RequestedBy"], Value::Null);
    assert_eq!([&listed[0], &newest[0]], [&forced; 2]);
    // The one before brought the task definition.
    assert_eq!(listed[1]["RequestedBy"]["RequestId"], "request-7");
    let before = web.show(listed[1]["Id"].as_str().unwrap()).await;
    assert_eq!(before, listed[1]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_no_task_says_that_nobody_asked_for_one() {
    let web = Deployed::with(json!({}), 0).await;
    let id = web.deploy("nginx:2", Course::TasksFail).await;
    let over = web.after(60, &id).await;
    assert_eq!(
        ending(&over),
        json!([
            "succeeded",
            "the service wants no task: nobody asked for one, and nothing was tried",
            true
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn what_ecs_calls_successful_is_not_believed_where_another_revision_runs() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    sleep(Duration::from_secs(20)).await;
    let service = json!({"cluster": "myclu", "service": "web"});
    let listed = web.ask("ecs:ListServiceDeployments", &service).await;
    let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
    let described = json!({"serviceDeploymentArns": [arn]});
    let described = web.ask("ecs:DescribeServiceDeployments", &described).await;
    let mut deployment = described["serviceDeployments"][0].clone();
    deployment["status"] = "SUCCESSFUL".into();
    let described = json!({"serviceDeployments": [deployment], "failures": []});
    let source = listed["serviceDeployments"][1]["targetServiceRevisionArn"]
        .as_str()
        .unwrap();
    let source = source.rsplit('/').next().unwrap().to_owned();
    let answer = json!({"services": [{"serviceName": "web", "status": "ACTIVE",
        "deployments": [{"id": format!("ecs-svc/{source}"), "status": "PRIMARY", "createdAt": 1.0}]}], "failures": []});
    web.app
        .aws
        .on("ecs:DescribeServiceDeployments")
        .meets(Fault::answer(&described));
    web.app
        .aws
        .on("ecs:DescribeServices")
        .meets(Fault::answer(&answer));
    let shown = web.show(&id).await;
    let reason = format!("ECS says `SUCCESSFUL`, but the service runs the revision `{source}`");
    assert_eq!(ending(&shown), json!(["failed", reason, false]));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_there_is_not_is_not_found() {
    let web = Deployed::new(json!({})).await;
    for id in ["NCWGC2ZR-taawPAYrIaU5", "4330177702079110333"] {
        let problem = web.get(&format!("{DEPLOYMENTS}/{id}")).await.problem(404);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!(
            "there is no deployment `{id}` of the service `web`"
        )));
    }
    sleep(Duration::from_hours(91 * 24)).await;
    let current = web.get(SERVICE).await.expect(200);
    let revision = current["Services"][0]["CurrentServiceRevisions"][0]["Arn"].clone();
    let revision = revision.as_str().unwrap().rsplit('/').next().unwrap();
    web.get(&format!("{DEPLOYMENTS}/{revision}"))
        .await
        .problem(404);
    let nowhere = "/nonprod/clusters/myclu/services/other/deployments/4330177702079110333";
    let problem = web.get(nowhere).await.problem(404);
    assert_eq!(
        problem["detail"],
        "there is no service `other` in the cluster `myclu`"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_takes_three_trips() {
    let web = Deployed::new(json!({})).await;
    let tags = json!([{"key": "ecs-api:request-id", "value": "request-7"}]);
    web.register("nginx:2", &tags).await;
    let id = web
        .update(&json!({"taskDefinition": "web:2"}), Course::Succeeds)
        .await;
    sleep(Duration::from_mins(1)).await;
    web.show(&id).await;
    web.app.aws.forget_calls();
    web.app.aws.set_latency(Duration::from_millis(100));
    web.show(&id).await;
    assert_eq!(web.app.aws.depth(), 3, "{:?}", web.app.aws.operations());
}

fn statuses() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![
        Status::Pending,
        Status::InProgress,
        Status::StopRequested,
        Status::Stopped,
        Status::RollbackRequested,
        Status::RollbackInProgress,
        Status::RollbackSuccessful,
        Status::RollbackFailed,
        Status::Successful,
        Status::from("SOMETHING_NEW"),
    ])
}

proptest! {
    #[test]
    fn whatever_ecs_goes_through_success_is_said_of_what_runs_alone(
        passed in prop::collection::vec((statuses(), 0..3_u64, any::<bool>()), 1..12),
        target in 1..3_u64,
    ) {
        let mut ended = None;
        for (status, primary, is_overtaken) in passed {
            let revision = format!("arn:aws:ecs:us-east-1:{MEMBER}:service-revision/myclu/web/{target}");
            let target_revision = ServiceRevisionSummary::builder().arn(revision).requested_task_count(1).build();
            let deployment = ServiceDeployment::builder()
                .status(status.clone())
                .created_at(DateTime::from_secs(1))
                .target_service_revision(target_revision)
                .build();
            let primary = ServiceRevisionId::from_answer(primary.to_string());
            let surroundings = Surroundings { primary: Some(primary.clone()), is_overtaken, has_newer: false };
            let (state, reason) = assess(&deployment, &surroundings);
            let runs = primary.as_str() == target.to_string();
            prop_assert_eq!(state == State::Succeeded, status == Status::Successful && runs);
            if status == Status::Successful && !runs {
                prop_assert_eq!(reason, Some(Reason::RunsAnother(primary)));
            }
            ended = Some((state, status));
        }
        let (state, status) = ended.unwrap();
        let is_over = [Status::Successful, Status::Stopped, Status::RollbackSuccessful, Status::RollbackFailed];
        prop_assert_eq!(state.is_over(), is_over.contains(&status));
    }
}
