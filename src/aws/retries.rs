//! Which failed attempts the SDK may repeat.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};

/// For calls that make something: only what AWS has certainly not done is repeated.
///
/// A throttled call is repeated; one whose connection broke, that was not answered in time, or that AWS answered with
/// a 5xx may have done its work, and doing it twice makes two revisions, or a service that is in its own way. Such a
/// call fails, and the flow that made it looks for what it left.
#[derive(Debug)]
pub(super) struct OnlyRefused;

impl ClassifyRetry for OnlyRefused {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let status = context.response().map(|response| response.status().as_u16());
        let is_refused = status.is_some_and(|status| (400..500).contains(&status));
        match context.output_or_error() {
            Some(Err(error)) if !(is_refused && error.is_operation_error()) => RetryAction::RetryForbidden,
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
