//! Clusters.

use serde_json::json;

use super::{Request, shorthands};
use crate::aws::ecs;
use crate::error::Error;
use crate::ids::is_ecs_name;
use crate::reply::Reply;
use crate::wire::inputs::CreateClusterInput;
use crate::wire::write::write;

/// What is said of a cluster that is to be created without a name that it can have.
pub(super) const CLUSTER_NAME_REQUIRED: &str =
    "required: the name of the cluster to create, 1 to 255 letters, digits, `-` and `_`";

/// `GET /{account}/clusters`: the ARNs of all clusters, or of one page of `limit`.
///
/// # Errors
/// [`Error`] for a bad `limit` or `nextToken`, and for what AWS refuses.
pub async fn list_clusters(request: &Request<'_>) -> Result<Reply, Error> {
    let listing = ecs::list_clusters(request.account, request.page_request()?).await?;
    request.arns(listing)
}

/// `POST /{account}/clusters`: creates a cluster, which must be named.
///
/// # Errors
/// [`Error`] for a body that is no `CreateCluster` input, and for what AWS refuses.
pub async fn create_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let (input, ignored) = request.input::<CreateClusterInput>(shorthands::cluster)?;
    // DIFFERENCE: the original passed an empty name on, and AWS created the cluster `default`.
    if !is_ecs_name(input.cluster_name.as_deref().unwrap_or_default()) {
        return Err(Error::input("clusterName", CLUSTER_NAME_REQUIRED));
    }
    let created = ecs::create_cluster(request.account, input).await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET /{account}/clusters/{cluster}`: one ACTIVE cluster with its settings, statistics and tags.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or only an INACTIVE one; else what AWS refuses.
pub async fn show_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.cluster()?;
    let found = ecs::describe_cluster(request.account, name.as_str()).await?;
    let cluster = found.filter(|cluster| cluster.status() != Some("INACTIVE"));
    let cluster =
        cluster.ok_or_else(|| Error::NotFound(format!("there is no ACTIVE cluster `{name}`")))?;
    Ok(Reply::json(
        json!({"Clusters": [write(&cluster)?], "Failures": []}),
    ))
}

/// `DELETE /{account}/clusters/{cluster}`: deletes an empty cluster.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_cluster(request: &Request<'_>) -> Result<Reply, Error> {
    let name = request.cluster()?;
    let deleted = ecs::delete_cluster(request.account, name.as_str()).await?;
    Ok(Reply::json(write(&deleted)?))
}
