//! What requests may carry.

use serde_json::{Value, json};

use super::examples;
use super::schemas::{Schemas, nullable};
use crate::routes::Endpoint;
use crate::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
    RunTaskInput, UpdateServiceInput,
};

/// What every body has in common.
const READ_AS_JSON: &str = "Read as JSON, whatever its content type says. At most 1 MiB. Names of members match in any \
                            case; `null` means absent.";

/// The body that an endpoint reads, if it reads one.
pub(super) fn body(endpoint: Endpoint, schemas: &mut Schemas) -> Option<Value> {
    let schema = match endpoint {
        Endpoint::CreateOrchestration => create_orchestration(schemas),
        Endpoint::DeleteOrchestration => delete_orchestration(schemas),
        Endpoint::CreateCluster => create_cluster(schemas),
        Endpoint::CreateService => create_service(schemas),
        Endpoint::UpdateService => update_service(schemas),
        Endpoint::RunTask => schemas.request::<RunTaskInput>(),
        Endpoint::RegisterTaskDefinition => register_task_definition(schemas),
        Endpoint::CreateRegistry => create_registry(schemas),
        Endpoint::Ping
        | Endpoint::ShowVersion
        | Endpoint::ShowOpenapi
        | Endpoint::ShowDocs
        | Endpoint::ListClusters
        | Endpoint::ShowCluster
        | Endpoint::DeleteCluster
        | Endpoint::ListServices
        | Endpoint::ShowService
        | Endpoint::DeleteService
        | Endpoint::ListEvents
        | Endpoint::ShowLogs
        | Endpoint::ListTasks
        | Endpoint::ShowTask
        | Endpoint::StopTask
        | Endpoint::ListTaskDefinitions
        | Endpoint::ShowTaskDefinition
        | Endpoint::DeregisterTaskDefinition
        | Endpoint::ListRegistries
        | Endpoint::ShowRegistry
        | Endpoint::DeleteRegistry => return None,
    };
    let is_required = endpoint != Endpoint::DeleteOrchestration;
    let mut content = json!({"schema": schema});
    if let Some(example) = examples::body(endpoint) {
        content["example"] = example;
    }
    let description = match operation_of_aws(endpoint) {
        Some((name, url)) => {
            format!("AWS's {name} input, every member of it: <{url}>. {READ_AS_JSON}")
        }
        None => READ_AS_JSON.to_owned(),
    };
    Some(
        json!({"description": description, "required": is_required, "content": {"application/json": content}}),
    )
}

/// The operation of AWS whose input the body is, and where AWS describes it.
fn operation_of_aws(endpoint: Endpoint) -> Option<(&'static str, String)> {
    const ECS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_";
    let name = match endpoint {
        Endpoint::CreateCluster => "CreateCluster",
        Endpoint::CreateService => "CreateService",
        Endpoint::UpdateService => "UpdateService",
        Endpoint::RunTask => "RunTask",
        Endpoint::RegisterTaskDefinition => "RegisterTaskDefinition",
        Endpoint::CreateRegistry => {
            return Some((
                "CreateService",
                "https://docs.aws.amazon.com/cloud-map/latest/api/API_CreateService.html".into(),
            ));
        }
        _ => return None,
    };
    Some((name, format!("{ECS}{name}.html")))
}

fn create_orchestration(schemas: &mut Schemas) -> Value {
    let part = |schema: Value, description: &str| {
        let mut part = nullable(schema);
        part["description"] = description.into();
        part
    };
    let cluster = part(
        create_cluster(schemas),
        "The cluster to create, where `service.cluster` names none.",
    );
    let task_definition = part(
        register_task_definition(schemas),
        "The revision to register, where `service.taskDefinition` names none.",
    );
    let registry = part(
        create_registry(schemas),
        "The registry to create, where `service.serviceRegistries` names none; or none.",
    );
    let service = create_service(schemas);
    schemas.add(
        "CreateOrchestrationInput",
        json!({
            "type": "object",
            "properties": {
                "cluster": cluster, "taskDefinition": task_definition, "serviceRegistry": registry, "service": service,
            },
            "required": ["service"],
            "additionalProperties": false,
        }),
    )
}

fn delete_orchestration(schemas: &mut Schemas) -> Value {
    let properties = json!({
        "cluster": {"type": ["string", "null"], "description": "The service's cluster, by name or ARN."},
        "service": {"type": ["string", "null"], "description": "The service, by name or ARN."},
        "recursive": {
            "type": ["boolean", "string", "null"], "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)$",
            "description": "Also delete what belongs to the service. Default: false.",
        },
    });
    schemas.add(
        "DeleteOrchestrationInput",
        json!({"type": "object", "properties": properties, "additionalProperties": false}),
    )
}

fn create_cluster(schemas: &mut Schemas) -> Value {
    let schema = schemas.request::<CreateClusterInput>();
    let name = json!({"type": ["string", "null"], "description": "Short for `clusterName`. Not beside it."});
    schemas.component_of(&schema)["properties"]["name"] = name;
    schema
}

fn create_service(schemas: &mut Schemas) -> Value {
    schemas.request::<CreateServiceInput>()
}

/// Cluster and service may be left out: the path names them.
fn update_service(schemas: &mut Schemas) -> Value {
    let schema = schemas.request::<UpdateServiceInput>();
    let component = schemas.component_of(&schema);
    component["properties"]["service"] = nullable(component["properties"]["service"].take());
    component["minProperties"] = 1.into();
    let required = component["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|name| *name != "service");
    component["required"] = required.cloned().collect();
    schema
}

fn register_task_definition(schemas: &mut Schemas) -> Value {
    let schema = schemas.request::<RegisterTaskDefinitionInput>();
    schemas.component("ContainerDefinitionInput")["properties"]["ports"] = json!({
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 0, "maximum": 65535},
        "description": "Short for `portMappings` of these container ports, tcp. Not beside it.",
    });
    schema
}

fn create_registry(schemas: &mut Schemas) -> Value {
    let schema = schemas.request::<CreateRegistryInput>();
    let cluster = json!({"description": "Means nothing to Cloud Map, and is dropped; the original's documentation has it."});
    schemas.component_of(&schema)["properties"]["cluster"] = cluster;
    schema
}
