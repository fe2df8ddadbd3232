//! The token that goes on with a log: how far it has been given, and how far a search has come.
//!
//! It is no secret, and grants nothing: what may be read is found out anew for each request. Digits at its end tell a
//! token of another log from one of this.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::place::Place;
use super::progress::{MARKS_MAX, Progress};
use crate::digest::short_digest;

/// The most characters of a token.
pub const TOKEN_MAX: usize = 2048;

/// The form of the tokens that are read and written.
const VERSION: u8 = 1;

/// The most bytes of a token before they are written as text.
const BYTES_MAX: usize = TOKEN_MAX / 4 * 3;

/// The longest id of an event; CloudWatch's have 56 digits.
const ID_MAX: usize = 64;

/// The bytes of the digest at the end.
const CHECK_BYTES: usize = 8;

/// The bytes of an event's mark.
const MARK_BYTES: usize = 5;

/// The latest time of a token: the end of the year 9999, in milliseconds since 1970.
const TIME_MAX_MS: i64 = 253_402_300_799_999;

/// The place at which a log goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogToken {
    /// The place up to which it has been given.
    pub progress: Progress,
    /// The time at which everything of then had been given, in milliseconds since 1970; zero if there was more.
    pub caught_up_ms: i64,
    /// A search that has not found anything yet.
    pub search: Option<OpenSearch>,
}

/// A search through much that is not looked for: the next request goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSearch {
    /// The time at which it began, in milliseconds since 1970. It finds nothing later.
    pub began_ms: i64,
    /// The places that it has come to.
    pub cursors: Vec<Cursor>,
}

/// The place that a search has come to in the streams of one prefix: there is nothing new before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// A digest of the source.
    pub source: u64,
    /// The time from which on the search goes, in milliseconds since 1970.
    pub from_ms: i64,
    /// CloudWatch's token of the page that follows.
    pub next_token: Option<String>,
}

/// A token that is none of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the `NextToken` of an earlier answer to the same path with the same `container`, `filter` and `end`"
)]
pub struct InvalidToken;

impl LogToken {
    /// Writes the token of a log, which `log` names. Of an open search it keeps what fits.
    pub fn write(&self, log: &[&[u8]]) -> String {
        let mut bytes = vec![VERSION];
        put_time(&mut bytes, self.progress.settled_ms);
        put_time(&mut bytes, self.caught_up_ms);
        put_place(&mut bytes, &self.progress.up_to);
        put_place(&mut bytes, &self.progress.ingested);
        put_number(&mut bytes, self.progress.marks.len() as u64);
        for mark in &self.progress.marks {
            bytes.extend_from_slice(&mark.to_be_bytes()[8 - MARK_BYTES..]);
        }
        if let Some(search) = &self.search {
            put_search(&mut bytes, search);
        }
        let check = check(&bytes, log);
        bytes.extend_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token of a log.
    ///
    /// # Errors
    /// [`InvalidToken`] if it was not written for this log.
    pub fn read(text: &str, log: &[&[u8]]) -> Result<Self, InvalidToken> {
        if text.len() > TOKEN_MAX {
            return Err(InvalidToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (bytes, given) = bytes.split_last_chunk().ok_or(InvalidToken)?;
        if *given != check(bytes, log) {
            return Err(InvalidToken);
        }
        let mut source = Source(bytes);
        source.token().ok_or(InvalidToken)
    }
}

/// Returns a digest of a token's bytes and of the log that it belongs to.
fn check(bytes: &[u8], log: &[&[u8]]) -> [u8; CHECK_BYTES] {
    let digest = short_digest(&[&[bytes], log].concat());
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest.as_bytes()[..CHECK_BYTES]);
    check
}

/// Writes a number of seven bits a byte, the lowest first.
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn put_time(bytes: &mut Vec<u8>, time_ms: i64) {
    put_number(bytes, u64::try_from(time_ms).unwrap_or_default());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn put_place(bytes: &mut Vec<u8>, place: &Place) {
    put_time(bytes, place.time_ms);
    put_time(bytes, place.ingested_ms);
    put_text(bytes, place.id.get(..ID_MAX).unwrap_or(&place.id));
    bytes.extend_from_slice(&place.stream.to_be_bytes());
}

/// Writes a search with as many cursors as fit: without one, its source is searched from the beginning again.
fn put_search(bytes: &mut Vec<u8>, search: &OpenSearch) {
    put_time(bytes, search.began_ms);
    for cursor in &search.cursors {
        let mut written = cursor.source.to_be_bytes().to_vec();
        put_time(&mut written, cursor.from_ms);
        put_text(
            &mut written,
            cursor.next_token.as_deref().unwrap_or_default(),
        );
        if bytes.len() + written.len() + CHECK_BYTES <= BYTES_MAX {
            bytes.extend_from_slice(&written);
        }
    }
}

/// The bytes of a token that are still to be read.
struct Source<'t>(&'t [u8]);

impl Source<'_> {
    fn token(&mut self) -> Option<LogToken> {
        if self.take(1)? != [VERSION] {
            return None;
        }
        let settled_ms = self.time()?;
        let caught_up_ms = self.time()?;
        let up_to = self.place()?;
        let ingested = self.place()?;
        let count = usize::try_from(self.number()?).ok()?;
        if count > MARKS_MAX {
            return None;
        }
        let marks = (0..count).map(|_| self.mark()).collect::<Option<_>>()?;
        let search = if self.0.is_empty() {
            None
        } else {
            Some(self.search()?)
        };
        Some(LogToken {
            progress: Progress {
                settled_ms,
                up_to,
                ingested,
                marks,
            },
            caught_up_ms,
            search,
        })
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn time(&mut self) -> Option<i64> {
        let time_ms = i64::try_from(self.number()?).ok()?;
        (time_ms <= TIME_MAX_MS).then_some(time_ms)
    }

    /// Reads a time of ingestion; the latest of all stands for none.
    fn ingestion(&mut self) -> Option<i64> {
        i64::try_from(self.number()?).ok()
    }

    fn text(&mut self, most: usize) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        if length > most {
            return None;
        }
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn word(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place {
            time_ms: self.time()?,
            ingested_ms: self.ingestion()?,
            id: self.text(ID_MAX)?,
            stream: self.word()?,
        })
    }

    fn mark(&mut self) -> Option<u64> {
        let bytes = self.take(MARK_BYTES)?.iter();
        Some(bytes.fold(0, |mark, byte| mark << 8 | u64::from(*byte)))
    }

    fn search(&mut self) -> Option<OpenSearch> {
        let began_ms = self.time()?;
        let mut cursors = Vec::new();
        while !self.0.is_empty() {
            cursors.push(Cursor {
                source: self.word()?,
                from_ms: self.time()?,
                next_token: Some(self.text(TOKEN_MAX)?).filter(|token| !token.is_empty()),
            });
        }
        Some(OpenSearch { began_ms, cursors })
    }
}
