//! The time in AWS: it passes as tokio's does, so that a test on paused time waits for nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

/// A clock that began with the wall's.
#[derive(Debug)]
pub struct Clock {
    began_at: SystemTime,
    began: Instant,
    last_ms: Mutex<u64>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            began_at: SystemTime::now(),
            began: Instant::now(),
            last_ms: Mutex::new(0),
        }
    }

    /// Returns the time since 1970.
    pub fn since_epoch(&self) -> Duration {
        let now = self.began_at + self.began.elapsed();
        now.duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Returns milliseconds since 1970.
    pub fn millis(&self) -> u64 {
        u64::try_from(self.since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the seconds since 1970 at a moment of tokio's time, as AWS's JSON has them.
    pub(crate) fn seconds_at(&self, moment: Instant) -> f64 {
        let at = self.began_at + moment.saturating_duration_since(self.began);
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        (since_epoch.as_secs_f64() * 1_000.0).round() / 1_000.0
    }

    /// Returns seconds since 1970 that nothing else was made at, as AWS's JSON has them.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this century fit"
    )]
    pub(crate) fn created_at(&self) -> f64 {
        let mut last = self.last_ms.lock().unwrap_or_else(PoisonError::into_inner);
        *last = self.millis().max(*last + 1);
        *last as f64 / 1_000.0
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.since_epoch()
    }
}
