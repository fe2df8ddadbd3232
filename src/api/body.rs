//! Reads a call's body, bytes → JSON: compression, character encoding, length.
//!
//! The second of three steps. `intake` has taken the bytes out of the event, and out of their base64; the handler's
//! [`Request::input`](super::Request::input) hands the JSON to [`wire::read`](mod@crate::wire::read), which makes an input
//! of the SDK of it.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use lambda_http::http::header::{self, HeaderMap};
use serde_json::Value;

use crate::intake::{BODY_MAX_BYTES, Call};
use crate::text::printable;
use crate::wire::json::{self, SyntaxError};

/// The only compression that is accepted, as `Accept-Encoding` names it.
pub const ACCEPTED_ENCODING: &str = "gzip";

/// A UTF-8 byte order mark, which some editors and most of .NET write.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A body that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than is accepted.
    #[error("the body has {given} bytes; at most {BODY_MAX_BYTES} are accepted")]
    TooLong {
        /// Its length in bytes.
        given: usize,
    },
    /// It is longer than is accepted once it is unpacked.
    #[error("the body is longer than the {BODY_MAX_BYTES} bytes that are accepted, once unpacked")]
    TooLongUnpacked,
    /// It is compressed in a way that is not accepted.
    #[error(
        "the content encoding `{0}` is not accepted: send `{ACCEPTED_ENCODING}`, or a plain body"
    )]
    UnknownCompression(String),
    /// It is not what `Content-Encoding` says.
    #[error("`Content-Encoding` says `gzip`, but the body is not: {0}")]
    NotGzip(io::Error),
    /// Its characters are not encoded as UTF-8.
    #[error("the body's character encoding is `{0}`; send UTF-8")]
    OtherCharset(String),
    /// Its characters are encoded in some way that nothing names.
    #[error("the body is not UTF-8 from byte {valid_bytes} on; send UTF-8")]
    NotUtf8 {
        /// The number of bytes at its beginning that are UTF-8.
        valid_bytes: usize,
    },
    /// It is not JSON.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
}

/// Reads the JSON of a call's body.
///
/// # Errors
/// [`BodyError`] for anything that is not one JSON value in UTF-8, of at most 1 MiB, plain or packed by gzip.
pub fn read(call: &Call) -> Result<Value, BodyError> {
    let unpacked;
    let bytes = match compression(&call.headers)? {
        Compression::None => check_length(&call.body)?,
        Compression::Gzip => {
            unpacked = unpack(check_length(&call.body)?)?;
            &unpacked
        }
    };
    check_charset(&call.headers, bytes)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    Ok(json::parse(bytes)?)
}

fn check_length(body: &[u8]) -> Result<&[u8], BodyError> {
    if body.len() > BODY_MAX_BYTES {
        Err(BodyError::TooLong { given: body.len() })
    } else {
        Ok(body)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
}

/// Returns the compression that `Content-Encoding` names. `x-gzip` is gzip
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.3>).
fn compression(headers: &HeaderMap) -> Result<Compression, BodyError> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let texts: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let applied: Vec<_> = texts
        .iter()
        .flat_map(|text| text.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    match &applied[..] {
        [] => Ok(Compression::None),
        [only] if only == "gzip" || only == "x-gzip" => Ok(Compression::Gzip),
        others => Err(BodyError::UnknownCompression(printable(&others.join(", ")))),
    }
}

/// Unpacks as much as is accepted, and no byte more.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, BodyError> {
    let limit = u64::try_from(BODY_MAX_BYTES).unwrap_or(u64::MAX);
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(packed)
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(BodyError::NotGzip)?;
    if unpacked.len() > BODY_MAX_BYTES {
        return Err(BodyError::TooLongUnpacked);
    }
    Ok(unpacked)
}

/// Checks that the body is in UTF-8, by what `Content-Type` says and by the bytes themselves.
fn check_charset(headers: &HeaderMap, bytes: &[u8]) -> Result<(), BodyError> {
    if let Some(other) = declared_charset(headers).filter(|charset| !is_utf8(charset)) {
        return Err(BodyError::OtherCharset(printable(&other)));
    }
    if let Some(other) = recognised_charset(bytes) {
        return Err(BodyError::OtherCharset(other.to_owned()));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(BodyError::NotUtf8 {
            valid_bytes: error.valid_up_to(),
        }),
    }
}

/// Takes `UTF-8` of `application/json; charset="UTF-8"`.
fn declared_charset(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Returns `true` if a character encoding is UTF-8, or the part of it that ASCII is.
fn is_utf8(charset: &str) -> bool {
    ["", "utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(charset))
}

/// Returns the encoding that the first bytes of a JSON text give away. Its first two characters are ASCII, so that the
/// zeros among the first four bytes tell the encodings apart (<https://www.rfc-editor.org/rfc/rfc4627#section-3>).
fn recognised_charset(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, _, ..] | [_, 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_give_an_encoding_away() {
        let wide = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(to_bytes).collect()
        };
        let wider = |text: &str| -> Vec<u8> {
            text.chars()
                .flat_map(|letter| u32::from(letter).to_le_bytes())
                .collect()
        };
        for (bytes, expected) in [
            (wide("{}", u16::to_le_bytes), Some("UTF-16")),
            (wide("{}", u16::to_be_bytes), Some("UTF-16")),
            (wide("\u{feff}{}", u16::to_le_bytes), Some("UTF-16")),
            (wide("\u{feff}{}", u16::to_be_bytes), Some("UTF-16")),
            (wider("{}"), Some("UTF-32")),
            (wider("\u{feff}{}"), Some("UTF-32")),
            (b"{}".to_vec(), None),
            ("\u{feff}{\"a\": \"\u{e9}\"}".as_bytes().to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(recognised_charset(&bytes), expected, "{bytes:?}");
        }
    }
}
