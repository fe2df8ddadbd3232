//! The function in this process against the scripted AWS: paused time, no emulator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::AppName;
use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::clock::Clock;
use ecs_api::config::{CleanupQueue, Config, Environment, Metering, ParameterName, Source};
use fake_aws::{FakeAws, HUB};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};

use super::app::{Answer, Caller};
use super::leaks::{self, WrittenCalls};

/// The member account of scripted tests, `nonprod` in paths.
pub const MEMBER: &str = "111122223333";
/// The external id that the member's role asks for.
pub const EXTERNAL_ID: &str = "external-id-of-nonprod";
/// A private DNS namespace of the member.
pub const NAMESPACE: &str = "ns-y3uaw6neshhbev3f";
/// The table of records.
pub const TABLE: &str = "ecs-api-records";

/// A process of the function, and the AWS around it.
pub struct ScriptedApp {
    pub aws: FakeAws,
    pub queue_url: String,
    app: App,
    written: WrittenCalls,
    settings: Value,
    time_left: Duration,
}

impl ScriptedApp {
    /// A hub with table and queue, and one member account `nonprod` with a namespace.
    pub fn new() -> Self {
        Self::with_account(&json!({}))
    }

    /// The same, with these members in the account's entry of the configuration.
    pub fn with_account(settings: &Value) -> Self {
        let aws = FakeAws::in_memory();
        aws.put_namespace(MEMBER, NAMESPACE, "example.internal");
        aws.put_table(HUB, TABLE, "id");
        let queue_url = aws.put_queue(HUB, "ecs-api-cleanup");
        let dead_letter_url = aws.put_queue(HUB, "ecs-api-cleanup-dead-letters");
        let stack = Some((queue_url, dead_letter_url));
        Self::of(aws, stack, "one", settings)
    }

    /// The same, of a function that has neither table nor queue.
    pub fn without_stack() -> Self {
        let aws = FakeAws::in_memory();
        aws.put_namespace(MEMBER, NAMESPACE, "example.internal");
        Self::of(aws, None, "one", &json!({}))
    }

    /// Another process of the same function, whose calls have this name in the script.
    pub fn another_process(&self, name: &str) -> Self {
        let dead_letters = format!("{}-dead-letters", self.queue_url);
        let stack = Some((self.queue_url.clone(), dead_letters));
        Self::of(self.aws.beside(), stack, name, &self.settings)
    }

    /// A process of the function; `stack` is its queue and the one for dead letters.
    fn of(aws: FakeAws, stack: Option<(String, String)>, name: &str, settings: &Value) -> Self {
        let queue_url = stack
            .as_ref()
            .map_or_else(String::new, |(url, _)| url.clone());
        let config = Config {
            records_table: stack.is_some().then(|| TABLE.to_owned()),
            cleanup_queue: stack.map(|(url, dead_letter_url)| CleanupQueue {
                url,
                dead_letter_url: Some(dead_letter_url),
            }),
            ..configuration(settings)
        };
        let app_name = AppName::new(name.to_owned()).expect("the name can be one");
        let function = aws
            .sdk_config(HUB)
            .into_builder()
            .app_name(app_name)
            .build();
        let accounts = Accounts::new(config.accounts.clone(), function);
        let clock = aws.clone();
        leaks::listen();
        leaks::keep_secret(EXTERNAL_ID);
        Self {
            app: App::with_clock(config, &accounts, Clock::from_fn(move || clock.now())),
            aws,
            written: WrittenCalls::default(),
            queue_url,
            settings: settings.clone(),
            time_left: Duration::from_secs(29),
        }
    }

    /// A process of a function whose configuration is in these parameters of the hub; the error of one that does not start.
    pub async fn start(aws: &FakeAws, parameter: &str) -> Result<Self, String> {
        Self::started(aws.beside(), parameter, false).await
    }

    /// The same, in a sandbox of Lambda, and by this door to AWS.
    pub async fn start_in_sandbox(aws: FakeAws, parameter: &str) -> Result<Self, String> {
        Self::started(aws, parameter, true).await
    }

    async fn started(aws: FakeAws, parameter: &str, is_sandbox: bool) -> Result<Self, String> {
        let environment = Environment {
            source: Source::Parameter(ParameterName::parse(parameter).expect("a name")),
            cleanup_queue: None,
            gateway_alias: None,
            records_table: None,
            metering: Metering::default(),
            is_local: false,
            is_sandbox,
        };
        let clock = aws.clone();
        let clock = Clock::from_fn(move || clock.now());
        let app = App::start(environment, aws.sdk_config(HUB), clock).await;
        Ok(Self {
            app: app.map_err(|error| error.to_string())?,
            aws,
            queue_url: String::new(),
            settings: Value::Null,
            written: WrittenCalls::default(),
            time_left: Duration::from_secs(29),
        })
    }

