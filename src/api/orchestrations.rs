//! The orchestrated create and delete: a service with everything around it, by one request.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};
use tracing::warn;

use super::clusters::{CLUSTER_NAME_REQUIRED, CREATE_CLUSTER_INPUT};
use super::operation::{Group, Handler, Operation, ProblemSchema};
use super::parameters::{Parameter, RECURSIVE, Values};
use super::registries::{CREATE_REGISTRY_INPUT, REGISTRY_NAME_REQUIRED};
use super::request::boolean;
use super::schema::{Answer, Body, InputSchema, Member, Schema};
use super::task_definitions::REGISTER_TASK_DEFINITION_INPUT;
use super::{Request, answers, shorthands};
use crate::cleanup::Unfinished;
use crate::error::{Error, causes};
use crate::ids::{
    self, ClusterName, RegistryId, ServiceName, TaskDefinitionName, is_ecs_name, is_namespace_id,
    is_registry_arn, is_registry_name,
};
use crate::orchestration::create::{
    self, ClusterPart, Creation, Plan, RegistryPart, TaskDefinitionPart,
};
use crate::orchestration::defaults;
use crate::orchestration::delete::{self, Failure, Progress, Target};
use crate::orchestration::idempotency::Run;
use crate::orchestration::tags::TAGS_MAX;
use crate::problem::left_behind;
use crate::reply::Reply;
use crate::text::printable;
use crate::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
};
use crate::wire::outputs::{Cluster, Registry, Service, TaskDefinition};
use crate::wire::read::{Input, read};
use crate::wire::validation::Validation;
use crate::wire::write::write;

/// When a caller may ask again about a delete that is not done, in seconds.
const PENDING_RETRY_S: u32 = 15;
/// What a delete keeps back of the request's time to write its answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);
/// The same where it first hands over to the queue what is pending, by two calls of AWS.
const QUEUE_RESERVE: Duration = Duration::from_secs(4);
/// What a caller has to do where the queue does not.
const REPEAT: &str =
    "nobody goes on with it: repeat this DELETE, after `Retry-After`, until it answers 200";
/// The most registries of a service that are looked at. (ECS takes one:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRegistry.html>.)
const REGISTRIES_MAX: usize = 5;
/// The parts of an orchestrated create's body, as messages name them.
const PARTS: [&str; 4] = ["cluster", "taskDefinition", "serviceRegistry", "service"];

/// `POST /{account}/services`.
pub const CREATE: Operation = Operation {
    keeps_its_deadline: true,
    heeds_idempotency_key: true,
    group: Group::WholeServices,
    summary: "Create a service and what it needs, or nothing.",
    description: "Cluster, task definition and registry exist, if `service` names them, or are created, if their part is given. \
                  Everything checkable is checked before the first call that changes anything. If a step fails, what this \
                  request has made is taken back, newest first, and the problem says so in `Created`, `RolledBack` and \
                  `LeftBehind`. The account's defaults apply where the body leaves a member out.",
    body: Some(Body {
        schema: CREATE_ORCHESTRATION_INPUT,
        is_required: true,
        aws: None,
    }),
    answers: &[Answer::json(
        "The parts that are involved: those that were made, and those that were there.",
        CREATE_ORCHESTRATION_OUTPUT,
    )],
    problem: Some(ProblemSchema {
        name: "CreateProblem",
        members: &[
            Member::sometimes("Created", ARN_OBJECTS)
                .described("What the request had made before it failed."),
            Member::sometimes("RolledBack", ARN_OBJECTS).described("What of it was taken back."),
            Member::sometimes("LeftBehind", LEFTOVERS).described(
                "What of it, and of what an identical request made, is or may be still there, and the command that removes it.",
            ),
        ],
    }),
    example: Some("create_orchestration_without_registry"),
    ..Operation::post(
        "create_orchestration",
        "/{account}/services",
        Handler::Account(|request| create_orchestration(request).boxed()),
    )
};

const CREATE_ORCHESTRATION_INPUT: Schema = Schema::Component(
    "CreateOrchestrationInput",
    &Schema::Closed(&[
        Member::optional("cluster", Schema::Input(CREATE_CLUSTER_INPUT))
            .described("The cluster to create, where `service.cluster` names none."),
        Member::optional(
            "taskDefinition",
            Schema::Input(REGISTER_TASK_DEFINITION_INPUT),
        )
        .described("The revision to register, where `service.taskDefinition` names none."),
        Member::optional("serviceRegistry", Schema::Input(CREATE_REGISTRY_INPUT)).described(
            "The registry to create, where `service.serviceRegistries` names none; or none.",
        ),
        Member::always(
            "service",
            Schema::Input(&InputSchema::of::<CreateServiceInput>()),
        ),
    ]),
);

