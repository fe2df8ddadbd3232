//! Logs of containers, found by the awslogs options of the task definitions that their tasks ran.
//!
//! Here: the log of one container of one task, and the fence around what may be read. Of all tasks of a service:
//! [`merged`] is the flow, [`streams`] finds where they log, `search` reads that, [`progress`] tells what of it has been
//! given, and [`token`] carries that to the next request.

pub mod merged;
mod pace;
pub mod place;
pub mod progress;
mod reader;
pub mod room;
mod search;
pub mod streams;
pub mod token;

use std::sync::Arc;

use aws_sdk_ecs::types::{ContainerDefinition, LogDriver, TaskDefinition};

use self::streams::LogPlace;
use super::Cause;
use crate::aws::logs::{LogQuery, OutputLogEvent, get_log_events};
use crate::aws::revisions::{Revision, describe_revision};
use crate::aws::{Account, Kind, ecs};
use crate::config;
use crate::deadline::{Deadline, Elapsed};
use crate::ids::{ClusterName, ServiceName, TaskDefinitionName, TaskId};
use crate::text::{printable, quoted, quoted_or};

/// A request for a part of the log of one container of one task.
#[derive(Debug)]
pub struct LogRequest {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service, whose present task definition stands for that of a task which AWS has forgotten.
    pub service: ServiceName,
    /// The task.
    pub task: TaskId,
    /// The container's name in the task definition.
    pub container: String,
    /// The most events, 1 to 10,000.
    pub limit: Option<i32>,
    /// The token that continues an earlier answer.
    pub next_token: Option<String>,
    /// Events from here on, in milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// Events before this, in milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// The earliest events first, else the latest.
    pub is_from_head: Option<bool>,
}

/// A part of a log.
#[derive(Debug, Default)]
pub struct Log {
    /// Its events, in the order of time.
    pub events: Vec<OutputLogEvent>,
    /// The token that asks for the events after these. At the end it stays the same.
    pub next_forward_token: Option<String>,
    /// The token that asks for the events before these. At the beginning it stays the same.
    pub next_backward_token: Option<String>,
}

/// Reads a part of a container's log.
///
/// # Errors
/// [`Cause`] if there is no such log.
pub async fn read(
    account: &Account,
    request: LogRequest,
    deadline: Deadline,
) -> Result<Log, Cause> {
    let (revision, task_is_known) = deadline.run(find_revision(account, &request)).await?;
    let container = container(&revision.definition, &request.container)?;
    // Then nothing of it comes to CloudWatch Logs.
    let is_unconfigured = container.log_configuration().is_none();
    let name = request.container.clone();
    let query = query(account, container, request)?;
    check_fence(&account.settings, &query.region, &query.group)?;
    let (group, stream) = (query.group.clone(), query.stream.clone());
    match read_on(account, query, deadline).await {
        Err(Cause::Aws(error)) if error.kind == Kind::NotFound => {
            if is_unconfigured {
                let container = name;
                return Err(Cause::NoLog(NoLog::Unconfigured {
                    container,
                    group,
                    stream,
                }));
            }
            // Until the first output there is no stream, and until the first stream perhaps no group.
            if task_is_known {
                return Ok(Log::default());
            }
            Err(Cause::NoLog(NoLog::UnknownTask { group, stream }))
        }
        outcome => outcome,
    }
}

/// A log that is not there.
#[derive(Debug, thiserror::Error)]
pub enum NoLog {
    /// The container says nothing of its log, and nothing of it came to the place of the original's convention.
    #[error(
        "the container `{container}` names no log configuration, and there is no log stream `{stream}` in the group \
         `{group}` either: register its task definition with a `logConfiguration` whose `logDriver` is `awslogs`, and \
         deploy that"
    )]
    Unconfigured {
        /// The container's name.
        container: String,
        /// The group in which the stream was looked for.
        group: String,
        /// The stream.
        stream: String,
    },
    /// AWS knows neither the task nor its stream.
    #[error("there is no such task, and no log stream `{stream}` in the group `{group}`")]
    UnknownTask {
        /// The group in which the stream was looked for.
        group: String,
        /// The stream.
        stream: String,
    },
    /// AWS knows neither the task nor the service.
    #[error("there is no task `{task}` and no service `{service}` in `{cluster}`")]
    UnknownTaskAndService {
        /// The task.
        task: TaskId,
        /// The service.
        service: ServiceName,
        /// The cluster that they are not in.
        cluster: ClusterName,
    },
    /// AWS does not know the task, of which nothing else tells the log.
    #[error(
        "there is no task `{task}` in `{cluster}`: AWS knows a stopped one for an hour at most; the log of one that a \
         service started is still at `…/services/{{service}}/logs?task={task}&container={{container}}`"
    )]
    ForgottenTask {
        /// The task.
        task: TaskId,
        /// The cluster that it is not in.
        cluster: ClusterName,
    },
    /// The task definition has no container of the name.
    #[error("`{definition}` has no container `{container}`; it has {known}")]
    UnknownContainer {
        /// The ARN of the task definition.
        definition: String,
        /// The container's name.
        container: String,
        /// The names of its containers, each in backticks.
        known: String,
    },
}

/// A log that does not go to CloudWatch Logs.
#[derive(Debug, thiserror::Error)]
#[error(
    "the container `{container}` does not log to CloudWatch Logs: its log driver is `{driver}`"
)]
pub struct LogElsewhere {
    /// The container's name.
    container: String,
    /// The driver that its log goes to.
    driver: LogDriver,
}

