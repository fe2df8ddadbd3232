//! What operations answer when nothing went wrong.

use aws_sdk_ecs::operation::create_cluster::CreateClusterOutput;
use aws_sdk_ecs::operation::create_service::CreateServiceOutput;
use aws_sdk_ecs::operation::delete_cluster::DeleteClusterOutput;
use aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionOutput;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionOutput;
use aws_sdk_ecs::operation::stop_task::StopTaskOutput;
use aws_sdk_ecs::operation::update_service::UpdateServiceOutput;
use aws_sdk_ecs::types::{Cluster, Failure, Service, ServiceEvent, Task, TaskDefinition};
use aws_sdk_servicediscovery::operation::create_service::CreateServiceOutput as CreateRegistryOutput;
use aws_sdk_servicediscovery::types::{Service as Registry, ServiceSummary};
use serde_json::{Map, Value, json};

use super::examples;
use super::schemas::{Schemas, reference};
use crate::routes::Endpoint;

/// What every answer carries.
const REQUEST_ID: &str = "X-Request-Id";

/// The answers of an endpoint, by status.
pub(super) fn answers(endpoint: Endpoint, schemas: &mut Schemas) -> Map<String, Value> {
    let mut answers = Map::new();
    let done = match endpoint {
        Endpoint::Ping => answer(
            "`pong`.",
            "text/plain",
            json!({"type": "string", "const": "pong"}),
        ),
        Endpoint::ShowOpenapi => cached(answer(
            "This document.",
            "application/json",
            json!({"type": "object"}),
        )),
        Endpoint::ShowDocs => cached(answer("The page.", "text/html", json!({"type": "string"}))),
        _ => answer(
            description(endpoint),
            "application/json",
            schema(endpoint, schemas),
        ),
    };
    let done = with_headers(done, headers(endpoint));
    answers.insert(
        "200".to_owned(),
        with_example(done, examples::answer(endpoint)),
    );
    if matches!(endpoint, Endpoint::ShowOpenapi | Endpoint::ShowDocs) {
        answers.insert(
            "304".to_owned(),
            cached(with_headers(json!({"description": "Not changed."}), &[])),
        );
    }
    if matches!(
        endpoint,
        Endpoint::DeleteOrchestration | Endpoint::DeleteService
    ) {
        let pending = answer(
            "Not done yet: `Pending` says what it waits for.",
            "application/json",
            reference("Deletion"),
        );
        answers.insert("202".to_owned(), with_headers(pending, &["Retry-After"]));
    }
    answers
}

/// The headers of answers, as components.
pub(super) fn shared_headers() -> Value {
    let header =
        |description: &str, schema: Value| json!({"description": description, "schema": schema});
    json!({
        REQUEST_ID: header("Finds the request in the log.", json!({"type": "string"})),
        "Link": header("`<…>; rel=\"next\"`: the path and query of what follows. Absent at the end.", json!({"type": "string"})),
        "Retry-After": header("When to ask again, in seconds.", json!({"type": "integer", "minimum": 0})),
        "Preference-Applied": header("`handling=lenient`, if that was asked for.", json!({"type": "string"})),
        "X-Ignored-Members": header("The paths of the members that were dropped, comma-separated.", json!({"type": "string"})),
        "WWW-Authenticate": header("How to say who calls.", json!({"type": "string"})),
        "ETag": header("The version of what is answered.", json!({"type": "string"})),
    })
}

/// Adds `X-Request-Id` and these.
pub(super) fn with_headers(mut answer: Value, names: &[&str]) -> Value {
    let refer = |name: &str| {
        (
            name.to_owned(),
            json!({"$ref": format!("#/components/headers/{name}")}),
        )
    };
    let headers = [REQUEST_ID].iter().chain(names).map(|name| refer(name));
    let mut all = answer["headers"].as_object().cloned().unwrap_or_default();
    all.extend(headers);
    answer["headers"] = all.into();
    answer
}

fn cached(answer: Value) -> Value {
    with_headers(answer, &["ETag"])
}

fn answer(description: &str, content_type: &str, schema: Value) -> Value {
    let mut answer = json!({"description": description, "content": {content_type: {}}});
    answer["content"][content_type]["schema"] = schema;
    answer
}

