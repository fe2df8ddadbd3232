//! What the function says of itself.

use serde_json::json;

use crate::reply::Reply;

/// `GET /ping`: the function answers.
pub fn ping() -> Reply {
    Reply::text("pong")
}

/// `GET /version`: what was built, from what, and when. Lower case, unlike every other answer.
pub fn show_version() -> Reply {
    Reply::json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "githash": env!("VERGEN_GIT_SHA"),
        "buildstamp": env!("VERGEN_BUILD_TIMESTAMP"),
    }))
}
