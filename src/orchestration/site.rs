//! Where a run works: the account, the service that is to be, and what the tags say there of who made what.

use std::time::{Duration, SystemTime};

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{Service, Tag, TaskDefinition, TaskDefinitionStatus};
use aws_sdk_servicediscovery::types::Service as Registry;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::idempotency::{Owner, Run};
use crate::aws::discovery::namespace_of;
use crate::aws::pages::PageRequest;
use crate::aws::{Account, Error, Kind, discovery, ecs};
use crate::deadline::Deadline;

/// How many looks at the same kind of thing are under way at once: AWS throttles per account.
pub(super) const PARALLEL: usize = 5;
/// How many of a family's revisions are looked at together, the latest first.
const REVISIONS_AT_ONCE: i32 = 10;
/// How many of a family's latest revisions are looked at in all.
const REVISIONS_MAX: i32 = 100;
/// What is older than this was not made by an earlier run of the same request.
const KEY_LIFETIME: Duration = Duration::from_hours(24);

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
    /// The service, if it is ACTIVE and this very request made it; and whether this run did.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn service_of_request(&self) -> Result<Option<(Service, Owner)>, Error> {
        let found = ecs::describe_service(self.account, &self.cluster, &self.service).await?;
        let active = found.filter(|service| service.status() == Some("ACTIVE"));
        let owned = active.map(|service| {
            let owner = self.owner(service.tags());
            (service, owner)
        });
        Ok(owned.filter(|(_, owner)| owner.is_this_request()))
    }

    /// Whose a thing of ECS with these tags is.
    pub fn owner(&self, tags: &[Tag]) -> Owner {
        self.run
            .owner(tags.iter().map(|tag| (tag.key(), tag.value())))
    }

    /// Whose the registry of an ARN is.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn owner_of_registry(&self, arn: Option<&str>) -> Result<Owner, Error> {
        let Some(arn) = arn else {
            return Ok(Owner::Unmarked);
        };
        let tags = discovery::list_tags_for_resource(self.account, arn).await?;
        Ok(self
            .run
            .owner(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
    }

    /// The registry of a name in a namespace. (AWS lists only those of the namespace; an AWS that lists all is answered
    /// right too.)
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if the list is too long for the time.
    pub async fn named_registry(
        &self,
        namespace_id: &str,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<Registry>, Error> {
        let listed = discovery::list_services(
            self.account,
            Some(namespace_id),
            PageRequest::whole(deadline),
        )
        .await?;
        let named = listed
            .entries
            .into_iter()
            .filter(|summary| summary.name() == Some(name));
        for id in named.filter_map(|summary| summary.id) {
            let registry = discovery::get_service(self.account, &id).await?;
            if namespace_of(&registry).is_none_or(|other| id_of(other) == id_of(namespace_id)) {
                return Ok(Some(registry));
            }
        }
        if listed.next.is_some() {
            Err(self.account.too_late("servicediscovery:ListServices"))
        } else {
            Ok(None)
        }
    }

    /// Looks through a family's revisions above a number, as far back as a key is remembered.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal.
    pub async fn revisions(&self, family: &str, above: i32) -> Result<Revisions, Error> {
        let Some((latest, tags)) = known_revision(self.account, family).await? else {
            return Ok(Revisions::default());
        };
        let mut found = Revisions {
            latest: latest.revision(),
            ..Revisions::default()
        };
        let (mut next, end) = (
            latest.revision().saturating_sub(1),
            above.max(latest.revision().saturating_sub(REVISIONS_MAX)),
        );
        let mut batch = vec![(latest, tags)];
        loop {
            let is_old = batch
                .iter()
                .any(|(revision, _)| is_older(revision.registered_at(), KEY_LIFETIME));
            for (revision, tags) in batch {
                found.add(revision, self.owner(&tags));
            }
            if is_old || next <= end {
                found
                    .of_request
                    .sort_by_key(|(revision, _)| revision.revision());
                return Ok(found);
            }
            let first = end.max(next.saturating_sub(REVISIONS_AT_ONCE));
            let names = (first.saturating_add(1)..=next).map(|number| format!("{family}:{number}"));
            let looks = stream::iter(names)
                .map(|name| async move { known_revision(self.account, &name).await });
            let known: Vec<_> = looks.buffered(PARALLEL).try_collect().await?;
            (batch, next) = (known.into_iter().flatten().collect(), first);
        }
    }
}

/// A namespace's id, given as that or by its ARN, `arn:aws:servicediscovery:…:namespace/ns-…`.
fn id_of(namespace: &str) -> &str {
    namespace.rsplit('/').next().unwrap_or(namespace)
}

/// What a family's latest revisions say of a request.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    /// The number of the latest; 0 if there is none.
    pub latest: i32,
    /// The ACTIVE ones that this very request registered, the lowest first, each with the run that did.
    pub of_request: Vec<(TaskDefinition, Owner)>,
    /// Whether one is of the same key and another body.
    pub is_key_reused: bool,
}

impl Revisions {
    fn add(&mut self, revision: TaskDefinition, owner: Owner) {
        match owner {
            _ if revision.status() != Some(&TaskDefinitionStatus::Active) => {}
            Owner::Others | Owner::Unmarked => {}
            Owner::SameKey => self.is_key_reused = true,
            Owner::ThisRun | Owner::AnotherRun => self.of_request.push((revision, owner)),
        }
    }

    /// The ARNs of those that this run registered.
    pub fn own_arns(self) -> impl Iterator<Item = String> {
        let own = self
            .of_request
            .into_iter()
            .filter(|(_, owner)| *owner == Owner::ThisRun);
        own.filter_map(|(revision, _)| revision.task_definition_arn)
    }
}

/// A task definition with its tags; `None` if AWS knows none of the name.
pub(super) async fn known_revision(
    account: &Account,
    name: &str,
) -> Result<Option<(TaskDefinition, Vec<Tag>)>, Error> {
    match ecs::describe_task_definition(account, name).await {
        Ok(answer) => Ok(answer
            .task_definition
            .map(|found| (found, answer.tags.unwrap_or_default()))),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a time that AWS gave lies further back than `age`.
pub(super) fn is_older(made_at: Option<&DateTime>, age: Duration) -> bool {
    let since = SystemTime::now().checked_sub(age).map(DateTime::from);
    made_at
        .zip(since)
        .is_some_and(|(made_at, since)| *made_at < since)
}
