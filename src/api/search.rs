//! The search for services over many accounts.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::operation::{Group, Handler, Operation, Timing};
use super::paging::bytes_in_envelope;
use super::parameters::{LAUNCH_TYPES, Parameter, Values};
use super::schema::{Answer, Member, Schema};
use super::{CallerRequest, query};
use crate::aws;
use crate::config::Access;
use crate::error::Error;
use crate::ids::is_ecs_name;
use crate::orchestration::search::{Filter, Finding, Findings, Place, SearchPage, search};
use crate::problem;
use crate::reply::Reply;
use crate::text::printable;
use crate::wire::outputs::Service;
use crate::wire::write::write;

/// The statuses that services are searched by.
const STATUSES: &[&str] = &["ACTIVE", "DRAINING", "INACTIVE"];
/// The time kept back to write the answer.
const WRITING: Duration = Duration::from_secs(1);

/// `GET /services`.
pub const SEARCH: Operation = Operation {
    query: &[
        Parameter::new(
            "accounts",
            Values::SomeText,
            "Names of accounts, with commas in between. Default: all that the caller may use.",
        ),
        Parameter::new(
            "cluster",
            Values::Name,
            "Only services of clusters of this name: no cluster is listed then.",
        ),
        Parameter::new(
            "name",
            Values::SomeText,
            "Only services of this name, in which `*` stands for any text.",
        ),
        Parameter::new(
            "tag",
            Values::SomeText,
            "Only services with this tag, as `key:value`, or with a tag of this key.",
        ),
        Parameter::new(
            "image",
            Values::SomeText,
            "Only services whose task definition has an image with this in its reference. Takes a call more for each task \
             definition.",
        ),
        Parameter::new(
            "status",
            Values::OneOf(STATUSES),
            "Only services of this status. Default: ACTIVE. ECS lists no others; those are found by their whole `name`.",
        ),
        Parameter::new(
            "launchType",
            Values::OneOf(LAUNCH_TYPES),
            "Only services of this launch type. Default: all.",
        ),
        Parameter::new(
            "limit",
            Values::UpTo(1000),
            "The most services of one answer, 1 to 1000. Default: 1000.",
        ),
        Parameter::new(
            "nextToken",
            Values::Text,
            "The `nextToken` of an earlier answer's `Link`: the search goes on from there.",
        ),
    ],
    timing: Timing::InTime,
    group: Group::Accounts,
    summary: "Search for services in all accounts that the caller may use.",
    description: "In the order of accounts, clusters and services, without the services' events. An account that refuses, \
                  throttles or is silent is one of `Errors`, and costs the others nothing. What does not fit into an answer or \
                  its time follows behind the header `Link`.",
    answers: &[Answer::json(
        "What was found, as far as it goes.",
        Schema::Object(&[
            Member::always(
                "Items",
                Schema::List(&Schema::Object(&[
                    Member::always("Account", Schema::Text),
                    Member::always("Cluster", Schema::Text).described("The cluster's name."),
                    Member::always("Service", Schema::sdk::<Service>()),
                ])),
            ),
            Member::always(
                "Errors",
                Schema::List(&Schema::Object(&[
                    Member::always("Account", Schema::Text),
                    Member::sometimes("Cluster", Schema::Text)
                        .described("Where it is only this cluster."),
                    Member::always("Problem", Schema::OBJECT)
                        .described("The problem, as an answer about this alone would be."),
                ])),
            ),
        ]),
    )
    .with_headers(&["Link"])],
    ..Operation::get(
        "search_services",
        "/services",
        Handler::Caller(|request| search_services(request).boxed()),
    )
};

