//! The service itself.

use std::time::Duration;

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::types::Service;

use crate::aws::{Account, Error, Kind, ecs};
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::mark::Mark;
use crate::orchestration::undo_log::{Change, UndoLog};

/// The time for which ECS may not have heard of what was just made for a service.
pub(in crate::orchestration) const READY: Duration = Duration::from_secs(8);

/// Creates the service. What AWS did not answer is asked for again with the same token, which ECS answers with the
/// service that it has made.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn make(
    account: &Account,
    mark: &Mark,
    (cluster, name): (&ClusterName, &ServiceName),
    input: &CreateServiceInput,
    log: &UndoLog,
) -> Result<Service, Error> {
    let change = Change::Service {
        cluster: cluster.clone(),
        service: name.clone(),
    };
    let made = match create(account, input, &change, log).await {
        Err(error) if error.kind.leaves_outcome_unknown() => {
            create(account, input, &change, log).await
        }
        made => made,
    };
    let error = match made {
        Err(error) if is_there_perhaps(&error) => error,
        made => return made,
    };
    match find_marked(account, mark, cluster, name).await {
        Ok(Some(found)) => {
            log.note_made(&change, found.service_arn());
            Ok(found)
        }
        // The first error is the cause.
        Ok(None) | Err(_) => Err(error),
    }
}

/// Tells whether a look says more than an error: the service may have been created, or another one has the name.
fn is_there_perhaps(error: &Error) -> bool {
    error.kind == Kind::Conflict || error.kind.leaves_outcome_unknown()
}

async fn create(
    account: &Account,
    input: &CreateServiceInput,
    change: &Change,
    log: &UndoLog,
) -> Result<Service, Error> {
    let work = async {
        let answer = ecs::create_service(account, input.clone()).await?;
        answer
            .service
            .ok_or_else(|| account.lacking("ecs:CreateService", "service"))
    };
    log.track(change, work, |service| service.service_arn.clone())
        .await
}

/// Returns the service of a name if it has the mark, in whatever status.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn find_marked(
    account: &Account,
    mark: &Mark,
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<Option<Service>, Error> {
    let found = ecs::describe_service(account, cluster, name).await?;
    Ok(found.filter(|service| mark.is_on(service.tags())))
}
