//! The body of a deploy: this API's own members beside those of `UpdateService`.

use serde_json::{Map, Value};

use super::precondition;
use crate::api::{Request, answers, shorthands};
use crate::error::Error;
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::deploy::DeployRequest;
use crate::orchestration::tags::SharedTags;
use crate::text::printable;
use crate::wire::definition::DefinitionChange;
use crate::wire::inputs::{UpdateServiceInput, drop_answered_of_service};
use crate::wire::members::{join, key_of};
use crate::wire::read::read;
use crate::wire::tag_changes::{TagChange, take_tags};
use crate::wire::validation::{Invalid, Validation};

/// The members by which the path's cluster and service may be named again.
const OF_THE_PATH: [&str; 2] = ["cluster", "service"];

/// The members that the answer of a deploy has beside its service.
const TOLD: [&str; 5] = [
    "changed",
    "taskDefinition",
    "previousTaskDefinition",
    "deployment",
    "changes",
];

/// Reads the body, and lists the members that were ignored.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with it.
pub(super) fn read_body(request: &Request<'_>) -> Result<(DeployRequest, Vec<String>), Error> {
    let cluster = request.cluster()?;
    let name = request.service(&cluster)?;
    let precondition = precondition(request)?;
    let mut validation = request.validation();
    let change = read_change(request.object()?, &name, &mut validation);
    if let Ok(change) = &change {
        check_account_tags(request, &change.tags, &mut validation);
    }
    let (change, ignored) = validation.finish_with(change).map_err(Error::Input)?;
    let update = name_path(request, change.update, &cluster, &name)?;
    let wanted = DeployRequest {
        cluster,
        service: name,
        definition: change.definition,
        tags: change.tags,
        update,
        precondition,
    };
    Ok((wanted, ignored))
}

/// Everything that a body changes.
struct BodyChanges {
    definition: DefinitionChange,
    tags: Vec<TagChange>,
    /// The update with the members of the body, and whether there are any beside those of the path.
    update: (UpdateServiceInput, bool),
}

fn read_change(
    mut body: Map<String, Value>,
    name: &ServiceName,
    validation: &mut Validation,
) -> Result<BodyChanges, Invalid> {
    drop_told_of_a_deploy(&mut body, validation);
    answers::unwrap(&mut body, "", answers::SERVICE, validation);
    let is_answer = answers::plain_service(&mut body, "", validation);
    let mut value = Value::Object(body);
    answers::drop_reserved_tags(&mut value);
    let Value::Object(mut body) = value else {
        return Err(validation.refuse("", "expected a JSON object as the body"));
    };
    if body.is_empty() {
        validation.refuse(
            "",
            "nothing to change: name at least one member, such as `tag` or `desiredCount`",
        );
    }
    let mut tags = take_tags(&mut body, validation);
    tags.retain(|change| !answers::is_reserved_key(&change.key));
    if is_answer {
        keep_what_can_change(&mut body, name, validation);
    }
    prepare_containers(&mut body, validation);
    let definition = DefinitionChange::take(&mut body, validation);
    let is_deploy = definition.as_ref().is_ok_and(|change| !change.is_empty());
    if is_deploy && key_of(&body, "taskDefinition").is_some_and(|key| !body[&key].is_null()) {
        let message = "given beside changes of what the service runs now; give one or the other";
        validation.refuse("taskDefinition", message);
    }
    let is_of_path = |member: &String| {
        OF_THE_PATH
            .iter()
            .any(|known| known.eq_ignore_ascii_case(member))
    };
    let has_members = body
        .iter()
        .any(|(member, value)| !is_of_path(member) && !value.is_null());
    let given = validation.take(&mut body, "", "service");
    body.insert(
        "service".to_owned(),
        given.unwrap_or_else(|| name.as_str().into()),
    );
    let update = read::<UpdateServiceInput>(&Value::Object(body), "", validation);
    Ok(BodyChanges {
        definition: definition?,
        tags,
        update: (update?, has_members),
    })
}

/// Refuses to change the tags that the account puts on everything.
fn check_account_tags(request: &Request<'_>, tags: &[TagChange], validation: &mut Validation) {
    let mut shared = SharedTags::of_account(&request.settings().tags);
    for TagChange { key, value } in tags {
        let path = join("tags", &printable(key));
        match value {
            Some(value) => {
                if let Err(conflict) = shared.add(key.clone(), value.clone()) {
                    validation.refuse(path, conflict.to_string());
                }
            }
            None if request.settings().tags.contains_key(key) => {
                let message = "is on everything that is made in this account, and can't be removed";
                validation.refuse(path, message);
            }
            None => {}
        }
    }
}

/// Drops what the answer of a deploy tells beside its service.
fn drop_told_of_a_deploy(body: &mut Map<String, Value>, validation: &mut Validation) {
    let service = key_of(body, "service").map(|key| &body[&key]);
    if service.is_some_and(Value::is_object) {
        for member in TOLD {
            validation.take(body, "", member);
        }
    }
}

/// Checks that the body names no other cluster or service than the path, and names the path's.
fn name_path(
    request: &Request<'_>,
    (mut update, has_members): (UpdateServiceInput, bool),
    cluster: &ClusterName,
    name: &ServiceName,
) -> Result<Option<Box<UpdateServiceInput>>, Error> {
    request.check_cluster(update.cluster.as_deref(), cluster)?;
    request.check_service(update.service().unwrap_or_default(), name, cluster)?;
    (update.cluster, update.service) = (Some(cluster.to_string()), Some(name.to_string()));
    Ok(has_members.then(|| Box::new(update)))
}

/// Leaves of a service's answer what `UpdateService` takes. An answer of another service is refused: what it says is not
/// meant for this one.
fn keep_what_can_change(
    answer: &mut Map<String, Value>,
    name: &ServiceName,
    validation: &mut Validation,
) {
    let given = validation.take(answer, "", "serviceName");
    if given.is_some_and(|given| given != name.as_str()) {
        let message = format!("is not the path's service, `{name}`");
        validation.refuse("serviceName", message);
    }
    drop_answered_of_service(answer);
}

/// Takes the shorthands of containers for what they stand for.
fn prepare_containers(body: &mut Map<String, Value>, validation: &mut Validation) {
    let containers = key_of(body, "containers").and_then(|key| body.get_mut(&key));
    let containers = containers.and_then(Value::as_object_mut);
    for (name, container) in containers.into_iter().flatten() {
        if let Value::Object(container) = container {
            shorthands::ports(container, &join("containers", name), validation);
        }
    }
}
