//! The SDK inputs that requests are read into, each with the shape that AWS answers for the same resource.

pub use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
pub use aws_sdk_ecs::operation::create_service::CreateServiceInput;
pub use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
pub use aws_sdk_ecs::operation::run_task::RunTaskInput;
pub use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
pub use aws_sdk_servicediscovery::operation::create_service::CreateServiceInput as CreateRegistryInput;

use aws_sdk_ecs::types::{Cluster, Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;

use super::read::input;

input!(CreateClusterInput, answered as Cluster);
input!(CreateServiceInput, answered as Service);
input!(RegisterTaskDefinitionInput, answered as TaskDefinition);
input!(RunTaskInput);
// Not `answered as Service`: to drop a `launchType` in silence would be to claim that it was changed.
input!(UpdateServiceInput);
input!(CreateRegistryInput, answered as Registry);
