//! Events found by their times and texts, over many streams of a group, page by page.
//!
//! The [rules](crate::rules::logs) say in the input's members `lag`, `lagIsUneven` and `page` what can be seen yet, and how
//! much fits on a page.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::At;
use super::logs::{Event, Stream};
use crate::answer::Refusal;
use crate::rules::filter_pattern::Pattern;
use crate::rules::logs::{WRONG_PATTERN, WRONG_TOKEN};
use crate::value::{text, texts};

/// The most bytes of a page
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
const PAGE_BYTES: usize = 1 << 20;
/// The bytes of an event beside its message
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>).
const EVENT_BYTES: usize = 26;

/// The terms of a search.
struct Search<'s> {
    start: i64,
    end: i64,
    after: Option<Place>,
    pattern: Pattern,
    /// The time from the ingestion of an event to its being seen, in milliseconds.
    lag: u64,
    lag_is_uneven: bool,
    now: u64,
    page: usize,
    prefix: &'s str,
    names: Vec<&'s str>,
}

/// An event's place in the order of the search: by time, ingestion, and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(i64, u64, u64);

impl Place {
    fn of(event: &Event) -> Self {
        Self(event.time, event.ingested, event.number)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time, ingested, number) = self;
        write!(f, "after-{time}-{ingested}-{number}")
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.strip_prefix("after-").ok_or(())?.splitn(3, '-');
        let mut next = || parts.next().ok_or(());
        let (time, ingested, number) = (next()?, next()?, next()?);
        Ok(Self(
            time.parse().map_err(drop)?,
            ingested.parse().map_err(drop)?,
            number.parse().map_err(drop)?,
        ))
    }
}

impl<'s> Search<'s> {
    fn read(input: &'s Value, now: u64) -> Result<Self, Refusal> {
        let pattern = Pattern::parse(text(input, "filterPattern"));
        let after = input["nextToken"].as_str().map(str::parse);
        let number = |member: &str| input[member].as_u64().unwrap_or_default();
        Ok(Self {
            start: input["startTime"].as_i64().unwrap_or_default(),
            end: input["endTime"].as_i64().unwrap_or(i64::MAX),
            after: after.transpose().map_err(|()| WRONG_TOKEN.refusal())?,
            pattern: pattern.ok_or_else(|| WRONG_PATTERN.refusal())?,
            lag: number("lag"),
            lag_is_uneven: input["lagIsUneven"] == true,
            now,
            page: usize::try_from(number("page")).unwrap_or(usize::MAX),
            prefix: text(input, "logStreamNamePrefix"),
            names: texts(input, "logStreamNames").collect(),
        })
    }

    fn takes_stream(&self, name: &str) -> bool {
        name.starts_with(self.prefix) && (self.names.is_empty() || self.names.contains(&name))
    }

    /// Returns the events of a stream that may be on the next page, in their order.
    fn in_stream<'e>(&'e self, stream: &'e Stream) -> impl Iterator<Item = &'e Event> {
        let start = self.after.map_or(self.start, |after| after.0);
        let first = stream.events.partition_point(|event| event.time < start);
        let events = stream.events[first..].iter();
        events
            .take_while(|event| event.time <= self.end)
            .filter(|event| self.after.is_none_or(|after| Place::of(event) > after))
            .filter(|event| self.can_see(event) && self.pattern.matches(&event.message))
    }

    fn can_see(&self, event: &Event) -> bool {
        let lag = if self.lag_is_uneven {
            self.lag * (event.number.wrapping_mul(7_919) % 101) / 100
        } else {
            self.lag
        };
        event.ingested.saturating_add(lag) <= self.now
    }
}

impl At<'_> {
    pub(super) fn filter_log_events(&mut self, input: &Value) -> Result<Value, Refusal> {
        let search = Search::read(input, self.clock.millis())?;
        let streams = self.group(input)?.streams.iter();
        let mut found: Vec<(&str, &Event)> = Vec::new();
        for (name, stream) in streams.filter(|(name, _)| search.takes_stream(name)) {
            let events = search.in_stream(stream).take(search.page.saturating_add(1));
            found.extend(events.map(|event| (name.as_str(), event)));
        }
        found.sort_by_key(|(_, event)| Place::of(event));
        let mut bytes = 0;
        let fitting = found.iter().take(search.page).take_while(|(_, event)| {
            bytes += event.message.len() + EVENT_BYTES;
            bytes <= PAGE_BYTES
        });
        let count = fitting.count();
        let page = &found[..count];
        let last = page.last().map(|(_, event)| Place::of(event));
        let place = last.or(search.after);
        let events: Vec<_> = page
            .iter()
            .map(|(stream, event)| shown(stream, event))
            .collect();
        let mut answer = json!({"events": events, "searchedLogStreams": []});
        // A full page has a token, whether more follows or not (logs/filters).
        let is_full = search.page > 0 && count == search.page;
        if is_full || count < found.len() {
            let place = place.unwrap_or(Place(search.start, 0, 0));
            answer["nextToken"] = place.to_string().into();
        }
        Ok(answer)
    }
}

fn shown(stream: &str, event: &Event) -> Value {
    // Of 56 digits, and rising within a stream.
    let id = format!("{:020}{:036}", event.time, event.number);
    json!({"logStreamName": stream, "timestamp": event.time, "message": event.message,
        "ingestionTime": event.ingested, "eventId": id})
}