fn with_example(mut answer: Value, example: Option<Value>) -> Value {
    if let Some(example) = example {
        answer["content"]["application/json"]["example"] = example;
    }
    answer
}

fn headers(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::ListClusters
        | Endpoint::ListServices
        | Endpoint::ListTasks
        | Endpoint::ListTaskDefinitions
        | Endpoint::ListRegistries => &["Link"],
        Endpoint::CreateOrchestration
        | Endpoint::DeleteOrchestration
        | Endpoint::CreateCluster
        | Endpoint::CreateService
        | Endpoint::UpdateService
        | Endpoint::RunTask
        | Endpoint::RegisterTaskDefinition
        | Endpoint::CreateRegistry => &["Preference-Applied", "X-Ignored-Members"],
        _ => &[],
    }
}

fn description(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::CreateOrchestration => {
            "The parts that are involved: those that were made, and those that were there."
        }
        Endpoint::DeleteOrchestration => "Done: what was deleted, and what was kept and why.",
        Endpoint::DeleteService => {
            "The service; with `recursive`, also what was deleted, and what was kept and why."
        }
        Endpoint::ListServices => "ARNs; with `all`, services.",
        Endpoint::ListClusters | Endpoint::ListTasks | Endpoint::ListTaskDefinitions => "ARNs.",
        Endpoint::ShowService => "The service, in a list of one; with `all`, a flat object.",
        Endpoint::DeleteRegistry => "Deleted.",
        _ => "Done, as AWS answers it.",
    }
}

fn schema(endpoint: Endpoint, schemas: &mut Schemas) -> Value {
    match endpoint {
        Endpoint::Ping | Endpoint::ShowOpenapi | Endpoint::ShowDocs => json!({}), // not JSON, or any
        Endpoint::ShowVersion => {
            let text = json!({"type": "string"});
            object(
                &[
                    ("version", text.clone()),
                    ("githash", text.clone()),
                    ("buildstamp", text),
                ],
                &[],
            )
        }
        Endpoint::CreateOrchestration => {
            let made = [
                ("Cluster", schemas.answer(Cluster::deserialize)),
                (
                    "TaskDefinition",
                    schemas.answer(TaskDefinition::deserialize),
                ),
                ("Service", schemas.answer(Service::deserialize)),
            ];
            let registry = (
                "ServiceDiscoveryService",
                schemas.answer(Registry::deserialize),
            );
            let left_behind = described(
                list(reference("Leftover")),
                "What the request made beside the service of an identical one, and could not take back. Absent if nothing.",
            );
            let schema = object(&made, &[registry, ("LeftBehind", left_behind)]);
            schemas.add("CreateOrchestrationOutput", schema)
        }
        Endpoint::DeleteOrchestration => {
            let schema = deletion(schemas);
            schemas.add("Deletion", schema)
        }
        Endpoint::DeleteService => reference("Deletion"),
        Endpoint::ListClusters | Endpoint::ListTasks | Endpoint::ListTaskDefinitions => arns(),
        Endpoint::CreateCluster => schemas.answer(CreateClusterOutput::deserialize),
        Endpoint::ShowCluster => {
            let cluster = schemas.answer(Cluster::deserialize);
            shown("Clusters", cluster, schemas)
        }
        Endpoint::DeleteCluster => schemas.answer(DeleteClusterOutput::deserialize),
        Endpoint::ListServices => {
            let services = list(schemas.answer(Service::deserialize));
            json!({"anyOf": [arns(), services]})
        }
        Endpoint::CreateService => schemas.answer(CreateServiceOutput::deserialize),
        Endpoint::ShowService => {
            let service = schemas.answer(Service::deserialize);
            let whole = whole_service(&service, schemas);
            json!({"anyOf": [shown("Services", service, schemas), whole]})
        }
        Endpoint::UpdateService => schemas.answer(UpdateServiceOutput::deserialize),
        Endpoint::ListEvents => list(schemas.answer(ServiceEvent::deserialize)),
        Endpoint::ShowLogs => log(schemas),
        Endpoint::RunTask | Endpoint::ShowTask => {
            let task = schemas.answer(Task::deserialize);
            shown("Tasks", task, schemas)
        }
        Endpoint::StopTask => schemas.answer(StopTaskOutput::deserialize),
        Endpoint::RegisterTaskDefinition => {
            schemas.answer(RegisterTaskDefinitionOutput::deserialize)
        }
        Endpoint::ShowTaskDefinition => schemas.answer(DescribeTaskDefinitionOutput::deserialize),
        Endpoint::DeregisterTaskDefinition => {
            schemas.answer(DeregisterTaskDefinitionOutput::deserialize)
        }
        Endpoint::ListRegistries => {
            let services = list(schemas.answer(ServiceSummary::deserialize));
            object(&[("Services", services)], &[])
        }
        Endpoint::CreateRegistry => schemas.answer(CreateRegistryOutput::deserialize),
        Endpoint::ShowRegistry => {
            object(&[("Service", schemas.answer(Registry::deserialize))], &[])
        }
        Endpoint::DeleteRegistry => json!({"type": "object"}),
    }
}

