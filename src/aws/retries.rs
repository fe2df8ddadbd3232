//! The failed attempts that the SDK may repeat.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};

use super::error::{is_throttling, is_throttling_in_disguise};

/// For calls that make something: only what AWS has certainly not done is repeated.
///
/// A throttled call is repeated; one whose connection broke, that was not answered in time, or that AWS answered with
/// a 5xx may have done its work, and doing it twice makes two revisions, or a service that is in its own way. Such a
/// call fails, and the flow that made it looks for what it left.
#[derive(Debug)]
pub(super) struct OnlyRefused;

impl ClassifyRetry for OnlyRefused {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let status = context
            .response()
            .map(|response| response.status().as_u16());
        let is_refused = status.is_some_and(|status| (400..500).contains(&status));
        match context.output_or_error() {
            Some(Err(error)) if !(is_refused && error.is_operation_error()) => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "OnlyRefused"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// For all calls: a quota that is reached is not a throttling, which passes.
///
/// The SDK takes the one for the other by the code that ECS has for it
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>).
#[derive(Debug)]
pub(super) struct NotForQuotas;

impl ClassifyRetry for NotForQuotas {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context.response().and_then(refusal_code);
        match code.as_deref() {
            Some("LimitExceededException" | "ResourceLimitExceeded") => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "NotForQuotas"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// For all calls: a throttling that AWS wraps into the code of something else is one all the same, as where ECS asks
/// EC2 about security groups too often (<https://github.com/dask/dask-cloudprovider/issues/56>).
#[derive(Debug)]
pub(super) struct DisguisedThrottling;

impl ClassifyRetry for DisguisedThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let refusal = context.response().and_then(refusal);
        if refusal.is_some_and(|(code, message)| is_throttling_in_disguise(&code, &message)) {
            RetryAction::throttling_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "DisguisedThrottling"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// For all calls, but of those that make something only where AWS has refused: an answer that can't be read is asked for
/// again. (The SDK repeats successes that end too early, but neither refusals that do, nor what came whole and is not
/// what the operation answers.)
#[derive(Debug)]
pub(super) struct Nonsense;

impl ClassifyRetry for Nonsense {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let is_nonsense = context.response().is_some_and(|response| {
            let is_refusal = response.status().is_client_error();
            response.status().is_success() || (is_refusal && refusal_code(response).is_none())
        });
        match context.output_or_error() {
            Some(Err(_)) if is_nonsense => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Nonsense"
    }
}

/// Returns AWS's error code in a refusal of any service.
pub(super) fn refusal_code(response: &HttpResponse) -> Option<String> {
    refusal(response).map(|(code, _)| code)
}

/// Returns `true` if a service answers that it was called too often.
pub(super) fn says_throttled(response: &HttpResponse) -> bool {
    let status = response.status();
    // EC2's throttling comes as 503, also through services that call it.
    let code = (status.is_client_error() || status.is_server_error())
        .then(|| code_and_message(response))
        .flatten();
    status.as_u16() == 429
        || code.is_some_and(|(code, message)| {
            is_throttling(&code) || is_throttling_in_disguise(&code, &message)
        })
}

/// Returns AWS's error code and message, which may be empty, in a refusal of any service.
fn refusal(response: &HttpResponse) -> Option<(String, String)> {
    let is_refusal = response.status().is_client_error();
    is_refusal.then(|| code_and_message(response)).flatten()
}

fn code_and_message(response: &HttpResponse) -> Option<(String, String)> {
    let body = response.body().bytes()?;
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return code_and_message_in_xml(body);
    };
    // `com.amazonaws.ecs#ClusterNotFoundException`, or without the namespace.
    let code = body.get("__type").or_else(|| body.get("code"))?.as_str()?;
    let message = body.get("message").or_else(|| body.get("Message"));
    Some((
        code.rsplit('#').next().unwrap_or_default().to_owned(),
        message
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    ))
}

/// Does the same for IAM, whose refusals are XML
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html>).
fn code_and_message_in_xml(body: &[u8]) -> Option<(String, String)> {
    let body = std::str::from_utf8(body).ok()?;
    let part = |begin: &str, end: &str| {
        let (_, rest) = body.split_once(begin)?;
        Some(rest.split_once(end)?.0.to_owned())
    };
    let message = part("<Message>", "</Message>").unwrap_or_default();
    Some((part("<Code>", "</Code>")?, message))
}
