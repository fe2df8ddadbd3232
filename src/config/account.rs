//! An account of the configuration, and what may be read in it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::ids::RoleArn;
use crate::pattern;

/// One AWS account and what it brings to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The role that is assumed in the account.
    pub role_arn: RoleArn,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The region of every call.
    pub region: String,
    /// Subnets of services and tasks that name none.
    pub default_subnets: Vec<String>,
    /// Security groups of services and tasks that name none.
    pub default_sgs: Vec<String>,
    /// Execution role of task definitions that name none.
    pub default_execution_role_arn: Option<RoleArn>,
    /// Tags of everything that is made in the account.
    pub tags: BTreeMap<String, String>,
    /// The log group of containers that say nothing of it.
    pub logs: Option<DefaultLogs>,
    /// The regions beside [`region`](Self::region) whose logs may be read.
    pub log_regions: Vec<String>,
    /// Patterns of the log groups that may be read. Without any, none may be.
    pub log_groups: Vec<String>,
}

/// The log group of containers that say nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefaultLogs {
    /// The group's name, in which `{cluster}` stands for the cluster's and `{service}` for the service's.
    pub group: String,
    /// The days that its events are kept. Without it, for ever.
    pub retention_in_days: Option<i32>,
}

/// The texts that stand for something in the name of [`DefaultLogs`].
pub(super) const CLUSTER: &str = "{cluster}";
pub(super) const SERVICE: &str = "{service}";

impl DefaultLogs {
    /// Returns the name of the group that a service's containers log to.
    pub fn group_of(&self, cluster: &str, service: &str) -> String {
        self.group
            .replace(CLUSTER, cluster)
            .replace(SERVICE, service)
    }
}

impl Account {
    /// Returns the regions whose logs may be read, the account's own first.
    pub fn readable_regions(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.region).chain(&self.log_regions)
    }

    /// Returns `true` if logs in this region may be read.
    pub fn reads_logs_in(&self, region: &str) -> bool {
        self.readable_regions().any(|readable| readable == region)
    }

    /// Returns `true` if this log group may be read.
    pub fn reads_log_group(&self, group: &str) -> bool {
        let mut patterns = self.log_groups.iter();
        patterns.any(|allowed| pattern::matches(allowed, group))
    }
}

impl fmt::Debug for Account {
    /// Leaves the external id out: it is shared with the account's owner alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("role_arn", &self.role_arn)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
