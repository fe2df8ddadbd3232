//! The log of all tasks of a service, or of all containers of a task, merged by time, and followed.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::types::Service;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use super::place::LogEvent;
use super::progress::{LATE_MS, Progress};
use super::room::Bounds;
use super::search::{Search, SearchEnd, Stop};
use super::streams::{ContainerFilter, Elsewhere, Sources};
use super::token::{InvalidToken, LogToken};
use super::{Cause, NoLog};
use crate::aws::Account;
use crate::aws::revisions::{Revision, describe_revision, find_revision};
use crate::clock::{Clock, milliseconds};
use crate::deadline::{Deadline, Elapsed};
use crate::ids::{ClusterName, ServiceName, TaskDefinitionName, TaskId};
use crate::orchestration::deploy::look::find_service;
use crate::orchestration::parts::service::revisions;
use crate::orchestration::parts::tasks::service_of;
use crate::orchestration::tasks::find_task;

/// The part of a service's log that is shown where nothing else is asked for.
const RECENT: Duration = Duration::from_mins(15);

/// The longest time that one search takes.
const SEARCH_MAX: Duration = Duration::from_secs(15);

/// The time kept back to answer what has been found.
const ANSWER_RESERVE: Duration = Duration::from_millis(500);

/// The time that must be left for one more look.
const LOOK_RESERVE: Duration = Duration::from_secs(2);

/// Pauses between the looks for something new. Who follows a log has one look in five seconds at most, which the
/// documentation reckons with.
const PAUSES: [Duration; 4] = [POLL, POLL, Duration::from_secs(10), Duration::from_secs(10)];

/// The pause after a look that found everything.
const POLL: Duration = Duration::from_secs(5);

/// The source of a merged log.
#[derive(Debug, Clone)]
pub enum LogOwner {
    /// All tasks of a service.
    Service(ServiceName),
    /// One task.
    Task(TaskId),
}

/// A request for a part of the log of several containers.
#[derive(Debug)]
pub struct MergedRequest {
    /// The cluster.
    pub cluster: ClusterName,
    /// The service or task whose log it is.
    pub owner: LogOwner,
    /// The only container; `None` for all.
    pub container: Option<String>,
    /// CloudWatch's pattern of the events.
    pub pattern: Option<String>,
    /// Events from here on, in milliseconds since 1970. Without it: the last 15 minutes of a service, or all of a task.
    pub start_ms: Option<i64>,
    /// Events before this, in milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// The bounds of the answer.
    pub bounds: Bounds,
    /// The longest time to wait for something new.
    pub wait: Option<Duration>,
}

/// A part of a log.
#[derive(Debug)]
pub struct MergedLog {
    /// Its events, in the order of time.
    pub events: Vec<LogEvent>,
    /// The token that goes on after them.
    pub next_token: String,
    /// More can be read at once.
    pub has_more: bool,
    /// The containers that log elsewhere.
    pub elsewhere: Vec<Elsewhere>,
    /// Groups that are not there: nothing has been logged to them yet, or they have been deleted.
    pub missing_groups: Vec<String>,
}

impl MergedRequest {
    /// Reads a token of this log.
    ///
    /// # Errors
    /// [`InvalidToken`] if it is none.
    pub fn token(&self, account: &Account, text: &str) -> Result<LogToken, InvalidToken> {
        LogToken::read(text, &self.names(account).each())
    }

    fn names(&self, account: &Account) -> Names {
        let region = account.account_region();
        let (kind, owner) = match &self.owner {
            LogOwner::Service(service) => ("service", service.as_str()),
            LogOwner::Task(task) => ("task", task.as_str()),
        };
        let end = self
            .end_ms
            .map_or(String::new(), |end_ms| end_ms.to_string());
        Names(vec![
            region.account_id,
            region.region,
            self.cluster.to_string(),
            kind.to_owned(),
            owner.to_owned(),
            self.container.clone().unwrap_or_default(),
            self.pattern.clone().unwrap_or_default(),
            end,
        ])
    }

