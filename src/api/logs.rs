//! Logs: of one container of one task, as CloudWatch Logs has it, and of several, merged by time.

mod merged;

use std::ops::RangeInclusive;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation};
use super::parameters::{Parameter, Values};
use super::schema::{Answer, Member, Schema};
use crate::error::Error;
use crate::ids::{TaskId, is_ecs_name};
use crate::orchestration::logs::merged::LogOwner;
use crate::orchestration::logs::{self, Log, LogRequest};
use crate::reply::Reply;

pub use merged::{SHOW_TASK, show_task_logs};

/// The most events of one answer
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>).
const EVENTS_MAX: i32 = 10_000;

/// `GET …/services/{service}/logs`.
pub const SHOW: Operation = Operation {
    query: &[
        Parameter::new(
            "task",
            Values::QuotedTask,
            "The task: its id, `cluster/id`, or its ARN. With `container`: the log of that container alone, as AWS answers \
             it. Default: all tasks, merged by time.",
        ),
        Parameter::new(
            "container",
            Values::SomeText,
            "The container's name in the task definition. Default: all containers.",
        ),
        Parameter::new(
            "limit",
            Values::UpTo(EVENTS_MAX as i64),
            "The most events of one answer, 1 to 10,000. Default: as many as fit into 1 MB, up to 10,000.",
        ),
        Parameter::new(
            "nextToken",
            Values::SomeText,
            "`NextToken`, or `NextForwardToken` or `NextBackwardToken`, of an earlier answer: the log goes on from there.",
        ),
        Parameter::new(
            "start",
            Values::Time,
            "Events from then on. Milliseconds since 1970, or RFC 3339. Default: 15 minutes ago; of one container, its log's \
             beginning.",
        ),
        Parameter::new(
            "end",
            Values::Time,
            "Events before then. Milliseconds since 1970, or RFC 3339. Default: the log's end.",
        ),
        Parameter::new(
            "startFromHead",
            Values::Flag,
            "Of one container: the earliest events first. Default: the latest, unless a token goes forward.",
        ),
        merged::SINCE,
        merged::FILTER,
        merged::WAIT,
    ],
    group: Group::Services,
    summary: "Show the log of all tasks of a service, or of one container of one task.",
    description: "The log is where the `awslogs` options of the containers' definitions say. Of one container that says \
                  nothing: in the group of the cluster's name and the stream `service/container/task`. No output yet is no \
                  error: `Events` is empty.",
    answers: &[Answer::json(
        "Done. With `task` and `container`: as AWS answers it.",
        Schema::AnyOf(&[merged::MERGED_LOG, LOG]),
    )],
    // A log may be kept where the API can't read it.
    other_statuses: &[409],
    ..Operation::get(
        "show_logs",
        "/{account}/clusters/{cluster}/services/{service}/logs",
        Handler::Account(|request| show_logs(request).boxed()),
    )
};

/// The SDK for CloudWatch Logs carries no schemas yet.
const LOG: Schema = Schema::Component(
    "Log",
    &Schema::Object(&[
        Member::always("Events", Schema::List(&EVENT)),
        Member::sometimes("NextForwardToken", Schema::Text).described(
            "As `nextToken`, asks for the events after these. The same again: there are none yet.",
        ),
        Member::sometimes("NextBackwardToken", Schema::Text).described(
            "As `nextToken`, asks for the events before these. The same again: there are none.",
        ),
    ]),
);

const EVENT: Schema = Schema::Object(&[
    Member::sometimes("IngestionTime", Schema::Integer)
        .described("When CloudWatch Logs had the event, in milliseconds since 1970."),
    Member::sometimes("Message", Schema::Text),
    Member::sometimes("Timestamp", Schema::Integer)
        .described("When the event was, in milliseconds since 1970."),
]);

/// The parameters that only a log of several containers has.
const OF_SEVERAL: [&str; 3] = ["since", "filter", "wait"];

