//! The permissions that the API needs in an account, each with the resource that it is needed for.
//!
//! A test holds them against the template of the member's role, whose actions another derives from the code.

use super::Group;
use crate::aws::Account;
use crate::aws::iam::{ContextKind, ContextValue};
use crate::ids::partition;
use crate::orchestration::parts::log_group;

/// The operation that every simulation is.
pub(super) const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// The actions of readiness itself, without which it knows less.
pub const OWN_ACTIONS: [&str; 2] = [SIMULATE, "ecs:ListAccountSettings"];

/// The values of the keys that the member's policies ask for, as requests have them that the API makes: for Fargate, not
/// privileged, a role for tasks, records that are deleted, a group of its own.
///
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>,
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonroute53.html>.
pub(super) const CONTEXT: [ContextValue; 6] = [
    context("ecs:compute-compatibility", ContextKind::List, "FARGATE"),
    context("ecs:privileged", ContextKind::Text, "false"),
    context(
        "iam:PassedToService",
        ContextKind::Text,
        "ecs-tasks.amazonaws.com",
    ),
    context("iam:AWSServiceName", ContextKind::Text, "ecs.amazonaws.com"),
    context(
        "route53:ChangeResourceRecordSetsActions",
        ContextKind::List,
        "DELETE",
    ),
    context(
        "aws:ResourceTag/ecs-api:request-id",
        ContextKind::Text,
        "readiness/0",
    ),
];

const fn context(key: &'static str, kind: ContextKind, value: &'static str) -> ContextValue {
    ContextValue { key, kind, value }
}

/// Permissions of one purpose.
#[derive(Debug)]
pub(super) struct Permissions {
    /// The name of their check.
    pub name: &'static str,
    /// The purpose, as the end of a sentence.
    pub purpose: &'static str,
    /// The actions.
    pub actions: &'static [&'static str],
    /// The condition under which it is enough to allow them, as JSON; empty for none.
    pub condition: &'static str,
    /// A create fails without them.
    pub is_needed: bool,
}

/// Permissions that IAM is asked about by one call, since they are for one resource.
#[derive(Debug)]
pub(super) struct Simulation {
    /// The resource.
    pub on: On,
    /// The permissions.
    pub groups: &'static [Permissions],
}

/// A resource that permissions are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    /// Any: callers choose the names.
    Everything,
    /// The account's log group.
    LogGroup,
    /// The streams of the account's log group, or else of those that may be read.
    LogStreams,
    /// The execution role of the configuration.
    ExecutionRole,
    /// The role that ECS makes for itself.
    ServiceLinkedRole,
    /// The zones of the account's namespaces.
    Zones,
    /// The health checks of instances.
    HealthChecks,
}

/// A resource as IAM is asked about it.
#[derive(Debug)]
pub(super) struct Target {
    pub arn: String,
    /// It stands for many, of which the account's owner may have allowed some.
    pub is_pattern: bool,
}

/// Everything that IAM is asked about.
pub(super) const SIMULATIONS: &[Simulation] = &[
    Simulation {
        on: On::Everything,
        groups: &[ECS, TAGGING, CLOUD_MAP, LOG_GROUPS_ARE_SEEN],
    },
    Simulation {
        on: On::ExecutionRole,
        groups: &[PASS_ROLE],
    },
    Simulation {
        on: On::ServiceLinkedRole,
        groups: &[FIRST_USE],
    },
    Simulation {
        on: On::LogGroup,
        groups: &[LOG_GROUPS, OWN_LOG_GROUPS],
    },
    Simulation {
        on: On::LogStreams,
        groups: &[LOGS],
    },
    Simulation {
        on: On::Zones,
        groups: &[RECORDS, ZONES],
    },
    Simulation {
        on: On::HealthChecks,
        groups: &[HEALTH_CHECKS],
    },
];

const ECS: Permissions = Permissions {
    name: "EcsPermissions",
    purpose: "to work with clusters, services, tasks and task definitions",
    actions: &[
        "ecs:ContinueServiceDeployment",
        "ecs:CreateCluster",
        "ecs:CreateService",
        "ecs:DeleteCluster",
        "ecs:DeleteExpressGatewayService",
        "ecs:DeleteService",
        "ecs:DeleteTaskDefinitions",
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeClusters",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "ecs:ListServiceDeployments",
        "ecs:ListServices",
        "ecs:ListTaskDefinitionFamilies",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        "ecs:StopServiceDeployment",
        "ecs:StopTask",
        "ecs:UpdateService",
    ],
    condition: "",
    is_needed: true,
};

const TAGGING: Permissions = Permissions {
    name: "Tagging",
    purpose: "to tag what is made: ECS and Cloud Map refuse to make it otherwise",
    actions: &[
        "ecs:TagResource",
        "ecs:UntagResource",
        "servicediscovery:TagResource",
    ],
    condition: "",
    is_needed: true,
};

