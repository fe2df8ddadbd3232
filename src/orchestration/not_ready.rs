//! Calls that AWS refuses only because something that they need is too new.

use std::time::Duration;

use tokio::time::sleep;

use crate::aws::{Error, Kind};
use crate::deadline::Deadline;

/// Time that a call may wait in all. A new role was seen to be taken within half a minute; most are within seconds.
const PATIENCE: Duration = Duration::from_secs(15);
/// The first pause, which doubles from attempt to attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Makes a call, and again while AWS refuses it with [`Kind::NotReady`]: a role that IAM does not show to ECS yet. Gives
/// up after 15 seconds, or where the deadline would come during the next pause.
///
/// Only calls that AWS refused are repeated, so that nothing is done twice.
///
/// # Errors
/// [`Error`] with AWS's last refusal.
pub async fn retry_while_not_ready<T, F>(
    deadline: Deadline,
    call: impl Fn() -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let until = deadline.within(PATIENCE);
    let mut pause = FIRST_PAUSE;
    loop {
        match call().await {
            Err(error) if error.kind == Kind::NotReady && until.leaves(pause) => {}
            outcome => return outcome,
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    /// The number of calls, and the seconds that they took, where the first `refusals` are of a kind.
    async fn calls_and_seconds(kind: Kind, refusals: u32, limit_s: u64) -> (u32, u64) {
        let (calls, begun) = (Cell::new(0), Instant::now());
        let deadline = Deadline::of(0, None).within(Duration::from_secs(limit_s));
        let call = || async {
            calls.set(calls.get() + 1);
            if calls.get() > refusals {
                Ok(())
            } else {
                Err(Error::of_kind(kind))
            }
        };
        let outcome = retry_while_not_ready(deadline, call).await;
        assert_eq!(outcome.is_ok(), calls.get() > refusals);
        (calls.get(), begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_ready_is_waited_for_and_nothing_else() {
        assert_eq!(calls_and_seconds(Kind::NotReady, 2, 60).await, (3, 3));
        assert_eq!(calls_and_seconds(Kind::Conflict, 2, 60).await, (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_and_the_deadline_have_an_end() {
        assert_eq!(calls_and_seconds(Kind::NotReady, 99, 60).await, (5, 11));
        assert_eq!(calls_and_seconds(Kind::NotReady, 99, 4).await, (3, 3));
    }
}
