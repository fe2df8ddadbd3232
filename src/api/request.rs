//! The request as a handler is given it, and the ways to read it.

mod identity;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::parameters::WAIT_MAX_S;
use super::{answers, body, query};
use crate::aws::Account;
use crate::clock::Clock;
use crate::config;
use crate::continuation::Continuation;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::ids::{ClusterName, RegistryId, ServiceName, TaskDefinitionName, TaskId};
use crate::intake::Call;
use crate::orchestration::record::Records;
use crate::router::RouteMatch;
use crate::wire::read::{Input, read};
use crate::wire::validation::{FieldError, Unknown, Validation};

pub use identity::IDEMPOTENCY_KEY;

/// A request of a known caller to one account.
pub struct Request<'r> {
    /// The request as it arrived.
    pub call: &'r Call,
    /// The path's parameters.
    pub path: &'r RouteMatch<'r>,
    /// The account that the path names.
    pub account: &'r Account,
    /// The caller's name.
    pub caller: &'r str,
    /// The queue that a delete goes to which outlives the request, if there is one.
    pub continuation: Option<&'r Continuation>,
    /// The records of what is to be done once.
    pub records: &'r Records,
    /// The time of day.
    pub clock: &'r Clock,
    /// The moment at which the answer must be on its way.
    pub deadline: Deadline,
    /// Lambda's id of the invocation.
    pub request_id: &'r str,
    /// The longest body that can be answered.
    pub answer_max_bytes: usize,
    /// The body, from when its identity was read until the handler takes it: there is never a second one in memory.
    pub body: Mutex<Option<Map<String, Value>>>,
}

