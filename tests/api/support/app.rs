//! The function in this process, entered through events.

use std::io::Read as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::clock::Clock;
use ecs_api::config::{CleanupQueue, Config, Dimension, Metering};
use fake_aws::FakeAws;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::account::TestAccount;
use super::described;
use super::leaks::{self, WrittenCalls};
use super::local_aws::{HUB, records_table, rules};

/// The table of records of an AWS in memory.
const SCRIPTED_TABLE: &str = "ecs-api-records";
/// The queue of an AWS in memory.
const SCRIPTED_QUEUE: &str = "ecs-api-cleanup";

/// The sender of a request.
#[derive(Debug, Clone, Copy)]
pub enum Caller {
    /// Without credentials.
    Anonymous,
    /// With a token that nobody has.
    Stranger,
    /// May read the account `nonprod`.
    Reader,
    /// May do everything everywhere.
    Writer,
}

impl Caller {
    /// The token, if the caller has one.
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Anonymous => None,
            Self::Stranger => Some("a-token-of-nobody"),
            Self::Reader => Some("a-readers-token"),
            Self::Writer => Some("a-writers-token"),
        }
    }

    /// Returns the token's hash, as the configuration holds it.
    pub fn digest(self) -> String {
        hex::encode(Sha256::digest(
            self.token().expect("the caller has a token"),
        ))
    }
}

/// The function, its accounts, and its own door of AWS.
pub struct TestApp {
    app: App,
    accounts: Vec<TestAccount>,
    aws: FakeAws,
    written: WrittenCalls,
    time_left: Duration,
}

impl TestApp {
    /// One account `nonprod` of the local AWS.
    pub fn new() -> Self {
        Self::with_accounts(vec![TestAccount::new("nonprod")])
    }

    /// These accounts.
    pub fn with_accounts(accounts: Vec<TestAccount>) -> Self {
        Self::build(accounts, &json!({}))
    }

    /// One account `nonprod`, and the stack's own queues.
    pub fn with_queues(queues: &CleanupQueue) -> Self {
        Self::of_account(&TestAccount::new("nonprod"), queues)
    }

    /// A process of the function for an account that is there, with the stack's queues.
    pub fn of_account(account: &TestAccount, queues: &CleanupQueue) -> Self {
        let accounts = vec![account.again(TestAccount::of(account.name, account.id.clone()))];
        let config = Config {
            cleanup_queue: Some(queues.clone()),
            ..with_table(configure(&accounts, &json!({})))
        };
        Self::at(rules().beside(), accounts, config)
    }

    /// One account `nonprod`, and more members of the configuration.
    pub fn with_settings(settings: &Value) -> Self {
        Self::build(vec![TestAccount::new("nonprod")], settings)
    }

    /// One account `nonprod`, and an alias that gateways must come through.
    pub fn with_gateway_alias(alias: &str, settings: &Value) -> Self {
        let accounts = vec![TestAccount::new("nonprod")];
        let config = Config {
            gateway_alias: Some(alias.to_owned()),
            ..configure(&accounts, settings)
        };
        Self::at(rules().beside(), accounts, config)
    }

    /// One account `nonprod`, and an SDK that panics at the first call; with queues, if need be.
    pub fn with_broken_sdk(queues: Option<CleanupQueue>) -> Self {
        let app = Self::new();
        let mut function = app.aws.sdk_config(HUB).into_builder();
        function.set_time_source(None);
        let config = Config {
            cleanup_queue: queues,
            ..configure(&app.accounts, &json!({}))
        };
        let clients = Accounts::new(config.accounts.clone(), function.build());
        Self {
            app: App::new(config, &clients),
            ..app
        }
    }

    /// One account `nonprod`, and a writer of this name.
    pub fn with_writer(name: &str) -> Self {
        let all = json!([{"accounts": ["*"], "access": "write"}]);
        Self::with_settings(&json!({"callers": [
            caller("reader", Caller::Reader, &json!([{"accounts": ["nonprod"], "access": "read"}])),
            caller(name, Caller::Writer, &all),
        ]}))
    }

