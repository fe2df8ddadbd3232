//! Task definitions.

use super::{Request, shorthands};
use crate::aws::ecs;
use crate::error::Error;
use crate::ids::is_ecs_name;
use crate::orchestration::{defaults, lists};
use crate::reply::Reply;
use crate::wire::inputs::RegisterTaskDefinitionInput;
use crate::wire::write::write;

/// `GET …/taskdefs`: the ARNs of the revisions of a status (ACTIVE, unless `status` says another), of one `family`, of
/// the families that begin with `prefix`, or of all.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_task_definitions(request: &Request<'_>) -> Result<Reply, Error> {
    let page = request.page_request()?;
    let status = request
        .choice("status", &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"])?
        .unwrap_or("ACTIVE")
        .into();
    for name in ["family", "prefix"] {
        if request.query(name).is_some_and(|text| !is_ecs_name(text)) {
            return Err(Error::input(
                name,
                "expected 1 to 255 letters, digits, `-` and `_`",
            ));
        }
    }
    let listed = match (request.query("family"), request.query("prefix")) {
        (Some(_), Some(_)) => {
            return Err(Error::input(
                "prefix",
                "given beside `family`; give one of them",
            ));
        }
        (family, None) => {
            ecs::list_task_definitions(request.account, family, &status, page).await?
        }
        (None, Some(prefix)) => {
            lists::list_task_definitions_by_prefix(request.account, prefix, &status, page).await?
        }
    };
    request.arns(listed)
}

/// `POST …/taskdefs`: registers a revision, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `RegisterTaskDefinition` input, and for what AWS refuses.
pub async fn register_task_definition(request: &Request<'_>) -> Result<Reply, Error> {
    let (mut input, ignored) =
        request.input::<RegisterTaskDefinitionInput>(shorthands::task_definition)?;
    defaults::task_definition(&mut input, request.settings());
    let registered = ecs::register_task_definition(request.account, input).await?;
    Ok(Reply::json(write(&registered)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/taskdefs/{taskdef}`: one revision, or a family's latest ACTIVE one, with its tags.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn show_task_definition(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.task_definition()?;
    let found = ecs::describe_task_definition(request.account, name.as_str()).await?;
    Ok(Reply::json(write(&found)?))
}

/// `DELETE …/taskdefs/{taskdef}`: deregisters one revision, which becomes INACTIVE; what runs keeps running.
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
    let deregistered = ecs::deregister_task_definition(request.account, name.as_str()).await?;
    Ok(Reply::json(write(&deregistered)?))
}
