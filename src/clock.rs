//! The time of day, which [`App`](crate::app::App) brings in so that tests can fix it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// Tells the time of this machine.
    pub fn system() -> Self {
        Self::from_fn(SystemTime::now)
    }

    /// Tells the time that `now` returns.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        let since_1970 = (self.0)().duration_since(UNIX_EPOCH).unwrap_or_default();
        milliseconds(since_1970)
    }

    /// Returns the time of day.
    pub fn now(&self) -> Timestamp {
        let now_ms = i64::try_from(self.now_ms()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Returns a duration's whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
