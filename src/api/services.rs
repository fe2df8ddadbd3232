//! Services: the orchestrated create.

use serde_json::{Map, Value};

use super::{Request, shorthands};
use crate::error::Error;
use crate::ids::{ClusterName, is_ecs_name};
use crate::orchestration::create::{self, ClusterPart, Creation, Plan, RegistryPart, TaskDefinitionPart};
use crate::orchestration::defaults;
use crate::reply::Reply;
use crate::wire::inputs::{CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput};
use crate::wire::members::take;
use crate::wire::read::{Findings, Input, read};
use crate::wire::write::write;

/// The parts of an orchestrated create's body, as messages name them.
const PARTS: [&str; 4] = ["cluster", "taskDefinition", "serviceRegistry", "service"];

/// `POST /{account}/services`: cluster, task definition, registry and service by one request, or nothing.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with the body; [`Error::Create`] with the first cause and
/// what became of what had been made.
pub async fn create_orchestration(request: &Request<'_>) -> Result<Reply, Error> {
    let mut findings = request.findings();
    let plan = plan(request, &mut findings)?;
    let ignored = findings.finish().map_err(Error::Input)?;
    let plan = plan.ok_or_else(|| Error::Bug("a plan read without problem or value".to_owned()))?;
    let token = client_token(request.request_id);
    let work = create::create(request.account, plan, token, request.deadline);
    let creation = Box::pin(work).await.map_err(Box::new)?;
    Ok(Reply::json(shape(&creation)?).with_ignored(request.is_lenient(), &ignored))
}

/// ECS takes at most 36 characters
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>); Lambda's request ids
/// are UUIDs of exactly that length.
fn client_token(request_id: &str) -> &str {
    request_id.get(..36).unwrap_or(request_id)
}

/// Reads the body into a plan; what is wrong goes to the findings, all of it.
fn plan(request: &Request<'_>, findings: &mut Findings) -> Result<Option<Plan>, Error> {
    let mut body = request.object()?;
    let cluster = part::<CreateClusterInput>(&mut body, "cluster", shorthands::cluster, findings);
    let task_definition =
        part::<RegisterTaskDefinitionInput>(&mut body, "taskDefinition", shorthands::task_definition, findings);
    let registry = part::<CreateRegistryInput>(&mut body, "serviceRegistry", shorthands::registry, findings);
    let service = part::<CreateServiceInput>(&mut body, "service", |_, _, _| {}, findings);
    for (name, _) in body.iter().filter(|(_, value)| !value.is_null()) {
        findings.unknown_member(name.clone(), name, PARTS.into_iter());
    }
    let Given::Read(service) = service else {
        if matches!(service, Given::Absent) {
            findings.refuse("service", "required: the service to create");
        }
        return Ok(None);
    };
    let name = service.service_name.as_deref().unwrap_or_default();
    if !is_ecs_name(name) {
        findings.refuse("service.serviceName", format!("expected 1 to 255 letters, digits, `-` and `_`, got `{name}`"));
    }
    let cluster = cluster_part(request, &service, cluster, findings);
    let task_definition = task_definition_part(request, &service, task_definition, findings);
    let registry = registry_part(&service, registry, findings);
    Ok(cluster.zip(task_definition).zip(registry).map(|((cluster, task_definition), registry)| Plan {
        cluster,
        task_definition,
        registry,
        service: *service,
    }))
}

/// A part of the body: not there, read, or wrong (what is wrong is in the findings).
enum Given<T> {
    Absent,
    Read(Box<T>),
    Wrong,
}

fn part<T: Input>(
    body: &mut Map<String, Value>,
    name: &str,
    shorthand: impl FnOnce(&mut Map<String, Value>, &str, &mut Findings),
    findings: &mut Findings,
) -> Given<T> {
    let Some(mut value) = take(body, name) else { return Given::Absent };
    if let Value::Object(object) = &mut value {
        shorthand(object, name, findings);
    }
    read(&value, name, findings).map_or(Given::Wrong, |input| Given::Read(Box::new(input)))
}

