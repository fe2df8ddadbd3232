//! Account → clients: the account's role is assumed through STS, and nothing of one account reaches another.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::Error;
use super::attribution::AttributeCalls;
use super::calls::{CountCalls, CountedRole, Service};
use super::http::{self, CONNECT_TIMEOUT, READ_TIMEOUT};
use super::lazy_client::{LazyClient, lazy};
use super::namespaces::NamespaceNames;
use super::pace::Pace;
use super::retries::{DisguisedThrottling, Nonsense, NotForQuotas};
use super::revisions::RevisionCache;
use super::sessions::Session;
use crate::config;
use crate::deadline::Deadline;
use crate::ids::{AccountRegion, ClusterName};

/// The time that AWS may take for one attempt, its answer included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// The most attempts of a call, with a pause in between that grows from up to a second, with jitter. The request's
/// deadline ends it earlier.
const ATTEMPTS: u32 = 3;
/// The most time that [`warm_up`] takes of the start.
const WARM_UP_TIME: Duration = Duration::from_millis(500);
/// The session's name in the member account's CloudTrail.
const SESSION_NAME: &str = "ecs-api";

/// The accounts of the configuration. Clients are made when an account first needs them and live as long as the
/// process; all of them share one HTTP client.
#[derive(Debug)]
pub struct Accounts {
    base: SdkConfig,
    accounts: BTreeMap<String, Arc<Entry>>,
}

#[derive(Debug)]
struct Entry {
    settings: config::Account,
    account: OnceCell<Account>,
}

/// One account: what it brings to a request, and its clients.
#[derive(Debug)]
pub struct Account {
    /// The account's part of the configuration.
    pub settings: config::Account,
    /// The calls of a search, which must leave room for others.
    pub(super) pace: Pace,
    pub(super) ecs: LazyClient<aws_sdk_ecs::Client>,
    pub(super) discovery: LazyClient<aws_sdk_servicediscovery::Client>,
    pub(super) logs: LazyClient<aws_sdk_cloudwatchlogs::Client>,
    pub(super) iam: LazyClient<aws_sdk_iam::Client>,
    pub(super) revisions: RevisionCache,
    pub(super) namespaces: NamespaceNames,
}

impl Accounts {
    /// Takes a given SDK configuration for the function itself. Calls nothing.
    pub fn new(settings: BTreeMap<String, config::Account>, function: SdkConfig) -> Self {
        let empty = Self {
            base: bounded(function),
            accounts: BTreeMap::new(),
        };
        empty.with_settings(settings)
    }

    /// Returns the accounts of another configuration. One whose settings are the same keeps its clients and its session.
    #[must_use]
    pub fn with_settings(&self, settings: BTreeMap<String, config::Account>) -> Self {
        let entries = settings.into_iter().map(|(name, settings)| {
            let before = self.accounts.get(&name);
            let entry = before.filter(|before| before.settings == settings);
            let entry = entry.cloned().unwrap_or_else(|| {
                Arc::new(Entry {
                    settings,
                    account: OnceCell::new(),
                })
            });
            (name, entry)
        });
        Self {
            base: self.base.clone(),
            accounts: entries.collect(),
        }
    }

    /// Returns the SDK configuration of the function itself.
    pub fn own_config(&self) -> &SdkConfig {
        &self.base
    }

    /// Returns what the configuration says of the accounts, in the order of their names.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &config::Account)> {
        let entries = self.accounts.iter();
        entries.map(|(name, entry)| (name.as_str(), &entry.settings))
    }

    /// Returns the account of that name, or `None` if the configuration has none. Assumes no role yet.
    pub async fn get(&self, name: &str) -> Option<&Account> {
        let entry = self.accounts.get(name)?;
        Some(
            entry
                .account
                .get_or_init(|| Account::new(&entry.settings, &self.base))
                .await,
        )
    }
}

/// Reads what the environment says of the function itself: its credentials, its region and, for a local AWS,
/// `AWS_ENDPOINT_URL`. Calls nothing.
pub async fn sdk_config_from_environment() -> SdkConfig {
    let defaults = aws_config::defaults(BehaviorVersion::latest());
    defaults.http_client(http::client()).load().await
}

/// Bounds the time and the attempts of each call.
pub(super) fn bounded(function: SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let http = function.http_client().unwrap_or_else(http::client);
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    function
        .into_builder()
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(retries)
        .build()
}

/// Opens the function's connection to STS, for half a second at most: whatever the first request asks for, a role is
/// assumed first.
///
/// Nothing depends on its success. `GetCallerIdentity` needs no permission
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).
pub async fn warm_up(function: &SdkConfig) {
    let config = aws_sdk_sts::config::Builder::from(&bounded(function.clone()))
        .retry_config(RetryConfig::disabled())
        .build();
    let sts = aws_sdk_sts::Client::from_conf(config);
    let call = sts.get_caller_identity().send();
    // What is wrong with STS, the first request says.
    let _ = timeout(WARM_UP_TIME, call).await;
}

