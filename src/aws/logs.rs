//! Amazon CloudWatch Logs: one function per operation, under AWS's own names.

use aws_sdk_cloudwatchlogs::config::{Builder, Region};
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;

use super::{Account, Error};

pub use aws_sdk_cloudwatchlogs::types::OutputLogEvent;

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
