//! Finds who calls, and refuses who may not.
//!
//! [`Evidence`] is what an event says about its sender. [`Authority::identify`] finds the configured caller that it
//! proves, and [`Caller::check`] holds that caller's grants against the account and the access that are asked for. `Invocation::dispatch`
//! asks both before the body is parsed; a request over several accounts asks for each of them again. Which callers there are, the
//! [`config`](crate::config) says. No status codes and nothing of AWS here.

mod claims;

use std::collections::BTreeMap;

use crate::config::{Access, Caller, Proof};
use crate::digest::Digest;
use crate::pattern::matches;

pub use claims::Claim;

/// Everything that an event says about its sender.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The tokens in the request's headers.
    pub tokens: Tokens,
    /// The IAM principal that API Gateway's authorizer verified.
    pub principal: Option<String>,
    /// The claims of the JWT that API Gateway's authorizer verified.
    pub claims: BTreeMap<String, Claim>,
    /// The function was invoked directly, which IAM has already allowed.
    pub is_direct_invocation: bool,
}

/// Digests of the tokens in a request's headers.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Those of `Authorization: Bearer …`. One that no caller has may be a JWT that the gateway has verified.
    pub bearer: Vec<Digest>,
    /// Those of `X-Auth-Token` and `Auth-Token`, which nobody but this API reads.
    pub own: Vec<Digest>,
}

/// A sender that is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody known to the configuration.
    #[error(
        "no known caller: send a token that the configuration knows as `Authorization: Bearer …`"
    )]
    Unauthenticated,
    /// Known, but without a grant for the account and access that the request needs.
    #[error("the caller has no grant for this account and method")]
    Forbidden,
}

/// The configured callers.
#[derive(Debug)]
pub struct Authority {
    callers: Vec<Caller>,
    list_claims: Vec<String>,
}

impl Authority {
    /// Takes the callers of a checked configuration, and the claims that it knows for lists. Without callers, nobody gets
    /// in.
    pub fn new(callers: Vec<Caller>, list_claims: Vec<String>) -> Self {
        Self {
            callers,
            list_claims,
        }
    }

    /// Returns `true` if the caller of a name may still do this much in an account.
    pub fn is_granted(&self, name: &str, account: &str, access: Access) -> bool {
        self.callers
            .iter()
            .any(|caller| caller.name == name && caller.check(account, access).is_ok())
    }

    /// Finds who calls. Where the evidence proves several, the most particular counts: a token before a principal or
    /// claims, these before an invocation, and then the first in the configuration.
    ///
    /// A token for this API that no caller has is not made up for by anything else: its sender means to be known by it,
    /// and would act as somebody else without noticing.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] if the evidence proves nobody, or holds an unknown token for this API.
    pub fn identify(&self, evidence: &Evidence) -> Result<&Caller, Refusal> {
        // Every caller is looked at, whether or not one matched before: the time says nothing.
        let matches: Vec<_> = self
            .callers
            .iter()
            .filter(|caller| proves(evidence, &caller.proof, &self.list_claims))
            .collect();
        let rank = |caller: &&&Caller| match caller.proof {
            Proof::Tokens(_) => 0,
            Proof::Principal(_) | Proof::Claims(_) => 1,
            Proof::Invoke => 2,
        };
        let caller = matches.iter().min_by_key(rank).copied();
        caller
            .filter(|_| self.unknown_tokens(evidence) == 0)
            .ok_or(Refusal::Unauthenticated)
    }

    /// Counts the tokens for this API that no caller has.
    fn unknown_tokens(&self, evidence: &Evidence) -> usize {
        let is_unknown = |token: &&Digest| {
            let owners = self.callers.iter().filter(|caller| owns(caller, token));
            owners.count() == 0
        };
        evidence.tokens.own.iter().filter(is_unknown).count()
    }
}

fn owns(caller: &Caller, token: &Digest) -> bool {
    match &caller.proof {
        Proof::Tokens(expected) => is_one_of(token, expected),
        _ => false,
    }
}

/// Returns `true` if a token is one of the expected ones, in a time that does not depend on which.
fn is_one_of(token: &Digest, expected: &[Digest]) -> bool {
    let equal = expected.iter().filter(|expected| token.matches(expected));
    equal.count() > 0
}

