//! The logs of all tasks of a service, and of one task, merged by time.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::super::Request;
use super::super::operation::{Group, Handler, Operation};
use super::super::paging::bytes_in_envelope;
use super::super::parameters::{Parameter, Values, WAIT_MAX_S};
use super::super::schema::{Answer, Member, Schema};
use super::{EVENTS_MAX, container_name, limit, time};
use crate::error::Error;
use crate::ids::ClusterName;
use crate::orchestration::logs::merged::{self, LogOwner, MergedLog, MergedRequest};
use crate::orchestration::logs::place::LogEvent;
use crate::orchestration::logs::room::Bounds;
use crate::orchestration::logs::streams::Elsewhere;
use crate::reply::Reply;

/// The longest filter pattern
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>).
const PATTERN_MAX: usize = 1024;

/// The bytes that an answer has beside its events.
const FRAME_BYTES: usize = 64 * 1024;

/// The bytes that an event has beside its message and the name of its container.
const EVENT_BYTES: usize = 256;

pub(super) const SINCE: Parameter = Parameter::new(
    "since",
    Values::Pattern("^[0-9]{1,5}[smhd]$"),
    "Events of the last seconds, minutes, hours or days, as `15m`. Beside a `nextToken` it has no effect.",
);

pub(super) const FILTER: Parameter = Parameter::new(
    "filter",
    Values::SomeText,
    "Only events that match this filter pattern of CloudWatch Logs, at most 1,024 characters.",
);

pub(super) const WAIT: Parameter = Parameter::new(
    "wait",
    Values::UpTo(WAIT_MAX_S as i64),
    "Wait so many seconds, 1 to 25, for an event if there is none yet. Default: answer at once.",
);

/// `GET …/tasks/{task}/logs`.
pub const SHOW_TASK: Operation = Operation {
    query: &[
        Parameter::new(
            "container",
            Values::Name,
            "Only the log of this container. Default: those of all.",
        ),
        Parameter::new(
            "limit",
            Values::UpTo(EVENTS_MAX as i64),
            "The most events of one answer, 1 to 10,000. Default: as many as fit.",
        ),
        Parameter::new(
            "nextToken",
            Values::SomeText,
            "`NextToken` of an earlier answer: the log goes on from there.",
        ),
        Parameter::new(
            "start",
            Values::Time,
            "Events from then on. Milliseconds since 1970, or RFC 3339. Default: all.",
        ),
        Parameter::new(
            "end",
            Values::Time,
            "Events before then. Milliseconds since 1970, or RFC 3339. Default: now.",
        ),
        SINCE,
        FILTER,
        WAIT,
    ],
    group: Group::Tasks,
    summary: "Show the log of a task, of a service or not.",
    description: "The logs of its containers, merged by time. The task must be one that AWS knows: a stopped one is known for \
                  about an hour.",
    answers: &[Answer::json("Done.", MERGED_LOG)],
    ..Operation::get(
        "show_task_logs",
        "/{account}/clusters/{cluster}/tasks/{task}/logs",
        Handler::Account(|request| show_task_logs(request).boxed()),
    )
};

/// A log of several containers.
pub(super) const MERGED_LOG: Schema = Schema::Component(
    "MergedLog",
    &Schema::Object(&[
        Member::always("Events", Schema::List(&EVENT)),
        Member::always("NextToken", Schema::Text).described(
            "As `nextToken`, asks for the events after these, and for those before that arrive up to two minutes late.",
        ),
        Member::always("HasMore", Schema::Boolean)
            .described("More can be read at once. Else the answer had all that was there."),
        Member::always("Elsewhere", Schema::List(&ELSEWHERE))
            .described("The containers that do not log to CloudWatch Logs."),
        Member::always("MissingGroups", Schema::List(&Schema::Text))
            .described("The log groups that are not there."),
    ]),
);

const EVENT: Schema = Schema::Object(&[
    Member::always("IngestionTime", Schema::Integer)
        .described("When CloudWatch Logs had the event, in milliseconds since 1970."),
    Member::always("Message", Schema::Text),
    Member::always("Timestamp", Schema::Integer)
        .described("When the event was, in milliseconds since 1970."),
    Member::always("Task", Schema::Text).described("The id of the task that logged it."),
    Member::always("Container", Schema::Text).described("The container that logged it."),
]);

