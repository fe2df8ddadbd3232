//! The plan of a create: what was found becomes what is to be done. Pure: no call of AWS is made here.

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::types::{Cluster, Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;

use super::checks::{TaskShape, complete_registry, provider_fault, service_faults};
use super::mark::Mark;
use super::parts::registry::agrees;
use super::parts::task_definition;
use super::request::{
    ClusterPart, CreateRequest, NewCluster, NewLogGroup, NewRegistry, NewTaskDefinition,
    RegistryPart, TaskDefinitionPart,
};
use super::step::{Does, Step};
use super::{Cause, defaults, tags};
use crate::config;
use crate::ids::{ClusterName, ServiceName};

/// The parts of a request that are there already.
#[derive(Debug, Default)]
pub struct ExistingParts {
    /// The service of the name, in any status.
    pub service: Option<Service>,
    /// The cluster of the name, in any status.
    pub cluster: Option<Cluster>,
    /// The task definition that the request names, or the revision that it has registered before.
    pub task_definition: Option<TaskDefinition>,
    /// The other revisions that the request has registered before: AWS has made more than it was asked for.
    pub other_revisions: Vec<TaskDefinition>,
    /// The log group of the containers that name none.
    pub log_group: Option<LogGroup>,
    /// The request has created that group before.
    pub is_own_log_group: bool,
    /// The registries that the request names, in its order, or the one of the name that it is to create.
    pub registries: Vec<Registry>,
    /// The request has created that registry before.
    pub is_own_registry: bool,
    /// The account that shares the namespace in which the registry is to be created, if that is another one's.
    pub namespace_owner: Option<String>,
}

/// One part after the look.
#[derive(Debug)]
pub enum Part<T, I> {
    /// It is there.
    Use(T),
    /// It is to be made.
    Make(I),
}

/// Everything that a create will do.
#[derive(Debug)]
pub struct CreatePlan {
    /// The cluster.
    pub cluster: Part<Cluster, NewCluster>,
    /// The cluster's name.
    pub cluster_name: ClusterName,
    /// The cluster to create where the one that is used is taken away meanwhile.
    pub spare_cluster: Option<NewCluster>,
    /// The task definition.
    pub task_definition: Part<TaskDefinition, NewTaskDefinition>,
    /// The log group of the containers that name none.
    pub log_group: Option<Part<LogGroup, NewLogGroup>>,
    /// The log group to create where the one that is used is taken away meanwhile.
    pub spare_log_group: Option<NewLogGroup>,
    /// The registry.
    pub registry: Option<Part<Registry, NewRegistry>>,
    /// The service's name.
    pub service_name: ServiceName,
    /// The service, whole but for the ARNs of what is still to be made.
    pub service: CreateServiceInput,
    /// The service, where the same request has made it already: nothing is to be done.
    pub made_before: Option<Service>,
}

impl CreateRequest {
    /// Decides what is to be done about everything that was found.
    ///
    /// # Errors
    /// [`Cause`] if something is missing or in the way.
    pub fn plan(
        self,
        found: ExistingParts,
        settings: &config::Account,
    ) -> Result<CreatePlan, Cause> {
        let cluster = self.cluster_name().clone();
        check_name_is_free(found.service.as_ref(), &cluster, &self.service_name)?;
        let spare_cluster = match &self.cluster {
            ClusterPart::New(new) => Some(new.clone()),
            ClusterPart::Existing(_) => None,
        };
        let spare_log_group = self.log_group.clone();
        let log_group = self.log_group.map(|new| match found.log_group {
            // Its retention may not be set yet.
            Some(group) if !found.is_own_log_group => Part::Use(group),
            _ => Part::Make(new),
        });
        let mut plan = CreatePlan {
            cluster: plan_cluster(self.cluster, found.cluster)?,
            cluster_name: cluster,
            spare_cluster,
            task_definition: plan_task_definition(self.task_definition, found.task_definition)?,
            log_group,
            spare_log_group,
            registry: plan_registry(
                self.registry,
                found.registries,
                found.is_own_registry,
                found.namespace_owner,
            )?,
            service_name: self.service_name,
            service: self.service,
            made_before: None,
        };
        plan.complete_service(settings);
        plan.complete_registry()?;
        let mut faults = service_faults(&plan.service, plan.task_shape());
        faults.extend(provider_fault(&plan.service, plan.capacity_providers()));
        if faults.is_empty() {
            Ok(plan)
        } else {
            Err(Cause::Faulty(faults))
        }
    }
}

impl CreatePlan {
    /// Fills in what is known of the service before anything is made.
    fn complete_service(&mut self, settings: &config::Account) {
        let (name, has_strategy) = match &self.cluster {
            Part::Use(cluster) => (
                cluster.cluster_name.clone(),
                !cluster.default_capacity_provider_strategy().is_empty(),
            ),
            Part::Make(new) => (
                Some(new.name.to_string()),
                !new.input.default_capacity_provider_strategy().is_empty(),
            ),
        };
        self.service.cluster = name.or(self.service.cluster.take());
        let has_strategy = has_strategy || !self.service.capacity_provider_strategy().is_empty();
        let uses_awsvpc = self.task_shape().uses_awsvpc();
        defaults::service(&mut self.service, settings, has_strategy, uses_awsvpc);
    }

    /// Fills in the container and port that the service's registry asks for; its ARN may still be to come.
    fn complete_registry(&mut self) -> Result<(), Cause> {
        let records = match &self.registry {
            None => return Ok(()),
            Some(Part::Use(registry)) => registry.dns_config(),
            Some(Part::Make(new)) => new.input.dns_config(),
        };
        let given = self.service.service_registries().first();
        let entry = complete_registry(given, records, self.task_shape())
            .map_err(|fault| Cause::Faulty(vec![fault]))?;
        match self.service.service_registries.get_or_insert_default() {
            entries if entries.is_empty() => entries.push(entry),
            entries => entries[0] = entry,
        }
        Ok(())
    }

    fn capacity_providers(&self) -> &[String] {
        match &self.cluster {
            Part::Use(cluster) => cluster.capacity_providers(),
            Part::Make(new) => new.input.capacity_providers(),
        }
    }

    fn task_shape(&self) -> TaskShape<'_> {
        match &self.task_definition {
            Part::Use(definition) => definition.into(),
            Part::Make(new) => (&*new.input).into(),
        }
    }

    /// Lists what will be done, in the order in which it will be done. (The parts before the service are made side by side.)
    pub fn steps(&self) -> Vec<Step> {
        if let Some(service) = &self.made_before {
            let arn = service.service_arn().unwrap_or_default();
            let why = "the same request with this `Idempotency-Key` has made it";
            return vec![Step::new("ecs:DescribeServices", Does::Use, arn, why)];
        }
        let service = Step::new(
            "ecs:CreateService",
            Does::Create,
            self.service_name.as_str(),
            "its name is free",
        );
        let parts = [Some(self.cluster_step()), Some(self.task_definition_step())];
        let log_group = self.log_group.iter().flat_map(log_group_steps);
        let after = [self.registry.as_ref().map(registry_step), Some(service)];
        parts
            .into_iter()
            .flatten()
            .chain(log_group)
            .chain(after.into_iter().flatten())
            .collect()
    }

    fn cluster_step(&self) -> Step {
        match &self.cluster {
            Part::Use(found) => Step::new(
                "ecs:DescribeClusters",
                Does::Use,
                found.cluster_arn().unwrap_or_default(),
                "it is there",
            ),
            Part::Make(new) => Step::new(
                "ecs:CreateCluster",
                Does::Create,
                new.name.as_str(),
                "it is not there",
            ),
        }
    }

    fn task_definition_step(&self) -> Step {
        match &self.task_definition {
            Part::Use(found) => Step::new(
                "ecs:DescribeTaskDefinition",
                Does::Use,
                found.task_definition_arn().unwrap_or_default(),
                "it is there",
            ),
            Part::Make(new) => Step::new(
                "ecs:RegisterTaskDefinition",
                Does::Create,
                new.family.as_str(),
                "each request registers a revision of its own",
            ),
        }
    }

    /// Puts the mark on everything that is to be made, and its token where the caller gave none.
    pub fn mark(&mut self, mark: &Mark) {
        if let Part::Make(new) = &mut self.cluster {
            tags::put_mark(&mut new.input.tags, mark);
        }
        if let Some(new) = &mut self.spare_cluster {
            tags::put_mark(&mut new.input.tags, mark);
        }
        if let Part::Make(new) = &mut self.task_definition {
            tags::put_mark(&mut new.input.tags, mark);
        }
        let groups = match &mut self.log_group {
            Some(Part::Make(new)) => [Some(new), self.spare_log_group.as_mut()],
            _ => [None, self.spare_log_group.as_mut()],
        };
        for new in groups.into_iter().flatten() {
            new.mark(mark);
        }
        if let Some(Part::Make(new)) = &mut self.registry {
            tags::put_mark(&mut new.input.tags, mark);
            new.input
                .creator_request_id
                .get_or_insert_with(|| mark.token());
        }
        tags::put_mark(&mut self.service.tags, mark);
        self.service
            .client_token
            .get_or_insert_with(|| mark.token());
    }
}

