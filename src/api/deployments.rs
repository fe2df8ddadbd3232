//! The deployments of a service, and what became of them.

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation, Timing};
use super::parameters::{LIMIT, NEXT_TOKEN, Parameter, Values, WAIT};
use super::schema::{Answer, AwsOperation, Body, Member, Schema};
use crate::aws::ecs::{DEPLOYMENT_STATUSES, Stop};
use crate::error::Error;
use crate::ids::{DeploymentName, ServiceDeploymentId};
use crate::orchestration::deployments::view::{RequestedRevision, RunningRevision};
use crate::orchestration::deployments::{self, Continue, DeploymentView, ServicePlace};
use crate::reply::Reply;
use crate::wire::outputs::DeploymentLifecycleHookDetail;
use crate::wire::validation::Validation;
use crate::wire::write::{timestamp, write};

/// A deployment as it is answered.
pub const DEPLOYMENT: Schema = Schema::Component(
    "ServiceDeploymentState",
    &Schema::Object(&[
        Member::always("Id", Schema::Text).described(
            "The service deployment's id; as long as ECS has not named it, the id of the service revision that it aims at.",
        ),
        Member::always("State", Schema::Json(STATE)).described(
            "`running`; `waiting`, paused until it is continued; `succeeded`, which is said only where the revision that was \
             asked for runs; `failed`; `rolledBack`; `stopped`; `superseded` by a newer one.",
        ),
        Member::sometimes("Reason", Schema::Text).described("Why it is so."),
        Member::sometimes("Status", Schema::Text).described("ECS's own word, such as `ROLLBACK_SUCCESSFUL`."),
        Member::sometimes("StartedAt", TIME),
        Member::sometimes("FinishedAt", TIME),
        Member::always("Requested", REQUESTED),
        Member::always("Running", Schema::List(&RUNNING)).described("What the service runs now."),
        Member::sometimes("RequestedBy", REQUESTED_BY).described(
            "Who asked for it, where a request of this API has registered the task definition for this deployment.",
        ),
        Member::always(
            "Hooks",
            Schema::List(&Schema::sdk::<DeploymentLifecycleHookDetail>()),
        )
        .described("The lifecycle hooks that it has come to."),
        Member::always("IsCurrent", Schema::Boolean)
            .described("Its revision is that of the service's PRIMARY deployment."),
    ]),
);

const STATE: &str = r#"{"type": "string", "enum":
    ["running", "waiting", "succeeded", "failed", "rolledBack", "stopped", "superseded"]}"#;

