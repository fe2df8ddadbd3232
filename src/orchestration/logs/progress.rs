//! The part of a log that a caller has been given, so that nothing is lost or repeated of what arrives late.
//!
//! An event has two times: its own, and that of its ingestion. CloudWatch Logs searches by the first alone, and an event
//! may be ingested, or become visible, up to two minutes after it. So each answer reads the last minutes anew, and this
//! tells which of their events have been given: those up to [`Progress::up_to`] that are older than the late window, or
//! whose ingestion is at most [`Progress::ingested`], or whose mark is in [`Progress::marks`].

use std::collections::BTreeSet;

use super::place::{LogEvent, Place};
use super::room::{Bounds, Room};

/// The time for which an event may be late, in milliseconds: two minutes, and what clocks and searches are behind.
pub const LATE_MS: i64 = 150_000;

/// The most marks: 40 bits each, in a token of 2 KB.
pub const MARKS_MAX: usize = 220;

/// The part of a log that has been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Before this time, in milliseconds since 1970, nothing arrives any more.
    pub settled_ms: i64,
    /// The last place that has been looked at.
    pub up_to: Place,
    /// Every event up to [`up_to`](Self::up_to) that was ingested up to here has been given.
    pub ingested: Place,
    /// Marks of the other events that have been given and could be found again.
    pub marks: BTreeSet<u64>,
}

/// The events of one answer, and where it leaves off.
#[derive(Debug)]
pub struct Selection {
    /// The events, in the order of their places.
    pub events: Vec<LogEvent>,
    /// Everything that has been given by then.
    pub progress: Progress,
    /// The answer has no room for an event that could be given now.
    pub is_full: bool,
}

/// A stretch of the log, as it was read.
#[derive(Debug)]
pub struct Reading {
    /// Every event from [`Progress::read_from`] on, in the order of their places.
    pub events: Vec<LogEvent>,
    /// The time of the first look at any of it, in milliseconds since 1970.
    pub began_ms: i64,
    /// The last place before which nothing is missing.
    pub up_to: Place,
    /// An earlier request has read the beginning, and found nothing new there.
    pub is_resumed: bool,
}

impl Progress {
    /// Creates the progress of a reading that begins at a time, in milliseconds since 1970.
    pub fn from_start(start_ms: i64) -> Self {
        Self {
            settled_ms: start_ms,
            up_to: Place::before(start_ms),
            ingested: Place::before(0),
            marks: BTreeSet::new(),
        }
    }

    /// Returns the time from which on the next answer reads, in milliseconds since 1970.
    pub fn read_from(&self) -> i64 {
        self.settled_ms.min(self.up_to.time_ms)
    }

    /// Returns `true` if events have been given that are read again for the next answer.
    pub fn is_unsettled(&self) -> bool {
        self.up_to.time_ms > self.settled_ms
    }

    /// Returns `true` if an event has been given, or came too late.
    pub fn has_given(&self, place: &Place) -> bool {
        *place <= self.up_to
            && (place.time_ms < self.settled_ms
                || place.cmp_by_ingestion(&self.ingested).is_le()
                || (!self.marks.is_empty() && self.marks.contains(&place.mark())))
    }

    /// Chooses what of a reading is given next. Late events come first, those of the earliest ingestion before others if
    /// there is no room for all; then what follows, in the order of the places.
    pub fn select(&self, reading: Reading, bounds: &Bounds) -> Selection {
        // Only an unsettled beginning has events that must be known to be forgotten.
        let is_partial = reading.is_resumed && self.is_unsettled();
        let mut known = Vec::new();
        let (mut late, mut following) = (Vec::new(), Vec::new());
        for event in reading.events {
            if self.has_given(&event.place) {
                known.push(event.place);
            } else if event.place <= self.up_to {
                late.push(event);
            } else if event.place <= reading.up_to {
                following.push(event);
            }
        }
        let room = Room::beside(&known, reading.began_ms, self.settled_ms, bounds);
        let mut room = if is_partial {
            room.marking_all(self.marks.len())
        } else {
            room
        };
        late.sort_by(|one, other| one.place.cmp_by_ingestion(&other.place));
        let mut events = Vec::new();
        let first_left = room.take(late, &mut events);
        let mut up_to = self.up_to.clone();
        if first_left.is_none() {
            up_to = match room.take(following, &mut events) {
                None => up_to.max(reading.up_to),
                Some(_) => events
                    .last()
                    .map_or(up_to.clone(), |event| up_to.max(event.place.clone())),
            };
        }
        known.extend(events.iter().map(|event| event.place.clone()));
        let progress = if is_partial {
            self.adding(&events, up_to)
        } else {
            let settled_ms = match first_left {
                Some(_) => self.settled_ms,
                None => self.settled_ms.max(reading.began_ms - LATE_MS),
            };
            self.following(known, settled_ms, up_to)
        };
        events.sort_by(|one, other| one.place.cmp(&other.place));
        Selection {
            events,
            progress,
            is_full: room.is_full(),
        }
    }

    /// Returns the progress after events more, whose predecessors are not all known.
    fn adding(&self, events: &[LogEvent], up_to: Place) -> Self {
        let mut marks = self.marks.clone();
        marks.extend(events.iter().map(|event| event.place.mark()));
        Self {
            up_to,
            marks,
            ..self.clone()
        }
    }

    /// Returns the progress after these events, all that could be found again. As many as possible are remembered by
    /// their marks, the others by their ingestion.
    fn following(&self, given: Vec<Place>, settled_ms: i64, up_to: Place) -> Self {
        let mut kept: Vec<_> = given
            .into_iter()
            .filter(|place| place.time_ms >= settled_ms)
            .filter(|place| place.cmp_by_ingestion(&self.ingested).is_gt())
            .collect();
        kept.sort_by(|one, other| other.cmp_by_ingestion(one));
        let ingested = kept.get(MARKS_MAX).unwrap_or(&self.ingested).clone();
        kept.truncate(MARKS_MAX);
        Self {
            settled_ms,
            up_to,
            ingested,
            marks: kept.iter().map(Place::mark).collect(),
        }
    }
}
