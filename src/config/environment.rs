//! Reads the environment and the command line; nothing else does.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{CleanupQueue, Config, ConfigError, METRICS_BY, Metering, Texts, checks, metering};
use crate::intake::DIRECT_ALIAS;

/// The variable that holds the configuration itself, as JSON.
pub const INLINE: &str = "ECS_API_CONFIG";
/// The variable that holds the path of a file with the configuration.
pub const FILE: &str = "ECS_API_CONFIG_FILE";
/// The variable that holds the name of an SSM parameter with the configuration, or of a path of them.
pub const PARAMETER: &str = "ECS_API_CONFIG_PARAMETER";
/// The variable that holds the URL of the queue for deletes that outlive their request.
const CLEANUP_QUEUE: &str = "ECS_API_CLEANUP_QUEUE_URL";
/// The variable that holds the name of the table for what is to be done once.
const RECORDS_TABLE: &str = "ECS_API_RECORDS_TABLE";
/// The variable that holds the URL of the queue for those of them that can't be finished.
const DEAD_LETTER_QUEUE: &str = "ECS_API_DEAD_LETTER_QUEUE_URL";
/// The variable that holds the name of the function's alias for gateways.
pub const GATEWAY_ALIAS: &str = "ECS_API_GATEWAY_ALIAS";
/// Lambda's variable that says how it started a sandbox; a local runtime does not set it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";
/// The AWS SDK's variable that holds the URL of another AWS.
const AWS_ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The longest name of a parameter
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>).
const PARAMETER_NAME_MAX: usize = 1011;

/// Everything that the environment says of the function.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The place of the configuration.
    pub source: Source,
    /// The queue for deletes that outlive their request.
    pub cleanup_queue: Option<CleanupQueue>,
    /// The function's alias that gateways invoke.
    pub gateway_alias: Option<String>,
    /// The table for what is to be done once.
    pub records_table: Option<String>,
    /// The metrics that the log's lines carry.
    pub metering: Metering,
    /// The AWS behind the function runs on this machine: nothing real can be reached through it.
    pub is_local: bool,
    /// Lambda started this process: its start has a whole core, and what it does there no request waits for.
    pub is_sandbox: bool,
}

/// The place of a configuration.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is here: in the environment, or in a file that has been read.
    Here(Texts),
    /// An SSM parameter, or a path of them.
    Parameter(ParameterName),
}

/// The name of an SSM parameter, or of a path of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterName(String);

impl ParameterName {
    /// Takes a name that begins with `/`; one that also ends with it is a path.
    ///
    /// # Errors
    /// [`ConfigError::ParameterName`] if it can't be one.
    pub fn parse(name: &str) -> Result<Self, ConfigError> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
        let is_one = (2..=PARAMETER_NAME_MAX).contains(&name.len())
            && name.starts_with('/')
            && !name.contains("//")
            && name.chars().all(allowed);
        if is_one {
            Ok(Self(name.to_owned()))
        } else {
            Err(ConfigError::ParameterName(name.to_owned()))
        }
    }

    /// Returns the name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if this is a path, each part of the configuration a parameter below it.
    pub fn is_path(&self) -> bool {
        self.0.ends_with('/')
    }
}

impl Environment {
    /// Reads the environment, and the configuration's file where it names one.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable, and what is wrong with it.
    pub fn read() -> Result<Self, ConfigError> {
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
            source: source()?,
            cleanup_queue,
            gateway_alias,
            records_table: text(RECORDS_TABLE),
            metering,
            is_local: is_local(),
            is_sandbox: variable(INITIALIZATION_TYPE).is_some(),
        })
    }

    /// Reads and checks a configuration, and adds what the environment says.
    ///
    /// # Errors
    /// [`ConfigError`] names the place in the configuration, and what is wrong with it.
    pub fn config(&self, texts: &Texts) -> Result<Config, ConfigError> {
        let config = texts.checked(self.is_local)?;
        Ok(Config {
            cleanup_queue: self.cleanup_queue.clone(),
            gateway_alias: self.gateway_alias.clone(),
            records_table: self.records_table.clone(),
            metering: self.metering.clone(),
            ..config
        })
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn source() -> Result<Source, ConfigError> {
    let given = [INLINE, FILE, PARAMETER].map(|name| (name, variable(name)));
    let mut given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let (name, value) = given.next().ok_or(ConfigError::Missing)?;
    let others: Vec<_> = given.map(|(name, _)| name).collect();
    if !others.is_empty() {
        return Err(ConfigError::Ambiguous([&[name], &others[..]].concat()));
    }
    match name {
        INLINE => Ok(Source::Here(Texts::Whole(value.into_encoded_bytes()))),
        FILE => contents(Path::new(&value)).map(|text| Source::Here(Texts::Whole(text))),
        _ => ParameterName::parse(&value.to_string_lossy()).map(Source::Parameter),
    }
}

/// Returns `true` if the AWS that the environment names runs on this machine.
pub(super) fn is_local() -> bool {
    let endpoint = variable(AWS_ENDPOINT);
    endpoint
        .as_deref()
        .and_then(OsStr::to_str)
        .is_some_and(checks::is_local_endpoint)
}

/// Reads a file.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| unreadable(path, source))
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> ConfigError {
    ConfigError::Unreadable {
        path: path.to_owned(),
        source,
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

/// The purpose that the program was started for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// To answer Lambda's events.
    Serve,
    /// To check a configuration's file or folder.
    CheckConfig(PathBuf),
}

/// The program's arguments are not understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected no argument, to serve as a Lambda function, or `check-config` and a file or a folder"
)]
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
