//! The wait for the end of a deployment: few calls, whoever waits.

use std::time::Duration;

use aws_sdk_ecs::types::ServiceDeployment;
use tokio::time::sleep;

use super::state::{self, State, Surroundings};
use super::view::DeploymentView;
use super::{ServicePlace, look};
use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, DeploymentName};
use crate::orchestration::Cause;

/// Pauses before the polls of a wait, of which the last one repeats.
///
/// A wait of 25 seconds makes the calls of two looks, six each, and [`POLLS_OF_A_WAIT`] polls of one call each. Fifty waiters
/// in one account are 34 calls a second of five operations, none more than 14. ECS lets an account make 20 a second of each
/// group, and 100 at once
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
const PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(4),
    Duration::from_secs(5),
    Duration::from_secs(6),
];

/// The most polls of a wait of 25 seconds.
pub const POLLS_OF_A_WAIT: usize = 5;

/// Time kept back for the last look.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// Shows a deployment once it is over, or has come to a pause, or the wait is. One that is paused from the beginning is
/// waited for, too: somebody else may continue it.
///
/// # Errors
/// [`Cause`] as [`show`](look::show).
pub async fn wait_until_over(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    wait: Duration,
    deadline: Deadline,
) -> Result<DeploymentView, Cause> {
    let waiting = deadline.keeping(LAST_LOOK).within(wait);
    let mut found = look::find(account, place, name, deadline).await?;
    let view = look::describe(account, place, &found, name).await?;
    if view.state.is_over() {
        return Ok(view);
    }
    let mut state = view.state;
    let last = PAUSES[PAUSES.len() - 1];
    let mut pauses = PAUSES.into_iter().chain(std::iter::repeat(last));
    loop {
        let Some(pause) = pauses.next().filter(|pause| waiting.leaves(*pause)) else {
            // The rest of the wait is waited for; what came then is seen by the last look.
            let rest = waiting.limit(std::future::pending::<()>()).await;
            debug_assert!(rest.is_err(), "nothing ends before the wait");
            return look::show(account, place, name, deadline).await;
        };
        sleep(pause).await;
        let Some(listed) = &found.listed else {
            found = look::find(account, place, name, deadline).await?;
            if found.listed.is_none() {
                continue;
            }
            let view = look::describe(account, place, &found, name).await?;
            if has_ended(view.state, state) {
                return Ok(view);
            }
            continue;
        };
        match Box::pin(poll(account, &listed.arn)).await? {
            Some(polled) if !has_ended(polled, state) => state = polled,
            _ => return look::show(account, place, name, deadline).await,
        }
    }
}

/// Returns `true` where a deployment is over, or has come to a pause since it was seen `before`.
fn has_ended(now: State, before: State) -> bool {
    now.is_over() || (now == State::Waiting && before != State::Waiting)
}

/// Asks for the state of a service deployment alone; `None` if AWS does not know it any more.
async fn poll(account: &Account, deployment: &Arn) -> Result<Option<State>, Error> {
    let found =
        ecs::describe_service_deployments(account, std::slice::from_ref(deployment)).await?;
    let state = |deployment: &ServiceDeployment| {
        let (state, _) = state::assess(deployment, &Surroundings::default());
        state
    };
    Ok(found.first().map(state))
}
