//! What operations answer when something went wrong: the statuses of each, from one table.

use lambda_http::http::Method;
use serde_json::{Map, Value, json};

use super::answers::{described, kept, list, object, with_headers};
use super::schemas::{Schemas, reference};
use crate::config::Access;
use crate::routes::{Endpoint, Guard, Route};

/// A status, when it is answered, the header that comes with it, and the operations that may answer it.
struct Status {
    code: u16,
    when: &'static str,
    headers: &'static [&'static str],
    applies: fn(&Route, bool) -> bool,
}

#[rustfmt::skip]
const STATUSES: [Status; 12] = [
    Status { code: 400, when: "The body, the query or an identifier is not valid (`errors` says where), or AWS says so.", headers: &[], applies: |_, _| true },
    Status { code: 401, when: "No credentials, or nobody's.", headers: &["WWW-Authenticate"], applies: needs_a_caller },
    Status { code: 403, when: "The caller has no grant for the account and method, or the account's role lacks a permission: `detail` names it.", headers: &[], applies: needs_a_caller },
    Status { code: 404, when: "There is no such account or resource.", headers: &[], applies: needs_a_caller },
    Status { code: 409, when: "Something is in the way: a name that is taken, something in use, a quota, a used `Idempotency-Key`; or, with `Retry-After`, a name that is draining, a cluster that is not ready, a part that another request took back.", headers: &["Retry-After"], applies: may_conflict },
    Status { code: 413, when: "The body is over 1 MiB.", headers: &[], applies: |_, has_body| has_body },
    Status { code: 429, when: "AWS throttles, after all retries.", headers: &["Retry-After"], applies: needs_a_caller },
    Status { code: 500, when: "A bug of the API. `requestId` finds it in the log.", headers: &[], applies: |_, _| true },
    Status { code: 502, when: "The account's role can't be assumed, or AWS fails, after all retries.", headers: &[], applies: needs_a_caller },
    Status { code: 503, when: "Fargate has no capacity.", headers: &["Retry-After"], applies: changes_something },
    Status { code: 504, when: "The time is over: 28 seconds behind API Gateway.", headers: &[], applies: needs_a_caller },
    // Not of an operation, but of a path: 405 for another method, with `Allow`.
    Status { code: 405, when: "The path does not take this method; `Allow` says which it takes.", headers: &[], applies: |_, _| false },
];

fn needs_a_caller(route: &Route, _has_body: bool) -> bool {
    route.guard != Guard::Public
}

fn changes_something(route: &Route, _has_body: bool) -> bool {
    route.guard == Guard::Needs(Access::Write)
}

/// What only shows something meets nothing that is in the way, but a log may be kept where the API can't read it.
fn may_conflict(route: &Route, _has_body: bool) -> bool {
    route.method != Method::GET && route.guard != Guard::Public
        || route.endpoint == Endpoint::ShowLogs
}

/// The problems of a route, by status: references to the shared ones, or, where problems say more, its own.
pub(super) fn problems(route: &Route, has_body: bool) -> Map<String, Value> {
    let schema = schema_name(route.endpoint);
    let applying = STATUSES
        .iter()
        .filter(|status| (status.applies)(route, has_body));
    let answer = |status: &Status| match schema {
        "Problem" => json!({"$ref": format!("#/components/responses/{}", name(status.code))}),
        more => response(status, more),
    };
    applying
        .map(|status| (status.code.to_string(), answer(status)))
        .collect()
}

/// The problems that operations share.
pub(super) fn shared() -> Value {
    let used = STATUSES.iter().filter(|status| status.code != 405);
    used.map(|status| (name(status.code), response(status, "Problem")))
        .collect::<Map<_, _>>()
        .into()
}

/// The statuses and when they are answered, as a table for people.
pub(super) fn table() -> String {
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

/// Adds the schemas of problems.
pub(super) fn add_schemas(schemas: &mut Schemas) {
    let text = json!({"type": "string"});
    let arns = list(object(&[("Arn", text.clone())], &[]));
    let leftover = object(
        &[
            ("Arn", text.clone()),
            ("Error", text.clone()),
            ("Command", text.clone()),
        ],
        &[],
    );
    schemas.add("Leftover", leftover);
    schemas.add("Problem", problem(&[]));
    schemas.add(
        "CreateProblem",
        problem(&[
            ("Created", described(arns.clone(), "What the request had made before it failed.")),
            ("RolledBack", described(arns, "What of it was taken back.")),
            (
                "LeftBehind",
                described(
                    list(reference("Leftover")),
                    "What of it, and of what an identical request made, is or may be still there, and the command that removes it.",
                ),
            ),
        ]),
    );
    schemas.add(
        "DeleteProblem",
        problem(&[
            (
                "Deleted",
                described(list(text), "The ARNs that were deleted before it failed."),
            ),
            ("Kept", described(kept(), "What is kept, and why.")),
        ]),
    );
    schemas.add(
        "RunProblem",
        problem(&[(
            "Failures",
            described(list(reference("Failure")), "Why AWS started no task."),
        )]),
    );
}

/// The schema of an endpoint's problems.
fn schema_name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::CreateOrchestration => "CreateProblem",
        Endpoint::DeleteOrchestration | Endpoint::DeleteService => "DeleteProblem",
        Endpoint::RunTask => "RunProblem",
        _ => "Problem",
    }
}

/// RFC 9457, with members of our own.
fn problem(more: &[(&str, Value)]) -> Value {
    let text = json!({"type": "string"});
    let always = [
        ("type", json!({"type": "string", "const": "about:blank"})),
        ("title", described(text.clone(), "The status in words.")),
        (
            "status",
            json!({"type": "integer", "minimum": 400, "maximum": 599}),
        ),
        (
            "detail",
            described(
                text.clone(),
                "What is wrong, for people. Where AWS refused, in AWS's words.",
            ),
        ),
        (
            "code",
            described(
                text.clone(),
                "What is wrong, for programs: AWS's error code, or the API's own.",
            ),
        ),
        (
            "requestId",
            described(text.clone(), "Finds the request in the API's log."),
        ),
        (
            "retryable",
            json!({"type": "boolean", "description": "Whether the same request may be sent again without harm, and may then succeed."}),
        ),
    ];
    let error = object(
        &[
            (
                "path",
                described(
                    text.clone(),
                    "Where, as `service.desiredCount`; empty for the body itself.",
                ),
            ),
            ("message", text.clone()),
        ],
        &[],
    );
    let mut sometimes = vec![
        (
            "awsRequestId",
            described(text, "AWS's id of the call that failed."),
        ),
        (
            "errors",
            described(
                list(error),
                "Everything that is wrong with the body or the query.",
            ),
        ),
    ];
    sometimes.extend_from_slice(more);
    object(&always, &sometimes)
}

fn response(status: &Status, schema: &str) -> Value {
    let content = json!({"application/problem+json": {"schema": reference(schema)}});
    with_headers(
        json!({"description": status.when, "content": content}),
        status.headers,
    )
}

/// The name of a status's shared problem.
fn name(code: u16) -> String {
    let reason = lambda_http::http::StatusCode::from_u16(code)
        .ok()
        .and_then(|status| status.canonical_reason());
    reason.unwrap_or("Problem").replace(' ', "")
}
