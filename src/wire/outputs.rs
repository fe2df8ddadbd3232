//! The SDK types that answers hold.

pub use aws_sdk_ecs::operation::create_cluster::CreateClusterOutput;
pub use aws_sdk_ecs::operation::create_service::CreateServiceOutput;
pub use aws_sdk_ecs::operation::delete_cluster::DeleteClusterOutput;
pub use aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionOutput;
pub use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
pub use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionOutput;
pub use aws_sdk_ecs::operation::stop_task::StopTaskOutput;
pub use aws_sdk_ecs::operation::update_service::UpdateServiceOutput;
pub use aws_sdk_ecs::types::{
    Cluster, DeploymentLifecycleHookDetail, Failure, Service, ServiceEvent, Task, TaskDefinition,
};
pub use aws_sdk_servicediscovery::operation::create_service::CreateServiceOutput as CreateRegistryOutput;
pub use aws_sdk_servicediscovery::types::{Service as Registry, ServiceSummary as RegistrySummary};

use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};

/// The SDK's code that reads a type, which asks its source for one member after the other.
pub type Walk = fn(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>;

/// An SDK type that answers hold.
pub trait Output {
    /// The SDK's code that reads it.
    const WALK: Walk;
}

macro_rules! outputs {
    ($($output:ty),* $(,)?) => {
        $(impl Output for $output {
            const WALK: Walk = |source| <$output>::deserialize(source).map(drop);
        })*
    };
}

outputs!(
    Cluster,
    CreateClusterOutput,
    CreateRegistryOutput,
    CreateServiceOutput,
    DeleteClusterOutput,
    DeploymentLifecycleHookDetail,
    DeregisterTaskDefinitionOutput,
    DescribeTaskDefinitionOutput,
    Failure,
    RegisterTaskDefinitionOutput,
    Registry,
    RegistrySummary,
    Service,
    ServiceEvent,
    StopTaskOutput,
    Task,
    TaskDefinition,
    UpdateServiceOutput,
);
