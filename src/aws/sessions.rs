//! The session of an account's role: kept, renewed before it ends, and given up where AWS calls it ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::identity::IdentityCache;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;

use super::retries::refusal_code;

/// The time before its end at which a session is renewed: no request lasts longer.
const RENEW_BEFORE_END: Duration = Duration::from_mins(1);
/// A session this young is not given up: calls that were signed with the one before it are still coming back.
const YOUNG: Duration = Duration::from_secs(5);

/// The cache of one account's session, for all its clients.
#[derive(Debug, Clone)]
pub(super) struct Session(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    cache: SharedIdentityCache,
    given_up: Option<Instant>,
}

impl Session {
    /// Creates a store without a session; the first call assumes the role.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Kept {
            cache: empty(),
            given_up: None,
        })))
    }

    fn cache(&self) -> SharedIdentityCache {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .cache
            .clone()
    }

    /// Forgets the session, so that the next attempt assumes the role again.
    fn give_up(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.given_up.is_none_or(|before| before.elapsed() > YOUNG) {
            *kept = Kept {
                cache: empty(),
                given_up: Some(Instant::now()),
            };
        }
    }
}

fn empty() -> SharedIdentityCache {
    IdentityCache::lazy().buffer_time(RENEW_BEFORE_END).build()
}

impl ResolveCachedIdentity for Session {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = self.cache();
        IdentityFuture::new(async move {
            cache
                .resolve_cached_identity(resolver, components, config)
                .await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_base_client_config(&self.cache(), components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_final_config(&self.cache(), components, config)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Session {
    fn name(&self) -> &'static str {
        "Session"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().is_some_and(says_ended) {
            self.give_up();
        }
        Ok(())
    }
}

impl ClassifyRetry for Session {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // AWS looks at who calls before it does anything: every call may be repeated.
        if context.response().is_some_and(says_ended) {
            RetryAction::server_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "Session"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Returns `true` if AWS refuses the session itself
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>).
fn says_ended(response: &HttpResponse) -> bool {
    let code = refusal_code(response);
    let ended = [
        "ExpiredTokenException",
        "ExpiredToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    ];
    code.is_some_and(|code| ended.contains(&code.as_str()))
}
