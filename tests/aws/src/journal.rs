//! The calls that came, in their order, and how deep they went one after the other.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;

/// A call that came.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// The call.
    pub call: Call,
    /// The time at which it came.
    pub started: Instant,
    /// The time at which its answer, or the end of its connection, was on the way back.
    pub ended: Option<Instant>,
    /// The HTTP status that came back, if one did.
    pub status: Option<u16>,
    /// AWS's error code, and the source of the rule that refused.
    pub refused: Option<(String, String)>,
    /// The places of its begin and its end among all begins and ends.
    span: (u64, u64),
}

impl JournalEntry {
    /// Returns the operation's IAM name.
    pub fn operation(&self) -> &str {
        &self.call.operation
    }

    /// Returns what was sent.
    pub fn input(&self) -> &Value {
        &self.call.input
    }

    /// Returns the time that it took, if it has ended.
    pub fn took(&self) -> Option<Duration> {
        Some(self.ended?.duration_since(self.started))
    }
}

/// All calls that came.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    calls: Vec<JournalEntry>,
    ticks: u64,
}

impl Journal {
    /// Notes a call; its number.
    pub(crate) fn begin(&mut self, call: Call) -> usize {
        self.ticks += 1;
        self.calls.push(JournalEntry {
            call,
            started: Instant::now(),
            ended: None,
            status: None,
            refused: None,
            span: (self.ticks, u64::MAX),
        });
        self.calls.len() - 1
    }

    /// Notes what came back of it. Calls that were forgotten meanwhile have no place any more.
    pub(crate) fn end(
        &mut self,
        number: usize,
        status: Option<u16>,
        refused: Option<(String, String)>,
    ) {
        self.ticks += 1;
        if let Some(call) = self.calls.get_mut(number) {
            call.ended = Some(Instant::now());
            call.status = status;
            call.refused = refused;
            call.span.1 = self.ticks;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }

    /// Visits the calls since this many, and returns how many there are.
    pub(crate) fn visit_since(&self, seen: usize, visit: impl FnMut(&JournalEntry)) -> usize {
        // What was forgotten since has no place any more.
        let since = if seen > self.calls.len() { 0 } else { seen };
        self.calls[since..].iter().for_each(visit);
        self.calls.len()
    }

    pub(crate) fn calls(&self) -> Vec<JournalEntry> {
        self.calls.clone()
    }
}

/// Returns how many calls there were one after the other: the longest chain in which each began after the one before it
/// had ended. Where all calls take equally long, that is the depth of the round trips.
pub(crate) fn depth(calls: &[JournalEntry]) -> usize {
    let mut depths: Vec<usize> = Vec::with_capacity(calls.len());
    for call in calls {
        let before = calls[..depths.len()].iter().zip(&depths);
        let ended = before.filter(|(other, _)| other.span.1 < call.span.0);
        depths.push(1 + ended.map(|(_, depth)| *depth).max().unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}
