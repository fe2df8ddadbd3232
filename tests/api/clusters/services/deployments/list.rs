use std::time::Duration;

use fake_aws::{Course, Fault};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{DEPLOYMENTS, Deployed, breaker};
use crate::clusters::services::next_of;

fn states(listed: &[Value]) -> Vec<&str> {
    let states = listed.iter().map(|one| one["State"].as_str().unwrap());
    states.collect()
}

/// A service with five deployments: the newest under way, one superseded, one rolled back, and two that succeeded.
async fn with_a_past() -> Deployed {
    let web = Deployed::new(breaker()).await;
    for (image, course, seconds) in [
        ("nginx:2", Course::Succeeds, 60),
        ("nginx:3", Course::TasksFail, 60),
        ("nginx:4", Course::Lingers, 10),
        ("nginx:5", Course::Lingers, 30),
    ] {
        web.deploy(image, course).await;
        sleep(Duration::from_secs(seconds)).await;
    }
    web
}

#[tokio::test(start_paused = true)]
async fn the_newest_deployment_is_the_first() {
    let web = with_a_past().await;
    let listed = web.list().await;
    assert_eq!(
        states(&listed),
        [
            "running",
            "superseded",
            "rolledBack",
            "succeeded",
            "succeeded"
        ]
    );
    for deployment in &listed {
        let id = deployment["Id"].as_str().unwrap();
        assert_eq!(web.show(id).await, *deployment);
    }
    let images: Vec<_> = listed
        .iter()
        .map(|one| one["Requested"]["Images"][0]["Image"].as_str().unwrap())
        .collect();
    assert_eq!(
        images,
        ["nginx:5", "nginx:4", "nginx:3", "nginx:2", "nginx:1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_tells_the_same_of_a_deployment_as_the_whole_list() {
    let web = with_a_past().await;
    let whole = web.list().await;
    let (mut paged, mut path) = (Vec::new(), format!("{DEPLOYMENTS}?limit=1"));
    loop {
        let answer = web.get(&path).await;
        let link = answer.header("link").map(str::to_owned);
        let page = answer.expect(200);
        assert_eq!(page.as_array().unwrap().len(), 1);
        paged.extend(page.as_array().unwrap().clone());
        match link {
            Some(link) => path = next_of(&link),
            None => break,
        }
    }
    assert_eq!(paged, whole);
}

#[tokio::test(start_paused = true)]
async fn a_status_of_ecs_narrows_the_list_and_not_the_truth() {
    let web = with_a_past().await;
    let stopped = web
        .get(&format!("{DEPLOYMENTS}?status=stopped"))
        .await
        .expect(200);
    assert_eq!(states(stopped.as_array().unwrap()), ["superseded"]);
    let problem = web
        .get(&format!("{DEPLOYMENTS}?status=superseded"))
        .await
        .problem(400);
    let message = problem["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("expected one of PENDING, IN_PROGRESS, "),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_list_takes_three_trips() {
    let web = with_a_past().await;
    web.list().await;
    web.app.aws.forget_calls();
    web.app.aws.set_latency(Duration::from_millis(100));
    web.list().await;
    assert_eq!(web.app.aws.depth(), 3, "{:?}", web.app.aws.operations());
}

#[tokio::test(start_paused = true)]
async fn a_list_does_not_outlive_the_request() {
    let mut web = with_a_past().await;
    for operation in ["ecs:DescribeServices", "ecs:ListServiceDeployments"] {
        web.app.aws.on(operation).meets(Fault::silence());
        web.app.set_time_left(Duration::from_secs(10));
        let began = Instant::now();
        web.get(DEPLOYMENTS).await.problem(504);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(10), "{operation}: {took:?}");
        web.app.aws.forget_script();
    }
}

#[tokio::test(start_paused = true)]
async fn more_deployments_than_one_call_describes_are_all_there() {
    let web = Deployed::new(json!({})).await;
    for _ in 0..44 {
        web.update(&json!({"forceNewDeployment": true}), Course::Succeeds)
            .await;
        sleep(Duration::from_mins(1)).await;
    }
    let listed = web.list().await;
    assert_eq!(states(&listed), ["succeeded"; 45]);
    let of_newest = listed.iter().filter(|one| one["IsCurrent"] == true).count();
    assert_eq!((of_newest, &listed[0]["IsCurrent"]), (1, &json!(true)));
}
