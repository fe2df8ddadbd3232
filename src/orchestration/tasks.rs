//! Tasks that may have been started just now, that are waited for, and that have come to an end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::types::Task;
use futures_util::future::try_join_all;
use tokio::time::sleep;

use super::outcome::{self, Outcome, is_over, needs_definition};
use crate::aws::revisions::{Revision, find_revision};
use crate::aws::{Account, Error, Kind, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, TaskId};

/// Pauses between the looks for a task: `DescribeTasks` may say for some seconds after `RunTask` that it is missing
/// (<https://github.com/boto/boto3/issues/3393>).
const PAUSES: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// The most time kept back to answer with tasks whose outcome AWS does not let us tell.
const TELLING_RESERVE_MAX: Duration = Duration::from_secs(3);

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
    let look = || async {
        let found = ecs::describe_task_in_cluster(account, cluster, task).await;
        found.map(Vec::from_iter)
    };
    match look_again_for(1, look, deadline).await {
        Ok(found) => Ok(found.into_iter().next()),
        // No look later on finds a task in a cluster that is not there.
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks for tasks by ARN, and again for some seconds while AWS does not know all of them. Those that it does not know
/// then are left out.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn find_tasks(
    account: &Account,
    cluster: &ClusterName,
    tasks: &[Arn],
    deadline: Deadline,
) -> Result<Vec<Task>, Error> {
    let look = || ecs::describe_tasks(account, cluster, tasks);
    look_again_for(tasks.len(), look, deadline).await
}

/// Looks for as many tasks, and again while some are missing that may have been started just now.
async fn look_again_for<F>(
    count: usize,
    look: impl Fn() -> F,
    deadline: Deadline,
) -> Result<Vec<Task>, Error>
where
    F: Future<Output = Result<Vec<Task>, Error>>,
{
    let mut pauses = PAUSES.into_iter();
    loop {
        let found = look().await?;
        match pauses.next().filter(|pause| deadline.leaves(*pause)) {
            Some(pause) if found.len() < count => sleep(pause).await,
            _ => return Ok(found),
        }
    }
}

/// Pauses between the looks at tasks that are waited for; the last one is repeated. `DescribeTasks` and `ListTasks` share
/// 20 calls a second with everybody else in the account
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>).
const WAIT_PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
];

/// Waits until all of these tasks are STOPPED, and returns them as they are then, or as they are at the deadline.
///
/// They are there: what AWS does not know yet, or does not answer, stays as it was last seen.
pub async fn wait_until_over(
    account: &Account,
    cluster: &ClusterName,
    mut tasks: Vec<Task>,
    deadline: Deadline,
) -> Vec<Task> {
    let last = WAIT_PAUSES[WAIT_PAUSES.len() - 1];
    let mut pauses = WAIT_PAUSES.into_iter().chain(std::iter::repeat(last));
    while !tasks.iter().all(is_over) {
        let Some(pause) = pauses.next().filter(|pause| deadline.leaves(*pause)) else {
            break;
        };
        sleep(pause).await;
        let left = tasks.iter().filter(|task| !is_over(task));
        let arns: Vec<_> = left
            .filter_map(|task| task.task_arn().map(Arn::from_answer))
            .collect();
        let look = Box::pin(ecs::describe_tasks(account, cluster, &arns));
        match deadline.limit(look).await {
            Ok(Ok(seen)) => put_in_place(&mut tasks, seen),
            // They run on all the same, and the answer says where to ask again.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    tasks
}

/// Puts tasks, as they were seen now, in the place of what was seen of them before.
fn put_in_place(tasks: &mut [Task], seen: Vec<Task>) {
    for now in seen {
        let mut before = tasks.iter_mut();
        if let Some(before) = before.find(|task| task.task_arn == now.task_arn) {
            *before = now;
        }
    }
}

/// Tells the outcome of each of these tasks, which were started or stopped just now. Whatever goes wrong must not hide them:
/// where AWS does not show a task definition in time, an outcome that depends on it is untold.
pub async fn outcomes_so_far(
    account: &Account,
    tasks: &[Task],
    deadline: Deadline,
) -> Vec<Outcome> {
    let in_time = deadline.keeping_a_third(TELLING_RESERVE_MAX);
    let told = account.in_time(
        "ecs:DescribeTaskDefinition",
        in_time,
        outcomes(account, tasks),
    );
    let error = match told.await {
        Ok(outcomes) => return outcomes,
        Err(error) => error,
    };
    let of_task = |task| {
        if needs_definition(task) {
            Outcome::untold(format!("ask again for its outcome: {error}"))
        } else {
            outcome::outcome(task, None)
        }
    };
    tasks.iter().map(of_task).collect()
}

/// Tells the outcome of each of these tasks. Asks AWS only for the task definitions that an outcome depends on.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn outcomes(account: &Account, tasks: &[Task]) -> Result<Vec<Outcome>, Error> {
    let mut arns: Vec<_> = tasks
        .iter()
        .filter(|task| needs_definition(task))
        .filter_map(|task| task.task_definition_arn())
        .collect();
    arns.sort_unstable();
    arns.dedup();
    let looks = arns.into_iter().map(async |arn| {
        let found = find_revision(account, arn).await?;
        Ok::<_, Error>((arn, found))
    });
    let found: BTreeMap<&str, Option<Arc<Revision>>> =
        try_join_all(looks).await?.into_iter().collect();
    let definition = |task: &Task| {
        let revision = found.get(task.task_definition_arn()?)?.as_ref()?;
        Some(&revision.definition)
    };
    Ok(tasks
        .iter()
        .map(|task| outcome::outcome(task, definition(task)))
        .collect())
}
