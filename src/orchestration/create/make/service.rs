//! The service itself.

use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::types::Service;
use tokio::time::{Instant, sleep};

use super::Stop;
use crate::aws::{Error, Kind, ecs};
use crate::orchestration::idempotency::Owner;
use crate::orchestration::ledger::{Change, Ledger};
use crate::orchestration::site::Site;
use crate::orchestration::undo;

/// Creates the service. What AWS did not answer, or says is there, is looked for; what is not there is asked for again,
/// with the same token, so that AWS does not do it twice.
pub(super) async fn make(
    site: &Site<'_>,
    input: &CreateServiceInput,
    ledger: &Ledger,
) -> Result<Service, Stop> {
    let change = Change::Service {
        cluster: input.cluster.clone().unwrap_or_default(),
        service: input.service_name.clone().unwrap_or_default(),
    };
    let error = match create(site, input, &change, ledger).await {
        Ok(service) if is_active(&service) => return whose(site, service, &change, ledger).await,
        // The answer to the same token before the service was deleted: this is a new creation.
        Ok(_) => None,
        Err(error) if is_worth_a_look(&error) => Some(error),
        Err(error) => return Err(error.into()),
    };
    let found = site.service_of_request().await;
    let mut input = input.clone();
    match (found, error) {
        (Ok(Some((service, owner))), _) => return settled(service, owner, &change, ledger),
        // What went wrong first is the cause.
        (Err(_), Some(error)) | (Err(error), None) => return Err(error.into()),
        // Without a key the token is this run's alone: something else is in the way.
        (Ok(None), Some(error)) if error.kind == Kind::Conflict && !site.run.is_keyed() => {
            return Err(error.into());
        }
        (Ok(None), Some(error)) if error.kind.leaves_outcome_unknown() => {}
        // The token stands for a service that is gone.
        (Ok(None), _) => input.client_token = Some(site.run.own_token()),
    }
    match create(site, &input, &change, ledger).await {
        Ok(service) => whose(site, service, &change, ledger).await,
        Err(error) if is_worth_a_look(&error) => match shows(site).await {
            Some((service, owner)) => settled(service, owner, &change, ledger),
            None => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// The service of this request, as long as ECS may need to show it.
async fn shows(site: &Site<'_>) -> Option<(Service, Owner)> {
    let begun = Instant::now();
    loop {
        let found = site.service_of_request().await.ok()?;
        if found.is_some() || begun.elapsed() > undo::SETTLES {
            return found;
        }
        sleep(undo::PAUSE).await;
    }
}

async fn create(
    site: &Site<'_>,
    input: &CreateServiceInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Service, Error> {
    let work = async {
        let answer = ecs::create_service(site.account, input.clone()).await?;
        answer
            .service
            .ok_or_else(|| site.account.lacking("ecs:CreateService", "service"))
    };
    ledger
        .record(change, work, |service| service.service_arn.clone())
        .await
}

/// Whether a look tells more of a create than its error: it may have been done, by this run or by a twin.
fn is_worth_a_look(error: &Error) -> bool {
    error.kind == Kind::Conflict || error.kind.leaves_outcome_unknown()
}

fn is_active(service: &Service) -> bool {
    service.status().is_none_or(|status| status == "ACTIVE")
}

/// A service that AWS answered is this run's, unless its tags say that AWS answered a twin's again.
async fn whose(
    site: &Site<'_>,
    service: Service,
    change: &Change,
    ledger: &Ledger,
) -> Result<Service, Stop> {
    match site.owner(service.tags()) {
        Owner::AnotherRun => settled(service, Owner::AnotherRun, change, ledger),
        // An answer without tags says nothing.
        Owner::Unmarked if site.run.is_keyed() => match site.service_of_request().await? {
            Some((found, owner)) => settled(found, owner, change, ledger),
            None => Ok(service),
        },
        _ => Ok(service),
    }
}

fn settled(
    service: Service,
    owner: Owner,
    change: &Change,
    ledger: &Ledger,
) -> Result<Service, Stop> {
    if owner == Owner::ThisRun {
        ledger.found(change, service.service_arn());
        return Ok(service);
    }
    ledger.forget(change);
    Err(Stop::DoneByAnother(Box::new(service)))
}
