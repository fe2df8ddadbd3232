//! A task that may have been started just now.

use std::time::Duration;

use aws_sdk_ecs::types::Task;
use tokio::time::sleep;

use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;
use crate::ids::{ClusterName, TaskId};

/// Pauses between the looks for a task: `DescribeTasks` may say for some seconds after `RunTask` that it is missing
/// (<https://github.com/boto/boto3/issues/3393>).
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Looks for a task, and again for some seconds while AWS knows none of this id: it may have been started just now.
/// `None` if AWS does not know it then, or has no such cluster.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn find_task(
    account: &Account,
    cluster: &ClusterName,
    task: &TaskId,
    deadline: Deadline,
) -> Result<Option<Task>, Error> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let found = ecs::describe_task(account, cluster, task).await?;
        match pauses.next().filter(|pause| deadline.leaves(*pause)) {
            Some(pause) if found.is_none() => sleep(pause).await,
            _ => return Ok(found),
        }
    }
}
