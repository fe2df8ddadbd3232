//! The function as Lambda runs it, with callers and an account, but without network and without waiting.

use std::cell::RefCell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::{CleanupQueue, Config, LogLevel};
use ecs_api::intake::UnknownEvent;
use ecs_api::telemetry;
use fake_aws::{FakeAws, HUB, Thing};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Dispatch;

use super::script::Script;
use super::world;

/// The external id, which only the configuration and AWS should know.
pub const EXTERNAL_ID: &str = "external-9c2f";

/// The number of role names. The SDK keeps a budget for retries by the role, for as long as the process lives: a run
/// must not be left without by those before it, and the memory that the budgets take must have an end.
const ROLES: u32 = 50_000;

/// The function, and its AWS.
pub struct Function {
    app: App,
    aws: FakeAws,
    time_left: Duration,
}

impl Function {
    /// A process of the function in the world of a script.
    pub fn new(script: &Script) -> Self {
        let aws = world::of(script);
        let url = aws.put_queue(HUB, "ecs-api-cleanup");
        let queue = script.has_queue.then_some(CleanupQueue {
            url,
            dead_letter_url: None,
        });
        let config = Config {
            cleanup_queue: queue,
            ..configuration()
        };
        let clients = Accounts::new(config.accounts.clone(), aws.sdk_config(HUB));
        Self {
            app: App::new(config, &clients),
            aws,
            time_left: script.time_left,
        }
    }

    /// Returns what the account holds.
    pub fn things(&self) -> Vec<Thing> {
        self.aws.things(world::ACCOUNT)
    }

    /// Answers an event, in the time that it has.
    pub async fn invoke(&self, event: Value, request_id: &str) -> Result<Value, UnknownEvent> {
        let mut context = Context::default();
        request_id.clone_into(&mut context.request_id);
        let ends = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("it is after 1970")
            + self.time_left;
        context.deadline =
            u64::try_from(ends.as_millis()).expect("it is before the year 584 million");
        let began = Instant::now();
        let answer = Box::pin(self.app.handle(LambdaEvent::new(event.into(), context))).await;
        assert!(
            began.elapsed() <= self.time_left,
            "answered after {:?}: {answer:?}",
            began.elapsed()
        );
        answer
    }
}

/// Every kind of caller, the account `nonprod`, and an origin.
fn configuration() -> Config {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let role = NEXT.fetch_add(1, Ordering::Relaxed) % ROLES;
    let all = json!([{"accounts": ["*"], "access": "write"}]);
    let config = json!({
        "accounts": {"nonprod": {
            "roleArn": format!("arn:aws:iam::111122223333:role/ecs-api-{role}"), "region": "us-east-1",
            "externalId": EXTERNAL_ID, "defaultSubnets": ["subnet-0a1b2c3d"], "defaultSgs": ["sg-0a1b2c3d"],
            "defaultExecutionRoleArn": "arn:aws:iam::111122223333:role/ecsTaskExecutionRole",
        }},
        "callers": [
            // The SHA-256 of `demo-token`.
            {"name": "demo", "tokenSha256": "7c43ef5ae21d43ce2743f770c68e24def1a43ee2f416d2438410c8af7af2ff2c", "grants": all},
            {"name": "deploy-bot", "principal": "arn:aws:iam::123456789012:role/deploy-*", "grants": all},
            {"name": "team-a", "claims": {"client_id": "abc"}, "grants": all},
            {"name": "nightly", "invoke": true, "grants": all},
        ],
        "corsOrigins": ["https://console.example.com"],
    });
    Config::parse(config.to_string().as_bytes()).expect("the configuration is valid")
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes the log of this thread.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does the work on a clock that stands still unless everything waits; with its result comes the log.
pub fn run<T>(work: impl Future<Output = T>) -> (T, String) {
    static SUBSCRIBER: OnceLock<Dispatch> = OnceLock::new();
    let subscriber =
        SUBSCRIBER.get_or_init(|| Dispatch::new(telemetry::subscriber(LogLevel::Info, || Log)));
    // The SDK's pauses between attempts are random: the same input shall always meet the same ones.
    fastrand::seed(1);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    LOG.take();
    let result = tracing::dispatcher::with_default(subscriber, || runtime.block_on(work));
    (
        result,
        String::from_utf8(LOG.take()).expect("the log is UTF-8"),
    )
}
