//! The body of an orchestrated create: its parts become what to create, and everything wrong with them is said together.

use serde_json::{Map, Value};

use crate::api::clusters::CLUSTER_NAME_REQUIRED;
use crate::api::registries::REGISTRY_NAME_REQUIRED;
use crate::api::{Request, answers, shorthands};
use crate::error::Error;
use crate::ids::{
    self, ClusterName, RegistryId, TaskDefinitionName, is_ecs_name, is_namespace_id,
    is_registry_arn, is_registry_name,
};
use crate::orchestration::defaults;
use crate::orchestration::plan::{ClusterPart, CreateRequest, RegistryPart, TaskDefinitionPart};
use crate::orchestration::tags::TAGS_MAX;
use crate::text::printable;
use crate::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
};
use crate::wire::read::{Input, read};
use crate::wire::validation::Validation;

/// The most registries of a service that are looked at. (ECS takes one:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html>.)
const REGISTRIES_MAX: usize = 5;
/// The parts of the body, as messages name them.
const PARTS: [&str; 4] = ["cluster", "taskDefinition", "serviceRegistry", "service"];

/// Reads the body, and lists the members that were ignored.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with it.
pub(super) fn read_body(request: &Request<'_>) -> Result<(CreateRequest, Vec<String>), Error> {
    let mut validation = request.validation();
    let wanted = read_parts(request, &mut validation)?;
    if let Some(wanted) = &wanted {
        leave_room_for_the_mark(wanted, &mut validation);
    }
    let ignored = validation.finish().map_err(Error::Input)?;
    let wanted =
        wanted.ok_or_else(|| Error::Bug("a body read without problem or value".to_owned()))?;
    Ok((wanted, ignored))
}

/// Reads the body into a plan; what is wrong goes to the validation, all of it.
fn read_parts(
    request: &Request<'_>,
    validation: &mut Validation,
) -> Result<Option<CreateRequest>, Error> {
    let mut body = request.object()?;
    let cluster = part::<CreateClusterInput>(&mut body, "cluster", shorthands::cluster, validation);
    let task_definition = part::<RegisterTaskDefinitionInput>(
        &mut body,
        "taskDefinition",
        shorthands::task_definition,
        validation,
    );
    answers::name_registry(&mut body, validation);
    let registry = part::<CreateRegistryInput>(
        &mut body,
        "serviceRegistry",
        shorthands::registry,
        validation,
    );
    let service = part::<CreateServiceInput>(&mut body, "service", shorthands::service, validation);
    for (name, _) in body.iter().filter(|(_, value)| !value.is_null()) {
        validation.unknown_member(printable(name), name, PARTS.into_iter());
    }
    let Given::Read(service) = service else {
        if matches!(service, Given::Absent) {
            validation.refuse("service", "required: the service to create");
        }
        return Ok(None);
    };
    let name = service.service_name.as_deref().unwrap_or_default();
    if !is_ecs_name(name) {
        validation.refuse(
            "service.serviceName",
            format!(
                "expected 1 to 255 letters, digits, `-` and `_`, got `{}`",
                printable(name)
            ),
        );
    }
    let cluster = cluster_part(request, &service, cluster, validation);
    let task_definition = task_definition_part(request, &service, task_definition, validation);
    let registry = registry_part(request, &service, registry, validation);
    Ok(cluster
        .zip(task_definition)
        .zip(registry)
        .map(|((cluster, task_definition), registry)| CreateRequest {
            cluster,
            task_definition,
            registry,
            service: *service,
        }))
}

/// A part of the body: not there, read, or wrong (what is wrong is in the validation).
enum Given<T> {
    Absent,
    Read(Box<T>),
    Wrong,
}

fn part<T: Input>(
    body: &mut Map<String, Value>,
    name: &str,
    shorthand: impl FnOnce(&mut Map<String, Value>, &str, &mut Validation),
    validation: &mut Validation,
) -> Given<T> {
    let Some(mut value) = validation.take(body, "", name) else {
        return Given::Absent;
    };
    if let Value::Object(object) = &mut value {
        shorthand(object, name, validation);
    }
    answers::drop_reserved_tags(&mut value);
    read(&value, name, validation).map_or(Given::Wrong, |input| Given::Read(Box::new(input)))
}

fn cluster_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    cluster: Given<CreateClusterInput>,
    validation: &mut Validation,
) -> Option<ClusterPart> {
    if let Some(text) = &service.cluster {
        let name = ClusterName::parse(text, &request.account.account_region());
        let name = name
            .map_err(|error| validation.refuse("service.cluster", error.to_string()))
            .ok()?;
        return Some(ClusterPart::Existing(name.to_string()));
    }
    let input = match cluster {
        Given::Read(input) => input,
        Given::Wrong => return None,
        Given::Absent => {
            validation.refuse(
                "service.cluster",
                "required: an existing cluster, or give `cluster` to create one",
            );
            return None;
        }
    };
    // DIFFERENCE: without a name AWS would create, or take, the cluster `default`.
    let name = input.cluster_name.clone().filter(|name| is_ecs_name(name));
    if name.is_none() {
        validation.refuse("cluster.clusterName", CLUSTER_NAME_REQUIRED);
    }
    name.map(|name| ClusterPart::New { name, input })
}

