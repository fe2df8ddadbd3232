//! An answer before it is put into the envelope of the event that asked for it.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use lambda_http::http::StatusCode;
use lambda_http::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Bodies longer than this are compressed for callers that accept it.
const COMPRESS_OVER_BYTES: usize = 1024;

/// The longest list of ignored members.
const IGNORED_MAX_BYTES: usize = 2048;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Text that is sent as it is.
    Text(String),
    /// JSON.
    Json(Value),
    /// A text that gzip compressed ahead of time.
    Gzip(&'static [u8]),
    /// Bytes: a compressed body.
    Binary(Vec<u8>),
}

impl Reply {
    /// Creates a JSON answer with status 200.
    pub fn json(body: Value) -> Self {
        Self::new(StatusCode::OK, "application/json", Body::Json(body))
    }

    /// Creates a plain text with status 200.
    pub fn text(body: impl Into<String>) -> Self {
        Self::new(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            Body::Text(body.into()),
        )
    }

    /// Creates an answer of any kind.
    pub fn new(status: StatusCode, content_type: &'static str, body: Body) -> Self {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self {
            status,
            headers,
            body,
        }
    }

    /// Creates an answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    /// Turns it into the answer of work that is not done: status 202, and the time to ask again.
    #[must_use]
    pub fn accepted(self, retry_after_s: u32) -> Self {
        let reply = Self {
            status: StatusCode::ACCEPTED,
            ..self
        };
        reply.with_header(header::RETRY_AFTER, &retry_after_s.to_string())
    }

    /// Adds a header. Characters that a header can't hold are replaced by `?`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        let visible = |letter: char| {
            if letter == ' ' || letter.is_ascii_graphic() {
                letter
            } else {
                '?'
            }
        };
        let value: String = value.chars().map(visible).collect();
        if let Ok(value) = HeaderValue::from_str(&value) {
            self.headers.append(name, value);
        }
        self
    }

    /// Adds a header, unless the answer has it.
    #[must_use]
    pub fn with_default_header(self, name: HeaderName, value: &str) -> Self {
        if self.headers.contains_key(&name) {
            self
        } else {
            self.with_header(name, value)
        }
    }

    /// Says which members a lenient request had dropped (RFC 7240).
    #[must_use]
    pub fn with_ignored(self, is_lenient: bool, ignored: &[String]) -> Self {
        let reply = if is_lenient {
            self.with_header(
                HeaderName::from_static("preference-applied"),
                "handling=lenient",
            )
        } else {
            self
        };
        if ignored.is_empty() {
            return reply;
        }
        // Gateways and clients take headers of some kilobytes.
        let listed = ignored.iter().scan(0, |bytes, path| {
            *bytes += path.len() + 2;
            (*bytes <= IGNORED_MAX_BYTES).then_some(path.as_str())
        });
        let mut listed: Vec<_> = listed.collect();
        if listed.len() < ignored.len() {
            listed.push("...");
        }
        reply.with_header(
            HeaderName::from_static("x-ignored-members"),
            &listed.join(", "),
        )
    }

    /// Lets a cache keep the answer, to ask whether it is still `etag`: then the answer is 304 without a body.
    #[must_use]
    pub fn with_etag(self, etag: &str, if_none_match: Option<&HeaderValue>) -> Self {
        let known = if_none_match
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let is_known = known
            .split(',')
            .map(str::trim)
            .any(|known| known == etag || known == "*");
        let reply = self
            .with_header(header::ETAG, etag)
            .with_header(header::CACHE_CONTROL, "no-cache");
        if is_known {
            Self {
                status: StatusCode::NOT_MODIFIED,
                body: Body::Empty,
                ..reply
            }
        } else {
            reply
        }
    }

    /// Returns `true` if the answer can be sent to whoever accepts these encodings: what is ten times as long unpacked is
    /// not unpacked for anybody who asks.
    pub fn suits(&self, accept_encoding: Option<&HeaderValue>) -> bool {
        !matches!(self.body, Body::Gzip(_)) || accept_encoding.is_some_and(accepts_gzip)
    }

    /// Compresses a long body, if the caller's `Accept-Encoding` allows it, and unpacks one that is compressed already, if
    /// not.
    #[must_use]
    pub fn compressed_for(mut self, accept_encoding: Option<&HeaderValue>) -> Self {
        let is_accepted = accept_encoding.is_some_and(accepts_gzip);
        let bytes = match &self.body {
            Body::Gzip(packed) => {
                let body = if is_accepted {
                    Body::Binary(packed.to_vec())
                } else {
                    Body::Text(unpacked(packed))
                };
                return self.varying(is_accepted, body);
            }
            Body::Text(text) => text.clone().into_bytes(),
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Empty | Body::Binary(_) => return self,
        };
        if bytes.len() <= COMPRESS_OVER_BYTES {
            return self;
        }
        let compressed = is_accepted.then(|| gzip(&bytes)).and_then(Result::ok);
        let is_compressed = compressed.is_some();
        let body = compressed.map_or_else(
            || std::mem::replace(&mut self.body, Body::Empty),
            Body::Binary,
        );
        self.varying(is_compressed, body)
    }

    /// Puts in a body that depends on the caller's `Accept-Encoding`.
    fn varying(mut self, is_compressed: bool, body: Body) -> Self {
        self.headers
            .append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if is_compressed {
            self.headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self { body, ..self }
    }
}

