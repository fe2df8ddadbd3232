//! Faults of a service that ECS finds only in `CreateService`, when everything else is made already.
//!
//! Pure: what is held against the service is the task definition that it will run, registered or yet to be, and the
//! registry that it will be in. Paths are those of the service's own members.

use crate::text::quoted_or;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, Compatibility, ContainerDefinition, DeploymentController,
    DeploymentControllerType, LaunchType, LogConfiguration, LogDriver, NetworkMode, PortMapping,
    SchedulingStrategy, ServiceRegistry, TaskDefinition,
};
use aws_sdk_servicediscovery::types::{DnsConfig, RecordType};

/// A reason why ECS would refuse a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFault {
    /// The member of the service that is at fault, as `loadBalancers[0].containerName`.
    pub path: String,
    /// The fault of it.
    pub cause: FaultCause,
}

/// The fault of a member of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultCause {
    /// A number of tasks is required unless each instance gets one.
    #[error("required: the number of tasks to keep running, 0 or more")]
    CountMissing,
    /// There can't be less than none.
    #[error("expected 0 or more, got {0}")]
    CountNegative(i32),
    /// Each instance gets one task.
    #[error("not taken with the scheduling strategy DAEMON; leave it out")]
    CountOfDaemon,
    /// Fargate has no instances.
    #[error("the scheduling strategy DAEMON is not available on Fargate; expected REPLICA")]
    DaemonOnFargate,
    /// Tasks in the network mode awsvpc have a network of their own.
    #[error(
        "required: the task definition's network mode is awsvpc, and the account has no `defaultSubnets`"
    )]
    NetworkMissing,
    /// Tasks in other network modes have none.
    #[error("not taken with the task definition's network mode `{0}`; leave it out")]
    NetworkNotTaken(String),
    /// The task definition has no such container.
    #[error("the task definition has no container `{name}`; it has {known}")]
    NoSuchContainer {
        /// The container that was named.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// The container has no such port.
    #[error("the container `{container}` maps no port {port}; it maps {known}")]
    NoSuchPort {
        /// The container that was named.
        container: String,
        /// The port that was named.
        port: i32,
        /// Those that are mapped.
        known: String,
    },
    /// No port mapping has the name that Service Connect asks for.
    #[error("no port mapping of the task definition has the name `{name}`; there are {known}")]
    NoSuchPortName {
        /// The name that was given.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// An SRV record has a port, which nothing tells.
    #[error(
        "required for an SRV record: `containerName` and `containerPort`, since the task definition has {mappings} port mappings and not one"
    )]
    SrvTargetUnknown {
        /// Counts the ports that the containers map.
        mappings: usize,
    },
    /// One half of a container and its port.
    #[error("give `containerName` and `containerPort` together")]
    HalfATarget,
    /// A port beside a container and its port.
    #[error("given beside `containerName` and `containerPort`; give one or the other")]
    PortGivenTwice,
    /// ECS takes no strategy of capacity providers that the cluster does not have.
    #[error(
        "the cluster does not have the capacity provider `{provider}`, which must be associated with it first; it has {known}"
    )]
    ProviderNotInCluster {
        /// The provider that was named.
        provider: String,
        /// Those that the cluster has.
        known: String,
    },
    /// An A record points to a task, whatever its ports.
    #[error("not taken for a registry without SRV records; leave it out")]
    TargetNotTaken,
}

impl ServiceFault {
    fn new(path: impl Into<String>, cause: FaultCause) -> Self {
        Self {
            path: path.into(),
            cause,
        }
    }
}

/// The part of a task definition that services are held against.
#[derive(Debug, Clone, Copy)]
pub struct TaskShape<'d> {
    network_mode: Option<&'d NetworkMode>,
    containers: &'d [ContainerDefinition],
}

impl<'d> From<&'d TaskDefinition> for TaskShape<'d> {
    fn from(definition: &'d TaskDefinition) -> Self {
        Self {
            network_mode: definition.network_mode(),
            containers: definition.container_definitions(),
        }
    }
}

impl<'d> From<&'d RegisterTaskDefinitionInput> for TaskShape<'d> {
    fn from(definition: &'d RegisterTaskDefinitionInput) -> Self {
        Self {
            network_mode: definition.network_mode(),
            containers: definition.container_definitions(),
        }
    }
}

