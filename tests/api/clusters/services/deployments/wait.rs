use std::time::Duration;

use ecs_api::orchestration::deployments::POLLS_OF_A_WAIT;
use fake_aws::Course;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{DEPLOYMENTS, Deployed, breaker};

/// The seconds that something took, rounded.
async fn seconds<T>(work: impl Future<Output = T>) -> (T, u64) {
    let began = Instant::now();
    let outcome = work.await;
    (
        outcome,
        (began.elapsed() + Duration::from_millis(500)).as_secs(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_soon_after_the_deployment() {
    let web = Deployed::new(breaker()).await;
    let id = web.deploy("nginx:2", Course::TasksFail).await;
    let path = format!("{DEPLOYMENTS}/{id}?wait=25");
    let (over, took) = seconds(web.get(&path)).await;
    assert_eq!(over.expect(200)["State"], "rolledBack");
    // It rolled back after 18 seconds, and the last poll before that was at 14.
    assert_eq!(took, 20);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_over_when_its_time_is_and_says_how_it_stands() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    for wait in [1, 7, 25] {
        let path = format!("{DEPLOYMENTS}/{id}?wait={wait}");
        let (answer, took) = seconds(web.get(&path)).await;
        assert_eq!(answer.expect(200)["State"], "running");
        assert_eq!(took, wait);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_does_not_outlive_the_request() {
    let mut web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    web.app.set_time_left(Duration::from_secs(10));
    let path = format!("{DEPLOYMENTS}/{id}?wait=25");
    let (answer, took) = seconds(web.get(&path)).await;
    assert_eq!(answer.expect(200)["State"], "running");
    assert_eq!(took, 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_not_waited_for() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Succeeds).await;
    sleep(Duration::from_mins(1)).await;
    let path = format!("{DEPLOYMENTS}/{id}?wait=25");
    let (answer, took) = seconds(web.get(&path)).await;
    assert_eq!(answer.expect(200)["State"], "succeeded");
    assert_eq!(took, 0);
}

#[tokio::test(start_paused = true)]
async fn fifty_waiters_leave_the_account_its_calls() {
    let web = Deployed::new(json!({})).await;
    let id = web.deploy("nginx:2", Course::Lingers).await;
    sleep(Duration::from_secs(5)).await;
    let path = format!("{DEPLOYMENTS}/{id}?wait=25");
    web.get(&path).await.expect(200);
    web.app.aws.forget_calls();
    let waiters = (0..50).map(|_| web.get(&path));
    let (answers, took) = seconds(futures_util::future::join_all(waiters)).await;
    assert_eq!((answers.len(), took), (50, 25));
    let calls = web.app.aws.operations();
    let most = 50 * (2 + POLLS_OF_A_WAIT);
    let count = |operation: &str| calls.iter().filter(|call| *call == operation).count();
    for operation in [
        "ecs:DescribeServices",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeTaskDefinition",
    ] {
        let made = count(operation);
        // 20 a second, and 100 at once beyond.
        assert!(made <= most && made <= 20 * 25, "{operation}: {made}");
    }
    assert_eq!(count("ecs:DescribeServices"), 100);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_another_length_is_refused() {
    let web = Deployed::new(json!({})).await;
    for wait in ["0", "26", "-1", "soon", "1.5"] {
        let path = format!("{DEPLOYMENTS}/4330177702079110333?wait={wait}");
        let problem = web.get(&path).await.problem(400);
        assert_eq!(
            problem["errors"][0]["message"],
            "expected a whole number of seconds, 1 to 25"
        );
    }
}
