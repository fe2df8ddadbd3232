//! The request as a handler is given it, and the ways to read it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::parameters::WAIT_MAX_S;
use super::{answers, body, query};
use crate::aws::Account;
use crate::clock::Clock;
use crate::config;
use crate::continuation::Continuation;
use crate::deadline::Deadline;
use crate::digest::short_digest;
use crate::error::Error;
use crate::ids::{AccountRegion, ClusterName, RegistryId, ServiceName, TaskDefinitionName, TaskId};
use crate::intake::Call;
use crate::orchestration::record::{Identity, Records};
use crate::router::RouteMatch;
use crate::wire::read::{Input, read};
use crate::wire::validation::{FieldError, Unknown, Validation};

/// The header that makes a create happen once, however often it is sent.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest key.
const KEY_MAX_CHARACTERS: usize = 64;

/// A request of a known caller to one account.
#[derive(Debug)]
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

    /// Returns the identity under which the request is done once: that of its `Idempotency-Key`, or its own.
    ///
    /// # Errors
    /// [`Error::Input`] for a key that can't be one, or that can't be remembered; [`Error::Body`] for a body that
    /// can't be read.
    pub fn identity(&self) -> Result<Identity, Error> {
        let key = self.idempotency_key()?;
        let body = if self.call.body.is_empty() {
            Map::new()
        } else {
            self.object()?
        };
        let body = canonical(&Value::Object(body)).to_string();
        let AccountRegion { account_id, region } = self.account.account_region();
        let path = self.call.path.trim_end_matches('/');
        let id = match key {
            Some(key) => short_digest(&[
                b"key",
                self.caller.as_bytes(),
                account_id.as_bytes(),
                region.as_bytes(),
                self.call.method.as_str().as_bytes(),
                path.as_bytes(),
                key.as_bytes(),
            ]),
            None => self.request_id.to_owned(),
        };
        Ok(Identity {
            // The body may hold what is guessed easily; with the key in it, its digest tells nothing.
            body: short_digest(&[
                b"body",
                key.unwrap_or(self.request_id).as_bytes(),
                body.as_bytes(),
            ]),
            id,
            is_keyed: key.is_some(),
            account: self.path.parameter("account").to_owned(),
            caller: self.caller.to_owned(),
            request_id: self.request_id.to_owned(),
        })
    }

    /// Returns the `Idempotency-Key`, if there is one.
    fn idempotency_key(&self) -> Result<Option<&str>, Error> {
        let keys: Vec<_> = self.call.headers.get_all(IDEMPOTENCY_KEY).iter().collect();
        let key = match keys[..] {
            [] => return Ok(None),
            [key] => key.to_str().ok().filter(|key| is_key(key)),
            _ => None,
        };
        if key.is_none() {
            let expected = "expected one key of 1 to 64 printable ASCII characters";
            return Err(Error::input("Idempotency-Key", expected));
        }
        if !self.records.are_kept() {
            let refusal = "this function has no table to remember keys in (`ECS_API_RECORDS_TABLE`); \
                           send the request without one";
            return Err(Error::input("Idempotency-Key", refusal));
        }
        Ok(key)
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
        match body::read(self.call)? {
            Value::Object(object) => Ok(object),
            _ => Err(Error::Input(vec![FieldError {
                path: String::new(),
                message: "expected a JSON object as the body".to_owned(),
            }])),
        }
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

/// Returns `true` if a text is 1 to 64 printable ASCII characters.
fn is_key(text: &str) -> bool {
    (1..=KEY_MAX_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Orders the members of a body by their names: it is the same body, however a client orders it.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            members
                .into_iter()
                .map(|(name, value)| (name.clone(), canonical(value)))
                .collect()
        }
        Value::Array(list) => list.iter().map(canonical).collect(),
        other => other.clone(),
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
