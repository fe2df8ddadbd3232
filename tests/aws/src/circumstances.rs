//! The circumstances of an account and of its AWS, which a test chooses.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deployments::Course;

/// The time that deployments take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentTimes {
    /// The time from the call that asks for a deployment to its being named.
    pub named_after: Duration,
    /// The time from each thing that happens to the next.
    pub step: Duration,
}

impl Default for DeploymentTimes {
    fn default() -> Self {
        Self {
            // Absent after 1.4 s, there after 3.3 s [ecs/services #48, #50].
            named_after: Duration::from_secs(2),
            // COMPLETED 13 to 20 s after the create [ecs/services #88, ecs/service_revisions].
            step: Duration::from_secs(4),
        }
    }
}

/// The circumstances of an account. Those of a new one are the most ordinary ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a circumstance of its own"
)]
pub struct Circumstances {
    /// The roles that may be passed to ECS; `None` for all of this account. A pattern may end in `*`.
    pub passable_roles: Option<Vec<String>>,
    /// Roles that ECS can't assume: their trust policy does not let it, or they are too young.
    pub unassumable_roles: Vec<String>,
    /// Roles that there are not.
    pub missing_roles: Vec<String>,
    /// The actions that no policy allows a role, each beside the role's ARN, as IAM's simulator tells.
    pub lacking_permissions: Vec<(String, String)>,
    /// The actions that a policy forbids a role, as above.
    pub forbidden_permissions: Vec<(String, String)>,
    /// The most decisions of a page of IAM's simulator, which may be fewer than are asked for.
    pub simulated_page_max: usize,
    /// External ids that roles ask for, by the role's ARN.
    pub external_ids: Vec<(String, String)>,
    /// Services and tasks have the long form of ARNs, without which they can't be tagged.
    pub has_long_arns: bool,
    /// Services, by name, that Express Mode made.
    pub express_services: Vec<String>,
    /// Clusters, by name, with capacity providers of their own.
    pub clusters_with_own_capacity: Vec<String>,
    /// Clusters, by name, with daemons.
    pub clusters_with_daemons: Vec<String>,
    /// Namespaces, by id, that another account shares.
    pub shared_namespaces: Vec<String>,
    /// A registry that is made again gets its id of before.
    pub reuses_registry_ids: bool,
    /// ECS forgets to deregister the instances of stopped tasks.
    pub keeps_instances: bool,
    /// The time for which DescribeTasks says MISSING after RunTask.
    pub missing_for: Duration,
    /// The time from the start of a task to its RUNNING.
    pub runs_after: Duration,
    /// The time from the stop of a task to its STOPPED.
    pub stops_after: Duration,
    /// The time for which a service is DRAINING after its last task is STOPPED.
    pub drains_on: Duration,
    /// The time for which ListTasks of a service shows a task after it STOPPED.
    pub lists_stopped_for: Duration,
    /// The courses of the deployments that begin from now on, by the service's name. Others succeed, but for an image
    /// of the tag `broken`, which no registry has.
    pub courses: BTreeMap<String, Course>,
    /// The time that deployments take.
    pub deployments: DeploymentTimes,
    /// The time from the write of a log event to its being seen.
    pub log_lag: Duration,
    /// FilterLogEvents shows some events at once, some after the whole of that time, and some in between.
    pub has_uneven_log_lag: bool,
    /// The most events of a page of FilterLogEvents, which need not be full.
    pub log_page_max: usize,
    /// Each second page of GetLogEvents and FilterLogEvents is empty although more events follow.
    pub has_empty_log_pages: bool,
    /// The forward token of GetLogEvents is another one each time, as that of a stream that is written to.
    pub has_live_logs: bool,
}

impl Default for Circumstances {
    fn default() -> Self {
        Self {
            passable_roles: None,
            unassumable_roles: Vec::new(),
            missing_roles: Vec::new(),
            lacking_permissions: Vec::new(),
            forbidden_permissions: Vec::new(),
            simulated_page_max: usize::MAX,
            external_ids: Vec::new(),
            has_long_arns: true,
            express_services: Vec::new(),
            clusters_with_own_capacity: Vec::new(),
            clusters_with_daemons: Vec::new(),
            shared_namespaces: Vec::new(),
            reuses_registry_ids: false,
            keeps_instances: false,
            missing_for: Duration::ZERO,
            runs_after: Duration::ZERO,
            stops_after: Duration::ZERO,
            // Some seconds, also without tasks [ecs/services].
            drains_on: Duration::from_secs(3),
            // 30 s to 5 min [ecs/services #79, #80, #85].
            lists_stopped_for: Duration::from_secs(30),
            courses: BTreeMap::new(),
            deployments: DeploymentTimes::default(),
            log_lag: Duration::ZERO,
            has_uneven_log_lag: false,
            log_page_max: usize::MAX,
            has_empty_log_pages: false,
            has_live_logs: false,
        }
    }
}
