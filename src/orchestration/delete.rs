//! The orchestrated delete: the service, and with `recursive` its registries and its cluster, in AWS's order.
//!
//! Each step looks at what is there and does what can be done, so that the same delete again goes on where the
//! first one stopped: the service's tasks are gone, then its registries' instances, then the registries, then the
//! cluster.
//!
//! A request that runs out of time leaves a [`PendingDelete`]: the same steps go on with it later, one look at a time.

mod pending;
mod planned;
mod work;

pub use pending::{PendingDelete, remember};
use work::{Occasion, Work};

use aws_sdk_ecs::types::{Deployment, ResourceManagementType, Service};
use aws_sdk_servicediscovery::types::Service as Registry;
use aws_smithy_types::DateTime;

use super::Cause;
use super::parts::Removal;
use super::parts::registry::{self, OwnService};
use super::step::Step;
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, ClusterName, RegistryId, ServiceName};

/// The cluster that AWS uses where none is named; it is nobody's to delete as a side effect.
const DEFAULT_CLUSTER: &str = "default";

/// Said of the cluster `default`.
const DEFAULT_IS_KEPT: &str = "the cluster `default` is never deleted along with a service";
/// Said of what bears the name of a thing that was to be deleted, and is younger.
const CREATED_AGAIN: &str = "it was created again after the delete was asked for";

/// The thing that is to be deleted.
#[derive(Debug)]
pub struct Target {
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name.
    pub service: ServiceName,
    /// The registries and the cluster go too.
    pub is_recursive: bool,
}

impl Target {
    /// Returns `true` if the cluster stays, whatever is in it.
    fn is_in_default_cluster(&self) -> bool {
        self.cluster.as_str() == DEFAULT_CLUSTER
    }

    fn own_service(&self) -> OwnService<'_> {
        OwnService {
            cluster: &self.cluster,
            service: &self.service,
        }
    }
}

/// The progress of a delete.
#[derive(Debug)]
pub struct Progress {
    /// The service as AWS last described it.
    pub service: Service,
    /// The ARNs of what is gone; without `recursive`, the service that ECS has agreed to delete.
    pub deleted: Vec<String>,
    /// The things that stay, and why.
    pub kept: Vec<Kept>,
    /// The things that go as soon as something else has happened.
    pub pending: Vec<Pending>,
}

/// Something that a recursive delete does not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its ARN.
    pub arn: String,
    /// The reason why it stays.
    pub reason: String,
}

/// Something that is still to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its ARN.
    pub arn: String,
    /// The event that must come first.
    pub waiting_for: String,
}

/// A delete that AWS refused to go on with.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// The refusal.
    #[source]
    pub cause: Cause,
    /// The ARNs of what was gone, or going, before.
    pub deleted: Vec<String>,
    /// The things that stay, and why.
    pub kept: Vec<Kept>,
    /// Its progress, where it may go on by itself: what is left waits for AWS to be well again.
    pub unfinished: Option<Box<Progress>>,
}

/// Deletes a target, as far as the time allows.
///
/// # Errors
/// [`Failure`] with the refusal, and what was deleted before it.
pub async fn delete(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let begun = deadline.run(begin(account, target)).await;
    let service = begun.map_err(|cause| Failure {
        cause,
        deleted: Vec::new(),
        kept: Vec::new(),
        unfinished: None,
    })?;
    let mut progress = Progress::of(service);
    if !target.is_recursive {
        progress.deleted.push(arn(&progress.service));
        return Ok(progress);
    }
    let work = Work {
        account,
        target,
        deadline,
        occasion: Occasion::Request,
    };
    Box::pin(work.go_on(progress)).await
}