    fn first_token(&self, now_ms: i64) -> LogToken {
        let start_ms = self.start_ms.unwrap_or_else(|| match self.owner {
            LogOwner::Service(_) => now_ms - signed(milliseconds(RECENT)),
            LogOwner::Task(_) => 0,
        });
        LogToken {
            progress: Progress::from_start(start_ms),
            caught_up_ms: 0,
            search: None,
        }
    }
}

/// The names that tell a log from others.
struct Names(Vec<String>);

impl Names {
    fn each(&self) -> Vec<&[u8]> {
        self.0.iter().map(String::as_bytes).collect()
    }
}

/// Reads what follows in a log, and waits for something new if there is nothing.
///
/// # Errors
/// [`Cause`] if there is no such service or task, if its log may not be read, or if AWS refuses.
pub async fn read(
    account: &Account,
    request: &MergedRequest,
    token: Option<LogToken>,
    clock: &Clock,
    deadline: Deadline,
) -> Result<MergedLog, Cause> {
    let asked_at = Instant::now();
    let sources = find_sources(account, request, deadline).await?;
    let mut token = token.unwrap_or_else(|| request.first_token(now_ms(clock)));
    let mut poll = Poll::new(asked_at, request.wait.unwrap_or_default(), deadline);
    poll.wait_after(token.caught_up_ms, now_ms(clock)).await;
    loop {
        let search = Search {
            account,
            sources: &sources.sources,
            pattern: request.pattern.as_deref(),
            end_ms: request.end_ms,
            bounds: &request.bounds,
            deadline: deadline.keeping(ANSWER_RESERVE).within(SEARCH_MAX),
        };
        let now_ms = now_ms(clock);
        let found = search
            .run(&token.progress, token.search.as_ref(), now_ms)
            .await?;
        let look = Look::of(&token, found, &request.bounds);
        let is_over = request.end_ms.is_some_and(|end| end < now_ms - LATE_MS);
        let is_last = !look.is_idle() || is_over || !poll.wait_for_next().await;
        if is_last {
            return look.answer(request, account, sources.elsewhere);
        }
        token = look.token;
    }
}

/// One look at a log.
struct Look {
    events: Vec<LogEvent>,
    token: LogToken,
    has_more: bool,
    pages: usize,
    missing_groups: Vec<String>,
    stop: Option<Stop>,
}

impl Look {
    fn of(before: &LogToken, found: SearchEnd, bounds: &Bounds) -> Self {
        let began_ms = found.open.began_ms;
        let selection = found
            .reading
            .map(|reading| before.progress.select(reading, bounds));
        let is_full = selection.as_ref().is_some_and(|one| one.is_full);
        let has_more = is_full || !found.is_whole;
        let token = match &selection {
            Some(selection) if found.is_whole || !selection.events.is_empty() => LogToken {
                progress: selection.progress.clone(),
                caught_up_ms: if has_more { 0 } else { began_ms },
                search: None,
            },
            _ => LogToken {
                progress: before.progress.clone(),
                caught_up_ms: 0,
                search: Some(found.open),
            },
        };
        Self {
            events: selection.map_or(Vec::new(), |selection| selection.events),
            token,
            has_more,
            pages: found.pages,
            missing_groups: found.missing_groups,
            stop: found.stop,
        }
    }

    /// Returns `true` if there is nothing to answer yet, and nothing more to be read at once.
    fn is_idle(&self) -> bool {
        self.events.is_empty() && (!self.has_more || matches!(self.stop, Some(Stop::Throttled(_))))
    }

    /// Makes the answer, unless nothing came of AWS.
    fn answer(
        self,
        request: &MergedRequest,
        account: &Account,
        elsewhere: Vec<Elsewhere>,
    ) -> Result<MergedLog, Cause> {
        match self.stop {
            Some(Stop::Throttled(error)) if self.events.is_empty() => return Err(error.into()),
            Some(Stop::Elapsed) if self.pages == 0 => return Err(Elapsed.into()),
            _ => {}
        }
        Ok(MergedLog {
            events: self.events,
            next_token: self.token.write(&request.names(account).each()),
            has_more: self.has_more,
            elsewhere,
            missing_groups: self.missing_groups,
        })
    }
}

