//! Lists that are put together from several calls.

use aws_sdk_ecs::types::{LaunchType, Service, TaskDefinitionFamilyStatus, TaskDefinitionStatus};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::pages::{Cursor, LIST_MAX, Listing, Span};
use crate::aws::{Account, Error, Kind, ecs};

/// How many calls of a fan-out are under way at once: AWS throttles per account.
const PARALLEL: usize = 5;

/// The most services of one answer: with its events, a service takes up to 25 KB of the 6 MB that Lambda may answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const SERVICES_MAX: usize = 150;

/// A span of a cluster's services, described, with tags.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if nothing came in time.
pub async fn list_services_described(
    account: &Account,
    cluster: &str,
    launch_type: Option<LaunchType>,
    span: Span,
) -> Result<Listing<Service>, Error> {
    let (start, deadline) = (span.start.clone(), span.deadline);
    let span = Span { limit: Some(span.limit.map_or(SERVICES_MAX, |limit| limit.min(SERVICES_MAX))), ..span };
    let listed = ecs::list_services(account, cluster, launch_type, span).await?;
    let batches: Vec<_> = listed.entries.chunks(ecs::DESCRIBE_SERVICES_MAX).map(<[String]>::to_vec).collect();
    let mut described =
        stream::iter(batches)
            .map(|batch| async move {
                Ok::<_, Error>((batch.len(), ecs::describe_services(account, cluster, &batch).await?))
            })
            .buffered(PARALLEL);
    let (mut entries, mut answered) = (Vec::new(), 0);
    loop {
        match deadline.limit(described.try_next()).await {
            Ok(batch) => match batch? {
                Some((asked, services)) => {
                    answered += asked;
                    entries.extend(services);
                }
                None => return Ok(Listing { entries, next: listed.next }),
            },
            Err(_) if entries.is_empty() => return Err(account.too_late("ecs:DescribeServices")),
            Err(_) => return Ok(Listing { entries, next: Some(start.after(answered)) }),
        }
    }
}

/// A span of the revisions of a status of all families whose names begin with `prefix`, in the order of family and
/// revision.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if nothing came in time.
pub async fn list_task_definitions_by_prefix(
    account: &Account,
    prefix: &str,
    status: &TaskDefinitionStatus,
    span: Span,
) -> Result<Listing, Error> {
    // A family is ACTIVE while one of its revisions is.
    let families_status = if *status == TaskDefinitionStatus::Active {
        TaskDefinitionFamilyStatus::Active
    } else {
        TaskDefinitionFamilyStatus::All
    };
    let deadline = span.deadline;
    let families = ecs::list_task_definition_families(account, prefix, families_status, Span::whole(deadline)).await?;
    let families_go_on = families.next.is_some();
    let first = span.start.token().unwrap_or_default().to_owned();
    // Where the family is gone meanwhile, the list goes on with those that come after its name.
    let start = families.entries.iter().position(|family| *family == first);
    let start =
        start.or_else(|| families.entries.iter().position(|family| *family > first)).unwrap_or(families.entries.len());
    let families = families.entries.into_iter().skip(start);
    let mut revisions = stream::iter(families)
        .map(|family| async move {
            let listed = ecs::list_task_definitions(account, Some(&family), status, Span::whole(deadline)).await;
            (family, listed)
        })
        .buffered(PARALLEL);
    let limit = span.limit.unwrap_or(LIST_MAX);
    let (mut entries, mut last) = (Vec::new(), None);
    while let Some((family, listed)) = revisions.next().await {
        let answered = if family == first { span.start.skip() } else { 0 };
        let listed = match listed {
            Err(error) if error.kind == Kind::TimedOut && !entries.is_empty() => {
                return Ok(Listing { entries, next: Some(Cursor::new(family, answered)) });
            }
            listed => listed?,
        };
        let total = listed.entries.len();
        let until = total.min(answered.saturating_add(limit - entries.len()));
        entries.extend(listed.entries.into_iter().take(until).skip(answered));
        last = Some(Cursor::new(family, until));
        if until < total || listed.next.is_some() {
            return Ok(Listing { entries, next: last });
        }
    }
    // Families that were not heard of in time come after the last one.
    Ok(Listing { entries, next: last.filter(|_| families_go_on) })
}
