//! The services of a cluster.

use futures_util::FutureExt as _;
use serde_json::{Map, Value, json};

use super::operation::{Group, Handler, Operation};
use super::orchestrations::delete::{
    DELETE_PROBLEM, DELETION, PENDING, delete_service as delete_with_what_belongs_to_it,
};
use super::parameters::{COMPLETE, LIMIT, NEXT_TOKEN, Parameter, RECURSIVE, Values};
use super::schema::{Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use super::{Request, answers, shorthands};
use crate::aws::ecs;
use crate::error::{Error, NotFound};
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::Target;
use crate::orchestration::show::{self, ServiceView};
use crate::orchestration::{defaults, launch, lists};
use crate::reply::Reply;
use crate::wire::inputs::{CreateServiceInput, UpdateServiceInput, drop_answered_of_service};
use crate::wire::members::join;
use crate::wire::outputs::{
    CreateServiceOutput, Failure, Output as _, Service, ServiceEvent, TaskDefinition,
    UpdateServiceOutput,
};
use crate::wire::validation::Validation;
use crate::wire::write::write;

/// The launch types that services are listed by.
const LAUNCH_TYPES: &[&str] = &["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"];

/// `GET …/services`.
pub const LIST: Operation = Operation {
    query: &[
        Parameter::new(
            "all",
            Values::Flag,
            "The services themselves, with tags, instead of ARNs. Default: false.",
        ),
        LIMIT,
        NEXT_TOKEN,
        Parameter::new(
            "launchType",
            Values::OneOf(LAUNCH_TYPES),
            "Only services of this launch type. Default: all.",
        ),
    ],
    keeps_its_deadline: true,
    group: Group::Services,
    summary: "List a cluster's services, by their ARNs or as they are.",
    description: COMPLETE,
    answers: &[Answer::json(
        "ARNs; with `all`, services.",
        Schema::AnyOf(&[Schema::ARNS, Schema::List(&Schema::sdk::<Service>())]),
    )
    .with_headers(&["Link"])],
    ..Operation::get(
        "list_services",
        "/{account}/clusters/{cluster}/services",
        Handler::Account(|request| list_services(request).boxed()),
    )
};

/// Answers the ARNs of a cluster's services, of all launch types; with `all` the services themselves.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_services(request: &Request<'_>) -> Result<Reply, Error> {
    let (cluster, page) = (request.cluster()?, request.page_request()?);
    let launch_type = request.choice("launchType", LAUNCH_TYPES)?.map(Into::into);
    if request.flag("all")? {
        let listed =
            lists::list_services_described(request.account, &cluster, launch_type, page).await?;
        let (services, next) = request.write_fitting(listed)?;
        return Ok(request.answer_list(services, next));
    }
    let listed = ecs::list_services(request.account, &cluster, launch_type, page).await?;
    request.answer_arns(listed)
}

/// `POST …/services`.
pub const CREATE: Operation = Operation {
    group: Group::Services,
    summary: "Create a service of a task definition that exists.",
    description: "Without `networkConfiguration`, it gets the account's subnets and security groups, and no public address; \
                  without `launchType`, FARGATE, unless capacity providers decide.",
    body: Some(Body {
        schema: Schema::Input(CREATE_SERVICE_INPUT),
        is_required: true,
        aws: Some(AwsOperation::Ecs("CreateService")),
    }),
    answers: &[Answer::aws::<CreateServiceOutput>()],
    ..Operation::post(
        "create_service",
        "/{account}/clusters/{cluster}/services",
        Handler::Account(|request| create_service(request).boxed()),
    )
};

/// The input of `CreateService`, with tags as a map.
pub(super) const CREATE_SERVICE_INPUT: &InputSchema =
    &InputSchema::of::<CreateServiceInput>().with(&[TAGS_OF_ECS]);

