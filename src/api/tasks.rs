//! Tasks.

use std::time::Duration;

use futures_util::FutureExt as _;
use lambda_http::http::header;
use serde_json::{Value, json};

use super::operation::{Group, Handler, Operation, ProblemSchema, Timing};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN, Parameter, Values, WAIT, WAIT_ON};
use super::schema::{Answer, AwsOperation, Body, Member, Schema};
use super::{Request, run_body};
use crate::aws::ecs::{self, TaskFilter};
use crate::error::{Error, NotFound};
use crate::ids::{Family, ServiceName};
use crate::orchestration::outcome::Outcome;
use crate::orchestration::{launch, tasks};
use crate::reply::Reply;
use crate::wire::outputs::{Failure, Output as _, Task};
use crate::wire::write::write;

/// The longest `startedBy`
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>).
const STARTED_BY_MAX: usize = 128;
/// The longest reason of a stopped task
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>).
const REASON_MAX: usize = 1024;

/// The states that tasks shall be in.
/// AWS takes PENDING too, and never lists a task by it
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>).
const STATUSES: &[&str] = &["RUNNING", "STOPPED"];

/// The time kept back of a request's to look at the task definitions of tasks that were waited for.
const OUTCOME_RESERVE: Duration = Duration::from_secs(1);

/// A task as it is shown.
const TASK: Schema = Schema::Extended(
    "Task",
    Task::WALK,
    &[
        Member::sometimes("Revision", Schema::Integer)
            .described("The number of the task definition that it runs."),
        Member::always("Outcome", OUTCOME),
    ],
);

/// The outcome of a task.
const OUTCOME: Schema = Schema::Component(
    "Outcome",
    &Schema::Object(&[
        Member::always(
            "State",
            Schema::Json(
                r#"{"enum": ["pending", "running", "succeeded", "failed", "stopped"]}"#,
            ),
        )
        .described(
            "`pending` until it has started, `running` until it is STOPPED. Then: `succeeded` if its essential \
             containers ended by themselves with code 0, `failed` if one did not or it never started, `stopped` if it \
             was ended from outside.",
        ),
        Member::sometimes("ExitCode", Schema::Integer)
            .described("That of the essential container that decided."),
        Member::sometimes("Reason", Schema::Text).described("Why, in words."),
    ]),
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
    timing: Timing::InTime,
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
    query: &[WAIT],
    summary: "Run tasks of a task definition and, if asked for, wait for their outcome.",
    description: "Network and launch type default as for services. If AWS starts some tasks and not others, `Failures` says \
                  why; if it starts none, the answer is a problem with `Failures`: 503 for want of capacity, else 409. With \
                  `wait`, the answer comes when all tasks are STOPPED, or is a 202 whose `Location` waits for the first of \
                  them. `timeoutSeconds` needs the stack's queue, and takes the place of `startedBy`.",
    body: Some(Body {
        schema: Schema::Input(run_body::RUN_TASK_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("RunTask")),
    }),
    answers: &[
        Answer::json("Started; with `wait`, STOPPED.", TASKS),
        Answer {
            status: 202,
            headers: &["Location", "Retry-After"],
            ..Answer::json("Started, and not all are STOPPED yet.", TASKS)
        },
    ],
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

/// Runs tasks in the cluster that the path names, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `RunTask` input, and for what AWS refuses; [`Error::NothingStarted`] with AWS's
/// failures if it started no task.
pub async fn run_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let wait = request.wait()?;
    let (run, ignored) = run_body::read_run(request, &cluster)?;
    let identity = request.identity()?;
    let Request {
        account,
        records,
        deadline,
        ..
    } = *request;
    let started = if identity.is_keyed {
        launch::run_task_once(account, records, &identity, run, deadline).await?
    } else {
        launch::run_task(account, run, &identity.token(), deadline).await?
    };
    let mut tasks = started.tasks.unwrap_or_default();
    if let Some(wait) = wait {
        let until = deadline.keeping(OUTCOME_RESERVE).within(wait);
        tasks = tasks::wait_until_over(account, &cluster, tasks, until).await;
    }
    let failures = started.failures.unwrap_or_default();
    let failures = failures
        .iter()
        .map(|failure| Ok(write(failure)?))
        .collect::<Result<Vec<_>, Error>>()?;
    let outcomes = tasks::outcomes_so_far(account, &tasks, deadline).await;
    let is_told = outcomes.iter().all(Outcome::is_final);
    let written = write_tasks(&tasks, &outcomes)?;
    let reply = Reply::json(json!({"Tasks": written, "Failures": failures}));
    let reply = match tasks.first() {
        Some(first) if wait.is_some() && !is_told => {
            let place = request.below(&bare_id(first), WAIT_ON);
            reply.accepted(0).with_header(header::LOCATION, &place)
        }
        _ => reply,
    };
    Ok(reply.with_ignored(request.is_lenient(), &ignored))
}