impl fmt::Debug for Request<'_> {
    /// Leaves the body out: it may hold what only the caller and AWS should know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("call", &self.call)
            .field("path", &self.path)
            .field("account", &self.account)
            .field("caller", &self.caller)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Request<'_> {
    /// Returns the account's part of the configuration.
    pub fn settings(&self) -> &config::Account {
        &self.account.settings
    }

    /// Returns the cluster that the path names.
    ///
    /// # Errors
    /// [`Error::Id`] if it can't be one.
    pub fn cluster(&self) -> Result<ClusterName, Error> {
        Ok(ClusterName::parse(
            self.path.parameter("cluster"),
            &self.account.account_region(),
        )?)
    }

    /// Returns the service that the path names, in the path's cluster.
    ///
    /// # Errors
    /// [`Error::Id`] if it can't be one.
    pub fn service(&self, cluster: &ClusterName) -> Result<ServiceName, Error> {
        Ok(ServiceName::parse(
            self.path.parameter("service"),
            &self.account.account_region(),
            cluster,
        )?)
    }

    /// Returns the task that the path names, in the path's cluster.
    ///
    /// # Errors
    /// [`Error::Id`] if it can't be one.
    pub fn task(&self, cluster: &ClusterName) -> Result<TaskId, Error> {
        Ok(TaskId::parse(
            self.path.parameter("task"),
            &self.account.account_region(),
            cluster,
        )?)
    }

    /// Returns the task definition that the path names.
    ///
    /// # Errors
    /// [`Error::Id`] if it can't be one.
    pub fn task_definition(&self) -> Result<TaskDefinitionName, Error> {
        Ok(TaskDefinitionName::parse(
            self.path.parameter("taskdef"),
            &self.account.account_region(),
        )?)
    }

    /// Returns the registry that the path names.
    ///
    /// # Errors
    /// [`Error::Id`] if it can't be one.
    pub fn registry(&self) -> Result<RegistryId, Error> {
        Ok(RegistryId::parse(
            self.path.parameter("id"),
            &self.account.account_region(),
        )?)
    }

    /// Returns a query parameter that is true or false (`true false 1 0` in any case); false if it is not there.
    ///
    /// # Errors
    /// [`Error::Input`] for any other value.
    pub fn flag(&self, name: &str) -> Result<bool, Error> {
        let refused = || Error::input(name, "expected `true`, `false`, `1` or `0`");
        self.query(name)
            .map_or(Ok(false), |text| boolean(text).ok_or_else(refused))
    }

    /// Returns a query parameter that is one of `choices`, whatever its case.
    ///
    /// # Errors
    /// [`Error::Input`] for any other value.
    pub fn choice(
        &self,
        name: &str,
        choices: &[&'static str],
    ) -> Result<Option<&'static str>, Error> {
        query::choice(self.call, name, choices)
    }

    /// Returns a query parameter's value. The operation has seen to it that there are no others.
    pub fn query(&self, name: &str) -> Option<&str> {
        query::value(self.call, name)
    }

    /// Returns the time that `wait` (1 to 25 seconds) asks to wait; `None` if nobody asks.
    ///
    /// # Errors
    /// [`Error::Input`] for any other value.
    pub fn wait(&self) -> Result<Option<Duration>, Error> {
        let Some(text) = self.query("wait") else {
            return Ok(None);
        };
        let seconds = text
            .parse()
            .ok()
            .filter(|seconds| (1..=WAIT_MAX_S).contains(seconds));
        let refused = || Error::input("wait", "expected a whole number of seconds, 1 to 25");
        Ok(Some(Duration::from_secs(u64::from(
            seconds.ok_or_else(refused)?,
        ))))
    }

    /// Returns the path of something below this request's, with a query.
    pub fn below(&self, name: &str, query: &str) -> String {
        let path = self.call.path.trim_end_matches('/');
        format!("{}{path}/{name}?{query}", self.call.prefix)
    }

    /// Returns `true` if the caller wants unknown members dropped (RFC 7240).
    pub fn is_lenient(&self) -> bool {
        let preferences = self
            .call
            .headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok());
        preferences
            .flat_map(|value| value.split([',', ';']))
            .any(|preference| {
                let mut parts = preference
                    .splitn(2, '=')
                    .map(|part| part.trim().trim_matches('"'));
                parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case("handling"))
                    && parts
                        .next()
                        .is_some_and(|value| value.eq_ignore_ascii_case("lenient"))
            })
    }

    /// Begins a validation, as strict or lenient as the caller asked for.
    pub fn validation(&self) -> Validation {
        Validation::new(if self.is_lenient() {
            Unknown::Ignore
        } else {
            Unknown::Refuse
        })
    }

    /// Checks that a body that names a cluster names the path's.
    ///
    /// # Errors
    /// [`Error::Input`] if it names another, [`Error::Id`] if it can't be one.
    pub fn check_cluster(&self, given: Option<&str>, cluster: &ClusterName) -> Result<(), Error> {
        let Some(given) = given else { return Ok(()) };
        if ClusterName::parse(given, &self.account.account_region())? == *cluster {
            Ok(())
        } else {
            Err(Error::input(
                "cluster",
                &format!("differs from the path's cluster, `{cluster}`; leave it out"),
            ))
        }
    }

    /// Checks that a service that a body names is the path's.
    ///
    /// # Errors
    /// [`Error::Input`] if it names another, [`Error::Id`] if it can't be one.
    pub fn check_service(
        &self,
        given: &str,
        name: &ServiceName,
        cluster: &ClusterName,
    ) -> Result<(), Error> {
        if ServiceName::parse(given, &self.account.account_region(), cluster)? == *name {
            Ok(())
        } else {
            Err(Error::input(
                "service",
                &format!("differs from the path's service, `{name}`; leave it out"),
            ))
        }
    }

    /// Reads the body as a JSON object.
    ///
    /// # Errors
    /// [`Error::Body`] if it can't be read, or [`Error::Input`] if it is no object.
    pub fn object(&self) -> Result<Map<String, Value>, Error> {
        let kept = self.kept_body().take();
        kept.map_or_else(|| self.read_object(), Ok)
    }

    fn kept_body(&self) -> MutexGuard<'_, Option<Map<String, Value>>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_object(&self) -> Result<Map<String, Value>, Error> {
        match body::read(self.call)? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::Input(vec![FieldError {
                path: String::new(),
                message: "expected a JSON object as the body".to_owned(),
            }])),
        }
    }

    /// Reads the body as a JSON object; one that is not there is empty.
    ///
    /// # Errors
    /// As [`Request::object`].
    pub fn optional_object(&self) -> Result<Map<String, Value>, Error> {
        if self.call.body.is_empty() {
            return Ok(Map::new());
        }
        self.object()
    }

    /// Reads the body as one SDK input, after `prepare` has put shorthands and answers into the form of
    /// AWS's input.
    ///
    /// # Errors
    /// As [`Request::object`], and [`Error::Input`] with everything that is wrong with it.
    pub fn input<T: Input>(
        &self,
        prepare: impl FnOnce(&mut Map<String, Value>, &str, &mut Validation),
    ) -> Result<(T, Vec<String>), Error> {
        let mut object = self.object()?;
        let mut validation = self.validation();
        prepare(&mut object, "", &mut validation);
        let mut value = Value::Object(object);
        answers::drop_reserved_tags(&mut value);
        let input = read::<T>(&value, "", &mut validation);
        validation.finish_with(input).map_err(Error::Input)
    }
}

/// Reads `true false 1 0`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}
