//! The local AWS that all tests share, and the fault-injecting proxy that a test may put in front of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_ecs::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use serde_json::{Map, Value, json};

/// The account that the function itself runs in.
pub const HUB: &str = "123456789012";

/// A process that ends when this value, or the whole test binary, is gone: it lives while its standard input
/// is open.
#[derive(Debug)]
pub struct ChildGuard {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl ChildGuard {
    /// Starts a script of `tests/local_aws` and reads the one line of JSON that says it is ready.
    pub fn start(script: &str, arguments: &[&str]) -> (Self, Value) {
        let mut process = Self::spawn(script, arguments);
        let ready = process.read();
        (process, ready)
    }

    fn spawn(script: &str, arguments: &[&str]) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let python = format!("{root}/.venv/bin/python");
        let mut child = Command::new(&python)
            .arg(format!("{root}/tests/local_aws/{script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{python} does not start ({error}): run `make test-tools` first")
            });
        let stdout = BufReader::new(child.stdout.take().expect("the output is piped"));
        Self { child, stdout }
    }

    /// Sends a line and reads the line of JSON that answers it.
    fn ask(&mut self, line: &str) -> Value {
        let stdin = self.child.stdin.as_mut().expect("the input is piped");
        writeln!(stdin, "{line}").expect("the input is open");
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .expect("the output can be read");
        serde_json::from_str(&line).expect("the script answers; its log says why it does not")
    }

    /// Kills the processes of a Lambda function that it has started, by itself or by others; answers how many.
    pub fn kill_function(&self, name: &str) -> usize {
        let parents: Vec<(u32, u32)> = processes()
            .filter_map(|id| Some((id, parent_of(id)?)))
            .collect();
        let mut ours = vec![self.child.id()];
        let mut next = 0;
        while let Some(parent) = ours.get(next).copied() {
            ours.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(id, _)| *id),
            );
            next += 1;
        }
        let found: Vec<_> = ours
            .iter()
            .filter(|id| runs_function(**id, name))
            .map(u32::to_string)
            .collect();
        let killed = Command::new("kill")
            .arg("-KILL")
            .args(&found)
            .status()
            .expect("kill can be run");
        assert!(killed.success(), "{name} was killed");
        found.len()
    }
}

/// Answers true for a process that is the bootstrap of the Lambda function of this name.
fn runs_function(id: u32, name: &str) -> bool {
    let program = std::fs::read_link(format!("/proc/{id}/exe"));
    let variable = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
    program.is_ok_and(|path| path.file_name().is_some_and(|name| name == "bootstrap"))
        && std::fs::read(format!("/proc/{id}/environ")).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|each| each == variable.as_bytes())
        })
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("the system lists its processes");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn parent_of(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child
            .wait()
            .expect("the process ends once its standard input is closed");
    }
}

/// The endpoint of the local AWS of this test binary.
pub fn endpoint() -> &'static str {
    static SERVER: OnceLock<(ChildGuard, String)> = OnceLock::new();
    let (_, endpoint) = SERVER.get_or_init(|| {
        let (process, ready) = ChildGuard::start("server.py", &[]);
        (process, text(&ready["endpoint"]))
    });
    endpoint
}

