//! The events of one source, page by page.

use std::collections::HashMap;

use tokio::time::{Instant, sleep_until};

use super::place::{LogEvent, Place};
use super::progress::Progress;
use super::streams::LogSource;
use super::token::Cursor;
use crate::aws::logs::{FilteredLogEvent, LogSearch, filter_log_events};
use crate::aws::{Account, Error, Kind};
use crate::deadline::{Deadline, Elapsed};

/// The part of a log that is searched for.
#[derive(Debug, Clone)]
pub(super) struct Range {
    /// Events from here on, in milliseconds since 1970.
    pub from_ms: i64,
    /// Events up to here, this millisecond included.
    pub to_ms: i64,
    /// CloudWatch's pattern of the events.
    pub pattern: Option<String>,
    /// The most events of a page.
    pub page_size: i32,
}

/// The page that a reader asks for next.
#[derive(Debug)]
enum Next {
    First,
    After(String),
    None,
}

/// The events of one source, as far as they have been read.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    source: &'s LogSource,
    /// The time at which its search began, in milliseconds since 1970.
    from_ms: i64,
    next: Next,
    /// The latest time that it has come to, in milliseconds since 1970: there may be more events of it.
    reached_ms: i64,
    /// The time of the first event that has not been given, in milliseconds since 1970.
    first_new_ms: Option<i64>,
    /// Digests of streams, by name.
    streams: HashMap<String, u64>,
    /// The source's group is not there.
    pub is_missing: bool,
}

impl<'s> Reader<'s> {
    /// Creates the reader of a source from a time on, or from where an earlier search has come to.
    pub(super) fn new(source: &'s LogSource, range: &Range, cursor: Option<&Cursor>) -> Self {
        let from_ms = cursor.map_or(range.from_ms, |cursor| cursor.from_ms.max(range.from_ms));
        let token = cursor.and_then(|cursor| cursor.next_token.clone());
        let next = if from_ms > range.to_ms {
            Next::None
        } else {
            token.map_or(Next::First, Next::After)
        };
        Self {
            source,
            from_ms,
            next,
            reached_ms: from_ms,
            first_new_ms: None,
            streams: HashMap::new(),
            is_missing: false,
        }
    }

    /// Returns the time before which nothing is missing; `None` if there is no more at all.
    pub(super) fn reached_ms(&self) -> Option<i64> {
        (!matches!(self.next, Next::None)).then_some(self.reached_ms)
    }

    /// Returns the name of the source's group.
    pub(super) fn group(&self) -> &str {
        &self.source.place.group
    }

    /// Returns where another request goes on with this search, for which no event has been given.
    pub(super) fn cursor(&self, to_ms: i64) -> Cursor {
        let (from_ms, next_token) = match (self.first_new_ms, &self.next) {
            (Some(first_ms), _) => (first_ms, None),
            (None, Next::First) => (self.from_ms, None),
            (None, Next::After(token)) => (self.from_ms, Some(token.clone())),
            (None, Next::None) => (to_ms + 1, None),
        };
        Cursor {
            source: self.source.digest(),
            from_ms,
            next_token,
        }
    }

    /// Reads the next page, once the moment has come. A group that is not there has no events.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal; [`Elapsed`] if the deadline came first.
    pub(super) async fn read_page(
        &mut self,
        account: &Account,
        range: &Range,
        progress: &Progress,
        at: Instant,
        deadline: Deadline,
    ) -> Result<Vec<LogEvent>, PageError> {
        let search = self.search(range);
        let page = deadline.limit(async {
            sleep_until(at).await;
            filter_log_events(account, search).await
        });
        let page = match page.await? {
            Err(error) if error.kind == Kind::NotFound => {
                self.is_missing = true;
                self.next = Next::None;
                return Ok(Vec::new());
            }
            page => page?,
        };
        self.next = page.next_token.map_or(Next::None, Next::After);
        let events = page.events.unwrap_or_default();
        let events: Vec<_> = events
            .into_iter()
            .filter_map(|event| self.event(event))
            .map(|event| forget_message_if_given(event, progress))
            .collect();
        for event in &events {
            self.reached_ms = self.reached_ms.max(event.place.time_ms);
        }
        let mut new = events
            .iter()
            .filter(|event| !progress.has_given(&event.place));
        self.first_new_ms = self
            .first_new_ms
            .or_else(|| new.next().map(|event| event.place.time_ms));
        Ok(events)
    }

    fn search(&self, range: &Range) -> LogSearch {
        let next_token = match &self.next {
            Next::After(token) => Some(token.clone()),
            Next::First | Next::None => None,
        };
        LogSearch {
            region: self.source.place.region.clone(),
            group: self.source.place.group.clone(),
            stream_prefix: self.source.stream_prefix(),
            pattern: range.pattern.clone(),
            start_ms: self.from_ms,
            end_ms: range.to_ms,
            limit: range.page_size,
            next_token,
        }
    }

    /// Returns the event with its place; `None` for one of another container.
    fn event(&mut self, event: FilteredLogEvent) -> Option<LogEvent> {
        let stream = event.log_stream_name.unwrap_or_default();
        let task = self.source.task_of(&stream)?.to_owned();
        let time_ms = event.timestamp.unwrap_or_default();
        let source = self.source;
        let digest = *self
            .streams
            .entry(stream)
            .or_insert_with_key(|stream| source.digest_of(stream));
        Some(LogEvent {
            place: Place {
                time_ms,
                ingested_ms: event.ingestion_time.unwrap_or(time_ms),
                id: event.event_id.unwrap_or_default(),
                stream: digest,
            },
            message: event.message.unwrap_or_default(),
            task,
            container: source.container.clone(),
        })
    }
}

/// Drops the text of an event that has been given: of those that are read again only the places matter.
fn forget_message_if_given(event: LogEvent, progress: &Progress) -> LogEvent {
    if progress.has_given(&event.place) {
        LogEvent {
            message: String::new(),
            ..event
        }
    } else {
        event
    }
}

/// A page that did not come.
#[derive(Debug)]
pub(super) enum PageError {
    /// AWS refused.
    Aws(Error),
    /// The time was over.
    Elapsed,
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self::Aws(error)
    }
}

impl From<Elapsed> for PageError {
    fn from(Elapsed: Elapsed) -> Self {
        Self::Elapsed
    }
}
