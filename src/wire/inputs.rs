//! The SDK inputs that requests are read into, each with the shape that AWS answers for the same resource.

pub use aws_sdk_ecs::operation::create_cluster::CreateClusterInput;
pub use aws_sdk_ecs::operation::create_service::CreateServiceInput;
pub use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
pub use aws_sdk_ecs::operation::run_task::RunTaskInput;
pub use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
pub use aws_sdk_ecs::types::Tag;
pub use aws_sdk_servicediscovery::operation::create_service::CreateServiceInput as CreateRegistryInput;

use aws_sdk_ecs::types::{Cluster, ContainerDefinition, Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;
use serde_json::{Map, Value};

use super::members;
use super::read::input;

input!(CreateClusterInput, answered as Cluster);
input!(CreateServiceInput, answered as Service);
input!(RegisterTaskDefinitionInput, answered as TaskDefinition);
input!(RunTaskInput);
// One container of a deploy.
input!(ContainerDefinition);
// Not `answered as Service`: to drop a `launchType` in silence would be to claim that it was changed. Of a whole answer,
// which claims nothing, `drop_answered_of_service` drops it.
input!(UpdateServiceInput);
input!(CreateRegistryInput, answered as Registry);

/// Drops the members of a service's answer that `UpdateService` does not take.
pub fn drop_answered_of_service(answer: &mut Map<String, Value>) {
    answer.retain(|name, _| {
        members::find(UpdateServiceInput::SCHEMA, name).is_some()
            || members::find(Service::SCHEMA, name).is_none()
    });
}