const TIME: Schema = Schema::Json(r#"{"type": "string", "format": "date-time"}"#);

const REQUESTED: Schema = Schema::Object(&[
    Member::always("Revision", Schema::Text).described("The service revision's id."),
    Member::sometimes("TaskDefinition", Schema::Text),
    Member::always(
        "Images",
        Schema::List(&Schema::Object(&[
            Member::always("Container", Schema::Text),
            Member::always("Image", Schema::Text),
            Member::sometimes("Digest", Schema::Text),
        ])),
    ),
]);

const RUNNING: Schema = Schema::Object(&[
    Member::always("Revision", Schema::Text),
    Member::sometimes("TaskDefinition", Schema::Text),
    Member::always(
        "Tasks",
        Schema::Object(&[
            Member::always("Running", Schema::Integer),
            Member::always("Pending", Schema::Integer),
            Member::always("Requested", Schema::Integer),
        ]),
    ),
]);

const REQUESTED_BY: Schema = Schema::Object(&[
    Member::sometimes("Caller", Schema::Text),
    Member::always("RequestId", Schema::Text),
]);

/// Words in the description of each of these.
const OF_ECS: &str = "From ECS's own service deployments, never from counts of tasks. A service that CodeDeploy or task sets \
                      deploy is a 409 that says what to use.";

/// `GET …/deployments`.
pub const LIST: Operation = Operation {
    query: &[
        Parameter::new(
            "status",
            Values::OneOf(DEPLOYMENT_STATUSES),
            "Only deployments of this status, as ECS names it. Default: all.",
        ),
        LIMIT,
        NEXT_TOKEN,
    ],
    timing: Timing::InTime,
    group: Group::Services,
    summary: "List the deployments of a service in the last 90 days, the newest first.",
    description: "At most 100 in one answer; the header `Link` leads on.",
    answers: &[Answer::json("Deployments.", Schema::List(&DEPLOYMENT)).with_headers(&["Link"])],
    other_statuses: &[409],
    ..Operation::get(
        "list_deployments",
        "/{account}/clusters/{cluster}/services/{service}/deployments",
        Handler::Account(|request| list_deployments(request).boxed()),
    )
};

/// Answers the deployments of a service, the newest first.
///
/// # Errors
/// [`Error`] for a bad query, for a service that ECS does not roll out, and for what AWS refuses.
pub async fn list_deployments(request: &Request<'_>) -> Result<Reply, Error> {
    let (place, page) = (place(request)?, request.page_request()?);
    let status = request.choice("status", DEPLOYMENT_STATUSES)?;
    let statuses = status.map(Into::into).into_iter().collect();
    let listed = deployments::list(request.account, &place, statuses, page).await?;
    let entries: Result<_, _> = listed.entries.iter().map(written).collect();
    let (entries, next) = request.cut_to_fit(entries?, listed.next)?;
    Ok(request.answer_list(entries, next))
}

/// `GET …/deployments/{deployment}`.
pub const SHOW: Operation = Operation {
    query: &[WAIT],
    timing: Timing::InTime,
    group: Group::Services,
    summary: "Show what became of a deployment, or wait for it.",
    description: OF_ECS,
    answers: &[Answer::json(
        "The deployment, over or not: `State` tells.",
        DEPLOYMENT,
    )],
    other_statuses: &[409],
    ..Operation::get(
        "show_deployment",
        "/{account}/clusters/{cluster}/services/{service}/deployments/{deployment}",
        Handler::Account(|request| show_deployment(request).boxed()),
    )
};

/// Answers one deployment, with `wait` once it is over or paused.
///
/// # Errors
/// [`Error`] if there is no such deployment, for a service that ECS does not roll out, and for what AWS refuses.
pub async fn show_deployment(request: &Request<'_>) -> Result<Reply, Error> {
    let (place, name) = place_and_name(request)?;
    let (account, deadline) = (request.account, request.deadline);
    let work = async {
        match request.wait()? {
            Some(wait) => {
                Ok(deployments::wait_until_over(account, &place, &name, wait, deadline).await?)
            }
            None => Ok::<_, Error>(deployments::show(account, &place, &name, deadline).await?),
        }
    };
    let view = deadline.run(work).await?;
    Ok(Reply::json(written(&view)?))
}

/// `POST …/deployments/{deployment}/stop`.
pub const STOP: Operation = Operation {
    group: Group::Services,
    summary: "Stop a deployment that is in progress.",
    description: "`ROLLBACK` goes back to the revision of before, `ABORT` stops where it stands. Sent again while it is stopping, \
                  it is no fault. A deployment that is over is a 409.",
    body: Some(Body {
        schema: Schema::Closed(&[Member::optional(
            "stopType",
            Schema::Json(
                r#"{"type": "string", "enum": ["ROLLBACK", "ABORT"], "default": "ROLLBACK"}"#,
            ),
        )]),
        is_required: false,
        aws: Some(AwsOperation::Ecs("StopServiceDeployment")),
    }),
    answers: &[Answer::json("The deployment as it is now.", DEPLOYMENT)],
    ..Operation::post(
        "stop_deployment",
        "/{account}/clusters/{cluster}/services/{service}/deployments/{deployment}/stop",
        Handler::Account(|request| stop_deployment(request).boxed()),
    )
};

/// Stops a deployment.
///
/// # Errors
/// [`Error`] if there is no such deployment, if it is over, and for what AWS refuses.
pub async fn stop_deployment(request: &Request<'_>) -> Result<Reply, Error> {
    let (place, name) = place_and_name(request)?;
    let mut body = request.optional_object()?;
    let mut validation = request.validation();
    let stop = one_of(
        &mut body,
        "stopType",
        &["ROLLBACK", "ABORT"],
        &mut validation,
    );
    validation.refuse_others(&body, "", ["stopType"]);
    let ignored = validation.finish().map_err(Error::Input)?;
    let stop = if stop == Some("ABORT") {
        Stop::Abort
    } else {
        Stop::Rollback
    };
    let view = deployments::stop(request.account, &place, &name, stop, request.deadline).await?;
    Ok(Reply::json(written(&view)?).with_ignored(request.is_lenient(), &ignored))
}

/// `POST …/deployments/{deployment}/continue`.
pub const CONTINUE: Operation = Operation {
    group: Group::Services,
    summary: "Continue a deployment that is paused at a lifecycle hook, or let it go back.",
    description: "An approval in one call. Without `hookId` it is for the only hook at which the deployment is paused: a client \
                  that sends a request again on its own should name the hook, so that no later pause is approved unseen.",
    body: Some(Body {
        schema: Schema::Closed(&[
            Member::optional("hookId", Schema::Text),
            Member::optional(
                "action",
                Schema::Json(
                    r#"{"type": "string", "enum": ["CONTINUE", "ROLLBACK"], "default": "CONTINUE"}"#,
                ),
            ),
        ]),
        is_required: false,
        aws: Some(AwsOperation::Ecs("ContinueServiceDeployment")),
    }),
    answers: &[Answer::json("The deployment as it is now.", DEPLOYMENT)],
    ..Operation::post(
        "continue_deployment",
        "/{account}/clusters/{cluster}/services/{service}/deployments/{deployment}/continue",
        Handler::Account(|request| continue_deployment(request).boxed()),
    )
};

/// Continues a deployment.
///
/// # Errors
/// [`Error`] if there is no such deployment, if it is not paused, and for what AWS refuses.
pub async fn continue_deployment(request: &Request<'_>) -> Result<Reply, Error> {
    let (place, name) = place_and_name(request)?;
    let mut body = request.optional_object()?;
    let mut validation = request.validation();
    let action = one_of(
        &mut body,
        "action",
        &["CONTINUE", "ROLLBACK"],
        &mut validation,
    );
    let hook_id = match validation.take(&mut body, "", "hookId") {
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        Some(_) => {
            validation.refuse(
                "hookId",
                "expected the `HookId` of one of the deployment's `Hooks`",
            );
            None
        }
        None => None,
    };
    validation.refuse_others(&body, "", ["hookId", "action"]);
    let ignored = validation.finish().map_err(Error::Input)?;
    let wish = Continue {
        hook_id,
        rolls_back: action == Some("ROLLBACK"),
    };
    let view = deployments::resume(request.account, &place, &name, wish, request.deadline).await?;
    Ok(Reply::json(written(&view)?).with_ignored(request.is_lenient(), &ignored))
}

/// Reads the service that the path names.
fn place(request: &Request<'_>) -> Result<ServicePlace, Error> {
    let cluster = request.cluster()?;
    let service = request.service(&cluster)?;
    Ok(ServicePlace { cluster, service })
}

/// Reads the service and the deployment that the path names.
fn place_and_name(request: &Request<'_>) -> Result<(ServicePlace, DeploymentName), Error> {
    let place = place(request)?;
    let name = DeploymentName::parse(
        request.path.parameter("deployment"),
        &request.account.account_region(),
        &place.cluster,
        &place.service,
    )?;
    Ok((place, name))
}

/// Reads a member that is one of `choices`, if it is there.
fn one_of(
    body: &mut Map<String, Value>,
    name: &str,
    choices: &[&'static str],
    validation: &mut Validation,
) -> Option<&'static str> {
    let given = validation.take(body, "", name)?;
    let mut all = choices.iter().copied();
    let choice = all.find(|choice| given == *choice);
    if choice.is_none() {
        validation.refuse(name, format!("expected `{}`", choices.join("` or `")));
    }
    choice
}

/// Writes a deployment as it is answered.
///
/// # Errors
/// [`Error::Bug`] if it can't be written.
pub fn written(view: &DeploymentView) -> Result<Value, Error> {
    let hooks: Result<Vec<_>, _> = view.hooks.iter().map(|hook| write(hook)).collect();
    let revision = view.requested.revision.as_str();
    let id = view
        .id
        .as_ref()
        .map_or(revision, ServiceDeploymentId::as_str);
    let mut answer = json!({"Id": id, "State": view.state.name()});
    if let Some(reason) = &view.reason {
        answer["Reason"] = reason.to_string().into();
    }
    if let Some(status) = &view.status {
        answer["Status"] = status.as_str().into();
    }
    for (name, time) in [
        ("StartedAt", view.started_at),
        ("FinishedAt", view.finished_at),
    ] {
        if let Some(time) = time {
            answer[name] = timestamp(&time)?.into();
        }
    }
    answer["Requested"] = requested(&view.requested);
    answer["Running"] = view.running.iter().map(running).collect();
    if let Some(requested_by) = &view.requested_by {
        answer["RequestedBy"] = json!({"RequestId": requested_by.request_id});
        if let Some(caller) = &requested_by.caller {
            answer["RequestedBy"]["Caller"] = caller.as_str().into();
        }
    }
    answer["Hooks"] = hooks?.into();
    answer["IsCurrent"] = view.is_current.into();
    Ok(answer)
}

fn requested(requested: &RequestedRevision) -> Value {
    let images = requested.images.iter().map(|image| {
        let mut answer = json!({"Container": image.container, "Image": image.image});
        if let Some(digest) = &image.digest {
            answer["Digest"] = digest.as_str().into();
        }
        answer
    });
    let mut answer = json!({"Revision": requested.revision});
    if let Some(arn) = &requested.task_definition {
        answer["TaskDefinition"] = json!(arn);
    }
    answer["Images"] = images.collect();
    answer
}

fn running(running: &RunningRevision) -> Value {
    let mut answer = json!({"Revision": running.revision});
    if let Some(arn) = &running.task_definition {
        answer["TaskDefinition"] = json!(arn);
    }
    answer["Tasks"] = json!({"Running": running.running, "Pending": running.pending,
        "Requested": running.requested});
    answer
}