/// Answers a part of the log of a service, or of one container of one task.
///
/// # Errors
/// [`Error::Input`] for a bad query; [`Error::Flow`] if there is no such log; else what AWS refuses.
pub async fn show_logs(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let service = request.service(&cluster)?;
    let Some(task) = unquoted(request, "task")? else {
        if request.query("startFromHead").is_some() {
            let message = "only for one container of one task; a log of several has its earliest events first";
            return Err(Error::input("startFromHead", message));
        }
        return merged::answer(request, cluster, LogOwner::Service(service)).await;
    };
    let task = TaskId::parse(task, &request.account.account_region(), &cluster)?;
    let container = container_name(request)?.ok_or_else(|| {
        let message = "required beside `task`; the log of all containers of a task is at `…/tasks/{task}/logs`";
        Error::input("container", message)
    })?;
    if let Some(name) = OF_SEVERAL
        .into_iter()
        .find(|name| request.query(name).is_some())
    {
        let message = "not for one container of one task; ask for it at `…/tasks/{task}/logs`";
        return Err(Error::input(name, message));
    }
    let log_request = LogRequest {
        task,
        container: container.to_owned(),
        cluster,
        service,
        limit: limit(request)?,
        next_token: request.query("nextToken").map(str::to_owned),
        start_ms: time(request, "start")?,
        end_ms: time(request, "end")?,
        is_from_head: request
            .query("startFromHead")
            .map(|_| request.flag("startFromHead"))
            .transpose()?,
    };
    let log = logs::read(request.account, log_request, request.deadline).await?;
    Ok(Reply::json(shape(log)))
}

/// Returns a query parameter that is not empty. The original's documentation writes the values in double quotes.
fn unquoted<'r>(request: &'r Request<'_>, name: &str) -> Result<Option<&'r str>, Error> {
    let Some(text) = request.query(name) else {
        return Ok(None);
    };
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if text.is_empty() {
        Err(Error::input(name, "expected a value; leave it out for all"))
    } else {
        Ok(Some(text))
    }
}

/// Returns the name of the only container.
fn container_name<'r>(request: &'r Request<'_>) -> Result<Option<&'r str>, Error> {
    let name = unquoted(request, "container")?;
    if name.is_some_and(|name| !is_ecs_name(name)) {
        let message = "expected 1 to 255 letters, digits, `-` and `_`";
        return Err(Error::input("container", message));
    }
    Ok(name)
}

fn limit(request: &Request<'_>) -> Result<Option<i32>, Error> {
    let Some(text) = request.query("limit") else {
        return Ok(None);
    };
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=EVENTS_MAX).contains(limit));
    limit
        .map(Some)
        .ok_or_else(|| Error::input("limit", "expected a whole number from 1 to 10000"))
}

/// Returns milliseconds since 1970, given as such or as RFC 3339.
fn time(request: &Request<'_>, name: &str) -> Result<Option<i64>, Error> {
    let Some(text) = request.query(name) else {
        return Ok(None);
    };
    milliseconds(text)
        .map(Some)
        .map_err(|message| Error::input(name, &message))
}

/// The whole numbers that are taken for seconds since 1970: as such they are times from 1973 to 5138, as milliseconds
/// from the first days of 1970.
const SECONDS: RangeInclusive<i64> = 100_000_000..=99_999_999_999;

/// Returns the milliseconds since 1970 that a text stands for, or what to write instead of it.
fn milliseconds(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(seconds) if SECONDS.contains(&seconds) => {
            return Err(format!(
                "`{seconds}` looks like seconds since 1970; write milliseconds, `{seconds}000`"
            ));
        }
        Ok(millis) if millis >= 0 => return Ok(millis),
        _ => {}
    }
    let time = |text: &str| {
        text.parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_millisecond)
    };
    if let Some(millis) = time(text).filter(|millis| *millis >= 0) {
        return Ok(millis);
    }
    // In a query a bare `+` is a space.
    let with_plus = text.replacen(' ', "+", 1);
    if text.contains(' ') && time(&with_plus).is_some() {
        let encoded = with_plus.replace('+', "%2B");
        return Err(format!("the `+` arrived as a space; write `{encoded}`"));
    }
    Err("expected milliseconds since 1970, or a time like `2026-11-22T14:08:06Z`".to_owned())
}

/// Writes a log out by hand: the SDK for CloudWatch Logs carries no schemas yet.
fn shape(log: Log) -> Value {
    let mut answer = Map::new();
    let event = |event: &crate::aws::logs::OutputLogEvent| {
        let mut members = Map::new();
        members.extend(
            event
                .ingestion_time()
                .map(|time| ("IngestionTime".to_owned(), time.into())),
        );
        members.extend(
            event
                .message()
                .map(|message| ("Message".to_owned(), message.into())),
        );
        members.extend(
            event
                .timestamp()
                .map(|time| ("Timestamp".to_owned(), time.into())),
        );
        Value::Object(members)
    };
    answer.insert(
        "Events".to_owned(),
        json!(log.events.iter().map(event).collect::<Vec<_>>()),
    );
    answer.extend(
        log.next_forward_token
            .map(|token| ("NextForwardToken".to_owned(), token.into())),
    );
    answer.extend(
        log.next_backward_token
            .map(|token| ("NextBackwardToken".to_owned(), token.into())),
    );
    Value::Object(answer)
}
