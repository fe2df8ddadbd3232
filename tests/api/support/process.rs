//! The function's own binary in a process of its own, under a Lambda runtime of ours.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::account::TestAccount;
use super::leaks;
use super::local_aws::{HUB, records_table};

/// The token of the one caller.
const TOKEN: &str = "a-writers-token";

/// A process of the function, which gets one event after another. It is killed when this value is dropped.
#[derive(Debug)]
pub struct FunctionProcess {
    child: Child,
    log: Option<JoinHandle<io::Result<String>>>,
    events: Sender<String>,
    answers: Receiver<String>,
}

impl FunctionProcess {
    /// Starts the binary for one account, with AWS at `endpoint` and the stack's queue, and hands it `event`, with so much
    /// time.
    pub fn start(
        account: &TestAccount,
        endpoint: &str,
        queue: &str,
        time_left: Duration,
        event: &Value,
    ) -> Self {
        let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(TOKEN));
        let grants = json!([{"accounts": ["*"], "access": "write"}]);
        let callers = json!([{"name": "writer", "tokenSha256": digest, "grants": grants}]);
        let config = json!({"accounts": {account.name: account.settings()}, "callers": callers});
        let settings = [
            ("ECS_API_CONFIG", config.to_string()),
            ("ECS_API_CLEANUP_QUEUE_URL", queue.to_owned()),
            ("ECS_API_RECORDS_TABLE", records_table().to_owned()),
        ];
        let process = Self::spawn(endpoint, time_left, settings);
        process.hand(event);
        process
    }

    /// Starts the binary with its configuration in SSM, by the name of a parameter or a path, and with AWS at `endpoint`.
    /// Each invocation has so much time.
    pub fn configured_by(parameter: &str, endpoint: &str, time_left: Duration) -> Self {
        let settings = [("ECS_API_CONFIG_PARAMETER", parameter.to_owned())];
        Self::spawn(endpoint, time_left, settings)
    }

    fn spawn<const N: usize>(
        endpoint: &str,
        time_left: Duration,
        settings: [(&str, String); N],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let runtime_api = listener.local_addr().expect("a bound port").to_string();
        let (events, handed) = mpsc::channel();
        let handed = Arc::new(Mutex::new(handed));
        let (answered, answers) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (handed, answered) = (Arc::clone(&handed), answered.clone());
                thread::spawn(move || serve(stream, &handed, time_left, &answered));
            }
        });
        let mut child = Command::new(env!("CARGO_BIN_EXE_ecs-api"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", runtime_api.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "ecs-api"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
                ("AWS_ENDPOINT_URL", endpoint),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", HUB),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ])
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = child.stdout.take().map(|mut stdout| {
            thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).map(|_| text)
            })
        });
        Self {
            child,
            log,
            events,
            answers,
        }
    }

    /// Hands an event over, which the process gets when it has answered those before.
    pub fn hand(&self, event: &Value) {
        leaks::keep_event_secret(event);
        let handed = self.events.send(event.to_string());
        handed.expect("the runtime API is served");
    }

    /// Waits for the answer to the next event.
    pub fn answer(&self) -> String {
        let answer = self.answers.recv_timeout(Duration::from_mins(1));
        answer.expect("the process answers")
    }

    /// Returns the most memory that the process has had so far, in bytes
    /// (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process is there");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let kibibytes: u64 = peak.expect("a peak in kB").parse().expect("a number");
        kibibytes * 1024
    }

    /// Ends the process as a machine that fails does: SIGKILL. Returns what it has written into its log, in which nothing
    /// secret may be.
    pub fn kill(mut self) -> String {
        self.end();
        let log = self.log.take().expect("the log is read once");
        let log = log.join().expect("the reader of the log ends");
        let log = log.expect("the log is text");
        leaks::check_process_log(&log);
        log
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.end();
    }
}

/// One connection of the runtime API
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>): the events that are handed over.
fn serve(
    stream: TcpStream,
    events: &Mutex<Receiver<String>>,
    time_left: Duration,
    answered: &Sender<String>,
) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut request, mut length) = (String::new(), 0);
        reader
            .read_line(&mut request)
            .ok()
            .filter(|read| *read > 0)?;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if request.starts_with("GET") {
            let event = events.lock().ok()?.recv().ok()?;
            let ends = SystemTime::now().duration_since(UNIX_EPOCH).ok()? + time_left;
            write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 lambda-runtime-aws-request-id: {}\r\nlambda-runtime-deadline-ms: {}\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:{HUB}:function:ecs-api\r\n\r\n{event}",
                event.len(),
                request_id(),
                ends.as_millis(),
            )
            .ok()?;
        } else {
            // Nobody may wait for it.
            let _ = answered.send(String::from_utf8_lossy(&body).into_owned());
            write!(writer, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }
}

/// An id as Lambda makes them, another one for each event.
fn request_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "11111111-0000-4000-8000-{:012}",
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