    /// Accounts and settings.
    pub fn build(accounts: Vec<TestAccount>, settings: &Value) -> Self {
        let config = with_table(configure(&accounts, settings));
        Self::at(rules().beside(), accounts, config)
    }

    /// A process of the function at this door of AWS.
    fn at(aws: FakeAws, accounts: Vec<TestAccount>, config: Config) -> Self {
        leaks::listen();
        let clients = Accounts::new(config.accounts.clone(), aws.sdk_config(HUB));
        Self {
            app: App::new(config, &clients),
            accounts,
            aws,
            written: WrittenCalls::default(),
            time_left: Duration::from_secs(29),
        }
    }

    /// One account `nonprod` of an AWS in memory, for a test on paused time.
    pub fn scripted() -> Self {
        Self::scripted_with(&json!({}))
    }

    /// The same, whose account has these members more in its configuration.
    pub fn scripted_with(members: &Value) -> Self {
        let aws = FakeAws::in_memory();
        aws.put_table(HUB, SCRIPTED_TABLE, "id");
        aws.put_queue(HUB, SCRIPTED_QUEUE);
        let account = TestAccount::in_memory(&aws.beside(), "nonprod");
        let mut settings = account.settings();
        for (name, value) in members.as_object().expect("members are an object") {
            settings[name] = value.clone();
        }
        let settings = json!({"accounts": {"nonprod": settings}});
        Self::scripted_by(aws, vec![account], &settings)
    }

    /// The same, of an account whose containers log to a group for each cluster.
    pub fn scripted_with_logs() -> Self {
        let app = Self::scripted();
        let accounts = app.accounts.into_iter().map(TestAccount::with_logs);
        Self::scripted_by(app.aws, accounts.collect(), &json!({}))
    }

    /// The same, of a function that measures by these dimensions.
    pub fn scripted_measured_by(dimensions: &[Dimension]) -> Self {
        let app = Self::scripted();
        let config = Config {
            metering: Metering {
                by: dimensions.iter().copied().collect(),
                ..Metering::default()
            },
            ..configure(&app.accounts, &json!({}))
        };
        Self::at(app.aws.clone(), app.accounts_in_memory(), config)
    }

    /// The same, of a function without a table and a queue.
    pub fn scripted_without_stack(&self) -> Self {
        let config = configure(&self.accounts, &json!({}));
        Self {
            time_left: self.time_left,
            ..Self::at(self.aws.clone(), self.accounts_in_memory(), config)
        }
    }

    fn accounts_in_memory(&self) -> Vec<TestAccount> {
        let aws = self.aws.beside();
        let accounts = self.accounts.iter();
        accounts
            .map(|account| {
                let id = account.id.clone();
                account.again(TestAccount::of_memory(&aws, account.name, id))
            })
            .collect()
    }

    fn scripted_by(aws: FakeAws, accounts: Vec<TestAccount>, settings: &Value) -> Self {
        let queue = CleanupQueue {
            url: format!("https://sqs.us-east-1.amazonaws.com/{HUB}/{SCRIPTED_QUEUE}"),
            dead_letter_url: None,
        };
        let config = Config {
            records_table: Some(SCRIPTED_TABLE.to_owned()),
            cleanup_queue: Some(queue),
            ..configure(&accounts, settings)
        };
        let clients = Accounts::new(config.accounts.clone(), aws.sdk_config(HUB));
        let clock = aws.clone();
        leaks::listen();
        Self {
            app: App::with_clock(config, &clients, Clock::from_fn(move || clock.now())),
            accounts,
            aws,
            written: WrittenCalls::default(),
            time_left: Duration::from_secs(29),
        }
    }

