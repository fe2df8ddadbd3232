//! The answers of operations when something went wrong: the statuses of each, from one table.

use ecs_api::api::operation::{Operation, ProblemSchema};
use ecs_api::api::schema::{Member, Schema};
use ecs_api::config::Access;
use ecs_api::routes::OPERATIONS;
use lambda_http::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::responses::with_headers;
use crate::schemas::{Schemas, reference};

/// A status, when it is answered, the header that comes with it, and the operations that may answer it.
struct Status {
    code: u16,
    when: &'static str,
    headers: &'static [&'static str],
    applies: fn(&Operation) -> bool,
}

#[rustfmt::skip]
const STATUSES: [Status; 15] = [
    Status { code: 400, when: "The body, the query or an identifier is not valid (`errors` says where), or AWS says so.", headers: &[], applies: |_| true },
    Status { code: 401, when: "No credentials, or nobody's.", headers: &["WWW-Authenticate"], applies: needs_a_caller },
    Status { code: 403, when: "The caller has no grant for the account and method, or the account's role lacks a permission: `detail` names it.", headers: &[], applies: needs_a_caller },
    Status { code: 404, when: "There is no such account or resource.", headers: &[], applies: needs_a_caller },
    Status { code: 406, when: "The answer is sent compressed alone: `Accept-Encoding` must accept gzip.", headers: &[], applies: |_| false },
    Status { code: 409, when: "Something is in the way: a name that is taken, something in use, a quota, a used `Idempotency-Key`; or, with `Retry-After`, a name that is draining, a cluster that is not ready, a request with the same key that is at work.", headers: &["Retry-After"], applies: may_conflict },
    Status { code: 412, when: "The service is not deployed as `If-Match` says; `ETag` says how it is.", headers: &["ETag"], applies: |operation| operation.heeds_if_match },
    Status { code: 413, when: "The body is over 1 MiB, unpacked where it is packed.", headers: &[], applies: |operation| operation.body.is_some() },
    Status { code: 415, when: "The body is packed otherwise than by gzip.", headers: &["Accept-Encoding"], applies: |operation| operation.body.is_some() },
    Status { code: 429, when: "AWS throttles, after all retries.", headers: &["Retry-After"], applies: needs_a_caller },
    Status { code: 500, when: "A bug of the API. `requestId` finds it in the log.", headers: &[], applies: |_| true },
    Status { code: 502, when: "The account's role can't be assumed, or AWS fails, after all retries.", headers: &[], applies: needs_a_caller },
    Status { code: 503, when: "Fargate has no capacity; or the table or the queue of ecs-api cannot be reached, and nothing was changed.", headers: &["Retry-After"], applies: changes_something },
    Status { code: 504, when: "The time is over: 28 seconds behind API Gateway.", headers: &[], applies: needs_a_caller },
    // Not of an operation, but of a path: 405 for another method, with `Allow`.
    Status { code: 405, when: "The path does not take this method; `Allow` says which it takes.", headers: &[], applies: |_| false },
];

fn needs_a_caller(operation: &Operation) -> bool {
    operation.access().is_some()
}

fn changes_something(operation: &Operation) -> bool {
    operation.access() == Some(Access::Write)
}

/// Returns `true` for what changes something: nothing is in the way of what only shows it.
fn may_conflict(operation: &Operation) -> bool {
    operation.method != Method::GET && needs_a_caller(operation)
}

fn applies(status: &Status, operation: &Operation) -> bool {
    (status.applies)(operation) || operation.other_statuses.contains(&status.code)
}

/// Describes the problems of an operation, by status: references to the shared ones, or, where problems say more, its
/// own.
pub(crate) fn problems(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let own = operation
        .problem
        .map(|problem| own_schema(&problem, schemas));
    let applying = STATUSES.iter().filter(|status| applies(status, operation));
    let answer = |status: &Status| match &own {
        None => json!({"$ref": format!("#/components/responses/{}", name(status.code))}),
        Some(own) => response(status, own),
    };
    applying
        .map(|status| (status.code.to_string(), answer(status)))
        .collect()
}

/// Describes the problems that operations share.
pub(crate) fn shared() -> Value {
    let shares = |status: &Status| {
        let mut sharing = OPERATIONS
            .iter()
            .filter(|operation| operation.problem.is_none());
        sharing.any(|operation| applies(status, operation))
    };
    let used = STATUSES.iter().filter(|status| shares(status));
    used.map(|status| (name(status.code), response(status, &reference("Problem"))))
        .collect::<Map<_, _>>()
        .into()
}

/// Writes the statuses and when they are answered, as a table for people.
pub(crate) fn table() -> String {
    let mut sorted: Vec<_> = STATUSES.iter().collect();
    sorted.sort_by_key(|status| status.code);
    let rows = sorted
        .iter()
        .map(|status| format!("| {} | {} |\n", status.code, status.when));
    format!(
        "| status | when |\n| --- | --- |\n{}",
        rows.collect::<String>()
    )
}

/// Adds the schema of the problems that operations share.
pub(crate) fn add_schemas(schemas: &mut Schemas) {
    let problem = problem(&[], schemas);
    schemas.add("Problem", problem);
}

/// Adds the schema of an operation's own problems, and returns the reference to it.
fn own_schema(own: &ProblemSchema, schemas: &mut Schemas) -> Value {
    if !schemas.has(own.name) {
        let problem = problem(own.members, schemas);
        schemas.add(own.name, problem);
    }
    reference(own.name)
}

/// Returns the schema of RFC 9457 with the members of every problem and these.
fn problem(own: &[Member], schemas: &mut Schemas) -> Value {
    let members = [PROBLEM, own].concat();
    schemas.object(&members)
}

const PROBLEM: &[Member] = &[
    Member::always(
        "type",
        Schema::Json(r#"{"type": "string", "const": "about:blank"}"#),
    ),
    Member::always("title", Schema::Text).described("The status in words."),
    Member::always(
        "status",
        Schema::Json(r#"{"type": "integer", "minimum": 400, "maximum": 599}"#),
    ),
    Member::always("detail", Schema::Text)
        .described("What is wrong, for people. Where AWS refused, in AWS's words."),
    Member::always("code", Schema::Text)
        .described("What is wrong, for programs: AWS's error code, or the API's own."),
    Member::always("requestId", Schema::Text).described("Finds the request in the API's log."),
    Member::always("retryable", Schema::Boolean).described(
        "Whether the same request may be sent again without harm, and may then succeed.",
    ),
    Member::sometimes("awsRequestId", Schema::Text).described("AWS's id of the call that failed."),
    Member::sometimes("errors", Schema::List(&FIELD_ERROR))
        .described("Everything that is wrong with the body or the query."),
];

const FIELD_ERROR: Schema = Schema::Object(&[
    Member::always("path", Schema::Text)
        .described("Where, as `service.desiredCount`; empty for the body itself."),
    Member::always("message", Schema::Text),
]);

fn response(status: &Status, schema: &Value) -> Value {
    let content = json!({"application/problem+json": {"schema": schema}});
    with_headers(
        json!({"description": status.when, "content": content}),
        status.headers,
    )
}

/// Returns the name of a status's shared problem.
fn name(code: u16) -> String {
    let status = StatusCode::from_u16(code).expect("a status of the table is one of HTTP");
    let reason = status
        .canonical_reason()
        .expect("a status of the table has a name");
    reason.replace(' ', "")
}