/// Answers the services of all accounts that agree with the query, as far as they fit and as far as the time goes.
///
/// # Errors
/// [`Error`] for a bad query, for accounts that the caller may not use, and if the time was over before anything was found.
pub async fn search_services(request: &CallerRequest<'_>) -> Result<Reply, Error> {
    let filter = filter(request)?;
    let page = page(request)?;
    let mut accounts = Vec::new();
    for name in names(request)? {
        let account = request.accounts.get(name).await;
        accounts.push((
            name,
            account.ok_or_else(|| Error::UnknownAccount(printable(name)))?,
        ));
    }
    let findings = Box::pin(search(accounts, &filter, page)).await?;
    let (body, next) = shown(findings, request)?;
    let reply = Reply::json(body);
    Ok(match next {
        Some(next) => query::link_next(request.call, reply, &next.to_string()),
        None => reply,
    })
}

fn filter(request: &CallerRequest<'_>) -> Result<Filter, Error> {
    let text = |name| match query::value(request.call, name) {
        Some("") => Err(Error::input(name, "expected a text, or leave it out")),
        text => Ok(text.map(str::to_owned)),
    };
    let filter = Filter {
        cluster: text("cluster")?,
        name: text("name")?,
        tag: text("tag")?,
        image: text("image")?,
        status: query::choice(request.call, "status", STATUSES)?,
        launch_type: query::choice(request.call, "launchType", LAUNCH_TYPES)?.map(Into::into),
    };
    if filter
        .cluster
        .as_deref()
        .is_some_and(|name| !is_ecs_name(name))
    {
        let message =
            "expected the name of a cluster: 1 to 255 letters, digits, `-` and `_`, no ARN";
        return Err(Error::input("cluster", message));
    }
    if filter.whole_name().is_none() && filter.status.is_some_and(|status| status != "ACTIVE") {
        let message =
            "ECS lists ACTIVE services alone; give the whole `name` of the service beside it";
        return Err(Error::input("status", message));
    }
    Ok(filter)
}

fn page(request: &CallerRequest<'_>) -> Result<SearchPage, Error> {
    let (start, limit) = query::page(request.call)?;
    Ok(SearchPage {
        start,
        limit,
        deadline: request.deadline.keeping(WRITING),
    })
}

/// Returns the accounts to search, in the order of their names.
fn names<'r>(request: &CallerRequest<'r>) -> Result<Vec<&'r str>, Error> {
    let Some(given) = query::value(request.call, "accounts") else {
        return Ok(request.granted().map(|(name, ..)| name).collect());
    };
    let mut names: Vec<_> = given.split(',').map(str::trim).collect();
    names.sort_unstable();
    names.dedup();
    if names.contains(&"") {
        let expected = "expected names of accounts with commas in between, or leave it out";
        return Err(Error::input("accounts", expected));
    }
    for name in &names {
        request.caller.check(name, Access::Read)?;
    }
    Ok(names)
}

/// Writes as many findings as the way back takes, at least one, and returns where the search goes on.
fn shown(findings: Findings, request: &CallerRequest<'_>) -> Result<(Value, Option<Place>), Error> {
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    let (mut bytes, mut before, mut next) = (0, None, findings.next);
    for (place, finding) in findings.entries {
        let mut entry = Map::new();
        entry.insert("Account".to_owned(), place.account.as_str().into());
        let is_service = matches!(finding, Finding::Service(_));
        match finding {
            Finding::Service(service) => {
                let cluster = place.after.as_ref().map(|after| after.cluster.as_str());
                entry.insert("Cluster".to_owned(), cluster.into());
                entry.insert("Service".to_owned(), write(&*service)?);
            }
            Finding::Refused { cluster, error } => {
                if let Some(cluster) = cluster {
                    entry.insert("Cluster".to_owned(), cluster.into());
                }
                let problem = problem_of(error, request.request_id);
                entry.insert("Problem".to_owned(), problem);
            }
        }
        let entry = Value::from(entry);
        bytes += bytes_in_envelope(&entry.to_string());
        if bytes > request.answer_max_bytes
            && let Some(before) = before
        {
            next = Some(before);
            break;
        }
        before = Some(place);
        if is_service {
            items.push(entry);
        } else {
            errors.push(entry);
        }
    }
    Ok((json!({"Items": items, "Errors": errors}), next))
}

fn problem_of(error: aws::Error, request_id: &str) -> Value {
    problem::body(&error.into(), request_id)
}
