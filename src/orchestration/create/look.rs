//! The looks of a create: at the parts of a request before its first change, and at a service that is done.

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_ecs::types::{Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::Creation;
use crate::aws::{Account, Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::{RegistryId, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::flow_context::FlowContext;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::{log_group, registry, task_definition};
use crate::orchestration::plan::ExistingParts;
use crate::orchestration::request::{CreateRequest, NewLogGroup, RegistryPart, TaskDefinitionPart};

/// The number of registries that are looked at together: AWS throttles per account.
const PARALLEL: usize = 5;

pub(super) async fn look_in_time(
    context: &FlowContext<'_>,
    request: &CreateRequest,
    deadline: Deadline,
) -> Result<ExistingParts, Cause> {
    deadline.run(look(context.account, request, deadline)).await
}

/// Looks at everything that can be checked before the first change, side by side.
async fn look(
    account: &Account,
    request: &CreateRequest,
    deadline: Deadline,
) -> Result<ExistingParts, Cause> {
    let cluster_name = request.cluster_name();
    let (service, cluster, task_definition, log_group, registries) = tokio::join!(
        ecs::describe_service(account, cluster_name, &request.service_name),
        ecs::describe_cluster(account, cluster_name),
        look_at_task_definition(account, &request.task_definition),
        look_at_log_group(account, request.log_group.as_ref()),
        look_at_registries(account, &request.registry, deadline),
    );
    let (registries, namespace_owner) = registries?;
    Ok(ExistingParts {
        service: service?,
        cluster: cluster?,
        task_definition: task_definition?,
        other_revisions: Vec::new(),
        log_group: log_group?,
        is_own_log_group: false,
        registries,
        is_own_registry: false,
        namespace_owner,
    })
}

async fn look_at_task_definition(
    account: &Account,
    part: &TaskDefinitionPart,
) -> Result<Option<TaskDefinition>, Error> {
    match part {
        TaskDefinitionPart::Existing(name) => task_definition::look(account, name).await,
        TaskDefinitionPart::New(_) => Ok(None),
    }
}

async fn look_at_log_group(
    account: &Account,
    part: Option<&NewLogGroup>,
) -> Result<Option<LogGroup>, Error> {
    match part {
        Some(new) => log_group::look(account, &new.name).await,
        None => Ok(None),
    }
}

/// Returns the registries that are there, and who shares the namespace of one that is to be created, if another account
/// does (<https://docs.aws.amazon.com/cloud-map/latest/dg/sharing-identify.html>).
async fn look_at_registries(
    account: &Account,
    part: &RegistryPart,
    deadline: Deadline,
) -> Result<(Vec<Registry>, Option<String>), Error> {
    match part {
        RegistryPart::None => Ok((Vec::new(), None)),
        RegistryPart::Existing(ids) => {
            let looks = stream::iter(ids.clone())
                .map(|id| async move { discovery::get_service(account, &id).await });
            Ok((looks.buffered(PARALLEL).try_collect().await?, None))
        }
        RegistryPart::New(new) => {
            let (namespace, found) = tokio::join!(
                discovery::get_namespace(account, &new.namespace_id),
                registry::look(account, &new.namespace_id, &new.name, deadline),
            );
            let owner = namespace?.resource_owner;
            let other = owner.filter(|owner| *owner != account.account_region().account_id);
            Ok((found?.into_iter().collect(), other))
        }
    }
}

/// Looks for what an invocation that died has made of this very request, side by side.
pub(super) async fn look_for_own(
    context: &FlowContext<'_>,
    request: &CreateRequest,
    mark: &Mark,
    mut found: ExistingParts,
    deadline: Deadline,
) -> Result<ExistingParts, Cause> {
    let account = context.account;
    let looks = async {
        let looks = tokio::try_join!(
            find_own_revisions(account, mark, &request.task_definition),
            is_own_log_group(account, mark, request, &found),
            is_own_registry(account, mark, request, &found),
        );
        Ok::<_, Cause>(looks?)
    };
    let (mut revisions, is_own_log_group, is_own_registry) = deadline.run(looks).await?;
    if !revisions.is_empty() {
        found.task_definition = Some(revisions.remove(0));
        found.other_revisions = revisions;
    }
    Ok(ExistingParts {
        is_own_log_group,
        is_own_registry,
        ..found
    })
}

async fn find_own_revisions(
    account: &Account,
    mark: &Mark,
    part: &TaskDefinitionPart,
) -> Result<Vec<TaskDefinition>, Error> {
    match part {
        TaskDefinitionPart::New(new) => {
            task_definition::find_marked(account, mark, &new.family).await
        }
        TaskDefinitionPart::Existing(_) => Ok(Vec::new()),
    }
}

async fn is_own_log_group(
    account: &Account,
    mark: &Mark,
    request: &CreateRequest,
    found: &ExistingParts,
) -> Result<bool, Error> {
    match (&request.log_group, &found.log_group) {
        (Some(new), Some(_)) => log_group::is_own(account, mark, &new.name).await,
        _ => Ok(false),
    }
}

async fn is_own_registry(
    account: &Account,
    mark: &Mark,
    request: &CreateRequest,
    found: &ExistingParts,
) -> Result<bool, Error> {
    match (&request.registry, found.registries.first()) {
        (RegistryPart::New(_), Some(registry)) => registry::is_own(account, mark, registry).await,
        _ => Ok(false),
    }
}

/// Returns everything that a request which is done involved, as it is now.
pub(super) async fn show(context: &FlowContext<'_>, service: Service) -> Result<Creation, Cause> {
    let parts = look_at_parts(context.account, service);
    context.deadline.run(parts).await
}

async fn look_at_parts(account: &Account, service: Service) -> Result<Creation, Cause> {
    let cluster = service.cluster_arn().unwrap_or_default();
    let cluster = account.cluster_of("ecs:DescribeServices", cluster)?;
    let definition = service.task_definition().unwrap_or_default();
    let definition = TaskDefinitionName::from_answer(definition);
    let (found, task_definition, registry) = tokio::join!(
        ecs::describe_cluster(account, &cluster),
        ecs::describe_task_definition(account, &definition),
        first_registry(account, &service),
    );
    let missing = || {
        account.missing(
            "ecs:DescribeClusters",
            format!("there is no cluster `{cluster}`"),
        )
    };
    let lacking = || account.lacking("ecs:DescribeTaskDefinition", "taskDefinition");
    Ok(Creation {
        cluster: found?.ok_or_else(missing)?,
        task_definition: task_definition?.task_definition.ok_or_else(lacking)?,
        registry: registry?,
        service,
    })
}

async fn first_registry(account: &Account, service: &Service) -> Result<Option<Registry>, Error> {
    let arn = service
        .service_registries()
        .first()
        .and_then(|registry| registry.registry_arn());
    let Some(arn) = arn else { return Ok(None) };
    let id = RegistryId::of(arn, &account.account_region());
    match discovery::get_service(account, &id).await {
        Ok(registry) => Ok(Some(registry)),
        // It has been deleted since.
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
