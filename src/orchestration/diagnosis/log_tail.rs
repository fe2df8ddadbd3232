//! The last lines of a task's containers.

use aws_sdk_ecs::types::{Container, ContainerDefinition, LogDriver, Task, TaskDefinition};
use futures_util::future::join_all;

use super::Evidence;
use crate::aws::logs::{LogQuery, OutputLogEvent, get_log_events};
use crate::aws::{Account, Error, Kind};
use crate::deadline::Deadline;
use crate::ids::{ClusterName, TaskId};
use crate::orchestration::logs::check_fence;
use crate::orchestration::logs::streams::LogPlace;
use crate::orchestration::outcome::counts;

/// The number of lines of each container.
const LINES: i32 = 20;
/// The most containers whose lines are read.
const CONTAINERS_MAX: usize = 3;

/// The task whose lines are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The cluster.
    pub cluster: &'p ClusterName,
    /// The task.
    pub task: &'p Task,
    /// The task definition that it ran.
    pub definition: &'p TaskDefinition,
}

/// The last lines of a container.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// The task's ARN.
    pub task_arn: String,
    /// The lines, or one sentence that says why there are none.
    pub lines: Vec<Evidence>,
    /// These are lines of the log.
    pub is_log: bool,
}

/// The end of a look at a container's log.
enum Read {
    /// The lines.
    Lines(Vec<Evidence>),
    /// A reason why none are shown.
    None(String),
    /// AWS refused.
    Failed(Error),
}

/// Reads the last lines of the essential containers that have run.
pub(super) async fn read(
    account: &Account,
    place: Place<'_>,
    deadline: Deadline,
    unseen: &mut Vec<Evidence>,
) -> Vec<Tail> {
    let region = account.account_region();
    let arn = place.task.task_arn().unwrap_or_default();
    let Ok(task) = TaskId::parse(arn, &region, place.cluster) else {
        return Vec::new();
    };
    let reads = containers(place).into_iter().map(async |container| {
        (
            container,
            read_container(account, container, place.cluster, &task, deadline).await,
        )
    });
    let mut tails = Vec::new();
    for (container, read) in join_all(reads).await {
        let (lines, is_log) = match read {
            Read::Lines(lines) => (lines, true),
            Read::None(why) => {
                let source = format!("log of `{}`", container.name().unwrap_or_default());
                (vec![Evidence::new(&source, None, &why)], false)
            }
            Read::Failed(error) => {
                unseen.push(Evidence::new(error.operation, None, &error.to_string()));
                continue;
            }
        };
        tails.push(Tail {
            task_arn: arn.to_owned(),
            lines,
            is_log,
        });
    }
    tails
}

/// Returns the essential containers that have run.
fn containers(place: Place<'_>) -> Vec<&ContainerDefinition> {
    let has_run = |container: &&ContainerDefinition| {
        let mut known = place.task.containers().iter();
        let known = known.find(|known| known.name() == container.name());
        known.and_then(Container::exit_code).is_some() || place.task.started_at().is_some()
    };
    let essential = place.definition.container_definitions().iter();
    essential
        .filter(|container| counts(container))
        .filter(has_run)
        .take(CONTAINERS_MAX)
        .collect()
}

/// Reads the last lines of a container by one call. What the account's configuration lets nobody read stays unread.
async fn read_container(
    account: &Account,
    container: &ContainerDefinition,
    cluster: &ClusterName,
    task: &TaskId,
    deadline: Deadline,
) -> Read {
    let query = match query(account, container, cluster, task) {
        Ok(query) => query,
        Err(why) => return Read::None(why),
    };
    if let Err(forbidden) = check_fence(&account.settings, &query.region, &query.group) {
        return Read::None(format!("no line is shown: {forbidden}"));
    }
    let source = format!("log `{}` of `{}`", query.stream, query.group);
    let look = account.in_time(
        "logs:GetLogEvents",
        deadline,
        get_log_events(account, query),
    );
    let events = match look.await {
        Ok(page) => page.events.unwrap_or_default(),
        Err(error) if error.kind == Kind::NotFound => Vec::new(),
        Err(error) => return Read::Failed(error),
    };
    if events.is_empty() {
        return Read::None("there is no line".to_owned());
    }
    let line = |event: &OutputLogEvent| {
        let message = event.message().unwrap_or_default();
        Evidence::new(&source, event.timestamp(), message)
    };
    Read::Lines(events.iter().map(line).collect())
}

/// Finds the container's stream, or says why there is none.
fn query(
    account: &Account,
    container: &ContainerDefinition,
    cluster: &ClusterName,
    task: &TaskId,
) -> Result<LogQuery, String> {
    let name = container.name().unwrap_or_default();
    if container.log_configuration().is_none() {
        return Err(format!(
            "the container `{name}` names no log configuration, so that its lines are nowhere"
        ));
    }
    let place = LogPlace::of(container, cluster, None, account).map_err(|driver| {
        if driver == LogDriver::Awslogs {
            format!("the log of the container `{name}` has no stream prefix")
        } else {
            format!(
                "the container `{name}` does not log to CloudWatch Logs: its log driver is `{driver}`"
            )
        }
    })?;
    Ok(LogQuery {
        stream: format!("{}{task}", place.prefix),
        region: place.region,
        group: place.group,
        limit: Some(LINES),
        next_token: None,
        start_ms: None,
        end_ms: None,
        is_from_head: Some(false),
    })
}
