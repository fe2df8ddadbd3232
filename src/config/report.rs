//! What a configuration comes to, for its owner to read: no secret is in it.

use std::fmt;

use super::{Access, Account, Caller, Config, Grant, Proof};

/// Lambda's limit for all of a function's environment variables
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const ENVIRONMENT_MAX_BYTES: usize = 4096;
/// The most that the other variables of the template's function take of it.
const OTHER_VARIABLES_BYTES: usize = 512;

/// A checked configuration, and the length of its text.
pub(super) struct Report<'c> {
    pub(super) config: &'c Config,
    pub(super) bytes: usize,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config {
            accounts,
            callers,
            cors_origins,
            ..
        } = self.config;
        writeln!(f, "{}", count(accounts.len(), "account"))?;
        for (name, account) in accounts {
            write_account(f, name, account)?;
        }
        writeln!(f, "{}", count(callers.len(), "caller"))?;
        for caller in callers {
            write_caller(f, caller)?;
        }
        if !cors_origins.is_empty() {
            writeln!(
                f,
                "pages of {} may call from a browser",
                cors_origins.join(", ")
            )?;
        }
        for note in self.notes() {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "The configuration is valid.")
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn write_account(f: &mut fmt::Formatter<'_>, name: &str, account: &Account) -> fmt::Result {
    let listed = |ids: &[String]| {
        if ids.is_empty() {
            "none".to_owned()
        } else {
            ids.join(", ")
        }
    };
    let execution_role = account
        .default_execution_role_arn
        .as_ref()
        .map_or("none", |role| role.as_str());
    writeln!(
        f,
        "  {name}: {} in {}",
        account.role_arn.as_str(),
        account.region
    )?;
    writeln!(
        f,
        "    external id:     {}",
        if account.external_id.is_some() {
            "set"
        } else {
            "none"
        }
    )?;
    writeln!(
        f,
        "    subnets:         {}",
        listed(&account.default_subnets)
    )?;
    writeln!(f, "    security groups: {}", listed(&account.default_sgs))?;
    writeln!(f, "    execution role:  {execution_role}")
}

fn write_caller(f: &mut fmt::Formatter<'_>, caller: &Caller) -> fmt::Result {
    let proof = match &caller.proof {
        Proof::Token(_) => "a token".to_owned(),
        Proof::Principal(pattern) => format!("the principal {pattern}"),
        Proof::Claims(claims) => format!(
            "the claims {}",
            claims.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
        Proof::Invoke => "a direct invocation".to_owned(),
    };
    let grants: Vec<_> = caller.grants.iter().map(grant).collect();
    writeln!(
        f,
        "  {}: known by {proof}; {}",
        caller.name,
        grants.join("; ")
    )
}

fn grant(grant: &Grant) -> String {
    let access = match grant.access {
        Access::Read => "reads",
        Access::Write => "reads and writes",
    };
    let all = grant.accounts.iter().any(|account| account == "*");
    format!(
        "{access} {}",
        if all {
            "every account".to_owned()
        } else {
            grant.accounts.join(", ")
        }
    )
}

impl Report<'_> {
    /// Lists what is no fault, but may not be meant.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (name, account) in &self.config.accounts {
            if account.external_id.is_none() {
                notes.push(format!(
                    "`{name}` has no external id, which the role of templates/member-account.yaml demands"
                ));
            }
            let grants = self.config.callers.iter().flat_map(|caller| &caller.grants);
            if !grants
                .flat_map(|grant| &grant.accounts)
                .any(|granted| granted == "*" || granted == name)
            {
                notes.push(format!("no caller has a grant for `{name}`"));
            }
        }
        let left = ENVIRONMENT_MAX_BYTES - OTHER_VARIABLES_BYTES;
        if self.bytes > left {
            notes.push(format!(
                "{} bytes are too long for Lambda's environment, which has about {left} for it: deploy it as a file",
                self.bytes
            ));
        }
        notes
    }
}
