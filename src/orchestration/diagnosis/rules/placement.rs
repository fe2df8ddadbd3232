//! Tasks for which there is no place: capacity, quotas, subnets, security groups.
//!
//! Words: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>,
//! <https://github.com/sil-org/ecs-deploy/issues/277> (capacity), <https://github.com/wellcomecollection/platform/issues/3875> (quota),
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html> (subnets, groups, interfaces), and
//! <https://github.com/paradisec-archive/nabu/pull/1259> (no free addresses).

use super::{OF_TASKS, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "NoCapacity",
        severity: Severity::Cause,
        summary: "AWS has no capacity for such a task at the moment.",
        fix: "Name subnets of more Availability Zones. For FARGATE_SPOT put FARGATE beside it in the capacity provider strategy.",
        reads: OF_TASKS,
        words: &[
            &["capacity is unavailable"],
            &["insufficient capacity"],
            &["no spot capacity"],
        ],
    },
    Rule {
        code: "QuotaReached",
        severity: Severity::Cause,
        summary: "The account may not run more, or nothing so large, in this region.",
        fix: "Ask for a higher quota in Service Quotas (Fargate: vCPUs on demand, vCPUs of Spot), or stop something else.",
        reads: OF_TASKS,
        words: &[
            &["reached the limit on the number of"],
            &["configuration is above your limit"],
            &["networkinterfacelimitexceeded"],
            &["vcpulimitexceeded"],
        ],
    },
    Rule {
        code: "SubnetFull",
        severity: Severity::Cause,
        summary: "The subnet has no free address for the task.",
        fix: "Name another subnet, or a larger one: each task takes an address of its own.",
        reads: OF_TASKS,
        words: &[
            &["insufficientfreeaddressesinsubnet"],
            &["does not have enough free addresses"],
        ],
    },
    Rule {
        code: "SubnetNotFound",
        severity: Severity::Cause,
        summary: "A subnet of the network configuration is not there.",
        fix: "Change `networkConfiguration` to subnets that are there, in this account and region.",
        reads: OF_TASKS,
        words: &[
            &["invalidsubnetid.notfound"],
            &["subnet id", "does not exist"],
        ],
    },
    Rule {
        code: "SecurityGroupNotFound",
        severity: Severity::Cause,
        summary: "A security group of the network configuration is not there, or is of another VPC than the subnets.",
        fix: "Change `networkConfiguration` to security groups of the subnets' VPC.",
        reads: OF_TASKS,
        words: &[
            &["invalidgroup.notfound"],
            &["invalidsecuritygroupid.notfound"],
            &["security group", "does not exist"],
            &["security group", "different networks"],
            &["security group", "not the same vpc"],
        ],
    },
    Rule {
        code: "NetworkInterfaceNotReady",
        severity: Severity::Cause,
        summary: "The task's network interface was not ready in time.",
        fix: "Mostly it passes. If it does not: an SCP or a missing service-linked role keeps ECS from creating interfaces.",
        reads: OF_TASKS,
        words: &[
            &["network interface provisioning"],
            &["while attempting to create network interface"],
            &["unable to create", "network interface"],
        ],
    },
    Rule {
        code: "ZoneNotSupported",
        severity: Severity::Cause,
        summary: "ECS fails inside: the subnet's Availability Zone may have no Fargate.",
        fix: "Name subnets of other Availability Zones; AWS lists those that have Fargate.",
        reads: OF_TASKS,
        words: &[&["unable to place a task", "internal error"]],
    },
    Rule {
        code: "PlatformNotSupported",
        severity: Severity::Cause,
        summary: "The platform does not take such a task.",
        fix: "Correct `cpu` and `memory` to a pair of Fargate's, or the platform version.",
        reads: OF_TASKS,
        words: &[
            &["unable to place a task", "no fargate configuration exists"],
            &["unable to place a task", "platform version"],
        ],
    },
    Rule {
        code: "NoContainerInstance",
        severity: Severity::Cause,
        summary: "No instance of the cluster can take the task.",
        fix: "Add instances that fit, or run it on Fargate: `launchType` FARGATE, or a capacity provider of Fargate.",
        reads: OF_TASKS,
        words: &[
            &["no container instances were found"],
            &["no container instance met all of its requirements"],
        ],
    },
    Rule {
        code: "EcsNotAllowed",
        severity: Severity::Cause,
        summary: "ECS itself lacks a permission that it needs for the service.",
        fix: "Check the service-linked role `AWSServiceRoleForECS`, or the infrastructure role, and the organisation's SCPs.",
        reads: OF_TASKS,
        words: &[
            &["unable to assume the service linked role"],
            &["ecs-service-scheduler is not authorized"],
            &["awsserviceroleforecs", "not authorized"],
        ],
    },
    Rule {
        code: "TaskDefinitionInactive",
        severity: Severity::Cause,
        summary: "The service's task definition is not ACTIVE any more.",
        fix: "Deploy a revision that is ACTIVE.",
        reads: OF_TASKS,
        words: &[
            &["taskdefinition is inactive"],
            &["task definition", "inactive"],
        ],
    },
    Rule {
        code: "EcsThrottled",
        severity: Severity::Note,
        summary: "ECS is throttled by AWS in this account, and tries again by itself.",
        fix: "Wait. If it stays, look for who else in the account calls AWS that often.",
        reads: OF_TASKS,
        words: &[&["operations are being throttled"], &["rate exceeded"]],
    },
];
