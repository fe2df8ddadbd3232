//! Errors → problem details (RFC 9457): the only writer of problems. `status.rs` is the one status table.

mod status;

use lambda_http::http::header::{self, HeaderName};
use serde_json::{Map, Value, json};

use crate::api::body::{ACCEPTED_ENCODING, BodyError};
use crate::auth::Refusal;
use crate::aws;
use crate::error::Error;
use crate::ids::Arn;
use crate::orchestration::undo::UndoReport;
use crate::orchestration::{Cause, Leftover};
use crate::reply::{Body, Reply};
use crate::text::printable_up_to;
use crate::wire::validation::FieldError;
use crate::wire::write::write;

pub use status::Fault;
use status::{Verdict, verdict};

/// The most characters of a detail: more than AWS says of one thing.
const DETAIL_MAX: usize = 4096;

/// The most bytes of paths and messages that a problem lists.
const ERRORS_MAX_BYTES: usize = 16_384;

/// Writes the problem of an error. `repeats_safely` claims that the request, sent again, does nothing
/// twice.
pub fn reply(error: &Error, request_id: &str, repeats_safely: bool) -> Reply {
    let verdict = verdict(error, repeats_safely);
    let problem = members(error, &verdict, request_id);
    let reply = Reply::new(
        verdict.status,
        "application/problem+json",
        Body::Json(Value::Object(problem)),
    );
    let reply = match verdict.retry_after_s {
        Some(seconds) => reply.with_header(header::RETRY_AFTER, &seconds.to_string()),
        None => reply,
    };
    with_remedy(reply, error)
}

/// Writes the problem of an error as a part of another answer. The request is one that changes nothing.
pub fn body(error: &Error, request_id: &str) -> Value {
    members(error, &verdict(error, true), request_id).into()
}

fn members(error: &Error, verdict: &Verdict, request_id: &str) -> Map<String, Value> {
    let mut problem = Map::new();
    problem.insert("type".to_owned(), "about:blank".into());
    problem.insert(
        "title".to_owned(),
        verdict.status.canonical_reason().unwrap_or("Error").into(),
    );
    problem.insert("status".to_owned(), verdict.status.as_u16().into());
    problem.insert("detail".to_owned(), detail(error).into());
    problem.insert("code".to_owned(), verdict.code.as_str().into());
    problem.insert("requestId".to_owned(), request_id.into());
    if let Some(id) = aws_error(error).and_then(|error| error.request_id.as_deref()) {
        problem.insert("awsRequestId".to_owned(), id.into());
    }
    problem.insert("retryable".to_owned(), verdict.retryable.into());
    if let Error::Input(problems) = error {
        problem.insert("errors".to_owned(), errors(problems));
    }
    match error {
        Error::TakenBack(failure) => add_report(&mut problem, &failure.report),
        Error::Delete(failure) => {
            problem.insert("Deleted".to_owned(), json!(failure.deleted));
            let kept = failure
                .kept
                .iter()
                .map(|kept| json!({"Arn": kept.arn, "Reason": kept.reason}));
            problem.insert("Kept".to_owned(), kept.collect());
        }
        Error::NothingStarted(nothing) => {
            // AWS's own values always have a JSON form.
            let failures = nothing.0.iter().filter_map(|failure| write(failure).ok());
            problem.insert("Failures".to_owned(), failures.collect());
        }
        _ => {}
    }
    problem
}

/// Adds the headers that tell a client what would be accepted.
fn with_remedy(reply: Reply, error: &Error) -> Reply {
    if let Error::Flow(Cause::Precondition(error)) = error {
        return match &error.present {
            Some(present) => reply.with_header(header::ETAG, &format!("\"{present}\"")),
            None => reply,
        };
    }
    let (name, value): (HeaderName, &str) = match error {
        Error::MethodNotAllowed { allow, .. } => (header::ALLOW, allow),
        Error::Refused(Refusal::Unauthenticated) => {
            (header::WWW_AUTHENTICATE, "Bearer realm=\"ecs-api\"")
        }
        Error::Body(BodyError::UnknownCompression(_)) => {
            (header::ACCEPT_ENCODING, ACCEPTED_ENCODING)
        }
        _ => return reply,
    };
    reply.with_header(name, value)
}

/// Writes what the caller may know in one line, although AWS's messages may have several. Of a bug: nothing.
fn detail(error: &Error) -> String {
    let detail = match error {
        Error::Bug(_) => {
            "the request could not be completed; its id finds the cause in the log".to_owned()
        }
        Error::Input(problems) => summary(problems),
        other => other.to_string(),
    };
    printable_up_to(DETAIL_MAX, &detail)
}

/// Writes what is wrong with the input, as far as a problem has room for it.
fn errors(problems: &[FieldError]) -> Value {
    let listed = problems.iter().scan(0, |bytes, problem| {
        *bytes += problem.path.len() + problem.message.len();
        (*bytes <= ERRORS_MAX_BYTES).then(|| json!(problem))
    });
    let mut listed: Vec<_> = listed.collect();
    if listed.len() < problems.len() {
        listed.push(json!({"path": "", "message": "and more problems, once these are mended"}));
    }
    listed.into()
}

fn summary(problems: &[FieldError]) -> String {
    match problems {
        [] => "the request is not valid".to_owned(),
        [only] if only.path.is_empty() => only.message.clone(),
        [only] => format!("{}: {}", only.path, only.message),
        [first, rest @ ..] => format!(
            "{}: {} (and {} more)",
            first.path,
            first.message,
            rest.len()
        ),
    }
}

fn add_report(problem: &mut Map<String, Value>, report: &UndoReport) {
    let arns = |arns: &[Arn]| {
        arns.iter()
            .map(|arn| json!({"Arn": arn}))
            .collect::<Vec<_>>()
    };
    problem.insert("Created".to_owned(), arns(&report.created).into());
    problem.insert("RolledBack".to_owned(), arns(&report.rolled_back).into());
    problem.insert("LeftBehind".to_owned(), left_behind(&report.left_behind));
}

/// Writes what could not be taken back, as `LeftBehind` lists it.
fn left_behind(leftovers: &[Leftover]) -> Value {
    let entry =
        |left: &Leftover| json!({"Arn": left.arn, "Error": left.error, "Command": left.command});
    leftovers.iter().map(entry).collect()
}

fn aws_error(error: &Error) -> Option<&aws::Error> {
    let cause = match error {
        Error::Aws(error) => return Some(error),
        Error::Flow(cause) => cause,
        Error::TakenBack(failure) => &failure.cause,
        Error::Delete(failure) => &failure.cause,
        _ => return None,
    };
    match cause {
        Cause::Aws(error) => Some(error),
        _ => None,
    }
}
