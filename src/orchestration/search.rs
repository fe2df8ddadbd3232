//! A search for services over many accounts: each by itself, so that one that fails or is silent costs the others nothing.

mod account;
mod place;

use std::time::Duration;

use futures_util::future::join_all;

use aws_sdk_ecs::types::{LaunchType, Service};

use crate::aws::{Account, Error};
use crate::deadline::{Deadline, Elapsed};
use crate::pattern::matches;

pub use place::{After, Place};

/// The most accounts that are looked through at once.
const ACCOUNTS_MAX: usize = 16;
/// The accounts that are looked through at once to begin with, where no limit is given. Twice as many follow, and so on: what
/// one page can't hold is not looked for.
const ACCOUNTS_FIRST: usize = 4;
/// The most services of a page: without its events one has some 3 KB of the 6 MB that Lambda may answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const SERVICES_MAX: usize = 1000;

/// The services that are looked for: those that agree with everything that is given.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The cluster's name.
    pub cluster: Option<String>,
    /// The service's name, in which `*` stands for any text.
    pub name: Option<String>,
    /// A tag, as `key:value`, or a key alone.
    pub tag: Option<String>,
    /// A part of the reference of a container's image.
    pub image: Option<String>,
    /// The status. ECS lists ACTIVE services alone; others are found by their whole name.
    pub status: Option<&'static str>,
    /// The launch type.
    pub launch_type: Option<LaunchType>,
}

/// A page of a search.
#[derive(Debug, Clone)]
pub struct SearchPage {
    /// The place at which the search goes on.
    pub start: Place,
    /// The most services.
    pub limit: Option<usize>,
    /// The time to answer what has been found.
    pub deadline: Deadline,
}

/// A service, or what could not be looked at, with its place.
#[derive(Debug)]
pub enum Finding {
    /// A service.
    Service(Box<Service>),
    /// The account, or one of its clusters, refused or did not answer.
    Refused {
        /// The cluster, where it is only that.
        cluster: Option<String>,
        /// The reason.
        error: Error,
    },
}

/// The findings of a page, in the order of accounts, clusters and services.
#[derive(Debug, Default)]
pub struct Findings {
    /// Each finding with the place behind it, at which a search goes on that ends with it.
    pub entries: Vec<(Place, Finding)>,
    /// The place at which the search goes on, unless this was its end.
    pub next: Option<Place>,
}

/// Looks for services in these accounts, which are in the order of their names.
///
/// # Errors
/// [`Elapsed`] if the time was over before the search came any further than its start.
pub async fn search(
    mut accounts: Vec<(&str, &Account)>,
    filter: &Filter,
    page: SearchPage,
) -> Result<Findings, Elapsed> {
    accounts.retain(|(name, _)| *name >= page.start.account.as_str());
    let Some((first, _)) = accounts.first() else {
        return Ok(Findings::default());
    };
    let begin = page.start.in_account(first);
    let findings = look_through(accounts, filter, page).await;
    if findings.entries.is_empty() && findings.next == Some(begin) {
        return Err(Elapsed);
    }
    Ok(findings)
}

async fn look_through(
    accounts: Vec<(&str, &Account)>,
    filter: &Filter,
    page: SearchPage,
) -> Findings {
    let limit = page.limit.unwrap_or(SERVICES_MAX).min(SERVICES_MAX);
    let mut width = page.limit.map_or(ACCOUNTS_FIRST, |_| 1);
    let mut left: Vec<_> = accounts.into_iter().rev().collect();
    let mut findings = Findings::default();
    let mut found = 0;
    while let Some((first, _)) = left.last() {
        if !page.deadline.leaves(Duration::ZERO) {
            findings.next = Some(page.start.in_account(first));
            return findings;
        }
        let side_by_side = left.split_off(left.len().saturating_sub(width));
        let looks = side_by_side.into_iter().rev().map(|(name, account)| {
            let look = account::Look {
                account,
                filter,
                limit: limit - found,
                deadline: page.deadline,
            };
            let start = page.start.in_account(name);
            async move { (name, Box::pin(look.look(start.after)).await) }
        });
        let mut parts = join_all(looks).await.into_iter().peekable();
        while let Some((name, part)) = parts.next() {
            let mut entries = part.entries.into_iter().peekable();
            while let Some((after, finding)) = entries.next() {
                found += usize::from(matches!(finding, Finding::Service(_)));
                let place = Place::behind(name, after);
                findings.entries.push((place.clone(), finding));
                if found == limit {
                    let is_end = entries.peek().is_none() && part.rest.is_none();
                    let is_last = parts.peek().is_none() && left.is_empty();
                    findings.next = (!(is_end && is_last)).then_some(place);
                    return findings;
                }
            }
            if let Some(rest) = part.rest {
                findings.next = Some(Place {
                    account: name.to_owned(),
                    after: rest.after,
                });
                return findings;
            }
        }
        width = (width * 2).min(ACCOUNTS_MAX);
    }
    findings
}

impl Filter {
    /// Returns the name, where it is a whole one.
    pub fn whole_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.contains('*'))
    }

    /// Returns `true` if a service of this name is looked for.
    fn takes_name(&self, name: &str) -> bool {
        let pattern = self.name.as_deref();
        pattern.is_none_or(|pattern| matches(pattern, name))
    }

    /// Returns `true` if a service is looked for, as far as it says itself.
    fn takes(&self, service: &Service) -> bool {
        let has_tag = |text: &str| {
            service.tags().iter().any(|tag| {
                let (key, value) = (
                    tag.key().unwrap_or_default(),
                    tag.value().unwrap_or_default(),
                );
                text == key || text == format!("{key}:{value}")
            })
        };
        let launch_type = self.launch_type.as_ref();
        service.status() == Some(self.status.unwrap_or("ACTIVE"))
            && self.tag.as_deref().is_none_or(has_tag)
            && launch_type.is_none_or(|wanted| service.launch_type() == Some(wanted))
    }
}