/// An object with members that are always there, and with others.
pub(super) fn object(always: &[(&str, Value)], sometimes: &[(&str, Value)]) -> Value {
    let properties: Map<_, _> = always
        .iter()
        .chain(sometimes)
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    let required: Vec<_> = always.iter().map(|(name, _)| name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

pub(super) fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

pub(super) fn list(element: Value) -> Value {
    let mut list = json!({"type": "array"});
    list["items"] = element;
    list
}

fn arns() -> Value {
    list(json!({"type": "string"}))
}

/// What AWS's describe operations answer: a list, and what was not found.
fn shown(name: &str, element: Value, schemas: &mut Schemas) -> Value {
    let failures = list(schemas.answer(Failure::deserialize));
    object(&[(name, list(element)), ("Failures", failures)], &[])
}

/// A service with everything around it: one flat object.
fn whole_service(service: &Value, schemas: &mut Schemas) -> Value {
    let task_definition = schemas.answer(TaskDefinition::deserialize);
    let mut whole = schemas.component_of(service).clone();
    let arn =
        json!({"type": "string", "description": "Its ARN, where AWS does not know it any more."});
    whole["properties"]["TaskDefinition"] = json!({"anyOf": [task_definition, arn]});
    whole["properties"]["ServiceEndpoint"] = json!({"type": "string", "description": "`name.namespace`, if the service has a registry."});
    whole["properties"]["Tasks"] =
        list(json!({"type": "string", "description": "`cluster/id`, running and stopped."}));
    whole["required"] = json!(["Tasks"]);
    schemas.add("WholeService", whole)
}

fn deletion(schemas: &mut Schemas) -> Value {
    let service = schemas.answer(Service::deserialize);
    let text = json!({"type": "string"});
    let pending = list(object(
        &[("Arn", text.clone()), ("WaitingFor", text.clone())],
        &[],
    ));
    let is_queued = json!({"type": "boolean", "description": "Whether the stack's queue goes on with what is pending."});
    let detail = json!({"type": "string", "description": "What the caller has to do, where the queue does not go on."});
    let sometimes = [
        ("Deleted", list(text)),
        ("Kept", kept()),
        ("Pending", pending),
        ("Queued", is_queued),
        ("Detail", detail),
    ];
    object(&[("Service", service)], &sometimes)
}

/// What a deletion did not delete, and why.
pub(super) fn kept() -> Value {
    let text = json!({"type": "string"});
    list(object(&[("Arn", text.clone()), ("Reason", text)], &[]))
}

/// The SDK for CloudWatch Logs carries no schemas yet.
fn log(schemas: &mut Schemas) -> Value {
    let time = |of: &str| json!({"type": "integer", "format": "int64", "description": format!("{of}, in milliseconds since 1970.")});
    let text = |description: &str| json!({"type": "string", "description": description});
    let event = [
        ("IngestionTime", time("When CloudWatch Logs had the event")),
        ("Message", json!({"type": "string"})),
        ("Timestamp", time("When the event was")),
    ];
    let events = list(object(&[], &event));
    let tokens = [
        (
            "NextForwardToken",
            text(
                "As `nextToken`, asks for the events after these. The same again: there are none yet.",
            ),
        ),
        (
            "NextBackwardToken",
            text(
                "As `nextToken`, asks for the events before these. The same again: there are none.",
            ),
        ),
    ];
    schemas.add("Log", object(&[("Events", events)], &tokens))
}
