//! The rules for the needs of a task before its containers start: secrets, logs, files, volumes, a role.
//!
//! Words: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html>,
//! <https://github.com/docker-archive/compose-cli/issues/1510> and <https://github.com/umotif-public/terraform-aws-ecs-fargate/issues/50>
//! (secrets), <https://github.com/cn-terraform/terraform-aws-nexus/issues/35> (log group),
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>.

use super::{OF_TASKS, Rule};
use crate::orchestration::diagnosis::Severity;

/// The rules, in their order.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "SecretNotAllowed",
        severity: Severity::Cause,
        summary: "The execution role may not read a secret or a parameter that the task definition names.",
        fix: "Let the execution role do `secretsmanager:GetSecretValue` or `ssm:GetParameters` on it, and `kms:Decrypt` on its key \
              where that is not AWS's own.",
        reads: OF_TASKS,
        words: &[
            &["unable to pull secrets", "accessdenied", "secretsmanager:"],
            &["unable to pull secrets", "accessdenied", "ssm:"],
            &["unable to pull secrets", "accessdenied", "kms"],
            &["is not authorized to perform: secretsmanager:getsecretvalue"],
            &["is not authorized to perform: ssm:getparameters"],
            &["is not authorized to perform: kms:decrypt"],
            &["access to kms is not allowed"],
        ],
    },
    Rule {
        code: "SecretKeyNotFound",
        severity: Severity::Cause,
        summary: "The secret does not have the JSON key that the task definition names.",
        fix: "Add the key to the secret, or correct the part after the secret's ARN in `secrets[].valueFrom`.",
        reads: OF_TASKS,
        words: &[
            &["did not contain json key"],
            &["unable to pull secrets", "invalid character"],
        ],
    },
    Rule {
        code: "SecretNotFound",
        severity: Severity::Cause,
        summary: "A secret or a parameter that the task definition names is not there.",
        fix: "Create it in the task's region, or correct `secrets[].valueFrom`. A secret that waits for its deletion can be restored.",
        reads: OF_TASKS,
        words: &[
            &["secrets manager can't find the specified secret"],
            &["invalid ssm parameters"],
            &["unable to pull secrets", "parameternotfound"],
            &["unable to pull secrets", "resourcenotfoundexception"],
            &["marked for deletion"],
        ],
    },
    Rule {
        code: "NoRouteToSecrets",
        severity: Severity::Cause,
        summary: "The task can't reach Secrets Manager or Systems Manager over the network.",
        fix: "In a public subnet set `assignPublicIp` to ENABLED; in a private one give it a route to a NAT gateway, or endpoints for \
              `secretsmanager`, `ssm` and `kms`. The security group must let out TCP 443.",
        reads: OF_TASKS,
        words: &[
            &["connection issue between the task and aws secrets manager"],
            &["connection issue between the task and aws systems manager"],
            &[
                "unable to pull secrets",
                "retrieve secret",
                "deadline exceeded",
            ],
            &[
                "unable to pull secrets",
                "retrieve secret",
                "context deadli",
            ],
            &["unable to pull secrets", "retrieve secret", "i/o timeout"],
            &[
                "unable to pull secrets",
                "retrieve secret",
                "send request failed",
            ],
        ],
    },
    Rule {
        code: "LogNotAllowed",
        severity: Severity::Cause,
        summary: "The execution role may not write to the container's log group.",
        fix: "Let the execution role do `logs:CreateLogStream` and `logs:PutLogEvents` on the group, and `logs:CreateLogGroup` where \
              `awslogs-create-group` is set: AWS's own policy for execution roles lacks that.",
        reads: OF_TASKS,
        words: &[
            &["logger", "accessdenied"],
            &["logging driver", "accessdenied"],
            &["log stream", "accessdenied"],
            &["is not authorized to perform: logs:"],
        ],
    },
    Rule {
        code: "NoRouteToLogs",
        severity: Severity::Cause,
        summary: "The task can't reach CloudWatch Logs over the network.",
        fix: "Give the subnet a route to a NAT gateway, or an endpoint for `logs`; the security group must let out TCP 443.",
        reads: OF_TASKS,
        words: &[
            &["connection issue between the task and amazon cloudwatch"],
            &["failed to validate logger args", "i/o timeout"],
            &["failed to validate logger args", "deadline exceeded"],
            &["failed to validate logger args", "signal: killed"],
            &["failed to initialize logging driver", "timeout"],
        ],
    },
    Rule {
        code: "LogGroupNotFound",
        severity: Severity::Cause,
        summary: "The log group that the task definition names is not there.",
        fix: "Create the group, or set `awslogs-create-group` to `true` and let the execution role do `logs:CreateLogGroup`.",
        reads: OF_TASKS,
        words: &[
            &["the specified log group does not exist"],
            &["cannot find the amazon cloudwatch log group"],
        ],
    },
    Rule {
        code: "LogConfigurationNotValid",
        severity: Severity::Cause,
        summary: "The log driver does not take its options.",
        fix: "Correct `logConfiguration.options`: awslogs wants `awslogs-group`, `awslogs-region` and, on Fargate, \
              `awslogs-stream-prefix`.",
        reads: OF_TASKS,
        words: &[
            &["failed to validate logger args"],
            &["failed to initialize logging driver"],
        ],
    },
    Rule {
        code: "EnvironmentFileNotReadable",
        severity: Severity::Cause,
        summary: "A file of environment variables can't be read from S3.",
        fix: "Check its ARN in `environmentFiles`, let the execution role do `s3:GetObject` and `s3:GetBucketLocation`, and give the \
              subnet a route to S3.",
        reads: OF_TASKS,
        words: &[&["failed to download env files"]],
    },
    Rule {
        code: "VolumeNotMounted",
        severity: Severity::Cause,
        summary: "A volume could not be created, attached or mounted.",
        fix: "For EFS, let the task's security group reach the mount target's on TCP 2049, check access point, policy and the VPC's \
              DNS. For EBS, check the infrastructure role.",
        reads: OF_TASKS,
        words: &[
            &["failed to invoke efs utils commands"],
            &["cannotcreatevolumeerror"],
            &["mount.nfs4"],
            &["ebs", "unable to attach"],
        ],
    },
    Rule {
        code: "RoleNotAssumable",
        severity: Severity::Cause,
        summary: "ECS can't assume a role of the task definition.",
        fix: "Let `ecs-tasks.amazonaws.com` assume the role in its trust policy. A condition on `aws:SourceArn` must take \
              `arn:aws:ecs:REGION:ACCOUNT:*`. A role that was just made is seen within half a minute.",
        reads: OF_TASKS,
        words: &[
            &["unable to assume the role"],
            &["unable to assume role"],
            &["not authorized to perform: sts:assumerole"],
        ],
    },
    Rule {
        code: "PullCredentialsNotReadable",
        severity: Severity::Cause,
        summary: "The credentials of the registry could not be read.",
        fix: "Check the secret of `repositoryCredentials.credentialsParameter`, and that the execution role may read it.",
        reads: OF_TASKS,
        words: &[
            &["unable to get registry auth from asm"],
            &["registry auth from asm"],
        ],
    },
    Rule {
        code: "SecretsNotPulled",
        severity: Severity::Cause,
        summary: "Secrets, or the credentials of the registry, could not be read.",
        fix: "The words of AWS are in the evidence: mostly a permission of the execution role, or the network.",
        reads: OF_TASKS,
        words: &[&["unable to pull secrets or registry auth"]],
    },
];
