//! A line of the log: one JSON object. Those of requests and attempts have members that `tracing` has no form for, as
//! objects and lists; they come as JSON that is ready, and go into the line as it is.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of events with one field, `members`: the line's members as the text of a JSON object. They are written at
/// every level of the log, since CloudWatch makes the metrics of them.
pub const MEASURED: &str = "ecs_api::measured";

/// Writes events as lines.
#[derive(Debug)]
pub(super) struct Lines {
    plain: Format<Json, SystemTime>,
}

impl Lines {
    /// Writes the members of an event on the line's first level.
    pub fn new() -> Self {
        Self {
            plain: tracing_subscriber::fmt::format().json().flatten_event(true),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if metadata.target() != MEASURED {
            return self.plain.format_event(context, writer, event);
        }
        let mut members = Members::default();
        event.record(&mut members);
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        let (level, members) = (metadata.level(), members.within_braces());
        writeln!(writer, "\",\"level\":\"{level}\",{members}}}")
    }
}

/// The text of a JSON object.
#[derive(Debug, Default)]
struct Members(String);

impl Members {
    fn within_braces(&self) -> &str {
        let text = self.0.strip_prefix('{').unwrap_or_default();
        text.strip_suffix('}').unwrap_or_default()
    }
}

impl Visit for Members {
    fn record_str(&mut self, _field: &Field, value: &str) {
        value.clone_into(&mut self.0);
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}
