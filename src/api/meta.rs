//! The function itself: that it is there, and of which version.

use serde_json::json;

use super::operation::{Group, Handler, Operation};
use super::schema::{Answer, Member, Schema};
use crate::reply::Reply;

/// The version of the API.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `GET /ping`.
pub const PING: Operation = Operation {
    group: Group::ThisApi,
    summary: "Answer pong.",
    description: "Says that the function is there. Calls nothing.",
    answers: &[Answer::of(
        "`pong`.",
        "text/plain",
        Schema::Json(r#"{"type": "string", "const": "pong"}"#),
    )],
    ..Operation::get("ping", "/ping", Handler::Public(|_| ping()))
};

/// Answers that the function is there.
pub fn ping() -> Reply {
    Reply::text("pong")
}

/// `GET /version`.
pub const SHOW_VERSION: Operation = Operation {
    group: Group::ThisApi,
    summary: "Show what was built, from which commit, and when.",
    description: "The one answer with lower-case members.",
    answers: &[Answer::json(
        "What was built.",
        Schema::Object(&[
            Member::always("version", Schema::Text),
            Member::always("githash", Schema::Text),
            Member::always("buildstamp", Schema::Text),
        ]),
    )],
    ..Operation::get(
        "show_version",
        "/version",
        Handler::Public(|_| show_version()),
    )
};

/// Answers what was built, from what, and when. Lower case, unlike every other answer.
pub fn show_version() -> Reply {
    Reply::json(json!({
        "version": VERSION,
        "githash": env!("VERGEN_GIT_SHA"),
        "buildstamp": env!("VERGEN_BUILD_TIMESTAMP"),
    }))
}