const CREATE_ORCHESTRATION_OUTPUT: Schema = Schema::Component(
    "CreateOrchestrationOutput",
    &Schema::Object(&[
        Member::always("Cluster", Schema::sdk::<Cluster>()),
        Member::always("TaskDefinition", Schema::sdk::<TaskDefinition>()),
        Member::always("Service", Schema::sdk::<Service>()),
        Member::sometimes("ServiceDiscoveryService", Schema::sdk::<Registry>()),
        Member::sometimes("LeftBehind", LEFTOVERS).described(
            "What the request made beside the service of an identical one, and could not take back. Absent if nothing.",
        ),
    ]),
);

const ARN_OBJECTS: Schema = Schema::List(&Schema::Object(&[Member::always("Arn", Schema::Text)]));

const LEFTOVERS: Schema = Schema::List(&Schema::Component(
    "Leftover",
    &Schema::Object(&[
        Member::always("Arn", Schema::Text),
        Member::always("Error", Schema::Text),
        Member::always("Command", Schema::Text),
    ]),
));

/// Creates cluster, task definition, registry and service by one request, or nothing.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with the body; [`Error::Create`] with the first cause and
/// what became of what had been made.
pub async fn create_orchestration(request: &Request<'_>) -> Result<Reply, Error> {
    let run = request.run()?;
    let mut validation = request.validation();
    let plan = plan(request, &mut validation)?;
    if let Some(plan) = &plan {
        leave_room_for_tags(plan, &run, &mut validation);
    }
    let ignored = validation.finish().map_err(Error::Input)?;
    let plan = plan.ok_or_else(|| Error::Bug("a plan read without problem or value".to_owned()))?;
    let work = create::create(request.account, plan, &run, request.deadline);
    let creation = Box::pin(work).await.map_err(Box::new)?;
    Ok(Reply::json(shape(&creation)?).with_ignored(request.is_lenient(), &ignored))
}

/// `DELETE /{account}/services`.
pub const DELETE: Operation = Operation {
    query: &[
        Parameter::new(
            "cluster",
            Values::Cluster,
            "The service's cluster, by name or ARN; here or in the body.",
        ),
        Parameter::new(
            "service",
            Values::InCluster("service"),
            "The service, by name or ARN; here or in the body.",
        ),
        RECURSIVE,
    ],
    keeps_its_deadline: true,
    group: Group::WholeServices,
    summary: "Delete a service and, if asked for, its registries and its cluster.",
    description: "What to delete stands in the body or in the query. With `recursive`, the registries go once the tasks and \
                  their registrations are gone, and then the cluster, unless something else is in it or it is `default`. \
                  While something is pending the answer is 202: the stack's queue goes on with it, or, where `Queued` is false, \
                  the same request after `Retry-After`.",
    body: Some(Body {
        schema: DELETE_ORCHESTRATION_INPUT,
        is_required: false,
        aws: None,
    }),
    answers: &[
        Answer::json(
            "Done: what was deleted, and what was kept and why.",
            DELETION,
        ),
        PENDING,
    ],
    problem: Some(DELETE_PROBLEM),
    ..Operation::delete(
        "delete_orchestration",
        "/{account}/services",
        Handler::Account(|request| delete_orchestration(request).boxed()),
    )
};

const DELETE_ORCHESTRATION_INPUT: Schema = Schema::Component(
    "DeleteOrchestrationInput",
    &Schema::Closed(&[
        Member::optional("cluster", Schema::Text)
            .described("The service's cluster, by name or ARN."),
        Member::optional("service", Schema::Text).described("The service, by name or ARN."),
        Member::sometimes(
            "recursive",
            Schema::Json(
                r#"{"type": ["boolean", "string", "null"], "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)$"}"#,
            ),
        )
        .described("Also delete what belongs to the service. Default: false."),
    ]),
);

