//! The one line of an attempt at work that goes on without its caller.

use serde::Serialize;

use super::metrics::{Measurements, Members, Metric};
use super::write_measured;
use crate::aws::Attribution;
use crate::config::{Dimension, Metering};
use crate::problem::Fault;

/// The members of the line.
#[derive(Debug, Clone, Copy)]
pub struct AttemptLog<'a> {
    /// [`Metric::DeleteAttempts`], [`Metric::WatchAttempts`] or [`Metric::TimeLimitAttempts`].
    pub attempts: Metric,
    /// The name of who asked for it.
    pub caller: &'a str,
    /// The account's name in the configuration.
    pub account: &'a str,
    /// The id of the request that asked for it.
    pub correlation_id: &'a str,
    /// AWS's ids of what the attempt changed, and the counts of its calls.
    pub attribution: &'a Attribution,
    /// It can't be finished, and lies with the dead letters now.
    pub is_given_up: bool,
}

#[derive(Debug, Serialize)]
struct Line<'l> {
    message: &'static str,
    correlation_id: &'l str,
    caller: &'l str,
    account: &'l str,
    changed: String,
    aws_writes: String,
    #[serde(flatten)]
    members: Members<'l>,
}

impl AttemptLog<'_> {
    /// Writes the line.
    pub fn write(&self, metering: &Metering, now_ms: u64) {
        let mut measured = Measurements::default();
        measured.put(self.attempts, 1);
        measured.put_rare(Metric::GivenUp, u64::from(self.is_given_up));
        measured.put_calls(self.attribution.calls());
        let line = Line {
            message: "attempt",
            correlation_id: self.correlation_id,
            caller: self.caller,
            account: self.account,
            changed: self.attribution.changes().join(" "),
            aws_writes: self.attribution.writes().join(" "),
            members: measured.members(metering, &[Dimension::Account], now_ms),
        };
        write_measured(self.is_given_up.then_some(Fault::Own), &line);
    }
}
