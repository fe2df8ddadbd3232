//! A configuration's summary for its owner, with defaults filled in: no secret is in it.

use std::fmt;

use std::collections::BTreeMap;

use super::{Access, Account, Caller, Config, DefaultLogs, Grant, Proof, Texts};

/// Lambda's limit for all of a function's environment variables
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const ENVIRONMENT_MAX_BYTES: usize = 4096;
/// The most that the other variables of the template's function take of it.
const OTHER_VARIABLES_BYTES: usize = 512;

/// The most bytes of a standard parameter; one that is longer costs something
/// (<https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>).
const STANDARD_PARAMETER_MAX_BYTES: usize = 4096;

/// A checked configuration, and its text.
pub(super) struct Report<'c> {
    pub(super) config: &'c Config,
    pub(super) texts: &'c Texts,
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
    let execution_role = account.default_execution_role_arn.as_ref();
    let external_id = account.external_id.as_ref().map_or("none", |_| "set");
    let tags = account
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    writeln!(
        f,
        "  {name}: {} in {}",
        account.role_arn.as_str(),
        account.region
    )?;
    for (what, value) in [
        ("external id", external_id.to_owned()),
        ("subnets", listed(&account.default_subnets)),
        ("security groups", listed(&account.default_sgs)),
        (
            "execution role",
            execution_role
                .map_or("none", |role| role.as_str())
                .to_owned(),
        ),
        ("tags", listed(&tags.collect::<Vec<_>>())),
        (
            "containers log",
            account
                .logs
                .as_ref()
                .map_or_else(|| "where they say".to_owned(), default_logs),
        ),
        ("logs are read", readable_logs(account)),
    ] {
        writeln!(f, "    {:<16} {value}", format!("{what}:"))?;
    }
    Ok(())
}

fn listed(items: &[String]) -> String {
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}

fn default_logs(logs: &DefaultLogs) -> String {
    let kept = logs.retention_in_days.map_or_else(
        || "for ever".to_owned(),
        |days| {
            format!(
                "for {}",
                count(usize::try_from(days).unwrap_or_default(), "day")
            )
        },
    );
    format!("where they say, else to {}, kept {kept}", logs.group)
}

fn readable_logs(account: &Account) -> String {
    if account.log_groups.is_empty() {
        return "nowhere".to_owned();
    }
    let regions: Vec<_> = account.readable_regions().cloned().collect();
    format!(
        "{} in {}",
        account.log_groups.join(", "),
        regions.join(", ")
    )
}

fn write_caller(f: &mut fmt::Formatter<'_>, caller: &Caller) -> fmt::Result {
    let proof = match &caller.proof {
        Proof::Tokens(digests) if digests.len() > 1 => format!("one of {} tokens", digests.len()),
        Proof::Tokens(_) => "a token".to_owned(),
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
        let accounts = self.config.accounts.iter();
        let mut notes: Vec<_> = accounts
            .flat_map(|(name, account)| self.notes_on_account(name, account))
            .collect();
        notes.extend(self.config.callers.iter().filter_map(note_on_caller));
        notes.extend(notes_on_length(self.texts));
        notes
    }

    fn notes_on_account(&self, name: &str, account: &Account) -> Vec<String> {
        let mut notes = Vec::new();
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
        let logs = account.logs.as_ref();
        if logs.is_some() && account.default_execution_role_arn.is_none() {
            notes.push(format!(
                "containers of `{name}` log by awslogs, for which a task on Fargate needs an execution role, and the account \
                 has none"
            ));
        }
        let is_unread =
            |logs: &&DefaultLogs| !account.reads_log_group(&logs.group_of("cluster", "service"));
        if let Some(group) = logs.filter(is_unread).map(|logs| &logs.group) {
            notes.push(format!(
                "containers of `{name}` log to `{group}`, which its `logGroups` let nobody read"
            ));
        }
        notes
    }
}

/// Notes texts that are too long for a place where they may be kept.
fn notes_on_length(texts: &Texts) -> Vec<String> {
    match texts {
        Texts::Whole(text) => {
            let (bytes, left) = (text.len(), ENVIRONMENT_MAX_BYTES - OTHER_VARIABLES_BYTES);
            let note = format!(
                "{bytes} bytes are too long for Lambda's environment, which has about {left} for it: deploy it as a file, or as \
                 SSM parameters"
            );
            (bytes > left).then_some(note).into_iter().collect()
        }
        Texts::Parts(parts) => {
            let long = parts
                .iter()
                .filter(|(_, text)| text.len() > STANDARD_PARAMETER_MAX_BYTES);
            let note = |(name, text): (&String, &String)| {
                let bytes = text.len();
                format!(
                    "`{name}` has {bytes} bytes: more than {STANDARD_PARAMETER_MAX_BYTES} make an advanced parameter, which \
                     costs something"
                )
            };
            long.map(note).collect()
        }
    }
}

/// Notes what a gateway's own checks leave open: a second gateway, or another authorizer of the same, may take tokens of others.
fn note_on_caller(caller: &Caller) -> Option<String> {
    let Proof::Claims(claims) = &caller.proof else {
        return None;
    };
    let missing = missing_claims(claims);
    (!missing.is_empty()).then(|| {
        let (name, missing) = (&caller.name, missing.join(" and "));
        format!(
            "the claims of `{name}` do not hold {missing}: whatever issuer or audience a gateway in front accepts would do"
        )
    })
}

/// Access tokens of Cognito have a `client_id` and no `aud`
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>).
fn missing_claims(claims: &BTreeMap<String, String>) -> Vec<&'static str> {
    let has = |name: &str| claims.contains_key(name);
    [
        ("`iss`", has("iss")),
        ("`aud`", has("aud") || has("client_id")),
    ]
    .into_iter()
    .filter_map(|(name, is_there)| (!is_there).then_some(name))
    .collect()
}