/// The answer of a delete: what it has done so far.
pub(super) const DELETION: Schema = Schema::Component(
    "Deletion",
    &Schema::Object(&[
        Member::always("Service", Schema::sdk::<Service>()),
        Member::sometimes("Deleted", Schema::ARNS),
        Member::sometimes("Kept", KEPT),
        Member::sometimes(
            "Pending",
            Schema::List(&Schema::Object(&[
                Member::always("Arn", Schema::Text),
                Member::always("WaitingFor", Schema::Text),
            ])),
        ),
        Member::sometimes("Queued", Schema::Boolean)
            .described("Whether the stack's queue goes on with what is pending."),
        Member::sometimes("Detail", Schema::Text)
            .described("What the caller has to do, where the queue does not go on."),
    ]),
);

/// The answer of a delete that is not done.
pub(super) const PENDING: Answer = Answer {
    status: 202,
    headers: &["Retry-After"],
    ..Answer::json("Not done yet: `Pending` says what it waits for.", DELETION)
};

/// The problem of a delete that was refused.
pub(super) const DELETE_PROBLEM: ProblemSchema = ProblemSchema {
    name: "DeleteProblem",
    members: &[
        Member::sometimes("Deleted", Schema::ARNS)
            .described("The ARNs that were deleted before it failed."),
        Member::sometimes("Kept", KEPT).described("What is kept, and why."),
    ],
};

const KEPT: Schema = Schema::List(&Schema::Object(&[
    Member::always("Arn", Schema::Text),
    Member::always("Reason", Schema::Text),
]));

/// Deletes a service, and with `recursive` its registries and its cluster. What to delete comes in the body or in the
/// query.
///
/// # Errors
/// [`Error::Input`] without a cluster and a service; [`Error::Delete`] with a refusal and what was gone before.
pub async fn delete_orchestration(request: &Request<'_>) -> Result<Reply, Error> {
    let (target, ignored) = target(request)?;
    let reply = delete_service(request, &target).await?;
    Ok(reply.with_ignored(request.is_lenient(), &ignored))
}

/// Deletes, and answers how far it came: 200 when it is done, 202 while something is pending.
pub(super) async fn delete_service(request: &Request<'_>, target: &Target) -> Result<Reply, Error> {
    let reserve = if request.cleanup.is_some() {
        QUEUE_RESERVE
    } else {
        ANSWER_RESERVE
    };
    let work = delete::delete(request.account, target, request.deadline.keeping(reserve));
    let (progress, failure) = match Box::pin(work).await {
        Ok(progress) => (progress, None),
        Err(Failure {
            unfinished: Some(progress),
            cause,
            deleted,
            kept,
        }) if request.cleanup.is_some() => (
            *progress,
            Some(Failure {
                unfinished: None,
                cause,
                deleted,
                kept,
            }),
        ),
        Err(failure) => return Err(Box::new(failure).into()),
    };
    let is_queued = !progress.pending.is_empty() && is_queued(request, target, &progress).await;
    if let Some(failure) = failure.filter(|_| !is_queued) {
        return Err(Box::new(failure).into());
    }
    let mut answer = Map::new();
    answer.insert("Service".to_owned(), write(&progress.service)?);
    answer.insert("Deleted".to_owned(), json!(progress.deleted));
    let kept = progress
        .kept
        .iter()
        .map(|kept| json!({"Arn": kept.arn, "Reason": kept.reason}));
    answer.insert("Kept".to_owned(), kept.collect());
    if progress.pending.is_empty() {
        return Ok(Reply::json(Value::Object(answer)));
    }
    let pending = progress
        .pending
        .iter()
        .map(|item| json!({"Arn": item.arn, "WaitingFor": item.waiting_for}));
    answer.insert("Pending".to_owned(), pending.collect());
    answer.insert("Queued".to_owned(), is_queued.into());
    if !is_queued {
        answer.insert("Detail".to_owned(), REPEAT.into());
    }
    Ok(Reply::json(Value::Object(answer)).accepted(PENDING_RETRY_S))
}

/// Whether the queue has taken what is pending; why it has not is for the log.
async fn is_queued(request: &Request<'_>, target: &Target, progress: &Progress) -> bool {
    let Some(cleanup) = request.cleanup else {
        return false;
    };
    let account_name = request.path.parameter("account");
    let Request {
        account,
        caller,
        request_id,
        deadline,
        ..
    } = *request;
    let unfinished = Unfinished {
        target,
        progress,
        account_name,
        caller,
        request_id,
    };
    let cause = match deadline
        .limit(Box::pin(cleanup.take_over(account, unfinished)))
        .await
    {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => causes(&error),
        Err(elapsed) => elapsed.to_string(),
    };
    warn!(
        correlation_id = request_id,
        caller, cause, "delete: not queued"
    );
    false
}

