//! One request, however often it is sent: what a create leaves on the things that it makes.
//!
//! There is no store. Each thing that a create makes carries the tag [`RUN_TAG`] with the id of the invocation that made
//! it, so that a run knows its own again, whatever became of AWS's answer. With an `Idempotency-Key` it also carries
//! [`CLAIM_TAG`] with a digest of key, caller and account, and one of key and body. Before each step the flow looks:
//!
//! - The service is there with this claim: the request has been done, and is answered again.
//! - Anything is there with this key and another body: the key is used up.
//! - A cluster, a revision or a registry is there with this claim: another run of this very request made it, one that
//!   was killed, or is still at work. It is used, and not made a second time.
//! - A service of the claim is INACTIVE: it was deleted since, and the request is a new creation.
//!
//! **Two runs at the same moment** both find nothing, and AWS tells them apart: `CreateCluster` answers both the same
//! cluster; Cloud Map and ECS refuse the second registry and the second service of a name, or answer the first one
//! again, since both runs send the same token. Whose it is, its tags say: the second run uses the first one's registry,
//! and answers the first one's service. Only `RegisterTaskDefinition` makes two revisions: who registers one looks at
//! those between the latest that it saw and its own; the lowest of the claim is used, whoever made it, and each run
//! deregisters the others of its own.
//!
//! **An undo never takes what a twin uses.** Before each thing that it takes back it looks for the service: once that is
//! there, the request is done, and only what the service does not use goes. And it takes only what has its own run's
//! tag. A run that uses what another run made looks at it again once its service is there, and later than an undo lasts
//! that looked before the service was there. If the other run took it back, the service goes
//! too, and the caller is told to repeat the request.
//!
//! What is recognised is what has a name in common: a body that names another cluster, family, registry and service than
//! the first one did is not seen to carry the same key.

use sha2::{Digest as _, Sha256};

/// The tag that says which request made a thing: `{digest of the key}/{digest of the body}`.
pub const CLAIM_TAG: &str = "ecs-api:idempotency-key";
/// The tag that says which invocation made a thing: Lambda's request id.
pub const RUN_TAG: &str = "ecs-api:request-id";
/// ECS takes at most 36 characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>).
const CLIENT_TOKEN_MAX: usize = 36;

/// One run of a request.
#[derive(Debug, Clone)]
pub struct Run {
    id: String,
    claim: Option<Claim>,
}

/// What makes a keyed request the same as an earlier one: digests, of which nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    key: String,
    body: String,
}

/// Whose a thing is, by its tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Another request's.
    Others,
    /// Nobody says: no create of this API made it.
    Unmarked,
    /// This run made it.
    ThisRun,
    /// Another run of this very request made it.
    AnotherRun,
    /// A request with the same key and another body made it.
    SameKey,
}

impl Owner {
    /// Whether this very request made it, in this run or in another.
    pub fn is_this_request(self) -> bool {
        matches!(self, Self::ThisRun | Self::AnotherRun)
    }
}

impl Claim {
    /// The claim of a caller's key on an account, for a body in its canonical form.
    pub fn new(key: &str, caller: &str, account: &str, body: &[u8]) -> Self {
        // The body may hold what is guessed easily; with the key in it, its digest tells nothing to who reads the tags.
        Self {
            key: digest(&[
                b"key",
                caller.as_bytes(),
                account.as_bytes(),
                key.as_bytes(),
            ]),
            body: digest(&[b"body", key.as_bytes(), body]),
        }
    }

    fn tag(&self) -> String {
        format!("{}/{}", self.key, self.body)
    }
}

/// The first 128 bits of the SHA-256 of texts, each with its length.
fn digest(texts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hex::encode(&hash.finalize()[..16])
}

impl Run {
    /// The run that Lambda's request id stands for, with its caller's claim if there is one.
    pub fn new(request_id: &str, claim: Option<Claim>) -> Self {
        Self {
            id: request_id.to_owned(),
            claim,
        }
    }

    /// Whether the caller gave a key.
    pub fn is_keyed(&self) -> bool {
        self.claim.is_some()
    }