    /// Gives every invocation this long from here on.
    pub fn set_time_left(&mut self, time_left: Duration) {
        self.time_left = time_left;
    }

    /// Sends a GET below `/v1/ecs` with a token.
    pub async fn get_with(&self, token: &str, path: &str) -> Answer {
        let headers = json!({"authorization": format!("Bearer {token}")});
        self.send_all(&headers, "GET", path, &Value::Null).await
    }

    /// Sends a request below `/v1/ecs` with the writer's token.
    pub async fn send(&self, method: &str, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let headers = key.map(|key| ("idempotency-key", key));
        self.send_with(method, path, headers.as_slice(), body).await
    }

    /// Sends a request with these headers beside the writer's token.
    pub async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let token = Caller::Writer.token().expect("a writer has a token");
        let mut all = json!({"authorization": format!("Bearer {token}")});
        for (name, value) in headers {
            all[*name] = (*value).into();
        }
        self.send_all(&all, method, path, body).await
    }

    async fn send_all(&self, headers: &Value, method: &str, path: &str, body: &Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/v1/ecs{path}");
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
            "body": body.to_string(), "isBase64Encoded": false,
        });
        let answer = Answer::open(&self.invoke(event).await);
        super::described::check(method, &path, &answer);
        answer
    }

    /// Creates a service and everything that it needs.
    pub async fn create(&self, key: Option<&str>, body: &Value) -> Answer {
        self.send("POST", "/nonprod/services", key, body).await
    }

    /// Sends any event.
    pub async fn invoke(&self, event: Value) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut context = Context::default();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        context.request_id = format!("22222222-0000-4000-8000-{number:012}");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("it is after 1970");
        context.deadline = u64::try_from((now + self.time_left).as_millis()).unwrap();
        leaks::keep_event_secret(&event);
        let handled = Box::pin(self.app.handle(LambdaEvent::new(event.into(), context)));
        let answer = handled.await.expect("the event is of a known kind");
        leaks::check_answer(&answer);
        self.written.check(&self.aws);
        answer
    }

    /// Delivers the messages of the queue that are due, as Lambda's event source does, and those that they lead to, for
    /// so long.
    pub async fn deliver_for(&self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        let sqs = aws_sdk_sqs::Client::new(&self.aws.beside().sdk_config(HUB));
        while tokio::time::Instant::now() < until {
            let received = sqs
                .receive_message()
                .queue_url(&self.queue_url)
                .visibility_timeout(120)
                .send()
                .await
                .unwrap();
            for message in received.messages() {
                let batch = Self::batch(&[message.body().unwrap()]);
                let answer = self.invoke(batch).await;
                if answer["batchItemFailures"] == json!([]) {
                    let delete = sqs.delete_message().queue_url(&self.queue_url);
                    let receipt = message.receipt_handle().unwrap();
                    delete.receipt_handle(receipt).send().await.unwrap();
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Returns the batch in which the queue delivers these messages.
    fn batch(bodies: &[&str]) -> Value {
        let record = |(index, body): (usize, &&str)| {
            json!({
                "messageId": format!("message-{index}"), "receiptHandle": "…", "attributes": {}, "body": body,
                "messageAttributes": {}, "md5OfBody": "…", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:{HUB}:ecs-api-cleanup"),
            })
        };
        json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
    }

    /// Returns the ARNs of what is in the member account.
    pub fn inventory(&self) -> Vec<String> {
        let mut arns: Vec<_> = self
            .aws
            .things(MEMBER)
            .into_iter()
            .map(|thing| thing.arn)
            .collect();
        arns.sort();
        arns
    }

    /// Returns the record of the only request so far.
    pub fn record(&self) -> Value {
        let items = self.aws.items(HUB, TABLE);
        assert_eq!(items.len(), 1, "{items:?}");
        items[0].clone()
    }
}

fn configuration(settings: &Value) -> Config {
    let mut config = json!({
        "accounts": {"nonprod": {
            "roleArn": format!("arn:aws:iam::{MEMBER}:role/ecs-api"), "externalId": EXTERNAL_ID,
            "region": "us-east-1",
            "defaultSubnets": ["subnet-0a1b2c3d"], "defaultSgs": ["sg-0a1b2c3d"],
            "defaultExecutionRoleArn": format!("arn:aws:iam::{MEMBER}:role/ecsTaskExecutionRole"),
        }},
        "callers": [
            {"name": "writer", "tokenSha256": Caller::Writer.digest(), "grants": [{"accounts": ["*"], "access": "write"}]},
        ],
    });
    for (name, value) in settings.as_object().expect("settings are an object") {
        config["accounts"]["nonprod"][name] = value.clone();
    }
    Config::parse(config.to_string().as_bytes()).expect("the configuration is valid")
}
