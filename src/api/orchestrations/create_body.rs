//! The body of an orchestrated create: its parts become what to create, and everything wrong with them is said together.

use serde_json::{Map, Value};

use super::namespace::find_namespace;
use super::short_form::{self, ShortForm};
use crate::api::clusters::CLUSTER_NAME_REQUIRED;
use crate::api::registries::REGISTRY_NAME_REQUIRED;
use crate::api::{Request, answers, shorthands, tags};
use crate::error::Error;
use crate::ids::{
    ClusterName, Family, NamespaceId, RegistryId, RegistryName, ServiceName, TaskDefinitionName,
    is_registry_arn,
};
use crate::orchestration::checks::lacks_execution_role;
use crate::orchestration::defaults;
use crate::orchestration::request::{
    ClusterPart, CreateRequest, NewCluster, NewLogGroup, NewRegistry, NewTaskDefinition,
    RegistryPart, TaskDefinitionPart,
};
use crate::orchestration::tags::{SharedTags, TAGS_MAX};
use crate::text::printable;
use crate::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
};
use crate::wire::read::{Input, read};
use crate::wire::validation::{FieldError, Invalid, Validation};

/// The most registries of a service that are looked at. (ECS takes one:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html>.)
const REGISTRIES_MAX: usize = 5;
/// The parts of the body, as messages name them.
const PARTS: [&str; 4] = ["cluster", "taskDefinition", "serviceRegistry", "service"];
/// The member that holds the tags of all of them.
const TAGS: &str = "tags";

/// A body that was read.
pub(super) struct CreateBody {
    /// The request that it makes.
    pub wanted: CreateRequest,
    /// The form that it is in.
    pub form: Form,
    /// The members that were ignored.
    pub ignored: Vec<String>,
}

/// The form of a body, under whose names its faults are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Four of AWS's inputs.
    Long,
    /// One object of texts and numbers.
    Short,
}

impl Form {
    /// Returns faults of a long form under the names of this one.
    pub fn tell(self, mut faults: Vec<FieldError>) -> Error {
        if self == Self::Short {
            for fault in &mut faults {
                fault.path = short_form::own_path(&fault.path).to_owned();
            }
        }
        Error::Input(faults)
    }
}

/// Reads a body of either form.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with it; [`Error::NotFound`] or what AWS refuses for a namespace that is
/// looked for by its name.
pub(super) async fn read_body(request: &Request<'_>) -> Result<CreateBody, Error> {
    let body = request.object()?;
    if !short_form::is_short(&body) {
        return read_long_form(request, body, Form::Long);
    }
    let mut validation = request.validation();
    let region = request.account.account_region();
    let short = ShortForm::read(body, &region, &mut validation);
    let (short, ignored) = validation.finish_with(short).map_err(Error::Input)?;
    let namespace_id = match short.namespace_name() {
        Some(name) => Some(find_namespace(request, name).await?),
        None => None,
    };
    let body = short.into_long_form(namespace_id);
    let read = read_long_form(request, body, Form::Short)?;
    Ok(CreateBody { ignored, ..read })
}

fn read_long_form(
    request: &Request<'_>,
    body: Map<String, Value>,
    form: Form,
) -> Result<CreateBody, Error> {
    let mut validation = request.validation();
    let mut wanted = read_parts(request, body, &mut validation);
    if let Ok((wanted, shared)) = &mut wanted {
        put_tags(wanted, shared, &mut validation);
        leave_room_for_the_mark(wanted, &mut validation);
    }
    let wanted = wanted.map(|(wanted, _)| wanted);
    let (wanted, ignored) = validation
        .finish_with(wanted)
        .map_err(|faults| form.tell(faults))?;
    Ok(CreateBody {
        wanted,
        form,
        ignored,
    })
}