/// Lists what a delete would do, in its order, and changes nothing.
///
/// # Errors
/// [`Cause`] as the same request would get before its first change.
pub async fn plan(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Vec<Step>, Cause> {
    deadline
        .run(planned::steps(account, target, deadline))
        .await
}

/// Goes on with what a request had no time for: looks once at everything, and does what can be done now.
///
/// # Errors
/// [`Failure`] with the refusal, and what was deleted before it.
pub async fn resume(
    account: &Account,
    pending: &PendingDelete,
    deadline: Deadline,
) -> Result<Progress, Failure> {
    let target = pending.target();
    let work = Work {
        account,
        target: &target,
        deadline,
        occasion: Occasion::Later(pending),
    };
    Box::pin(work.go_on(Progress::of(pending.service()))).await
}

/// Force-deletes the service, unless it is going or gone already.
async fn begin(account: &Account, target: &Target) -> Result<Service, Cause> {
    let service = find(account, target).await?;
    if service.status() != Some("ACTIVE") {
        return Ok(service);
    }
    let going = request_delete(account, target, &service).await?;
    Ok(with_what_is_known_of(service, going))
}

/// Returns the service. One that is gone counts where what was its own shall go too: the same delete again goes on.
async fn find(account: &Account, target: &Target) -> Result<Service, Cause> {
    let found = match ecs::describe_service(account, &target.cluster, &target.service).await? {
        None if target.is_recursive => gone_with_its_cluster(account, target).await?,
        found => found,
    };
    found
        .filter(|service| target.is_recursive || service.status() != Some("INACTIVE"))
        .ok_or_else(|| Cause::NoService {
            cluster: target.cluster.clone(),
            service: target.service.clone(),
        })
}

/// Asks ECS to delete a service, by the call that deletes its kind.
async fn request_delete(
    account: &Account,
    target: &Target,
    service: &Service,
) -> Result<Service, aws::Error> {
    if !is_express(service) {
        let answer = ecs::delete_service(account, &target.cluster, &target.service).await?;
        return answer
            .service
            .ok_or_else(|| account.lacking("ecs:DeleteService", "service"));
    }
    // It has resources of its own, which DeleteService would leave; ECS refuses it
    // (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-overview.html>).
    let arn = Arn::from_answer(arn(service));
    ecs::delete_express_gateway_service(account, &arn).await?;
    let found = ecs::describe_service(account, &target.cluster, &target.service).await?;
    Ok(found.unwrap_or_else(|| service.clone()))
}

fn is_express(service: &Service) -> bool {
    service.resource_management_type() == Some(&ResourceManagementType::Ecs)
}

/// AWS knows no services of a cluster that is INACTIVE: they are gone with it. Which they were, nobody can say, so this
/// one has no ARN.
async fn gone_with_its_cluster(
    account: &Account,
    target: &Target,
) -> Result<Option<Service>, aws::Error> {
    let found = ecs::describe_cluster(account, &target.cluster).await?;
    let arn = found
        .filter(|cluster| cluster.status() == Some("INACTIVE"))
        .and_then(|cluster| cluster.cluster_arn);
    let Some(cluster_arn) = arn else {
        return Ok(None);
    };
    let service = Service::builder()
        .service_name(target.service.as_str())
        .cluster_arn(cluster_arn)
        .status("INACTIVE");
    Ok(Some(service.build()))
}

/// A later description of a service; what it leaves out is the earlier one's.
fn with_what_is_known_of(earlier: Service, mut later: Service) -> Service {
    if later.service_registries().is_empty() {
        later.service_registries = earlier.service_registries;
    }
    later.created_at = later.created_at.or(earlier.created_at);
    later
}

/// Returns `true` if two descriptions of one name are of services that were created at different times.
fn is_another(earlier: &Service, later: &Service) -> bool {
    earlier
        .created_at()
        .zip(later.created_at())
        .is_some_and(|(earlier, later)| earlier != later)
}

impl Progress {
    fn of(service: Service) -> Self {
        Self {
            service,
            deleted: Vec::new(),
            kept: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// The same, with everything that is neither gone nor kept waiting for AWS.
    fn waiting_for(&self, cause: &aws::Error) -> Self {
        let Self {
            service,
            deleted,
            kept,
            ..
        } = self;
        let all = [arn(service)]
            .into_iter()
            .chain(registry_arns(service))
            .chain([cluster_arn(service)]);
        let is_settled = |arn: &String| {
            arn.is_empty() || deleted.contains(arn) || kept.iter().any(|kept| kept.arn == *arn)
        };
        let pending = all.filter(|arn| !is_settled(arn)).map(|arn| Pending {
            arn,
            waiting_for: cause.to_string(),
        });
        Self {
            service: service.clone(),
            deleted: deleted.clone(),
            kept: kept.clone(),
            pending: pending.collect(),
        }
    }

    fn note(&mut self, arn: String, removal: Removal) {
        match removal {
            Removal::Gone | Removal::Absent => self.deleted.push(arn),
            Removal::Kept(reason) => self.kept.push(Kept { arn, reason }),
            Removal::NotOwn => self.kept.push(Kept {
                arn,
                reason: CREATED_AGAIN.to_owned(),
            }),
            Removal::Pending(waiting_for) => self.pending.push(Pending { arn, waiting_for }),
        }
    }
}

/// A registry of the service that is to be deleted.
enum RegistrySight {
    /// It is the one that the service has used.
    Own(RegistryId),
    /// It is not, for which there is nothing to do.
    Other(Removal),
}

/// Looks whether the registry of an ARN is still the one that a service has used.
async fn look_at_registry(
    account: &Account,
    arn: &Arn,
    is_another: impl FnOnce(&Registry) -> bool,
) -> Result<RegistrySight, aws::Error> {
    let Ok(id) = RegistryId::parse(arn.as_str(), &account.account_region()) else {
        let removal = Removal::Kept(registry::OF_ANOTHER_ACCOUNT.to_owned());
        return Ok(RegistrySight::Other(removal));
    };
    match discovery::get_service(account, &id).await {
        Ok(found) if is_another(&found) => Ok(RegistrySight::Other(Removal::NotOwn)),
        Ok(_) => Ok(RegistrySight::Own(id)),
        Err(error) if error.kind == Kind::NotFound => Ok(RegistrySight::Other(Removal::Absent)),
        Err(error) => Err(error),
    }
}

/// Returns `true` if a registry was created after the service had begun to use one of its id: Cloud Map may give the same id
/// again (<https://github.com/hashicorp/terraform-provider-aws/issues/46930>).
fn is_younger(registry: &Registry, service: &Service) -> bool {
    let used_since = used_since(service);
    used_since
        .zip(registry.create_date())
        .is_some_and(|(since, created_at)| *created_at > since)
}

/// Returns the moment since which a service has used its registries at the latest.
fn used_since(service: &Service) -> Option<DateTime> {
    let deployed = service
        .deployments()
        .iter()
        .filter_map(Deployment::created_at);
    service
        .created_at()
        .into_iter()
        .chain(deployed)
        .max()
        .copied()
}

fn arn(service: &Service) -> String {
    service.service_arn().unwrap_or_default().to_owned()
}

fn cluster_arn(service: &Service) -> String {
    service.cluster_arn().unwrap_or_default().to_owned()
}

fn registry_arns(service: &Service) -> Vec<String> {
    let arns = service
        .service_registries()
        .iter()
        .filter_map(|registry| registry.registry_arn());
    arns.map(str::to_owned).collect()
}
