//! Every event once, however late it comes, up to two minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{PATH, app_with_web, awslogs, follow, log, logs, make_service, messages, put};
use crate::support::{Caller, TestApp};

/// The events that tasks log, and when they arrive.
struct Arrivals {
    /// By the time of arrival: stream, the event's own time, and its text; times in milliseconds from the beginning.
    events: BTreeMap<u64, Vec<(String, u64, String)>>,
    count: usize,
}

impl Arrivals {
    /// Each of these tasks and containers logs so many events at random times of a span. Every third is late.
    fn random(random: &mut Rng, tasks: u32, containers: &[&str], each: u32, span_ms: u64) -> Self {
        let mut arrivals = Self {
            events: BTreeMap::new(),
            count: 0,
        };
        for task in 0..tasks {
            for container in containers {
                for number in 0..each {
                    let time = random.u64(0..span_ms);
                    let late_ms = match random.u8(0..6) {
                        0 => random.u64(0..=120_000),
                        1 => random.u64(0..10_000),
                        _ => random.u64(0..500),
                    };
                    let stream = format!("web/{container}/{task:032x}");
                    let message = format!("{container} {task} {number}");
                    let at = self_or_next_second(time + late_ms);
                    let events = arrivals.events.entry(at).or_default();
                    events.push((stream, time, message));
                    arrivals.count += 1;
                }
            }
        }
        arrivals
    }
}

/// Events arrive in batches, one a second.
fn self_or_next_second(ms: u64) -> u64 {
    ms.div_ceil(1_000) * 1_000
}

/// A caller who follows a log, and checks what comes.
#[derive(Default)]
struct Follower {
    /// The limits of which it asks with one.
    limits: &'static [usize],
    last: Option<Value>,
    seen: BTreeSet<String>,
    /// The time at which a search began that has not found anything yet, in milliseconds since 1970.
    began_ms: Option<i64>,
    /// The time of the latest event so far, in milliseconds since 1970.
    latest: i64,
    /// For each answer so far: the time that it has looked at, and when its search began, in milliseconds since 1970.
    looks: Vec<(i64, i64)>,
}

/// Limits that cut pages in all sizes.
const LIMITS: &[usize] = &[1, 7, 300, 3_000, 10_000];

