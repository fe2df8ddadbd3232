//! The accounts and callers of one reading of the configuration. A request sees one from its beginning to its end.
//!
//! [`Directories`] has the one that is in force, and reads the configuration again as it ages.

mod refresh;

use crate::auth::Authority;
use crate::aws::Accounts;
use crate::config::{Config, LogLevel};

pub use refresh::{Directories, Origin, ReadingError};

/// The accounts and callers of one reading of the configuration.
#[derive(Debug)]
pub struct Directory {
    /// The callers and their grants.
    pub authority: Authority,
    /// The accounts and their clients.
    pub accounts: Accounts,
    /// The origins whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// The level of the log.
    pub log_level: LogLevel,
}

impl Directory {
    /// Takes a checked configuration, and accounts whose clients are kept where their settings are still the same.
    pub fn new(config: Config, before: &Accounts) -> Self {
        Self {
            authority: Authority::new(config.callers, config.list_claims),
            accounts: before.with_settings(config.accounts),
            cors_origins: config.cors_origins,
            log_level: config.log_level,
        }
    }
}