/// Refuses more tags than AWS takes beside the mark on what is made.
fn leave_room_for_the_mark(wanted: &CreateRequest, validation: &mut Validation) {
    let cluster = match &wanted.cluster {
        ClusterPart::New { input, .. } => input.tags().len(),
        ClusterPart::Existing(_) => 0,
    };
    let definition = match &wanted.task_definition {
        TaskDefinitionPart::New(input) => input.tags().len(),
        TaskDefinitionPart::Existing(_) => 0,
    };
    let registry = match &wanted.registry {
        RegistryPart::New { input, .. } => input.tags().len(),
        RegistryPart::None | RegistryPart::Existing(_) => 0,
    };
    let counts = [cluster, definition, registry, wanted.service.tags().len()];
    let most = TAGS_MAX - 1;
    for (part, _) in PARTS.iter().zip(counts).filter(|(_, count)| *count > most) {
        validation.refuse(
            format!("{part}.tags"),
            format!("at most {most} tags are accepted"),
        );
    }
}

fn task_definition_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    task_definition: Given<RegisterTaskDefinitionInput>,
    validation: &mut Validation,
) -> Option<TaskDefinitionPart> {
    if let Some(name) = &service.task_definition {
        let found = TaskDefinitionName::parse(name, &request.account.account_region());
        let found =
            found.map_err(|error| validation.refuse("service.taskDefinition", error.to_string()));
        return found
            .ok()
            .map(|_| TaskDefinitionPart::Existing(name.clone()));
    }
    match task_definition {
        Given::Read(input) if !is_ecs_name(input.family.as_deref().unwrap_or_default()) => {
            validation.refuse(
                "taskDefinition.family",
                "required: 1 to 255 letters, digits, `-` and `_`",
            );
            None
        }
        Given::Read(mut input) => {
            defaults::task_definition(&mut input, request.settings());
            Some(TaskDefinitionPart::New(input))
        }
        Given::Wrong => None,
        Given::Absent => {
            let message =
                "required: an existing task definition, or give `taskDefinition` to register one";
            validation.refuse("service.taskDefinition", message);
            None
        }
    }
}

fn registry_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    registry: Given<CreateRegistryInput>,
    validation: &mut Validation,
) -> Option<RegistryPart> {
    if service.service_registries().len() > REGISTRIES_MAX {
        validation.refuse(
            "service.serviceRegistries",
            format!("expected at most {REGISTRIES_MAX} registries"),
        );
        return None;
    }
    if !service.service_registries().is_empty() {
        return existing_registries(request, service, validation).map(RegistryPart::Existing);
    }
    let mut input = match registry {
        Given::Read(input) => input,
        Given::Wrong => return None,
        Given::Absent => return Some(RegistryPart::None),
    };
    let Some(namespace_id) = input.namespace_id.clone().filter(|id| is_namespace_id(id)) else {
        validation.refuse(
            "serviceRegistry.NamespaceId",
            "required: the id of the namespace to create the registry in, like `ns-y3uaw6neshhbev3f`, or its ARN",
        );
        return None;
    };
    let namespace_id =
        ids::namespace_id(&namespace_id, &request.account.account_region()).to_owned();
    input.namespace_id = Some(namespace_id.clone());
    if !is_registry_name(input.name.as_deref().unwrap_or_default()) {
        validation.refuse("serviceRegistry.Name", REGISTRY_NAME_REQUIRED);
        return None;
    }
    defaults::registry(&mut input);
    Some(RegistryPart::New {
        namespace_id,
        input,
    })
}

/// The ids of the registries of this account and region, and the whole ARNs of those that another account shares:
/// Cloud Map takes both.
fn existing_registries(
    request: &Request<'_>,
    service: &CreateServiceInput,
    validation: &mut Validation,
) -> Option<Vec<String>> {
    let ids = service.service_registries().iter().enumerate().map(|(index, registry)| {
        let arn = registry.registry_arn().unwrap_or_default();
        if !is_registry_arn(arn) {
            let path = format!("service.serviceRegistries[{index}].registryArn");
            validation
                .refuse(path, "required: the ARN of a Cloud Map service, `arn:aws:servicediscovery:…:service/srv-…`");
            return None;
        }
        let own = RegistryId::parse(arn, &request.account.account_region());
        Some(own.map_or_else(|_| arn.to_owned(), |id| id.to_string()))
    });
    ids.collect::<Vec<_>>().into_iter().collect()
}
