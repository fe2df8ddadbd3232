//! The bounds of one request: how much it reads, and what it leaves to the next.

use std::collections::BTreeSet;
use std::time::Duration;

use fake_aws::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{app_with_web, awslogs, follow, log, logs, make_service, messages, put};
use crate::support::TestApp;

/// The moments of the searches so far.
fn searches(app: &TestApp) -> Vec<Instant> {
    let calls = app.aws().calls().into_iter();
    calls
        .filter(|call| call.operation() == "logs:FilterLogEvents")
        .map(|call| call.started)
        .collect()
}

/// The most calls within a second.
fn most_a_second(calls: &[Instant]) -> usize {
    let within = |from: &Instant| {
        let second = *from..*from + Duration::from_secs(1);
        calls.iter().filter(|call| second.contains(call)).count()
    };
    calls.iter().map(within).max().unwrap_or_default()
}

/// `FilterLogEvents` has ten calls a second in an account and region, in some five, for all of its users.
#[tokio::test(start_paused = true)]
async fn a_request_leaves_the_quota_to_others_and_goes_on_with_its_token() {
    let app = TestApp::scripted();
    let to = |group: &str| Some(awslogs(group, "web"));
    let containers = [("app", to("/a")), ("proxy", to("/b")), ("worker", to("/c"))];
    make_service(&app, "web", &containers).await;
    app.aws().circumstances(&app.account().id, |account| {
        account.log_page_max = 10;
    });
    for number in 0..200_i64 {
        for (group, container) in [("/a", "app"), ("/b", "proxy"), ("/c", "worker")] {
            let message = format!("{container} {number}");
            log(
                &app,
                group,
                &format!("web/{container}/one"),
                600_000 - number * 10,
                &message,
            );
        }
    }
    app.aws().forget_calls();
    let mut seen = BTreeSet::new();
    let mut answer = logs(&app, "").await.expect(200);
    let mut requests = 1;
    loop {
        let calls = searches(&app);
        assert!((1..=15).contains(&calls.len()), "{} calls", calls.len());
        assert!(most_a_second(&calls) <= 6, "{}", most_a_second(&calls));
        seen.extend(messages(&answer).into_iter().map(str::to_owned));
        if answer["HasMore"] == false {
            break;
        }
        app.aws().forget_calls();
        answer = follow(&app, &answer, "").await;
        requests += 1;
    }
    assert_eq!((seen.len(), requests > 3), (600, true));
}

/// A search through much that does not match has empty pages with tokens: what it has come to is kept.
#[tokio::test(start_paused = true)]
async fn a_search_through_much_goes_on_from_request_to_request() {
    let app = TestApp::scripted();
    let to = |group: &str| Some(awslogs(group, "web"));
    make_service(&app, "web", &[("app", to("/a")), ("proxy", to("/b"))]).await;
    log(&app, "/b", "web/proxy/one", 600_000, "needle two");
    let needle = json!({"timestamp": app.aws().now_ms() - 500_000, "ingestionTime": app.aws().now_ms() - 500_000,
        "message": "needle", "eventId": "1", "logStreamName": "web/app/one"});
    for page in 0..40_u32 {
        let token = (page > 0).then(|| format!("{page:0200}"));
        let mut answer = json!({"events": [], "nextToken": format!("{:0200}", page + 1)});
        if page == 39 {
            answer = json!({"events": [needle]});
        }
        app.aws()
            .on("logs:FilterLogEvents")
            .whose(move |sent| {
                sent["logGroupName"] == "/a" && sent["nextToken"].as_str() == token.as_deref()
            })
            .meets(Fault::answer(&answer));
    }
    let mut answer = logs(&app, "filter=needle&since=1h").await.expect(200);
    let (mut requests, mut seen) = (1, Vec::new());
    loop {
        seen.extend(messages(&answer).into_iter().map(str::to_owned));
        if answer["HasMore"] == false {
            break;
        }
        answer = follow(&app, &answer, "filter=needle").await;
        requests += 1;
        assert!(requests < 10, "it goes on for ever");
    }
    assert_eq!(seen, ["needle two", "needle"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_no_more_than_lambda_may_answer() {
    let app = app_with_web().await;
    let now_ms = i64::try_from(app.aws().now_ms()).unwrap();
    // Quotes and control characters grow on their way through the envelope.
    let lines: Vec<_> = (0..16)
        .map(|line| (now_ms - 1_000 + line, "\"\u{1}".repeat(60_000)))
        .collect();
    for line in lines {
        put(&app, "/ecs/web", "web/app/one", &[line]);
    }
    let (mut count, mut answer) = (0, logs(&app, "").await);
    loop {
        assert!(answer.body.len() < 6_000_000, "{} bytes", answer.body.len());
        let body = answer.expect(200);
        count += messages(&body).len();
        if body["HasMore"] == false {
            break;
        }
        let token = body["NextToken"].as_str().unwrap();
        answer = logs(&app, &format!("nextToken={token}")).await;
    }
    assert_eq!(count, 16);
}

/// Throttles the next searches.
fn throttle(app: &TestApp) {
    app.aws()
        .on("logs:FilterLogEvents")
        .meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_search_is_said_at_once_or_waited_out() {
    let app = app_with_web().await;
    log(&app, "/ecs/web", "web/app/one", 1_000, "there");
    throttle(&app);
    let answer = logs(&app, "").await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), Some("5"));
    let unthrottle = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        app.aws().forget_script();
    };
    let (answer, ()) = tokio::join!(logs(&app, "wait=20"), unthrottle);
    assert_eq!(messages(&answer.expect(200)), ["there"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_aws_keeps_awss_words() {
    let app = app_with_web().await;
    for operation in [
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "logs:FilterLogEvents",
    ] {
        app.aws()
            .on(operation)
            .meets(Fault::refuse("AccessDeniedException", "not you"));
        let problem = logs(&app, "").await.problem(403);
        let role = format!("arn:aws:iam::{}:role/ecs-api", app.account().id);
        let expected = format!("the role `{role}` may not do `{operation}`: not you");
        assert_eq!(problem["detail"], expected);
        app.aws().forget_script();
    }
}

/// A caller that follows and gets events all the time has one look in five seconds, too.
#[tokio::test(start_paused = true)]
async fn who_follows_looks_once_in_five_seconds() {
    let app = app_with_web().await;
    let mut answer: Value = logs(&app, "").await.expect(200);
    app.aws().forget_calls();
    let began = Instant::now();
    let mut seen = 0;
    while began.elapsed() < Duration::from_mins(2) {
        log(&app, "/ecs/web", "web/app/one", 0, "again");
        answer = follow(&app, &answer, "wait=25").await;
        seen += messages(&answer).len();
    }
    let calls = searches(&app).len();
    assert!((20..=25).contains(&calls), "{calls} calls");
    assert_eq!(seen, calls);
}
