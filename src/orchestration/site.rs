//! Where a run works: the account, the service that is to be, and what its tags say there of who made what.

use std::ops::Range;

use aws_sdk_ecs::types::{Service, Tag, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::idempotency::{Owner, Run};
use crate::aws::{Account, Error, Kind, discovery, ecs};

/// How many looks at the same kind of thing are under way at once: AWS throttles per account.
const PARALLEL: usize = 5;
/// How many of a family's latest revisions are looked at for one that another run of the request has registered.
const REVISIONS_LOOKED_AT: i32 = 10;

/// The account, the run, and the place of the service.
#[derive(Debug)]
pub(super) struct Site<'r> {
    pub account: &'r Account,
    pub run: &'r Run,
    /// The cluster's name or ARN.
    pub cluster: String,
    /// The service's name.
    pub service: String,
}

impl Site<'_> {
    /// The service, if it is there and this very request made it, in this run or in another. Without a key it can't
    /// be known, and nothing is called.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn service_of_claim(&self) -> Result<Option<Service>, Error> {
        if !self.run.is_keyed() {
            return Ok(None);
        }
        let found = ecs::describe_service(self.account, &self.cluster, &self.service).await?;
        let is_done = |service: &Service| {
            service.status() == Some("ACTIVE") && matches!(self.owner(service.tags()), Owner::This { .. })
        };
        Ok(found.filter(is_done))
    }

    /// Whose a thing of ECS with these tags is.
    pub fn owner(&self, tags: &[Tag]) -> Owner {
        self.run.owner(tags.iter().map(|tag| (tag.key(), tag.value())))
    }

    /// Whose a registry is. Without a key it can't be known, and nothing is called.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn owner_of_registry(&self, registry: &Registry) -> Result<Owner, Error> {
        let Some(arn) = registry.arn().filter(|_| self.run.is_keyed()) else { return Ok(Owner::Others) };
        let tags = discovery::list_tags_for_resource(self.account, arn).await?;
        Ok(self.run.owner(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
    }

    /// Looks through a family's latest ACTIVE revisions above a number.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn revisions(&self, family: &str, above: i32) -> Result<Revisions, Error> {
        let Some((latest, tags)) = known_revision(self.account, family).await? else { return Ok(Revisions::default()) };
        let number = latest.revision();
        let others = above.max(number - REVISIONS_LOOKED_AT) + 1..number;
        let mut all = revisions(self.account, family, others).await?;
        all.push((latest, tags));
        let mut found = Revisions { latest: number, ..Revisions::default() };
        for (revision, tags) in all {
            if revision.status() != Some(&TaskDefinitionStatus::Active) {
                continue;
            }
            match self.owner(&tags) {
                Owner::Others => {}
                Owner::SameKey => found.is_key_reused = true,
                Owner::This { is_this_run } => {
                    if is_this_run && found.own.is_none() {
                        found.own = Some(revision.clone());
                    }
                    found.lowest.get_or_insert((revision, is_this_run));
                }
            }
        }
        Ok(found)
    }
}

/// A task definition with its tags; `None` if AWS knows none of the name.
pub(super) async fn known_revision(account: &Account, name: &str) -> Result<Option<(TaskDefinition, Vec<Tag>)>, Error> {
    match ecs::describe_task_definition(account, name).await {
        Ok(answer) => Ok(answer.task_definition.map(|found| (found, answer.tags.unwrap_or_default()))),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a family's latest revisions say of a keyed request.
#[derive(Default)]
pub(super) struct Revisions {
    /// The number of the latest; 0 if there is none.
    pub latest: i32,
    /// The lowest ACTIVE one of the claim, and whether this run registered it.
    pub lowest: Option<(TaskDefinition, bool)>,
    /// The lowest that this run registered.
    pub own: Option<TaskDefinition>,
    /// Whether one is of the same key and another body.
    pub is_key_reused: bool,
}

/// The revisions of these numbers that AWS knows, in their order.
async fn revisions(
    account: &Account,
    family: &str,
    numbers: Range<i32>,
) -> Result<Vec<(TaskDefinition, Vec<Tag>)>, Error> {
    let names: Vec<_> = numbers.map(|number| format!("{family}:{number}")).collect();
    let looks = stream::iter(names).map(|name| async move { known_revision(account, &name).await });
    let found: Vec<_> = looks.buffered(PARALLEL).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