fn cluster_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    cluster: Given<CreateClusterInput>,
    findings: &mut Findings,
) -> Option<ClusterPart> {
    if let Some(text) = &service.cluster {
        let name = ClusterName::parse(text, &request.account.home());
        let name = name.map_err(|error| findings.refuse("service.cluster", error.to_string())).ok()?;
        return Some(ClusterPart::Existing(name.to_string()));
    }
    let input = match cluster {
        Given::Read(input) => input,
        Given::Wrong => return None,
        Given::Absent => {
            findings.refuse("service.cluster", "required: an existing cluster, or give `cluster` to create one");
            return None;
        }
    };
    // DIFFERENCE: without a name AWS would create, or take, the cluster `default`.
    let name = input.cluster_name.clone().filter(|name| is_ecs_name(name));
    if name.is_none() {
        let message = "required: the name of the cluster to create, 1 to 255 letters, digits, `-` and `_`";
        findings.refuse("cluster.clusterName", message);
    }
    name.map(|name| ClusterPart::New { name, input })
}

fn task_definition_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    task_definition: Given<RegisterTaskDefinitionInput>,
    findings: &mut Findings,
) -> Option<TaskDefinitionPart> {
    if let Some(name) = &service.task_definition {
        return Some(TaskDefinitionPart::Existing(name.clone()));
    }
    match task_definition {
        Given::Read(mut input) => {
            defaults::task_definition(&mut input, request.settings());
            Some(TaskDefinitionPart::New(input))
        }
        Given::Wrong => None,
        Given::Absent => {
            let message = "required: an existing task definition, or give `taskDefinition` to register one";
            findings.refuse("service.taskDefinition", message);
            None
        }
    }
}

fn registry_part(
    service: &CreateServiceInput,
    registry: Given<CreateRegistryInput>,
    findings: &mut Findings,
) -> Option<RegistryPart> {
    if !service.service_registries().is_empty() {
        return existing_registries(service, findings).map(RegistryPart::Existing);
    }
    let mut input = match registry {
        Given::Read(input) => input,
        Given::Wrong => return None,
        Given::Absent => return Some(RegistryPart::None),
    };
    let Some(namespace_id) = input.namespace_id.clone().filter(|id| !id.is_empty()) else {
        findings.refuse("serviceRegistry.NamespaceId", "required: the namespace to create the registry in");
        return None;
    };
    defaults::registry(&mut input);
    Some(RegistryPart::New { namespace_id, input })
}

/// The ids in the registries' ARNs: `arn:aws:servicediscovery:…:service/srv-…` → `srv-…`.
fn existing_registries(service: &CreateServiceInput, findings: &mut Findings) -> Option<Vec<String>> {
    let ids = service.service_registries().iter().enumerate().map(|(index, registry)| {
        let id = registry.registry_arn().and_then(|arn| arn.split_once(":service/")).map(|(_, id)| id.to_owned());
        if id.is_none() {
            let path = format!("service.serviceRegistries[{index}].registryArn");
            findings
                .refuse(path, "required: the ARN of a Cloud Map service, `arn:aws:servicediscovery:…:service/srv-…`");
        }
        id
    });
    ids.collect::<Vec<_>>().into_iter().collect()
}

fn shape(creation: &Creation) -> Result<Value, Error> {
    let mut answer = Map::new();
    answer.insert("Cluster".to_owned(), write(&creation.cluster)?);
    answer.insert("TaskDefinition".to_owned(), write(&creation.task_definition)?);
    if let Some(registry) = &creation.registry {
        answer.insert("ServiceDiscoveryService".to_owned(), write(registry)?);
    }
    answer.insert("Service".to_owned(), write(&creation.service)?);
    Ok(Value::Object(answer))
}
