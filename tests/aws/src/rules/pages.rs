//! Lists in pages, also where the AWS behind answers them whole.

use serde_json::{Value, json};

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::{extend, list, remove, text};

/// The pages into which an operation cuts its list.
pub(crate) struct Pages {
    member: &'static str,
    usual: usize,
    largest: usize,
    /// The members that say where to begin and how many to answer.
    token: &'static str,
    size: &'static str,
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListClusters.html>
pub(crate) const CLUSTERS: Pages = ecs("clusterArns", 100);
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html>
pub(crate) const SERVICES: Pages = ecs("serviceArns", 10);
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>
pub(crate) const TASKS: Pages = ecs("taskArns", 100);
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>
pub(crate) const TASK_DEFINITIONS: Pages = ecs("taskDefinitionArns", 100);
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitionFamilies.html>
pub(crate) const FAMILIES: Pages = ecs("families", 100);
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>
pub(crate) const DEPLOYMENTS: Pages = Pages {
    usual: 20,
    ..ecs("serviceDeployments", 100)
};
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_ListServices.html>
pub(crate) const REGISTRIES: Pages = cloud_map("Services");
/// <https://docs.aws.amazon.com/cloud-map/latest/api/API_ListInstances.html>
pub(crate) const INSTANCES: Pages = cloud_map("Instances");

const fn ecs(member: &'static str, usual: usize) -> Pages {
    Pages {
        member,
        usual,
        largest: 100,
        token: "nextToken",
        size: "maxResults",
    }
}

const fn cloud_map(member: &'static str) -> Pages {
    Pages {
        member,
        usual: 100,
        largest: 100,
        token: "NextToken",
        size: "MaxResults",
    }
}

const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "Max results can not be greater than 100",
    "[ecs/services #69]",
);
const INVALID_TOKEN: Rule = Rule::new(
    "InvalidParameterException",
    "Invalid token",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html",
);

/// Answers a page of the whole list.
pub(crate) async fn cut(exchange: &Exchange<'_>, pages: &Pages) -> Result<Value, Refusal> {
    check(exchange, pages)?;
    let whole = whole(exchange, pages, &exchange.call.input).await?;
    page(exchange, pages, whole)
}

/// Refuses a page that is too large.
pub(crate) fn check(exchange: &Exchange<'_>, pages: &Pages) -> Result<(), Refusal> {
    match exchange.input()[pages.size].as_u64() {
        Some(size) if size > pages.largest as u64 => TOO_MANY.refuse(),
        _ => Ok(()),
    }
}

/// Asks for all pages of a list.
pub(crate) async fn whole(
    exchange: &Exchange<'_>,
    pages: &Pages,
    input: &Value,
) -> Result<Value, Refusal> {
    let mut input = input.clone();
    for member in [pages.token, pages.size] {
        remove(&mut input, member);
    }
    // As many as possible at once, so that there are few pages.
    input[pages.size] = 100.into();
    let mut entries = Vec::new();
    loop {
        let mut answer = exchange.ask(&exchange.call.operation, &input).await?;
        entries.extend_from_slice(list(&answer, pages.member));
        let token = answer[pages.token].take();
        if !token.is_string() {
            extend(&mut answer, json!({pages.member: entries}));
            remove(&mut answer, pages.token);
            return Ok(answer);
        }
        input[pages.token] = token;
    }
}

/// Cuts the page that was asked for out of the whole list. The last page has no token (ecs/controls #12, #102).
pub(crate) fn page(
    exchange: &Exchange<'_>,
    pages: &Pages,
    mut whole: Value,
) -> Result<Value, Refusal> {
    let size = exchange.input()[pages.size].as_u64();
    let size = size.and_then(|size| usize::try_from(size).ok());
    let size = size.unwrap_or(pages.usual).clamp(1, pages.largest);
    let entries = list(&whole, pages.member).to_vec();
    let begin = match text(exchange.input(), pages.token) {
        "" => 0,
        token => {
            let Some(place) = token
                .strip_prefix("after-")
                .and_then(|place| place.parse().ok())
            else {
                return INVALID_TOKEN.refuse();
            };
            place
        }
    };
    let end = (begin + size).min(entries.len());
    whole[pages.member] = entries.get(begin..end).unwrap_or_default().into();
    if end < entries.len() {
        whole[pages.token] = format!("after-{end}").into();
    }
    Ok(whole)
}
