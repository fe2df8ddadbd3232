//! The time that tasks take to start and stop, and services to drain, also where the AWS behind is done at once.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Exchange;
use crate::answer::Refusal;
use crate::value::{extend, last, list, text};

/// A service that was deleted.
#[derive(Debug, Clone)]
pub(super) struct Drain {
    /// The time from which it is INACTIVE.
    over_at: Instant,
}

/// The life of a task, as far as it differs from what the AWS behind says.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) cluster: String,
    /// The name of the service that it belongs to.
    pub(super) service: Option<String>,
    pub(super) started_at: Instant,
    /// The time at which it was told to stop, and the one from which it is STOPPED.
    pub(super) stop: Option<(Instant, Instant)>,
    /// Its status of before, as long as it stops.
    last_status: String,
    /// The instances that it has in Cloud Map: the registry's id and how it is listed there.
    pub(super) instances: Vec<(String, Value)>,
}

impl Life {
    fn new(task: &Value) -> Self {
        Self {
            cluster: last(text(task, "clusterArn")).to_owned(),
            service: text(task, "group")
                .strip_prefix("service:")
                .map(str::to_owned),
            started_at: Instant::now(),
            stop: None,
            last_status: "RUNNING".to_owned(),
            instances: Vec::new(),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop
            .is_some_and(|(_, stopped_at)| Instant::now() < stopped_at)
    }

    /// Returns `true` if ECS's lists of a service forgot it (ecs/services #79, #80, #85).
    fn is_forgotten(&self, after: Duration) -> bool {
        self.service.is_some()
            && self
                .stop
                .is_some_and(|(_, stopped_at)| stopped_at + after <= Instant::now())
    }
}

impl Exchange<'_> {
    /// Returns how many tasks of a cluster are told to stop and not STOPPED yet.
    pub(super) fn stopping_tasks(&self, cluster_arn: &str) -> u64 {
        let lives = self.state.lives.values();
        let stopping = lives.filter(|life| life.cluster == last(cluster_arn) && life.is_stopping());
        stopping.count() as u64
    }

    /// Returns how many tasks of a service are told to stop and not STOPPED yet.
    fn stopping_tasks_of(&self, cluster: &str, service: &str) -> u64 {
        let lives = self.state.lives.values();
        let stopping = lives.filter(|life| {
            life.cluster == cluster
                && life.service.as_deref() == Some(service)
                && life.is_stopping()
        });
        stopping.count() as u64
    }

    /// Notes that a task begins.
    pub(super) fn begin_life(&mut self, task: &Value) {
        let life = Life::new(task);
        let arn = text(task, "taskArn").to_owned();
        self.state.lives.entry(arn).or_insert(life);
    }

    /// Notes that a task is told to stop. `task` is as it was before.
    pub(super) fn end_life(&mut self, task: &Value, instances: Vec<(String, Value)>) {
        let now = Instant::now();
        let stopped_at = now + self.circumstances.stops_after;
        let mut shown = task.clone();
        self.age(&mut shown);
        let fresh = Life::new(task);
        let arn = text(task, "taskArn").to_owned();
        let life = self.state.lives.entry(arn).or_insert(fresh);
        if life.stop.is_none() {
            life.stop = Some((now, stopped_at));
            text(&shown, "lastStatus").clone_into(&mut life.last_status);
            life.instances = instances;
        }
    }

    /// Shows a task as old as it is.
    pub(super) fn age(&self, task: &mut Value) {
        let Some(life) = self.state.lives.get(text(task, "taskArn")) else {
            return;
        };
        if life.is_stopping() {
            extend(
                task,
                json!({"lastStatus": life.last_status, "desiredStatus": "STOPPED"}),
            );
            for member in ["stoppedAt", "executionStoppedAt"] {
                crate::value::remove(task, member);
            }
        } else if life.stop.is_none() {
            let age = life.started_at.elapsed();
            let runs_after = self.circumstances.runs_after;
            let status = if age >= runs_after {
                return;
            } else if age >= runs_after / 2 {
                "PENDING"
            } else {
                "PROVISIONING"
            };
            task["lastStatus"] = status.into();
            crate::value::remove(task, "startedAt");
        }
    }

    /// Returns `true` if DescribeTasks does not know a task yet (<https://github.com/boto/boto3/issues/3393>: for a
    /// second or three).
    pub(super) fn is_unknown_yet(&self, arn: &str) -> bool {
        let life = self.state.lives.get(arn);
        life.is_some_and(|life| life.started_at.elapsed() < self.circumstances.missing_for)
    }

    /// Returns `true` if ListTasks, asked by its service, does not tell of a task any more.
    pub(super) fn is_forgotten(&self, arn: &str) -> bool {
        let life = self.state.lives.get(arn);
        life.is_some_and(|life| life.is_forgotten(self.circumstances.lists_stopped_for))
    }

    /// Notes that a service was deleted, after its tasks were told to stop.
    pub(super) fn begin_drain(&mut self, arn: &str, has_tasks: bool) {
        let tasks = if has_tasks {
            self.circumstances.stops_after
        } else {
            Duration::ZERO
        };
        let over_at = Instant::now() + tasks + self.circumstances.drains_on;
        self.state.drains.insert(arn.to_owned(), Drain { over_at });
    }

    /// Returns `true` if a service is DRAINING.
    pub(super) fn is_draining(&self, arn: &str) -> bool {
        let drain = self.state.drains.get(arn);
        drain.is_some_and(|drain| Instant::now() < drain.over_at)
    }

    /// Shows a service as far as it is: DRAINING for longer than its tasks take (ecs/services #156-#194).
    pub(super) fn drain(&self, service: &mut Value) {
        let arn = text(service, "serviceArn").to_owned();
        if text(service, "status") == "INACTIVE" && self.is_draining(&arn) {
            service["status"] = "DRAINING".into();
        }
        let cluster = last(text(service, "clusterArn")).to_owned();
        let stopping = self.stopping_tasks_of(&cluster, text(service, "serviceName"));
        if stopping > 0 {
            let running = service["runningCount"].as_u64().unwrap_or_default();
            service["runningCount"] = (running + stopping).into();
        }
    }

    /// Describes the tasks of a service that are not STOPPED.
    pub(super) async fn tasks_of(
        &self,
        cluster: &str,
        service: &str,
    ) -> Result<Vec<Value>, Refusal> {
        let input = json!({"cluster": cluster, "serviceName": service});
        let listed = self.ask("ecs:ListTasks", &input).await?;
        let arns = list(&listed, "taskArns");
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let input = json!({"cluster": cluster, "tasks": arns});
        let tasks = self.ask("ecs:DescribeTasks", &input).await?;
        Ok(list(&tasks, "tasks").to_vec())
    }
}
