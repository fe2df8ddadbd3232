//! Asks AWS for what a diagnosis reads: four round trips deep at most, and about ten calls.
//!
//! `ListTasks` and `DescribeTasks` share 20 calls a second with everybody else in the account
//! (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>): one page of each list, and one call
//! for all tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{DesiredStatus, Service, Task, TaskDefinition};
use futures_util::future::join_all;

use super::Evidence;
use super::clues::{events_that_count, is_failed, task_ids_in};
use super::log_tail::{self, Tail};
use crate::aws::ecs::{self, TaskFilter};
use crate::aws::pages::{PageRequest, PageToken};
use crate::aws::revisions::{Revision, find_revision};
use crate::aws::{Account, Error};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, ServiceName, TaskId};
use crate::orchestration::Cause;
use crate::orchestration::parts::tasks::service_of;
use crate::orchestration::tasks::find_task;

/// The time that each round trip may take: a call that is not answered costs its part of the diagnosis, and no more.
const PATIENCE: Duration = Duration::from_secs(6);
/// The most tasks of one list that are looked at.
const LISTED_MAX: usize = 35;
/// The most tasks that events name and that are looked at.
const NAMED_MAX: usize = 30;
/// The most task definitions that are looked at.
const DEFINITIONS_MAX: usize = 3;

/// A service, as AWS shows it.
#[derive(Debug)]
pub(super) struct ServiceView {
    /// The service.
    pub service: Service,
    /// Its tasks, as far as ECS knows them, and what they are of.
    pub tasks: TasksView,
    /// The looks that failed.
    pub unseen: Vec<Evidence>,
}

/// A task, as AWS shows it.
#[derive(Debug)]
pub(super) struct TaskView {
    /// The task.
    pub task: Task,
    /// The task again, and what it is of.
    pub tasks: TasksView,
    /// The service that started it, if one did.
    pub service: Option<Service>,
    /// The looks that failed.
    pub unseen: Vec<Evidence>,
}

/// Tasks, and what tells more of them.
#[derive(Debug, Default)]
pub(super) struct TasksView {
    /// The tasks, those that stopped last first.
    pub tasks: Vec<Task>,
    /// Their task definitions, by ARN, as far as they were looked at.
    pub revisions: BTreeMap<String, Arc<Revision>>,
    /// The last lines of the newest failed task.
    pub tails: Vec<Tail>,
}

impl TasksView {
    /// Returns the task definition of a task, if it was looked at.
    pub fn definition_of(&self, task: &Task) -> Option<&TaskDefinition> {
        let revision = self.revisions.get(task.task_definition_arn()?)?;
        Some(&revision.definition)
    }
}

/// Looks at a service; `None` if AWS does not know it.
///
/// # Errors
/// [`Cause`] if AWS does not show it.
pub(super) async fn look_at_service(
    account: &Account,
    cluster: &ClusterName,
    name: &ServiceName,
    deadline: Deadline,
) -> Result<Option<ServiceView>, Cause> {
    let (service, running, stopped) = tokio::join!(
        ecs::describe_service(account, cluster, name),
        list(account, cluster, name, DesiredStatus::Running, deadline),
        list(account, cluster, name, DesiredStatus::Stopped, deadline),
    );
    let Some(service) = service? else {
        return Ok(None);
    };
    let mut unseen = Vec::new();
    let mut arns = Vec::new();
    for listed in [stopped, running] {
        arns.extend(seen(listed, &mut unseen).unwrap_or_default());
    }
    arns.extend(named_in_events(&service, account, cluster));
    let tasks = describe(account, cluster, arns, &mut unseen, deadline).await;
    let tasks = look_closer(account, cluster, tasks, &mut unseen, deadline).await;
    Ok(Some(ServiceView {
        service,
        tasks,
        unseen,
    }))
}

/// Looks at a task; `None` if AWS does not know it.
///
/// # Errors
/// [`Cause`] if AWS does not show it.
pub(super) async fn look_at_task(
    account: &Account,
    cluster: &ClusterName,
    id: &TaskId,
    deadline: Deadline,
) -> Result<Option<TaskView>, Cause> {
    let Some(task) = find_task(account, cluster, id, deadline).await? else {
        return Ok(None);
    };
    let mut unseen = Vec::new();
    let name = service_of(&task).and_then(|name| ServiceName::bare(name).ok());
    let mut of_service = Vec::new();
    let (tasks, service) = tokio::join!(
        look_closer(account, cluster, vec![task.clone()], &mut unseen, deadline),
        async {
            let look = ecs::describe_service(account, cluster, name.as_ref()?);
            let patience = deadline.within(PATIENCE);
            let look = account.in_time("ecs:DescribeServices", patience, look);
            seen(look.await, &mut of_service).flatten()
        }
    );
    unseen.append(&mut of_service);
    Ok(Some(TaskView {
        task,
        tasks,
        service,
        unseen,
    }))
}