/// The looks of a request that waits for something new.
struct Poll {
    ends_at: Instant,
    looked_at: Instant,
    deadline: Deadline,
    pauses: std::iter::Copied<std::slice::Iter<'static, Duration>>,
}

impl Poll {
    fn new(asked_at: Instant, wait: Duration, deadline: Deadline) -> Self {
        Self {
            ends_at: asked_at + wait,
            looked_at: asked_at,
            deadline,
            pauses: PAUSES.iter().copied(),
        }
    }

    /// Waits for the first look until some time after one that found everything.
    async fn wait_after(&mut self, caught_up_ms: i64, now_ms: i64) {
        let due_ms = caught_up_ms + signed(milliseconds(POLL)) - now_ms;
        let pause = Duration::from_millis(u64::try_from(due_ms).unwrap_or_default()).min(POLL);
        sleep_until((Instant::now() + pause).min(self.ends_at)).await;
        self.looked_at = Instant::now();
    }

    /// Waits for the next look; `false` if there is no time for one.
    async fn wait_for_next(&mut self) -> bool {
        let pause = self.pauses.next().unwrap_or(POLL * 2);
        let next_at = (self.looked_at + pause).min(self.ends_at);
        let left = next_at.saturating_duration_since(Instant::now());
        if left.is_zero() || !self.deadline.leaves(left + LOOK_RESERVE) {
            return false;
        }
        sleep_until(next_at).await;
        self.looked_at = Instant::now();
        true
    }
}

fn now_ms(clock: &Clock) -> i64 {
    signed(clock.now_ms())
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Finds where the containers log, and checks that it may be read.
async fn find_sources(
    account: &Account,
    request: &MergedRequest,
    deadline: Deadline,
) -> Result<Sources, Cause> {
    let (definitions, service, task) = match &request.owner {
        LogOwner::Service(service) => {
            let definitions = definitions_of(account, &request.cluster, service);
            let definitions = deadline.run(definitions).await?;
            (definitions, Some(service.to_string()), None)
        }
        LogOwner::Task(task) => {
            let found = definition_of(account, &request.cluster, task, deadline);
            let (definition, service) = deadline.run(found).await?;
            (vec![definition], service, Some(task))
        }
    };
    let filter = ContainerFilter {
        cluster: &request.cluster,
        service: service.as_deref(),
        task,
        container: request.container.as_deref(),
    };
    Sources::of(account, &definitions, filter)
}

/// Returns the definitions that the service's deployments run, the newest first.
async fn definitions_of(
    account: &Account,
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<Vec<Arc<Revision>>, Cause> {
    let service = find_service(account, cluster, name).await?;
    let arns = definition_arns(&service);
    let looks = arns.into_iter().map(|arn| find_revision(account, arn));
    // One that was deleted for good tells nothing any more.
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

/// Returns the ARNs of the definitions that ECS still names with a service.
fn definition_arns(service: &Service) -> Vec<&str> {
    let of_task_sets = service
        .task_sets()
        .iter()
        .filter_map(|task_set| task_set.task_definition());
    let mut arns = Vec::new();
    for arn in revisions(service).chain(of_task_sets) {
        if !arns.contains(&arn) {
            arns.push(arn);
        }
    }
    arns
}

/// Returns the definition that a task runs, and the service that started it, if one did.
async fn definition_of(
    account: &Account,
    cluster: &ClusterName,
    id: &TaskId,
    deadline: Deadline,
) -> Result<(Arc<Revision>, Option<String>), Cause> {
    let found = find_task(account, cluster, id, deadline).await?;
    let task = found.ok_or_else(|| NoLog::ForgottenTask {
        task: id.clone(),
        cluster: cluster.clone(),
    })?;
    let lacking = || account.lacking("ecs:DescribeTasks", "taskDefinitionArn");
    let arn = task.task_definition_arn().ok_or_else(lacking)?;
    let name = TaskDefinitionName::from_answer(arn);
    let revision = describe_revision(account, &name, arn).await?;
    Ok((revision, service_of(&task).map(str::to_owned)))
}