const CLOUD_MAP: Permissions = Permissions {
    name: "CloudMapPermissions",
    purpose: "to work with registries",
    actions: &[
        "servicediscovery:CreateService",
        "servicediscovery:DeleteService",
        "servicediscovery:DeregisterInstance",
        "servicediscovery:GetNamespace",
        "servicediscovery:GetService",
        "servicediscovery:ListInstances",
        "servicediscovery:ListNamespaces",
        "servicediscovery:ListServices",
        "servicediscovery:ListTagsForResource",
    ],
    condition: "",
    is_needed: true,
};

const LOG_GROUPS_ARE_SEEN: Permissions = Permissions {
    name: "LogGroupsAreSeen",
    purpose: "to see whether a log group is there",
    actions: &["logs:DescribeLogGroups"],
    condition: "",
    is_needed: true,
};

const PASS_ROLE: Permissions = Permissions {
    name: "PassExecutionRole",
    purpose: "to give tasks their execution role",
    actions: &["iam:PassRole"],
    condition: r#"{"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}"#,
    is_needed: true,
};

const FIRST_USE: Permissions = Permissions {
    name: "ServiceLinkedRole",
    purpose: "to let ECS make its own role, where the account has not used ECS before",
    actions: &["iam:CreateServiceLinkedRole"],
    condition: r#"{"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}}"#,
    is_needed: true,
};

const LOG_GROUPS: Permissions = Permissions {
    name: "LogGroupPermissions",
    purpose: "to make the log group of containers that name none",
    actions: &[
        "logs:CreateLogGroup",
        "logs:DescribeLogStreams",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
    ],
    condition: "",
    is_needed: true,
};

const OWN_LOG_GROUPS: Permissions = Permissions {
    name: "LogGroupUndo",
    purpose: "to take back the log group of a create that failed",
    actions: &["logs:DeleteLogGroup"],
    condition: r#"{"Null": {"aws:ResourceTag/ecs-api:request-id": "false"}}"#,
    is_needed: true,
};

const LOGS: Permissions = Permissions {
    name: "LogPermissions",
    purpose: "to read logs",
    actions: &["logs:FilterLogEvents", "logs:GetLogEvents"],
    condition: "",
    is_needed: false,
};

const RECORDS: Permissions = Permissions {
    name: "RecordPermissions",
    purpose: "to delete the DNS records of tasks with their registry",
    actions: &["route53:ChangeResourceRecordSets"],
    condition: r#"{"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsActions": ["DELETE"]}, "Null": {"route53:ChangeResourceRecordSetsActions": "false"}}"#,
    is_needed: false,
};

const ZONES: Permissions = Permissions {
    name: "ZonePermissions",
    purpose: "to see the zones of these records",
    actions: &["route53:GetHostedZone"],
    condition: "",
    is_needed: false,
};

const HEALTH_CHECKS: Permissions = Permissions {
    name: "HealthCheckPermissions",
    purpose: "to delete the health checks of tasks with their registry",
    actions: &[
        "route53:DeleteHealthCheck",
        "route53:GetHealthCheck",
        "route53:UpdateHealthCheck",
    ],
    condition: "",
    is_needed: false,
};

/// Returns every action that readiness asks IAM about.
pub fn actions() -> impl Iterator<Item = &'static str> {
    let groups = SIMULATIONS.iter().flat_map(|simulation| simulation.groups);
    groups.flat_map(|group| group.actions).copied()
}

impl On {
    /// Returns the resource in the account; `None` if the configuration names none.
    pub fn target(self, account: &Account, group: Option<&Group>) -> Option<Target> {
        let at = account.account_region();
        let partition = partition(&at.region);
        let whole = |arn: String| Target {
            arn,
            is_pattern: false,
        };
        let pattern = |arn: String| Target {
            arn,
            is_pattern: true,
        };
        let of_group = |group: &Group, rest: &str| Target {
            arn: format!("{}{rest}", log_group::arn_of(account, &group.name)),
            is_pattern: group.is_example,
        };
        Some(match self {
            Self::Everything => whole("*".to_owned()),
            Self::LogGroup => of_group(group?, ""),
            Self::LogStreams => group.map_or_else(
                || readable_streams(account),
                |group| Some(of_group(group, ":log-stream:*")),
            )?,
            Self::ExecutionRole => {
                let role = account.settings.default_execution_role_arn.as_ref()?;
                whole(role.as_str().to_owned())
            }
            Self::ServiceLinkedRole => {
                let id = &at.account_id;
                whole(format!(
                    "arn:{partition}:iam::{id}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
                ))
            }
            Self::Zones => pattern(format!("arn:{partition}:route53:::hostedzone/*")),
            Self::HealthChecks => pattern(format!("arn:{partition}:route53:::healthcheck/*")),
        })
    }
}

/// Returns the streams that the configuration lets callers read, of its first pattern, if it lets them read any.
fn readable_streams(account: &Account) -> Option<Target> {
    let readable = account.settings.log_groups.first()?;
    let at = account.account_region();
    let partition = partition(&at.region);
    let (region, id) = (&at.region, &at.account_id);
    Some(Target {
        arn: format!("arn:{partition}:logs:{region}:{id}:log-group:{readable}:log-stream:*"),
        is_pattern: readable.contains('*'),
    })
}