impl Caller {
    /// Checks that the caller may do `access` in `account`, whether or not such an account exists.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] if no grant says so.
    pub fn check(&self, account: &str, access: Access) -> Result<(), Refusal> {
        let granted = self.grants.iter().any(|grant| {
            grant.access >= access
                && grant
                    .accounts
                    .iter()
                    .any(|granted| granted == "*" || granted == account)
        });
        if granted {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }
}

fn proves(evidence: &Evidence, proof: &Proof, list_claims: &[String]) -> bool {
    match proof {
        Proof::Tokens(expected) => {
            let tokens = evidence.tokens.bearer.iter().chain(&evidence.tokens.own);
            tokens.filter(|token| is_one_of(token, expected)).count() > 0
        }
        Proof::Principal(pattern) => evidence
            .principal
            .as_deref()
            .is_some_and(|arn| is_principal(pattern, arn)),
        Proof::Claims(claims) => {
            !claims.is_empty()
                && claims.iter().all(|(name, value)| {
                    let claim = evidence.claims.get(name);
                    claim.is_some_and(|claim| claim.has(name, value, list_claims))
                })
        }
        Proof::Invoke => evidence.is_direct_invocation,
    }
}

/// Returns `true` if a principal's ARN is the pattern's, as it stands or as the role of a session.
///
/// STS leaves the role's path out of a session's ARN. A role's name is unique in its account whatever its path
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>), so the pattern's path is left out too.
fn is_principal(pattern: &str, arn: &str) -> bool {
    let is_role = |role: String| matches(pattern, &role) || matches(&without_path(pattern), &role);
    matches(pattern, arn) || role_of(arn).is_some_and(is_role)
}

/// Returns the role behind a session: `arn:aws:sts::1:assumed-role/deploy-bot/session` → `arn:aws:iam::1:role/deploy-bot`.
fn role_of(principal: &str) -> Option<String> {
    let (partition, rest) = principal.split_once(":sts::")?;
    let (account, role) = rest.split_once(":assumed-role/")?;
    let (name, _) = role.split_once('/')?;
    Some(format!("{partition}:iam::{account}:role/{name}"))
}

