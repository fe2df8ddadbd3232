//! Lists that are put together from several calls.

use aws_sdk_ecs::types::{LaunchType, Service, TaskDefinitionFamilyStatus, TaskDefinitionStatus};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::pages::{LIST_MAX, PageRequest, PageToken, ResultsPage};
use crate::aws::{Account, Error, Kind, ecs};
use crate::ids::{Arn, ClusterName, Family};

/// The number of calls of a fan-out that are under way at once: AWS throttles per account.
const PARALLEL: usize = 5;

/// The most services of one answer: with its events, a service takes up to 25 KB of the 6 MB that Lambda may answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const SERVICES_MAX: usize = 150;

/// A page of a cluster's services, described, with tags.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if nothing came in time.
pub async fn list_services_described(
    account: &Account,
    cluster: &ClusterName,
    launch_type: Option<LaunchType>,
    page: PageRequest,
) -> Result<ResultsPage<Service>, Error> {
    let (start, deadline) = (page.start.clone(), page.deadline);
    let page = PageRequest {
        limit: Some(
            page.limit
                .map_or(SERVICES_MAX, |limit| limit.min(SERVICES_MAX)),
        ),
        ..page
    };
    let listed = ecs::list_services(account, cluster, launch_type, page).await?;
    let batches: Vec<_> = listed
        .entries
        .chunks(ecs::DESCRIBE_SERVICES_MAX)
        .map(<[Arn]>::to_vec)
        .collect();
    let mut described = stream::iter(batches)
        .map(|batch| async move {
            Ok::<_, Error>((
                batch.len(),
                ecs::describe_services(account, cluster, &batch).await?,
            ))
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
                None => {
                    return Ok(ResultsPage {
                        entries,
                        next: listed.next,
                    });
                }
            },
            Err(_) if entries.is_empty() => return Err(account.too_late("ecs:DescribeServices")),
            Err(_) => {
                return Ok(ResultsPage {
                    entries,
                    next: Some(start.after(answered)),
                });
            }
        }
    }
}

/// A page of the revisions of a status of all families whose names begin with `prefix`, in the order of family and
/// revision.
///
/// # Errors
/// [`Error`] with AWS's refusal, or [`Kind::TimedOut`] if nothing came in time.
pub async fn list_task_definitions_by_prefix(
    account: &Account,
    prefix: &str,
    status: &TaskDefinitionStatus,
    page: PageRequest,
) -> Result<ResultsPage, Error> {
    // A family is ACTIVE while one of its revisions is.
    let families_status = if *status == TaskDefinitionStatus::Active {
        TaskDefinitionFamilyStatus::Active
    } else {
        TaskDefinitionFamilyStatus::All
    };
    let deadline = page.deadline;
    let families = ecs::list_task_definition_families(
        account,
        prefix,
        families_status,
        PageRequest::whole(deadline),
    )
    .await?;
    let families_go_on = families.next.is_some();
    // The list goes on after this revision: a count would slip when revisions are deregistered meanwhile.
    let token = page.start.token().unwrap_or_default();
    let (first, after) = token.rsplit_once(':').unwrap_or((token, "0"));
    let (first, after) = (Family::from_answer(first), after.parse().unwrap_or(0_u64));
    // Where the family is gone meanwhile, the list goes on with those that come after its name.
    let start = families.entries.iter().position(|family| *family == first);
    let start = start
        .or_else(|| families.entries.iter().position(|family| *family > first))
        .unwrap_or(families.entries.len());
    let families = families.entries.into_iter().skip(start);
    let mut revisions = stream::iter(families)
        .map(|family| async move {
            let listed = ecs::list_task_definitions(
                account,
                Some(&family),
                status,
                PageRequest::whole(deadline),
            )
            .await;
            (family, listed)
        })
        .buffered(PARALLEL);
    let limit = page.limit.unwrap_or(LIST_MAX);
    let (mut entries, mut last) = (Vec::new(), None);
    while let Some((family, listed)) = revisions.next().await {
        let after = if family == first { after } else { 0 };
        let listed = match listed {
            Err(error) if error.kind == Kind::TimedOut && !entries.is_empty() => {
                return Ok(ResultsPage {
                    entries,
                    next: Some(PageToken::new(format!("{family}:{after}"), 0)),
                });
            }
            listed => listed?,
        };
        let mut rest = listed
            .entries
            .into_iter()
            .filter(|arn| revision_of(arn) > after);
        let answers: Vec<_> = rest.by_ref().take(limit - entries.len()).collect();
        let answered = answers.last().map_or(after, revision_of);
        entries.extend(answers);
        last = Some(PageToken::new(format!("{family}:{answered}"), 0));
        if rest.next().is_some() || listed.next.is_some() {
            return Ok(ResultsPage {
                entries,
                next: last,
            });
        }
    }
    // Families that were not heard of in time come after the last one.
    Ok(ResultsPage {
        entries,
        next: last.filter(|_| families_go_on),
    })
}

/// `arn:aws:ecs:…:task-definition/web:7` → 7.
fn revision_of(arn: &Arn) -> u64 {
    arn.as_str()
        .rsplit(':')
        .next()
        .and_then(|revision| revision.parse().ok())
        .unwrap_or(0)
}
