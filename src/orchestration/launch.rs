//! A service or tasks in a cluster that is there: the cluster decides what the account's defaults are.

use aws_sdk_ecs::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_ecs::operation::run_task::{RunTaskInput, RunTaskOutput};
use aws_sdk_ecs::types::Failure;

use super::defaults;
use super::readiness::retry_while_not_ready;
use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;

/// `RunTask` started nothing: AWS says why for each task that it did not start.
#[derive(Debug, thiserror::Error)]
#[error("no task was started: {}", reasons(.0))]
pub struct NothingStarted(pub Vec<Failure>);

impl NothingStarted {
    /// Whether it is for want of capacity, which may come back.
    pub fn is_for_capacity(&self) -> bool {
        let lacks = |failure: &Failure| {
            failure
                .reason()
                .is_some_and(|reason| reason.to_ascii_lowercase().contains("capacity"))
        };
        self.0.iter().any(lacks)
    }
}

fn reasons(failures: &[Failure]) -> String {
    let reasons: Vec<_> = failures.iter().filter_map(Failure::reason).collect();
    if reasons.is_empty() {
        "AWS says nothing of why".to_owned()
    } else {
        reasons.join(", ")
    }
}

/// Why tasks were not run.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// AWS refused.
    #[error(transparent)]
    Aws(#[from] Error),
    /// AWS started nothing.
    #[error(transparent)]
    NothingStarted(#[from] NothingStarted),
}

/// Creates a service, with the account's defaults. `token` makes AWS recognise a repeated call as the same. A role that
/// ECS can't assume yet is waited for.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](crate::aws::Kind::NotFound) without an ACTIVE cluster.
pub async fn create_service(
    account: &Account,
    mut input: CreateServiceInput,
    token: &str,
    deadline: Deadline,
) -> Result<CreateServiceOutput, Error> {
    let is_undecided = input.launch_type.is_none() && input.capacity_provider_strategy().is_empty();
    let cluster = input.cluster.as_deref().unwrap_or_default();
    let cluster_decides = is_undecided && has_default_strategy(account, cluster).await?;
    defaults::service(&mut input, &account.settings, cluster_decides);
    input.client_token.get_or_insert_with(|| token.to_owned());
    retry_while_not_ready(deadline, || ecs::create_service(account, input.clone())).await
}

/// Runs tasks, with the account's defaults. `token` makes AWS recognise a repeated call as the same. A role that ECS
/// can't assume yet is waited for.
///
/// # Errors
/// [`RunFailure`] with AWS's refusal, or AWS's failures if nothing was started; [`Kind::NotFound`](crate::aws::Kind::NotFound) without an ACTIVE cluster.
pub async fn run_task(
    account: &Account,
    mut input: RunTaskInput,
    token: &str,
    deadline: Deadline,
) -> Result<RunTaskOutput, RunFailure> {
    let is_undecided = input.launch_type.is_none() && input.capacity_provider_strategy().is_empty();
    let cluster = input.cluster.as_deref().unwrap_or_default();
    let cluster_decides = is_undecided && has_default_strategy(account, cluster).await?;
    defaults::tasks(&mut input, &account.settings, cluster_decides);
    input.client_token.get_or_insert_with(|| token.to_owned());
    let started = retry_while_not_ready(deadline, || ecs::run_task(account, input.clone())).await?;
    if started.tasks().is_empty() {
        return Err(NothingStarted(started.failures.unwrap_or_default()).into());
    }
    Ok(started)
}

/// Whether the cluster's capacity providers decide about what names no launch type.
async fn has_default_strategy(account: &Account, name: &str) -> Result<bool, Error> {
    let found = ecs::describe_cluster(account, name).await?;
    let cluster = found.filter(|cluster| cluster.status() == Some("ACTIVE"));
    let cluster = cluster.ok_or_else(|| {
        account.missing(
            "ecs:DescribeClusters",
            format!("there is no ACTIVE cluster `{name}`"),
        )
    })?;
    Ok(!cluster.default_capacity_provider_strategy().is_empty())
}