/// Unpacks what was compressed when the function was built.
pub(crate) fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    // A test reads all of them.
    let _ = GzDecoder::new(packed).read_to_string(&mut text);
    text
}

/// Returns `true` if an `Accept-Encoding` names gzip (or `*`) with a quality above zero.
fn accepts_gzip(accept_encoding: &HeaderValue) -> bool {
    let accept_encoding = accept_encoding.to_str().unwrap_or_default();
    let quality = |wanted: &str| {
        accept_encoding.split(',').find_map(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            let is_wanted = parts
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case(wanted));
            let quality =
                parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            is_wanted.then(|| quality.map_or(1.0, |text| text.trim().parse::<f32>().unwrap_or(0.0)))
        })
    };
    quality("gzip")
        .or_else(|| quality("*"))
        .is_some_and(|quality| quality > 0.0)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_where_it_is_accepted() {
        for (accept, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("gzip; q=0", false),
            ("gzip;q=x", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(
                accepts_gzip(&HeaderValue::from_static(accept)),
                expected,
                "{accept}"
            );
        }
    }

    #[test]
    fn a_short_body_is_sent_as_it_is_and_a_long_one_says_that_it_varies() {
        let gzip = HeaderValue::from_static("gzip");
        let short = Reply::text("x".repeat(1024)).compressed_for(Some(&gzip));
        assert!(matches!(short.body, Body::Text(_)));
        let long = Reply::text("x".repeat(1025)).compressed_for(Some(&gzip));
        assert!(matches!(&long.body, Body::Binary(bytes) if bytes.len() < 100));
        assert_eq!(long.headers[header::CONTENT_ENCODING], "gzip");
        let plain = Reply::text("x".repeat(1025)).compressed_for(None);
        assert!(matches!(plain.body, Body::Text(_)));
        assert_eq!(plain.headers[header::VARY], "Accept-Encoding");
    }

    #[test]
    fn a_header_can_not_be_split() {
        let reply = Reply::empty(StatusCode::OK)
            .with_ignored(true, &["a\r\nSet-Cookie: x".to_owned(), "é".to_owned()]);
        assert_eq!(reply.headers["x-ignored-members"], "a??Set-Cookie: x, ?");
        assert_eq!(reply.headers["preference-applied"], "handling=lenient");
        let many = vec!["service.unknown".to_owned(); 1000];
        let reply = Reply::empty(StatusCode::OK).with_ignored(true, &many);
        let listed = reply.headers["x-ignored-members"].to_str().unwrap();
        assert!(
            listed.len() < 2100 && listed.ends_with(", service.unknown, ..."),
            "{}",
            listed.len()
        );
    }
}
