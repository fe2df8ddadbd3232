//! Task definitions.

use futures_util::FutureExt as _;
use serde_json::json;

use super::operation::{Group, Handler, Operation, Timing};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN, Parameter, Values};
use super::schema::{Addition, Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use super::{Request, shorthands};
use crate::aws::ecs;
use crate::error::Error;
use crate::ids::Family;
use crate::orchestration::{defaults, lists, task_definitions};
use crate::reply::Reply;
use crate::wire::inputs::RegisterTaskDefinitionInput;
use crate::wire::outputs::{
    DeregisterTaskDefinitionOutput, DescribeTaskDefinitionOutput, RegisterTaskDefinitionOutput,
};
use crate::wire::write::write;

/// The statuses of revisions.
const STATUSES: &[&str] = &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"];

/// `GET …/taskdefs`.
pub const LIST: Operation = Operation {
    query: &[
        Parameter::new(
            "status",
            Values::OneOf(STATUSES),
            "Revisions of this status. Default: ACTIVE.",
        ),
        Parameter::new(
            "family",
            Values::Name,
            "Only revisions of exactly this family. Not beside `prefix`. Default: all.",
        ),
        Parameter::new(
            "prefix",
            Values::Name,
            "Only families that begin so. Not beside `family`. Default: all.",
        ),
        LIMIT,
        NEXT_TOKEN,
    ],
    timing: Timing::InTime,
    group: Group::TaskDefinitions,
    summary: "List the ARNs of revisions: of one family, of the families of a prefix, or all.",
    description: COMPLETE,
    answers: &[Answer::json("ARNs.", Schema::ARNS).with_headers(&["Link"])],
    ..Operation::get(
        "list_task_definitions",
        "/{account}/taskdefs",
        Handler::Account(|request| list_task_definitions(request).boxed()),
    )
};

/// Answers the ARNs of the revisions of a status (ACTIVE, unless `status` says another), of one `family`, of the
/// families that begin with `prefix`, or of all.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_task_definitions(request: &Request<'_>) -> Result<Reply, Error> {
    let page = request.page_request()?;
    let status = request
        .choice("status", STATUSES)?
        .unwrap_or("ACTIVE")
        .into();
    let name = |parameter| {
        let name = request.query(parameter).map(Family::parse).transpose();
        let refused = "expected 1 to 255 letters, digits, `-` and `_`";
        name.map_err(|_| Error::input(parameter, refused))
    };
    let listed = match (name("family")?, name("prefix")?) {
        (Some(_), Some(_)) => {
            return Err(Error::input(
                "prefix",
                "given beside `family`; give one of them",
            ));
        }
        (family, None) => {
            ecs::list_task_definitions(request.account, family.as_ref(), &status, page).await?
        }
        (None, Some(prefix)) => {
            lists::list_task_definitions_by_prefix(request.account, prefix.as_str(), &status, page)
                .await?
        }
    };
    request.answer_arns(listed)
}

/// `POST …/taskdefs`.
pub const REGISTER: Operation = Operation {
    group: Group::TaskDefinitions,
    summary: "Register a revision of a family.",
    description: "Without `requiresCompatibilities`, it is for FARGATE with `awsvpc` and the account's execution role. In a \
                  container, `ports` is short for `portMappings`.",
    body: Some(Body {
        schema: Schema::Input(REGISTER_TASK_DEFINITION_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("RegisterTaskDefinition")),
    }),
    answers: &[Answer::aws::<RegisterTaskDefinitionOutput>()],
    ..Operation::post(
        "register_task_definition",
        "/{account}/taskdefs",
        Handler::Account(|request| register_task_definition(request).boxed()),
    )
};

/// The input of `RegisterTaskDefinition` with its containers' shorthand.
pub(super) const REGISTER_TASK_DEFINITION_INPUT: &InputSchema =
    &InputSchema::of::<RegisterTaskDefinitionInput>().with(&[
        Addition {
            to: "ContainerDefinitionInput",
            member: Member::sometimes("ports", PORTS).described(
                "Short for `portMappings` of these container ports, tcp. Not beside it.",
            ),
        },
        TAGS_OF_ECS,
    ]);

const PORTS: Schema = Schema::Json(
    r#"{"type": ["array", "null"], "items": {"type": "integer", "minimum": 0, "maximum": 65535}}"#,
);

/// Registers a revision, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `RegisterTaskDefinition` input, and for what AWS refuses.
pub async fn register_task_definition(request: &Request<'_>) -> Result<Reply, Error> {
    let (mut input, ignored) =
        request.input::<RegisterTaskDefinitionInput>(shorthands::task_definition)?;
    defaults::task_definition(&mut input, request.settings());
    tags::put_account(request, &mut input.tags, "tags")?;
    let registered = ecs::register_task_definition(request.account, input).await?;
    Ok(Reply::json(write(&registered)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/taskdefs/{taskdef}`.
pub const SHOW: Operation = Operation {
    group: Group::TaskDefinitions,
    summary: "Show a revision, or a family's latest ACTIVE one, with its tags.",
    description: "What is shown can be posted back: what AWS answers but does not accept is dropped.",
    answers: &[Answer::aws::<DescribeTaskDefinitionOutput>()],
    ..Operation::get(
        "show_task_definition",
        "/{account}/taskdefs/{taskdef}",
        Handler::Account(|request| show_task_definition(request).boxed()),
    )
};

/// Answers one revision, or a family's latest ACTIVE one, with its tags.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn show_task_definition(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.task_definition()?;
    let found = ecs::describe_task_definition(request.account, &name).await?;
    Ok(Reply::json(write(&found)?))
}

/// `DELETE …/taskdefs/{taskdef}`.
pub const DEREGISTER: Operation = Operation {
    query: &[Parameter::new(
        "delete",
        Values::Flag,
        "Delete the revision for good, too: it is DELETE_IN_PROGRESS until nothing runs it. Default: false.",
    )],
    group: Group::TaskDefinitions,
    summary: "Deregister one revision.",
    description: "It becomes INACTIVE; what runs keeps running. A family without a revision is refused.",
    answers: &[Answer::aws::<DeregisterTaskDefinitionOutput>()],
    ..Operation::delete(
        "deregister_task_definition",
        "/{account}/taskdefs/{taskdef}",
        Handler::Account(|request| deregister_task_definition(request).boxed()),
    )
};

/// Deregisters one revision, which becomes INACTIVE, and with `delete` deletes it; what runs keeps running.
///
/// # Errors
/// [`Error::Input`] without a revision; else what AWS refuses.
pub async fn deregister_task_definition(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.task_definition()?;
    if !name.has_revision() {
        return Err(Error::input(
            "taskdef",
            &format!("name one revision, as `{name}:1`: a family is not deregistered whole"),
        ));
    }
    if request.flag("delete")? {
        let work = task_definitions::delete_task_definition(request.account, &name);
        return Ok(Reply::json(json!({"TaskDefinition": write(&work.await?)?})));
    }
    let deregistered = ecs::deregister_task_definition(request.account, &name).await?;
    Ok(Reply::json(write(&deregistered)?))
}
