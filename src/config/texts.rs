//! The text of a configuration: in one piece, or in parts that are changed one by one.
//!
//! The parts are parameters below a path, or files in a folder: `defaults`, `accounts/NAME`, `callers/NAME`, `corsOrigins`,
//! `listClaims` and `logLevel`, each a JSON value, and `version`, which says nothing but that the others are written.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{Config, ConfigError};
use crate::digest::short_digest;
use crate::text::quoted;
use crate::wire::json;

/// The part that whoever changes several parts writes last.
pub const VERSION: &str = "version";
/// The folder of the accounts' parts.
const ACCOUNTS: &str = "accounts";
/// The folder of the callers' parts.
const CALLERS: &str = "callers";
/// The other parts, each a member of the configuration.
const MEMBERS: [&str; 4] = ["corsOrigins", "defaults", "listClaims", "logLevel"];

/// The text of a configuration.
#[derive(Clone)]
pub enum Texts {
    /// One text with everything in it.
    Whole(Vec<u8>),
    /// The parts by their names.
    Parts(BTreeMap<String, String>),
}

impl Texts {
    /// Reads and checks the configuration of a stack on AWS, or of one on this machine, which may have published tokens.
    ///
    /// # Errors
    /// [`ConfigError`] names the place in the configuration, and what is wrong with it.
    pub fn checked(&self, is_local: bool) -> Result<Config, ConfigError> {
        let config = self.parse()?;
        if !is_local {
            config.refuse_published_tokens()?;
        }
        Ok(config)
    }

    /// Reads and checks the configuration, but for tokens that are published.
    ///
    /// # Errors
    /// As [`checked`](Self::checked).
    pub fn parse(&self) -> Result<Config, ConfigError> {
        match self {
            Self::Whole(text) => Config::parse(text),
            Self::Parts(parts) => Config::of(assemble(parts)?),
        }
    }

    /// Returns a digest, by which two readings are known to be of the same configuration.
    pub fn digest(&self) -> String {
        match self {
            Self::Whole(text) => short_digest(&[text]),
            Self::Parts(parts) => {
                let texts = parts.iter().flat_map(|(name, text)| [name, text]);
                let texts: Vec<_> = texts.map(String::as_bytes).collect();
                short_digest(&texts)
            }
        }
    }
}

impl fmt::Debug for Texts {
    /// Leaves the text out: external ids are in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

/// Puts the parts together to what one text would hold.
fn assemble(parts: &BTreeMap<String, String>) -> Result<Value, ConfigError> {
    let (mut whole, mut accounts, mut callers) = (Map::new(), Map::new(), Vec::new());
    let mut faults = Vec::new();
    for (name, text) in parts.iter().filter(|(name, _)| *name != VERSION) {
        let value = json::parse(text.as_bytes()).map_err(|source| ConfigError::PartSyntax {
            part: name.clone(),
            source,
        })?;
        match name.split_once('/') {
            None if MEMBERS.contains(&name.as_str()) => {
                whole.insert(name.clone(), value);
            }
            Some((ACCOUNTS, account)) => {
                accounts.insert(account.to_owned(), value);
            }
            Some((CALLERS, caller)) => match named(caller, value) {
                Ok(value) => callers.push(value),
                Err(fault) => faults.push(format!("`{name}`: {fault}")),
            },
            _ => faults.push(format!(
                "`{name}` is no part of a configuration; its parts are `{ACCOUNTS}/NAME`, `{CALLERS}/NAME`, {} and `{VERSION}`",
                quoted(MEMBERS)
            )),
        }
    }
    if !faults.is_empty() {
        return Err(ConfigError::Invalid(faults));
    }
    whole.insert(ACCOUNTS.to_owned(), accounts.into());
    whole.insert(CALLERS.to_owned(), callers.into());
    Ok(whole.into())
}

/// Gives a caller the name of its part.
fn named(name: &str, caller: Value) -> Result<Value, String> {
    let Value::Object(mut caller) = caller else {
        return Err("expected an object".to_owned());
    };
    let given = caller.insert("name".to_owned(), name.into());
    match given {
        Some(given) if given != name => Err(format!(
            "its `name` is {given}, and not that of its part; leave it out"
        )),
        _ => Ok(caller.into()),
    }
}