const ELSEWHERE: Schema = Schema::Object(&[
    Member::always("Container", Schema::Text),
    Member::sometimes("Driver", Schema::Text)
        .described("Its log driver; absent if its definition names none."),
]);

/// Answers the log of a task.
///
/// # Errors
/// [`Error::Input`] for a bad query; [`Error::Flow`] if AWS does not know the task; else what AWS refuses.
pub async fn show_task_logs(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let owner = LogOwner::Task(request.task(&cluster)?);
    answer(request, cluster, owner).await
}

/// Answers the log of a service or a task, merged by time.
pub(super) async fn answer(
    request: &Request<'_>,
    cluster: ClusterName,
    owner: LogOwner,
) -> Result<Reply, Error> {
    let merged_request = read_query(request, cluster, owner)?;
    let token = request
        .query("nextToken")
        .map(|text| merged_request.token(request.account, text))
        .transpose()
        .map_err(|error| Error::input("nextToken", &error.to_string()))?;
    let Request {
        account,
        clock,
        deadline,
        ..
    } = *request;
    let log = merged::read(account, &merged_request, token, clock, deadline).await?;
    Ok(Reply::json(shape(log)))
}

fn read_query(
    request: &Request<'_>,
    cluster: ClusterName,
    owner: LogOwner,
) -> Result<MergedRequest, Error> {
    let (start_ms, since_ms) = (time(request, "start")?, since(request)?);
    if start_ms.is_some() && since_ms.is_some() {
        return Err(Error::input(
            "since",
            "expected `since` or `start`, not both",
        ));
    }
    let pattern = request.query("filter").map(str::to_owned);
    let is_pattern = |text: &String| !text.is_empty() && text.chars().count() <= PATTERN_MAX;
    if pattern.as_ref().is_some_and(|text| !is_pattern(text)) {
        let expected = "expected a filter pattern of CloudWatch Logs, 1 to 1024 characters";
        return Err(Error::input("filter", expected));
    }
    let events = limit(request)?.unwrap_or(EVENTS_MAX);
    Ok(MergedRequest {
        container: container_name(request)?.map(str::to_owned),
        cluster,
        owner,
        pattern,
        start_ms: start_ms.or(since_ms),
        end_ms: time(request, "end")?,
        bounds: Bounds {
            events: usize::try_from(events).unwrap_or_default(),
            bytes: request.answer_max_bytes.saturating_sub(FRAME_BYTES),
            size: bytes_of,
        },
        wait: request.wait()?,
    })
}

/// Returns the beginning of the last so many seconds, minutes, hours or days.
fn since(request: &Request<'_>) -> Result<Option<i64>, Error> {
    let Some(text) = request.query("since") else {
        return Ok(None);
    };
    let expected = || {
        let message = "expected a whole number up to 99999 and `s`, `m`, `h` or `d`, as in `15m`";
        Error::input("since", message)
    };
    let ms = span_ms(text).ok_or_else(expected)?;
    let now_ms = i64::try_from(request.clock.now_ms()).unwrap_or(i64::MAX);
    Ok(Some(now_ms.saturating_sub(ms).max(0)))
}

/// Returns the milliseconds of a text like `15m`.
fn span_ms(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    let is_number = (1..=5).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| is_number)?;
    Some(number * unit_ms)
}

/// Returns the most bytes that an event takes in an answer.
fn bytes_of(event: &LogEvent) -> usize {
    let message = Value::from(event.message.as_str()).to_string();
    EVENT_BYTES + event.container.len() + bytes_in_envelope(&message)
}

fn shape(log: MergedLog) -> Value {
    let event = |event: LogEvent| {
        json!({"IngestionTime": event.place.ingested_ms, "Message": event.message,
            "Timestamp": event.place.time_ms, "Task": event.task, "Container": event.container})
    };
    let elsewhere = |elsewhere: Elsewhere| {
        let mut shown = json!({"Container": elsewhere.container});
        if let Some(driver) = elsewhere.driver {
            shown["Driver"] = driver.as_str().into();
        }
        shown
    };
    json!({
        "Events": log.events.into_iter().map(event).collect::<Vec<_>>(),
        "NextToken": log.next_token,
        "HasMore": log.has_more,
        "Elsewhere": log.elsewhere.into_iter().map(elsewhere).collect::<Vec<_>>(),
        "MissingGroups": log.missing_groups,
    })
}
