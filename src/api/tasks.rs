//! Tasks.

use serde_json::json;

use super::Request;
use crate::aws::ecs::{self, TaskFilter};
use crate::error::Error;
use crate::ids::{ServiceName, is_ecs_name};
use crate::orchestration::launch;
use crate::reply::Reply;
use crate::wire::inputs::RunTaskInput;
use crate::wire::write::write;

/// The longest `startedBy`
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>).
const STARTED_BY_MAX: usize = 128;
/// The longest reason of a stopped task
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>).
const REASON_MAX: usize = 1024;

/// `GET …/tasks`: the ARNs of a cluster's tasks, of all launch types; those that shall be running, unless `status`
/// asks for others.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_tasks(request: &Request<'_>) -> Result<Reply, Error> {
    let (cluster, page) = (request.cluster()?, request.page_request()?);
    let service = request
        .query("service")
        .map(|text| ServiceName::parse(text, &request.account.account_region(), &cluster));
    let filter = TaskFilter {
        service: service.transpose()?.map(|service| service.to_string()),
        family: request.query("family").map(str::to_owned),
        status: request
            .choice("status", &["RUNNING", "PENDING", "STOPPED"])?
            .map(Into::into),
        started_by: request.query("startedBy").map(str::to_owned),
    };
    if filter
        .family
        .as_deref()
        .is_some_and(|family| !is_ecs_name(family))
    {
        return Err(Error::input(
            "family",
            "expected 1 to 255 letters, digits, `-` and `_`, without a revision",
        ));
    }
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
    let listed = ecs::list_tasks(request.account, cluster.as_str(), filter, page).await?;
    request.arns(listed)
}

/// `POST …/tasks`: runs tasks in the cluster that the path names, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `RunTask` input, and for what AWS refuses; [`Error::NothingStarted`] with AWS's
/// failures if it started no task.
pub async fn run_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let (mut input, ignored) = request.input::<RunTaskInput>(|_, _, _| {})?;
    request.check_cluster(input.cluster.as_deref(), &cluster)?;
    // DIFFERENCE: the original sent the path's cluster as a task definition, and always failed.
    input.cluster = Some(cluster.to_string());
    let token = request.run()?.token("");
    let started = launch::run_task(request.account, input, &token, request.deadline).await?;
    let tasks = started
        .tasks()
        .iter()
        .map(|task| Ok(write(task)?))
        .collect::<Result<Vec<_>, Error>>()?;
    let failures = started
        .failures()
        .iter()
        .map(|failure| Ok(write(failure)?))
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Reply::json(json!({"Tasks": tasks, "Failures": failures}))
        .with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/tasks/{task}`: one task with its tags, also a stopped one for about an hour.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses.
pub async fn show_task(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let task = request.task(&cluster)?;
    let found = ecs::describe_task(request.account, cluster.as_str(), task.as_str()).await?;
    // DIFFERENCE: the original answered 200 and a failure.
    let unknown = || {
        Error::NotFound(format!(
            "there is no task `{task}` in the cluster `{cluster}`"
        ))
    };
    Ok(Reply::json(
        json!({"Tasks": [write(&found.ok_or_else(unknown)?)?], "Failures": []}),
    ))
}

/// `DELETE …/tasks/{task}`: stops a task; `reason` is shown with it.
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
    let stopped = ecs::stop_task(request.account, cluster.as_str(), task.as_str(), reason).await?;
    Ok(Reply::json(write(&stopped)?))
}
