//! A service or tasks in a cluster that is there: the cluster decides what the account's defaults are.

use aws_sdk_ecs::operation::create_service::{CreateServiceInput, CreateServiceOutput};
use aws_sdk_ecs::operation::run_task::{RunTaskInput, RunTaskOutput};
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, Failure, LaunchType, NetworkMode, Task, TaskDefinition,
};

use super::defaults;
use super::not_ready::retry_while_not_ready;
use super::parts::task_definition;
use super::record::{BeginError, End, History, Identity, Names, Records};
use super::task_overrides::{ContainerWishes, OverrideFault};
use super::tasks::find_tasks;
use super::time_limit::{self, TimeKeeper, TimeLimit};
use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, TaskDefinitionName};

/// `RunTask` started nothing: AWS says why for each task that it did not start.
#[derive(Debug, thiserror::Error)]
#[error("no task was started: {}", reasons(.0))]
pub struct NothingStarted(pub Vec<Failure>);

impl NothingStarted {
    /// Returns `true` if it is for want of capacity, which may come back.
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

/// A failure to run tasks.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    /// AWS refused.
    #[error(transparent)]
    Aws(#[from] Error),
    /// AWS started nothing.
    #[error(transparent)]
    NothingStarted(#[from] NothingStarted),
    /// The request could not be begun.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// ECS has forgotten the tasks that the same request has started.
    #[error(
        "this `Idempotency-Key` has started tasks, and ECS has forgotten them: it knows a stopped task for an hour at most"
    )]
    Forgotten,
    /// The wishes for the only essential container can't be put into `overrides`.
    #[error(transparent)]
    Override(#[from] OverrideFault),
    /// The time limit could not be put onto the queue.
    #[error("the time limit can't be put onto the queue, so that nothing was started: {0}")]
    NoTimeLimit(#[source] Error),
}

/// Tasks to run.
#[derive(Debug)]
pub struct RunRequest<'r> {
    /// The cluster, which the input names too.
    pub cluster: ClusterName,
    /// The input of `RunTask`.
    pub input: RunTaskInput,
    /// The wishes that concern the only essential container.
    pub wishes: ContainerWishes,
    /// The time limit, and who keeps it, if there is one.
    pub time_limit: Option<(TimeLimit, TimeKeeper<'r>)>,
}

/// Creates a service, with the account's defaults. `token` makes AWS recognise a repeated call as the same. A role that
/// ECS can't assume yet is waited for.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](crate::aws::Kind::NotFound) without an ACTIVE cluster.
pub async fn create_service(
    account: &Account,
    cluster: &ClusterName,
    mut input: CreateServiceInput,
    token: &str,
    deadline: Deadline,
) -> Result<CreateServiceOutput, Error> {
    let place = Place {
        cluster,
        task_definition: input.task_definition.as_deref().unwrap_or_default(),
        launch_type: input.launch_type.as_ref(),
        strategy: input.capacity_provider_strategy(),
        has_network: input.network_configuration.is_some(),
    };
    let (has_strategy, uses_awsvpc) = place.look(account).await?;
    defaults::service(&mut input, &account.settings, has_strategy, uses_awsvpc);
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
    request: RunRequest<'_>,
    token: &str,
    deadline: Deadline,
) -> Result<RunTaskOutput, RunFailure> {
    let RunRequest {
        cluster,
        mut input,
        wishes,
        time_limit,
    } = request;
    let place = Place::of_tasks(&cluster, &input);
    let ((has_strategy, uses_awsvpc), definition) = tokio::try_join!(
        place.look(account),
        definition_for(account, &input, &wishes)
    )?;
    defaults::tasks(&mut input, &account.settings, has_strategy, uses_awsvpc);
    if let Some(definition) = definition {
        wishes.put_into(&mut input, &definition)?;
    }
    let token = input.client_token.get_or_insert_with(|| token.to_owned());
    if let Some((limit, keeper)) = time_limit {
        let started_by = time_limit::started_by(token);
        input.started_by = Some(started_by.clone());
        let limit = TimeLimit {
            started_by,
            ..limit
        };
        limit.begin(keeper).await.map_err(RunFailure::NoTimeLimit)?;
    }
    let started = retry_while_not_ready(deadline, || ecs::run_task(account, input.clone())).await?;
    if started.tasks().is_empty() {
        return Err(NothingStarted(started.failures.unwrap_or_default()).into());
    }
    Ok(started)
}

/// Looks at the task definition, where something is wanted of its only essential container.
async fn definition_for(
    account: &Account,
    input: &RunTaskInput,
    wishes: &ContainerWishes,
) -> Result<Option<TaskDefinition>, Error> {
    if wishes.first_member().is_none() {
        return Ok(None);
    }
    let region = account.account_region();
    let name = input.task_definition().unwrap_or_default();
    // What can't be a name, AWS refuses itself.
    let Ok(name) = TaskDefinitionName::parse(name, &region) else {
        return Ok(None);
    };
    let found = task_definition::look(account, &name).await?;
    let missing = || format!("there is no task definition `{name}`");
    let found = found.ok_or_else(|| account.missing("ecs:DescribeTaskDefinition", missing()))?;
    Ok(Some(found))
}

/// The members of a request that decide where something runs.
struct Place<'i> {
    cluster: &'i ClusterName,
    task_definition: &'i str,
    launch_type: Option<&'i LaunchType>,
    strategy: &'i [CapacityProviderStrategyItem],
    has_network: bool,
}

impl<'i> Place<'i> {
    fn of_tasks(cluster: &'i ClusterName, input: &'i RunTaskInput) -> Self {
        Self {
            cluster,
            task_definition: input.task_definition().unwrap_or_default(),
            launch_type: input.launch_type(),
            strategy: input.capacity_provider_strategy(),
            has_network: input.network_configuration().is_some(),
        }
    }

