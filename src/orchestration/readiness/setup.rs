//! Checks of what has been set up in an account: its roles, its settings, its log group.

use aws_sdk_ecs::types::{Setting, SettingName};

use super::simulated::{Decisions, Grant, Simulated, name_of, not_asked, simulate};
use super::{Check, Group};
use crate::aws::iam::Decision;
use crate::aws::{Account, Error, Kind};
use crate::deadline::Deadline;
use crate::ids::{RoleArn, partition};
use crate::orchestration::parts::log_group as group_part;
use crate::text::quoted;

/// The settings without which services and tasks can't be tagged
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids>).
const LONG_ARNS: [SettingName; 2] = [
    SettingName::ServiceLongArnFormat,
    SettingName::TaskLongArnFormat,
];
/// The actions that a container needs to log, which its task's execution role has
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html>).
const LOGGING: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// Creates the check of a role that was assumed.
pub(super) fn role_assumed(account: &Account) -> Check {
    let role = account.settings.role_arn.as_str();
    Check::of(
        "AssumeRole",
        Some(true),
        format!("the role `{role}` was assumed"),
    )
}

/// Creates the check of a role that was not, beside which nothing can be seen.
pub(super) fn role_not_assumed(account: &Account, error: &Error) -> Check {
    let role = name_of(&account.settings.role_arn);
    let detail = format!("{error}; nothing else can be seen");
    // The parameters that stand in no answer are for whoever installs it.
    Check::of("AssumeRole", Some(false), detail).fixed_by(format!(
        "aws cloudformation deploy --stack-name ecs-api-member --template-file templates/member-account.yaml \
         --capabilities CAPABILITY_NAMED_IAM --parameter-overrides RoleName={role} \
         TrustedRoleArn=\"$FUNCTION_ROLE_ARN\" ExternalId=\"$EXTERNAL_ID\""
    ))
}

/// Creates the check of what nobody looks at.
pub(super) fn network() -> Check {
    Check {
        is_needed: false,
        ..Check::of(
            "Network",
            None,
            "not looked at: subnets, security groups, and their ways to registries, secrets and logs",
        )
    }
}

/// Creates the check of the settings that let services and tasks have tags.
pub(super) fn long_arns(account: &Account, settings: &Result<Vec<Setting>, Error>) -> Check {
    const NAME: &str = "LongArns";
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            let grant = Grant {
                role: &account.settings.role_arn,
                check: NAME,
                resource: "*",
                condition: "",
            };
            return Check::unknown(NAME, error).fixed_by(grant.command(&[error.operation]));
        }
    };
    let value_of = |name: &SettingName| {
        let mut settings = settings.iter();
        let found = settings.find(|setting| setting.name() == Some(name));
        found.and_then(Setting::value)
    };
    let off: Vec<_> = LONG_ARNS
        .iter()
        .filter(|name| value_of(name) == Some("disabled"))
        .map(SettingName::as_str)
        .collect();
    if !off.is_empty() {
        let detail = format!(
            "without `{}` services and tasks can't be tagged, and ECS refuses to make them",
            off.join("` and `")
        );
        let region = &account.settings.region;
        let commands = off.iter().map(|name| {
            format!("aws ecs put-account-setting-default --name {name} --value enabled --region {region}")
        });
        let commands: Vec<_> = commands.collect();
        return Check::of(NAME, Some(false), detail).fixed_by(commands.join(" && "));
    }
    if LONG_ARNS.iter().any(|name| value_of(name).is_none()) {
        return Check::of(NAME, None, "not known: ECS tells nothing of these settings");
    }
    Check::of(
        NAME,
        Some(true),
        "services and tasks have long ARNs, and can be tagged",
    )
}

/// Asks what the execution role may do with the log group, and so whether it is there; `None` if there is none to ask about.
pub(super) async fn ask_execution_role(
    account: &Account,
    group: Option<&Group>,
    deadline: Deadline,
) -> Option<Result<Decisions, Error>> {
    let role = account.settings.default_execution_role_arn.as_ref()?;
    let streams = streams_of(account, group);
    Some(simulate(account, role, &LOGGING, &streams, deadline).await)
}

/// Returns the ARN of the streams that tasks write, those of any group where the configuration names none.
fn streams_of(account: &Account, group: Option<&Group>) -> String {
    match group {
        Some(group) => format!("{}:log-stream:*", group_part::arn_of(account, &group.name)),
        None => "*".to_owned(),
    }
}