/// Creates a service in the cluster that the path names, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `CreateService` input, and for what AWS refuses.
pub async fn create_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let (mut input, ignored) = request.input::<CreateServiceInput>(shorthands::service)?;
    request.check_cluster(input.cluster.as_deref(), &cluster)?;
    input.cluster = Some(cluster.to_string());
    tags::put_account(request, &mut input.tags, "tags")?;
    defaults::propagation(&mut input);
    let created = launch::create_service(
        request.account,
        &cluster,
        input,
        request.request_id,
        request.deadline,
    )
    .await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/services/{service}`.
pub const SHOW: Operation = Operation {
    query: &[Parameter::new(
        "all",
        Values::Flag,
        "One flat object with endpoint, tasks and task definition. Default: false.",
    )],
    group: Group::Services,
    summary: "Show a service, a DRAINING or INACTIVE one too.",
    description: "With `all`, one flat object that also has its `ServiceEndpoint`, its `Tasks` and its `TaskDefinition`.",
    answers: &[Answer::json(
        "The service, in a list of one; with `all`, a flat object.",
        Schema::AnyOf(&[SERVICES, WHOLE_SERVICE]),
    )],
    ..Operation::get(
        "show_service",
        "/{account}/clusters/{cluster}/services/{service}",
        Handler::Account(|request| show_service(request).boxed()),
    )
};

/// Services as AWS's `DescribeServices` answers them.
const SERVICES: Schema = Schema::Object(&[
    Member::always("Services", Schema::List(&Schema::sdk::<Service>())),
    Member::always("Failures", Schema::List(&Schema::sdk::<Failure>())),
]);

/// A service with everything around it: one flat object.
const WHOLE_SERVICE: Schema = Schema::Extended(
    "WholeService",
    Service::WALK,
    &[
        Member::sometimes(
            "TaskDefinition",
            Schema::AnyOf(&[
                Schema::sdk::<TaskDefinition>(),
                Schema::Described(
                    &Schema::Text,
                    "Its ARN, where AWS does not know it any more.",
                ),
            ]),
        ),
        Member::sometimes("ServiceEndpoint", Schema::Text)
            .described("`name.namespace`, if the service has a registry."),
        Member::always(
            "Tasks",
            Schema::List(&Schema::Described(
                &Schema::Text,
                "`cluster/id`, running and stopped.",
            )),
        ),
    ],
);

/// Answers one service with its tags, also a DRAINING or INACTIVE one; with `all` one flat object with its endpoint, its
/// tasks and its task definition.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses.
pub async fn show_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    if request.flag("all")? {
        let work = show::show_service(request.account, &cluster, &name, request.deadline);
        let view = Box::pin(work)
            .await?
            .ok_or_else(|| unknown(&name, &cluster))?;
        return Ok(Reply::json(flat(&view)?));
    }
    let found = ecs::describe_service(request.account, &cluster, &name).await?;
    let service = found.ok_or_else(|| unknown(&name, &cluster))?;
    Ok(Reply::json(
        json!({"Services": [write(&service)?], "Failures": []}),
    ))
}

fn unknown(name: &ServiceName, cluster: &ClusterName) -> NotFound {
    NotFound::Service {
        service: name.clone(),
        cluster: cluster.clone(),
    }
}

/// Writes one object of everything, as the original's callers read it.
fn flat(view: &ServiceView) -> Result<Value, Error> {
    let mut answer = write(&view.service)?;
    if let Some(endpoint) = &view.endpoint {
        answer["ServiceEndpoint"] = endpoint.as_str().into();
    }
    answer["Tasks"] = json!(view.tasks);
    if let Some(task_definition) = &view.task_definition {
        answer["TaskDefinition"] = write(task_definition)?;
    }
    Ok(answer)
}

/// `PATCH …/services/{service}`.
pub const UPDATE: Operation = Operation {
    group: Group::Services,
    summary: "Change what the body names, such as the number of tasks, and leave all else of a service as it is.",
    description: "The account's defaults have no say. At least one member is required.",
    body: Some(Body {
        schema: Schema::Input(&InputSchema {
            given_by_path: &["service"],
            is_never_empty: true,
            ..InputSchema::of::<UpdateServiceInput>()
        }),
        is_required: true,
        aws: Some(AwsOperation::Ecs("UpdateService")),
    }),
    answers: &[Answer::aws::<UpdateServiceOutput>()],
    ..Operation::patch(
        "update_service",
        "/{account}/clusters/{cluster}/services/{service}",
        Handler::Account(|request| update_service(request).boxed()),
    )
};

/// Changes what the body names, as the number of tasks or the task definition, and leaves all else as it is. The
/// account's defaults have no say.
///
/// # Errors
/// [`Error`] for a body that is no `UpdateService` input or changes nothing, and for what AWS refuses.
pub async fn update_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    let (mut input, ignored) = request.input::<UpdateServiceInput>(|body, path, validation| {
        answers::unwrap(body, path, answers::SERVICE, validation);
        if answers::plain_service(body, path, validation) {
            keep_what_can_change(body, path, &name, validation);
        }
        if body.is_empty() {
            validation.refuse(
                path,
                "nothing to change: name at least one member, such as `desiredCount`",
            );
        }
        let given = validation.take(body, path, "service");
        body.insert(
            "service".to_owned(),
            given.unwrap_or_else(|| name.as_str().into()),
        );
    })?;
    request.check_cluster(input.cluster.as_deref(), &cluster)?;
    request.check_service(input.service().unwrap_or_default(), &name, &cluster)?;
    (input.cluster, input.service) = (Some(cluster.to_string()), Some(name.to_string()));
    let updated = ecs::update_service(request.account, input).await?;
    Ok(Reply::json(write(&updated)?).with_ignored(request.is_lenient(), &ignored))
}

/// Leaves of a service's answer what `UpdateService` takes. An answer of another service is refused: what it says is not
/// meant for this one.
fn keep_what_can_change(
    answer: &mut Map<String, Value>,
    path: &str,
    name: &ServiceName,
    validation: &mut Validation,
) {
    let given = validation.take(answer, path, "serviceName");
    if given.is_some_and(|given| given != name.as_str()) {
        let message = format!("is not the path's service, `{name}`");
        validation.refuse(join(path, "serviceName"), message);
    }
    drop_answered_of_service(answer);
}

/// `DELETE …/services/{service}`.
pub const DELETE: Operation = Operation {
    query: &[RECURSIVE],
    keeps_its_deadline: true,
    group: Group::Services,
    summary: "Force-delete a service and, if asked for, its registries and its cluster.",
    description: "Without `recursive` it is done once ECS has agreed; the service may still be draining. With it, as \
                  `delete_orchestration`.",
    answers: &[
        Answer::json(
            "The service; with `recursive`, also what was deleted, and what was kept and why.",
            DELETION,
        ),
        PENDING,
    ],
    problem: Some(DELETE_PROBLEM),
    ..Operation::delete(
        "delete_service",
        "/{account}/clusters/{cluster}/services/{service}",
        Handler::Account(|request| delete_service(request).boxed()),
    )
};

/// Deletes a service by force; with `recursive` also its registries and its cluster.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    if request.flag("recursive")? {
        let target = Target {
            cluster,
            service: name,
            is_recursive: true,
        };
        return delete_with_what_belongs_to_it(request, &target).await;
    }
    let work = async {
        let deleted = ecs::delete_service(request.account, &cluster, &name);
        Ok::<_, Error>(deleted.await?)
    };
    let deleted = request.deadline.run(work).await?;
    Ok(Reply::json(write(&deleted)?))
}

/// `GET …/services/{service}/events`.
pub const LIST_EVENTS: Operation = Operation {
    group: Group::Services,
    summary: "List what ECS says of a service, newest first.",
    description: "The last hundred events.",
    answers: &[Answer::json(
        "Done, as AWS answers it.",
        Schema::List(&Schema::sdk::<ServiceEvent>()),
    )],
    ..Operation::get(
        "list_events",
        "/{account}/clusters/{cluster}/services/{service}/events",
        Handler::Account(|request| list_events(request).boxed()),
    )
};

/// Answers what ECS says of the service, newest first.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know the service; else what AWS refuses.
pub async fn list_events(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    let found = ecs::describe_service(request.account, &cluster, &name).await?;
    let mut service = found.ok_or_else(|| unknown(&name, &cluster))?;
    let mut events = service.events.take().unwrap_or_default();
    events.sort_by(|one, other| other.created_at().cmp(&one.created_at()));
    let events = events
        .iter()
        .map(|event| Ok(write(event)?))
        .collect::<Result<_, Error>>()?;
    Ok(Reply::json(Value::Array(events)))
}
