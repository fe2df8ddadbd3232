//! The task definition's revision. AWS knows no token for it: each call makes another one.

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::TaskDefinition;
use tokio::time::{Instant, sleep};

use super::{Origin, Part};
use crate::aws::{Error, Kind, ecs};
use crate::orchestration::create::look::Step;
use crate::orchestration::idempotency::Owner;
use crate::orchestration::ledger::{Change, Ledger};
use crate::orchestration::site::Site;
use crate::orchestration::{tags, undo};

/// Registers a revision, unless one is there.
pub(super) async fn make(
    site: &Site<'_>,
    step: Step<TaskDefinition, RegisterTaskDefinitionInput>,
    latest: i32,
    ledger: &Ledger,
) -> Result<Part<TaskDefinition>, Error> {
    let mut input = match step {
        Step::Use(found) => return Ok(Part::new(found, Origin::Others)),
        Step::Resume(found) => {
            let family = found.family.clone().unwrap_or_default();
            ledger.leave(
                Change::TaskDefinition(family),
                found.task_definition_arn.clone(),
            );
            return Ok(Part::new(found, Origin::AnotherRun));
        }
        Step::Make(input) => input,
    };
    tags::put_on(&mut input.tags, &site.run.tags());
    let change = Change::TaskDefinition(input.family.clone().unwrap_or_default());
    match register(site, &input, &change, ledger).await {
        // Nobody registered one in between.
        Ok(made) if !site.run.is_keyed() || made.revision() <= latest.saturating_add(1) => {
            Ok(Part::new(made, Origin::ThisRun))
        }
        Ok(made) => settle(site, &change, Some(made), latest, ledger).await,
        Err(error) if error.kind.leaves_outcome_unknown() => {
            let made = match shows(site, &change, latest).await {
                Ok(true) => None,
                Ok(false) if error.kind == Kind::Unavailable => {
                    Some(register(site, &input, &change, ledger).await?)
                }
                // What AWS may still be at work on, it is not asked for a second time. What went wrong first is the
                // cause.
                Ok(false) | Err(_) => return Err(error),
            };
            settle(site, &change, made, latest, ledger).await
        }
        Err(error) => Err(error),
    }
}

async fn register(
    site: &Site<'_>,
    input: &RegisterTaskDefinitionInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<TaskDefinition, Error> {
    let work = async {
        let answer = ecs::register_task_definition(site.account, input.clone()).await?;
        answer.task_definition.ok_or_else(|| {
            site.account
                .lacking("ecs:RegisterTaskDefinition", "taskDefinition")
        })
    };
    ledger
        .record(change, work, |made| made.task_definition_arn.clone())
        .await
}

/// Whether a revision of this run shows, as long as AWS may need to show it.
async fn shows(site: &Site<'_>, change: &Change, above: i32) -> Result<bool, Error> {
    let asked_at = Instant::now();
    loop {
        let found = site.revisions(change.name(), above).await?;
        let is_there = found.own_arns().next().is_some();
        if is_there || asked_at.elapsed() > undo::SETTLES {
            return Ok(is_there);
        }
        sleep(undo::PAUSE).await;
    }
}

/// Of all revisions that this request has registered above a number, the lowest is used, whoever registered it, and
/// this run deregisters the others of its own. One that was `made` may not show yet.
async fn settle(
    site: &Site<'_>,
    change: &Change,
    made: Option<TaskDefinition>,
    above: i32,
    ledger: &Ledger,
) -> Result<Part<TaskDefinition>, Error> {
    let missing = || {
        site.account.missing(
            "ecs:DescribeTaskDefinition",
            format!("{change} was registered and is not there"),
        )
    };
    let seen = site.revisions(change.name(), above).await?.of_request;
    let mut all = lowest_first(seen, made).into_iter();
    let (lowest, owner) = all.next().ok_or_else(missing)?;
    for (revision, _) in all.filter(|(_, owner)| *owner == Owner::ThisRun) {
        ecs::deregister_task_definition(
            site.account,
            revision.task_definition_arn().unwrap_or_default(),
        )
        .await?;
    }
    if owner == Owner::ThisRun {
        ledger.found(change, lowest.task_definition_arn());
        return Ok(Part::new(lowest, Origin::ThisRun));
    }
    ledger.forget(change);
    ledger.leave(change.clone(), lowest.task_definition_arn.clone());
    Ok(Part::new(lowest, Origin::AnotherRun))
}

/// The revisions that show, and the one that this run has `made`, whether it shows or not.
fn lowest_first(
    seen: Vec<(TaskDefinition, Owner)>,
    made: Option<TaskDefinition>,
) -> Vec<(TaskDefinition, Owner)> {
    let mut all = seen;
    let unseen = made.filter(|made| {
        all.iter()
            .all(|(other, _)| other.revision() != made.revision())
    });
    all.extend(unseen.map(|made| (made, Owner::ThisRun)));
    all.sort_by_key(|(revision, _)| revision.revision());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_that_does_not_show_yet_keeps_its_place() {
        let revision = |number| TaskDefinition::builder().revision(number).build();
        let numbers = |seen: &[i32], made| {
            let seen = seen
                .iter()
                .map(|number| (revision(*number), Owner::AnotherRun))
                .collect();
            lowest_first(seen, made)
                .iter()
                .map(|(found, owner)| (found.revision(), *owner))
                .collect::<Vec<_>>()
        };
        // Were a twin's higher one taken for the lowest, each run would deregister what the other uses.
        assert_eq!(
            numbers(&[3], Some(revision(2))),
            [(2, Owner::ThisRun), (3, Owner::AnotherRun)]
        );
        assert_eq!(
            numbers(&[2], Some(revision(3))),
            [(2, Owner::AnotherRun), (3, Owner::ThisRun)]
        );
        assert_eq!(numbers(&[2], Some(revision(2))), [(2, Owner::AnotherRun)]);
        assert_eq!(numbers(&[2], None), [(2, Owner::AnotherRun)]);
    }
}
