//! Digests: of tokens, of which nothing else is ever kept, and of what shall be recognised and not read.

use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserializer, Error as _, IntoDeserializer as _, SeqAccess, Visitor};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a token: all that is ever kept of one.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of a token as it was presented.
    pub fn of(token: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns `true` if two digests are equal, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Returns the first 128 bits of the SHA-256 of texts, each with its length, as 32 hexadecimal digits.
///
/// The lengths keep texts apart that would read the same one after the other.
pub fn short_digest(texts: &[&[u8]]) -> String {
    hex::encode(bits::<16>(texts))
}

/// Returns the first 64 bits of the same SHA-256.
pub fn short_number(texts: &[&[u8]]) -> u64 {
    u64::from_be_bytes(bits(texts))
}

fn bits<const BYTES: usize>(texts: &[&[u8]]) -> [u8; BYTES] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let hash = hash.finalize();
    std::array::from_fn(|byte| hash[byte])
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| D::Error::custom("expected a SHA-256: 64 hexadecimal digits"))?;
        Ok(Self(bytes))
    }
}

/// Reads one digest or a list of them.
///
/// # Errors
/// The deserializer's, or that a text is no digest.
pub fn one_or_more<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Digest>>, D::Error> {
    struct OneOrMore;

    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<Digest>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a SHA-256 or a list of them")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Digest::deserialize(text.into_deserializer()).map(|digest| vec![digest])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(OneOrMore).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_matches_its_token_alone_and_shows_nothing() {
        let hex = "7c43ef5ae21d43ce2743f770c68e24def1a43ee2f416d2438410c8af7af2ff2c";
        let written: Digest = serde_json::from_value(hex.into()).unwrap();
        assert!(written.matches(&Digest::of("demo-token")));
        assert!(!written.matches(&Digest::of("demo-tokem")));
        assert_eq!(format!("{written:?}"), "Digest(..)");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for wrong in [
            "",
            "7c",
            &"g".repeat(64),
            &"0".repeat(63),
            &"+0".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(
                serde_json::from_value::<Digest>((*wrong).into()).is_err(),
                "{wrong}"
            );
        }
    }
}
