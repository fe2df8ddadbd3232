//! Changes of a service that is there: another image, other settings, another number of tasks.

mod body;

use futures_util::FutureExt as _;
use lambda_http::http::header;
use serde_json::{Map, Value, json};

use super::Request;
use super::operation::{Group, Handler, Operation, ProblemSchema};
use super::orchestrations::create::TAKEN_BACK;
use super::schema::{Addition, Answer, AwsOperation, Body, InputSchema, Member, Schema};
use crate::error::Error;
use crate::orchestration::Cause;
use crate::orchestration::create::CreateContext;
use crate::orchestration::deploy::{self, Deployed, Precondition};
use crate::orchestration::failure::Failure;
use crate::reply::Reply;
use crate::wire::definition::{FieldChange, MergeError};
use crate::wire::inputs::UpdateServiceInput;
use crate::wire::outputs::Service;
use crate::wire::validation::FieldError;
use crate::wire::write::write;

/// `PATCH …/services/{service}`.
pub const UPDATE: Operation = Operation {
    keeps_its_deadline: true,
    heeds_idempotency_key: true,
    heeds_if_match: true,
    group: Group::Services,
    summary: "Deploy another image, or change what else the body names, and leave all else of a service as it is.",
    description: "`image`, `tag`, `containers`, `cpu` and `memory` are merged into the definition that the service runs now. A new \
                  revision is registered only if something of it changes, with the tags of the one before, and taken back \
                  if ECS refuses the update. All other members are those of `UpdateService`; `desiredCount` stays as it is \
                  unless it is named. The account's defaults have no say. With `If-Match`, nothing is done unless the \
                  service is deployed as its `ETag` said.",
    body: Some(Body {
        schema: Schema::Input(&UPDATE_SERVICE_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("UpdateService")),
    }),
    answers: &[Answer::json("The service, and what was changed.", DEPLOYED).with_headers(&["ETag"])],
    problem: Some(ProblemSchema {
        name: "DeployProblem",
        members: TAKEN_BACK,
    }),
    ..Operation::patch(
        "update_service",
        "/{account}/clusters/{cluster}/services/{service}",
        Handler::Account(|request| update_service(request).boxed()),
    )
};

const UPDATE_SERVICE_INPUT: InputSchema = InputSchema {
    given_by_path: &["service"],
    is_never_empty: true,
    ..InputSchema::of::<UpdateServiceInput>().with(ADDITIONS)
};

/// The members that a deploy has beside those of `UpdateService`.
const ADDITIONS: &[Addition] = &[
    addition(
        Member::optional("image", Schema::Text)
            .described("The image of the only essential container, as a whole reference."),
    ),
    addition(
        Member::optional("tag", Schema::Text).described(
            "The tag of the only essential container's present image. A digest goes.",
        ),
    ),
    addition(
        Member::optional("containers", Schema::Json(CONTAINERS)).described(
            "Changes of containers, by their names: `image` or `tag`, and any member of a container definition. \
             `environment`, `secrets` and `dockerLabels` are merged where they are given as objects of values by name; \
             `null` removes, and everything else replaces.",
        ),
    ),
    addition(
        Member::optional("cpu", Schema::Json(AMOUNT)).described("The CPU units of the task."),
    ),
    addition(
        Member::optional("memory", Schema::Json(AMOUNT)).described("The memory of the task in MiB."),
    ),
    addition(
        Member::optional("tags", Schema::Json(TAGS)).described(
            "Changes of the tags of the service, and of a new revision: values by key, and `null` for what is removed. \
             AWS's list of keys and values is taken, too.",
        ),
    ),
];

const CONTAINERS: &str =
    r#"{"type": "object", "additionalProperties": {"type": ["object", "null"]}}"#;
const AMOUNT: &str = r#"{"type": ["string", "integer"]}"#;
const TAGS: &str = r#"{"anyOf": [
    {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    {"type": "array", "items": {"type": "object"}}
]}"#;

const fn addition(member: Member) -> Addition {
    Addition { to: "", member }
}

/// The answer of a deploy.
pub(super) const DEPLOYED: Schema = Schema::Component(
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
        Member::always(
            "Changes",
            Schema::List(&Schema::Object(&[
                Member::always("Path", Schema::Text).described("As a body names it."),
                Member::sometimes("From", Schema::Anything),
                Member::sometimes("To", Schema::Anything),
            ])),
        )
        .described("Of environment, secrets and log options only the names are told, never a value."),
    ]),
);

/// Changes what the body names, and leaves all else of a service as it is.
///
/// # Errors
/// [`Error::Input`] for a body that is no change of a service, or does not fit this one; [`Error::TakenBack`] with the
/// first cause and what became of what had been made.
pub async fn update_service(request: &Request<'_>) -> Result<Reply, Error> {
    let (wanted, ignored) = body::read_body(request)?;
    let context = CreateContext {
        account: request.account,
        records: request.records,
        identity: request.identity()?,
        deadline: request.deadline,
    };
    let work = deploy::deploy(&context, wanted);
    let deployed = Box::pin(work).await.map_err(refusal)?;
    Ok(with_etag(Reply::json(shape(&deployed)?), &deployed.service)
        .with_ignored(request.is_lenient(), &ignored))
}

/// Returns the error of a deploy that failed: what does not fit is said as of any body.
pub(super) fn refusal(failure: Failure) -> Error {
    if !failure.report.is_empty() {
        return Box::new(failure).into();
    }
    match failure.cause {
        Cause::Merge(MergeError::Invalid(problems)) => Error::Input(problems),
        Cause::Merge(error) => Error::Input(vec![FieldError {
            path: error.path(),
            message: error.to_string(),
        }]),
        Cause::Aws(error) => error.into(),
        cause => cause.into(),
    }
}

/// Adds the `ETag` of what is deployed.
pub(super) fn with_etag(reply: Reply, service: &Service) -> Reply {
    match deploy::deployed_revision(service) {
        Some(id) => reply.with_header(header::ETAG, &format!("\"{id}\"")),
        None => reply,
    }
}

/// Shapes the answer of a deploy.
pub(super) fn shape(deployed: &Deployed) -> Result<Value, Error> {
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

/// Reads the entity tags of `If-Match` (<https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1>). A weak one matches
/// nothing.
///
/// # Errors
/// [`Error::Input`] for anything that is no list of entity tags.
pub(super) fn precondition(request: &Request<'_>) -> Result<Option<Precondition>, Error> {
    let values = request.call.headers.get_all(header::IF_MATCH).iter();
    let texts: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    if texts.is_empty() {
        return Ok(None);
    }
    if texts.iter().all(|text| text.trim() == "*") {
        return Ok(Some(Precondition::Any));
    }
    let tags = texts.iter().flat_map(|text| text.split(','));
    let ids = tags.map(|tag| {
        let tag = tag.trim();
        let (strong, is_weak) = match tag.strip_prefix("W/") {
            Some(strong) => (strong, true),
            None => (tag, false),
        };
        let id = strong.strip_prefix('"')?.strip_suffix('"')?;
        Some((!is_weak).then(|| id.to_owned()))
    });
    let ids: Option<Vec<_>> = ids.collect();
    let refused = || {
        let expected = "expected the `ETag` of the service's GET, in its double quotes, or `*`";
        Error::input("If-Match", expected)
    };
    let ids = ids.ok_or_else(refused)?;
    Ok(Some(Precondition::OneOf(
        ids.into_iter().flatten().collect(),
    )))
}
