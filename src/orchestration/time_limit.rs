//! The time limit of tasks, which holds although nobody waits for them: a message of the stack's queue comes back when it is
//! over, and stops what still runs.
//!
//! The message is sent before `RunTask`: a function that dies in between leaves no task without its limit. It can't name
//! the tasks then, and finds them by their `startedBy`, which no other tasks share.

use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Cause;
use crate::aws::ecs::{self, TaskFilter};
use crate::aws::pages::PageRequest;
use crate::aws::queue::Queue;
use crate::aws::{Account, Error, Kind};
use crate::clock::{Clock, milliseconds};
use crate::deadline::Deadline;
use crate::digest::short_digest;
use crate::ids::{Arn, ClusterName, TaskId};

/// The longest delay of a message: less than SQS's own, so that a limit of hours never looks to the queue's alarm like work
/// that is not done.
const DELAY_MAX: Duration = Duration::from_mins(10);
/// The time for which tasks that were started may not be listed yet
/// (`ListTasks` was seen empty almost two seconds after a start).
const LISTED_AFTER: Duration = Duration::from_secs(30);
/// The pause before tasks are looked for again that may not be listed yet.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// The message that stops tasks whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename = "timeout", rename_all = "camelCase")]
pub struct TimeLimit {
    /// The account's name in the configuration.
    pub account: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// The `startedBy` that the tasks have, and no others.
    pub started_by: String,
    /// The limit in seconds.
    pub seconds: u32,
    /// The milliseconds since 1970 at which the tasks were started.
    pub begun_at: u64,
    /// The name of who asked for it.
    pub caller: String,
    /// The id of the request that asked for it; it is in every line of the log.
    pub correlation_id: String,
}

/// The queue that keeps time limits, and the time of day.
#[derive(Debug, Clone, Copy)]
pub struct TimeKeeper<'k> {
    /// The stack's queue.
    pub queue: &'k Queue,
    /// The time of day.
    pub clock: &'k Clock,
}

/// The findings of a message that has come back.
#[derive(Debug)]
pub enum Overdue {
    /// It is not time yet, or not all tasks may be listed yet: it comes again after this.
    NotYet(Duration),
    /// These tasks were told to stop; none, if all had ended.
    Stopped(Vec<Arn>),
}

/// Returns the `startedBy` of tasks with a time limit: at most 128 letters, digits, `-`, `_` and `/`
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>). The same token, with which ECS answers
/// the same tasks, gives the same.
pub fn started_by(token: &str) -> String {
    format!(
        "ecs-api/{}",
        short_digest(&[b"started-by", token.as_bytes()])
    )
}

impl TimeLimit {
    /// Puts the limit onto the queue, from now on.
    ///
    /// # Errors
    /// [`Error`] if the queue does not take it: then nothing may be started.
    pub async fn begin(self, keeper: TimeKeeper<'_>) -> Result<(), Error> {
        let now_ms = keeper.clock.now_ms();
        let limit = Self {
            begun_at: now_ms,
            ..self
        };
        let text = serde_json::to_string(&limit).unwrap_or_default();
        keeper.queue.send(&text, limit.delay(now_ms)).await
    }

    /// Returns the time until the limit is over, as far as a message is delayed.
    fn delay(&self, now_ms: u64) -> Duration {
        let left_ms = self.ends_at().saturating_sub(now_ms);
        // SQS takes whole seconds.
        Duration::from_secs(left_ms.div_ceil(1000)).min(DELAY_MAX)
    }

    fn ends_at(&self) -> u64 {
        self.begun_at + milliseconds(Duration::from_secs(self.seconds.into()))
    }

    /// Stops the tasks that still run, once their time is over.
    ///
    /// # Errors
    /// [`Cause`] if AWS refuses: it is tried again.
    pub async fn keep(
        &self,
        account: &Account,
        now_ms: u64,
        deadline: Deadline,
    ) -> Result<Overdue, Cause> {
        if now_ms < self.ends_at() {
            return Ok(Overdue::NotYet(self.delay(now_ms)));
        }
        let filter = TaskFilter {
            started_by: Some(self.started_by.clone()),
            ..TaskFilter::default()
        };
        let page = PageRequest::whole(deadline);
        let running = match ecs::list_tasks(account, &self.cluster, filter, page).await {
            Ok(listed) => listed.entries,
            // Without its cluster there is no task either.
            Err(error) if error.kind == Kind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        self.stop(account, &running).await?;
        // Others of them may not be listed yet.
        if now_ms < self.begun_at + milliseconds(LISTED_AFTER) {
            return Ok(Overdue::NotYet(LOOK_AGAIN_AFTER));
        }
        Ok(Overdue::Stopped(running))
    }

    /// Stops tasks. A refusal of one keeps no other from being stopped.
    async fn stop(&self, account: &Account, arns: &[Arn]) -> Result<(), Cause> {
        let region = account.account_region();
        let reason = format!(
            "ecs-api: it took longer than the {} seconds of its `timeoutSeconds`",
            self.seconds
        );
        let nonsense = || account.lacking("ecs:ListTasks", "taskArns");
        let cluster = &self.cluster;
        let stops = arns.iter().map(async |arn| {
            let task = TaskId::parse(arn.as_str(), &region, cluster).map_err(|_| nonsense())?;
            match ecs::stop_task(account, cluster, &task, Some(reason.clone())).await {
                Err(error) if error.kind != Kind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        let stopped: Result<(), Error> = join_all(stops).await.into_iter().collect();
        Ok(stopped?)
    }
}
