//! The content of snapshots: the members of AWS's answers that the API's promises and these tests are about. Beside
//! them the local AWS writes much that is its own choice; that no member is lost on the way, the tests of `wire` hold.

use serde_json::Value;

/// The members of a service.
pub const SERVICE: &[&str] = &[
    "Services",
    "Service",
    "Failures",
    "ServiceArn",
    "ServiceName",
    "ClusterArn",
    "Status",
    "DesiredCount",
    "LaunchType",
    "TaskDefinition",
    "NetworkConfiguration",
    "AwsvpcConfiguration",
    "Subnets",
    "SecurityGroups",
    "AssignPublicIp",
    "ServiceRegistries",
    "RegistryArn",
    "Tags",
    "Key",
    "Value",
    "CreatedAt",
];

/// The members of a service with everything around it.
pub const WHOLE_SERVICE: &[&str] = &[
    "ServiceArn",
    "ServiceName",
    "ClusterArn",
    "Status",
    "DesiredCount",
    "LaunchType",
    "TaskDefinition",
    "TaskDefinitionArn",
    "ContainerDefinitions",
    "Name",
    "Image",
    "Family",
    "Revision",
    "ServiceRegistries",
    "RegistryArn",
    "ServiceEndpoint",
    "Tasks",
    "Tags",
];

/// The members of a task.
pub const TASK: &[&str] = &[
    "Tasks",
    "Task",
    "Failures",
    "TaskArn",
    "TaskDefinitionArn",
    "Revision",
    "ClusterArn",
    "Containers",
    "Name",
    "Image",
    "LastStatus",
    "DesiredStatus",
    "ExitCode",
    "LaunchType",
    "StoppedReason",
    "Tags",
    "Key",
    "Value",
    "CreatedAt",
];

/// The members of a task definition.
pub const TASK_DEFINITION: &[&str] = &[
    "TaskDefinition",
    "TaskDefinitionArn",
    "ContainerDefinitions",
    "Name",
    "Image",
    "PortMappings",
    "ContainerPort",
    "Protocol",
    "Family",
    "ExecutionRoleArn",
    "NetworkMode",
    "Revision",
    "Status",
    "RequiresCompatibilities",
    "Cpu",
    "Memory",
    "RegisteredAt",
    "DeregisteredAt",
    "Tags",
    "Key",
    "Value",
];

/// The members of a cluster. Its statistics are AWS's own.
pub const CLUSTER: &[&str] = &[
    "Clusters",
    "Failures",
    "ClusterArn",
    "ClusterName",
    "Status",
    "Settings",
    "Name",
    "Value",
    "Tags",
];

/// Keeps these members of objects, at every depth.
pub fn project(value: &Value, members: &[&str]) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| members.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), project(value, members)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| project(value, members)).collect(),
        other => other.clone(),
    }
}
