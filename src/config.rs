//! The configuration: read once at start, checked whole, never from a request.
//!
//! The only place that reads the environment. What a value means to AWS is not decided here, and nothing is
//! looked up here.

mod account;
mod checks;
mod document;
mod metering;
mod report;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::digest::Digest;
use crate::intake::DIRECT_ALIAS;
use crate::wire::json;

pub use account::{Account, DefaultLogs};
pub use metering::{Dimension, METRICS_BY, Metering};

/// The variable that holds the configuration itself, as JSON.
pub const INLINE: &str = "ECS_API_CONFIG";
/// The variable that holds the path of a file with the configuration.
pub const FILE: &str = "ECS_API_CONFIG_FILE";
/// The variable that holds the URL of the queue for deletes that outlive their request.
pub const CLEANUP_QUEUE: &str = "ECS_API_CLEANUP_QUEUE_URL";
/// The variable that holds the name of the table for what is to be done once.
pub const RECORDS_TABLE: &str = "ECS_API_RECORDS_TABLE";
/// The variable that holds the URL of the queue for those of them that can't be finished.
pub const DEAD_LETTER_QUEUE: &str = "ECS_API_DEAD_LETTER_QUEUE_URL";

/// The variable that holds the name of the function's alias for gateways.
pub const GATEWAY_ALIAS: &str = "ECS_API_GATEWAY_ALIAS";
/// The AWS SDK's variable that holds the URL of another AWS.
const AWS_ENDPOINT: &str = "AWS_ENDPOINT_URL";

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
    /// Neither variable is set.
    #[error(
        "no configuration: set {INLINE} to the JSON itself, or {FILE} to the path of a file that holds it"
    )]
    Missing,
    /// Both variables are set.
    #[error("both {INLINE} and {FILE} are set: keep one of them")]
    Ambiguous,
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
    /// Reads and checks the configuration that the environment names.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable, or the place in the configuration, and what is wrong with it.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let config = match (variable(INLINE), variable(FILE)) {
            (Some(_), Some(_)) => return Err(ConfigError::Ambiguous),
            (Some(text), None) => Self::parse(text.as_encoded_bytes())?,
            (None, Some(path)) => Self::parse(&contents(Path::new(&path))?)?,
            (None, None) => return Err(ConfigError::Missing),
        };
        config.refuse_published_tokens(variable(AWS_ENDPOINT).as_deref())?;
        let url = |name| {
            variable(name)
                .map(|url| queue_url(name, &url.to_string_lossy()))
                .transpose()
        };
        let dead_letter_url = url(DEAD_LETTER_QUEUE)?;
        let cleanup_queue = url(CLEANUP_QUEUE)?.map(|url| CleanupQueue {
            url,
            dead_letter_url,
        });
        let gateway_alias = variable(GATEWAY_ALIAS)
            .map(|name| alias(&name.to_string_lossy()))
            .transpose()?;
        let text = |name| variable(name).map(|text| text.to_string_lossy().into_owned());
        let mut metering = Metering::default();
        if let Some(list) = text(METRICS_BY) {
            metering.by = metering::dimensions(&list)?;
        }
        if let Some(name) = text(metering::FUNCTION_NAME) {
            metering.namespace = name;
        }
        Ok(Self {
            metering,
            cleanup_queue,
            gateway_alias,
            records_table: text(RECORDS_TABLE),
            ..config
        })
    }

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] with line and column, or [`ConfigError::Invalid`] with every fault found.
    pub fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        let value = json::parse(text).map_err(ConfigError::Syntax)?;
        let config = document::read(value).map_err(ConfigError::Invalid)?;
        let faults = checks::faults(&config);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid(faults))
        }
    }

    /// Refuses tokens that anybody can read in this repository, unless the AWS behind them is one to play with.
    fn refuse_published_tokens(&self, endpoint: Option<&OsStr>) -> Result<(), ConfigError> {
        let is_local = endpoint
            .and_then(OsStr::to_str)
            .is_some_and(checks::is_local_endpoint);
        let published = self
            .callers
            .iter()
            .find(|caller| checks::caller::has_published_token(caller));
        match published {
            Some(caller) if !is_local => Err(ConfigError::PublishedToken {
                caller: caller.name.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Checks `…://host/account/name`, as SQS gives it.
fn queue_url(variable: &'static str, url: &str) -> Result<String, ConfigError> {
    let path = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|url| url.split_once('/'));
    let is_one = path
        .is_some_and(|(host, path)| !host.is_empty() && path.contains('/') && !path.ends_with('/'));
    if is_one {
        Ok(url.to_owned())
    } else {
        Err(ConfigError::QueueUrl {
            variable,
            url: url.to_owned(),
        })
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html>
fn alias(name: &str) -> Result<String, ConfigError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if (1..=128).contains(&name.len()) && name.chars().all(allowed) && name != DIRECT_ALIAS {
        Ok(name.to_owned())
    } else {
        Err(ConfigError::GatewayAlias(name.to_owned()))
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Checks a file as the function would at its start, and says what each account and caller comes to. Calls nothing.
///
/// # Errors
/// [`ConfigError`], as the function would say it.
pub fn check_file(path: &Path) -> Result<String, ConfigError> {
    let text = contents(path)?;
    let config = Config::parse(&text)?;
    config.refuse_published_tokens(std::env::var_os(AWS_ENDPOINT).as_deref())?;
    Ok(report::Report {
        config: &config,
        bytes: text.len(),
    }
    .to_string())
}

/// The purpose that the program was started for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// To answer Lambda's events.
    Serve,
    /// To check a configuration's file.
    CheckConfig(PathBuf),
}

/// The program's arguments are not understood.
#[derive(Debug, thiserror::Error)]
#[error("expected no argument, to serve as a Lambda function, or `check-config FILE`")]
pub struct UnknownCommand;

impl Command {
    /// Reads the program's arguments.
    ///
    /// # Errors
    /// [`UnknownCommand`] for any others.
    pub fn given() -> Result<Self, UnknownCommand> {
        let arguments: Vec<_> = std::env::args_os().skip(1).collect();
        match arguments.as_slice() {
            [] => Ok(Self::Serve),
            [verb, path] if verb == "check-config" => Ok(Self::CheckConfig(path.into())),
            _ => Err(UnknownCommand),
        }
    }
}

#[cfg(test)]
mod tests;
