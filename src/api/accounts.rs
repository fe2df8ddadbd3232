//! The accounts that a caller may use.

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::CallerRequest;
use super::operation::{Group, Handler, Operation};
use super::schema::{Answer, Member, Schema};
use crate::config::{Access, Account};
use crate::reply::Reply;

/// `GET /accounts`.
pub const LIST: Operation = Operation {
    group: Group::Accounts,
    summary: "List the accounts that the caller may use.",
    description: "In the order of their names, with the most that the caller may do in each, and what a request gets that says \
                  nothing of its own. No role and no secret.",
    answers: &[Answer::json(
        "The accounts.",
        Schema::List(&Schema::Component(
            "Account",
            &Schema::Object(&[
                Member::always("Name", Schema::Text).described("The name in paths."),
                Member::always("AccountId", Schema::Text).described("The twelve digits."),
                Member::always("Region", Schema::Text),
                Member::always("Access", Schema::Json(r#"{"enum": ["read", "write"]}"#)),
                Member::always("Defaults", DEFAULTS),
            ]),
        )),
    )],
    ..Operation::get(
        "list_accounts",
        "/accounts",
        Handler::Caller(|request| std::future::ready(Ok(list_accounts(request))).boxed()),
    )
};

const DEFAULTS: Schema = Schema::Object(&[
    Member::always("Subnets", Schema::List(&Schema::Text)),
    Member::always("SecurityGroups", Schema::List(&Schema::Text)),
    Member::always(
        "Tags",
        Schema::Json(r#"{"type": "object", "additionalProperties": {"type": "string"}}"#),
    )
    .described("The tags of everything that is made."),
    Member::sometimes(
        "Logs",
        Schema::Object(&[
            Member::always("Group", Schema::Text)
                .described("In it, `{cluster}` and `{service}` stand for the names of these."),
            Member::sometimes("RetentionInDays", Schema::Integer),
        ]),
    )
    .described("The log group of containers that name none."),
    Member::always("LogRegions", Schema::List(&Schema::Text))
        .described("The regions whose logs may be read."),
    Member::always("LogGroups", Schema::List(&Schema::Text))
        .described("The log groups that may be read; `*` stands for any text."),
]);

/// Answers the accounts that the caller may use.
pub fn list_accounts(request: &CallerRequest<'_>) -> Reply {
    let accounts = request.granted().map(|(name, settings, access)| {
        json!({
            "Name": name,
            "AccountId": settings.role_arn.account_id(),
            "Region": settings.region,
            "Access": match access {
                Access::Read => "read",
                Access::Write => "write",
            },
            "Defaults": defaults(settings),
        })
    });
    Reply::json(accounts.collect())
}

fn defaults(settings: &Account) -> Value {
    let mut defaults = Map::new();
    let mut put = |name: &str, value: Value| defaults.insert(name.to_owned(), value);
    put("Subnets", json!(settings.default_subnets));
    put("SecurityGroups", json!(settings.default_sgs));
    put("Tags", json!(settings.tags));
    if let Some(logs) = &settings.logs {
        let mut shown = json!({"Group": logs.group});
        if let Some(days) = logs.retention_in_days {
            shown["RetentionInDays"] = days.into();
        }
        put("Logs", shown);
    }
    put("LogRegions", settings.readable_regions().cloned().collect());
    put("LogGroups", json!(settings.log_groups));
    defaults.into()
}
