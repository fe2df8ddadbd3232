//! Readiness of an account for a create.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation, Timing};
use super::schema::{Answer, Member, Schema};
use crate::error::Error;
use crate::orchestration::readiness::{Check, readiness};
use crate::reply::Reply;

/// The time kept back to write the answer.
const WRITING: Duration = Duration::from_secs(1);

/// `GET /{account}/readiness`.
pub const SHOW: Operation = Operation {
    timing: Timing::InTime,
    group: Group::Accounts,
    summary: "Tell whether an account can take a create.",
    description: "Looks at the role and what IAM says of its permissions, at the execution role and the log group of the \
                  configuration, and at ECS's settings, and changes nothing. `Ready` is true if nothing of it is wrong, and \
                  all that a create needs could be seen. Subnets and security groups are not looked at.",
    answers: &[Answer::json(
        "The checks, whatever their results.",
        Schema::Object(&[
            Member::always("Ready", Schema::Boolean),
            Member::always(
                "Checks",
                Schema::List(&Schema::Component(
                    "ReadinessCheck",
                    &Schema::Object(&[
                        Member::always("Name", Schema::Text)
                            .described("The thing that is checked; it stays the same."),
                        Member::sometimes("Ok", Schema::Boolean)
                            .described("The result; absent if it can't be known."),
                        Member::always("Detail", Schema::Text)
                            .described("The thing that was seen, in a sentence."),
                        Member::sometimes("Fix", Schema::Text)
                            .described("A command that mends it, or shows what is in the way."),
                    ]),
                )),
            ),
        ]),
    )],
    ..Operation::get(
        "show_readiness",
        "/{account}/readiness",
        Handler::Account(|request| show_readiness(request).boxed()),
    )
};

/// Answers whether the account can take a create.
///
/// # Errors
/// [`Error`] if STS or ECS could not be asked.
pub async fn show_readiness(request: &Request<'_>) -> Result<Reply, Error> {
    let deadline = request.deadline.keeping(WRITING);
    let readiness = Box::pin(readiness(request.account, deadline)).await?;
    let is_ready = readiness.is_ready();
    let checks: Vec<_> = readiness.checks.into_iter().map(shown).collect();
    Ok(Reply::json(json!({"Ready": is_ready, "Checks": checks})))
}

fn shown(check: Check) -> Value {
    let mut shown = Map::new();
    shown.insert("Name".to_owned(), check.name.into());
    if let Some(is_ok) = check.ok {
        shown.insert("Ok".to_owned(), is_ok.into());
    }
    shown.insert("Detail".to_owned(), check.detail.into());
    if let Some(fix) = check.fix {
        shown.insert("Fix".to_owned(), fix.into());
    }
    shown.into()
}
