//! The place at which a search goes on, small and without a secret: names alone.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A place in the order of accounts, clusters and services, by names: what comes and goes meanwhile moves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The account that the search goes on in, or in the next one after its name.
    #[serde(rename = "a")]
    pub account: String,
    /// The part of the account that has been answered.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

/// The part of an account that has been answered: all before a cluster, and of that one some services, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The cluster's name.
    #[serde(rename = "n")]
    pub cluster: String,
    /// The last of its services that has been answered; `None` if all have.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A text is no place of a search.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the place of a search")]
pub struct NoPlace;

impl Place {
    /// Returns the place at which a search goes on in an account: this one, or before everything of another account.
    pub(super) fn in_account(&self, account: &str) -> Self {
        let after = self.after.clone().filter(|_| account == self.account);
        Self {
            account: account.to_owned(),
            after,
        }
    }

    /// Returns the place behind a part of an account.
    pub(super) fn behind(account: &str, after: After) -> Self {
        Self {
            account: account.to_owned(),
            after: Some(after),
        }
    }
}

impl After {
    /// Returns the place behind a whole cluster.
    pub(super) fn cluster(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            service: None,
        }
    }

    /// Returns the place behind a service.
    pub(super) fn service(cluster: &str, service: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            service: Some(service.to_owned()),
        }
    }

    /// Returns `true` if nothing of a cluster is left to answer.
    pub(super) fn is_behind(&self, cluster: &str) -> bool {
        match cluster.cmp(&self.cluster) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.service.is_none(),
            std::cmp::Ordering::Greater => false,
        }
    }

    /// Returns the last service of a cluster that has been answered.
    pub(super) fn within(&self, cluster: &str) -> Option<&str> {
        let service = self.service.as_deref();
        service.filter(|_| self.cluster == cluster)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names always have a JSON form.
        let text = serde_json::to_string(self).unwrap_or_default();
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoPlace)?;
        serde_json::from_slice(&json).map_err(|_| NoPlace)
    }
}
