//! CloudWatch Logs: pages as they are at AWS, over what the AWS behind has of a stream.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::Exchange;
use super::filter_pattern::Pattern;
use crate::answer::{Refusal, Rule};
use crate::value::{list, text, texts};

pub(crate) const GROUP_NOT_FOUND: Rule = Rule::new(
    "ResourceNotFoundException",
    "The specified log group does not exist.",
    "[logs/ingestion]",
);
pub(crate) const STREAM_NOT_FOUND: Rule = Rule::new(
    "ResourceNotFoundException",
    "The specified log stream does not exist.",
    "[logs/ingestion]",
);
pub(crate) const GROUP_EXISTS: Rule = Rule::new(
    "ResourceAlreadyExistsException",
    "The specified log group already exists",
    "[logs/ingestion create-group-duplicate]",
);
pub(crate) const STREAM_EXISTS: Rule = Rule::new(
    "ResourceAlreadyExistsException",
    "The specified log stream already exists",
    "[logs/ingestion create-stream-duplicate]",
);
pub(crate) const WRONG_PATTERN: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid filter pattern",
    "[logs/filters published_invalid_*]",
);
const NAMES_AND_PREFIX: Rule = Rule::new(
    "InvalidParameterException",
    "logStreamNamePrefix and logStreamNames can not be specified together.",
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html",
);
const OTHER_ORDER: Rule = Rule::new(
    "InvalidParameterException",
    "Log events in a single PutLogEvents request must be in chronological order.",
    "[logs/ingestion chronological-order-reversed]",
);
const LONG_SPAN: Rule = Rule::new(
    "InvalidParameterException",
    "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    "[logs/ingestion span-24h-plus-1ms]",
);
const TOO_LARGE: Rule = Rule::new(
    "InvalidParameterException",
    "Log event too large: {} bytes exceeds limit of 1048576",
    "[logs/ingestion byte-utf8-two-bytes-over-budget]",
);
pub(crate) const WRONG_TOKEN: Rule = Rule::new(
    "InvalidParameterException",
    "The specified nextToken is invalid.",
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html",
);

/// A page at most (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).
const PAGE: usize = 10_000;
const DAY_MS: i64 = 86_400_000;

/// An event, and its place among those of its stream.
#[derive(Debug, Clone)]
struct Event {
    /// Its time in milliseconds, and its number among those of that millisecond, counted from one.
    place: (u64, u64),
    stream: String,
    shown: Value,
}

/// Answers a page of a stream. The end is the token that equals the one that was given; the first empty page gives
/// another one still. `startTime` is inclusive, `endTime` is not (logs/ingestion get-forward-page-*, boundaries-*).
pub(super) async fn get_events(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let end = input["endTime"].as_i64();
    let mut events = exchange
        .events(&input, text(&input, "logStreamName"))
        .await?;
    events.retain(|event| {
        let time = event.shown["timestamp"].as_i64().unwrap_or_default();
        input["startTime"]
            .as_i64()
            .is_none_or(|start| time >= start)
            && end.is_none_or(|end| time < end)
    });
    exchange.state.log_reads += 1;
    let reads = exchange.state.log_reads;
    let limit = input["limit"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(PAGE).min(PAGE);
    let asked = match input["nextToken"].as_str() {
        Some(token) => Some(Token::parse(token).ok_or_else(|| WRONG_TOKEN.refusal())?),
        None => None,
    };
    let is_empty_page = exchange.circumstances.has_empty_log_pages && reads % 2 == 1;
    let from_head = input["startFromHead"] == true;
    let page = match &asked {
        Some(token) if token.is_forward => {
            let rest = events.iter().filter(|event| event.place > token.place);
            rest.take(limit).cloned().collect()
        }
        Some(token) => latest(
            events.iter().filter(|event| event.place < token.place),
            limit,
        ),
        None if from_head => events.iter().take(limit).cloned().collect(),
        None => latest(events.iter(), limit),
    };
    let page: Vec<Event> = if is_empty_page { Vec::new() } else { page };
    let forward = forward(
        &page,
        asked.as_ref(),
        from_head,
        &events,
        exchange.circumstances.has_live_logs,
    );
    let first = page.first().map(|event| event.place);
    let backward = first.or(asked.map(|token| token.place)).unwrap_or_default();
    Ok(
        json!({"events": page.into_iter().map(|event| event.shown).collect::<Vec<_>>(),
        "nextForwardToken": forward.to_string(), "nextBackwardToken": Token::backward(backward).to_string()}),
    )
}

/// Returns the token of what follows a page.
fn forward(
    page: &[Event],
    asked: Option<&Token>,
    from_head: bool,
    events: &[Event],
    is_live: bool,
) -> Token {
    let asked = asked.filter(|token| token.is_forward);
    match (page.last(), asked) {
        (Some(last), _) => Token::forward(last.place, 0),
        // A stream that is written to never gives the same token twice.
        (None, Some(asked)) if is_live => Token::forward(asked.place, asked.seen + 1),
        // The first empty page gives another one, the next page that again.
        (None, Some(asked)) => Token::forward(asked.place, 1),
        (None, None) if from_head => Token::forward((0, 0), 1),
        (None, None) => {
            let last = events.last().map(|event| event.place);
            Token::forward(last.unwrap_or_default(), 1)
        }
    }
}

fn latest<'e>(events: impl Iterator<Item = &'e Event>, limit: usize) -> Vec<Event> {
    let mut all: Vec<_> = events.cloned().collect();
    all.split_off(all.len().saturating_sub(limit))
}

