//! The log: one line of JSON a request, on standard output, where Lambda collects it.

use std::time::Duration;

use lambda_http::http::StatusCode;
use tracing::{Level, Subscriber, error, info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::aws::Attribution;
use crate::config::LogLevel;
use crate::error::{Error, causes};
use crate::intake::{Call, MalformedEvent};
use crate::reply::Reply;
use crate::text::printable_up_to;

/// Starts the log at a level, on standard output.
pub fn start(level: LogLevel) {
    // A second start (in tests) keeps the first one's subscriber.
    drop(tracing::subscriber::set_global_default(subscriber(
        level,
        std::io::stdout,
    )));
}

/// Creates what writes the log. The SDK's own crates stay at warnings: below that they write what they send.
pub fn subscriber<W>(level: LogLevel, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let own = match level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let others = if level == LogLevel::Error {
        "error"
    } else {
        "warn"
    };
    let filter = EnvFilter::new(format!(
        "{others},ecs_api={}",
        own.as_str().to_ascii_lowercase()
    ));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

/// The most characters of a path that are logged.
const LOGGED_PATH_MAX: usize = 2048;

/// The most characters of a method that are logged: more than any known one has.
const LOGGED_METHOD_MAX: usize = 32;
/// The most characters of a cause that are logged; AWS's messages have fewer.
const LOGGED_CAUSE_MAX: usize = 4096;

/// The members of a request's log line beyond those of its answer.
#[derive(Debug, Default)]
pub struct RequestLog {
    /// The operation's name.
    pub operation: Option<&'static str>,
    /// The name of the caller.
    pub caller: Option<String>,
    /// The caller that AWS is called for, and AWS's ids of what it changed.
    pub attribution: Option<Attribution>,
    /// The error that the request ended with.
    pub error: Option<Error>,
}

impl RequestLog {
    /// Writes the request's one line: a client's fault is information, AWS's or the network's a warning, ours an
    /// error.
    pub fn log(
        &self,
        call: &Result<Call, MalformedEvent>,
        reply: &Reply,
        request_id: &str,
        took: Duration,
    ) {
        let (method, path) = call
            .as_ref()
            .map_or(("", ""), |call| (call.method.as_str(), call.path.as_str()));
        let (method, path) = (
            printable_up_to(LOGGED_METHOD_MAX, method),
            printable_up_to(LOGGED_PATH_MAX, path),
        );
        let operation = self.operation.unwrap_or_default();
        let caller = self.caller.as_deref().unwrap_or_default();
        let cause = self
            .error
            .as_ref()
            .map(|error| printable_up_to(LOGGED_CAUSE_MAX, &causes(error)))
            .unwrap_or_default();
        let aws_writes = self
            .attribution
            .as_ref()
            .map(|attribution| attribution.writes().join(" "))
            .unwrap_or_default();
        let (status, took_ms) = (
            reply.status.as_u16(),
            u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        );
        macro_rules! line {
            ($write:ident) => {
                $write!(
                    request_id, method, path, operation, caller, status, took_ms, aws_writes,
                    cause, "request"
                )
            };
        }
        match reply.status {
            StatusCode::INTERNAL_SERVER_ERROR => line!(error),
            status if status.is_server_error() => line!(warn),
            _ => line!(info),
        }
    }
}
