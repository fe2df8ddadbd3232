//! `POST /{account}/services`: a service and everything that it needs, by one request, or nothing.

use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::create_body::{self, CreateBody, Form};
use super::dry_run::{self, DRY_RUN, DRY_RUN_OUTPUT};
use super::short_form::SHORT_FORM;
use crate::api::Request;
use crate::api::clusters::CREATE_CLUSTER_INPUT;
use crate::api::operation::{Group, Handler, Operation, ProblemSchema, Timing};
use crate::api::registries::CREATE_REGISTRY_INPUT;
use crate::api::schema::{Answer, Body, Member, Schema};
use crate::api::services::CREATE_SERVICE_INPUT;
use crate::api::tags::TAGS;
use crate::api::task_definitions::REGISTER_TASK_DEFINITION_INPUT;
use crate::error::Error;
use crate::orchestration::Cause;
use crate::orchestration::checks::ServiceFault;
use crate::orchestration::create::{self, Creation};
use crate::orchestration::failure::Failure;
use crate::orchestration::plan::CreatePlan;
use crate::orchestration::request::{ClusterPart, CreateRequest, RegistryPart, TaskDefinitionPart};
use crate::reply::Reply;
use crate::wire::outputs::{Cluster, Registry, Service, TaskDefinition};
use crate::wire::validation::FieldError;
use crate::wire::write::write;

/// `POST /{account}/services`.
pub const CREATE: Operation = Operation {
    timing: Timing::Flow,
    heeds_idempotency_key: true,
    query: &[DRY_RUN],
    group: Group::WholeServices,
    summary: "Create a service and what it needs, or nothing.",
    description: "Cluster, task definition and registry exist, if `service` names them, or are created, if their part is given. \
                  Everything checkable is checked before the first call that changes anything. If a step fails, what this \
                  request has made is taken back, newest first, and the problem says so in `Created`, `RolledBack` and \
                  `LeftBehind`. The account's defaults apply where the body leaves a member out.",
    body: Some(Body {
        schema: Schema::AnyOf(&[CREATE_ORCHESTRATION_INPUT, SHORT_FORM]),
        is_required: true,
        aws: None,
    }),
    answers: &[Answer::json(
        "The parts that are involved: those that were made, and those that were there. With `dryRun`, what would be done.",
        Schema::AnyOf(&[CREATE_ORCHESTRATION_OUTPUT, DRY_RUN_OUTPUT]),
    )],
    problem: Some(ProblemSchema {
        name: "CreateProblem",
        members: TAKEN_BACK,
    }),
    example: Some("create_orchestration_short"),
    ..Operation::post(
        "create_orchestration",
        "/{account}/services",
        Handler::Account(|request| create_orchestration(request).boxed()),
    )
};

/// The members by which a problem tells what became of what had been made.
pub(in crate::api) const TAKEN_BACK: &[Member] = &[
    Member::sometimes("Created", ARN_OBJECTS)
        .described("What the request had made before it failed."),
    Member::sometimes("RolledBack", ARN_OBJECTS).described("What of it was taken back."),
    Member::sometimes("LeftBehind", LEFTOVERS)
        .described("What of it is, or may be, still there, and the command that removes it."),
];

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
        Member::always("service", Schema::Input(CREATE_SERVICE_INPUT)),
        Member::optional("tags", TAGS)
            .described("Tags of everything that is made, as a map or as AWS's list."),
    ]),
);

const CREATE_ORCHESTRATION_OUTPUT: Schema = Schema::Component(
    "CreateOrchestrationOutput",
    &Schema::Object(&[
        Member::always("Cluster", Schema::sdk::<Cluster>()),
        Member::always("TaskDefinition", Schema::sdk::<TaskDefinition>()),
        Member::always("Service", Schema::sdk::<Service>()),
        Member::sometimes("ServiceDiscoveryService", Schema::sdk::<Registry>()),
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
/// [`Error::Input`] with everything that is wrong with the body; [`Error::TakenBack`] with the first cause and
/// what became of what had been made.
pub async fn create_orchestration(request: &Request<'_>) -> Result<Reply, Error> {
    let context = request.flow_context()?;
    let body = create_body::read_body(request).await?;
    let CreateBody {
        wanted,
        form,
        ignored,
    } = body;
    if request.flag(DRY_RUN.name)? {
        let asked = wanted.clone();
        let plan = Box::pin(create::plan(&context, wanted)).await;
        let plan = plan.map_err(|cause| refusal(Failure::before_any_change(cause), form))?;
        let long_form = write_long_form(&asked, &plan)?;
        return Ok(dry_run::reply(Some(long_form), &plan.steps())
            .with_ignored(request.is_lenient(), &ignored));
    }
    let work = create::create(&context, wanted);
    let creation = Box::pin(work)
        .await
        .map_err(|failure| refusal(failure, form))?;
    Ok(Reply::json(shape(&creation)?).with_ignored(request.is_lenient(), &ignored))
}

/// Writes a request with everything filled in that is known before anything is made.
fn write_long_form(asked: &CreateRequest, plan: &CreatePlan) -> Result<Value, Error> {
    let mut request = Map::new();
    let mut service = plan.service.clone();
    if let ClusterPart::New(new) = &asked.cluster {
        // A cluster that the service names must be there.
        service.cluster = None;
        request.insert("Cluster".to_owned(), write(&*new.input)?);
    }
    if let TaskDefinitionPart::New(new) = &asked.task_definition {
        request.insert("TaskDefinition".to_owned(), write(&*new.input)?);
    }
    if let RegistryPart::New(new) = &asked.registry {
        request.insert("ServiceRegistry".to_owned(), write(&*new.input)?);
    }
    request.insert("Service".to_owned(), write(&service)?);
    Ok(Value::Object(request))
}

/// Returns the error of a create that failed: what is wrong with its body is said as of any body.
fn refusal(failure: Failure, form: Form) -> Error {
    match failure.cause {
        Cause::Faulty(faults) => form.tell(faults.iter().map(field_error).collect()),
        Cause::SharedNamespace { .. } => form.tell(vec![FieldError {
            path: "serviceRegistry.NamespaceId".to_owned(),
            message: failure.cause.to_string(),
        }]),
        cause => Box::new(Failure { cause, ..failure }).into(),
    }
}

fn field_error(fault: &ServiceFault) -> FieldError {
    FieldError {
        path: format!("service.{}", fault.path),
        message: fault.cause.to_string(),
    }
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
    Ok(Value::Object(answer))
}