/// Returns every fault of a service, to which the account's defaults have been put, that its task definition shows.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
pub fn service_faults(input: &CreateServiceInput, task: TaskShape<'_>) -> Vec<ServiceFault> {
    let controller = input
        .deployment_controller()
        .map(DeploymentController::r#type);
    let mut faults = Vec::new();
    // Of a service that is deployed from outside of ECS, the task sets have all that.
    if controller != Some(&DeploymentControllerType::External) {
        faults.extend(count_fault(input));
        faults.extend(network_fault(input, task));
    }
    faults.extend(load_balancer_faults(input, task));
    faults.extend(service_connect_faults(input, task));
    faults
}

/// Returns the fault of a service whose strategy names what its cluster does not have
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html>).
pub fn provider_fault(input: &CreateServiceInput, providers: &[String]) -> Option<ServiceFault> {
    let strategy = input.capacity_provider_strategy().iter();
    let mut named = strategy.map(CapacityProviderStrategyItem::capacity_provider);
    let missing = named.find(|name| !providers.iter().any(|known| known == name))?;
    let cause = FaultCause::ProviderNotInCluster {
        provider: missing.to_owned(),
        known: quoted_or("none", providers),
    };
    Some(ServiceFault::new("capacityProviderStrategy", cause))
}

/// Returns `true` if ECS would refuse a task definition for want of an execution role: with it Fargate reads secrets and
/// writes logs (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html>).
pub fn lacks_execution_role(input: &RegisterTaskDefinitionInput) -> bool {
    let uses_it = |container: &ContainerDefinition| {
        let driver = container
            .log_configuration()
            .map(LogConfiguration::log_driver);
        driver == Some(&LogDriver::Awslogs) || !container.secrets().is_empty()
    };
    input
        .requires_compatibilities()
        .contains(&Compatibility::Fargate)
        && input.execution_role_arn().is_none_or(str::is_empty)
        && input.container_definitions().iter().any(uses_it)
}

fn count_fault(input: &CreateServiceInput) -> Option<ServiceFault> {
    let is_daemon = input.scheduling_strategy() == Some(&SchedulingStrategy::Daemon);
    if is_daemon && input.launch_type() == Some(&LaunchType::Fargate) {
        let cause = FaultCause::DaemonOnFargate;
        return Some(ServiceFault::new("schedulingStrategy", cause));
    }
    let cause = match input.desired_count() {
        None if is_daemon => return None,
        None => FaultCause::CountMissing,
        Some(_) if is_daemon => FaultCause::CountOfDaemon,
        Some(count) if count < 0 => FaultCause::CountNegative(count),
        Some(_) => return None,
    };
    Some(ServiceFault::new("desiredCount", cause))
}

fn network_fault(input: &CreateServiceInput, task: TaskShape<'_>) -> Option<ServiceFault> {
    let has_network = input
        .network_configuration()
        .is_some_and(|network| network.awsvpc_configuration().is_some());
    let cause = match (task.uses_awsvpc(), has_network) {
        (true, false) => FaultCause::NetworkMissing,
        (false, true) => FaultCause::NetworkNotTaken(task.mode().to_owned()),
        _ => return None,
    };
    Some(ServiceFault::new("networkConfiguration", cause))
}

fn load_balancer_faults(input: &CreateServiceInput, task: TaskShape<'_>) -> Vec<ServiceFault> {
    let balancers = input.load_balancers().iter().enumerate();
    let fault = balancers.filter_map(|(index, balancer)| {
        let path = format!("loadBalancers[{index}]");
        let name = balancer.container_name()?;
        task.target_fault(&path, name, balancer.container_port())
    });
    fault.collect()
}

fn service_connect_faults(input: &CreateServiceInput, task: TaskShape<'_>) -> Vec<ServiceFault> {
    let connect = input.service_connect_configuration();
    let services = connect.map_or(&[][..], |connect| connect.services());
    let named: Vec<_> = task.mappings().filter_map(PortMapping::name).collect();
    let unknown = services
        .iter()
        .enumerate()
        .filter(|(_, service)| !named.contains(&service.port_name()));
    unknown
        .map(|(index, service)| {
            let cause = FaultCause::NoSuchPortName {
                name: service.port_name().to_owned(),
                known: quoted_or("none", &named),
            };
            let path = format!("serviceConnectConfiguration.services[{index}].portName");
            ServiceFault::new(path, cause)
        })
        .collect()
}

