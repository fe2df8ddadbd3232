//! What paths and queries may say: every parameter with its meaning, unit and default.

use serde_json::{Value, json};

use crate::routes::{Endpoint, Route};

/// The longest name in ECS, and what it consists of.
const NAME: &str = "[A-Za-z0-9_-]{1,255}";
/// What every ARN of ECS begins with.
const ARN: &str = "arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:";

/// The parameters of a route: those of its path, of its query, and the headers that it heeds.
pub(super) fn parameters(route: &Route, has_body: bool) -> Vec<Value> {
    let path = names_in(route.pattern).map(|name| {
        let (description, schema, example) = path_parameter(name);
        json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": schema, "example": example,
        })
    });
    let query = route.query.iter().map(|name| {
        let (description, schema) = query_parameter(route.endpoint, name);
        let example = required_example(route.endpoint, name);
        let mut parameter = json!({
            "name": name, "in": "query", "required": example.is_some(), "description": description, "schema": schema,
        });
        if let Some(example) = example {
            parameter["example"] = example.into();
        }
        parameter
    });
    let prefer = has_body.then(|| json!({"$ref": "#/components/parameters/Prefer"}));
    let key = takes_a_key(route.endpoint)
        .then(|| json!({"$ref": "#/components/parameters/Idempotency-Key"}));
    path.chain(query).chain(prefer).chain(key).collect()
}

/// Whether an operation heeds `Idempotency-Key`.
fn takes_a_key(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::CreateOrchestration | Endpoint::RunTask)
}

/// The parameters that several operations share.
pub(super) fn shared() -> Value {
    json!({
        "Prefer": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`handling=lenient` (RFC 7240) drops members that AWS does not know, instead of refusing \
                            them, and lists them in `X-Ignored-Members`.",
            "schema": {"type": "string"},
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "1 to 64 printable ASCII characters of your choice. The same request with the same key is done \
                            once, however often it is sent; with another body it is a 409.",
            "schema": text("^[!-~]([ -~]{0,62}[!-~])?$"),
        },
    })
}

/// The names in the braces of a pattern.
pub(super) fn names_in(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

/// What a path's parameter means, what it may be, and one of the documentation's.
fn path_parameter(name: &str) -> (&'static str, Value, &'static str) {
    match name {
        "account" => (
            "The account's name in the configuration of the API: not the twelve digits.",
            text("^[A-Za-z0-9_.-]{1,64}$"),
            "nonprod",
        ),
        "cluster" => (
            "The cluster's name or, percent-encoded, its ARN.",
            text(&cluster()),
            "myclu",
        ),
        "service" => (
            "The service's name or, percent-encoded, its ARN.",
            text(&in_cluster("service")),
            "webapp",
        ),
        "task" => (
            "The task's id or, percent-encoded, `cluster/id` or its ARN.",
            text(&in_cluster("task")),
            "0123456789abcdef0123456789abcdef",
        ),
        "taskdef" => (
            "A family, for its latest ACTIVE revision, or `family:revision`, or, percent-encoded, an ARN.",
            text(&format!(
                "^({ARN}task-definition/)?{NAME}(:[1-9][0-9]{{0,8}})?$"
            )),
            "mytaskdef:1",
        ),
        "id" => (
            "The registry's id, `srv-…`, or, percent-encoded, its ARN.",
            text(
                "^(arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:[0-9]{12}:service/)?srv-[A-Za-z0-9-]{1,60}$",
            ),
            "srv-tvtbgvkkxtts3qlf",
        ),
        other => panic!("the path parameter `{other}` is not described"),
    }
}

/// An example of a query's parameter that is required; the others have none.
fn required_example(endpoint: Endpoint, name: &str) -> Option<&'static str> {
    match (endpoint, name) {
        (Endpoint::ShowLogs, "task") => Some("0123456789abcdef0123456789abcdef"),
        (Endpoint::ShowLogs, "container") => Some("webserver"),
        _ => None,
    }
}