/// Returns the checks of the execution role and of its permission to log.
pub(super) fn execution_role(
    account: &Account,
    group: Option<&Group>,
    asked: Option<Result<Decisions, Error>>,
) -> Vec<Check> {
    const NAME: &str = "ExecutionRole";
    let role = account.settings.default_execution_role_arn.as_ref();
    let Some((role, asked)) = role.zip(asked) else {
        return Vec::new();
    };
    match asked {
        Ok(decisions) => {
            let detail = format!(
                "there is a role `{}`; its trust, and what it reads and pulls, are not looked at",
                role.as_str()
            );
            let mut checks = vec![Check::of(NAME, Some(true), detail)];
            checks.extend(group.map(|group| logging(account, role, group, &decisions)));
            checks
        }
        Err(error) if error.kind == Kind::NotFound => {
            let detail = format!("there is no role `{}`", role.as_str());
            vec![Check::of(NAME, Some(false), detail).fixed_by(create_role(account, role))]
        }
        Err(error) => {
            let grant = Grant {
                role: &account.settings.role_arn,
                check: NAME,
                resource: role.as_str(),
                condition: "",
            };
            vec![not_asked(NAME, &grant, &error)]
        }
    }
}

fn logging(account: &Account, role: &RoleArn, group: &Group, decisions: &Decisions) -> Check {
    const NAME: &str = "ExecutionRoleLogs";
    let lacking = decisions.select(&LOGGING, |decision| {
        matches!(decision, Some(Decision::NotAllowed | Decision::Forbidden))
    });
    let unclear = decisions.select(&LOGGING, |decision| {
        matches!(decision, None | Some(Decision::Depends(_)))
    });
    let name = &group.name;
    if !lacking.is_empty() {
        let detail = format!(
            "the execution role may not do {} in the log group `{name}`: no task starts that logs there",
            quoted(&lacking)
        );
        let grant = Grant {
            role,
            check: NAME,
            resource: &streams_of(account, Some(group)),
            condition: "",
        };
        return Check::of(NAME, Some(false), detail).fixed_by(grant.command(&lacking));
    }
    if !unclear.is_empty() {
        let detail = format!(
            "not known: whether the execution role may do {} in the log group `{name}` depends on the request",
            quoted(&unclear)
        );
        return Check::of(NAME, None, detail);
    }
    let detail = format!("the execution role may log to `{name}`");
    Check::of(NAME, Some(true), detail)
}

/// Returns the commands that create an execution role.
fn create_role(account: &Account, role: &RoleArn) -> String {
    let (_, path_and_name) = role.as_str().split_once(":role/").unwrap_or_default();
    let (path, name) = path_and_name.rsplit_once('/').map_or_else(
        || (String::new(), path_and_name),
        |(path, name)| (format!(" --path /{path}/"), name),
    );
    let partition = partition(&account.settings.region);
    format!(
        "aws iam create-role --role-name {name}{path} --assume-role-policy-document '{{\"Version\": \"2012-10-17\", \
         \"Statement\": [{{\"Effect\": \"Allow\", \"Principal\": {{\"Service\": \"ecs-tasks.amazonaws.com\"}}, \"Action\": \
         \"sts:AssumeRole\"}}]}}' && aws iam attach-role-policy --role-name {name} --policy-arn \
         arn:{partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    )
}

/// Returns the check of the account's log group, if the configuration names one.
pub(super) fn log_group(
    account: &Account,
    group: Option<&Group>,
    found: Option<Result<bool, Error>>,
    simulated: &[Simulated],
) -> Option<Check> {
    const NAME: &str = "LogGroup";
    let name = &group?.name;
    let missing = match found {
        Some(Ok(true)) => {
            let detail = format!("there is a log group `{name}`");
            return Some(Check::of(NAME, Some(true), detail));
        }
        Some(Err(error)) => return Some(Check::unknown(NAME, &error)),
        Some(Ok(false)) => format!("there is no log group `{name}` yet"),
        None => format!("each cluster or service has a log group of its own, like `{name}`"),
    };
    let creates = simulated
        .iter()
        .find_map(|each| each.decision("logs:CreateLogGroup"));
    let region = &account.settings.region;
    Some(match creates {
        Some(Decision::Allowed) => {
            let detail = format!("{missing}: a create makes it");
            Check::of(NAME, Some(true), detail)
        }
        Some(Decision::NotAllowed | Decision::Forbidden) => {
            let detail = format!("{missing}, and a create may not make it");
            Check::of(NAME, Some(false), detail).fixed_by(format!(
                "aws logs create-log-group --log-group-name {name} --region {region}"
            ))
        }
        Some(Decision::Depends(_)) | None => {
            let detail = format!("{missing}; not known whether a create may make it");
            Check::of(NAME, None, detail)
        }
    })
}
