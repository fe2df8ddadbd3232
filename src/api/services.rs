//! The services of a cluster.

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::operation::{Group, Handler, Operation, Timing};
use super::orchestrations::delete::{
    DELETE_PROBLEM, DELETION, PENDING, delete_service as delete_with_what_belongs_to_it,
};
use super::parameters::{COMPLETE, LAUNCH_TYPES, LIMIT, NEXT_TOKEN, Parameter, RECURSIVE, Values};
use super::schema::{Answer, AwsOperation, Body, InputSchema, Member, Schema};
use super::tags::{self, TAGS_OF_ECS};
use super::{Request, deploys, shorthands};
use crate::aws::ecs;
use crate::error::{Error, NotFound};
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::Target;
use crate::orchestration::show::{self, ServiceView};
use crate::orchestration::{defaults, launch, lists};
use crate::reply::Reply;
use crate::wire::inputs::CreateServiceInput;
use crate::wire::outputs::{
    CreateServiceOutput, Failure, Output as _, Service, ServiceEvent, TaskDefinition,
};
use crate::wire::write::write;

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
    timing: Timing::InTime,
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
    description: "With `all`, one flat object that also has its `ServiceEndpoint`, its `Tasks` and its `TaskDefinition`. \
                  The `ETag` is that of what is deployed: it changes with each deployment, and with nothing else.",
    answers: &[Answer::json(
        "The service, in a list of one; with `all`, a flat object.",
        Schema::AnyOf(&[SERVICES, WHOLE_SERVICE]),
    )
    .with_headers(&["ETag"])],
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
        return Ok(deploys::with_etag(Reply::json(flat(&view)?), &view.service));
    }
    let found = ecs::describe_service(request.account, &cluster, &name).await?;
    let service = found.ok_or_else(|| unknown(&name, &cluster))?;
    let reply = Reply::json(json!({"Services": [write(&service)?], "Failures": []}));
    Ok(deploys::with_etag(reply, &service))
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

/// `DELETE …/services/{service}`.
pub const DELETE: Operation = Operation {
    query: &[RECURSIVE],
    timing: Timing::Flow,
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
