//! Taking back the work of an invocation that has died: all that is known of it are the names of its record.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::Service;

use super::{ATTEMPT, Undo, UndoOutcome, UndoReport};
use crate::aws::{Account, Error, ecs};
use crate::deadline::Deadline;
use crate::ids::{ClusterName, Family, LogGroupName, ServiceName};
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::{log_group, service, task_definition};
use crate::orchestration::record::{Names, Record, WorkKind};
use crate::orchestration::undo::Standing;
use crate::orchestration::undo_log::{Change, Entry};

/// Takes back the work of an invocation that has died. If its service is there, in whatever status, the request counts
/// as done: whoever has deleted the service since wanted that.
pub async fn take_back_abandoned(
    account: &Account,
    record: &Record,
    deadline: Deadline,
) -> UndoOutcome {
    let mark = record.mark();
    let undo = Undo::new(account, &mark, deadline);
    match record.names.kind {
        WorkKind::Create => undo.run(created(&record.names), false).await,
        WorkKind::Deploy => take_back_deploy(undo, &record.names, deadline).await,
    }
}

/// A reason why a create that died is not complete, although its service is there.
#[derive(Debug, thiserror::Error)]
pub enum IncompleteCreate {
    /// AWS refused what is left.
    #[error(transparent)]
    Aws(#[from] Error),
    /// The log group of its containers is gone. A record holds its name, and not the tags that it is to have.
    #[error(
        "the service is there, but the log group `{0}` is not, to which its containers log; create it"
    )]
    NoLogGroup(LogGroupName),
}

/// Does what an invocation that died has left undone once its service was there: the retention of its log group.
///
/// # Errors
/// [`IncompleteCreate`] if the group is not there, or AWS refuses.
pub async fn complete_abandoned(
    account: &Account,
    record: &Record,
    service: &Service,
) -> Result<(), IncompleteCreate> {
    // Whoever has deleted the service since may have deleted its group, too.
    let is_needed = service.status() == Some("ACTIVE");
    let Some(name) = record.names.log_group.as_ref().filter(|_| is_needed) else {
        return Ok(());
    };
    let Some(found) = log_group::look(account, name).await? else {
        return Err(IncompleteCreate::NoLogGroup(name.clone()));
    };
    let logs = account.settings.logs.as_ref();
    let days = logs.and_then(|logs| logs.retention_in_days);
    log_group::complete_retention(account, &record.mark(), name, &found, days).await?;
    Ok(())
}

/// Returns the changes that a create may have made, the newest first.
fn created(names: &Names) -> Vec<Entry> {
    let service = names.cluster.clone().zip(names.service.clone());
    let registry = names.registry.clone().zip(names.namespace_id.clone());
    let cluster = names.cluster.clone().filter(|_| names.makes_cluster);
    let changes = [
        service.map(|(cluster, service)| Change::Service { cluster, service }),
        registry.map(|(name, namespace_id)| Change::Registry { name, namespace_id }),
        names.family.clone().map(Change::TaskDefinition),
        names.log_group.clone().map(Change::LogGroup),
        cluster.map(Change::Cluster),
    ];
    changes
        .into_iter()
        .flatten()
        .map(Entry::abandoned)
        .collect()
}

/// Takes back the revision of a deploy, unless the service runs it.
async fn take_back_deploy(mut undo: Undo<'_>, names: &Names, deadline: Deadline) -> UndoOutcome {
    let Some((cluster, service)) = names.cluster.as_ref().zip(names.service.as_ref()) else {
        return UndoOutcome::TakenBack(UndoReport::default());
    };
    let look = look_after(undo.account, undo.mark, cluster, service);
    let why = match deadline.within(ATTEMPT).limit(Box::pin(look)).await {
        Ok(Ok(Finding::Runs(service))) => return UndoOutcome::Fulfilled(service),
        Ok(Ok(Finding::RunsOthers(mut families))) => {
            // A rollback may have registered a copy in a family that the service did not run.
            families.extend(names.family.clone());
            let changes = families.into_iter().map(Change::TaskDefinition);
            return undo
                .run(changes.map(Entry::abandoned).collect(), false)
                .await;
        }
        Ok(Err(error)) => error.to_string(),
        Err(elapsed) => elapsed.to_string(),
    };
    let update = Entry::abandoned(Change::Update {
        cluster: cluster.clone(),
        service: service.clone(),
        revision: None,
        is_new_revision: false,
        previous: None,
    });
    undo.leave(&update, &why, Standing::Doubtful);
    UndoOutcome::TakenBack(undo.report)
}

/// A service as a deploy that died has left it.
enum Finding {
    /// It runs a revision with the mark.
    Runs(Box<Service>),
    /// It runs revisions of these families, none with the mark.
    RunsOthers(BTreeSet<Family>),
}

/// Looks whether a service runs a revision with the mark.
async fn look_after(
    account: &Account,
    mark: &Mark,
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<Finding, Error> {
    let Some(found) = ecs::describe_service(account, cluster, name).await? else {
        return Ok(Finding::RunsOthers(BTreeSet::new()));
    };
    let mut is_run = false;
    for arn in service::revisions(&found) {
        is_run |= task_definition::is_marked(account, mark, arn).await?;
    }
    if is_run {
        return Ok(Finding::Runs(Box::new(found)));
    }
    Ok(Finding::RunsOthers(service::families(&found)))
}
