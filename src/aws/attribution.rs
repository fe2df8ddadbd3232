//! For whom calls to AWS are made: CloudTrail in the member's account says it, and the function's log says what AWS made of
//! the calls that change something.
//!
//! It stands in the user agent. A session for each caller would say it too, in the session's name, but cost an `AssumeRole`
//! for each caller, account, hour and process, on the way of a request that waits; the user agent costs no call and tells
//! requests apart as well.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::calls::{CallCounts, Service};

/// The most writes of one request that are kept: a create with its undo has some twenty.
const WRITES_MAX: usize = 50;
/// The most characters of a caller's name in the user agent, of which CloudTrail keeps 1 KB
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).
const NAME_MAX: usize = 64;

/// The most characters of a thing's name: ECS's have 255 (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
const RESOURCE_MAX: usize = 255;

tokio::task_local! {
    /// For whom the calls of this task are made. (All calls of a request are made by its own task.)
    static CURRENT: Attribution;
}

/// For whom calls to AWS are made, and what AWS answered to those that change something.
#[derive(Debug, Clone)]
pub struct Attribution {
    /// The end of the user agent.
    agent: Arc<str>,
    writes: Arc<Mutex<Vec<String>>>,
    changes: Arc<Mutex<Vec<String>>>,
    calls: CallCounts,
}

impl Attribution {
    /// Attributes calls to a caller and to the request, or the earlier request, that they are made for.
    pub fn new(caller: &str, request_id: &str) -> Self {
        let (caller, request_id) = (token(caller), token(request_id));
        Self {
            agent: format!("md/ecs-api-caller#{caller} md/ecs-api-request#{request_id}").into(),
            writes: Arc::default(),
            changes: Arc::default(),
            calls: CallCounts::default(),
        }
    }

    /// Attributes all calls of a future.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        CURRENT.scope(self.clone(), work).await
    }

    /// Returns the calls so far that change something, with AWS's ids of them: `ecs:CreateService=0a1b2c3d-…`.
    pub fn writes(&self) -> Vec<String> {
        lock(&self.writes).clone()
    }

    /// Returns the things that calls so far were to change, by the names in the calls: `ecs:UpdateService=shop/cart`.
    /// Each is there once, however often it was tried.
    pub fn changes(&self) -> Vec<String> {
        lock(&self.changes).clone()
    }

    /// Returns the counts of all calls so far.
    pub fn calls(&self) -> &CallCounts {
        &self.calls
    }

    fn add_write(&self, write: String) {
        let mut writes = lock(&self.writes);
        if writes.len() < WRITES_MAX {
            writes.push(write);
        }
    }

    fn add_change(&self, change: String) {
        let mut changes = lock(&self.changes);
        if changes.len() < WRITES_MAX && !changes.contains(&change) {
            changes.push(change);
        }
    }
}

fn lock(list: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the counts that the calls of this task belong to; `None` outside of a request.
pub(super) fn current_calls() -> Option<CallCounts> {
    CURRENT.try_with(|current| current.calls.clone()).ok()
}

/// A text as a part of the user agent, without what begins another part.
fn token(text: &str) -> String {
    text.chars()
        .take(NAME_MAX)
        .map(|letter| letter_within(letter, "-._"))
        .collect()
}

/// Returns the letter, or a line where it is neither a letter of English, nor a digit, nor one of these.
fn letter_within(letter: char, others: &str) -> char {
    if letter.is_ascii_alphanumeric() || others.contains(letter) {
        letter
    } else {
        '_'
    }
}

/// Writes into each call for whom it is made, and keeps AWS's id of each that changes something.
#[derive(Debug)]
pub(super) struct AttributeCalls {
    /// The service that is called.
    pub(super) service: Service,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for AttributeCalls {
    fn name(&self) -> &'static str {
        "AttributeCalls"
    }

    /// After the signature, which leaves the user agent out
    /// (<https://docs.rs/aws-sigv4/latest/aws_sigv4/http_request/struct.SigningSettings.html>).
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("", |call| call.name());
        if changes_something(operation)
            && let Some(thing) = context.request().body().bytes().and_then(thing_of)
        {
            let change = format!("{}:{operation}={thing}", self.service.prefix());
            // Outside of a request nobody asks for it.
            let _ = CURRENT.try_with(|current| current.add_change(change));
        }
        let Ok(agent) = CURRENT.try_with(|current| Arc::clone(&current.agent)) else {
            return Ok(());
        };
        let headers = context.request_mut().headers_mut();
        let before = headers.get("user-agent").unwrap_or_default();
        let agent = format!("{before} {agent}");
        headers.insert("user-agent", agent.trim_start().to_owned());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("", |call| call.name());
        if let Some(id) = context.response().and_then(request_id)
            && changes_something(operation)
        {
            let write = format!("{}:{operation}={}", self.service.prefix(), token(id));
            // Outside of a request nobody asks for it.
            let _ = CURRENT.try_with(|current| current.add_write(write));
        }
        Ok(())
    }
}

/// The members of AWS's inputs that name what a call changes, from the outermost in; of each group a call has one at most.
const NAMES: [&[&str]; 2] = [
    &["cluster", "clusterName"],
    &[
        "service",
        "serviceName",
        "task",
        "family",
        "taskDefinition",
        "Name",
        "Id",
        "ServiceId",
        "resourceArn",
        "serviceDeploymentArn",
        "logGroupName",
    ],
];

/// Returns the thing that a call changes, by the names in its input: `shop/cart`. Nothing else of the input is read.
fn thing_of(input: &[u8]) -> Option<String> {
    let input: serde_json::Value = serde_json::from_slice(input).ok()?;
    let name = |members: &&[&str]| {
        let mut given = members
            .iter()
            .filter_map(|member| input.get(member)?.as_str());
        given.next().map(resource)
    };
    let names: Vec<_> = NAMES.iter().filter_map(name).collect();
    (!names.is_empty()).then(|| names.join("/"))
}

/// Returns the name of a resource out of its ARN, or what is no ARN, as one word.
fn resource(name: &str) -> String {
    let name = name.splitn(6, ':').nth(5).unwrap_or(name);
    let name = name.split_once('/').map_or(name, |(kind, rest)| {
        // An ARN of a service has its cluster's name too, which the call has as well.
        if kind == "service" {
            rest.rsplit('/').next().unwrap_or(rest)
        } else {
            rest
        }
    });
    name.chars()
        .take(RESOURCE_MAX)
        .map(|letter| letter_within(letter, "-._/:"))
        .collect()
}

fn request_id(response: &HttpResponse) -> Option<&str> {
    let headers = response.headers();
    headers
        .get("x-amzn-requestid")
        .or_else(|| headers.get("x-amz-request-id"))
}

/// Returns `true` if an operation changes something, by its name: AWS names those that do not by few verbs.
fn changes_something(operation: &str) -> bool {
    let reads = ["Describe", "Filter", "Get", "List", "Simulate"];
    !reads.iter().any(|verb| operation.starts_with(verb))
}
