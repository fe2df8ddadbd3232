//! The room that one answer has: for events and bytes, and for what its token must remember of them.

use super::place::{LogEvent, Place};
use super::progress::{LATE_MS, MARKS_MAX};

/// The time after which an event that was ingested can be found, in milliseconds, where there are too many events to
/// remember each. Where there are not, it may take as long as the event may be late.
const VISIBLE_MS: i64 = 10_000;

/// The most events of the late window that may have been given: they are read again for each answer.
const UNSETTLED_MAX: usize = 10_000;

/// The bounds of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most events.
    pub events: usize,
    /// The most bytes.
    pub bytes: usize,
    /// Returns the bytes that an event takes.
    pub size: fn(&LogEvent) -> usize,
}

/// The room that an answer and its token have left.
#[derive(Debug)]
pub struct Room<'b> {
    bounds: &'b Bounds,
    events: usize,
    bytes: usize,
    /// Events ingested after this must be remembered by their marks.
    marked_after_ms: i64,
    marks: usize,
    /// Events from this time on are read again for the next answer.
    unsettled_from_ms: i64,
    unsettled: usize,
    is_full: bool,
}

impl<'b> Room<'b> {
    /// Creates the room of an answer to a reading that began at a time, after these events that have been given before.
    pub fn beside(known: &[Place], began_ms: i64, settled_ms: i64, bounds: &'b Bounds) -> Self {
        let marked_after_ms = began_ms - VISIBLE_MS;
        let unsettled_from_ms = settled_ms.max(began_ms - LATE_MS);
        let count = |is_counted: &dyn Fn(&Place) -> bool| {
            known.iter().filter(|place| is_counted(place)).count()
        };
        Self {
            bounds,
            events: 0,
            bytes: 0,
            marked_after_ms,
            marks: count(&|place| place.ingested_ms > marked_after_ms),
            unsettled_from_ms,
            unsettled: count(&|place| place.time_ms >= unsettled_from_ms),
            is_full: false,
        }
    }

    /// Returns the same room where each event must be remembered by its mark, beside those that are.
    #[must_use]
    pub fn marking_all(self, marks: usize) -> Self {
        Self {
            marked_after_ms: i64::MIN,
            unsettled_from_ms: i64::MIN,
            marks,
            ..self
        }
    }

    /// Returns `true` if events or bytes were too many.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Moves events into the answer while it has room for them, and returns the place of the first for which it has none.
    pub fn take(&mut self, from: Vec<LogEvent>, into: &mut Vec<LogEvent>) -> Option<Place> {
        for event in from {
            if !self.reserve(&event) {
                return Some(event.place);
            }
            into.push(event);
        }
        None
    }

    /// Makes room for an event; `false` if there is none. The first is never too long.
    fn reserve(&mut self, event: &LogEvent) -> bool {
        let bytes = (self.bounds.size)(event);
        let is_too_long = self.events > 0 && self.bytes + bytes > self.bounds.bytes;
        if self.events >= self.bounds.events || is_too_long {
            self.is_full = true;
            return false;
        }
        let is_unsettled = event.place.time_ms >= self.unsettled_from_ms;
        let is_marked = is_unsettled && event.place.ingested_ms > self.marked_after_ms;
        let unsettled = self.unsettled + usize::from(is_unsettled);
        let marks = self.marks + usize::from(is_marked);
        if unsettled > UNSETTLED_MAX || marks > MARKS_MAX {
            return false;
        }
        (self.unsettled, self.marks) = (unsettled, marks);
        self.events += 1;
        self.bytes += bytes;
        true
    }
}
