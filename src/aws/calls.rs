//! The calls to AWS of one request, counted: how many, how many attempts more, how many refused for being too many, and
//! for how long at least one of them was under way.
//!
//! The counts are members of the request's line in the log, and metrics there ([`telemetry`](crate::telemetry)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use tokio::time::Instant;

use super::attribution::current_calls;
use super::error::is_throttled;
use super::retries::says_throttled;
use crate::error::chain;

/// The services of AWS that the function calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon ECS.
    Ecs,
    /// AWS Cloud Map.
    CloudMap,
    /// Amazon CloudWatch Logs.
    Logs,
    /// AWS IAM.
    Iam,
    /// AWS STS.
    Sts,
    /// Amazon SQS.
    Sqs,
    /// Amazon DynamoDB.
    DynamoDb,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 7] = [
        Self::Ecs,
        Self::CloudMap,
        Self::Logs,
        Self::Iam,
        Self::Sts,
        Self::Sqs,
        Self::DynamoDb,
    ];

    /// Returns the service as IAM names it.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::CloudMap => "servicediscovery",
            Self::Logs => "logs",
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Sqs => "sqs",
            Self::DynamoDb => "dynamodb",
        }
    }
}

/// The counts of the calls of one request. A clone counts for the same request.
#[derive(Debug, Clone, Default)]
pub struct CallCounts(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    calls: u64,
    attempts: u64,
    throttles: [u64; Service::ALL.len()],
    under_way: u64,
    /// The time at which the first of the calls under way began.
    busy_since: Option<Instant>,
    /// The time for which calls were under way, without those of now.
    busy: Duration,
}

impl CallCounts {
    /// Returns the number of calls, each counted once however often it was tried.
    pub fn calls(&self) -> u64 {
        self.counts().calls
    }

    /// Returns the number of attempts beyond the first of each call. The SDK hides those of `sts:AssumeRole`.
    pub fn retries(&self) -> u64 {
        let counts = self.counts();
        counts.attempts.saturating_sub(counts.calls)
    }

    /// Returns the number of attempts that a service refused because there were too many.
    pub fn throttles(&self, service: Service) -> u64 {
        self.counts().throttles[service as usize]
    }

    /// Returns the time for which at least one call was under way, the pauses between its attempts included.
    pub fn busy(&self) -> Duration {
        let counts = self.counts();
        counts.busy
            + counts
                .busy_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Counts a call until what it returns is dropped.
    fn begin(&self) -> CallUnderWay {
        let mut counts = self.counts();
        counts.calls += 1;
        counts.under_way += 1;
        counts.busy_since.get_or_insert_with(Instant::now);
        drop(counts);
        CallUnderWay(self.clone())
    }

    fn add_attempt(&self) {
        self.counts().attempts += 1;
    }

    fn add_throttle(&self, service: Service) {
        self.counts().throttles[service as usize] += 1;
    }

    fn end(&self) {
        let mut counts = self.counts();
        counts.under_way -= 1;
        if counts.under_way == 0
            && let Some(since) = counts.busy_since.take()
        {
            counts.busy += since.elapsed();
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. The SDK keeps it with the call, so that it goes with a call that is dropped half-way too.
#[derive(Debug)]
struct CallUnderWay(CallCounts);

impl Drop for CallUnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Storable for CallUnderWay {
    type Storer = StoreReplace<Self>;
}

/// Counts the calls of a client.
#[derive(Debug)]
pub(super) struct CountCalls(pub(super) Service);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for CountCalls {
    fn name(&self) -> &'static str {
        "CountCalls"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(counts) = current_calls() {
            config.interceptor_state().store_put(counts.begin());
        }
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(counts) = current_calls() {
            counts.add_attempt();
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().is_some_and(says_throttled)
            && let Some(counts) = current_calls()
        {
            counts.add_throttle(self.0);
        }
        Ok(())
    }
}

/// Counts the calls of STS behind an account's credentials, whose client the SDK keeps to itself.
#[derive(Debug)]
pub(super) struct CountedRole(pub(super) AssumeRoleProvider);

impl ProvideCredentials for CountedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let Some(counts) = current_calls() else {
                return self.0.provide_credentials().await;
            };
            let _under_way = counts.begin();
            counts.add_attempt();
            let provided = self.0.provide_credentials().await;
            if provided.as_ref().is_err_and(is_throttled_role) {
                counts.add_throttle(Service::Sts);
            }
            provided
        })
    }
}

/// Returns `true` if STS refused the role because it was asked for too many.
fn is_throttled_role(error: &CredentialsError) -> bool {
    let refusal = chain(error)
        .find_map(|error| error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>());
    refusal.is_some_and(is_throttled)
}