    /// Another process of the function for the same account of the AWS in memory, with a script and a journal of its own.
    pub fn scripted_twin(&self) -> Self {
        Self::scripted_by(self.aws.beside(), self.accounts_in_memory(), &json!({}))
    }

    /// The function's own door of AWS, with its script and its journal.
    pub fn aws(&self) -> &FakeAws {
        &self.aws
    }

    /// Sets the time that Lambda gives each invocation from here on.
    pub fn set_time_left(&mut self, time_left: Duration) {
        self.time_left = time_left;
    }

    /// The first account.
    pub fn account(&self) -> &TestAccount {
        &self.accounts[0]
    }

    /// The account of that name.
    pub fn account_named(&self, name: &str) -> &TestAccount {
        self.accounts
            .iter()
            .find(|account| account.name == name)
            .expect("the test has the account")
    }

    /// A request below `/v1/ecs`, with the writer's token.
    pub fn request(&self, method: &'static str, path: &str) -> TestRequest<'_> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        TestRequest {
            app: self,
            caller: Caller::Writer,
            event: json!({
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": format!("/v1/ecs{path}"),
                "rawQueryString": query,
                "headers": {"host": "api.example.com"},
                "requestContext": {
                    "accountId": "123456789012", "apiId": "api", "authorizer": null, "stage": "$default", "requestId": "gateway-1",
                    "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                             "userAgent": "test"},
                    "time": "22/Nov/2026:14:08:06 +0000", "timeEpoch": 1_795_356_486_000_u64,
                },
                "isBase64Encoded": false,
            }),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send().await
    }

    /// Creates clusters until their list is longer than what is answered without compression.
    pub async fn make_a_long_list_of_clusters(&self) {
        for index in 0..20 {
            let cluster = json!({"name": format!("cluster-{index}")});
            self.post("/nonprod/clusters", &cluster).await.expect(200);
        }
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send().await
    }

    /// The bodies of a list's pages, from this path along the links to the end.
    pub async fn pages(&self, path: &str) -> Vec<Value> {
        let (mut path, mut pages) = (path.to_owned(), Vec::new());
        loop {
            let page = self.get(&path).await;
            pages.push(page.expect(200));
            let Some(link) = page.header("link") else {
                return pages;
            };
            let next = link
                .strip_prefix("</v1/ecs")
                .and_then(|link| link.strip_suffix(">; rel=\"next\""));
            next.expect("a link is the path and query of the next page")
                .clone_into(&mut path);
        }
    }

    /// Sends any event.
    pub async fn invoke(&self, event: Value) -> Result<Value, String> {
        self.invoke_through("", event).await
    }

    /// Sends any event through the function or alias of this ARN.
    pub async fn invoke_through(&self, arn: &str, event: Value) -> Result<Value, String> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut context = Context::default();
        context.request_id = format!(
            "00000000-0000-4000-8000-{:012}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        arn.clone_into(&mut context.invoked_function_arn);
        let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";
        context.xray_trace_id = Some(trace.to_owned());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        context.deadline = u64::try_from((now + self.time_left).as_millis()).unwrap();
        leaks::keep_event_secret(&event);
        // On the heap, so that the helpers of tests that wait for it stay small.
        let handled = Box::pin(self.app.handle(LambdaEvent::new(event.into(), context)));
        let answer = handled.await.map_err(|error| error.to_string());
        answer.iter().for_each(leaks::check_answer);
        self.written.check(&self.aws);
        answer
    }
}

fn configure(accounts: &[TestAccount], settings: &Value) -> Config {
    let entries: Map<_, _> = accounts
        .iter()
        .map(|each| (each.name.to_owned(), each.settings()))
        .collect();
    let mut config = json!({"accounts": entries, "callers": [
        caller("reader", Caller::Reader, &json!([{"accounts": ["nonprod"], "access": "read"}])),
        caller("writer", Caller::Writer, &json!([{"accounts": ["*"], "access": "write"}])),
    ]});
    for (name, value) in settings.as_object().expect("settings are an object") {
        config[name] = value.clone();
    }
    Config::parse(config.to_string().as_bytes()).expect("the configuration is valid")
}

/// The configuration of a function whose stack has a table on the emulator.
fn with_table(config: Config) -> Config {
    Config {
        records_table: Some(records_table().to_owned()),
        ..config
    }
}

fn caller(name: &str, caller: Caller, grants: &Value) -> Value {
    json!({"name": name, "tokenSha256": caller.digest(), "grants": grants})
}

/// A request on its way.
pub struct TestRequest<'a> {
    app: &'a TestApp,
    caller: Caller,
    event: Value,
}

