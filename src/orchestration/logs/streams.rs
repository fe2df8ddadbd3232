//! The streams that the containers of task definitions log to.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_ecs::types::{ContainerDefinition, LogConfiguration, LogDriver};

use super::{Cause, NoLog, check_fence};
use crate::aws::Account;
use crate::aws::revisions::Revision;
use crate::digest::short_number;
use crate::ids::{ClusterName, TaskId};

/// The most places of one log. Older definitions are left out.
const SOURCES_MAX: usize = 20;

/// The place at which the log of a container is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// The region that holds the group.
    pub region: String,
    /// The group's name.
    pub group: String,
    /// The beginning of its streams' names, as far as the task's id: `prefix/container/`
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>).
    pub prefix: String,
}

impl LogPlace {
    /// Finds the place of a container's log. Only where its options say nothing does the original's convention hold: the
    /// cluster's group, and the service's name as prefix.
    ///
    /// # Errors
    /// The driver, if the log goes elsewhere; that of CloudWatch Logs, if nothing tells the prefix.
    pub(in crate::orchestration) fn of(
        container: &ContainerDefinition,
        cluster: &ClusterName,
        service: Option<&str>,
        account: &Account,
    ) -> Result<Self, LogDriver> {
        let config = container.log_configuration();
        let driver = config.map_or(&LogDriver::Awslogs, LogConfiguration::log_driver);
        if *driver != LogDriver::Awslogs {
            return Err(driver.clone());
        }
        let options = config.and_then(LogConfiguration::options);
        let option = |name| options.and_then(|options| options.get(name)).cloned();
        let prefix = option("awslogs-stream-prefix").or_else(|| service.map(str::to_owned));
        let prefix = prefix.ok_or_else(|| driver.clone())?;
        Ok(Self {
            region: option("awslogs-region").unwrap_or_else(|| account.settings.region.clone()),
            group: option("awslogs-group").unwrap_or_else(|| cluster.to_string()),
            prefix: format!("{prefix}/{}/", container.name().unwrap_or_default()),
        })
    }
}

/// Streams that are searched together: those of one container.
#[derive(Debug, Clone)]
pub struct LogSource {
    /// The place of the container's log.
    pub place: LogPlace,
    /// The only task whose log it is; `None` for all.
    pub task: Option<TaskId>,
    /// The container's name.
    pub container: String,
}

impl LogSource {
    /// Returns a digest of what is searched.
    pub fn digest(&self) -> u64 {
        self.digest_of(&self.stream_prefix())
    }

    /// Returns the beginning of the streams' names. Ids of tasks are of one length, so that none begins another.
    pub fn stream_prefix(&self) -> String {
        let task = self.task.as_ref().map_or("", TaskId::as_str);
        format!("{}{task}", self.place.prefix)
    }

    /// Returns a digest of one of its streams.
    pub fn digest_of(&self, stream: &str) -> u64 {
        let LogPlace { region, group, .. } = &self.place;
        short_number(&[region.as_bytes(), group.as_bytes(), stream.as_bytes()])
    }

    /// Returns the task of a stream; `None` if the stream is of another container, whose prefix begins with this one.
    pub fn task_of<'s>(&self, stream: &'s str) -> Option<&'s str> {
        let task = stream.strip_prefix(&self.place.prefix)?;
        (!task.contains('/')).then_some(task)
    }
}

/// A container that does not log to CloudWatch Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The container's name.
    pub container: String,
    /// The driver that its log goes to; `None` if its definition names none.
    pub driver: Option<LogDriver>,
}

/// The places at which the containers of task definitions log.
#[derive(Debug, Default)]
pub struct Sources {
    /// Those of CloudWatch Logs that may be read.
    pub sources: Vec<LogSource>,
    /// The containers that log elsewhere.
    pub elsewhere: Vec<Elsewhere>,
}

/// A choice of containers.
#[derive(Debug, Clone, Copy)]
pub struct ContainerFilter<'f> {
    /// The cluster.
    pub cluster: &'f ClusterName,
    /// The service, whose name stands for a prefix that is not given.
    pub service: Option<&'f str>,
    /// The only task.
    pub task: Option<&'f TaskId>,
    /// The only container.
    pub container: Option<&'f str>,
}

impl Sources {
    /// Finds the places of revisions, the newest first.
    ///
    /// # Errors
    /// [`NoLog::UnknownContainer`] if none has the only container;
    /// [`ForbiddenLog`](super::ForbiddenLog) if a place may not be read.
    pub fn of(
        account: &Account,
        revisions: &[Arc<Revision>],
        filter: ContainerFilter<'_>,
    ) -> Result<Self, Cause> {
        let mut found = BTreeSet::new();
        let mut sources = Self::default();
        let containers = revisions
            .iter()
            .flat_map(|revision| revision.definition.container_definitions())
            .filter(|container| filter.takes(container));
        let mut is_any = false;
        for container in containers {
            is_any = true;
            let name = container.name().unwrap_or_default();
            match filter.place_of(container, account) {
                Ok(place) => {
                    check_fence(&account.settings, &place.region, &place.group)?;
                    let source = LogSource {
                        place: place.clone(),
                        task: filter.task.cloned(),
                        container: name.to_owned(),
                    };
                    if found.insert(place) && found.len() <= SOURCES_MAX {
                        sources.sources.push(source);
                    }
                }
                Err(elsewhere) if !sources.elsewhere.contains(&elsewhere) => {
                    sources.elsewhere.push(elsewhere);
                }
                Err(_) => {}
            }
        }
        match (filter.container, revisions.first()) {
            (Some(container), Some(newest)) if !is_any => {
                Err(NoLog::unknown_container(&newest.definition, container).into())
            }
            _ => Ok(sources),
        }
    }
}

impl ContainerFilter<'_> {
    fn takes(&self, container: &ContainerDefinition) -> bool {
        self.container
            .is_none_or(|only| container.name() == Some(only))
    }

    /// Finds the place of a container's log. Of one that names no log configuration nothing comes to CloudWatch Logs.
    fn place_of(
        &self,
        container: &ContainerDefinition,
        account: &Account,
    ) -> Result<LogPlace, Elsewhere> {
        let elsewhere = |driver| Elsewhere {
            container: container.name().unwrap_or_default().to_owned(),
            driver,
        };
        if container.log_configuration().is_none() {
            return Err(elsewhere(None));
        }
        LogPlace::of(container, self.cluster, self.service, account)
            .map_err(|driver| elsewhere(Some(driver)))
    }
}