/// What to delete: members of the body, or query parameters of the same names.
fn target(request: &Request<'_>) -> Result<(Target, Vec<String>), Error> {
    let mut validation = request.validation();
    let mut body = if request.call.body.is_empty() {
        Map::new()
    } else {
        request.object()?
    };
    let mut given = |name: &str, validation: &mut Validation| match (
        validation.take(&mut body, "", name),
        request.query(name),
    ) {
        (Some(value), Some(_)) => {
            validation.refuse(name, "given in the body and in the query; give one of them");
            Some(value)
        }
        (Some(value), None) => Some(value),
        (None, query) => query.map(Value::from),
    };
    let cluster = given("cluster", &mut validation);
    let service = given("service", &mut validation);
    let recursive = given("recursive", &mut validation);
    for (name, _) in body.iter().filter(|(_, value)| !value.is_null()) {
        validation.unknown_member(
            printable(name),
            name,
            ["cluster", "service", "recursive"].into_iter(),
        );
    }
    let region = request.account.account_region();
    let cluster = text("cluster", cluster.as_ref(), &mut validation).and_then(|text| {
        ClusterName::parse(text, &region)
            .map_err(|error| validation.refuse("cluster", error.to_string()))
            .ok()
    });
    let service = text("service", service.as_ref(), &mut validation)
        .zip(cluster.as_ref())
        .and_then(|(text, cluster)| {
            let service = ServiceName::parse(text, &region, cluster);
            service
                .map_err(|error| validation.refuse("service", error.to_string()))
                .ok()
        });
    let is_recursive = match recursive {
        None => Some(false),
        Some(Value::Bool(value)) => Some(value),
        Some(other) => other.as_str().and_then(boolean),
    };
    if is_recursive.is_none() {
        validation.refuse("recursive", "expected `true` or `false`");
    }
    let ignored = validation.finish().map_err(Error::Input)?;
    match (cluster, service, is_recursive) {
        (Some(cluster), Some(service), Some(is_recursive)) => Ok((
            Target {
                cluster: cluster.to_string(),
                service: service.to_string(),
                is_recursive,
            },
            ignored,
        )),
        _ => Err(Error::Bug(
            "a target read without problem or value".to_owned(),
        )),
    }
}

fn text<'v>(name: &str, value: Option<&'v Value>, validation: &mut Validation) -> Option<&'v str> {
    let text = value.and_then(Value::as_str);
    if text.is_none() {
        validation.refuse(
            name,
            format!("required: the {name}'s name, as a member of the body or in the query"),
        );
    }
    text
}

/// Reads the body into a plan; what is wrong goes to the validation, all of it.
fn plan(request: &Request<'_>, validation: &mut Validation) -> Result<Option<Plan>, Error> {
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
        .map(|((cluster, task_definition), registry)| Plan {
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

/// Refuses more tags than AWS takes beside those that the run puts on what it makes.
fn leave_room_for_tags(plan: &Plan, run: &Run, validation: &mut Validation) {
    let cluster = if let ClusterPart::New { input, .. } = &plan.cluster {
        input.tags().len()
    } else {
        0
    };
    let definition = if let TaskDefinitionPart::New(input) = &plan.task_definition {
        input.tags().len()
    } else {
        0
    };
    let registry = if let RegistryPart::New { input, .. } = &plan.registry {
        input.tags().len()
    } else {
        0
    };
    let counts = [cluster, definition, registry, plan.service.tags().len()];
    let most = TAGS_MAX - run.tags().len();
    for (part, _) in PARTS.iter().zip(counts).filter(|(_, count)| *count > most) {
        let with = if run.is_keyed() {
            " with an `Idempotency-Key`"
        } else {
            ""
        };
        validation.refuse(
            format!("{part}.tags"),
            format!("at most {most} tags are accepted{with}"),
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

fn shape(creation: &Creation) -> Result<Value, Error> {
    let mut answer = Map::new();
    answer.insert("Cluster".to_owned(), write(&creation.cluster)?);
    answer.insert(
        "TaskDefinition".to_owned(),
        write(&creation.task_definition)?,
    );
    if let Some(registry) = &creation.registry {
        answer.insert("ServiceDiscoveryService".to_owned(), write(registry)?);
    }
    answer.insert("Service".to_owned(), write(&creation.service)?);
    if !creation.left_behind.is_empty() {
        answer.insert("LeftBehind".to_owned(), left_behind(&creation.left_behind));
    }
    Ok(Value::Object(answer))
}
