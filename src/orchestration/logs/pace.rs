//! The pace at which one request searches: an account has few calls a second for all of its users.

use std::time::Duration;

use tokio::time::Instant;

/// The calls of a request that may be made at once. `FilterLogEvents` has 10 calls a second, and 5 in some regions
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>).
const BURST: u32 = 5;

/// The pause between calls beyond these: a third of the smaller quota.
const PAUSE: Duration = Duration::from_millis(600);

/// The most calls of one search, beside the first of each source. A page has up to 1 MB.
const PAGES_MAX: usize = 12;

/// The calls that a search may still make.
#[derive(Debug)]
pub(super) struct Pace {
    next_at: Instant,
    left: usize,
}

impl Pace {
    /// Allows for one call of each source and some more.
    pub(super) fn new(sources: usize) -> Self {
        Self {
            next_at: earliest(),
            left: sources + PAGES_MAX,
        }
    }

    /// Reserves the next call, and returns when it may be made; `None` if there were enough. One that reads again what
    /// was given is always made: without it nothing new can be told.
    pub(super) fn reserve(&mut self, is_reread: bool) -> Option<Instant> {
        if !is_reread {
            self.left = self.left.checked_sub(1)?;
        }
        self.next_at = self.next_at.max(earliest());
        let at = self.next_at;
        self.next_at += PAUSE;
        Some(at)
    }
}

/// Returns the place of the next call after a rest: as many as may be made at once are due already.
fn earliest() -> Instant {
    let now = Instant::now();
    now.checked_sub(PAUSE * (BURST - 1)).unwrap_or(now)
}
