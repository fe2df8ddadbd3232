//! The service itself.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::{Deployment, Service, Tag};
use tokio::time::{Instant, sleep};

use super::{PAUSE, is_there_perhaps};
use crate::aws::{Account, Error, Kind, ecs};
use crate::ids::{Arn, ClusterName, Family, ServiceName};
use crate::orchestration::mark::Mark;
use crate::orchestration::tag_update::TagUpdate;
use crate::orchestration::undo_log::{Change, UndoLog};

/// The time for which ECS may not have heard of what was just made for a service.
pub(in crate::orchestration) const PROPAGATION_MAX: Duration = Duration::from_secs(8);

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

/// Returns the ARN of a service revision, by the service's own and the revision's id.
pub(in crate::orchestration) fn revision_arn(service: &Service, id: &str) -> Arn {
    let arn = service.service_arn().unwrap_or_default();
    let arn = arn.replacen(":service/", ":service-revision/", 1);
    Arn::from_answer(format!("{arn}/{id}"))
}

/// Returns the deployment that a service is to come to.
pub(in crate::orchestration) fn primary(service: &Service) -> Option<&Deployment> {
    let mut deployments = service.deployments().iter();
    deployments.find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Creates an update that changes nothing yet.
pub(in crate::orchestration) fn blank_update(
    cluster: &ClusterName,
    service: &ServiceName,
) -> UpdateServiceInput {
    let update = UpdateServiceInput::builder()
        .cluster(cluster.as_str())
        .service(service.as_str());
    // Nothing is required but the service.
    update
        .build()
        .unwrap_or_else(|_| unreachable!("the service is given"))
}

/// The update of a service that is there.
#[derive(Debug)]
pub(in crate::orchestration) struct Update<'u> {
    /// The cluster and the service.
    pub name: (&'u ClusterName, &'u ServiceName),
    /// The input of the update.
    pub input: &'u UpdateServiceInput,
    /// The revision that the service is to run, if it is another one than before.
    pub revision: Option<Arn>,
    /// The revision that it ran before.
    pub previous: Option<Arn>,
    /// ECS may not have heard of the revision yet.
    pub is_new_revision: bool,
}

/// Updates the service. What AWS did not answer is asked for again, unless it would deploy once more: ECS has the same
/// service then.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn update(
    account: &Account,
    update: Update<'_>,
    log: &UndoLog,
) -> Result<Service, Error> {
    let (cluster, service) = update.name;
    let change = Change::Update {
        cluster: cluster.clone(),
        service: service.clone(),
        revision: update.revision,
        is_new_revision: update.is_new_revision,
        previous: update.previous,
    };
    let is_forced = update.input.force_new_deployment == Some(true);
    let begun = Instant::now();
    let mut is_asked_again = false;
    loop {
        match ask_for_update(account, update.input, &change, log).await {
            Err(error) if error.kind.leaves_outcome_unknown() && !is_forced && !is_asked_again => {
                is_asked_again = true;
            }
            Err(error)
                if update.is_new_revision
                    && is_unheard_of(&error)
                    && begun.elapsed() < PROPAGATION_MAX =>
            {
                sleep(PAUSE).await;
            }
            updated => return updated,
        }
    }
}

/// Returns `true` if ECS has not heard of a revision that was registered just now, or of its role.
fn is_unheard_of(error: &Error) -> bool {
    let is_of_place = ["ServiceNotFoundException", "ClusterNotFoundException"]
        .map(Some)
        .contains(&error.code.as_deref());
    error.kind == Kind::NotReady || (error.kind == Kind::NotFound && !is_of_place)
}

async fn ask_for_update(
    account: &Account,
    input: &UpdateServiceInput,
    change: &Change,
    log: &UndoLog,
) -> Result<Service, Error> {
    let work = async {
        let answer = ecs::update_service(account, input.clone()).await?;
        answer
            .service
            .ok_or_else(|| account.lacking("ecs:UpdateService", "service"))
    };
    log.track(change, work, |_| None).await
}

/// Returns `true` if a service runs a revision, or is about to.
pub(in crate::orchestration) fn runs(service: &Service, revision: &str) -> bool {
    revisions(service).any(|run| run == revision)
}

/// Returns `true` if a service is to run a revision, whatever else runs until its deployment is over.
pub(in crate::orchestration) fn wants(service: &Service, revision: &str) -> bool {
    service.task_definition() == Some(revision)
}

/// Returns the ARNs of the revisions that a service runs or is about to, the wanted one first.
pub(in crate::orchestration) fn revisions(service: &Service) -> impl Iterator<Item = &str> {
    let deployments = service.deployments().iter();
    let deployed = deployments.filter_map(|deployment| deployment.task_definition());
    let wanted = service.task_definition();
    let others = deployed.filter(move |arn| Some(*arn) != wanted);
    wanted.into_iter().chain(others)
}

/// Returns the families that a service runs or is about to.
pub(in crate::orchestration) fn families(service: &Service) -> BTreeSet<Family> {
    revisions(service).filter_map(Family::of_revision).collect()
}

/// Changes tags of a service that has `present` ones. Each of the two calls can be taken back alone.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn change_tags(
    account: &Account,
    update: &TagUpdate,
    present: &[Tag],
    log: &UndoLog,
) -> Result<(), Error> {
    let (set, unset) = update.halves();
    let (set, unset) = tokio::join!(
        change_half(account, set, present, log),
        change_half(account, unset, present, log),
    );
    set.and(unset)
}

async fn change_half(
    account: &Account,
    half: Option<TagUpdate>,
    present: &[Tag],
    log: &UndoLog,
) -> Result<(), Error> {
    let Some(half) = half else { return Ok(()) };
    let change = Change::Tags(half.inverse(present));
    let work = Box::pin(put_tags(account, &half));
    log.track(&change, work, |()| None).await
}

/// Sets and removes tags of a service.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub(in crate::orchestration) async fn put_tags(
    account: &Account,
    update: &TagUpdate,
) -> Result<(), Error> {
    let (set, unset) = tokio::join!(
        async {
            if update.set.is_empty() {
                return Ok(());
            }
            ecs::tag_resource(account, &update.arn, update.tags()).await
        },
        async {
            if update.unset.is_empty() {
                return Ok(());
            }
            ecs::untag_resource(account, &update.arn, update.unset.clone()).await
        },
    );
    set.and(unset)
}
