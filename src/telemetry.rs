//! The log: one line of JSON a request, on standard output, where Lambda collects it and CloudWatch finds the metrics.

mod attempt;
mod line;
mod metrics;
mod request;

use serde::Serialize;
use tracing::{Level, Subscriber, error, info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;

use self::line::{Lines, MEASURED};
use crate::config::LogLevel;
use crate::problem::Fault;

pub use attempt::AttemptLog;
pub use metrics::Metric;
pub use request::{Answered, RequestLog};

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
    let own = own.as_str().to_ascii_lowercase();
    let filter = EnvFilter::new(format!("{others},ecs_api={own},{MEASURED}=info"));
    tracing_subscriber::fmt()
        .event_format(Lines::new())
        .fmt_fields(JsonFields::new())
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

/// Writes a line with metrics: the fault of a caller is information, AWS's or the network's a warning, ours an error.
fn write_measured(fault: Option<Fault>, members: &impl Serialize) {
    // Texts, numbers and lists of these always have a JSON form.
    let members = serde_json::to_string(members).unwrap_or_default();
    match fault {
        Some(Fault::Own) => error!(target: MEASURED, members),
        Some(Fault::Aws) => warn!(target: MEASURED, members),
        Some(Fault::Caller) | None => info!(target: MEASURED, members),
    }
}
