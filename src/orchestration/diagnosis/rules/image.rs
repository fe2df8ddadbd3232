//! Images that can't be pulled, or not be run.
//!
//! Words: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html>,
//! <https://github.com/aws/containers-roadmap/issues/1120> (a descriptor for the platform),
//! <https://github.com/aws-samples/amazon-bedrock-serverless-prompt-chaining/issues/213> (exec format error),
//! <https://github.com/ActionIQ/terraform-aws-retool-ecs-fargate/issues/20> (a time-out of the registry), and
//! <https://github.com/containerd/containerd/blob/main/core/remotes/docker/resolver.go> (not found).

use super::{Kind, OF_TASKS, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "WrongArchitecture",
        severity: Severity::Cause,
        summary: "The image is not built for the processor that the task runs on.",
        fix: "Build the image for that platform (`docker buildx build --platform linux/amd64,linux/arm64`), or set \
              `runtimePlatform.cpuArchitecture` of the task definition to what the image is built for.",
        reads: &[Kind::Task, Kind::Container, Kind::Event, Kind::Log],
        words: &[
            &["does not contain descriptor matching platform"],
            &["failed to find a descriptor for platform"],
            &["no match for platform in manifest"],
            &["exec format error"],
        ],
    },
    Rule {
        code: "RegistryRateLimit",
        severity: Severity::Cause,
        summary: "The registry refuses to be asked so often.",
        fix: "Give the container `repositoryCredentials`, or take the image from ECR, through a pull-through cache for instance.",
        reads: OF_TASKS,
        words: &[
            &["toomanyrequests"],
            &["pull rate limit"],
            &["too many requests", "pull"],
        ],
    },
    Rule {
        code: "RegistryRefuses",
        severity: Severity::Cause,
        summary: "The registry does not let the task pull the image.",
        fix: "For ECR, let the execution role do `ecr:GetAuthorizationToken`, `ecr:BatchCheckLayerAvailability`, \
              `ecr:GetDownloadUrlForLayer` and `ecr:BatchGetImage`, and the repository's policy let this account in. For \
              another registry, check `repositoryCredentials`. A private repository that does not exist is refused as well.",
        reads: OF_TASKS,
        words: &[
            &["pull access denied"],
            &["cannotpull", "403 forbidden"],
            &["cannotpull", "401 unauthorized"],
            &["cannotpull", "authorization failed"],
            &["cannotpull", "no basic auth credentials"],
            &["cannotpull", "insufficient_scope"],
            &["cannotpull", "is not authorized to perform"],
            &["check that the role has the permissions to pull images"],
            &["registry auth", "is not authorized to perform: ecr:"],
        ],
    },
    Rule {
        code: "ImageNotFound",
        severity: Severity::Cause,
        summary: "The image, or its tag, is not in the registry.",
        fix: "Check the name and the tag of the image, and that it was pushed to this registry and region; then deploy the \
              one that is there.",
        reads: OF_TASKS,
        words: &[
            &["cannotpull", "not found"],
            &["cannotpull", "manifest unknown"],
            &["cannotpull", "name unknown"],
            &["cannotpull", "does not exist"],
            &["imagenotfoundexception"],
            &["repositorynotfoundexception"],
        ],
    },
    Rule {
        code: "NoRouteToRegistry",
        severity: Severity::Cause,
        summary: "The task can't reach the image's registry over the network.",
        fix: "In a public subnet set `assignPublicIp` to ENABLED; in a private one give it a route to a NAT gateway, or endpoints for \
              `ecr.api`, `ecr.dkr` and S3. The security group must let out TCP 443, and the VPC must resolve DNS.",
        reads: OF_TASKS,
        words: &[
            &["cannotpull", "i/o timeout"],
            &["cannotpull", "request canceled"],
            &["cannotpull", "context canceled"],
            &["cannotpull", "deadline exceeded"],
            &["cannotpull", "client.timeout"],
            &["cannotpull", "no such host"],
            &["cannotpull", "network is unreachable"],
            &["cannotpull", "connection refused"],
            &["connection issue between the task and amazon ecr"],
            &["unable to retrieve ecr registry auth"],
            &["unable to get registry auth from asm", "timeout"],
        ],
    },
    Rule {
        code: "NoDiskSpace",
        severity: Severity::Cause,
        summary: "The image, or what the container writes, does not fit on the task's disk.",
        fix: "Give the task definition more `ephemeralStorage` (up to 200 GiB on Fargate), or make the image smaller.",
        reads: OF_TASKS,
        words: &[&["no space left on device"]],
    },
    Rule {
        code: "ImageNotPulled",
        severity: Severity::Cause,
        summary: "The image could not be pulled.",
        fix: "The words of the registry are in the evidence. Pull the same reference elsewhere with the same credentials.",
        reads: OF_TASKS,
        words: &[
            &["cannotpullcontainer"],
            &["cannotpullimage"],
            &["cannotpullecrcontainer"],
        ],
    },
];