/// A log that the account's configuration lets nobody read.
///
/// A task definition can name any group in any region of the account: whoever may write one would else read what is
/// none of their business.
#[derive(Debug, thiserror::Error)]
pub enum ForbiddenLog {
    /// It is in another region.
    #[error(
        "the container logs in the region `{region}`, where nothing is read; this account's logs are read in {allowed}"
    )]
    Region {
        /// The region that the container's options name.
        region: String,
        /// The regions that are read, each in backticks.
        allowed: String,
    },
    /// It is in another group.
    #[error(
        "the container logs to the group `{group}`, which is not read; this account's groups that are match {allowed}"
    )]
    Group {
        /// The group that the container's options name.
        group: String,
        /// The patterns of groups that are read, each in backticks.
        allowed: String,
    },
}

/// Refuses what the account's configuration lets nobody read, whether or not there is such a stream. Only a region of
/// the configuration becomes part of a host's name.
pub(super) fn check_fence(
    settings: &config::Account,
    region: &str,
    group: &str,
) -> Result<(), ForbiddenLog> {
    if !settings.reads_logs_in(region) {
        return Err(ForbiddenLog::Region {
            region: printable(region),
            allowed: quoted(settings.readable_regions()),
        });
    }
    if !settings.reads_log_group(group) {
        return Err(ForbiddenLog::Group {
            group: printable(group),
            allowed: quoted_or("nothing", &settings.log_groups),
        });
    }
    Ok(())
}

/// Returns the revision that the task ran, or, for a task that AWS has forgotten, the service's present one; and whether AWS
/// knows the task.
async fn find_revision(
    account: &Account,
    request: &LogRequest,
) -> Result<(Arc<Revision>, bool), Cause> {
    let LogRequest {
        cluster,
        service,
        task,
        ..
    } = request;
    let (found, service_found) = tokio::join!(
        ecs::describe_task(account, cluster, task),
        ecs::describe_service(account, cluster, service),
    );
    let found = found?;
    let task_is_known = found.is_some();
    let of_task = found.and_then(|task| task.task_definition_arn);
    let arn = match of_task {
        Some(arn) => Some(arn),
        None => service_found?.and_then(|service| service.task_definition),
    };
    let arn = arn.ok_or_else(|| NoLog::UnknownTaskAndService {
        task: task.clone(),
        service: service.clone(),
        cluster: cluster.clone(),
    })?;
    let name = TaskDefinitionName::from_answer(arn.as_str());
    let revision = describe_revision(account, &name, &arn).await?;
    Ok((revision, task_is_known))
}

/// Finds the container's log. Only where its options say nothing does the original's convention hold: the
/// cluster's group and the stream `service/container/task`.
fn query(
    account: &Account,
    container: &ContainerDefinition,
    request: LogRequest,
) -> Result<LogQuery, Cause> {
    let service = Some(request.service.as_str());
    let place = LogPlace::of(container, &request.cluster, service, account).map_err(|driver| {
        Cause::LogElsewhere(LogElsewhere {
            container: request.container.clone(),
            driver,
        })
    })?;
    // A token has a direction of its own, and a forward one is refused unless the reading goes forward.
    let direction = match request
        .next_token
        .as_deref()
        .and_then(|token| token.split_once('/'))
    {
        Some(("f", _)) => Some(true),
        Some(("b", _)) => Some(false),
        _ => None,
    };
    Ok(LogQuery {
        stream: format!("{}{}", place.prefix, request.task),
        region: place.region,
        group: place.group,
        limit: request.limit,
        next_token: request.next_token,
        start_ms: request.start_ms,
        end_ms: request.end_ms,
        is_from_head: direction.or(request.is_from_head),
    })
}

fn container<'d>(
    definition: &'d TaskDefinition,
    name: &str,
) -> Result<&'d ContainerDefinition, NoLog> {
    definition
        .container_definitions()
        .iter()
        .find(|container| container.name() == Some(name))
        .ok_or_else(|| NoLog::unknown_container(definition, name))
}

impl NoLog {
    /// Creates the error of a definition that has no container of the name.
    fn unknown_container(definition: &TaskDefinition, name: &str) -> Self {
        let containers = definition.container_definitions().iter();
        Self::UnknownContainer {
            definition: definition
                .task_definition_arn()
                .unwrap_or_default()
                .to_owned(),
            container: name.to_owned(),
            known: quoted(containers.filter_map(ContainerDefinition::name)),
        }
    }
}

/// The most pages of one answer. The forward token of a stream that is written to is another one each time, and the
/// account has 25 calls a second for all of its users
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>).
const PAGES_MAX: usize = 10;

/// Reads on while pages are empty: only a token that stays the same is the end. At the deadline, and after some pages,
/// an empty page is the answer too: its tokens lead on.
async fn read_on(account: &Account, mut query: LogQuery, deadline: Deadline) -> Result<Log, Cause> {
    let is_forward = query.is_from_head == Some(true);
    let mut last = None;
    let mut pages = 0;
    loop {
        pages += 1;
        let page = match (
            deadline.limit(get_log_events(account, query.clone())).await,
            last,
        ) {
            (Ok(Ok(page)), _) => page,
            (Ok(Err(error)), _) => return Err(error.into()),
            (Err(Elapsed), Some(log)) => return Ok(log),
            (Err(Elapsed), None) => return Err(Elapsed.into()),
        };
        let next = if is_forward {
            page.next_forward_token()
        } else {
            page.next_backward_token()
        };
        let next = next
            .filter(|next| Some(*next) != query.next_token.as_deref())
            .map(str::to_owned);
        let log = Log {
            next_forward_token: page.next_forward_token,
            next_backward_token: page.next_backward_token,
            events: page.events.unwrap_or_default(),
        };
        match next {
            Some(next) if log.events.is_empty() && pages < PAGES_MAX => {
                query.next_token = Some(next);
            }
            _ => return Ok(log),
        }
        last = Some(log);
    }
}
