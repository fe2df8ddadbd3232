//! The rules for what a configuration says of a caller.

use std::collections::BTreeSet;

use crate::config::{Caller, Config, Proof};
use crate::digest::Digest;
use crate::ids::AccountId;

/// Tokens that this repository shows, as that of `make run`.
const PUBLISHED_TOKENS: [&str; 1] = ["demo-token"];

/// Returns `true` if a caller has a token that this repository shows.
pub(in crate::config) fn has_published_token(caller: &Caller) -> bool {
    let Proof::Tokens(digests) = &caller.proof else {
        return false;
    };
    let published = PUBLISHED_TOKENS.map(Digest::of);
    published
        .iter()
        .any(|token| digests.iter().any(|digest| token.matches(digest)))
}

/// The names and proofs that the callers before have taken.
#[derive(Default)]
pub(super) struct TakenProofs<'c> {
    names: BTreeSet<&'c str>,
    tokens: BTreeSet<[u8; 32]>,
    has_invoke: bool,
}

/// Adds the faults of a caller.
pub(super) fn faults<'c>(
    caller: &'c Caller,
    config: &Config,
    seen: &mut TakenProofs<'c>,
    faults: &mut Vec<String>,
) {
    let mut fault = |message: String| faults.push(format!("caller `{}`: {message}", caller.name));
    if caller.name.is_empty() {
        fault("`name` is empty".to_owned());
    }
    if !seen.names.insert(&caller.name) {
        fault("the name is given to two callers".to_owned());
    }
    if let Some(message) = proof_fault(&caller.proof, seen) {
        fault(message);
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

fn proof_fault(proof: &Proof, seen: &mut TakenProofs<'_>) -> Option<String> {
    match proof {
        Proof::Tokens(digests) => token_fault(digests, seen),
        Proof::Principal(pattern) => principal_fault(pattern),
        Proof::Claims(claims) if claims.is_empty() => {
            Some("`claims` is empty: anybody with a token of the issuer would match".to_owned())
        }
        Proof::Claims(_) => None,
        Proof::Invoke => std::mem::replace(&mut seen.has_invoke, true).then(|| {
            "`invoke` belongs to another caller too: nothing tells the two apart".to_owned()
        }),
    }
}

fn token_fault(digests: &[Digest], seen: &mut TakenProofs<'_>) -> Option<String> {
    if digests.is_empty() {
        return Some("`tokenSha256` is empty: give at least one digest".to_owned());
    }
    let empty = Digest::of("");
    if digests.iter().any(|digest| digest.matches(&empty)) {
        return Some("`tokenSha256` is the digest of the empty text: was `$TOKEN` set?".to_owned());
    }
    let mut repeated = digests
        .iter()
        .filter(|digest| !seen.tokens.insert(*digest.as_bytes()));
    repeated.next().map(|_| {
        "`tokenSha256` has a digest twice, or one that belongs to another caller too".to_owned()
    })
}

fn principal_fault(pattern: &str) -> Option<String> {
    let parts: Vec<_> = pattern.splitn(6, ':').collect();
    let &["arn", partition, "iam" | "sts", "", account, resource] = parts.as_slice() else {
        return Some(format!(
            "`principal`: `{pattern}` is not the ARN of an IAM principal like `arn:aws:iam::111122223333:role/name`"
        ));
    };
    if partition.contains('*') || AccountId::parse(account).is_err() {
        return Some(format!(
            "`principal`: `{pattern}` does not say of which account: anybody can make a role of any name in an account of \
             their own, so write its twelve digits out"
        ));
    }
    names_roles_by_path(resource).then(|| {
        format!(
            "`principal`: `{pattern}` asks for a path, which a session's ARN does not have: name the roles without it"
        )
    })
}

/// Returns `true` if the names of a pattern's roles are left to a `*` behind a path: `role/team/*`.
fn names_roles_by_path(resource: &str) -> bool {
    let role = resource
        .strip_prefix("role/")
        .and_then(|role| role.rsplit_once('/'));
    role.is_some_and(|(_, name)| name.contains('*'))
}