/// What a query's parameter means, and what it may be.
fn query_parameter(endpoint: Endpoint, name: &str) -> (&'static str, Value) {
    match (name, endpoint) {
        ("limit", Endpoint::ShowLogs) => (
            "The most events of one answer, 1 to 10,000. Default: as many as fit into 1 MB, up to 10,000.",
            json!({"type": "integer", "minimum": 1, "maximum": 10_000}),
        ),
        ("limit", _) => (
            "The most entries of one answer, 1 to 1000. Default: all.",
            json!({"type": "integer", "minimum": 1, "maximum": 1000}),
        ),
        ("nextToken", Endpoint::ShowLogs) => (
            "`NextForwardToken` or `NextBackwardToken` of an earlier answer: the log goes on from there.",
            json!({"type": "string", "minLength": 1}),
        ),
        ("nextToken", _) => (
            "The `nextToken` of an earlier answer's `Link`: the list goes on from there.",
            json!({"type": "string"}),
        ),
        ("all", Endpoint::ListServices) => (
            "The services themselves, with tags, instead of ARNs. Default: false.",
            flag(),
        ),
        ("all", _) => (
            "One flat object with endpoint, tasks and task definition. Default: false.",
            flag(),
        ),
        ("recursive", _) => (
            "Also delete what belongs to the service. Default: false.",
            flag(),
        ),
        ("launchType", _) => (
            "Only services of this launch type. Default: all.",
            one_of(&["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"]),
        ),
        ("cluster", _) => (
            "The service's cluster, by name or ARN; here or in the body.",
            text(&cluster()),
        ),
        ("service", Endpoint::ListTasks) => (
            "Only tasks of this service, by name or ARN. Default: all.",
            text(&in_cluster("service")),
        ),
        ("service", _) => (
            "The service, by name or ARN; here or in the body.",
            text(&in_cluster("service")),
        ),
        ("family", Endpoint::ListTasks) => (
            "Only tasks of this task definition's family, without a revision. Default: all.",
            text(&format!("^{NAME}$")),
        ),
        ("family", _) => (
            "Only revisions of exactly this family. Not beside `prefix`. Default: all.",
            text(&format!("^{NAME}$")),
        ),
        ("prefix", _) => (
            "Only families that begin so. Not beside `family`. Default: all.",
            text(&format!("^{NAME}$")),
        ),
        ("status", Endpoint::ListTasks) => (
            "Tasks that shall be in this state; stopped ones are known for about an hour. Default: RUNNING.",
            one_of(&["RUNNING", "PENDING", "STOPPED"]),
        ),
        ("status", _) => (
            "Revisions of this status. Default: ACTIVE.",
            one_of(&["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"]),
        ),
        ("startedBy", _) => (
            "Only tasks that were started by this. AWS takes it alone, without `service`, `family` and `status`.",
            json!({"type": "string", "minLength": 1}),
        ),
        ("reason", _) => (
            "Why the task is stopped; AWS shows it with the task.",
            json!({"type": "string"}),
        ),
        ("namespace", _) => (
            "Only registries of this namespace, by id or ARN. Default: all.",
            text("^[A-Za-z0-9_:/-]{1,255}$"),
        ),
        ("task", _) => (
            "The task: its id, `cluster/id`, or its ARN.",
            text(&format!("^\"?({ARN}task/)?({NAME}/)?{NAME}\"?$")),
        ),
        ("container", _) => (
            "The container's name in the task definition.",
            json!({"type": "string", "minLength": 1}),
        ),
        ("start", _) => (
            "Events from then on. Milliseconds since 1970, or RFC 3339. Default: the log's beginning.",
            time(),
        ),
        ("end", _) => (
            "Events before then. Milliseconds since 1970, or RFC 3339. Default: the log's end.",
            time(),
        ),
        ("startFromHead", _) => (
            "The earliest events first. Default: the latest, unless a token goes forward.",
            flag(),
        ),
        (other, _) => panic!("the query parameter `{other}` is not described"),
    }
}

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// A cluster's name or ARN.
fn cluster() -> String {
    format!("^({ARN}cluster/)?{NAME}$")
}

/// The name of something in a cluster, `cluster/name`, or its ARN.
fn in_cluster(kind: &str) -> String {
    format!("^({ARN}{kind}/)?({NAME}/)?{NAME}$")
}

fn one_of(choices: &[&str]) -> Value {
    json!({"type": "string", "enum": choices})
}

/// `true`, `false`, `1` or `0`.
fn flag() -> Value {
    json!({"oneOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}]})
}

fn time() -> Value {
    json!({"oneOf": [{"type": "integer", "format": "int64", "minimum": 0}, {"type": "string", "format": "date-time"}]})
}
