//! The API's description, for programs and for people. Both were made, and compressed, before the function was built:
//! the workspace's package `openapi` generates the document from [`OPERATIONS`](crate::routes::OPERATIONS).

use lambda_http::http::{StatusCode, header};

use super::operation::{Group, Handler, Operation};
use super::schema::{Answer, Schema};
use crate::intake::Call;
use crate::reply::{Body, Reply};

const OPENAPI: &[u8] = include_bytes!("../../assets/openapi.json.gz");
const PAGE: &[u8] = include_bytes!("../../assets/docs.html.gz");
/// Scripts and styles by their hashes, requests to this host and no other, and no frame around the page.
const PAGE_POLICY: &str = include_str!("../../assets/docs.csp");

/// `GET /openapi.json`.
pub const SHOW_OPENAPI: Operation = Operation {
    group: Group::ThisApi,
    summary: "Show this document.",
    description: "Send its `ETag` back as `If-None-Match`, and an unchanged document is answered by 304 without a body.",
    answers: &[
        Answer::json("This document.", Schema::OBJECT).with_headers(&["ETag"]),
        NOT_CHANGED,
    ],
    other_statuses: &[406],
    ..Operation::get(
        "show_openapi",
        "/openapi.json",
        Handler::Public(show_openapi),
    )
};

/// `GET /docs`.
pub const SHOW_DOCS: Operation = Operation {
    group: Group::ThisApi,
    summary: "Show this document as a page that can send requests.",
    description: "The page loads nothing from other hosts. A token that is typed into it stays in it.",
    answers: &[
        Answer::of("The page.", "text/html", Schema::Text).with_headers(&["ETag"]),
        NOT_CHANGED,
    ],
    other_statuses: &[406],
    ..Operation::get("show_docs", "/docs", Handler::Public(show_docs))
};

const NOT_CHANGED: Answer = Answer {
    status: 304,
    description: "Not changed.",
    content: None,
    headers: &["ETag"],
};

/// Answers the OpenAPI document.
pub fn show_openapi(call: &Call) -> Reply {
    asset(call, "application/json", OPENAPI)
}

/// Answers the same as a page that can send requests.
pub fn show_docs(call: &Call) -> Reply {
    asset(call, "text/html; charset=utf-8", PAGE)
        .with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
        .with_header(header::REFERRER_POLICY, "no-referrer")
}

fn asset(call: &Call, content_type: &'static str, compressed: &'static [u8]) -> Reply {
    Reply::new(StatusCode::OK, content_type, Body::Gzip(compressed))
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_etag(&etag(compressed), call.headers.get(header::IF_NONE_MATCH))
}

/// Returns a weak tag of the checksum and the length of the text, which end what gzip wrote
/// (<https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1>). Weak: the same for every encoding.
fn etag(compressed: &[u8]) -> String {
    let trailer = compressed
        .last_chunk::<8>()
        .map(hex::encode)
        .unwrap_or_default();
    format!("W/\"{trailer}\"")
}
