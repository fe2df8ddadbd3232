//! Tasks.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation, ProblemSchema};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN, Parameter, Values};
use super::schema::{Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use crate::aws::ecs::{self, TaskFilter};
use crate::error::{Error, NotFound};
use crate::ids::{Family, ServiceName};
use crate::orchestration::{launch, tasks};
use crate::reply::Reply;
use crate::wire::inputs::RunTaskInput;
use crate::wire::outputs::{Failure, Output as _, Task};
use crate::wire::write::write;

/// The longest `startedBy`
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>).
const STARTED_BY_MAX: usize = 128;
/// The longest reason of a stopped task
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>).
const REASON_MAX: usize = 1024;

/// The states that tasks shall be in.
const STATUSES: &[&str] = &["RUNNING", "PENDING", "STOPPED"];

/// A task as it is shown.
const TASK: Schema = Schema::Extended(
    "Task",
    Task::WALK,
    &[Member::sometimes("Revision", Schema::Integer)
        .described("The number of the task definition that it runs.")],
);

/// Tasks as AWS's `DescribeTasks` answers them.
const TASKS: Schema = Schema::Object(&[
    Member::always("Tasks", Schema::List(&TASK)),
    Member::always("Failures", Schema::List(&Schema::sdk::<Failure>())),
]);

/// `GET …/tasks`.
pub const LIST: Operation = Operation {
    query: &[
        Parameter::new(
            "service",
            Values::InCluster("service"),
            "Only tasks of this service, by name or ARN. Default: all.",
        ),
        Parameter::new(
            "family",
            Values::Name,
            "Only tasks of this task definition's family, without a revision. Default: all.",
        ),
        Parameter::new(
            "status",
            Values::OneOf(STATUSES),
            "Tasks that shall be in this state; stopped ones are known for about an hour. Default: RUNNING.",
        ),
        Parameter::new(
            "startedBy",
            Values::SomeText,
            "Only tasks that were started by this. AWS takes it alone, without `service`, `family` and `status`.",
        ),
        LIMIT,
        NEXT_TOKEN,
    ],
    keeps_its_deadline: true,
    group: Group::Tasks,
    summary: "List the ARNs of a cluster's tasks, of all launch types.",
    description: COMPLETE,
    answers: &[Answer::json("ARNs.", Schema::ARNS).with_headers(&["Link"])],
    ..Operation::get(
        "list_tasks",
        "/{account}/clusters/{cluster}/tasks",
        Handler::Account(|request| list_tasks(request).boxed()),
    )
};

/// Answers the ARNs of a cluster's tasks, of all launch types; those that shall be running, unless `status` asks for
/// others.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_tasks(request: &Request<'_>) -> Result<Reply, Error> {
    let (cluster, page) = (request.cluster()?, request.page_request()?);
    let service = request
        .query("service")
        .map(|text| ServiceName::parse(text, &request.account.account_region(), &cluster));
    let family = request.query("family").map(Family::parse).transpose();
    let refused = "expected 1 to 255 letters, digits, `-` and `_`, without a revision";
    let filter = TaskFilter {
        service: service.transpose()?,
        family: family.map_err(|_| Error::input("family", refused))?,
        status: request.choice("status", STATUSES)?.map(Into::into),
        started_by: request.query("startedBy").map(str::to_owned),
    };
    if filter
        .started_by
        .as_deref()
        .is_some_and(|text| !(1..=STARTED_BY_MAX).contains(&text.chars().count()))
    {
        return Err(Error::input(
            "startedBy",
            "expected what started the tasks, 1 to 128 characters",
        ));
    }
    let has_others = filter.service.is_some() || filter.family.is_some() || filter.status.is_some();
    if filter.started_by.is_some() && has_others {
        return Err(Error::input(
            "startedBy",
            "AWS takes it alone, without `service`, `family` and `status`",
        ));
    }
    let listed = ecs::list_tasks(request.account, &cluster, filter, page).await?;
    request.answer_arns(listed)
}

/// `POST …/tasks`.
pub const RUN: Operation = Operation {
    heeds_idempotency_key: true,
    group: Group::Tasks,
    summary: "Run tasks of a task definition.",
    description: "Network and launch type default as for services. If AWS starts some tasks and not others, `Failures` says \
                  why; if it starts none, the answer is a problem with `Failures`: 503 for want of capacity, else 409.",
    body: Some(Body {
        schema: Schema::Input(RUN_TASK_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("RunTask")),
    }),
    answers: &[Answer::json("Done, as AWS answers it.", TASKS)],
    problem: Some(ProblemSchema {
        name: "RunProblem",
        members: &[
            Member::sometimes("Failures", Schema::List(&Schema::sdk::<Failure>()))
                .described("Why AWS started no task."),
        ],
    }),
    ..Operation::post(
        "run_task",
        "/{account}/clusters/{cluster}/tasks",
        Handler::Account(|request| run_task(request).boxed()),
    )
};

