//! Answers to pages of other origins (CORS), for the origins that the configuration names.

use lambda_http::http::Method;
use lambda_http::http::header;

use crate::intake::Call;
use crate::reply::Reply;

/// The headers of an answer that a page may read.
const EXPOSED_HEADERS: &str =
    "ETag, Link, Location, Preference-Applied, Retry-After, X-Ignored-Members, X-Request-Id";

/// Adds what lets a page of one of these origins read the answer.
pub(super) fn with_cors(mut reply: Reply, call: &Call, origins: &[String]) -> Reply {
    if origins.is_empty() {
        return reply;
    }
    reply = reply.with_header(header::VARY, "Origin");
    let origin = call
        .headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin.filter(|origin| origins.iter().any(|known| known == origin)) else {
        return reply;
    };
    reply = reply
        .with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
        .with_header(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    let allow = reply
        .headers
        .get(header::ALLOW)
        .filter(|_| call.method == Method::OPTIONS)
        .cloned();
    if let Some(allow) = allow {
        reply
            .headers
            .insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow);
        let allowed = "Authorization, X-Auth-Token, Auth-Token, X-Amz-Date, X-Amz-Security-Token, \
                       X-Amz-Content-Sha256, Content-Type, Prefer, Idempotency-Key, If-Match";
        reply = reply.with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    reply
}