/// A token as AWS writes them: `f/`, 56 digits, and `/s`.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    is_forward: bool,
    place: (u64, u64),
    /// The number of empty pages in a row.
    seen: u64,
}

impl Token {
    fn forward(place: (u64, u64), seen: u64) -> Self {
        let is_forward = true;
        Self {
            is_forward,
            place,
            seen,
        }
    }

    fn backward(place: (u64, u64)) -> Self {
        let is_forward = false;
        Self {
            is_forward,
            place,
            seen: 0,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (direction, digits) = text.strip_suffix("/s")?.split_once('/')?;
        let number = |from: usize, to: usize| digits.get(from..to)?.parse().ok();
        Some(Self {
            is_forward: direction == "f",
            place: (number(0, 20)?, number(20, 40)?),
            seen: number(40, 56)?,
        })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let direction = if self.is_forward { "f" } else { "b" };
        let ((time, number), seen) = (self.place, self.seen);
        write!(f, "{direction}/{time:020}{number:020}{seen:016}/s")
    }
}

/// Searches streams of a group, by their names or by how these begin. A full page has a token, and what comes last has
/// none; the list of searched streams is always empty (logs/filters).
pub(super) async fn filter_events(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let input = exchange.input().clone();
    let prefix = input["logStreamNamePrefix"].as_str();
    let names: Vec<_> = texts(&input, "logStreamNames").collect();
    if prefix.is_some() && !names.is_empty() {
        return NAMES_AND_PREFIX.refuse();
    }
    let Some(pattern) = Pattern::parse(text(&input, "filterPattern")) else {
        return WRONG_PATTERN.refuse();
    };
    if exchange.behind.is_memory() {
        return filter_in_memory(exchange, input).await;
    }
    let mut found = Vec::new();
    for stream in exchange.streams(&input, prefix.unwrap_or_default()).await? {
        if names.is_empty() || names.contains(&stream.as_str()) {
            found.extend(exchange.events(&input, &stream).await?);
        }
    }
    let (start, end) = (input["startTime"].as_i64(), input["endTime"].as_i64());
    found.retain(|event| {
        let time = event.shown["timestamp"].as_i64().unwrap_or_default();
        start.is_none_or(|start| time >= start)
            && end.is_none_or(|end| time <= end)
            && pattern.matches(text(&event.shown, "message"))
    });
    found.sort_by_key(|event| (event.place.0, event.stream.clone(), event.place.1));
    let begin = match input["nextToken"].as_str() {
        Some(token) => {
            let place = token
                .strip_prefix("filter-")
                .and_then(|place| place.parse().ok());
            place.ok_or_else(|| WRONG_TOKEN.refusal())?
        }
        None => 0,
    };
    exchange.state.log_reads += 1;
    let is_empty_page =
        exchange.circumstances.has_empty_log_pages && exchange.state.log_reads % 2 == 1;
    let limit = input["limit"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok());
    let limit = if is_empty_page {
        0
    } else {
        limit.unwrap_or(PAGE).min(PAGE)
    };
    let end = (begin + limit).min(found.len());
    let page = found.get(begin..end).unwrap_or_default();
    let events: Vec<_> = page.iter().map(filtered).collect();
    let mut answer = json!({"events": events, "searchedLogStreams": []});
    // A full page has one, whether more follows or not.
    let is_full = limit > 0 && page.len() == limit;
    if is_full || end < found.len() {
        answer["nextToken"] = format!("filter-{end}").into();
    }
    Ok(answer)
}

/// Lets the AWS in memory search, and says what can be seen yet, and how much fits on a page.
async fn filter_in_memory(exchange: &mut Exchange<'_>, mut input: Value) -> Result<Value, Refusal> {
    exchange.state.log_reads += 1;
    let circumstances = &exchange.circumstances;
    let is_empty_page = circumstances.has_empty_log_pages && exchange.state.log_reads % 2 == 1;
    let limit = input["limit"]
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok());
    let page = limit
        .unwrap_or(PAGE)
        .min(PAGE)
        .min(circumstances.log_page_max);
    input["page"] = if is_empty_page { 0 } else { page }.into();
    let lag = u64::try_from(circumstances.log_lag.as_millis()).unwrap_or(u64::MAX);
    input["lag"] = lag.into();
    input["lagIsUneven"] = circumstances.has_uneven_log_lag.into();
    exchange.ask("logs:FilterLogEvents", &input).await
}

