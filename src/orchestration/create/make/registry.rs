//! The registry: a service of Cloud Map.

use aws_sdk_servicediscovery::operation::create_service::CreateServiceInput;
use aws_sdk_servicediscovery::types::Service as Registry;

use super::{Origin, Part};
use crate::aws::discovery::namespace_of;
use crate::aws::{Error, Kind, discovery};
use crate::deadline::Deadline;
use crate::orchestration::create::look::{Step, use_registry};
use crate::orchestration::idempotency::Owner;
use crate::orchestration::ledger::{Change, Ledger};
use crate::orchestration::site::Site;
use crate::orchestration::{Cause, tags};

/// Creates the registry, unless it is there. What AWS did not answer, or says is there, is looked for; what is not there
/// is asked for again, with the same token.
pub(super) async fn make(
    site: &Site<'_>,
    step: Option<Step<Registry, CreateServiceInput>>,
    token: &str,
    ledger: &Ledger,
    deadline: Deadline,
) -> Result<Option<Part<Registry>>, Cause> {
    let mut input = match step {
        None => return Ok(None),
        Some(Step::Use(registry)) => return Ok(Some(Part::new(registry, Origin::Others))),
        Some(Step::Resume(registry)) => return Ok(Some(resume(registry, ledger))),
        Some(Step::Make(input)) => input,
    };
    tags::put_on(&mut input.tags, &site.run.tags());
    input
        .creator_request_id
        .get_or_insert_with(|| token.to_owned());
    let (name, namespace_id) = (
        input.name.clone().unwrap_or_default(),
        input.namespace_id.clone().unwrap_or_default(),
    );
    let change = Change::Registry {
        name: name.clone(),
        namespace_id: namespace_id.clone(),
    };
    let error = match create(site, &input, &change, ledger).await {
        Err(error) if error.kind == Kind::Conflict || error.kind.leaves_outcome_unknown() => error,
        made => return Ok(Some(Part::new(made?, Origin::ThisRun))),
    };
    match look(site, &namespace_id, &name, deadline).await {
        Ok(Some((registry, owner))) => found(registry, owner, &input, &change, ledger).map(Some),
        Ok(None) if error.kind.leaves_outcome_unknown() => {
            match create(site, &input, &change, ledger).await {
                // What was asked for first has come about meanwhile, or a twin's has.
                Err(error) if error.kind == Kind::Conflict => {
                    match look(site, &namespace_id, &name, deadline).await {
                        Ok(Some((registry, owner))) => {
                            found(registry, owner, &input, &change, ledger).map(Some)
                        }
                        Ok(None) | Err(_) => Err(error.into()),
                    }
                }
                made => Ok(Some(Part::new(made?, Origin::ThisRun))),
            }
        }
        // What went wrong first is the cause.
        Ok(None) | Err(_) => Err(error.into()),
    }
}

/// The registry of a name, and whose it is.
async fn look(
    site: &Site<'_>,
    namespace_id: &str,
    name: &str,
    deadline: Deadline,
) -> Result<Option<(Registry, Owner)>, Error> {
    let Some(registry) = site.named_registry(namespace_id, name, deadline).await? else {
        return Ok(None);
    };
    let owner = site.owner_of_registry(registry.arn()).await?;
    Ok(Some((registry, owner)))
}

/// What a registry is to a run that wanted to create it.
fn found(
    registry: Registry,
    owner: Owner,
    wanted: &CreateServiceInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Part<Registry>, Cause> {
    if owner == Owner::ThisRun {
        ledger.found(change, registry.arn());
        return Ok(Part::new(registry, Origin::ThisRun));
    }
    ledger.forget(change);
    if owner == Owner::AnotherRun {
        return Ok(resume(registry, ledger));
    }
    use_registry(&registry, owner, wanted)?;
    Ok(Part::new(registry, Origin::Others))
}

fn resume(registry: Registry, ledger: &Ledger) -> Part<Registry> {
    let namespace_id = namespace_of(&registry).unwrap_or_default().to_owned();
    let change = Change::Registry {
        name: registry.name.clone().unwrap_or_default(),
        namespace_id,
    };
    ledger.leave(change, registry.arn.clone());
    Part::new(registry, Origin::AnotherRun)
}

async fn create(
    site: &Site<'_>,
    input: &CreateServiceInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Registry, Error> {
    let work = async {
        let answer = discovery::create_service(site.account, input.clone()).await?;
        answer.service.ok_or_else(|| {
            site.account
                .lacking("servicediscovery:CreateService", "Service")
        })
    };
    ledger.record(change, work, |made| made.arn.clone()).await
}
