//! An event of a log, and its place among those of all streams.

use std::cmp::Ordering;

use crate::digest::short_number;

/// An event of one of several streams.
#[derive(Debug, Clone)]
pub struct LogEvent {
    /// Its place.
    pub place: Place,
    /// The line that was logged.
    pub message: String,
    /// The id of the task that logged it.
    pub task: String,
    /// The name of the container that logged it.
    pub container: String,
}

/// The place of an event: by its time, then by its ingestion, as CloudWatch Logs orders them, then by its id, whose
/// numbers rise within a batch, and at last by its stream
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The event's own time, in milliseconds since 1970.
    pub time_ms: i64,
    /// The time at which CloudWatch Logs took it, in milliseconds since 1970.
    pub ingested_ms: i64,
    /// CloudWatch's id of it.
    pub id: String,
    /// A digest of region, group and stream.
    pub stream: u64,
}

/// The bits of an event's mark.
const MARK_BITS: u32 = 40;

impl Place {
    /// Creates the place before all events of a millisecond.
    pub fn before(time_ms: i64) -> Self {
        Self {
            time_ms,
            ingested_ms: 0,
            id: String::new(),
            stream: 0,
        }
    }

    /// Creates the place after all events of a millisecond.
    pub fn after(time_ms: i64) -> Self {
        Self {
            time_ms,
            ingested_ms: i64::MAX,
            id: String::new(),
            stream: u64::MAX,
        }
    }

    /// Compares by ingestion, and events of one ingestion by their places.
    pub fn cmp_by_ingestion(&self, other: &Self) -> Ordering {
        let by_ingestion = self.ingested_ms.cmp(&other.ingested_ms);
        by_ingestion.then_with(|| self.cmp(other))
    }

    /// Returns a digest of 40 bits by which the event is known again.
    pub fn mark(&self) -> u64 {
        let digest = short_number(&[&self.stream.to_be_bytes(), self.id.as_bytes()]);
        digest >> (u64::BITS - MARK_BITS)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = self.time_ms.cmp(&other.time_ms);
        by_time
            .then(self.ingested_ms.cmp(&other.ingested_ms))
            // The ids are numbers, written without leading zeros.
            .then(self.id.len().cmp(&other.id.len()))
            .then_with(|| self.id.cmp(&other.id))
            .then(self.stream.cmp(&other.stream))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