fn log_group_steps(group: &Part<LogGroup, NewLogGroup>) -> Vec<Step> {
    match group {
        Part::Use(found) => vec![Step::new(
            "logs:DescribeLogGroups",
            Does::Use,
            found.log_group_arn().or(found.arn()).unwrap_or_default(),
            "it is there, and stays as it is",
        )],
        Part::Make(new) => {
            let why = "containers that name no log configuration log to it, and it is not there";
            let name = new.name.as_str();
            let group = Step::new("logs:CreateLogGroup", Does::Create, name, why);
            let retention = new.retention_in_days.map(|days| {
                let why = format!("the account keeps such logs for {days} days");
                Step::new("logs:PutRetentionPolicy", Does::Create, name, why)
            });
            [Some(group), retention].into_iter().flatten().collect()
        }
    }
}

fn registry_step(registry: &Part<Registry, NewRegistry>) -> Step {
    match registry {
        Part::Use(found) => Step::new(
            "servicediscovery:GetService",
            Does::Use,
            found.arn().unwrap_or_default(),
            "it is there, with the same records",
        ),
        Part::Make(new) => Step::new(
            "servicediscovery:CreateService",
            Does::Create,
            new.name.as_str(),
            "it is not there",
        ),
    }
}

/// Refuses a service whose name another one has, or has not given up yet.
fn check_name_is_free(
    found: Option<&Service>,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<(), Cause> {
    let (cluster, service) = (cluster.clone(), service.clone());
    match found.and_then(Service::status) {
        Some("ACTIVE") => Err(Cause::ServiceTaken { cluster, service }),
        Some("DRAINING") => Err(Cause::Draining { cluster, service }),
        _ => Ok(()),
    }
}

fn plan_cluster(
    part: ClusterPart,
    found: Option<Cluster>,
) -> Result<Part<Cluster, NewCluster>, Cause> {
    let status = found
        .as_ref()
        .and_then(Cluster::status)
        .unwrap_or("INACTIVE")
        .to_owned();
    match (part, found) {
        (_, Some(cluster)) if status == "ACTIVE" => Ok(Part::Use(cluster)),
        (ClusterPart::Existing(name), _) => Err(Cause::NoCluster(name)),
        // A deleted cluster stays known as INACTIVE for a while; any other status is that of somebody's cluster.
        (ClusterPart::New(new), _) if status == "INACTIVE" => Ok(Part::Make(new)),
        (ClusterPart::New(NewCluster { name, .. }), _)
            if matches!(status.as_str(), "PROVISIONING" | "DEPROVISIONING") =>
        {
            Err(Cause::ClusterNotReady { name, status })
        }
        (ClusterPart::New(NewCluster { name, .. }), _) => Err(Cause::ClusterTaken { name, status }),
    }
}

fn plan_task_definition(
    part: TaskDefinitionPart,
    found: Option<TaskDefinition>,
) -> Result<Part<TaskDefinition, NewTaskDefinition>, Cause> {
    let active = found.filter(task_definition::is_active);
    match (part, active) {
        (_, Some(active)) => Ok(Part::Use(active)),
        (TaskDefinitionPart::New(new), None) => Ok(Part::Make(new)),
        (TaskDefinitionPart::Existing(name), None) => Err(Cause::NoTaskDefinition(name)),
    }
}

fn plan_registry(
    part: RegistryPart,
    found: Vec<Registry>,
    is_own: bool,
    namespace_owner: Option<String>,
) -> Result<Option<Part<Registry, NewRegistry>>, Cause> {
    // ECS takes one registry; of several, which it refuses, the first is shown.
    match (part, found.into_iter().next()) {
        (RegistryPart::None, _) => Ok(None),
        (RegistryPart::Existing(_), first) => Ok(first.map(Part::Use)),
        (RegistryPart::New(new), None) => match namespace_owner {
            None => Ok(Some(Part::Make(new))),
            Some(owner) => Err(Cause::SharedNamespace {
                namespace_id: new.namespace_id,
                owner,
            }),
        },
        (RegistryPart::New(new), Some(registry)) if is_own || agrees(&registry, &new.input) => {
            Ok(Some(Part::Use(registry)))
        }
        (RegistryPart::New(_), Some(registry)) => Err(Cause::registry_taken(&registry)),
    }
}
