//! Makes what a plan lacks: everything but the service side by side, then the service.

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::types::Service;
use aws_sdk_servicediscovery::types::Service as Registry;
use tokio::time::{Instant, sleep};

use super::Creation;
use crate::aws::{Account, Error, Kind};
use crate::deadline::Deadline;
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::Cause;
use crate::orchestration::flow_context::FlowContext;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::log_group::{self, Maker};
use crate::orchestration::parts::{PAUSE, cluster, registry, service, task_definition};
use crate::orchestration::plan::{CreatePlan, Part};
use crate::orchestration::request::{NewCluster, NewLogGroup};
use crate::orchestration::undo_log::UndoLog;

/// Makes what is missing side by side, then the service.
pub(super) async fn make(
    context: &FlowContext<'_>,
    plan: CreatePlan,
    mark: &Mark,
    log: &UndoLog,
    deadline: Deadline,
) -> Result<Creation, Cause> {
    let account = context.account;
    let is_new_revision = matches!(plan.task_definition, Part::Make(_));
    let (cluster, task_definition, log_group, registry) = tokio::join!(
        async {
            match plan.cluster {
                Part::Use(found) => Ok(found),
                Part::Make(new) => cluster::make(account, &new, log).await,
            }
        },
        async {
            match plan.task_definition {
                Part::Use(found) => Ok(found),
                Part::Make(new) => task_definition::make(account, mark, &new, log).await,
            }
        },
        async {
            match &plan.log_group {
                Some(Part::Make(new)) => log_group::make(account, mark, new, log).await,
                Some(Part::Use(_)) | None => Ok(Maker::Other),
            }
        },
        async {
            match plan.registry {
                None => Ok(None),
                Some(Part::Use(found)) => Ok(Some(found)),
                Some(Part::Make(new)) => registry::make(account, mark, &new, log, deadline)
                    .await
                    .map(Some),
            }
        },
    );
    // All of them have ended, so that the log is whole, before the first failure ends the create.
    let (cluster, task_definition, registry) = (cluster?, task_definition?, registry?);
    let maker_of_group = log_group?;
    let mut input = plan.service;
    input
        .task_definition
        .clone_from(&task_definition.task_definition_arn);
    if let Some(registry) = &registry {
        join_registry(&mut input, registry);
    }
    let maker = ServiceMaker {
        account,
        mark,
        name: (&plan.cluster_name, &plan.service_name),
        spare_cluster: plan.spare_cluster.as_ref(),
        is_new_revision,
        log,
    };
    // No task logs before the service is there: nothing waits for the retention.
    let (service, retention) = tokio::join!(maker.make(&input), async {
        match &plan.log_group {
            Some(Part::Make(new)) if maker_of_group == Maker::Own => {
                log_group::put_retention(account, new).await
            }
            _ => Ok(()),
        }
    });
    let service = service?;
    retention?;
    if may_be_taken_back(plan.log_group.as_ref(), maker_of_group, mark)
        && let Some(spare) = &plan.spare_log_group
    {
        log_group::complete(account, mark, spare).await?;
    }
    Ok(Creation {
        cluster,
        task_definition,
        registry,
        service,
    })
}

/// Returns `true` if another request has made the log group just now, and may have taken it back since.
fn may_be_taken_back(
    group: Option<&Part<LogGroup, NewLogGroup>>,
    maker: Maker,
    mark: &Mark,
) -> bool {
    match group {
        Some(Part::Use(group)) => log_group::is_young(group, mark.begun_at_ms()),
        // It was not there yet when it was looked at.
        Some(Part::Make(_)) => maker == Maker::Other,
        None => false,
    }
}

/// Puts the registry in every entry that the caller left to it.
fn join_registry(input: &mut CreateServiceInput, registry: &Registry) {
    let entries = input.service_registries.iter_mut().flatten();
    for entry in entries.filter(|entry| entry.registry_arn().is_none()) {
        entry.registry_arn.clone_from(&registry.arn);
    }
}

/// Makes the service over what ECS has not heard of yet, or has lost since.
struct ServiceMaker<'r> {
    account: &'r Account,
    mark: &'r Mark,
    /// The names of its cluster and of itself.
    name: (&'r ClusterName, &'r ServiceName),
    /// The cluster to create, should another request's undo delete the one found.
    spare_cluster: Option<&'r NewCluster>,
    is_new_revision: bool,
    log: &'r UndoLog,
}

impl ServiceMaker<'_> {
    async fn make(&self, input: &CreateServiceInput) -> Result<Service, Error> {
        let begun = Instant::now();
        loop {
            match service::make(self.account, self.mark, self.name, input, self.log).await {
                Err(error) if begun.elapsed() < service::PROPAGATION_MAX => {
                    self.mend(error).await?;
                }
                made => return made,
            }
            sleep(PAUSE).await;
        }
    }

    /// Does what lets the next try succeed, or gives the error back if another try would not help.
    async fn mend(&self, error: Error) -> Result<(), Error> {
        match (error.kind, self.spare_cluster) {
            // Another request's undo deleted it: it was empty until the service would be in it.
            (Kind::NotFound, Some(spare)) if lacks_the_cluster(&error) => {
                cluster::make(self.account, spare, self.log).await?;
                Ok(())
            }
            // ECS has not heard of what was made just now.
            (Kind::NotFound, _) if self.is_new_revision && !lacks_the_cluster(&error) => Ok(()),
            (Kind::NotReady, _) => Ok(()),
            _ => Err(error),
        }
    }
}

fn lacks_the_cluster(error: &Error) -> bool {
    error.code.as_deref() == Some("ClusterNotFoundException")
}
