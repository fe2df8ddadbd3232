//! Containers that start and end, or that are taken for unhealthy.
//!
//! Words: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/out-of-memory.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cannot-start-container.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-unhealthy-event-messages.html>,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>,
//! <https://repost.aws/knowledge-center/ecs-task-stopped> (exit codes).

use super::{Kind, OF_TASKS, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "OutOfMemory",
        severity: Severity::Cause,
        summary: "A container used more memory than it has, and was killed.",
        fix: "Give the task and, if it has one, the container more `memory`, or use less.",
        reads: OF_TASKS,
        words: &[&["outofmemory"], &["killed due to memory usage"]],
    },
    Rule {
        code: "CommandNotFound",
        severity: Severity::Cause,
        summary: "The container's command is not in its image, or can't be executed.",
        fix: "Check `entryPoint` and `command` of the container, and that the file is executable and its interpreter there.",
        reads: &[Kind::Task, Kind::Container, Kind::Event, Kind::Exit],
        words: &[
            &["executable file not found"],
            &["cannotstartcontainer", "no such file or directory"],
            &["cannotstartcontainer", "permission denied"],
            &["exit code 126"],
            &["exit code 127"],
        ],
    },
    Rule {
        code: "ContainerNotStarted",
        severity: Severity::Cause,
        summary: "A container could not be started.",
        fix: "The words of the container's runtime are in the evidence. Try the image with the same command elsewhere.",
        reads: OF_TASKS,
        words: &[
            &["cannotstartcontainererror"],
            &["containerruntimeerror"],
            &["cannotcreatecontainererror"],
        ],
    },
    Rule {
        code: "ContainerTimedOut",
        severity: Severity::Cause,
        summary: "A container did not come up, or go down, in the time that it had.",
        fix: "Look at what it waits for at its start, and at `startTimeout` and the containers that it depends on.",
        reads: OF_TASKS,
        words: &[
            &["containerruntimetimeouterror"],
            &["dockertimeouterror"],
            &["could not transition to running"],
        ],
    },
    Rule {
        code: "ContainerUnhealthy",
        severity: Severity::Cause,
        summary: "The container's own health check fails.",
        fix: "Run its `healthCheck.command` in the image: is the program that it calls in there (`curl` often is not)? Give a slow \
              start a `startPeriod`.",
        reads: OF_TASKS,
        words: &[&["failed container health checks"]],
    },
    Rule {
        code: "TargetGivesWrongCode",
        severity: Severity::Cause,
        summary: "The load balancer's health check gets another status than it expects.",
        fix: "Correct the path or the matcher of the target group's health check, or what the service answers there.",
        reads: OF_TASKS,
        words: &[&["health checks failed with these codes"]],
    },
    Rule {
        code: "TargetDoesNotAnswer",
        severity: Severity::Cause,
        summary: "The load balancer's health check gets no answer: most often the security group does not let it in.",
        fix: "Let the task's security group take the container's port from the load balancer's group. The process must listen on \
              `0.0.0.0` and on that port, and be quick enough.",
        reads: OF_TASKS,
        words: &[
            &["due to (reason request timed out"],
            &["unhealthy", "request timed out"],
        ],
    },
    Rule {
        code: "TargetZoneNotEnabled",
        severity: Severity::Cause,
        summary: "The task is in an Availability Zone that its load balancer does not serve.",
        fix: "Enable a subnet of that zone for the load balancer, or run the tasks in its zones.",
        reads: OF_TASKS,
        words: &[&["availability zone that is not enabled for the load balancer"]],
    },
    Rule {
        code: "TargetGroupUnused",
        severity: Severity::Cause,
        summary: "No listener of a load balancer sends anything to the target group.",
        fix: "Give the load balancer a listener, or a rule, that forwards to the target group.",
        reads: OF_TASKS,
        words: &[
            &["target group is not configured to receive traffic"],
            &["does not have an associated load balancer"],
        ],
    },
    Rule {
        code: "TargetNotRegistered",
        severity: Severity::Cause,
        summary: "ECS can't register the tasks with the target group.",
        fix: "The target group must be of the type `ip`, in the tasks' VPC, and there; ECS's role must be allowed to use it.",
        reads: OF_TASKS,
        words: &[
            &["failed to register targets"],
            &["unable to register targets"],
            &["not in the target group vpc"],
        ],
    },
    Rule {
        code: "TargetUnhealthy",
        severity: Severity::Cause,
        summary: "The load balancer's health check fails.",
        fix: "Check path, port and codes of the target group's health check, and that the security groups let it in. Give a slow start a \
              `healthCheckGracePeriodSeconds`.",
        reads: OF_TASKS,
        words: &[
            &["failed elb health checks"],
            &["is unhealthy in (target-group"],
            &["is unhealthy in target-group"],
            &["is unhealthy in (elb"],
        ],
    },
    Rule {
        code: "Crashed",
        severity: Severity::Cause,
        summary: "A container's process crashed: it was ended by a signal of its own making.",
        fix: "Look at the last lines of its log. 139 is a segmentation fault, 134 an abort.",
        reads: &[Kind::Exit],
        words: &[
            &["exit code 139"],
            &["exit code 134"],
            &["exit code 136"],
            &["exit code 135"],
        ],
    },
    Rule {
        code: "Killed",
        severity: Severity::Cause,
        summary: "A container was killed: most often for its memory, or because it did not end in its `stopTimeout`.",
        fix: "Give it more `memory`. If it was told to stop, let it end on SIGTERM, or give it a longer `stopTimeout`.",
        reads: &[Kind::Exit],
        words: &[&["exit code 137"]],
    },
    Rule {
        code: "EndedByItself",
        severity: Severity::Cause,
        summary: "An essential container ended without a fault: a service wants it to run on.",
        fix: "Let its process stay in the foreground; what shall end is a one-off task, or a container that is not essential.",
        reads: &[Kind::Exit],
        words: &[&["exit code 0"]],
    },
    Rule {
        code: "ExitedWithError",
        severity: Severity::Cause,
        summary: "An essential container ended with an error.",
        fix: "Look at the last lines of its log: the process says there what it lacked.",
        reads: &[Kind::OtherExit],
        words: &[&[]],
    },
    Rule {
        code: "DependencyFailed",
        severity: Severity::Cause,
        summary: "A container that others wait for did not come to what they wait for.",
        fix: "Look at the container that ended, or has no health, and at `dependsOn`.",
        reads: &[Kind::Task, Kind::Container],
        words: &[&["dependency"], &["dependson"]],
    },
    Rule {
        code: "SpotInterrupted",
        severity: Severity::Note,
        summary: "AWS took Spot capacity back.",
        fix: "Expect it, end on SIGTERM within two minutes, and keep part of the tasks on FARGATE, as `capacity: mixed` does.",
        reads: OF_TASKS,
        words: &[&["spot task was interrupted"], &["spotinterruption"]],
    },
    Rule {
        code: "HostRetired",
        severity: Severity::Note,
        summary: "AWS stopped the task for the maintenance or the failure of what it ran on.",
        fix: "A service starts another one; nothing is to be done.",
        reads: &[Kind::Task, Kind::Container],
        words: &[
            &["scheduled for retirement"],
            &["maintenance"],
            &["infrastructure", "health"],
            &["host ec2", "terminated"],
        ],
    },
    Rule {
        code: "StoppedByHand",
        severity: Severity::Note,
        summary: "Somebody stopped the task.",
        fix: "A service starts another one. The account's CloudTrail says who called `StopTask`.",
        reads: &[Kind::StopCode],
        words: &[&["userinitiated"]],
    },
];