impl Account {
    async fn new(settings: &config::Account, base: &SdkConfig) -> Self {
        let region = Region::new(settings.region.clone());
        // The STS of an opt-in region refuses a caller whose own account has not opted in, and a session of any
        // region's STS is valid in all (<https://github.com/hashicorp/terraform-provider-aws/issues/32549>): the
        // hub's own region is asked, whatever the member's.
        let home = base.region().cloned().unwrap_or_else(|| region.clone());
        let mut role = AssumeRoleProvider::builder(settings.role_arn.as_str())
            .session_name(SESSION_NAME)
            .region(home)
            .configure(base);
        if let Some(external_id) = &settings.external_id {
            role = role.external_id(external_id);
        }
        // One session for all clients of the account, and for no other account: the role is assumed once, and again
        // shortly before the session ends.
        let session = Session::new();
        let own = base
            .to_builder()
            .region(region)
            .credentials_provider(SharedCredentialsProvider::new(CountedRole(
                role.build().await,
            )))
            .identity_cache(session.clone())
            .build();
        // The retries of all clients of a partition come out of one budget, and an account's throttling shall not cost
        // another account its retries. (The SDKs' builders have no trait in common.)
        macro_rules! client {
            ($sdk:ident, $service:expr) => {{
                let partition = format!("{}-{}", stringify!($sdk), settings.role_arn.as_str());
                let session = session.clone();
                lazy(&own, move |own| {
                    let config = $sdk::config::Builder::from(own)
                        .retry_partition($sdk::config::retry::RetryPartition::new(partition))
                        .retry_classifier(session.clone())
                        .retry_classifier(NotForQuotas)
                        .retry_classifier(DisguisedThrottling)
                        .retry_classifier(Nonsense)
                        .interceptor(session.clone())
                        .interceptor(AttributeCalls { service: $service })
                        .interceptor(CountCalls($service));
                    $sdk::Client::from_conf(config.build())
                })
            }};
        }
        Self {
            settings: settings.clone(),
            pace: Pace::default(),
            ecs: client!(aws_sdk_ecs, Service::Ecs),
            discovery: client!(aws_sdk_servicediscovery, Service::CloudMap),
            logs: client!(aws_sdk_cloudwatchlogs, Service::Logs),
            iam: client!(aws_sdk_iam, Service::Iam),
            revisions: RevisionCache::default(),
            namespaces: NamespaceNames::default(),
        }
    }

    /// Returns the account id and region of every call.
    pub fn account_region(&self) -> AccountRegion {
        AccountRegion {
            account_id: self.settings.role_arn.account_id().to_owned(),
            region: self.settings.region.clone(),
        }
    }

    /// Returns the cluster whose ARN an operation has answered.
    ///
    /// # Errors
    /// [`Error`] if it is none of this account and region.
    pub fn cluster_of(&self, operation: &'static str, arn: &str) -> Result<ClusterName, Error> {
        ClusterName::parse(arn, &self.account_region())
            .map_err(|_| self.lacking(operation, "the ARN of a cluster"))
    }

    /// Makes an [`Error`] of this account of an error of the SDK: `call.send().await.map_err(account.refused("ecs:…"))`.
    pub(super) fn refused<E>(
        &self,
        operation: &'static str,
    ) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        move |error| Error::from_sdk(operation, self.role_arn(), error)
    }

    /// Creates the error of a success that lacks what the operation promises.
    pub fn lacking(&self, operation: &'static str, what: &str) -> Error {
        Error::nonsense(operation, self.role_arn(), what)
    }

    /// Creates the error of a success that says for one thing why it was not done.
    pub(super) fn refused_within(&self, operation: &'static str, reason: &str) -> Error {
        Error::within_success(operation, self.role_arn(), reason)
    }

    /// Creates the error of a success that says that there is nothing.
    pub fn missing(&self, operation: &'static str, message: String) -> Error {
        Error::missing(operation, self.role_arn(), message)
    }

    /// Creates the error of a call that the request's time did not wait for.
    pub fn too_late(&self, operation: &'static str) -> Error {
        Error::too_late(operation, self.role_arn())
    }

    /// Waits for a call, or several of one operation, but not past the deadline.
    ///
    /// # Errors
    /// [`Error`] with AWS's refusal, or if the deadline came first.
    pub fn in_time<T>(
        &self,
        operation: &'static str,
        deadline: Deadline,
        call: impl Future<Output = Result<T, Error>>,
    ) -> impl Future<Output = Result<T, Error>> {
        // Boxed here, so that who calls this does not carry it.
        let call = Box::pin(call);
        async move {
            let answer = deadline.limit(call).await;
            answer.unwrap_or_else(|_| Err(self.too_late(operation)))
        }
    }

    pub(super) fn role_arn(&self) -> &str {
        self.settings.role_arn.as_str()
    }
}

#[cfg(test)]
mod tests;