async fn list(
    account: &Account,
    cluster: &ClusterName,
    service: &ServiceName,
    status: DesiredStatus,
    deadline: Deadline,
) -> Result<Vec<Arn>, Error> {
    let filter = TaskFilter {
        service: Some(service.clone()),
        status: Some(status),
        ..TaskFilter::default()
    };
    let page = PageRequest {
        start: PageToken::default(),
        limit: Some(LISTED_MAX),
        deadline: deadline.within(PATIENCE),
    };
    match ecs::list_tasks(account, cluster, filter, page).await {
        Ok(listed) => Ok(listed.entries),
        // A service that is INACTIVE is still described, but has no list of tasks any more.
        Err(error) if error.kind == crate::aws::Kind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the tasks that events name: lists forget a stopped task of a service within minutes, while ECS describes it by
/// its ARN for an hour.
fn named_in_events(service: &Service, account: &Account, cluster: &ClusterName) -> Vec<Arn> {
    let region = account.account_region();
    let ids = events_that_count(service)
        .into_iter()
        .flat_map(|event| task_ids_in(event.message().unwrap_or_default()));
    let service_arn = service.service_arn().unwrap_or_default();
    // `arn:aws:ecs:REGION:ACCOUNT:service/…` → `arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`.
    let Some((head, _)) = service_arn.split_once(":service/") else {
        return Vec::new();
    };
    ids.filter(|id| TaskId::parse(id, &region, cluster).is_ok())
        .map(|id| Arn::from_answer(format!("{head}:task/{cluster}/{id}")))
        .take(NAMED_MAX)
        .collect()
}

/// Describes tasks by one call, those that stopped last first.
async fn describe(
    account: &Account,
    cluster: &ClusterName,
    mut arns: Vec<Arn>,
    unseen: &mut Vec<Evidence>,
    deadline: Deadline,
) -> Vec<Task> {
    arns.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    arns.dedup();
    if arns.is_empty() {
        return Vec::new();
    }
    let look = ecs::describe_tasks(account, cluster, &arns);
    let look = account.in_time("ecs:DescribeTasks", deadline.within(PATIENCE), look);
    let mut tasks = seen(look.await, unseen).unwrap_or_default();
    tasks.sort_by_key(|task| std::cmp::Reverse(task.stopped_at().map(DateTime::as_nanos)));
    tasks
}

/// Looks at the task definitions of failed tasks, and at the last lines of the newest.
async fn look_closer(
    account: &Account,
    cluster: &ClusterName,
    tasks: Vec<Task>,
    unseen: &mut Vec<Evidence>,
    deadline: Deadline,
) -> TasksView {
    let failed: Vec<_> = tasks.iter().filter(|task| is_failed(task)).collect();
    let mut arns = Vec::new();
    for arn in failed.iter().filter_map(|task| task.task_definition_arn()) {
        if !arns.contains(&arn) && arns.len() < DEFINITIONS_MAX {
            arns.push(arn);
        }
    }
    let patience = deadline.within(PATIENCE);
    let looks = arns.iter().map(|arn| {
        let look = find_revision(account, arn);
        account.in_time("ecs:DescribeTaskDefinition", patience, look)
    });
    let mut revisions = BTreeMap::new();
    for (arn, look) in arns.iter().zip(join_all(looks).await) {
        if let Some(found) = seen(look, unseen).flatten() {
            revisions.insert((*arn).to_owned(), found);
        }
    }
    let newest = failed.first().and_then(|task| {
        let revision = revisions.get(task.task_definition_arn()?)?;
        Some((*task, &revision.definition))
    });
    let tails = match newest {
        Some((task, definition)) => {
            let place = log_tail::Place {
                cluster,
                task,
                definition,
            };
            log_tail::read(account, place, deadline.within(PATIENCE), unseen).await
        }
        None => Vec::new(),
    };
    TasksView {
        tasks,
        revisions,
        tails,
    }
}

/// Returns what AWS showed, or notes what it did not.
fn seen<T>(look: Result<T, Error>, unseen: &mut Vec<Evidence>) -> Option<T> {
    match look {
        Ok(found) => Some(found),
        Err(error) => {
            unseen.push(Evidence::new(error.operation, None, &error.to_string()));
            None
        }
    }
}
