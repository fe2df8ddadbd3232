//! The configuration as it is written, and what it comes to: shared defaults filled in, each caller with one proof.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Account, Caller, Config, DefaultLogs, Grant, LogLevel, Metering, Proof, checks};
use crate::digest::{self, Digest};
use crate::ids::{AccountId, RoleArn, RoleName};

/// The member role's name where the configuration gives none: the default of both templates.
const MEMBER_ROLE: &str = "ecs-api";

/// The configuration as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConfigDocument {
    #[serde(default)]
    defaults: Defaults,
    accounts: BTreeMap<String, AccountDocument>,
    #[serde(default)]
    callers: Vec<CallerDocument>,
    #[serde(default)]
    cors_origins: Vec<String>,
    #[serde(default)]
    list_claims: Vec<String>,
    #[serde(default)]
    log_level: LogLevel,
}

/// The values of all accounts that say nothing of their own.
///
/// A network is never shared: subnets and security groups belong to one account.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Defaults {
    role_name: Option<RoleName>,
    region: Option<String>,
    external_id: Option<String>,
    execution_role_name: Option<RoleName>,
    tags: BTreeMap<String, String>,
    logs: Option<DefaultLogs>,
    log_regions: Vec<String>,
    log_groups: Option<Vec<String>>,
}

/// An account as it is written: either by its id or by the role that is assumed in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountDocument {
    account_id: Option<AccountId>,
    role_arn: Option<RoleArn>,
    external_id: Option<String>,
    region: Option<String>,
    #[serde(default)]
    default_subnets: Vec<String>,
    #[serde(default)]
    default_sgs: Vec<String>,
    default_execution_role_arn: Option<RoleArn>,
    tags: Option<BTreeMap<String, String>>,
    logs: Option<DefaultLogs>,
    log_regions: Option<Vec<String>>,
    log_groups: Option<Vec<String>>,
}

/// A caller as it is written: exactly one of the four proofs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallerDocument {
    name: String,
    #[serde(default, deserialize_with = "digest::one_or_more")]
    token_sha256: Option<Vec<Digest>>,
    principal: Option<String>,
    claims: Option<BTreeMap<String, String>>,
    #[serde(default)]
    invoke: bool,
    grants: Vec<Grant>,
}

/// Reads a configuration, or finds everything that is wrong with its writing.
pub(super) fn read(value: Value) -> Result<Config, Vec<String>> {
    let credentials = checks::static_credentials(&value);
    if !credentials.is_empty() {
        return Err(credentials);
    }
    let ConfigDocument {
        defaults,
        accounts,
        callers,
        cors_origins,
        list_claims,
        log_level,
    } = typed(value).map_err(|fault| vec![fault])?;
    let mut faults = defaults.faults();
    if !faults.is_empty() {
        return Err(faults);
    }
    let accounts = accounts.into_iter().filter_map(|(name, written)| {
        let account = written.account(&defaults);
        account
            .map_err(|fault| faults.push(format!("`accounts.{name}`: {fault}")))
            .ok()
            .map(|account| (name, account))
    });
    let accounts = accounts.collect();
    let callers = callers
        .into_iter()
        .filter_map(|caller| caller.caller(&mut faults))
        .collect();
    if faults.is_empty() {
        Ok(Config {
            accounts,
            callers,
            cors_origins,
            list_claims,
            log_level,
            cleanup_queue: None,
            gateway_alias: None,
            records_table: None,
            metering: Metering::default(),
        })
    } else {
        Err(faults)
    }
}

fn typed(value: Value) -> Result<ConfigDocument, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        if path == "." {
            message
        } else {
            format!("`{path}`: {message}")
        }
    })
}

impl Defaults {
    fn faults(&self) -> Vec<String> {
        let settings = checks::account::Settings {
            region: self.region.as_deref(),
            external_id: self.external_id.as_deref(),
            log_regions: &self.log_regions,
            log_groups: self.log_groups.as_deref().unwrap_or_default(),
            tags: &self.tags,
            logs: self.logs.as_ref(),
        };
        let faults = checks::account::settings(&settings).into_iter();
        faults
            .map(|(member, fault)| format!("`defaults.{member}`: {fault}"))
            .collect()
    }
}

/// Returns the log groups that may be read where nobody says anything of it.
fn every_group() -> Vec<String> {
    vec!["*".to_owned()]
}

impl AccountDocument {
    /// Returns the account with the shared defaults where it says nothing itself.
    fn account(self, defaults: &Defaults) -> Result<Account, &'static str> {
        let region = self.region.or_else(|| defaults.region.clone());
        let region = region.ok_or("give its `region`, here or in `defaults`")?;
        let role_name = defaults
            .role_name
            .as_ref()
            .map_or(MEMBER_ROLE, RoleName::as_str);
        let role_arn = match (self.role_arn, self.account_id) {
            (Some(role), None) => role,
            (None, Some(id)) => RoleArn::of(&id, &region, role_name),
            (Some(_), Some(_)) => {
                return Err(
                    "`roleArn` and `accountId` both say which account it is: keep one of them",
                );
            }
            (None, None) => {
                return Err("give its `accountId`, or the `roleArn` of the role to assume");
            }
        };
        let shared_execution_role = defaults
            .execution_role_name
            .as_ref()
            .map(|name| role_arn.beside(name));
        Ok(Account {
            default_execution_role_arn: self.default_execution_role_arn.or(shared_execution_role),
            role_arn,
            external_id: self.external_id.or_else(|| defaults.external_id.clone()),
            region,
            default_subnets: self.default_subnets,
            default_sgs: self.default_sgs,
            tags: self.tags.unwrap_or_else(|| defaults.tags.clone()),
            logs: self.logs.or_else(|| defaults.logs.clone()),
            log_regions: self
                .log_regions
                .unwrap_or_else(|| defaults.log_regions.clone()),
            log_groups: self
                .log_groups
                .or_else(|| defaults.log_groups.clone())
                .unwrap_or_else(every_group),
        })
    }
}

impl CallerDocument {
    fn caller(self, faults: &mut Vec<String>) -> Option<Caller> {
        let mut proofs = [
            self.token_sha256.map(Proof::Tokens),
            self.principal.map(Proof::Principal),
            self.claims.map(Proof::Claims),
            self.invoke.then_some(Proof::Invoke),
        ]
        .into_iter()
        .flatten();
        if let (Some(proof), None) = (proofs.next(), proofs.next()) {
            return Some(Caller {
                name: self.name,
                proof,
                grants: self.grants,
            });
        }
        let name = &self.name;
        faults.push(format!(
            "caller `{name}`: give exactly one of `tokenSha256`, `principal`, `claims` and `invoke: true`"
        ));
        None
    }
}
