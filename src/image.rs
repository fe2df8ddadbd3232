//! References of container images, as the registries define them: `host:5000/a/b`, `a/b:tag`, `a/b@sha256:…`,
//! `a/b:tag@sha256:…`.
//!
//! The grammar is the one of the reference implementation
//! (<https://github.com/distribution/reference/blob/main/reference.go>). A reference stays as it was written: ECS, and
//! whoever reads a task definition, shall find `nginx`, and not `docker.io/library/nginx:latest`.

use std::fmt;

use crate::text::printable;

/// The longest name of a repository, in characters, without its registry
/// (<https://github.com/distribution/reference/blob/main/reference.go>).
const NAME_MAX: usize = 255;
/// The longest tag, in characters.
const TAG_MAX: usize = 128;
/// The number of hexadecimal digits that a name must not consist of: it would be read as an image's id.
const IDENTIFIER_LENGTH: usize = 64;
/// The algorithms of digests that registries know, each with the number of its hexadecimal digits
/// (<https://github.com/opencontainers/image-spec/blob/main/descriptor.md#registered-algorithms>).
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// A reference of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// The repository, with the registry's host if one is named.
    name: String,
    tag: Option<Tag>,
    digest: Option<String>,
}

/// The tag of an image: 1 to 128 letters, digits, `_`, `.` and `-`, the first of them neither `.` nor `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

/// A text that is no reference of an image, or no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` {fault}")]
pub struct ImageError {
    given: String,
    fault: Fault,
}

/// The thing that is wrong with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error(
        "is not the reference of an image; expected one like `host:5000/team/web:1.2` or `team/web@sha256:…`"
    )]
    NoReference,
    #[error(
        "has upper case in the repository's name, which registries refuse; write it in lower case"
    )]
    UpperCase,
    #[error("has a repository's name of more than {NAME_MAX} characters")]
    NameTooLong,
    #[error(
        "is read as the id of an image, since its name has {IDENTIFIER_LENGTH} hexadecimal digits"
    )]
    Identifier,
    #[error(
        "is not a tag; expected 1 to {TAG_MAX} letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`"
    )]
    Tag,
    #[error(
        "has a digest that is none; expected `sha256:` and 64 hexadecimal digits in lower case, or `sha384:` and 96, or `sha512:` and 128"
    )]
    Digest,
}

impl Fault {
    fn of(self, given: &str) -> ImageError {
        ImageError {
            given: printable(given),
            fault: self,
        }
    }
}

impl ImageReference {
    /// Parses a reference.
    ///
    /// # Errors
    /// [`ImageError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // Behind the last slash a colon begins the tag; before it, a port.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last..].find(':') {
            Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
            None => (rest, None),
        };
        check_name(name).map_err(|fault| fault.of(text))?;
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(Fault::Digest.of(text));
        }
        Ok(Self {
            name: name.to_owned(),
            tag: tag.map(Tag::parse).transpose()?,
            digest: digest.map(str::to_owned),
        })
    }

    /// Returns the same image under another tag. A digest goes: it stands for one image, whatever the tag.
    #[must_use]
    pub fn with_tag(&self, tag: &Tag) -> Self {
        Self {
            name: self.name.clone(),
            tag: Some(tag.clone()),
            digest: None,
        }
    }

    /// Returns the repository, with the registry's host if one is named.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(Tag(tag)) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Tag {
    /// Parses a tag.
    ///
    /// # Errors
    /// [`ImageError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let is_word = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
        let is_tag = text.len() <= TAG_MAX
            && text.bytes().next().is_some_and(is_word)
            && text
                .bytes()
                .all(|letter| is_word(letter) || b".-".contains(&letter));
        if is_tag {
            Ok(Self(text.to_owned()))
        } else {
            Err(Fault::Tag.of(text))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a repository's name with or without a registry's host.
fn check_name(name: &str) -> Result<(), Fault> {
    let path = match name.split_once('/') {
        Some((host, path)) if is_registry(host) => {
            if !is_host_and_port(host) {
                return Err(Fault::NoReference);
            }
            path
        }
        _ => name,
    };
    let components: Vec<_> = path.split('/').collect();
    let is_lower = |component: &&str| is_component(component);
    if !components.iter().all(is_lower) {
        let would_be = path.to_ascii_lowercase();
        let is_upper = would_be != path && would_be.split('/').all(is_component);
        return Err(if is_upper {
            Fault::UpperCase
        } else {
            Fault::NoReference
        });
    }
    if path.len() > NAME_MAX {
        return Err(Fault::NameTooLong);
    }
    if name.len() == IDENTIFIER_LENGTH && name.bytes().all(is_lower_hexadecimal) {
        return Err(Fault::Identifier);
    }
    Ok(())
}

/// Returns `true` if the first part of a name is a registry's host, and no part of the repository
/// (<https://github.com/distribution/reference/blob/main/normalize.go>, `splitDockerDomain`).
///
/// DIFFERENCE: a bare word in upper case is a host there, which no network resolves; here it is what it was meant to
/// be, a repository's name that registries refuse.
fn is_registry(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

/// Checks `domain`, `domain:port`, `[IPv6]` and `[IPv6]:port`.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let is_address = !address.is_empty()
                && address
                    .bytes()
                    .all(|letter| letter.is_ascii_hexdigit() || letter == b':');
            match rest.strip_prefix(':') {
                _ if !is_address => return false,
                Some(port) => return is_port(port),
                None => return rest.is_empty(),
            }
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    host.split('.').all(is_domain_component) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit())
}

fn is_domain_component(text: &str) -> bool {
    let is_inside = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    !text.is_empty()
        && text.bytes().all(is_inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Checks one part of a repository's path: runs of lower case and digits, with `.`, `_`, `__` or hyphens between them.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_separator =
        |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|letter| letter == b'-');
    let begins_and_ends_well = text.starts_with(is_alphanumeric) && text.ends_with(is_alphanumeric);
    begins_and_ends_well
        && text
            .split(is_alphanumeric)
            .filter(|run| !run.is_empty())
            .all(is_separator)
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, encoded)) = text.split_once(':') else {
        return false;
    };
    ALGORITHMS.iter().any(|(known, length)| {
        *known == algorithm && encoded.len() == *length && encoded.bytes().all(is_lower_hexadecimal)
    })
}

fn is_lower_hexadecimal(letter: u8) -> bool {
    letter.is_ascii_digit() || (b'a'..=b'f').contains(&letter)
}

#[cfg(test)]
mod tests;