/// Leaves a role's path out: `arn:aws:iam::1:role/team/deploy-bot` → `arn:aws:iam::1:role/deploy-bot`.
fn without_path(pattern: &str) -> String {
    let parts = pattern
        .split_once(":role/")
        .and_then(|(account, role)| Some((account, role.rsplit_once('/')?.1)));
    // `role/team/*` says something of the path alone, which can't be told: it must not become every role.
    match parts.filter(|(_, name)| !name.contains('*')) {
        Some((account, name)) => format!("{account}:role/{name}"),
        None => pattern.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Grant;

    fn caller(name: &str, proof: Proof, grants: &[(&str, Access)]) -> Caller {
        let grant = |(account, access): &(&str, Access)| Grant {
            accounts: vec![(*account).to_owned()],
            access: *access,
        };
        Caller {
            name: name.to_owned(),
            proof,
            grants: grants.iter().map(grant).collect(),
        }
    }

    fn authority() -> Authority {
        let claims = BTreeMap::from([
            ("client_id".to_owned(), "abc".to_owned()),
            ("iss".to_owned(), "us".to_owned()),
        ]);
        Authority::new(
            vec![
                caller(
                    "portal",
                    Proof::Tokens(vec![Digest::of("old"), Digest::of("secret")]),
                    &[("*", Access::Write)],
                ),
                caller(
                    "viewer",
                    Proof::Tokens(vec![Digest::of("look")]),
                    &[("nonprod", Access::Read)],
                ),
                caller(
                    "bot",
                    Proof::Principal("arn:aws:iam::123456789012:role/deploy-*".to_owned()),
                    &[],
                ),
                caller(
                    "admin",
                    Proof::Principal(
                        "arn:aws:iam::123456789012:role/aws-reserved/x.com/Admin_1".to_owned(),
                    ),
                    &[],
                ),
                caller(
                    "run-7",
                    Proof::Principal(
                        "arn:aws:sts::123456789012:assumed-role/release/run-7".to_owned(),
                    ),
                    &[],
                ),
                caller("team", Proof::Claims(claims), &[]),
                caller("nightly", Proof::Invoke, &[]),
            ],
            Vec::new(),
        )
    }

    fn claims(pairs: &[(&str, &str)]) -> Evidence {
        let claims = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Claim::Text((*value).to_owned())))
            .collect();
        Evidence {
            claims,
            ..Evidence::default()
        }
    }

    fn principal(arn: &str) -> Evidence {
        Evidence {
            principal: Some(arn.to_owned()),
            ..Evidence::default()
        }
    }

    fn tokens(tokens: &[&str]) -> Evidence {
        let tokens = Tokens {
            bearer: tokens.iter().map(Digest::of).collect(),
            ..Tokens::default()
        };
        Evidence {
            tokens,
            ..Evidence::default()
        }
    }

    #[test]
    fn each_kind_of_evidence_proves_its_caller_and_nobody_else() {
        let direct = |given: &[&str]| Evidence {
            is_direct_invocation: true,
            ..tokens(given)
        };
        for (evidence, expected) in [
            (Evidence::default(), None),
            (tokens(&["secret"]), Some("portal")),
            (tokens(&["old"]), Some("portal")),
            (tokens(&["wrong", "look"]), Some("viewer")),
            (tokens(&["wrong", ""]), None),
            (
                principal("arn:aws:sts::123456789012:assumed-role/deploy-bot/run-1"),
                Some("bot"),
            ),
            (
                principal("arn:aws:iam::123456789012:role/deploy-bot"),
                Some("bot"),
            ),
            (
                principal("arn:aws:sts::999999999999:assumed-role/deploy-bot/run-1"),
                None,
            ),
            (principal("arn:aws:iam::123456789012:user/deploy-bot"), None),
            (
                principal("arn:aws:sts::123456789012:assumed-role/evil/deploy-bot"),
                None,
            ),
            (
                principal("arn:aws:sts::123456789012:assumed-role/deploy-bot"),
                None,
            ),
            (
                principal("arn:aws:sts::123456789012:assumed-role/Admin_1/anna@example.com"),
                Some("admin"),
            ),
            (
                principal("arn:aws:iam::123456789012:role/aws-reserved/x.com/Admin_1"),
                Some("admin"),
            ),
            (principal("arn:aws:iam::123456789012:role/Admin_1"), None),
            (
                principal("arn:aws:sts::123456789012:assumed-role/release/run-7"),
                Some("run-7"),
            ),
            (
                principal("arn:aws:sts::123456789012:assumed-role/release/run-8"),
                None,
            ),
            (
                claims(&[("client_id", "abc"), ("iss", "us"), ("sub", "x")]),
                Some("team"),
            ),
            (claims(&[("client_id", "abc")]), None),
            (claims(&[("client_id", "abc"), ("iss", "them")]), None),
            (direct(&[]), Some("nightly")),
            (direct(&["look"]), Some("viewer")),
            (direct(&["wrong"]), Some("nightly")),
            (
                Evidence {
                    principal: principal("arn:aws:iam::123456789012:role/deploy-a").principal,
                    ..tokens(&["look"])
                },
                Some("viewer"),
            ),
        ] {
            let authority = authority();
            let found = authority
                .identify(&evidence)
                .map(|caller| caller.name.as_str());
            assert_eq!(found.ok(), expected, "{evidence:?}");
        }
    }

    #[test]
    fn a_grant_is_for_its_accounts_and_up_to_its_access() {
        let authority = authority();
        let (portal, viewer) = (&authority.callers[0], &authority.callers[1]);
        assert_eq!(portal.check("anything", Access::Write), Ok(()));
        assert_eq!(viewer.check("nonprod", Access::Read), Ok(()));
        assert_eq!(
            viewer.check("nonprod", Access::Write),
            Err(Refusal::Forbidden)
        );
        assert_eq!(viewer.check("prod", Access::Read), Err(Refusal::Forbidden));
    }

    #[test]
    fn without_callers_nobody_gets_in() {
        let evidence = Evidence {
            is_direct_invocation: true,
            ..tokens(&["secret"])
        };
        assert_eq!(
            Authority::new(Vec::new(), Vec::new())
                .identify(&evidence)
                .err(),
            Some(Refusal::Unauthenticated)
        );
    }
}
