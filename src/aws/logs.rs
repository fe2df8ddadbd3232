//! Amazon CloudWatch Logs: one function per operation, under AWS's own names.

use aws_sdk_cloudwatchlogs::config::{Builder, Region};
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;

use super::{Account, Error};

pub use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, OutputLogEvent};

/// A stream and the part of it to read.
#[derive(Debug, Clone)]
pub struct LogQuery {
    /// The region that holds the group.
    pub region: String,
    /// The group's name.
    pub group: String,
    /// The stream's name.
    pub stream: String,
    /// The most events, 1 to 10,000.
    pub limit: Option<i32>,
    /// The token that continues an earlier answer.
    pub next_token: Option<String>,
    /// Events from here on, in milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// Events before this, in milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// The earliest events first, else the latest.
    pub is_from_head: Option<bool>,
}

/// Calls `logs:GetLogEvents`, one page. An empty page is not the end; the same token again is
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](super::Kind::NotFound) if there is no such stream or group.
pub async fn get_log_events(
    account: &Account,
    query: LogQuery,
) -> Result<GetLogEventsOutput, Error> {
    let region = Builder::new().region(Region::new(query.region));
    let call = account
        .logs
        .get_log_events()
        .log_group_name(query.group)
        .log_stream_name(query.stream)
        .set_limit(query.limit)
        .set_next_token(query.next_token)
        .set_start_time(query.start_ms)
        .set_end_time(query.end_ms)
        .set_start_from_head(query.is_from_head);
    call.customize()
        .config_override(region)
        .send()
        .await
        .map_err(account.refused("logs:GetLogEvents"))
}

/// Streams of a group, and the events of theirs to find.
#[derive(Debug, Clone)]
pub struct LogSearch {
    /// The region that holds the group.
    pub region: String,
    /// The group's name.
    pub group: String,
    /// The beginning of the streams' names.
    pub stream_prefix: String,
    /// CloudWatch's pattern of the events; without it, all
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>).
    pub pattern: Option<String>,
    /// Events from here on, in milliseconds since 1970.
    pub start_ms: i64,
    /// Events up to here, this millisecond included.
    pub end_ms: i64,
    /// The most events, 1 to 10,000.
    pub limit: i32,
    /// The token that continues an earlier search.
    pub next_token: Option<String>,
}

/// Calls `logs:FilterLogEvents`, one page, in the order of the events' times. A page may be empty although more
/// follows: only one without a token is the last
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](super::Kind::NotFound) if there is no such group.
pub async fn filter_log_events(
    account: &Account,
    search: LogSearch,
) -> Result<FilterLogEventsOutput, Error> {
    let region = Builder::new().region(Region::new(search.region));
    let call = account
        .logs
        .filter_log_events()
        .log_group_name(search.group)
        .log_stream_name_prefix(search.stream_prefix)
        .set_filter_pattern(search.pattern)
        .start_time(search.start_ms)
        .end_time(search.end_ms)
        .limit(search.limit)
        .set_next_token(search.next_token);
    call.customize()
        .config_override(region)
        .send()
        .await
        .map_err(account.refused("logs:FilterLogEvents"))
}
