//! The log: one line of JSON a request, on standard output, where Lambda collects it and CloudWatch finds the metrics.

mod attempt;
mod line;
mod metrics;
mod request;

use std::sync::OnceLock;

use serde::Serialize;
use tracing::{Level, Subscriber, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{fmt, registry, reload};

use self::line::{Lines, MEASURED};
use crate::config::LogLevel;
use crate::problem::Fault;

pub use attempt::AttemptLog;
pub use metrics::Metric;
pub use request::{Exchange, RequestLog};

/// Sets the level of the log that [`start`] has started.
type SetFilter = Box<dyn Fn(Targets) + Send + Sync>;

static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Starts the log at a level, on standard output.
pub fn start(level: LogLevel) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer()
        .event_format(Lines::new())
        .fmt_fields(JsonFields::new());
    let subscriber = registry().with(filter).with(lines);
    // A second start (in tests) keeps the first one's subscriber.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        // It fails only if the subscriber is gone, and this one is there as long as the process.
        let set = move |filter| drop(handle.reload(filter));
        drop(SET_FILTER.set(Box::new(set)));
    }
}

/// Sets the level of the log. Does nothing before [`start`].
pub fn set_level(level: LogLevel) {
    if let Some(set_filter) = SET_FILTER.get() {
        set_filter(filter(level));
    }
}

/// Creates what writes the log.
pub fn subscriber<W>(level: LogLevel, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .event_format(Lines::new())
        .fmt_fields(JsonFields::new())
        .with_writer(writer);
    registry().with(filter(level)).with(lines)
}

/// Chooses what is logged. The SDK's own crates stay at warnings: below that they write what they send.
fn filter(level: LogLevel) -> Targets {
    let own = match level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    Targets::new()
        .with_default(own.min(Level::WARN))
        .with_target("ecs_api", own)
        .with_target(MEASURED, Level::INFO)
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