    /// What makes AWS recognise a repeated call as the same, at most 36 characters: with a key, the same for every run
    /// that meets the same `before`; else this run's alone (Lambda's ids have 36 characters).
    pub fn token(&self, before: &str) -> String {
        match &self.claim {
            Some(claim) => digest(&[b"token", claim.tag().as_bytes(), before.as_bytes()]),
            None => self.own_token(),
        }
    }

    /// A token that no other run has.
    pub fn own_token(&self) -> String {
        self.id
            .get(..CLIENT_TOKEN_MAX)
            .unwrap_or(&self.id)
            .to_owned()
    }

    /// The tags of what this run makes.
    pub fn tags(&self) -> Vec<(&'static str, String)> {
        let claim = self.claim.as_ref().map(|claim| (CLAIM_TAG, claim.tag()));
        claim
            .into_iter()
            .chain([(RUN_TAG, self.id.clone())])
            .collect()
    }

    /// Whose a thing with these tags is. Without a key, what other runs made is others'.
    pub fn owner<'t>(
        &self,
        tags: impl IntoIterator<Item = (Option<&'t str>, Option<&'t str>)>,
    ) -> Owner {
        let (mut claimed, mut is_marked) = (None, false);
        for (key, value) in tags {
            match key {
                Some(RUN_TAG) if value == Some(&self.id) => return Owner::ThisRun,
                Some(RUN_TAG) => is_marked = true,
                Some(CLAIM_TAG) => claimed = value.and_then(|value| value.split_once('/')),
                _ => {}
            }
        }
        match (&self.claim, claimed) {
            (Some(claim), Some((key, body))) if key == claim.key && body == claim.body => {
                Owner::AnotherRun
            }
            (Some(claim), Some((key, _))) if key == claim.key => Owner::SameKey,
            (_, None) if !is_marked => Owner::Unmarked,
            _ => Owner::Others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(key: &str, caller: &str, account: &str, body: &str) -> Run {
        Run::new(
            "run-1",
            Some(Claim::new(key, caller, account, body.as_bytes())),
        )
    }

    #[test]
    fn key_caller_account_and_body_make_the_claim() {
        let run_1 = run("k", "portal", "nonprod", "{}");
        let tags_of = |run: &Run| {
            run.tags()
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Vec<_>>()
        };
        let owner = |tags: &[(String, String)]| {
            run_1.owner(
                tags.iter()
                    .map(|(key, value)| (Some(key.as_str()), Some(value.as_str()))),
            )
        };
        for (other, expected) in [
            (run("k", "portal", "nonprod", "{}"), Owner::AnotherRun),
            (run("k", "portal", "nonprod", "{1}"), Owner::SameKey),
            (run("k2", "portal", "nonprod", "{}"), Owner::Others),
            (run("k", "porta", "lnonprod", "{}"), Owner::Others),
            (run("k", "portal", "prod", "{}"), Owner::Others),
            (Run::new("run-2", None), Owner::Others),
        ] {
            let other = Run {
                id: "run-2".to_owned(),
                ..other
            };
            assert_eq!(owner(&tags_of(&other)), expected, "{other:?}");
        }
        let mut tags = tags_of(&run_1);
        assert_eq!(owner(&tags), Owner::ThisRun);
        tags.reverse();
        assert_eq!(owner(&tags), Owner::ThisRun);
        assert_eq!(owner(&tags_of(&Run::new("run-1", None))), Owner::ThisRun);
        assert_eq!(
            owner(&[(CLAIM_TAG.to_owned(), "nonsense".to_owned())]),
            Owner::Unmarked
        );
        assert_eq!(owner(&[]), Owner::Unmarked);
    }

    #[test]
    fn a_token_fits_into_ecs_and_tells_one_incarnation_from_the_next() {
        let keyed = run("k", "portal", "nonprod", "{}");
        assert_eq!(
            keyed.token(""),
            run("k", "portal", "nonprod", "{}").token("")
        );
        assert_ne!(keyed.token(""), keyed.token("1795356486"));
        assert_eq!(keyed.token("").len(), 32);
        let id = "00000000-0000-4000-8000-000000000001";
        assert_eq!(Run::new(id, None).token("1795356486"), id);
        assert_eq!(Run::new(&id.repeat(2), None).token("").len(), 36);
    }
}
