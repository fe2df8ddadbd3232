//! Tasks.

use aws_sdk_ecs::config::Builder;
use aws_sdk_ecs::operation::run_task::{RunTaskInput, RunTaskOutput};
use aws_sdk_ecs::operation::stop_task::StopTaskOutput;
use aws_sdk_ecs::types::{DesiredStatus, Task, TaskField};

use super::absent;
use crate::aws::pages::{Page, PageRequest, ResultsPage, collect};
use crate::aws::retries::OnlyRefused;
use crate::aws::whole_input::WholeInput;
use crate::aws::{Account, Error};
use crate::ids::{Arn, ClusterName, Family, ServiceName, TaskId};

/// The most tasks that one call describes
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>).
pub const DESCRIBE_TASKS_MAX: usize = 100;

/// A choice of a cluster's tasks. AWS takes `started_by` alone only
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>).
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Those of this service.
    pub service: Option<ServiceName>,
    /// Those of this family of task definitions.
    pub family: Option<Family>,
    /// Those that shall be running, or stopped; without it, those that shall be running.
    pub status: Option<DesiredStatus>,
    /// Those that this started.
    pub started_by: Option<String>,
}

/// Calls `ecs:ListTasks`: a page of a cluster's tasks, of all launch types.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`](crate::aws::Kind::TimedOut) if not even one page came in time.
pub async fn list_tasks(
    account: &Account,
    cluster: &ClusterName,
    filter: TaskFilter,
    page: PageRequest,
) -> Result<ResultsPage, Error> {
    const OPERATION: &str = "ecs:ListTasks";
    let call = account
        .ecs
        .list_tasks()
        .cluster(cluster.as_str())
        .set_service_name(filter.service.map(|name| name.to_string()));
    let call = call
        .set_family(filter.family.map(|name| name.to_string()))
        .set_desired_status(filter.status)
        .set_started_by(filter.started_by);
    collect(OPERATION, account, page, |page_size, token| {
        let call = call.clone().max_results(page_size).set_next_token(token);
        async move {
            let page = call.send().await.map_err(account.refused(OPERATION))?;
            Ok(Page::of_arns(page.task_arns, page.next_token))
        }
    })
    .await
}

/// Calls `ecs:RunTask`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn run_task(account: &Account, input: RunTaskInput) -> Result<RunTaskOutput, Error> {
    let config = Builder::new().retry_classifier(OnlyRefused);
    let call = account
        .ecs
        .run_task()
        .customize()
        .interceptor(WholeInput(input))
        .config_override(config);
    call.send().await.map_err(account.refused("ecs:RunTask"))
}

/// Calls `ecs:DescribeTasks` of one task, with tags. `None` if AWS does not know it, or its cluster; a stopped one is known
/// for about an hour.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_task(
    account: &Account,
    cluster: &ClusterName,
    task: &TaskId,
) -> Result<Option<Task>, Error> {
    let found = describe_task_in_cluster(account, cluster, task).await;
    found.or_else(absent)
}

/// Calls `ecs:DescribeTasks` of one task, with tags. `None` if AWS knows none of this id in the cluster.
///
/// # Errors
/// [`Error`] with AWS's refusal, which is one of [`Kind::NotFound`](crate::aws::Kind::NotFound) if there is no cluster.
pub async fn describe_task_in_cluster(
    account: &Account,
    cluster: &ClusterName,
    task: &TaskId,
) -> Result<Option<Task>, Error> {
    let tasks = describe(account, cluster, vec![task.to_string()]).await?;
    Ok(tasks.into_iter().next())
}

/// Calls `ecs:DescribeTasks` of at most [`DESCRIBE_TASKS_MAX`] tasks by ARN, with tags. Those that AWS does not know are left out.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn describe_tasks(
    account: &Account,
    cluster: &ClusterName,
    tasks: &[Arn],
) -> Result<Vec<Task>, Error> {
    let arns = tasks.iter().map(Arn::to_string).collect();
    describe(account, cluster, arns).await
}

async fn describe(
    account: &Account,
    cluster: &ClusterName,
    tasks: Vec<String>,
) -> Result<Vec<Task>, Error> {
    let call = account
        .ecs
        .describe_tasks()
        .cluster(cluster.as_str())
        .set_tasks(Some(tasks))
        .include(TaskField::Tags);
    let answer = call
        .send()
        .await
        .map_err(account.refused("ecs:DescribeTasks"))?;
    Ok(answer.tasks.unwrap_or_default())
}

/// Calls `ecs:StopTask`.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn stop_task(
    account: &Account,
    cluster: &ClusterName,
    task: &TaskId,
    reason: Option<String>,
) -> Result<StopTaskOutput, Error> {
    let call = account
        .ecs
        .stop_task()
        .cluster(cluster.as_str())
        .task(task.as_str())
        .set_reason(reason);
    call.send().await.map_err(account.refused("ecs:StopTask"))
}