/// The input of `RunTask`, with tags as a map.
const RUN_TASK_INPUT: &InputSchema = &InputSchema::of::<RunTaskInput>().with(&[TAGS_OF_ECS]);

/// Runs tasks in the cluster that the path names, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `RunTask` input, and for what AWS refuses; [`Error::NothingStarted`] with AWS's
/// failures if it started no task.
pub async fn run_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let (mut input, ignored) = request.input::<RunTaskInput>(tags::as_list)?;
    request.check_cluster(input.cluster.as_deref(), &cluster)?;
    // DIFFERENCE: the original sent the path's cluster as a task definition, and always failed.
    input.cluster = Some(cluster.to_string());
    tags::put_account(request, &mut input.tags, "tags")?;
    let identity = request.identity()?;
    let Request {
        account,
        records,
        deadline,
        ..
    } = *request;
    let started = if identity.is_keyed {
        launch::run_task_once(account, records, &identity, &cluster, input, deadline).await?
    } else {
        launch::run_task(account, &cluster, input, &identity.token(), deadline).await?
    };
    let tasks = started
        .tasks()
        .iter()
        .map(write_task)
        .collect::<Result<Vec<_>, Error>>()?;
    let failures = started
        .failures()
        .iter()
        .map(|failure| Ok(write(failure)?))
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Reply::json(json!({"Tasks": tasks, "Failures": failures}))
        .with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/tasks/{task}`.
pub const SHOW: Operation = Operation {
    group: Group::Tasks,
    summary: "Show a task with its tags.",
    description: "A stopped task is known for about an hour. One that AWS does not know is looked for again for some \
                  seconds: it may have been started just now.",
    answers: &[Answer::json("Done, as AWS answers it.", TASKS)],
    ..Operation::get(
        "show_task",
        "/{account}/clusters/{cluster}/tasks/{task}",
        Handler::Account(|request| show_task(request).boxed()),
    )
};

/// Answers one task with its tags, also a stopped one for about an hour, and one that was started just now.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses.
pub async fn show_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let task = request.task(&cluster)?;
    let found = tasks::find_task(request.account, &cluster, &task, request.deadline).await?;
    // DIFFERENCE: the original answered 200 and a failure.
    let found = found.ok_or(NotFound::Task { task, cluster })?;
    Ok(Reply::json(
        json!({"Tasks": [write_task(&found)?], "Failures": []}),
    ))
}

/// Writes a task, with the number of its task definition.
fn write_task(task: &Task) -> Result<Value, Error> {
    let mut answer = write(task)?;
    let revision = task
        .task_definition_arn()
        .and_then(|arn| arn.rsplit_once(':')?.1.parse::<u32>().ok());
    if let Some(revision) = revision {
        answer["Revision"] = revision.into();
    }
    Ok(answer)
}

/// `DELETE …/tasks/{task}`.
pub const STOP: Operation = Operation {
    query: &[Parameter::new(
        "reason",
        Values::Text,
        "Why the task is stopped; AWS shows it with the task.",
    )],
    group: Group::Tasks,
    summary: "Stop a task.",
    description: "A service starts another one in its place.",
    answers: &[Answer::json(
        "Done, as AWS answers it.",
        Schema::Object(&[Member::always("Task", TASK)]),
    )],
    ..Operation::delete(
        "stop_task",
        "/{account}/clusters/{cluster}/tasks/{task}",
        Handler::Account(|request| stop_task(request).boxed()),
    )
};

/// Stops a task; `reason` is shown with it.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn stop_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let task = request.task(&cluster)?;
    let reason = request.query("reason").map(str::to_owned);
    if reason
        .as_ref()
        .is_some_and(|text| text.chars().count() > REASON_MAX)
    {
        return Err(Error::input("reason", "expected at most 1024 characters"));
    }
    let stopped = ecs::stop_task(request.account, &cluster, &task, reason).await?;
    let task = stopped.task().map(write_task).transpose()?;
    let lacking = || request.account.lacking("ecs:StopTask", "task");
    Ok(Reply::json(json!({"Task": task.ok_or_else(lacking)?})))
}
