//! Clusters.

use futures_util::FutureExt as _;
use serde_json::json;

use super::operation::{Group, Handler, Operation, Timing};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN};
use super::schema::{Addition, Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use super::{Request, shorthands};
use crate::aws::ecs;
use crate::error::{Error, NotFound};
use crate::ids::is_ecs_name;
use crate::reply::Reply;
use crate::wire::inputs::CreateClusterInput;
use crate::wire::outputs::{Cluster, CreateClusterOutput, DeleteClusterOutput, Failure};
use crate::wire::write::write;

/// The message for a cluster that is to be created without a name that it can have.
pub(super) const CLUSTER_NAME_REQUIRED: &str =
    "required: the name of the cluster to create, 1 to 255 letters, digits, `-` and `_`";

/// `GET /{account}/clusters`.
pub const LIST: Operation = Operation {
    query: &[LIMIT, NEXT_TOKEN],
    timing: Timing::InTime,
    group: Group::Clusters,
    summary: "List the ARNs of the account's clusters.",
    description: COMPLETE,
    answers: &[Answer::json("ARNs.", Schema::ARNS).with_headers(&["Link"])],
    ..Operation::get(
        "list_clusters",
        "/{account}/clusters",
        Handler::Account(|request| list_clusters(request).boxed()),
    )
};

/// Answers the ARNs of all clusters, or of one page of `limit`.
///
/// # Errors
/// [`Error`] for a bad `limit` or `nextToken`, and for what AWS refuses.
pub async fn list_clusters(request: &Request<'_>) -> Result<Reply, Error> {
    let listing = ecs::list_clusters(request.account, request.page_request()?).await?;
    request.answer_arns(listing)
}

/// `POST /{account}/clusters`.
pub const CREATE: Operation = Operation {
    group: Group::Clusters,
    summary: "Create a cluster.",
    description: "`clusterName` (or its shorthand `name`) is required: 1 to 255 letters, digits, `-` and `_`. A cluster of this \
                  name that is ACTIVE already is answered as it is.",
    body: Some(Body {
        schema: Schema::Input(CREATE_CLUSTER_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("CreateCluster")),
    }),
    answers: &[Answer::aws::<CreateClusterOutput>()],
    ..Operation::post(
        "create_cluster",
        "/{account}/clusters",
        Handler::Account(|request| create_cluster(request).boxed()),
    )
};

/// The input of `CreateCluster` with its shorthand.
pub(super) const CREATE_CLUSTER_INPUT: &InputSchema = &InputSchema::of::<CreateClusterInput>()
    .with(&[
        Addition {
            to: "",
            member: Member::optional("name", Schema::Text)
                .described("Short for `clusterName`. Not beside it."),
        },
        TAGS_OF_ECS,
    ]);

/// Creates a cluster, which must be named.
///
/// # Errors
/// [`Error`] for a body that is no `CreateCluster` input, and for what AWS refuses.
pub async fn create_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let (mut input, ignored) = request.input::<CreateClusterInput>(shorthands::cluster)?;
    // DIFFERENCE: the original passed an empty name on, and AWS created the cluster `default`.
    if !is_ecs_name(input.cluster_name.as_deref().unwrap_or_default()) {
        return Err(Error::input("clusterName", CLUSTER_NAME_REQUIRED));
    }
    tags::put_account(request, &mut input.tags, "tags")?;
    let created = ecs::create_cluster(request.account, input).await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET /{account}/clusters/{cluster}`.
pub const SHOW: Operation = Operation {
    group: Group::Clusters,
    summary: "Show an ACTIVE cluster with its settings, statistics and tags.",
    description: "An INACTIVE cluster is answered by 404, like one that never was.",
    answers: &[Answer::json(
        "Done, as AWS answers it.",
        Schema::Object(&[
            Member::always("Clusters", Schema::List(&Schema::sdk::<Cluster>())),
            Member::always("Failures", Schema::List(&Schema::sdk::<Failure>())),
        ]),
    )],
    ..Operation::get(
        "show_cluster",
        "/{account}/clusters/{cluster}",
        Handler::Account(|request| show_cluster(request).boxed()),
    )
};

/// Answers one ACTIVE cluster with its settings, statistics and tags.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or only an INACTIVE one; else what AWS refuses.
pub async fn show_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.cluster()?;
    let found = ecs::describe_cluster(request.account, &name).await?;
    let cluster = found.filter(|cluster| cluster.status() != Some("INACTIVE"));
    let cluster = cluster.ok_or(NotFound::ActiveCluster(name))?;
    Ok(Reply::json(
        json!({"Clusters": [write(&cluster)?], "Failures": []}),
    ))
}

/// `DELETE /{account}/clusters/{cluster}`.
pub const DELETE: Operation = Operation {
    group: Group::Clusters,
    summary: "Delete an empty cluster.",
    description: "409 while services, tasks or instances are in it.",
    answers: &[Answer::aws::<DeleteClusterOutput>()],
    ..Operation::delete(
        "delete_cluster",
        "/{account}/clusters/{cluster}",
        Handler::Account(|request| delete_cluster(request).boxed()),
    )
};

/// Deletes an empty cluster.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.cluster()?;
    let deleted = ecs::delete_cluster(request.account, &name).await?;
    Ok(Reply::json(write(&deleted)?))
}