/// The SDK configuration of an account's root user.
pub fn root_config(account_id: &str, endpoint: &str) -> aws_config::SdkConfig {
    let credentials = Credentials::new(account_id, "test", None, None, "tests");
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .time_source(SystemTimeSource::new())
        .sleep_impl(TokioSleep::new())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// The SDK configuration of the function itself.
pub fn hub_config(endpoint: &str) -> aws_config::SdkConfig {
    root_config(HUB, endpoint)
}

/// A proxy in front of the local AWS that injects faults and answers, and keeps the calls that came.
#[derive(Debug)]
pub struct Faults {
    endpoint: String,
    rules: Vec<Value>,
    late: Vec<Value>,
    answers: Map<String, Value>,
}

impl Faults {
    /// A proxy that passes everything on. One process serves all of them.
    pub fn none() -> Self {
        static PROXIES: OnceLock<Mutex<ChildGuard>> = OnceLock::new();
        let proxies = PROXIES.get_or_init(|| Mutex::new(ChildGuard::spawn("faults.py", &[])));
        let mut process = proxies.lock().expect("no test fails while it asks");
        Self::at(text(&process.ask(endpoint())["endpoint"]))
    }

    /// The proxy that is there already.
    pub fn at(endpoint: String) -> Self {
        let faults = Self {
            endpoint,
            rules: Vec::new(),
            late: Vec::new(),
            answers: Map::new(),
        };
        faults.send_rules();
        faults
    }

    /// What adds faults to the same proxy while a request is under way.
    pub fn beside(other: &Self) -> Self {
        let (rules, late, answers) = (
            other.rules.clone(),
            other.late.clone(),
            other.answers.clone(),
        );
        Self {
            endpoint: other.endpoint.clone(),
            rules,
            late,
            answers,
        }
    }

    /// The proxy's endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes an operation, as IAM names it, answer with an error of AWS.
    pub fn refuse(&mut self, operation: &str, code: &str, message: &str) {
        self.inject(
            operation,
            json!({"error": {"code": code, "status": 400, "message": message}}),
        );
    }

    /// Makes AWS do an operation and its answers get lost on the way.
    pub fn lose_answers(&mut self, operation: &str) {
        self.inject(operation, json!({"response": {"abort_bytes": 0}}));
    }

    /// The same, once.
    pub fn lose_answer(&mut self, operation: &str) {
        self.inject(
            operation,
            json!({"times": 1, "response": {"abort_bytes": 0}}),
        );
    }

    /// Adds a fault of microburst to an operation, as IAM names it.
    pub fn inject(&mut self, operation: &str, mut fault: Value) {
        let (service, operation) = operation
            .split_once(':')
            .expect("an operation is `service:Operation`");
        fault["service"] = service.into();
        fault["operation"] = operation.into();
        self.rules.push(fault);
        self.send_rules();
    }

    /// Makes AWS fail the next call of an operation with a 500, or with a reset, and do it after all, that much later.
    pub fn do_it_late(&mut self, operation: &str, after_ms: u32, is_reset: bool) {
        self.do_it_late_for([(String::new(), operation.to_owned(), after_ms, is_reset)]);
    }

    /// The same, for the calls of the apps of these names alone.
    pub fn do_it_late_for(
        &mut self,
        faults: impl IntoIterator<Item = (String, String, u32, bool)>,
    ) {
        let late = faults.into_iter().map(|(name, operation, after_ms, is_reset)| {
            let status = if is_reset { Value::Null } else { json!(500) };
            json!({"name": name, "operation": operation, "after_ms": after_ms, "status": status})
        });
        self.late.extend(late);
        self.send("late", &Value::Array(self.late.clone()));
    }

    /// What hears of the calls while a request is under way.
    pub fn calls_heard(&self) -> Calls {
        Calls(self.endpoint.clone())
    }

    /// Makes an operation, as IAM names it, answer with this body, in AWS's own spelling.
    pub fn answer(&mut self, operation: &str, body: &Value) {
        self.answers.insert(operation.to_owned(), body.clone());
        self.send_answers();
    }

    /// The bodies of the calls of an operation so far, as AWS got them.
    pub fn sent(&self, operation: &str) -> Vec<Value> {
        let url = format!("{}/_microburst/bodies", self.endpoint);
        let bodies: Value = ureq::get(url)
            .call()
            .expect("the proxy answers")
            .body_mut()
            .read_json()
            .expect("JSON");
        let of_operation = bodies
            .as_array()
            .expect("a list")
            .iter()
            .filter(|sent| sent["operation"] == operation);
        of_operation.map(|sent| sent["body"].clone()).collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        ureq::delete(format!("{}/_microburst/fired", self.endpoint))
            .call()
            .expect("the proxy forgets");
    }

    /// Injects nothing any more.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.send_rules();
        self.answers.clear();
        self.send_answers();
    }

    /// The operations of the calls so far, in their order, `sts:AssumeRole` included.
    pub fn calls(&self) -> Vec<String> {
        self.calls_heard().list()
    }

    fn send_rules(&self) {
        // The last rule fires on what no other does, so that every call is listed.
        let mut rules = self.rules.clone();
        rules.push(json!({"service": "*", "latency": 1}));
        self.send("rules", &Value::Array(rules));
    }

    fn send_answers(&self) {
        self.send("answers", &Value::Object(self.answers.clone()));
    }

    fn send(&self, what: &str, value: &Value) {
        let url = format!("{}/_microburst/{what}", self.endpoint);
        let sent = ureq::post(url)
            .config()
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .send_json(value);
        sent.unwrap_or_else(|error| panic!("the proxy does not take the {what}: {error}"));
    }
}

/// The calls that came through a proxy.
#[derive(Debug)]
pub struct Calls(String);

impl Calls {
    /// Their operations, in their order, `sts:AssumeRole` included.
    pub fn list(&self) -> Vec<String> {
        let url = format!("{}/_microburst/fired?limit=10000", self.0);
        let fired: Value = ureq::get(url)
            .call()
            .expect("the proxy answers")
            .body_mut()
            .read_json()
            .expect("JSON");
        let call =
            |event: &Value| format!("{}:{}", text(&event["service"]), text(&event["operation"]));
        fired.as_array().expect("a list").iter().map(call).collect()
    }

    /// Waits until an operation has been called.
    pub async fn until(&self, operation: &str) {
        let since = Instant::now();
        while !self.list().iter().any(|call| call == operation) {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "{operation} was never called"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The table of records that all tests share: each test's account is its own, and so are its keys.
pub fn records_table() -> &'static str {
    const NAME: &str = "ecs-api-records";
    static CREATED: OnceLock<()> = OnceLock::new();
    CREATED.get_or_init(|| create_table(endpoint(), NAME));
    NAME
}

/// Creates a table of records in the hub, as `template.yaml` has it.
pub fn create_table(endpoint: &str, name: &str) {
    let table = json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    let scope = format!("{HUB}/20261122/us-east-1/dynamodb/aws4_request");
    ureq::post(endpoint)
        .header("x-amz-target", "DynamoDB_20120810.CreateTable")
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
        .send(table.to_string())
        .expect("the table is created");
}