impl TestRequest<'_> {
    /// Sets the request's sender.
    pub fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub fn text(mut self, body: &str) -> Self {
        self.event["body"] = body.into();
        self
    }

    /// The body as API Gateway hands on what it does not take for text.
    pub fn base64(mut self, body: &[u8]) -> Self {
        self.event["body"] = STANDARD.encode(body).into();
        self.event["isBase64Encoded"] = true.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.event["headers"][name] = value.into();
        self
    }

    /// Puts any value anywhere into the event.
    pub fn event(mut self, pointer: &str, value: Value) -> Self {
        *self
            .event
            .pointer_mut(pointer)
            .expect("the event has the place") = value;
        self
    }

    pub async fn send(self) -> Answer {
        let request = match self.caller.token() {
            Some(token) => self.header("authorization", &format!("Bearer {token}")),
            None => self,
        };
        let method = request.event["requestContext"]["http"]["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let path = request.event["rawPath"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let answer = request
            .app
            .invoke(request.event)
            .await
            .expect("an HTTP event is always answered");
        let answer = Answer::open(&answer);
        described::check(&method, &path, &answer);
        answer
    }
}

/// An answer out of its envelope.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Map<String, Value>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn open(answer: &Value) -> Self {
        let body = answer["body"].as_str().expect("a body is a text");
        let body = if answer["isBase64Encoded"] == true {
            STANDARD.decode(body).expect("a base64 body is base64")
        } else {
            body.as_bytes().to_vec()
        };
        let status = answer["statusCode"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        Self {
            status: status.expect("a status is a number"),
            headers: answer["headers"]
                .as_object()
                .expect("headers are an object")
                .clone(),
            body,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.as_str().expect("a header is a text"))
    }

    /// The body, decompressed where it is compressed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.header("content-encoding") == Some("gzip") {
            flate2::read::GzDecoder::new(&*self.body)
                .read_to_string(&mut text)
                .expect("a gzip body is gzip");
        } else {
            text.push_str(std::str::from_utf8(&self.body).expect("a body is UTF-8"));
        }
        text
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text())
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text()))
    }

    /// The JSON body of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The problem of an answer with this status, without what differs from run to run.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let mut problem = self.expect(status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(problem["status"], status);
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"));
        for fixed in ["type", "title", "detail", "code", "retryable"] {
            assert!(!problem[fixed].is_null(), "{fixed} is missing: {problem}");
        }
        for varying in ["requestId", "awsRequestId", "type", "title"] {
            problem
                .as_object_mut()
                .expect("a problem is an object")
                .shift_remove(varying);
        }
        without_sdk(&mut problem);
        problem
    }
}

/// Takes the SDK's version out of all messages: it changes from week to week.
fn without_sdk(value: &mut Value) {
    match value {
        Value::String(text) => {
            while let Some(start) = text.find(" (as of aws-sdk-") {
                let end = text[start..].find(')').expect("a bracket is closed");
                text.replace_range(start..=start + end, "");
            }
        }
        Value::Array(list) => list.iter_mut().for_each(without_sdk),
        Value::Object(members) => members.values_mut().for_each(without_sdk),
        _ => {}
    }
}