impl Follower {
    fn of(limits: &'static [usize]) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Asks for what follows, sometimes twice with the same token, and goes on with either answer.
    async fn ask(&mut self, app: &TestApp, random: &mut Rng, first_query: &str) -> bool {
        let now_ms = i64::try_from(app.aws().now_ms()).unwrap();
        let most = *random.choice(self.limits).unwrap();
        let limit = format!("limit={most}");
        let asks = if random.u8(0..8) == 0 { 2 } else { 1 };
        let mut answers = Vec::new();
        for _ in 0..asks {
            let after = self.last.as_ref().map(|last| &last["NextToken"]);
            let query = match after.and_then(Value::as_str) {
                Some(token) => format!("nextToken={token}&{limit}"),
                None => format!("{first_query}&{limit}"),
            };
            answers.push(ask(app, &query).await);
        }
        let answer = answers.swap_remove(random.usize(0..answers.len()));
        assert!(answer["NextToken"].as_str().unwrap().len() <= 2_048);
        let has_more = answer["HasMore"] == true;
        let is_open = has_more && answer["Events"] == json!([]);
        let began_ms = self.began_ms.unwrap_or(now_ms);
        self.began_ms = is_open.then_some(began_ms);
        self.check(&answer, most, began_ms);
        self.last = Some(answer);
        has_more
    }

    fn check(&mut self, answer: &Value, most: usize, began_ms: i64) {
        let events = answer["Events"].as_array().unwrap();
        assert!(events.len() <= most);
        let time = |event: &Value| event["Timestamp"].as_i64().unwrap();
        assert!(
            events.is_sorted_by_key(time),
            "an answer is in the order of time"
        );
        for event in events {
            let message = event["Message"].as_str().unwrap();
            let is_new = self.seen.insert(message.to_owned());
            assert!(is_new, "`{message}` comes twice");
            // What comes after a later event arrived after its time had been looked at.
            let mut looks = self.looks.iter();
            let first = looks.find(|(looked_at, _)| *looked_at > time(event));
            let came = event["IngestionTime"].as_i64().unwrap();
            let is_late = first.is_some_and(|(_, began_ms)| came >= *began_ms);
            let is_in_order = time(event) >= self.latest || is_late;
            assert!(is_in_order, "`{message}` is out of order");
        }
        let last = events.last().map(time).unwrap_or_default();
        self.latest = self.latest.max(last);
        let looked_at = if answer["HasMore"] == true {
            last
        } else {
            began_ms
        };
        self.looks.push((looked_at, began_ms));
    }
}

/// Asks by a direct invocation, whose answer is JSON: it is not held against the description, which takes its time for
/// thousands of events.
async fn ask(app: &TestApp, query: &str) -> Value {
    let token = Caller::Writer.token().unwrap();
    let event = json!({"method": "GET", "path": format!("/v1/ecs{PATH}?{query}"),
        "headers": {"authorization": format!("Bearer {token}")}});
    let mut answer = app.invoke(event).await.unwrap();
    assert_eq!(answer["status"], 200, "{answer}");
    answer["body"].take()
}

/// Lets events arrive while a caller follows the log, and for three minutes more.
async fn play(
    app: &TestApp,
    arrivals: Arrivals,
    random: &mut Rng,
    limits: &'static [usize],
    pause_s: u64,
) -> Follower {
    let began_ms = app.aws().now_ms();
    let mut follower = Follower::of(limits);
    let ends = arrivals.events.keys().last().unwrap() / 1_000 + 180;
    let first_query = format!("start={began_ms}");
    let mut next_ask = random.u64(1..=pause_s);
    let mut events = arrivals.events;
    for second in 0..=ends {
        let mut by_stream = BTreeMap::<_, Vec<_>>::new();
        for (stream, time, message) in events.remove(&(second * 1_000)).unwrap_or_default() {
            let time = i64::try_from(began_ms + time).unwrap();
            by_stream.entry(stream).or_default().push((time, message));
        }
        for (stream, mut events) in by_stream {
            events.sort();
            put(app, "/ecs/web", &stream, &events);
        }
        if second >= next_ask || second == ends {
            let mut left = if second == ends {
                u32::MAX
            } else {
                random.u32(1..8)
            };
            while follower.ask(app, random, &first_query).await && left > 0 {
                left -= 1;
            }
            next_ask = second + random.u64(1..=pause_s);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    follower
}

async fn app_of(containers: &[&str]) -> TestApp {
    let app = TestApp::scripted();
    let containers: Vec<_> = containers
        .iter()
        .map(|name| (*name, Some(awslogs("/ecs/web", "web"))))
        .collect();
    make_service(&app, "web", &containers).await;
    // Another service's streams in the same group.
    for number in 0..50 {
        log(
            &app,
            "/ecs/web",
            "web-2/app/one",
            number,
            "of another service",
        );
    }
    app
}

#[tokio::test(start_paused = true)]
async fn every_event_comes_once_and_in_order_however_the_pages_are_cut() {
    for seed in 0..6 {
        let mut random = Rng::with_seed(seed);
        let containers = &["app", "proxy", "worker"][..random.usize(1..=3)];
        let app = app_of(containers).await;
        app.aws().circumstances(&app.account().id, |account| {
            account.log_page_max = *random.choice(&[40, 1_000, usize::MAX]).unwrap();
            account.has_empty_log_pages = random.bool();
        });
        let span_ms = 1_000 * random.u64(60..600);
        let arrivals = Arrivals::random(&mut random, 4, containers, 25, span_ms);
        let count = arrivals.count;
        let follower = play(&app, arrivals, &mut random, LIMITS, 40).await;
        assert_eq!(follower.seen.len(), count, "seed {seed}");
    }
}

/// A service of sixty tasks with three containers each, every one of which logs a thousand events in forty minutes.
#[tokio::test(start_paused = true)]
async fn a_loud_service_loses_nothing_and_repeats_nothing() {
    let mut random = Rng::with_seed(7);
    let containers = &["app", "proxy", "worker"];
    let app = app_of(containers).await;
    let arrivals = Arrivals::random(&mut random, 60, containers, 1_000, 2_400_000);
    let count = arrivals.count;
    assert_eq!(count, 180_000);
    let follower = play(&app, arrivals, &mut random, &[2_000, 10_000], 300).await;
    assert_eq!(follower.seen.len(), count);
}

/// As the captures of real AWS have it: an event may not be found for some time, although others of its stream are.
#[tokio::test(start_paused = true)]
async fn an_event_that_becomes_visible_late_comes_once() {
    for seed in 0..3 {
        let mut random = Rng::with_seed(seed);
        let app = app_with_web().await;
        app.aws().circumstances(&app.account().id, |account| {
            account.log_lag = Duration::from_secs(115);
            account.has_uneven_log_lag = true;
        });
        let mut follower = Follower::of(LIMITS);
        let first_query = format!("start={}", app.aws().now_ms());
        for second in 0..400 {
            if second < 200 {
                log(&app, "/ecs/web", "web/app/one", 0, &format!("at {second}"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            if random.u8(0..4) == 0 {
                follower.latest = 0;
                follower.ask(&app, &mut random, &first_query).await;
            }
        }
        while follower.ask(&app, &mut random, &first_query).await {}
        assert_eq!(follower.seen.len(), 200, "seed {seed}");
    }
}

/// An event that comes even later is left out rather than asked for again and again.
#[tokio::test(start_paused = true)]
async fn an_event_that_is_three_minutes_late_is_not_waited_for() {
    let app = app_with_web().await;
    log(&app, "/ecs/web", "web/app/one", 1_000, "in time");
    let answer = logs(&app, "").await.expect(200);
    log(&app, "/ecs/web", "web/app/one", 100_000, "late");
    log(&app, "/ecs/web", "web/app/one", 180_000, "too late");
    let answer = follow(&app, &answer, "").await;
    assert_eq!(messages(&answer), ["late"]);
}

/// Lines of one batch have one time and one ingestion, and stay in the order in which they were written.
#[tokio::test(start_paused = true)]
async fn lines_of_the_same_millisecond_stay_in_their_order_from_page_to_page() {
    let app = app_with_web().await;
    let now_ms = i64::try_from(app.aws().now_ms()).unwrap();
    let lines: Vec<_> = (0..40)
        .map(|line| (now_ms - 1_000, format!("line {line}")))
        .collect();
    put(&app, "/ecs/web", "web/app/one", &lines);
    let mut seen = Vec::new();
    let mut answer = logs(&app, "limit=3").await.expect(200);
    loop {
        seen.extend(messages(&answer).into_iter().map(str::to_owned));
        if answer["HasMore"] == false {
            break;
        }
        answer = follow(&app, &answer, "limit=3").await;
    }
    let expected: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
    assert_eq!(seen, expected);
}
