//! The rules that a configuration must keep beyond its types, each fault named with its place and remedy.

pub(super) mod account;
pub(super) mod caller;

use std::net::IpAddr;

use serde_json::Value;

use super::Config;

/// Credentials of the original's configuration: none is accepted here, wherever it stands.
pub(super) fn static_credentials(config: &Value) -> Vec<String> {
    let accounts = config.get("accounts").and_then(Value::as_object);
    let places = accounts
        .into_iter()
        .flatten()
        .map(|(name, account)| (format!("accounts.{name}."), account));
    let defaults = config
        .get("defaults")
        .map(|defaults| ("defaults.".to_owned(), defaults));
    std::iter::once((String::new(), config))
        .chain(defaults)
        .chain(places)
        .flat_map(|(prefix, object)| {
            let keys = object
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys().cloned());
            keys.filter_map(move |key| {
                Some(format!(
                    "`{prefix}{key}` is not accepted: {}",
                    instead_of(&key)?
                ))
            })
        })
        .collect()
}

fn instead_of(key: &str) -> Option<&'static str> {
    match key.to_ascii_lowercase().as_str() {
        "akid" | "secret" => {
            Some("no static credentials are held; give the account a `roleArn`, the role to assume")
        }
        "token" => {
            Some("no token is held; list who may call under `callers`, each with its `tokenSha256`")
        }
        _ => None,
    }
}

/// Finds every fault of a configuration that has the right types.
pub(super) fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    if config.accounts.is_empty() {
        faults.push("`accounts` is empty: name at least one account".to_owned());
    }
    for (name, account) in &config.accounts {
        account::faults(name, account, &mut faults);
    }
    let mut seen = caller::TakenProofs::default();
    for caller in &config.callers {
        caller::faults(caller, config, &mut seen, &mut faults);
    }
    for claim in config.list_claims.iter().filter(|claim| claim.is_empty()) {
        faults.push(format!(
            "`listClaims`: `{claim}` is not the name of a claim"
        ));
    }
    for origin in &config.cors_origins {
        if !is_origin(origin) {
            faults.push(format!(
                "`corsOrigins`: `{origin}` is not an origin like `https://portal.example.com`"
            ));
        }
    }
    faults
}

/// Returns `true` if the AWS at a URL runs on this machine: then nothing real can be reached through it.
pub(super) fn is_local_endpoint(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, _port) = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.chars().all(|digit| digit.is_ascii_digit()))
        .unwrap_or((authority, ""));
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_origin(origin: &str) -> bool {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
    })
}
