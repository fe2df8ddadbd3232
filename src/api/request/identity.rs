//! The identity under which a request is done once: that of its `Idempotency-Key`, or its own.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Request;
use crate::digest::short_digest;
use crate::error::Error;
use crate::ids::AccountRegion;
use crate::orchestration::flow_context::FlowContext;
use crate::orchestration::record::Identity;

/// The header that makes a create happen once, however often it is sent.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest key.
const KEY_MAX_CHARACTERS: usize = 64;

impl Request<'_> {
    /// Returns the identity under which the request is done once: that of its `Idempotency-Key`, or its own.
    ///
    /// # Errors
    /// [`Error::Input`] for a key that can't be one, or that can't be remembered; [`Error::Body`] for a body that
    /// can't be read.
    pub fn identity(&self) -> Result<Identity, Error> {
        let key = self.idempotency_key()?;
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
            body: match key {
                Some(key) => self.body_digest(key)?,
                // Nobody else has the id, and so nobody another body with it.
                None => short_digest(&[b"body", self.request_id.as_bytes()]),
            },
            id,
            is_keyed: key.is_some(),
            account: self.path.parameter("account").to_owned(),
            caller: self.caller.to_owned(),
            request_id: self.request_id.to_owned(),
        })
    }

    /// Returns a digest of the body under a key. The body may hold what is guessed easily; with the key in it, its digest tells
    /// nothing.
    fn body_digest(&self, key: &str) -> Result<String, Error> {
        let body = self.optional_object()?;
        let text = canonical_text(&body);
        if !self.call.body.is_empty() {
            *self.kept_body() = Some(body);
        }
        Ok(short_digest(&[b"body", key.as_bytes(), text.as_bytes()]))
    }

    /// Begins the work of a request that is done once and taken back where it fails.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    pub fn flow_context(&self) -> Result<FlowContext<'_>, Error> {
        Ok(FlowContext {
            account: self.account,
            records: self.records,
            identity: self.identity()?,
            deadline: self.deadline,
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
}

/// Returns `true` if a text is 1 to 64 printable ASCII characters.
fn is_key(text: &str) -> bool {
    (1..=KEY_MAX_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Writes a body with its members in the order of their names: it is the same body, however a client orders it.
fn canonical_text(body: &Map<String, Value>) -> String {
    // Texts have a JSON form, and so has everything that was read as JSON.
    serde_json::to_string(&CanonicalObject(body)).unwrap_or_default()
}

struct CanonicalObject<'v>(&'v Map<String, Value>);

struct Canonical<'v>(&'v Value);

impl Serialize for CanonicalObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        serializer.collect_map(
            members
                .into_iter()
                .map(|(name, value)| (name, Canonical(value))),
        )
    }
}

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => CanonicalObject(object).serialize(serializer),
            Value::Array(list) => serializer.collect_seq(list.iter().map(Canonical)),
            other => other.serialize(serializer),
        }
    }
}
