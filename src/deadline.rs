//! The one deadline of a request: every wait and retry honours it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// API Gateway answers 503 on its own after this long, while the function may still be at work
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>).
pub const GATEWAY_LIMIT: Duration = Duration::from_secs(29);

/// What is kept back to write the answer and get it out.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// The moment at which a request must be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

/// The deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time that a request may take is over")]
pub struct Elapsed;

impl Deadline {
    /// A second before Lambda ends the invocation (in milliseconds since 1970, as its context says), or
    /// before the gateway in front gives up, whichever comes first.
    pub fn of(invocation_ends_ms: u64, gateway_limit: Option<Duration>) -> Self {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
        let left_ms = u128::from(invocation_ends_ms).saturating_sub(now_ms);
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(u64::MAX));
        let left = gateway_limit.map_or(left, |limit| limit.min(left));
        // A day is longer than any invocation, and keeps the sum in range.
        Self(Instant::now() + left.saturating_sub(ANSWER_RESERVE).min(Duration::from_hours(24)))
    }

    /// The same deadline with `reserve` kept back for what must follow.
    #[must_use]
    pub fn keeping(self, reserve: Duration) -> Self {
        Self(self.0.checked_sub(reserve).unwrap_or(self.0))
    }

    /// Waits for `work`, but not past the deadline.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first; `work` is dropped where it stood.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout_at(self.0, work).await.map_err(|_| Elapsed)
    }

    /// Whether the deadline has passed.
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }
}
