//! The looks of a create: at the parts of a request before its first change, and at a service that is done.

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_ecs::types::{Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{CreateContext, Creation};
use crate::aws::{Account, Error, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::{RegistryId, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::{log_group, registry, task_definition};
use crate::orchestration::plan::ExistingParts;
use crate::orchestration::request::{CreateRequest, NewLogGroup, RegistryPart, TaskDefinitionPart};

/// The number of registries that are looked at together: AWS throttles per account.
const PARALLEL: usize = 5;

pub(super) async fn look_in_time(
    context: &CreateContext<'_>,
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

/// Looks for what an invocation that died has made of this very request.
pub(super) async fn look_for_own(
    context: &CreateContext<'_>,
    request: &CreateRequest,
    mark: &Mark,
    mut found: ExistingParts,
    deadline: Deadline,
) -> Result<ExistingParts, Cause> {
    let account = context.account;
    if let TaskDefinitionPart::New(new) = &request.task_definition {
        let revisions = task_definition::find_marked(account, mark, &new.family);
        let revisions = deadline.run(async { Ok::<_, Cause>(revisions.await?) });
        found.task_definition = revisions.await?.into_iter().next();
    }
    if let (Some(new), Some(_)) = (&request.log_group, &found.log_group) {
        let is_own = log_group::is_own(account, mark, &new.name);
        found.is_own_log_group = deadline.limit(Box::pin(is_own)).await??;
    }
    if let (RegistryPart::New(_), Some(registry)) = (&request.registry, found.registries.first()) {
        let is_own = registry::is_own(account, mark, registry);
        let is_own = deadline.run(async { Ok::<_, Cause>(is_own.await?) });
        found.is_own_registry = is_own.await?;
    }
    Ok(found)
}

/// Returns everything that a request which is done involved, as it is now.
pub(super) async fn show(context: &CreateContext<'_>, service: Service) -> Result<Creation, Cause> {
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
