//! The services of a cluster.

use serde_json::{Value, json};

use super::Request;
use super::orchestrations::delete_service as delete_with_what_belongs_to_it;
use crate::aws::ecs;
use crate::error::Error;
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::Target;
use crate::orchestration::idempotency::Run;
use crate::orchestration::show::{self, Shown};
use crate::orchestration::{launch, lists};
use crate::reply::Reply;
use crate::wire::inputs::{CreateServiceInput, UpdateServiceInput};
use crate::wire::write::write;

/// `GET …/services`: the ARNs of a cluster's services, of all launch types; with `all` the services themselves.
///
/// # Errors
/// [`Error`] for a bad query, and for what AWS refuses.
pub async fn list_services(request: &Request<'_>) -> Result<Reply, Error> {
    let (cluster, page) = (request.cluster()?, request.page_request()?);
    let launch_type = request.choice(
        "launchType",
        &["FARGATE", "EC2", "EXTERNAL", "MANAGED_INSTANCES"],
    )?;
    let launch_type = launch_type.map(Into::into);
    if request.flag("all")? {
        let listed =
            lists::list_services_described(request.account, cluster.as_str(), launch_type, page)
                .await?;
        let (services, next) = request.fitting(listed)?;
        return Ok(request.list(services, next));
    }
    let listed = ecs::list_services(request.account, cluster.as_str(), launch_type, page).await?;
    request.arns(listed)
}

/// `POST …/services`: creates a service in the cluster that the path names, with the account's defaults.
///
/// # Errors
/// [`Error`] for a body that is no `CreateService` input, and for what AWS refuses.
pub async fn create_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let (mut input, ignored) = request.input::<CreateServiceInput>(|_, _, _| {})?;
    request.check_cluster(input.cluster.as_deref(), &cluster)?;
    input.cluster = Some(cluster.to_string());
    let created = launch::create_service(
        request.account,
        input,
        &Run::new(request.request_id, None).token(""),
        request.deadline,
    )
    .await?;
    Ok(Reply::json(write(&created)?).with_ignored(request.is_lenient(), &ignored))
}

/// `GET …/services/{service}`: one service with its tags, also a DRAINING or INACTIVE one; with `all` one flat object
/// with its endpoint, its tasks and its task definition.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know it; else what AWS refuses.
pub async fn show_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    if request.flag("all")? {
        let work = show::show_service(
            request.account,
            cluster.as_str(),
            name.as_str(),
            request.deadline,
        );
        let shown = Box::pin(work)
            .await?
            .ok_or_else(|| unknown(&name, &cluster))?;
        return Ok(Reply::json(flat(&shown)?));
    }
    let found = ecs::describe_service(request.account, cluster.as_str(), name.as_str()).await?;
    let service = found.ok_or_else(|| unknown(&name, &cluster))?;
    Ok(Reply::json(
        json!({"Services": [write(&service)?], "Failures": []}),
    ))
}

fn unknown(name: &ServiceName, cluster: &ClusterName) -> Error {
    Error::NotFound(format!(
        "there is no service `{name}` in the cluster `{cluster}`"
    ))
}

/// One object of everything; the original's callers read it so.
fn flat(shown: &Shown) -> Result<Value, Error> {
    let mut answer = write(&shown.service)?;
    if let Some(endpoint) = &shown.endpoint {
        answer["ServiceEndpoint"] = endpoint.as_str().into();
    }
    answer["Tasks"] = json!(shown.tasks);
    if let Some(task_definition) = &shown.task_definition {
        answer["TaskDefinition"] = write(task_definition)?;
    }
    Ok(answer)
}

/// `PATCH …/services/{service}`: changes what the body names, as the number of tasks or the task definition, and
/// leaves all else as it is. The account's defaults have no say.
///
/// # Errors
/// [`Error`] for a body that is no `UpdateService` input or changes nothing, and for what AWS refuses.
pub async fn update_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    let (mut input, ignored) = request.input::<UpdateServiceInput>(|body, path, validation| {
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

/// `DELETE …/services/{service}`: force-deletes a service; with `recursive` also its registries and its cluster.
///
/// # Errors
/// [`Error`] for what AWS refuses.
pub async fn delete_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    if request.flag("recursive")? {
        let target = Target {
            cluster: cluster.to_string(),
            service: name.to_string(),
            is_recursive: true,
        };
        return delete_with_what_belongs_to_it(request, &target).await;
    }
    let work = ecs::delete_service(request.account, cluster.as_str(), name.as_str());
    let deleted = request.deadline.limit(work).await??;
    Ok(Reply::json(write(&deleted)?))
}

/// `GET …/services/{service}/events`: what ECS says of the service, newest first.
///
/// # Errors
/// [`Error::NotFound`] if AWS does not know the service; else what AWS refuses.
pub async fn list_events(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    let found = ecs::describe_service(request.account, cluster.as_str(), name.as_str()).await?;
    let mut service = found.ok_or_else(|| unknown(&name, &cluster))?;
    let mut events = service.events.take().unwrap_or_default();
    events.sort_by(|one, other| other.created_at().cmp(&one.created_at()));
    let events = events
        .iter()
        .map(|event| Ok(write(event)?))
        .collect::<Result<_, Error>>()?;
    Ok(Reply::json(Value::Array(events)))
}
