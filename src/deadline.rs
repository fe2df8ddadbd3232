//! The one deadline of a request: every wait and retry honours it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// API Gateway answers 503 on its own after this long, while the function may still be at work
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>).
pub const GATEWAY_LIMIT: Duration = Duration::from_secs(29);

/// The longest that an invocation may take
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const INVOCATION_MAX: Duration = Duration::from_mins(15);

/// The time kept back to write the answer and get it out.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// The moment at which a request must be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    answer_by: Instant,
    /// The end of the invocation, or of the patience of the gateway in front.
    ends_at: Instant,
}

/// The deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time that a request may take is over")]
pub struct Elapsed;

impl Deadline {
    /// Returns the deadline of an invocation: a second before Lambda ends it (in milliseconds since 1970, as its context
    /// says), or before the gateway in front gives up, whichever comes first.
    ///
    /// An end that has passed is no end, since Lambda begins nothing that late: `cargo lambda watch` gives a
    /// number that is a duration.
    pub fn of(invocation_ends_ms: u64, gateway_limit: Option<Duration>) -> Self {
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_millis());
        let left_ms = u128::from(invocation_ends_ms)
            .checked_sub(now_ms)
            .filter(|left_ms| *left_ms > 0);
        let left = left_ms
            .and_then(|left_ms| u64::try_from(left_ms).ok())
            .map(Duration::from_millis);
        let left = left
            .into_iter()
            .chain(gateway_limit)
            .chain([INVOCATION_MAX])
            .min()
            .unwrap_or(INVOCATION_MAX);
        let now = Instant::now();
        Self {
            answer_by: now + left.saturating_sub(ANSWER_RESERVE),
            ends_at: now + left,
        }
    }

    /// Returns the time until the invocation ends, whatever this deadline keeps back of it.
    pub fn invocation_left(self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// Returns the same deadline with a third of the time that is left kept back, but at most `reserve_max`.
    #[must_use]
    pub fn keeping_a_third(self, reserve_max: Duration) -> Self {
        let left = self.answer_by.saturating_duration_since(Instant::now());
        self.keeping(reserve_max.min(left / 3))
    }

    /// Returns the same deadline with `reserve` kept back for what must follow.
    #[must_use]
    pub fn keeping(self, reserve: Duration) -> Self {
        Self {
            answer_by: self
                .answer_by
                .checked_sub(reserve)
                .unwrap_or(self.answer_by),
            ..self
        }
    }

    /// Returns this deadline, or an earlier one in `limit` from now.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self {
            answer_by: self.answer_by.min(Instant::now() + limit),
            ..self
        }
    }

    /// Returns `true` if more time is left than this.
    pub fn leaves(self, time: Duration) -> bool {
        Instant::now() + time < self.answer_by
    }

    /// Waits for `work`, but not past the deadline.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first; `work` is dropped where it stood.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout_at(self.answer_by, work)
            .await
            .map_err(|_| Elapsed)
    }

    /// Lets fallible `work` run, but not past the deadline. Boxes it: a flow's future has kilobytes, and each that awaits
    /// it would carry them along.
    ///
    /// # Errors
    /// The error of `work`, or [`Elapsed`] as one; `work` is dropped where it stood.
    pub fn run<T, E: From<Elapsed>>(
        self,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        // Boxed here and not when it is first awaited, so that who calls this does not carry it either.
        let work = Box::pin(work);
        async move { self.limit(work).await? }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds that are left, rounded.
    fn left_s(invocation_ends: Option<u64>, gateway_limit_s: Option<u64>) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ends_ms = invocation_ends.map_or(600_000, |left_s| {
            (now + Duration::from_secs(left_s)).as_millis()
        });
        let limit = gateway_limit_s.map(Duration::from_secs);
        let deadline = Deadline::of(u64::try_from(ends_ms).unwrap(), limit);
        let left = deadline.answer_by.duration_since(Instant::now());
        (left + Duration::from_millis(500)).as_secs()
    }

    #[test]
    fn the_earlier_end_counts_and_a_second_is_kept_for_the_answer() {
        for (invocation, gateway, expected) in [
            (Some(10), Some(29), 9),
            (Some(60), Some(29), 28),
            (Some(60), None, 59),
            (Some(1), Some(29), 0),
            // What `cargo lambda watch` says: ten minutes after 1970 began.
            (None, Some(29), 28),
            (None, None, 899),
        ] {
            assert_eq!(
                left_s(invocation, gateway),
                expected,
                "{invocation:?} {gateway:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_with_its_own_error_or_with_that_of_the_deadline() {
        #[derive(Debug, PartialEq)]
        enum Failure {
            Own,
            Late(Elapsed),
        }
        impl From<Elapsed> for Failure {
            fn from(elapsed: Elapsed) -> Self {
                Self::Late(elapsed)
            }
        }
        let deadline = Deadline::of(0, Some(Duration::from_secs(11)));
        let work = async |seconds, outcome: Result<i32, Failure>| {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            outcome
        };
        assert_eq!(deadline.run(work(1, Ok(7))).await, Ok(7));
        assert_eq!(
            deadline.run(work(1, Err(Failure::Own))).await,
            Err(Failure::Own)
        );
        assert_eq!(
            deadline.run(work(30, Ok(7))).await,
            Err(Failure::Late(Elapsed))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_cut_off_at_the_deadline_and_earlier_with_a_reserve() {
        let deadline = Deadline::of(0, Some(Duration::from_secs(11)));
        let work = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        assert_eq!(
            deadline
                .keeping(Duration::from_secs(4))
                .limit(work(5))
                .await,
            Ok(())
        );
        assert_eq!(
            deadline
                .keeping(Duration::from_secs(4))
                .limit(work(2))
                .await,
            Err(Elapsed)
        );
        assert_eq!(
            deadline.within(Duration::from_secs(3)).limit(work(4)).await,
            Err(Elapsed)
        );
        assert_eq!(
            deadline
                .within(Duration::from_secs(30))
                .limit(work(5))
                .await,
            Err(Elapsed)
        );
    }
}
