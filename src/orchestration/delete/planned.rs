//! The steps that a delete would take, found out by looking alone.

use aws_sdk_ecs::types::{Cluster, Service};

use super::{DEFAULT_CLUSTER, Target, is_express, is_younger, registry_arns};
use crate::aws::{self, Account, Kind, discovery, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, RegistryId};
use crate::orchestration::Cause;
use crate::orchestration::parts::registry::{self, OwnService};
use crate::orchestration::parts::{Removal, cluster, count, tasks};
use crate::orchestration::step::{Does, Step};
use crate::orchestration::users::Users;

/// Lists the steps of a delete.
pub(super) async fn steps(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Vec<Step>, Cause> {
    let Target {
        cluster,
        service: name,
        is_recursive,
    } = target;
    let (found, found_cluster) = tokio::join!(
        ecs::describe_service(account, cluster, name),
        ecs::describe_cluster(account, cluster),
    );
    let missing = || Cause::NoService {
        cluster: cluster.clone(),
        service: name.clone(),
    };
    let service = found?.ok_or_else(missing)?;
    if service.status() == Some("INACTIVE") && !is_recursive {
        return Err(missing());
    }
    let mut steps = vec![delete_service(&service)];
    if !is_recursive {
        return Ok(steps);
    }
    let live = tasks::live(account, cluster, Some(name), deadline).await?;
    if !live.is_empty() {
        let why = format!("{} to stop", count(live.len(), "task"));
        let arn = service.service_arn().unwrap_or_default();
        steps.push(Step::new("ecs:DescribeTasks", Does::Wait, arn, why));
    }
    let users = Users::except(
        account,
        service.service_arn().map(Arn::from_answer),
        deadline,
    );
    for arn in registry_arns(&service) {
        steps.push(delete_registry(account, target, &service, arn, &users, deadline).await?);
    }
    let own = service.service_arn().map(Arn::from_answer);
    steps.extend(delete_cluster(account, target, own.as_ref(), found_cluster?, deadline).await?);
    Ok(steps)
}

fn delete_service(service: &Service) -> Step {
    let arn = service.service_arn().unwrap_or_default();
    match service.status() {
        Some("ACTIVE") if is_express(service) => {
            let why = "Express Mode made it";
            Step::new("ecs:DeleteExpressGatewayService", Does::Delete, arn, why)
        }
        Some("ACTIVE") => Step::new("ecs:DeleteService", Does::Delete, arn, "it was asked for"),
        status => {
            let why = format!("it is {} already", status.unwrap_or("gone"));
            Step::new("ecs:DescribeServices", Does::Wait, arn, why)
        }
    }
}

async fn delete_registry(
    account: &Account,
    target: &Target,
    service: &Service,
    arn: String,
    users: &Users<'_>,
    deadline: Deadline,
) -> Result<Step, aws::Error> {
    let kept = |why: String| Step::new("servicediscovery:GetService", Does::Keep, arn.clone(), why);
    let Ok(id) = RegistryId::parse(&arn, &account.account_region()) else {
        return Ok(kept(registry::OF_ANOTHER_ACCOUNT.to_owned()));
    };
    let found = match discovery::get_service(account, &id).await {
        Ok(found) => found,
        Err(error) if error.kind == Kind::NotFound => {
            return Ok(kept("it is gone already".to_owned()));
        }
        Err(error) => return Err(error),
    };
    if is_younger(&found, service) {
        return Ok(kept(super::CREATED_AGAIN.to_owned()));
    }
    let own = OwnService {
        cluster: &target.cluster,
        service: &target.service,
    };
    if let Some(why) = registry::instances_of_others(account, &id, own, deadline).await? {
        return Ok(kept(why));
    }
    if let Some(user) = users.of_registry(&Arn::from_answer(arn.as_str())).await? {
        return Ok(kept(format!("the service `{user}` uses it")));
    }
    let why = "nothing else uses it";
    Ok(Step::new(
        "servicediscovery:DeleteService",
        Does::Delete,
        arn,
        why,
    ))
}

async fn delete_cluster(
    account: &Account,
    target: &Target,
    service: Option<&Arn>,
    found: Option<Cluster>,
    deadline: Deadline,
) -> Result<Option<Step>, aws::Error> {
    let Some(found) = found.filter(|found| found.status() != Some("INACTIVE")) else {
        return Ok(None);
    };
    let arn = found.cluster_arn().unwrap_or_default().to_owned();
    if target.cluster.as_str() == DEFAULT_CLUSTER {
        let why = super::DEFAULT_IS_KEPT;
        return Ok(Some(Step::new(
            "ecs:DescribeClusters",
            Does::Keep,
            arn,
            why,
        )));
    }
    let own = Some(&target.service);
    let inside =
        cluster::look_inside(account, &target.cluster, &found, own, service, deadline).await?;
    Ok(Some(match inside {
        Some(Removal::Kept(why)) => Step::new("ecs:DescribeClusters", Does::Keep, arn, why),
        _ => Step::new(
            "ecs:DeleteCluster",
            Does::Delete,
            arn,
            "nothing else is in it",
        ),
    }))
}
