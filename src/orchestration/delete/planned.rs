//! The steps that a delete would take, found out by looking alone.

use aws_sdk_ecs::types::{Cluster, Service};
use futures_util::future::try_join_all;

use super::{
    CREATED_AGAIN, DEFAULT_IS_KEPT, RegistrySight, Target, find, is_express, is_younger,
    look_at_registry, registry_arns,
};
use crate::aws::{self, Account, ecs};
use crate::deadline::Deadline;
use crate::ids::Arn;
use crate::orchestration::Cause;
use crate::orchestration::parts::{Removal, cluster, count, registry, tasks};
use crate::orchestration::step::{Does, Step};
use crate::orchestration::users::ServiceUsers;

/// Lists the steps of a delete.
pub(super) async fn steps(
    account: &Account,
    target: &Target,
    deadline: Deadline,
) -> Result<Vec<Step>, Cause> {
    let (found, found_cluster) = tokio::join!(
        find(account, target),
        ecs::describe_cluster(account, &target.cluster),
    );
    let service = found?;
    let mut steps = vec![delete_service(&service)];
    if !target.is_recursive {
        return Ok(steps);
    }
    let own = service.service_arn().map(Arn::from_answer);
    let users = ServiceUsers::except(account, own.clone(), deadline);
    let registries = registry_arns(&service)
        .into_iter()
        .map(|arn| delete_registry(account, target, &service, arn, &users, deadline));
    let (live, registries, cluster) = tokio::try_join!(
        tasks::live(account, &target.cluster, Some(&target.service), deadline),
        try_join_all(registries),
        delete_cluster(account, target, own.as_ref(), found_cluster?, deadline),
    )?;
    if !live.is_empty() {
        let why = format!("{} to stop", count(live.len(), "task"));
        let arn = service.service_arn().unwrap_or_default();
        steps.push(Step::new("ecs:DescribeTasks", Does::Wait, arn, why));
    }
    steps.extend(registries);
    steps.extend(cluster);
    Ok(steps)
}

fn delete_service(service: &Service) -> Step {
    // Of a service that went with its cluster, nobody knows the ARN.
    let arn = service.service_arn().or(service.service_name());
    let arn = arn.unwrap_or_default();
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
    users: &ServiceUsers<'_>,
    deadline: Deadline,
) -> Result<Step, aws::Error> {
    let answered = Arn::from_answer(arn.as_str());
    let sight = look_at_registry(account, &answered, |found| is_younger(found, service)).await?;
    let removal = match sight {
        RegistrySight::Other(removal) => Some(removal),
        RegistrySight::Own(id) => {
            let own = target.own_service();
            registry::look_inside(account, &id, &answered, own, users, deadline).await?
        }
    };
    let why = match removal {
        None => {
            let why = "nothing else uses it";
            let operation = "servicediscovery:DeleteService";
            return Ok(Step::new(operation, Does::Delete, arn, why));
        }
        Some(Removal::Gone | Removal::Absent) => "it is gone already".to_owned(),
        Some(Removal::NotOwn) => CREATED_AGAIN.to_owned(),
        Some(Removal::Kept(why) | Removal::Pending(why)) => why,
    };
    Ok(Step::new(
        "servicediscovery:GetService",
        Does::Keep,
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
    if target.is_in_default_cluster() {
        let (operation, why) = ("ecs:DescribeClusters", DEFAULT_IS_KEPT);
        return Ok(Some(Step::new(operation, Does::Keep, arn, why)));
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
