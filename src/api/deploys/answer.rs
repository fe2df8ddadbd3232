//! The answer of a deploy or a rollback: the service, what was changed and, with `wait`, what became of it.

use std::time::Duration;

use lambda_http::http::header;
use serde_json::{Map, Value, json};

use super::with_etag;
use crate::api::Request;
use crate::api::parameters::WAIT_ON;
use crate::api::schema::{Answer, Member, Schema};
use crate::error::Error;
use crate::ids::{ClusterName, DeploymentName, ServiceName, ServiceRevisionId};
use crate::orchestration::deploy::DeployOutcome;
use crate::orchestration::deployments::{self, DeploymentView, ServicePlace};
use crate::reply::Reply;
use crate::wire::definition::FieldChange;
use crate::wire::outputs::Service;
use crate::wire::write::write;

/// The answers of a deploy.
pub(super) const ANSWERS: &[Answer] = &[
    Answer::json(
        "The service, and what was changed; with `wait`, once the deployment is over, and how it ended.",
        DEPLOYED,
    )
    .with_headers(&["ETag"]),
    Answer {
        status: 202,
        headers: &["ETag", "Location", "Retry-After"],
        ..Answer::json("The deployment was not over yet: `Location` waits on.", DEPLOYED)
    },
];

const DEPLOYED: Schema = Schema::Component(
    "Deployed",
    &Schema::Object(&[
        Member::always("Service", Schema::sdk::<Service>()),
        Member::always("Changed", Schema::Boolean)
            .described("Whether ECS was asked for anything; if not, all was as it shall be."),
        Member::sometimes("TaskDefinition", Schema::Text)
            .described("The ARN of the revision that the service is to run."),
        Member::sometimes("PreviousTaskDefinition", Schema::Text)
            .described("The ARN of the revision that it ran before."),
        Member::sometimes("Deployment", Schema::Text).described(
            "The id of the service revision that is being deployed, by which `…/deployments/{id}` knows the \
             deployment; absent where nothing is deployed.",
        ),
        Member::always("Changes", Schema::List(&CHANGE)).described(
            "Of environment, secrets and log options only the names are told, never a value.",
        ),
        Member::sometimes("State", Schema::Text)
            .described("With `wait`: the deployment's state, as `…/deployments/{id}` tells it."),
        Member::sometimes("Reason", Schema::Text).described("With `wait`: why it is so."),
        Member::sometimes("Notes", Schema::List(&Schema::Text))
            .described("What a rollback could not put back as it was."),
    ]),
);

const CHANGE: Schema = Schema::Object(&[
    Member::always("Path", Schema::Text).described("As a body names it."),
    Member::sometimes("From", Schema::Anything),
    Member::sometimes("To", Schema::Anything),
]);

/// Answers a deploy; with a wait once its deployment is over or, where it is not, says where to ask.
pub(super) async fn answer(
    request: &Request<'_>,
    (cluster, service): (ClusterName, ServiceName),
    deployed: &DeployOutcome,
    wait: Option<Duration>,
) -> Result<Reply, Error> {
    let mut body = shape(deployed)?;
    let (Some(wait), Some(id)) = (wait, deployed.deployment.as_deref()) else {
        return Ok(with_etag(Reply::json(body), &deployed.service));
    };
    let place = ServicePlace { cluster, service };
    let name = DeploymentName::Aim(ServiceRevisionId::from_answer(id));
    let (account, deadline) = (request.account, request.deadline);
    let view = deployments::wait_until_over(account, &place, &name, wait, deadline);
    // The deploy is done: whatever is wrong with the look, asking again may tell.
    let view = deadline.run(view).await.ok();
    if let Some(view) = &view {
        tell(view, &mut body);
    }
    let reply = with_etag(Reply::json(body), &deployed.service);
    if view.is_some_and(|view| view.state.is_over()) {
        return Ok(reply);
    }
    let path = request.call.path.trim_end_matches('/');
    let path = path.strip_suffix("/rollback").unwrap_or(path);
    let location = format!("{}{path}/deployments/{id}?{WAIT_ON}", request.call.prefix);
    Ok(reply.accepted(0).with_header(header::LOCATION, &location))
}

fn tell(view: &DeploymentView, body: &mut Value) {
    body["State"] = view.state.name().into();
    if let Some(reason) = &view.reason {
        body["Reason"] = reason.to_string().into();
    }
}

/// Shapes the answer of a deploy.
fn shape(deployed: &DeployOutcome) -> Result<Value, Error> {
    let mut answer = Map::new();
    answer.insert("Service".to_owned(), write(&deployed.service)?);
    answer.insert("Changed".to_owned(), deployed.is_changed.into());
    let texts = [
        ("TaskDefinition", deployed.service.task_definition()),
        ("PreviousTaskDefinition", deployed.previous.as_deref()),
        ("Deployment", deployed.deployment.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            answer.insert(name.to_owned(), text.into());
        }
    }
    let changes = deployed.changes.iter().map(shape_change);
    answer.insert("Changes".to_owned(), changes.collect());
    Ok(Value::Object(answer))
}

fn shape_change(change: &FieldChange) -> Value {
    let mut shaped = json!({"Path": change.path});
    for (name, value) in [("From", &change.from), ("To", &change.to)] {
        if let Some(value) = value {
            shaped[name] = value.clone();
        }
    }
    shaped
}

/// Adds what a rollback to a platform version says that was the latest one.
pub(super) fn with_notes(mut reply: Reply, deployed: &DeployOutcome) -> Reply {
    let pinned = deployed
        .changes
        .iter()
        .find(|change| change.path == "platformVersion");
    if let (Some(change), crate::reply::Body::Json(body)) = (pinned, &mut reply.body) {
        let version = change
            .to
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        body["Notes"] = json!([format!(
            "the platform version is `{version}` now, and stays that: a service revision does not tell whether it was LATEST"
        )]);
    }
    reply
}
