//! The pace of calls that look over a whole account: slower than AWS's quotas, which all clients of the account share.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time between two calls in the long run: half of what ECS lets through, 20 calls a second for `ListServices`
/// and `DescribeServices` together
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
const INTERVAL: Duration = Duration::from_millis(100);
/// The calls that need not wait after a pause: ECS lets 100 through at once.
const BURST: u32 = 60;

/// The pace of one account, for all requests of the process.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The moment at which the next call is due if none of the burst is left.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    /// Waits until another call may be made.
    pub async fn wait(&self) {
        let now = Instant::now();
        let turn = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            let rested = now.checked_sub(INTERVAL * BURST).unwrap_or(now);
            let turn = due.map_or(rested, |due| due.max(rested));
            *due = Some(turn + INTERVAL);
            turn
        };
        if turn > now {
            sleep_until(turn).await;
        }
    }
}

impl super::Account {
    /// Waits until a call that looks over the whole account may be made without starving other clients of the account.
    pub async fn keep_pace(&self) {
        self.pace.wait().await;
    }
}
