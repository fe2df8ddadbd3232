//! `POST …/services/{service}/rollback`: everything that an earlier service revision had.

use futures_util::FutureExt as _;

use super::answer::{ANSWERS, answer, with_notes};
use super::{precondition, refusal};
use crate::api::Request;
use crate::api::operation::{Group, Handler, Operation, ProblemSchema, Timing};
use crate::api::orchestrations::create::TAKEN_BACK;
use crate::api::parameters::WAIT;
use crate::api::schema::{AwsOperation, Body, Member, Schema};
use crate::error::Error;
use crate::ids::{ClusterName, DeploymentName, ServiceName, TaskDefinitionName};
use crate::orchestration::rollback::{RollbackRequest, RollbackTarget, roll_back};
use crate::reply::Reply;

/// `POST …/services/{service}/rollback`.
pub const ROLL_BACK: Operation = Operation {
    query: &[WAIT],
    timing: Timing::Flow,
    heeds_idempotency_key: true,
    heeds_if_match: true,
    group: Group::Services,
    summary: "Go back to an earlier service revision, with everything that it had.",
    description: "By default to the last one that succeeded before the one that runs and brought anything else. A task definition \
                  that is not ACTIVE any more is registered again. What the revision lacks is taken away; what revisions do \
                  not keep stays, such as the number of tasks and the deployment configuration.",
    body: Some(Body {
        schema: Schema::Closed(&[Member::optional("to", Schema::Text).described(
            "A service revision, by its id or ARN, or `family:revision` for another task definition alone.",
        )]),
        is_required: false,
        aws: Some(AwsOperation::Ecs("UpdateService")),
    }),
    answers: ANSWERS,
    problem: Some(ProblemSchema {
        name: "DeployProblem",
        members: TAKEN_BACK,
    }),
    ..Operation::post(
        "roll_back_service",
        "/{account}/clusters/{cluster}/services/{service}/rollback",
        Handler::Account(|request| roll_back_service(request).boxed()),
    )
};

/// Gives a service everything back that an earlier service revision had.
///
/// # Errors
/// [`Error::Input`] for a body that names no point to go back to; [`Error::TakenBack`] with the first cause and what
/// became of what had been made.
pub async fn roll_back_service(request: &Request<'_>) -> Result<Reply, Error> {
    let cluster = request.cluster()?;
    let service = request.service(&cluster)?;
    let (precondition, wait) = (precondition(request)?, request.wait()?);
    let (to, ignored) = read_body(request, &cluster, &service)?;
    let context = request.flow_context()?;
    let wanted = RollbackRequest {
        cluster: cluster.clone(),
        service: service.clone(),
        to,
        precondition,
    };
    let work = roll_back(&context, wanted);
    let deployed = Box::pin(work).await.map_err(refusal)?;
    let reply = Box::pin(answer(request, (cluster, service), &deployed, wait)).await?;
    Ok(with_notes(reply, &deployed).with_ignored(request.is_lenient(), &ignored))
}

/// The texts that `to` may be.
const EXPECTED: &str =
    "expected a service revision of this service, by its id or ARN, or `family:revision`";

fn read_body(
    request: &Request<'_>,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Result<(Option<RollbackTarget>, Vec<String>), Error> {
    let mut body = request.optional_object()?;
    let mut validation = request.validation();
    let to = match validation.take(&mut body, "", "to") {
        None => None,
        Some(given) => {
            let text = given.as_str().unwrap_or_default();
            let target = parse(request, text, cluster, service);
            if target.is_none() {
                validation.refuse("to", EXPECTED);
            }
            target
        }
    };
    validation.refuse_others(&body, "", ["to"]);
    let ignored = validation.finish().map_err(Error::Input)?;
    Ok((to, ignored))
}

/// Parses a service revision's id or ARN, or a revision of a task definition. A family alone would be its latest
/// revision, and nothing to go back to.
fn parse(
    request: &Request<'_>,
    text: &str,
    cluster: &ClusterName,
    service: &ServiceName,
) -> Option<RollbackTarget> {
    let region = request.account.account_region();
    if let Ok(DeploymentName::Aim(id)) = DeploymentName::parse(text, &region, cluster, service) {
        return Some(RollbackTarget::Revision(id));
    }
    let name = TaskDefinitionName::parse(text, &region).ok()?;
    name.has_revision()
        .then_some(RollbackTarget::TaskDefinition(name))
}
