//! The local AWS that all tests share, and the rules of real AWS in front of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use aws_credential_types::Credentials;
use aws_sdk_ecs::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use fake_aws::FakeAws;
use serde_json::{Value, json};

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

/// The local AWS of this test binary, with the rules of real AWS in front of it.
pub fn rules() -> &'static FakeAws {
    static RULES: OnceLock<FakeAws> = OnceLock::new();
    RULES.get_or_init(|| FakeAws::in_front_of(endpoint()))
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
