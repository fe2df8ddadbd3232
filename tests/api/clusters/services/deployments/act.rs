use std::time::Duration;

use fake_aws::{Course, Fault};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{DEPLOYMENTS, Deployed, ending};

/// A deployment configuration that pauses at two stages, before and after the shift of the traffic.
fn pauses() -> Value {
    json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [{"targetType": "PAUSE",
        "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]}]})
}

/// A service whose second deployment is paused, and that deployment's id.
async fn paused() -> (Deployed, String) {
    let web = Deployed::new(pauses()).await;
    // The first deployment of the service pauses, too.
    for _ in 0..2 {
        let first = web.list().await.remove(0);
        let path = format!("{DEPLOYMENTS}/{}/continue", first["Id"].as_str().unwrap());
        web.post(&path, &json!({})).await.expect(200);
        sleep(Duration::from_mins(1)).await;
    }
    let id = web.deploy("nginx:2", Course::Succeeds).await;
    sleep(Duration::from_mins(1)).await;
    (web, id)
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_waits_for_one_call_at_each_pause() {
    let (web, id) = paused().await;
    let waiting = web.show(&id).await;
    assert_eq!(
        ending(&waiting),
        json!([
            "waiting",
            "paused in the stage `PRE_PRODUCTION_TRAFFIC_SHIFT` until it is continued: `hook-0-pre-production-traffic-shift`",
            true
        ])
    );
    assert_eq!(waiting["Hooks"][0]["TargetType"], "PAUSE");
    let path = format!("{DEPLOYMENTS}/{id}/continue");
    let going_on = web.post(&path, &json!({})).await.expect(200);
    assert_eq!(going_on["State"], "running");
    let problem = web.post(&path, &json!({})).await.problem(409);
    assert_eq!(
        problem["detail"],
        format!("the deployment `{id}` is not paused at a lifecycle hook")
    );
    sleep(Duration::from_mins(1)).await;
    // The first pause is over: its name does not approve the second one.
    let again = json!({"hookId": "hook-0-pre-production-traffic-shift"});
    let problem = web.post(&path, &again).await.problem(409);
    assert_eq!(problem["code"], "NotPaused");
    let second = json!({"hookId": "hook-0-post-production-traffic-shift", "action": "CONTINUE"});
    web.post(&path, &second).await.expect(200);
    let over = web.after(60, &id).await;
    assert_eq!(ending(&over), json!(["succeeded", null, true]));
    let problem = web.post(&path, &json!({})).await.problem(409);
    assert_eq!(
        problem["detail"],
        format!("the deployment `{id}` is not in progress: it is `succeeded`")
    );
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_goes_back_where_it_is_not_approved() {
    let (web, id) = paused().await;
    let path = format!("{DEPLOYMENTS}/{id}/continue");
    let back = json!({"action": "ROLLBACK"});
    web.post(&path, &back).await.expect(200);
    let over = web.after(60, &id).await;
    assert_eq!(over["State"], "rolledBack");
    assert_eq!(over["IsCurrent"], false);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_a_pause_and_one_from_a_pause_at_the_end() {
    let web = Deployed::new(json!({})).await;
    let configuration = pauses();
    let id = web
        .update(
            &json!({"forceNewDeployment": true, "deploymentConfiguration": configuration}),
            Course::Succeeds,
        )
        .await;
    let path = format!("{DEPLOYMENTS}/{id}?wait=25");
    let mut states = Vec::new();
    for _ in 0..2 {
        states.push(web.get(&path).await.expect(200)["State"].clone());
    }
    assert_eq!(states, ["running", "waiting"]);
    let resume = format!("{DEPLOYMENTS}/{id}/continue");
    let approval = async {
        sleep(Duration::from_secs(10)).await;
        web.post(&resume, &json!({})).await.expect(200);
    };
    let (waited, ()) = tokio::join!(web.get(&path), approval);
    // It has come to the second pause.
    let waited = waited.expect(200);
    assert_eq!(waited["State"], "waiting");
    assert_eq!(waited["Hooks"][0]["Status"], "SUCCEEDED");
    assert_eq!(waited["Hooks"][1]["Status"], "AWAITING_ACTION");
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_eight_calls() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    sleep(Duration::from_secs(10)).await;
    web.show(&id).await;
    web.app.aws.forget_calls();
    web.post(&format!("{DEPLOYMENTS}/{id}/stop"), &json!({}))
        .await
        .expect(200);
    let mut calls = web.app.aws.operations();
    calls.sort();
    let expected = [
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:ListServiceDeployments",
        "ecs:StopServiceDeployment",
    ];
    assert_eq!(calls, expected);
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_back_or_stays_and_may_be_sent_twice() {
    for (body, expected, is_current) in [
        (json!({}), "rolledBack", false),
        (json!({"stopType": "ROLLBACK"}), "rolledBack", false),
        (json!({"stopType": "ABORT"}), "stopped", true),
    ] {
        let web = Deployed::new(json!({})).await;
        let id = web.deploy("nginx:2", Course::Lingers).await;
        sleep(Duration::from_secs(10)).await;
        let path = format!("{DEPLOYMENTS}/{id}/stop");
        for _ in 0..2 {
            let stopping = web.post(&path, &body).await.expect(200);
            assert_eq!(stopping["State"], "running");
        }
        let over = web.after(60, &id).await;
        assert_eq!(
            (&over["State"], &over["IsCurrent"]),
            (&json!(expected), &json!(is_current))
        );
        let problem = web.post(&path, &body).await.problem(409);
        assert_eq!(problem["code"], "NotInProgress");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ecs_has_not_named_can_be_stopped_some_seconds_later() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    let path = format!("{DEPLOYMENTS}/{id}/stop");
    let early = web.post(&path, &json!({})).await;
    assert_eq!(early.header("retry-after"), Some("5"));
    assert_eq!(early.problem(409)["code"], "NotReady");
    sleep(Duration::from_secs(5)).await;
    web.post(&path, &json!({})).await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_ended_since_the_look_is_not_in_progress() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Succeeds).await;
    sleep(Duration::from_secs(10)).await;
    let stop = web.app.aws.on("ecs:StopServiceDeployment");
    stop.meets(Fault::delay(Duration::from_secs(10)));
    let path = format!("{DEPLOYMENTS}/{id}/stop");
    let problem = web.post(&path, &json!({})).await.problem(409);
    assert_eq!(
        problem["detail"],
        format!("the deployment `{id}` is not in progress: it is `succeeded`")
    );
}

#[tokio::test(start_paused = true)]
async fn aws_refusals_of_a_stop_are_told() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    sleep(Duration::from_secs(10)).await;
    let denied = Fault::refuse("AccessDeniedException", "User is not authorized");
    web.app.aws.on("ecs:StopServiceDeployment").meets(denied);
    let path = format!("{DEPLOYMENTS}/{id}/stop");
    let problem = web.post(&path, &json!({})).await.problem(403);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("ecs:StopServiceDeployment"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_understood_are_refused() {
    let web = Deployed::new(json!({})).await;
    for (act, body, path) in [
        ("stop", json!({"stopType": "PAUSE"}), "stopType"),
        ("stop", json!({"hookId": "x"}), "hookId"),
        ("continue", json!({"action": "STOP"}), "action"),
        ("continue", json!({"hookId": 7}), "hookId"),
        ("continue", json!({"stopType": "ABORT"}), "stopType"),
    ] {
        let target = format!("{DEPLOYMENTS}/4330177702079110333/{act}");
        let problem = web.post(&target, &body).await.problem(400);
        assert_eq!(problem["errors"][0]["path"], path);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_refused_since_both_acts_may_be_sent_again() {
    let web = Deployed::new(json!({})).await;
    for act in ["stop", "continue"] {
        let path = format!("{DEPLOYMENTS}/4330177702079110333/{act}");
        let sent = web.app.send("POST", &path, Some("key"), &json!({})).await;
        let problem = sent.problem(400);
        assert_eq!(problem["errors"][0]["path"], "Idempotency-Key");
    }
    assert_eq!(
        web.app.aws.sent("ecs:StopServiceDeployment"),
        [json!(null); 0]
    );
}