fn filtered(event: &Event) -> Value {
    let mut shown = event.shown.clone();
    let (time, number) = event.place;
    let mut stream = DefaultHasher::new();
    event.stream.hash(&mut stream);
    shown["logStreamName"] = event.stream.as_str().into();
    // Of 56 digits, and no other event's.
    let stream = stream.finish() % 10_u64.pow(16);
    shown["eventId"] = format!("{time:020}{number:020}{stream:016}").into();
    shown
}

/// Writes events. Those that are too old or too new are not stored (logs/ingestion).
pub(super) async fn put_events(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let events = list(exchange.input(), "logEvents");
    let times: Vec<_> = events
        .iter()
        .filter_map(|event| event["timestamp"].as_i64())
        .collect();
    if let Some(event) = events
        .iter()
        .find(|event| text(event, "message").len() > 1 << 20)
    {
        let size = text(event, "message").len().to_string();
        return TOO_LARGE.refuse_naming(&[&size]);
    }
    if !times.is_sorted() {
        return OTHER_ORDER.refuse();
    }
    if let (Some(first), Some(last)) = (times.first(), times.last())
        && last - first > DAY_MS
    {
        return LONG_SPAN.refuse();
    }
    exchange.pass().await
}

impl Exchange<'_> {
    /// Returns all events of a stream that can be seen yet.
    async fn events(&self, input: &Value, stream: &str) -> Result<Vec<Event>, Refusal> {
        let mut asked = crate::value::pick(input, &["logGroupName", "logGroupIdentifier"]);
        asked["logStreamName"] = stream.into();
        asked["startFromHead"] = true.into();
        let mut shown = Vec::new();
        loop {
            let answer = self.ask("logs:GetLogEvents", &asked).await?;
            let page = list(&answer, "events");
            shown.extend_from_slice(page);
            let token = &answer["nextForwardToken"];
            if page.is_empty() || self.behind.is_memory() || asked["nextToken"] == *token {
                break;
            }
            asked["nextToken"] = token.clone();
        }
        let lag = u64::try_from(self.circumstances.log_lag.as_millis()).unwrap_or(u64::MAX);
        let now = self.clock.millis();
        shown.retain(|event| {
            let came = event["ingestionTime"].as_u64().unwrap_or_default();
            lag == 0 || came.saturating_add(lag) <= now
        });
        Ok(numbered(shown, stream))
    }

    /// Returns the names of a group's streams that begin so.
    async fn streams(&self, input: &Value, prefix: &str) -> Result<Vec<String>, Refusal> {
        let mut asked = crate::value::pick(input, &["logGroupName", "logGroupIdentifier"]);
        if !prefix.is_empty() {
            asked["logStreamNamePrefix"] = prefix.into();
        }
        let answer = self.ask("logs:DescribeLogStreams", &asked).await?;
        let streams = list(&answer, "logStreams").iter();
        let names = streams.map(|stream| text(stream, "logStreamName").to_owned());
        Ok(names.filter(|name| name.starts_with(prefix)).collect())
    }
}

/// Gives each event its place: by time, and those of one millisecond in order of ingestion.
fn numbered(mut shown: Vec<Value>, stream: &str) -> Vec<Event> {
    shown.sort_by_key(|event| event["timestamp"].as_i64());
    let mut events: Vec<Event> = Vec::with_capacity(shown.len());
    for event in shown {
        let time = event["timestamp"].as_u64().unwrap_or_default();
        let before = events.last().map_or((0, 0), |event| event.place);
        let number = if before.0 == time { before.1 + 1 } else { 1 };
        events.push(Event {
            place: (time, number),
            stream: stream.to_owned(),
            shown: event,
        });
    }
    events
}
