//! The rules that a configuration must keep beyond its types, each fault named with its place and remedy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::{Account, Caller, Config, Proof};
use crate::digest::Digest;
use crate::ids::{is_account_name, is_region};

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

/// Finds the faults of what all accounts share.
pub(super) fn shared(region: Option<&str>, external_id: Option<&str>) -> Vec<String> {
    let region = region
        .and_then(region_fault)
        .map(|fault| format!("`defaults.region`: {fault}"));
    let external_id = external_id
        .and_then(external_id_fault)
        .map(|fault| format!("`defaults.externalId`: {fault}"));
    region.into_iter().chain(external_id).collect()
}

fn region_fault(region: &str) -> Option<String> {
    (!is_region(region)).then(|| format!("`{region}` is not a region like `us-east-1`"))
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn external_id_fault(id: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@:/-".contains(letter);
    let is_one = (2..=1224).contains(&id.len()) && id.chars().all(allowed);
    (!is_one).then(|| "has 2 to 1224 letters, digits or characters of `_+=,.@:/-`".to_owned())
}

/// Finds every fault of a configuration that has the right types.
pub(super) fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    if config.accounts.is_empty() {
        faults.push("`accounts` is empty: name at least one account".to_owned());
    }
    for (name, account) in &config.accounts {
        if !is_account_name(name) {
            faults.push(format!(
                "`accounts.{name}`: a name has 1 to 64 letters, digits, `-`, `_` or `.`"
            ));
        }
        account_faults(name, account, &mut faults);
    }
    let mut seen = Seen::default();
    for caller in &config.callers {
        caller_faults(caller, config, &mut seen, &mut faults);
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

fn account_faults(name: &str, account: &Account, faults: &mut Vec<String>) {
    let mut fault = |member: &str, message: String| {
        faults.push(format!("`accounts.{name}.{member}`: {message}"));
    };
    if let Some(message) = region_fault(&account.region) {
        fault("region", message);
    }
    for (member, prefix, ids) in [
        ("defaultSubnets", "subnet-", &account.default_subnets),
        ("defaultSgs", "sg-", &account.default_sgs),
    ] {
        for id in ids {
            if !id
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.chars().all(char::is_alphanumeric))
            {
                fault(
                    member,
                    format!("`{id}` does not look like `{prefix}0a1b2c3d`"),
                );
            }
        }
    }
    if let Some(role) = &account.default_execution_role_arn
        && role.account_id() != account.role_arn.account_id()
    {
        let (given, own) = (role.account_id(), account.role_arn.account_id());
        fault(
            "defaultExecutionRoleArn",
            format!("is a role of account {given}, but `roleArn` is in account {own}"),
        );
    }
    if let Some(message) = account.external_id.as_deref().and_then(external_id_fault) {
        fault("externalId", message);
    }
}

/// Tokens that this repository shows, as that of `make run`.
const PUBLISHED_TOKENS: [&str; 1] = ["demo-token"];

/// Returns `true` if a caller's token is one that this repository shows.
pub(super) fn is_published(caller: &Caller) -> bool {
    let Proof::Token(digest) = &caller.proof else {
        return false;
    };
    PUBLISHED_TOKENS
        .iter()
        .any(|token| Digest::of(token).matches(digest))
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

#[derive(Default)]
struct Seen<'c> {
    names: BTreeSet<&'c str>,
    tokens: BTreeSet<[u8; 32]>,
    has_invoke: bool,
}

fn caller_faults<'c>(
    caller: &'c Caller,
    config: &Config,
    seen: &mut Seen<'c>,
    faults: &mut Vec<String>,
) {
    let mut fault = |message: String| faults.push(format!("caller `{}`: {message}", caller.name));
    if caller.name.is_empty() {
        fault("`name` is empty".to_owned());
    }
    if !seen.names.insert(&caller.name) {
        fault("the name is given to two callers".to_owned());
    }
    match &caller.proof {
        Proof::Token(digest) if !seen.tokens.insert(*digest.as_bytes()) => {
            fault("`tokenSha256` belongs to another caller too".to_owned());
        }
        Proof::Token(digest) if digest.matches(&Digest::of("")) => {
            fault("`tokenSha256` is the digest of the empty text: was `$TOKEN` set?".to_owned());
        }
        Proof::Principal(pattern) if !pattern.starts_with("arn:") => {
            fault(format!(
                "`principal`: `{pattern}` is not the ARN of an IAM principal"
            ));
        }
        Proof::Principal(pattern) if names_roles_by_path(pattern) => {
            fault(format!(
                "`principal`: `{pattern}` asks for a path, which a session's ARN does not have: name the roles without it"
            ));
        }
        Proof::Invoke if std::mem::replace(&mut seen.has_invoke, true) => {
            fault("`invoke` belongs to another caller too: nothing tells the two apart".to_owned());
        }
        Proof::Claims(claims) if claims.is_empty() => {
            fault("`claims` is empty: anybody with a token of the issuer would match".to_owned());
        }
        _ => {}
    }
    if caller.grants.is_empty() {
        fault("`grants` is empty: the caller could do nothing".to_owned());
    }
    for account in caller.grants.iter().flat_map(|grant| &grant.accounts) {
        if account != "*" && !config.accounts.contains_key(account) {
            fault(format!(
                "`grants` names the account `{account}`, which `accounts` does not have"
            ));
        }
    }
}

/// Returns `true` if the names of a pattern's roles are left to a `*` behind a path: `arn:aws:iam::111122223333:role/team/*`.
fn names_roles_by_path(pattern: &str) -> bool {
    let role = pattern
        .split_once(":role/")
        .and_then(|(_, role)| role.rsplit_once('/'));
    role.is_some_and(|(_, name)| name.contains('*'))
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