    /// Returns `true` if neither a launch type nor a strategy is given.
    fn is_undecided(&self) -> bool {
        self.launch_type.is_none() && self.strategy.is_empty()
    }

    /// Tells whether capacity providers decide, and whether the tasks have a network of their own. Asks AWS only for what
    /// the input leaves open.
    async fn look(&self, account: &Account) -> Result<(bool, bool), Error> {
        let cluster_decides =
            self.is_undecided() && has_default_strategy(account, self.cluster).await?;
        let has_strategy = cluster_decides || !self.strategy.is_empty();
        let is_on_fargate =
            defaults::is_on_fargate(self.launch_type, self.strategy, cluster_decides);
        let is_settled =
            is_on_fargate || self.has_network || account.settings.default_subnets.is_empty();
        if is_settled {
            return Ok((has_strategy, is_on_fargate));
        }
        // What can't be a name, AWS refuses itself.
        let region = account.account_region();
        let Ok(name) = TaskDefinitionName::parse(self.task_definition, &region) else {
            return Ok((has_strategy, false));
        };
        let found = task_definition::look(account, &name).await?;
        let mode = found.and_then(|found| found.network_mode);
        Ok((has_strategy, mode == Some(NetworkMode::Awsvpc)))
    }
}

/// Returns `true` if the cluster's capacity providers decide about what names no launch type.
async fn has_default_strategy(account: &Account, name: &ClusterName) -> Result<bool, Error> {
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

/// Runs tasks once, however often the same request comes: a repetition is answered the tasks as they are now.
///
/// # Errors
/// [`RunFailure`] with AWS's refusal, with AWS's failures if nothing was started, or if ECS has forgotten the tasks.
pub async fn run_task_once(
    account: &Account,
    records: &Records,
    identity: &Identity,
    request: RunRequest<'_>,
    deadline: Deadline,
) -> Result<RunTaskOutput, RunFailure> {
    let begun = records.begin(identity, Names::default(), deadline).await?;
    if begun.history == History::Done {
        let arns = begun.lease.record().arns.clone();
        return show_again(account, &request.cluster, &arns, deadline).await;
    }
    // Where an invocation died, ECS answers the same token with the tasks that it started.
    let token = begun.lease.mark().token();
    let started = run_task(account, request, &token, deadline).await;
    let end = match &started {
        Ok(started) => {
            let arns = started.tasks().iter().filter_map(Task::task_arn);
            End::Done(arns.map(Arn::from_answer).collect())
        }
        Err(RunFailure::Aws(error)) if error.kind.leaves_outcome_unknown() => End::Doubtful,
        Err(_) => End::Undone,
    };
    begun.lease.end(end, deadline).await;
    started
}

/// Answers tasks that were started before.
async fn show_again(
    account: &Account,
    cluster: &ClusterName,
    arns: &[Arn],
    deadline: Deadline,
) -> Result<RunTaskOutput, RunFailure> {
    let tasks = find_tasks(account, cluster, arns, deadline).await?;
    if tasks.len() < arns.len() {
        return Err(RunFailure::Forgotten);
    }
    Ok(RunTaskOutput::builder().set_tasks(Some(tasks)).build())
}
