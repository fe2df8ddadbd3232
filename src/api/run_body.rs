//! The body of a run of tasks: `RunTask`'s input, and what this API adds to it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Request;
use super::schema::{Addition, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use crate::error::Error;
use crate::ids::ClusterName;
use crate::orchestration::launch::RunRequest;
use crate::orchestration::task_overrides::ContainerWishes;
use crate::orchestration::time_limit::TimeLimit;
use crate::text::printable;
use crate::wire::inputs::RunTaskInput;
use crate::wire::members::join;
use crate::wire::validation::Validation;

/// The longest time limit of tasks: a day.
const TIME_LIMIT_MAX: Duration = Duration::from_hours(24);

/// `RunTask`'s input, with what this API adds to it.
pub(super) const RUN_TASK_INPUT: &InputSchema = &InputSchema::of::<RunTaskInput>().with(ADDITIONS);

const ADDITIONS: &[Addition] = &[
    TAGS_OF_ECS,
    addition(
        Member::optional("command", Schema::List(&Schema::Text)).described(
            "The command of the only essential container, in place of that of its definition.",
        ),
    ),
    addition(
        Member::optional(
            "environment",
            Schema::Json(r#"{"type": "object", "additionalProperties": {"type": "string"}}"#),
        )
        .described("Environment variables of the only essential container, by their names."),
    ),
    addition(
        Member::optional("cpu", Schema::Integer).described(
            "CPU units, 1,024 to a vCPU, of the task and of its only essential container, wherever their \
             definition has some.",
        ),
    ),
    addition(
        Member::optional("memory", Schema::Integer)
            .described("Memory in MiB, as `cpu`."),
    ),
    addition(
        Member::optional(
            "timeoutSeconds",
            Schema::Json(r#"{"type": "integer", "minimum": 1, "maximum": 86400}"#),
        )
        .described(
            "Stops the tasks that still run after this time, 1 to 86,400 seconds, also when nobody waits.",
        ),
    ),
];

const fn addition(member: Member) -> Addition {
    Addition { to: "", member }
}

/// The members of this API's own, as a body has them.
#[derive(Debug, Default)]
struct Additions {
    wishes: ContainerWishes,
    timeout_seconds: Option<u32>,
}

/// Reads the body, and lists the members that were ignored.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with it.
pub(super) fn read_run<'r>(
    request: &'r Request<'_>,
    cluster: &ClusterName,
) -> Result<(RunRequest<'r>, Vec<String>), Error> {
    let mut additions = Additions::default();
    let (mut input, ignored) = request.input::<RunTaskInput>(|body, path, validation| {
        tags::as_list(body, path, validation);
        additions = take_additions(body, path, validation);
        if additions.timeout_seconds.is_some() {
            check_time_limit(request, body, path, validation);
        }
    })?;
    request.check_cluster(input.cluster.as_deref(), cluster)?;
    // DIFFERENCE: the original sent the path's cluster as a task definition, and always failed.
    input.cluster = Some(cluster.to_string());
    tags::put_account(request, &mut input.tags, "tags")?;
    let keeper = request
        .continuation
        .map(|continuation| continuation.time_keeper(request.clock));
    let time_limit = additions
        .timeout_seconds
        .zip(keeper)
        .map(|(seconds, keeper)| {
            let limit = TimeLimit {
                account: request.path.parameter("account").to_owned(),
                cluster: cluster.clone(),
                started_by: String::new(),
                seconds,
                begun_at: 0,
                caller: request.caller.to_owned(),
                correlation_id: request.request_id.to_owned(),
            };
            (limit, keeper)
        });
    let run = RunRequest {
        cluster: cluster.clone(),
        input,
        wishes: additions.wishes,
        time_limit,
    };
    Ok((run, ignored))
}

fn take_additions(
    body: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Additions {
    Additions {
        wishes: ContainerWishes {
            command: take_command(body, path, validation),
            environment: take_environment(body, path, validation),
            cpu: take_size(body, path, "cpu", validation),
            memory: take_size(body, path, "memory", validation),
        },
        timeout_seconds: take_timeout(body, path, validation),
    }
}

fn take_command(
    body: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Option<Vec<String>> {
    let value = validation.take(body, path, "command")?;
    let words: Option<Vec<_>> = value
        .as_array()
        .map(|words| words.iter().map(|word| word.as_str().map(str::to_owned)))
        .and_then(Iterator::collect);
    if words.is_none() {
        validation.refuse(
            join(path, "command"),
            "expected a list of texts, the command's words",
        );
    }
    words
}

fn take_environment(
    body: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Vec<(String, String)> {
    let Some(value) = validation.take(body, path, "environment") else {
        return Vec::new();
    };
    let path = join(path, "environment");
    let Value::Object(variables) = value else {
        validation.refuse(path, r#"expected an object, such as `{"NAME": "value"}`"#);
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, value) in variables {
        if let Value::String(value) = value {
            read.push((name, value));
        } else {
            let path = join(&path, &printable(&name));
            validation.refuse(path, "expected a text: the variable's value");
        }
    }
    read
}

fn take_size(
    body: &mut Map<String, Value>,
    path: &str,
    name: &str,
    validation: &mut Validation,
) -> Option<i32> {
    let value = validation.take(body, path, name)?;
    let size = value.as_i64().and_then(|size| i32::try_from(size).ok());
    let size = size.filter(|size| *size > 0);
    if size.is_none() {
        let unit = if name == "cpu" {
            "CPU units, 1024 to a vCPU"
        } else {
            "MiB"
        };
        validation.refuse(
            join(path, name),
            format!("expected a whole number of {unit}, such as `512`"),
        );
    }
    size
}

fn take_timeout(
    body: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> Option<u32> {
    let value = validation.take(body, path, "timeoutSeconds")?;
    let seconds = value
        .as_u64()
        .filter(|seconds| (1..=TIME_LIMIT_MAX.as_secs()).contains(seconds))
        .and_then(|seconds| u32::try_from(seconds).ok());
    if seconds.is_none() {
        validation.refuse(
            join(path, "timeoutSeconds"),
            "expected a whole number of seconds, 1 to 86400",
        );
    }
    seconds
}

/// Checks that a time limit can be kept: by the queue, which finds the tasks by a `startedBy` of their own.
fn check_time_limit(
    request: &Request<'_>,
    body: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) {
    if request.continuation.is_none() {
        validation.refuse(
            join(path, "timeoutSeconds"),
            "this function has no queue that would stop the tasks (`ECS_API_CLEANUP_QUEUE_URL`); send the request \
             without it",
        );
    }
    if validation.take(body, path, "startedBy").is_some() {
        validation.refuse(
            join(path, "startedBy"),
            "with `timeoutSeconds`, the tasks are found by a `startedBy` of their own; leave it out",
        );
    }
}
