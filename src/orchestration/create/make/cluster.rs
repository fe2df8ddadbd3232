//! The cluster.

use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
use aws_sdk_ecs::types::Cluster;
use tokio::time::sleep;

use crate::aws::{Error, ecs};
use crate::orchestration::create::look::Step;
use crate::orchestration::ledger::{Change, Ledger};
use crate::orchestration::site::Site;
use crate::orchestration::{tags, undo};

/// Makes the cluster, unless it is there. ECS answers one that another request made at the same moment as if this one had
/// made it; whose it is, the undo sees.
pub(super) async fn make(
    site: &Site<'_>,
    step: Step<Cluster, CreateClusterInput>,
    ledger: &Ledger,
) -> Result<Cluster, Error> {
    let mut input = match step {
        Step::Use(cluster) => return Ok(cluster),
        Step::Resume(cluster) => {
            let name = cluster.cluster_name.clone().unwrap_or_default();
            ledger.leave(Change::Cluster(name), cluster.cluster_arn.clone());
            return Ok(cluster);
        }
        Step::Make(input) => input,
    };
    tags::put_on(&mut input.tags, &site.run.tags());
    let change = Change::Cluster(input.cluster_name.clone().unwrap_or_default());
    let mut cluster = match create(site, &input, &change, ledger).await {
        // ECS answers a cluster that is there, so that asking again does no harm.
        Err(error) if error.kind.leaves_outcome_unknown() => {
            create(site, &input, &change, ledger).await?
        }
        made => made?,
    };
    // One with capacity providers takes a while.
    while cluster.status() == Some("PROVISIONING") {
        sleep(undo::PAUSE).await;
        cluster = ecs::describe_cluster(site.account, change.name())
            .await?
            .unwrap_or(cluster);
    }
    Ok(cluster)
}

async fn create(
    site: &Site<'_>,
    input: &CreateClusterInput,
    change: &Change,
    ledger: &Ledger,
) -> Result<Cluster, Error> {
    let work = async {
        let answer = ecs::create_cluster_once(site.account, input.clone()).await?;
        answer
            .cluster
            .ok_or_else(|| site.account.lacking("ecs:CreateCluster", "cluster"))
    };
    ledger
        .record(change, work, |cluster| cluster.cluster_arn.clone())
        .await
}