/// Returns the container and port of a service's entry for a registry with these records, completed where the task
/// definition leaves no choice. `given` is the service's own entry, without an ARN or with one.
///
/// An SRV record names a port: the entry says whose, or there is only one port mapping. An A record alone takes none
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html>,
/// <https://github.com/aws-ia/terraform-aws-ecs-fargate/issues/25>).
///
/// # Errors
/// [`ServiceFault`] below `serviceRegistries[0]`.
pub fn complete_registry(
    given: Option<&ServiceRegistry>,
    records: Option<&DnsConfig>,
    task: TaskShape<'_>,
) -> Result<ServiceRegistry, ServiceFault> {
    const PATH: &str = "serviceRegistries[0]";
    let entry = given
        .cloned()
        .unwrap_or_else(|| ServiceRegistry::builder().build());
    let target = (entry.container_name(), entry.container_port(), entry.port());
    if !has_srv_record(records) {
        let member = match target {
            (Some(_), ..) => "containerName",
            (_, Some(_), _) => "containerPort",
            (_, _, Some(_)) => "port",
            _ => return Ok(entry),
        };
        let path = format!("{PATH}.{member}");
        return Err(ServiceFault::new(path, FaultCause::TargetNotTaken));
    }
    match target {
        (Some(name), Some(port), None) => match task.target_fault(PATH, name, Some(port)) {
            Some(fault) => Err(fault),
            None => Ok(entry),
        },
        (Some(_), Some(_), Some(_)) => Err(ServiceFault::new(
            format!("{PATH}.port"),
            FaultCause::PortGivenTwice,
        )),
        (None, None, Some(_)) if task.uses_awsvpc() => Ok(entry),
        (None, None, _) => task.only_target(entry),
        _ => Err(ServiceFault::new(PATH, FaultCause::HalfATarget)),
    }
}

fn has_srv_record(config: Option<&DnsConfig>) -> bool {
    config.is_some_and(|config| {
        config
            .dns_records()
            .iter()
            .any(|record| *record.r#type() == RecordType::Srv)
    })
}

impl<'d> TaskShape<'d> {
    /// Returns `true` if each task has a network of its own.
    pub fn uses_awsvpc(self) -> bool {
        self.network_mode == Some(&NetworkMode::Awsvpc)
    }

    /// Returns the network mode; ECS takes none for `bridge`.
    fn mode(self) -> &'d str {
        self.network_mode.map_or("bridge", NetworkMode::as_str)
    }

    fn mappings(self) -> impl Iterator<Item = &'d PortMapping> {
        self.containers
            .iter()
            .flat_map(ContainerDefinition::port_mappings)
    }

    /// Returns what is wrong with a container and one of its ports, of the member at `path`.
    fn target_fault(self, path: &str, name: &str, port: Option<i32>) -> Option<ServiceFault> {
        let found = self
            .containers
            .iter()
            .find(|container| container.name() == Some(name));
        let Some(container) = found else {
            let names = self.containers.iter().filter_map(ContainerDefinition::name);
            let cause = FaultCause::NoSuchContainer {
                name: name.to_owned(),
                known: quoted_or("none", names),
            };
            return Some(ServiceFault::new(format!("{path}.containerName"), cause));
        };
        let port = port?;
        let mappings = container.port_mappings();
        if mappings.iter().any(|mapping| maps(mapping, port)) {
            return None;
        }
        let ports = mappings
            .iter()
            .filter_map(PortMapping::container_port)
            .map(|port| port.to_string());
        let cause = FaultCause::NoSuchPort {
            container: name.to_owned(),
            port,
            known: listed(ports),
        };
        Some(ServiceFault::new(format!("{path}.containerPort"), cause))
    }

    /// Fills in the container and port of the only port mapping.
    fn only_target(self, mut entry: ServiceRegistry) -> Result<ServiceRegistry, ServiceFault> {
        let targets = self.containers.iter().flat_map(|container| {
            let ports = container
                .port_mappings()
                .iter()
                .filter_map(PortMapping::container_port);
            ports.map(move |port| (container.name().map(str::to_owned), port))
        });
        let targets: Vec<_> = targets.collect();
        match &targets[..] {
            [(Some(name), port)] => {
                entry.container_name = Some(name.clone());
                entry.container_port = Some(*port);
                Ok(entry)
            }
            _ => Err(ServiceFault::new(
                "serviceRegistries[0]",
                FaultCause::SrvTargetUnknown {
                    mappings: targets.len(),
                },
            )),
        }
    }
}

/// Returns `true` if a mapping is of a container's port, or of a range that it is in.
fn maps(mapping: &PortMapping, port: i32) -> bool {
    let range = mapping
        .container_port_range()
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some(first.parse().ok()?..=last.parse().ok()?));
    mapping.container_port() == Some(port) || range.is_some_and(|range| range.contains(&port))
}

/// Joins items as `a, b`, or `none`.
fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        "none".to_owned()
    } else {
        items.join(", ")
    }
}

#[cfg(test)]
mod tests;
