//! One search through all sources of a log, merged by time.

use futures_util::future::join_all;

use super::pace::Pace;
use super::place::{LogEvent, Place};
use super::progress::{Progress, Reading};
use super::reader::{PageError, Range, Reader};
use super::room::Bounds;
use super::streams::LogSource;
use super::token::OpenSearch;
use crate::aws::{Account, Error, Kind};
use crate::deadline::Deadline;

/// The most events of a page (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
const PAGE_MAX: i32 = 10_000;

/// The least events of a page that is asked for: a small answer shall not take many calls.
const PAGE_MIN: i32 = 100;

/// A search of several sources with one filter.
#[derive(Debug)]
pub(super) struct Search<'s> {
    pub account: &'s Account,
    pub sources: &'s [LogSource],
    pub pattern: Option<&'s str>,
    /// Events before this, in milliseconds since 1970.
    pub end_ms: Option<i64>,
    pub bounds: &'s Bounds,
    pub deadline: Deadline,
}

/// The end of a search, as far as one request goes.
#[derive(Debug)]
pub(super) struct SearchEnd {
    /// The events; `None` if the search has not come past what was given before.
    pub reading: Option<Reading>,
    /// Nothing is left to be read.
    pub is_whole: bool,
    /// The place at which another request goes on, if no event is given of this one.
    pub open: OpenSearch,
    /// The number of pages that came.
    pub pages: usize,
    /// Groups that are not there.
    pub missing_groups: Vec<String>,
    /// The reason why the search ended early.
    pub stop: Option<Stop>,
}

/// The reason why a search ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// It has made as many calls as it may.
    Pages,
    /// Its time was over.
    Elapsed,
    /// AWS throttles.
    Throttled(Error),
}

impl Search<'_> {
    /// Reads as much as an answer takes, from where `progress` and an open search say, at a time.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal; throttling is none.
    pub(super) async fn run(
        &self,
        progress: &Progress,
        open: Option<&OpenSearch>,
        now_ms: i64,
    ) -> Result<SearchEnd, Error> {
        let began_ms = open.map_or(now_ms, |open| open.began_ms.min(now_ms));
        let range = self.range(progress, began_ms);
        let mut readers = self.readers(&range, open);
        let mut pace = Pace::new(readers.len());
        let (mut events, mut pages_read, mut stop) = (Vec::new(), 0, None);
        let horizon_ms = loop {
            let horizon_ms = readers.iter().filter_map(Reader::reached_ms).min();
            match horizon_ms {
                Some(ms) if stop.is_none() && !self.is_enough(&events, ms, progress) => {
                    let pages = self.pages(&mut readers, ms, &range, progress, &mut pace);
                    let pages = pages.await?;
                    pages_read += pages.count;
                    events.extend(pages.events);
                    stop = pages.stop;
                }
                horizon_ms => break horizon_ms,
            }
        };
        let up_to = horizon_ms.map_or(Place::after(range.to_ms), Place::before);
        events.sort_by(|one: &LogEvent, other| one.place.cmp(&other.place));
        let is_past_given = horizon_ms.is_none_or(|ms| ms > progress.up_to.time_ms);
        Ok(SearchEnd {
            reading: is_past_given.then_some(Reading {
                events,
                began_ms,
                up_to,
                is_resumed: open.is_some(),
            }),
            is_whole: horizon_ms.is_none(),
            open: OpenSearch {
                began_ms,
                cursors: readers.iter().map(|one| one.cursor(range.to_ms)).collect(),
            },
            pages: pages_read,
            missing_groups: missing_groups(&readers),
            stop,
        })
    }

    fn range(&self, progress: &Progress, began_ms: i64) -> Range {
        let wanted = i32::try_from(self.bounds.events).unwrap_or(PAGE_MAX);
        // What was given before is read again, and is no part of what is wanted.
        let page_size = if progress.is_unsettled() {
            PAGE_MAX
        } else {
            wanted.saturating_add(1).clamp(PAGE_MIN, PAGE_MAX)
        };
        Range {
            from_ms: progress.read_from(),
            to_ms: self
                .end_ms
                .map_or(began_ms, |end_ms| began_ms.min(end_ms - 1)),
            pattern: self.pattern.map(str::to_owned),
            page_size,
        }
    }

    fn readers(&self, range: &Range, open: Option<&OpenSearch>) -> Vec<Reader<'_>> {
        let cursors = open.map_or(&[][..], |open| &open.cursors);
        let mut readers = Vec::new();
        for source in self.sources {
            let digest = source.digest();
            let cursor = cursors.iter().find(|cursor| cursor.source == digest);
            readers.push(Reader::new(source, range, cursor));
        }
        readers
    }

    /// Returns `true` if the events before a time fill an answer, and all that was given before has been read again.
    fn is_enough(&self, events: &[LogEvent], horizon_ms: i64, progress: &Progress) -> bool {
        if horizon_ms <= progress.up_to.time_ms {
            return false;
        }
        let (mut count, mut bytes) = (0, 0);
        let new = events
            .iter()
            .filter(|event| event.place.time_ms < horizon_ms && !progress.has_given(&event.place));
        for event in new {
            count += 1;
            bytes += (self.bounds.size)(event);
        }
        count >= self.bounds.events || bytes >= self.bounds.bytes
    }

    /// Reads a page of each source that keeps the others waiting.
    async fn pages(
        &self,
        readers: &mut [Reader<'_>],
        horizon_ms: i64,
        range: &Range,
        progress: &Progress,
        pace: &mut Pace,
    ) -> Result<Pages, Error> {
        let (mut calls, mut pages) = (Vec::new(), Pages::default());
        for reader in readers {
            if reader.reached_ms() != Some(horizon_ms) {
                continue;
            }
            let is_reread = progress.is_unsettled() && horizon_ms <= progress.up_to.time_ms;
            let Some(at) = pace.reserve(is_reread) else {
                pages.stop = Some(Stop::Pages);
                break;
            };
            calls.push(reader.read_page(self.account, range, progress, at, self.deadline));
        }
        for page in join_all(calls).await {
            match page {
                Ok(events) => {
                    pages.count += 1;
                    pages.events.extend(events);
                }
                Err(PageError::Elapsed) => pages.stop = Some(Stop::Elapsed),
                Err(PageError::Aws(error)) if error.kind == Kind::Throttled => {
                    pages.stop = Some(Stop::Throttled(error));
                }
                Err(PageError::Aws(error)) => return Err(error),
            }
        }
        Ok(pages)
    }
}

/// Pages that were read side by side.
#[derive(Debug, Default)]
struct Pages {
    count: usize,
    events: Vec<LogEvent>,
    stop: Option<Stop>,
}

fn missing_groups(readers: &[Reader<'_>]) -> Vec<String> {
    let mut groups: Vec<_> = readers
        .iter()
        .filter(|reader| reader.is_missing)
        .map(|reader| reader.group().to_owned())
        .collect();
    groups.sort();
    groups.dedup();
    groups
}
