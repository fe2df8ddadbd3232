//! Registries: the services of Cloud Map.

use futures_util::FutureExt as _;
use serde_json::json;

use super::operation::{Group, Handler, Operation, Timing};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN, Parameter, Values};
use super::schema::{Addition, Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_CLOUD_MAP};
use super::{Request, shorthands};
use crate::aws::discovery;
use crate::error::Error;
use crate::ids::{NamespaceId, RegistryName};
use crate::orchestration::defaults;
use crate::reply::Reply;
use crate::wire::inputs::CreateRegistryInput;
use crate::wire::outputs::{CreateRegistryOutput, Registry, RegistrySummary};
use crate::wire::write::write;

/// The message for a registry that is to be created without a name that it can have.
pub(super) const REGISTRY_NAME_REQUIRED: &str =
    "required: the name of the registry to create, 1 to 127 letters, digits, `-`, `_` and `.`";

/// `GET …/servicediscovery/services`.
pub const LIST: Operation = Operation {
    query: &[
        Parameter::new(
            "namespace",
            Values::Pattern("^[A-Za-z0-9_:/-]{1,255}$"),
            "Only registries of this namespace, by id or ARN. Default: all.",
        ),
        LIMIT,
        NEXT_TOKEN,
    ],
    timing: Timing::InTime,
    group: Group::Registries,
    summary: "List the registries, of all namespaces or of one.",
    description: COMPLETE,
    answers: &[Answer::json(
        "Done, as AWS answers it.",
        Schema::Object(&[Member::always(
            "Services",
            Schema::List(&Schema::sdk::<RegistrySummary>()),
        )]),
    )
    .with_headers(&["Link"])],
    ..Operation::get(
        "list_registries",
        "/{account}/servicediscovery/services",
        Handler::Account(|request| list_registries(request).boxed()),
    )
};

/// Answers the registries of one `namespace`, or of all.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_registries(request: &Request<'_>) -> Result<Reply, Error> {
    let (region, page) = (request.account.account_region(), request.page_request()?);
    let namespace = request
        .query("namespace")
        .map(|text| NamespaceId::parse(text, &region));
    let refused = "expected the id of a namespace, like `ns-y3uaw6neshhbev3f`, or its ARN";
    let namespace = namespace
        .transpose()
        .map_err(|_| Error::input("namespace", refused))?;
    let listed = discovery::list_services(request.account, namespace.as_ref(), page).await?;
    let (services, next) = request.write_fitting(listed)?;
    Ok(request.link_next(Reply::json(json!({"Services": services})), next))
}

/// `POST …/servicediscovery/services`.
pub const CREATE: Operation = Operation {
    group: Group::Registries,
    summary: "Create a registry in a namespace.",
    description: "Without a health check it gets a custom one with a failure threshold of 1, as ECS needs it.",
    body: Some(Body {
        schema: Schema::Input(CREATE_REGISTRY_INPUT),
        is_required: true,
        aws: Some(AwsOperation::CloudMap("CreateService")),
    }),
    answers: &[Answer::aws::<CreateRegistryOutput>()],
    ..Operation::post(
        "create_registry",
        "/{account}/servicediscovery/services",
        Handler::Account(|request| create_registry(request).boxed()),
    )
};

/// The input of Cloud Map's `CreateService`, as the original's documentation has it.
pub(super) const CREATE_REGISTRY_INPUT: &InputSchema = &InputSchema::of::<CreateRegistryInput>()
    .with(&[
        Addition {
            to: "",
            member: Member::sometimes("cluster", Schema::Anything).described(
                "Means nothing to Cloud Map, and is dropped; the original's documentation has it.",
            ),
        },
        TAGS_OF_CLOUD_MAP,
    ]);

/// Creates a registry.
///
/// # Errors
/// [`Error`] for a body that is no `CreateService` input of Cloud Map, and for what AWS refuses.
pub async fn create_registry(request: &Request<'_>) -> Result<Reply, Error> {
    let (mut input, ignored) = request.input::<CreateRegistryInput>(shorthands::registry)?;
    if RegistryName::parse(input.name.as_deref().unwrap_or_default()).is_err() {
        return Err(Error::input("Name", REGISTRY_NAME_REQUIRED));
    }
    defaults::registry(&mut input);
    tags::put_account(request, &mut input.tags, "Tags")?;
    let created = discovery::create_service(request.account, input).await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/servicediscovery/services/{id}`.
pub const SHOW: Operation = Operation {
    group: Group::Registries,
    summary: "Show a registry.",
    description: "By its id, `srv-…`, or its ARN.",
    answers: &[Answer::json(
        "Done, as AWS answers it.",
        Schema::Object(&[Member::always("Service", Schema::sdk::<Registry>())]),
    )],
    ..Operation::get(
        "show_registry",
        "/{account}/servicediscovery/services/{id}",
        Handler::Account(|request| show_registry(request).boxed()),
    )
};

/// Answers one registry.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn show_registry(request: &Request<'_>) -> Result<Reply, Error> {
    let found = discovery::get_service(request.account, &request.registry()?).await?;
    Ok(Reply::json(json!({"Service": write(&found)?})))
}

/// `DELETE …/servicediscovery/services/{id}`.
pub const DELETE: Operation = Operation {
    group: Group::Registries,
    summary: "Delete a registry without instances.",
    description: "409 while instances are registered.",
    answers: &[Answer::json("Deleted.", Schema::OBJECT)],
    ..Operation::delete(
        "delete_registry",
        "/{account}/servicediscovery/services/{id}",
        Handler::Account(|request| delete_registry(request).boxed()),
    )
};

/// Deletes a registry without instances.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_registry(request: &Request<'_>) -> Result<Reply, Error> {
    discovery::delete_service(request.account, &request.registry()?).await?;
    Ok(Reply::json(json!({})))
}
