//! The configuration: checked whole, never from a request.
//!
//! [`Environment`] says where it is, and [`Texts`] are what is read there. What a value means to AWS is not decided here,
//! and nothing is looked up here.

mod account;
mod checks;
mod document;
mod environment;
mod folder;
mod metering;
mod report;
mod texts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::digest::Digest;
use crate::wire::json;

pub use account::{Account, DefaultLogs};
pub use environment::{Command, Environment, ParameterName, Source, UnknownCommand};
pub use folder::check;
pub use metering::{Dimension, METRICS_BY, Metering};
pub use texts::{Texts, VERSION};

use environment::{FILE, GATEWAY_ALIAS, INLINE, PARAMETER};

/// Everything that an owner decides, checked.
#[derive(Debug)]
pub struct Config {
    /// The accounts by the names that callers use in paths.
    pub accounts: BTreeMap<String, Account>,
    /// The callers that are let in, with their grants.
    pub callers: Vec<Caller>,
    /// The origins whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// The claims beside the usual ones whose text is a list.
    pub list_claims: Vec<String>,
    /// The level of the log.
    pub log_level: LogLevel,
    /// The queue for deletes that outlive their request; without it, their callers repeat them.
    pub cleanup_queue: Option<CleanupQueue>,
    /// The function's alias that gateways invoke; without it, their events are told by their shape.
    pub gateway_alias: Option<String>,
    /// The table for what is to be done once; without it, no `Idempotency-Key` is taken.
    pub records_table: Option<String>,
    /// The metrics that the log's lines carry.
    pub metering: Metering,
}

/// The URLs of the stack's own queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanupQueue {
    /// The queue that feeds the function.
    pub url: String,
    /// The queue for what can't be finished; without it SQS moves such messages itself, where it is told to.
    pub dead_letter_url: Option<String>,
}

/// Somebody who may call, and what they may do.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name under which the caller is logged.
    pub name: String,
    /// The proof that the caller is recognised by.
    pub proof: Proof,
    /// The accounts that the caller may use, and in which way.
    pub grants: Vec<Grant>,
}

/// The proof that a caller is recognised by.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By a token with one of these SHA-256s: several while it is exchanged.
    Tokens(Vec<Digest>),
    /// By an IAM principal's ARN, `*` standing for any text.
    Principal(String),
    /// By claims of a JWT that API Gateway has verified: all of these, with these values.
    Claims(BTreeMap<String, String>),
    /// By having been allowed to invoke the function.
    Invoke,
}

/// Accounts, and what may be done in them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Names of accounts; `*` is every account.
    pub accounts: Vec<String>,
    /// The most that may be done.
    pub access: Access,
}

/// The things that may be done in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// GET and HEAD.
    Read,
    /// Everything.
    Write,
}

/// The levels of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the levels")]
pub enum LogLevel {
    Trace,
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// A fault of the configuration, with which the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No variable is set.
    #[error(
        "no configuration: set {INLINE} to the JSON itself, {FILE} to the path of a file that holds it, or {PARAMETER} to \
         the name of an SSM parameter"
    )]
    Missing,
    /// Several variables are set.
    #[error("{} are set: keep one of them", .0.join(" and "))]
    Ambiguous(Vec<&'static str>),
    /// The name of an SSM parameter can't be one.
    #[error(
        "{PARAMETER}: `{0}` is not the name of a parameter like `/ecs-api/config`, or of a path of them like `/ecs-api/config/`"
    )]
    ParameterName(String),
    /// The file can't be read.
    #[error("the configuration `{}` can't be read: {source}", path.display())]
    Unreadable {
        /// The path that was given.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A queue's URL is none.
    #[error(
        "{variable}: `{url}` is not the URL of a queue, like `https://sqs.us-east-1.amazonaws.com/111122223333/cleanup`"
    )]
    QueueUrl {
        /// The variable.
        variable: &'static str,
        /// Its value.
        url: String,
    },
    /// The name of the alias for gateways can't be one.
    #[error(
        "{GATEWAY_ALIAS}: `{0}` is not the name of an alias for gateways: 1 to 128 letters, digits, `-` or `_`, and not `direct`"
    )]
    GatewayAlias(String),
    /// The dimensions of metrics are none that there are.
    #[error("{METRICS_BY}: `{0}` is not `operation`, `account`, both with a comma, or `none`")]
    MetricsBy(String),
    /// It is not JSON.
    #[error("the configuration is not JSON: {} at line {} column {}", .0.message, .0.line, .0.column)]
    Syntax(json::SyntaxError),
    /// A part of it is not JSON.
    #[error("`{part}` is not JSON: {} at line {} column {}", source.message, source.line, source.column)]
    PartSyntax {
        /// The part's name below the path.
        part: String,
        /// The fault.
        source: json::SyntaxError,
    },
    /// A caller has a token that anybody can read.
    #[error(
        "caller `{caller}`: `tokenSha256` is the digest of a token that is published with ecs-api, and opens every account \
         to whoever knows it: make one of your own, as with `openssl rand -hex 32`"
    )]
    PublishedToken {
        /// The caller's name.
        caller: String,
    },
    /// It is JSON, but not a configuration: each entry names a place and what is wrong with it.
    #[error("the configuration is not valid: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] with line and column, or [`ConfigError::Invalid`] with every fault found.
    pub fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        Self::of(json::parse(text).map_err(ConfigError::Syntax)?)
    }

    /// Checks a configuration that has been read.
    fn of(value: Value) -> Result<Self, ConfigError> {
        let config = document::read(value).map_err(ConfigError::Invalid)?;
        let faults = checks::faults(&config);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid(faults))
        }
    }

    /// Refuses tokens that anybody can read in this repository.
    fn refuse_published_tokens(&self) -> Result<(), ConfigError> {
        let mut callers = self.callers.iter();
        match callers.find(|caller| checks::caller::has_published_token(caller)) {
            Some(caller) => Err(ConfigError::PublishedToken {
                caller: caller.name.clone(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
