//! Changes of a service that is there: another image, other settings, another number of tasks.

mod answer;
mod body;
mod rollback;

use futures_util::FutureExt as _;
use lambda_http::http::header;

use answer::{ANSWERS, answer};
pub use rollback::{ROLL_BACK, roll_back_service};

use super::Request;
use super::operation::{Group, Handler, Operation, ProblemSchema, Timing};
use super::orchestrations::create::TAKEN_BACK;
use super::parameters::WAIT;
use super::schema::{Addition, AwsOperation, Body, InputSchema, Member, Schema};
use crate::error::Error;
use crate::orchestration::Cause;
use crate::orchestration::deploy::{self, Precondition};
use crate::orchestration::failure::Failure;
use crate::reply::Reply;
use crate::wire::definition::MergeError;
use crate::wire::inputs::UpdateServiceInput;
use crate::wire::outputs::Service;
use crate::wire::validation::FieldError;

/// `PATCH …/services/{service}`.
pub const UPDATE: Operation = Operation {
    query: &[WAIT],
    timing: Timing::Flow,
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
    answers: ANSWERS,
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

/// Changes what the body names, and leaves all else of a service as it is.
///
/// # Errors
/// [`Error::Input`] for a body that is no change of a service, or does not fit this one; [`Error::TakenBack`] with the
/// first cause and what became of what had been made.
pub async fn update_service(request: &Request<'_>) -> Result<Reply, Error> {
    let (wanted, ignored) = body::read_body(request)?;
    let wait = request.wait()?;
    let context = request.flow_context()?;
    let place = (wanted.cluster.clone(), wanted.service.clone());
    let work = deploy::deploy(&context, wanted);
    let deployed = Box::pin(work).await.map_err(refusal)?;
    let reply = Box::pin(answer(request, place, &deployed, wait)).await?;
    Ok(reply.with_ignored(request.is_lenient(), &ignored))
}

/// Returns the error of a deploy that failed: what does not fit is said as of any body.
pub(super) fn refusal(failure: Failure) -> Error {
    if !failure.report.is_empty() {
        return Box::new(failure).into();
    }
    match failure.cause {
        Cause::Merge(MergeError::Invalid(problems)) | Cause::Unrestorable(problems) => {
            Error::Input(problems)
        }
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