/// Reads all parts, although one of them is wrong.
fn read_parts(
    request: &Request<'_>,
    mut body: Map<String, Value>,
    validation: &mut Validation,
) -> Result<(CreateRequest, SharedTags), Invalid> {
    let shared = tags::take_shared(request, &mut body, TAGS, validation);
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
    validation.refuse_others(&body, "", PARTS.into_iter().chain([TAGS]));
    let service =
        service?.ok_or_else(|| validation.refuse("service", "required: the service to create"))?;
    let name = service.service_name.as_deref().unwrap_or_default();
    let service_name = ServiceName::bare(name).map_err(|_| {
        let expected = "expected 1 to 255 letters, digits, `-` and `_`";
        let message = format!("{expected}, got `{}`", printable(name));
        validation.refuse("service.serviceName", message)
    });
    let cluster = cluster_part(request, &service, cluster, validation);
    let mut task_definition = task_definition_part(request, &service, task_definition, validation);
    let log_group = match (&mut task_definition, &cluster, &service_name) {
        (Ok(TaskDefinitionPart::New(new)), Ok(cluster), Ok(service)) => {
            log_group_part(request, new, cluster.name(), service, validation)
        }
        _ => Ok(None),
    };
    let registry = registry_part(request, &service, registry, validation);
    let wanted = CreateRequest {
        cluster: cluster?,
        task_definition: task_definition?,
        log_group: log_group?,
        registry: registry?,
        service_name: service_name?,
        service: *service,
    };
    Ok((wanted, shared))
}

/// A part of the body, if it is there.
type BodyPart<T> = Result<Option<Box<T>>, Invalid>;

fn part<T: Input>(
    body: &mut Map<String, Value>,
    name: &str,
    shorthand: impl FnOnce(&mut Map<String, Value>, &str, &mut Validation),
    validation: &mut Validation,
) -> BodyPart<T> {
    let Some(mut value) = validation.take(body, "", name) else {
        return Ok(None);
    };
    if let Value::Object(object) = &mut value {
        shorthand(object, name, validation);
    }
    answers::drop_reserved_tags(&mut value);
    read(&value, name, validation).map(|input| Some(Box::new(input)))
}

fn cluster_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    cluster: BodyPart<CreateClusterInput>,
    validation: &mut Validation,
) -> Result<ClusterPart, Invalid> {
    if let Some(text) = &service.cluster {
        let name = ClusterName::parse(text, &request.account.account_region());
        return match name {
            Ok(name) => Ok(ClusterPart::Existing(name)),
            Err(error) => Err(validation.refuse("service.cluster", error.to_string())),
        };
    }
    let Some(input) = cluster? else {
        let message = "required: an existing cluster, or give `cluster` to create one";
        return Err(validation.refuse("service.cluster", message));
    };
    // DIFFERENCE: without a name AWS would create, or take, the cluster `default`.
    match ClusterName::bare(input.cluster_name().unwrap_or_default()) {
        Ok(name) => Ok(ClusterPart::New(NewCluster { name, input })),
        Err(_) => Err(validation.refuse("cluster.clusterName", CLUSTER_NAME_REQUIRED)),
    }
}

/// Puts the tags of account and request on everything that is made.
fn put_tags(wanted: &mut CreateRequest, shared: &SharedTags, validation: &mut Validation) {
    if let ClusterPart::New(new) = &mut wanted.cluster {
        tags::put(shared, &mut new.input.tags, "cluster.tags", validation);
    }
    if let TaskDefinitionPart::New(new) = &mut wanted.task_definition {
        tags::put(
            shared,
            &mut new.input.tags,
            "taskDefinition.tags",
            validation,
        );
    }
    if let RegistryPart::New(new) = &mut wanted.registry {
        tags::put(
            shared,
            &mut new.input.tags,
            "serviceRegistry.Tags",
            validation,
        );
    }
    if let Some(new) = &mut wanted.log_group {
        new.tags = shared.to_map();
    }
    let service = &mut wanted.service;
    tags::put(shared, &mut service.tags, "service.tags", validation);
    defaults::propagation(service);
}

