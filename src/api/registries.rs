//! Registries: the services of Cloud Map.

use serde_json::json;

use super::{Request, shorthands};
use crate::aws::discovery;
use crate::error::Error;
use crate::ids::{is_namespace_id, is_registry_name};
use crate::orchestration::defaults;
use crate::reply::Reply;
use crate::wire::inputs::CreateRegistryInput;
use crate::wire::write::write;

/// What is said of a registry that is to be created without a name that it can have.
pub(super) const REGISTRY_NAME_REQUIRED: &str =
    "required: the name of the registry to create, 1 to 127 letters, digits, `-`, `_` and `.`";

/// `GET …/servicediscovery/services`: the registries of one `namespace`, or of all.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_registries(request: &Request<'_>) -> Result<Reply, Error> {
    let (namespace, page) = (request.query("namespace"), request.page_request()?);
    if namespace.is_some_and(|id| !is_namespace_id(id)) {
        return Err(Error::input(
            "namespace",
            "expected the id of a namespace, like `ns-y3uaw6neshhbev3f`, or its ARN",
        ));
    }
    let listed = discovery::list_services(request.account, namespace, page).await?;
    let (services, next) = request.fitting(listed)?;
    Ok(request.linked(Reply::json(json!({"Services": services})), next))
}

/// `POST …/servicediscovery/services`: creates a registry.
///
/// # Errors
/// [`Error`] for a body that is no `CreateService` input of Cloud Map, and for what AWS refuses.
pub async fn create_registry(request: &Request<'_>) -> Result<Reply, Error> {
    let (mut input, ignored) = request.input::<CreateRegistryInput>(shorthands::registry)?;
    if !is_registry_name(input.name.as_deref().unwrap_or_default()) {
        return Err(Error::input("Name", REGISTRY_NAME_REQUIRED));
    }
    defaults::registry(&mut input);
    let created = discovery::create_service(request.account, input).await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/servicediscovery/services/{id}`: one registry.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn show_registry(request: &Request<'_>) -> Result<Reply, Error> {
    let found = discovery::get_service(request.account, request.registry()?.as_str()).await?;
    Ok(Reply::json(json!({"Service": write(&found)?})))
}

/// `DELETE …/servicediscovery/services/{id}`: deletes a registry without instances.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_registry(request: &Request<'_>) -> Result<Reply, Error> {
    discovery::delete_service(request.account, request.registry()?.as_str()).await?;
    Ok(Reply::json(json!({})))
}