/// Returns the id that a task's path ends in.
fn bare_id(task: &Task) -> String {
    let arn = task.task_arn().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}

/// `GET …/tasks/{task}`.
pub const SHOW: Operation = Operation {
    query: &[WAIT],
    group: Group::Tasks,
    summary: "Show a task with its tags and its outcome and, if asked for, wait for that.",
    description: "A stopped task is known for about an hour. One that AWS does not know is looked for again for some \
                  seconds: it may have been started just now. With `wait`, the answer comes when the task is STOPPED, or \
                  shows it as it is when the time is over.",
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
    let wait = request.wait()?;
    let Request {
        account, deadline, ..
    } = *request;
    let found = tasks::find_task(account, &cluster, &task, deadline).await?;
    // DIFFERENCE: the original answered 200 and a failure.
    let found = found.ok_or_else(|| NotFound::Task {
        task,
        cluster: cluster.clone(),
    })?;
    let mut tasks = vec![found];
    if let Some(wait) = wait {
        let until = deadline.keeping(OUTCOME_RESERVE).within(wait);
        tasks = tasks::wait_until_over(account, &cluster, tasks, until).await;
    }
    let outcomes = tasks::outcomes(account, &tasks).await?;
    let written = write_tasks(&tasks, &outcomes)?;
    Ok(Reply::json(json!({"Tasks": written, "Failures": []})))
}

/// Writes tasks, each with its outcome.
fn write_tasks(tasks: &[Task], outcomes: &[Outcome]) -> Result<Vec<Value>, Error> {
    let both = tasks.iter().zip(outcomes);
    both.map(|(task, outcome)| write_task(task, outcome))
        .collect()
}

/// Writes a task, with the number of its task definition and its outcome.
fn write_task(task: &Task, outcome: &Outcome) -> Result<Value, Error> {
    let mut answer = write(task)?;
    let revision = task
        .task_definition_arn()
        .and_then(|arn| arn.rsplit_once(':')?.1.parse::<u32>().ok());
    if let Some(revision) = revision {
        answer["Revision"] = revision.into();
    }
    let mut written = json!({"State": outcome.state.name()});
    if let Some(code) = outcome.exit_code {
        written["ExitCode"] = code.into();
    }
    if let Some(reason) = &outcome.reason {
        written["Reason"] = reason.as_str().into();
    }
    answer["Outcome"] = written;
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
    let Request {
        account, deadline, ..
    } = *request;
    let stopped = ecs::stop_task(account, &cluster, &task, reason).await?;
    let lacking = || account.lacking("ecs:StopTask", "task");
    let tasks = [stopped.task.ok_or_else(lacking)?];
    let outcomes = tasks::outcomes_so_far(account, &tasks, deadline).await;
    let written = write_tasks(&tasks, &outcomes)?.pop();
    Ok(Reply::json(json!({"Task": written})))
}