/// Refuses more tags than AWS takes beside the mark on what is made.
fn leave_room_for_the_mark(wanted: &CreateRequest, validation: &mut Validation) {
    let cluster = match &wanted.cluster {
        ClusterPart::New(new) => new.input.tags().len(),
        ClusterPart::Existing(_) => 0,
    };
    let definition = match &wanted.task_definition {
        TaskDefinitionPart::New(new) => new.input.tags().len(),
        TaskDefinitionPart::Existing(_) => 0,
    };
    let registry = match &wanted.registry {
        RegistryPart::New(new) => new.input.tags().len(),
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
    task_definition: BodyPart<RegisterTaskDefinitionInput>,
    validation: &mut Validation,
) -> Result<TaskDefinitionPart, Invalid> {
    if let Some(name) = &service.task_definition {
        let found = TaskDefinitionName::parse(name, &request.account.account_region());
        return match found {
            Ok(name) => Ok(TaskDefinitionPart::Existing(name)),
            Err(error) => Err(validation.refuse("service.taskDefinition", error.to_string())),
        };
    }
    let Some(mut input) = task_definition? else {
        let message =
            "required: an existing task definition, or give `taskDefinition` to register one";
        return Err(validation.refuse("service.taskDefinition", message));
    };
    let Ok(family) = Family::parse(input.family().unwrap_or_default()) else {
        let message = "required: 1 to 255 letters, digits, `-` and `_`";
        return Err(validation.refuse("taskDefinition.family", message));
    };
    defaults::task_definition(&mut input, request.settings());
    Ok(TaskDefinitionPart::New(NewTaskDefinition { family, input }))
}

/// Lets containers that say nothing of it log to the account's group.
fn log_group_part(
    request: &Request<'_>,
    new: &mut NewTaskDefinition,
    cluster: &ClusterName,
    service: &ServiceName,
    validation: &mut Validation,
) -> Result<Option<NewLogGroup>, Invalid> {
    let group = defaults::logs(&mut new.input, request.settings(), cluster, service);
    if lacks_execution_role(&new.input) {
        let message = "required on Fargate for containers that log by `awslogs` or have secrets, and the account has no \
                       `defaultExecutionRoleArn`";
        return Err(validation.refuse("taskDefinition.executionRoleArn", message));
    }
    group.map_err(|error| validation.refuse("service.serviceName", error.to_string()))
}

fn registry_part(
    request: &Request<'_>,
    service: &CreateServiceInput,
    registry: BodyPart<CreateRegistryInput>,
    validation: &mut Validation,
) -> Result<RegistryPart, Invalid> {
    let entries = service.service_registries();
    if entries.len() > REGISTRIES_MAX {
        let message = format!("expected at most {REGISTRIES_MAX} registries");
        return Err(validation.refuse("service.serviceRegistries", message));
    }
    // One entry without an ARN says which container's port is registered in the registry that is made.
    let names_a_target = matches!(registry, Ok(Some(_)))
        && matches!(entries, [only] if only.registry_arn().is_none());
    if !entries.is_empty() && !names_a_target {
        return existing_registries(request, service, validation).map(RegistryPart::Existing);
    }
    let Some(mut input) = registry? else {
        return Ok(RegistryPart::None);
    };
    let region = request.account.account_region();
    let Ok(namespace_id) = NamespaceId::parse(input.namespace_id().unwrap_or_default(), &region)
    else {
        let message = "required: the id of the namespace to create the registry in, like `ns-y3uaw6neshhbev3f`, or its ARN";
        return Err(validation.refuse("serviceRegistry.NamespaceId", message));
    };
    input.namespace_id = Some(namespace_id.to_string());
    let Ok(name) = RegistryName::parse(input.name().unwrap_or_default()) else {
        return Err(validation.refuse("serviceRegistry.Name", REGISTRY_NAME_REQUIRED));
    };
    defaults::registry(&mut input);
    Ok(RegistryPart::New(NewRegistry {
        namespace_id,
        name,
        input,
    }))
}

/// Returns the ids of the registries of this account and region, and the whole ARNs of those that another account shares:
/// Cloud Map takes both.
fn existing_registries(
    request: &Request<'_>,
    service: &CreateServiceInput,
    validation: &mut Validation,
) -> Result<Vec<RegistryId>, Invalid> {
    let region = request.account.account_region();
    let mut ids = Ok(Vec::new());
    // Each of them is looked at, so that everything wrong is said together.
    for (index, registry) in service.service_registries().iter().enumerate() {
        let arn = registry.registry_arn().unwrap_or_default();
        if is_registry_arn(arn) {
            let id = RegistryId::of(arn, &region);
            ids = ids.map(|ids: Vec<_>| [ids, vec![id]].concat());
        } else {
            let path = format!("service.serviceRegistries[{index}].registryArn");
            let message = "required: the ARN of a Cloud Map service, `arn:aws:servicediscovery:…:service/srv-…`";
            ids = Err(validation.refuse(path, message));
        }
    }
    ids
}
