//! The flow that deploys and rollbacks share: begin and look side by side, plan, make, and take back what fails.

use aws_sdk_ecs::types::{Deployment, Service, TaskDefinition};

use super::DeployOutcome;
use super::look::{PreconditionError, deployed_revision};
use super::make::{make, shape};
use super::plan::DeployPlan;
use crate::aws::revisions::describe_revision;
use crate::aws::{Account, Error};
use crate::deadline::Deadline;
use crate::ids::{Arn, ServiceRevisionId, TaskDefinitionName};
use crate::orchestration::Cause;
use crate::orchestration::failure::Failure;
use crate::orchestration::flow_context::FlowContext;
use crate::orchestration::mark::Mark;
use crate::orchestration::parts::{service, task_definition};
use crate::orchestration::record::{Beginning, Choice, End, History, Lease, Names};
use crate::orchestration::undo::{RESERVE_MAX, UndoOutcome, UndoReport, undo};
use crate::orchestration::undo_log::UndoLog;
use crate::wire::definition::differences;

/// The source of a deployment: a change of what runs, or what ran before.
pub(in crate::orchestration) trait Source: Sync {
    /// Everything that the deployment depends on, as a look shows it.
    type Look: Look + Send;

    /// Looks at it. A `target` was chosen before, and the look is to choose no other one.
    fn look(
        &self,
        target: Option<ServiceRevisionId>,
    ) -> impl Future<Output = Result<Self::Look, Cause>> + Send;
}

/// A look at everything that a deployment depends on.
pub(in crate::orchestration) trait Look {
    /// Returns the service.
    fn service(&self) -> &Service;

    /// Checks that the service is deployed as the caller has seen it.
    fn check_precondition(&self) -> Result<(), PreconditionError>;

    /// Plans what is to be done. The mark is put on what is made.
    ///
    /// # Errors
    /// [`Cause`] if it can't be done.
    fn plan(self, mark: &Mark, caller: &str) -> Result<DeployPlan, Cause>;
}

/// The work that is left once everything was looked at.
enum Preparation<'r> {
    /// It is done, or there is nothing to do.
    Done(Box<DeployOutcome>),
    /// This is to be made, under the lease if there is one.
    ToMake(Box<(Option<Lease<'r>>, DeployPlan)>),
}

impl<'r> Preparation<'r> {
    fn of(plan: DeployPlan, lease: Option<Lease<'r>>) -> Self {
        if plan.is_empty() {
            let service = plan.service.clone();
            return Self::Done(Box::new(shape(plan, service)));
        }
        Self::ToMake(Box::new((lease, plan)))
    }
}

/// Does what the plan of a source says, once.
///
/// # Errors
/// [`Failure`] with the first cause, after everything that was made was taken back.
pub(in crate::orchestration) async fn carry_out<S: Source>(
    context: &FlowContext<'_>,
    names: Names,
    source: &S,
) -> Result<DeployOutcome, Failure> {
    let working = context.deadline.keeping_a_third(RESERVE_MAX);
    let fails = |cause| context.failure(cause, UndoReport::default());
    let (begun, found) = tokio::join!(
        begin(context, names, working),
        working.run(source.look(None))
    );
    let begun = begun.map_err(fails)?;
    let prepared = Box::pin(prepare(context, begun, found, source, working)).await;
    let (lease, plan) = match prepared.map_err(fails)? {
        Preparation::ToMake(to_make) => *to_make,
        Preparation::Done(deployed) => return Ok(*deployed),
    };
    let mark = mark(context, lease.as_ref());
    let log = UndoLog::default();
    let made = working
        .run(Box::pin(make(context.account, &plan, &mark, &log)))
        .await;
    let cause = match made {
        Ok(service) => {
            let deployed = shape(plan, service);
            end(lease.as_ref(), End::Done(arns(&deployed)), context.deadline).await;
            return Ok(deployed);
        }
        Err(cause) => cause,
    };
    let is_watched = lease.as_ref().is_some_and(Lease::is_watched);
    let entries = log.into_newest_first();
    let undone = undo(
        context.account,
        &mark,
        entries,
        is_watched,
        context.deadline,
    );
    match Box::pin(undone).await {
        UndoOutcome::Fulfilled(service) => {
            let deployed = shape(plan, *service);
            end(lease.as_ref(), End::Done(arns(&deployed)), context.deadline).await;
            Ok(deployed)
        }
        UndoOutcome::TakenBack(report) => {
            end(lease.as_ref(), report.standing.end(), context.deadline).await;
            Err(context.failure(cause, report))
        }
    }
}

/// Returns the mark of what is made. Without a record nothing is made that has one.
fn mark(context: &FlowContext<'_>, lease: Option<&Lease<'_>>) -> Mark {
    lease.map_or_else(|| Mark::new(&*context.identity.id, 0), Lease::mark)
}

/// Plans what nobody has begun before.
fn plan<L: Look>(
    context: &FlowContext<'_>,
    lease: Option<&Lease<'_>>,
    found: L,
) -> Result<DeployPlan, Cause> {
    found.check_precondition()?;
    found.plan(&mark(context, lease), &context.identity.caller)
}

/// Begins the record of what must be done once, or may have to be taken back.
async fn begin<'r>(
    context: &FlowContext<'r>,
    names: Names,
    deadline: Deadline,
) -> Result<Option<Beginning<'r>>, Cause> {
    if names == Names::default() && !context.identity.is_keyed {
        return Ok(None);
    }
    let begun = context.records.begin(&context.identity, names, deadline);
    Ok(Some(begun.await?))
}

async fn end(lease: Option<&Lease<'_>>, end: End, deadline: Deadline) {
    if let Some(lease) = lease {
        lease.end(end, deadline).await;
    }
}

/// Returns what the record of a deploy keeps: the service, the revision after and before, and the service revision.
fn arns(deployed: &DeployOutcome) -> Vec<Arn> {
    if !deployed.is_changed {
        return Vec::new();
    }
    let shown = &deployed.service;
    let id = deployed.deployment.as_deref();
    let arns = [
        &shown.service_arn,
        &shown.task_definition,
        &deployed.previous,
    ];
    let arns = arns.into_iter().flatten().map(Arn::from_answer);
    arns.chain(id.map(|id| service::revision_arn(shown, id)))
        .collect()
}

/// Turns what was found into a plan; where that can't be, the record says so, for which it has the whole time.
async fn prepare<'r, S: Source>(
    context: &FlowContext<'r>,
    begun: Option<Beginning<'r>>,
    found: Result<S::Look, Cause>,
    source: &S,
    working: Deadline,
) -> Result<Preparation<'r>, Cause> {
    let Some(begun) = begun else {
        return Ok(Preparation::of(plan(context, None, found?)?, None));
    };
    let (mut lease, history) = (begun.lease, begun.history);
    let target = lease.record().names.target.clone();
    let found = match found {
        // What was looked at meanwhile has changed, or was looked at in vain.
        _ if begun.has_waited || (target.is_some() && history != History::Done) => {
            working.run(source.look(target)).await
        }
        found => found,
    };
    if history == History::Done {
        let service = found?.service().clone();
        let shown = show_again(context.account, &lease.record().arns, service);
        return Ok(Preparation::Done(Box::new(working.run(shown).await?)));
    }
    match Box::pin(decide(context, &mut lease, history, found, working)).await {
        Ok(Decision::ToDo(plan)) => {
            if plan.is_empty() {
                lease.end(End::Done(Vec::new()), context.deadline).await;
            }
            Ok(Preparation::of(*plan, Some(lease)))
        }
        Ok(Decision::IsDone(deployed)) => {
            let end = End::Done(arns(&deployed));
            lease.end(end, context.deadline).await;
            Ok(Preparation::Done(deployed))
        }
        Err(cause) => {
            let end = if history == History::Abandoned {
                // What an earlier invocation has left is its watch's.
                End::Unfinished
            } else {
                End::Undone
            };
            lease.end(end, context.deadline).await;
            Err(cause)
        }
    }
}

/// Decides what is still to be done under a lease, and writes down what was chosen.
async fn decide<L: Look>(
    context: &FlowContext<'_>,
    lease: &mut Lease<'_>,
    history: History,
    found: Result<L, Cause>,
    working: Deadline,
) -> Result<Decision, Cause> {
    let found = found?;
    let decision = if history == History::Abandoned {
        let resumed = resume(context, lease, found);
        working.run(Box::pin(resumed)).await?
    } else {
        Decision::ToDo(Box::new(plan(context, Some(lease), found)?))
    };
    if let Decision::ToDo(plan) = &decision {
        let choice = Choice {
            family: plan.foreign_family().cloned(),
            // Nobody comes after a request without a key to choose again.
            target: plan.target.clone().filter(|_| context.identity.is_keyed),
        };
        lease.note(choice, working).await?;
    }
    Ok(decision)
}

/// The finding of one invocation about what another one has left.
enum Decision {
    /// This is still to be done.
    ToDo(Box<DeployPlan>),
    /// The service runs it.
    IsDone(Box<DeployOutcome>),
}

/// Goes on with what an invocation has left that died: a revision that it has registered is used.
async fn resume<L: Look>(
    context: &FlowContext<'_>,
    lease: &Lease<'_>,
    found: L,
) -> Result<Decision, Cause> {
    let mark = &lease.mark();
    let service = found.service().clone();
    let own = find_own(context.account, lease, &service).await?;
    let mut arns = own.iter().filter_map(TaskDefinition::task_definition_arn);
    if arns.any(|arn| service::runs(&service, arn)) {
        return Ok(Decision::IsDone(Box::new(finished(service))));
    }
    // What has become of the service since may be this request's own work.
    let precondition = found.check_precondition();
    let mut plan = found.plan(mark, &context.identity.caller)?;
    plan.reuse(&own);
    if plan.leaves_no_trace() && began_since(&service, mark) {
        return Ok(Decision::IsDone(Box::new(finished(service))));
    }
    precondition?;
    Ok(Decision::ToDo(Box::new(plan)))
}

/// Finds the revisions that an undertaking has registered, the newest first: in the families that the service runs, or in
/// the one that its record names.
async fn find_own(
    account: &Account,
    lease: &Lease<'_>,
    service: &Service,
) -> Result<Vec<TaskDefinition>, Error> {
    let mark = lease.mark();
    let mut families = service::families(service);
    families.extend(lease.record().names.family.clone());
    for family in families {
        let marked = task_definition::find_marked(account, &mark, &family).await?;
        if !marked.is_empty() {
            return Ok(marked);
        }
    }
    Ok(Vec::new())
}

/// Returns `true` if the latest deployment of a service was begun after an undertaking, or in the second of its beginning.
fn began_since(service: &Service, mark: &Mark) -> bool {
    service::primary(service)
        .and_then(Deployment::created_at)
        .and_then(|created_at| u64::try_from(created_at.secs()).ok())
        .is_some_and(|created_at| created_at >= mark.begun_at_ms() / 1000)
}

/// Shapes what an earlier invocation has done, as far as it can still be seen.
fn finished(service: Service) -> DeployOutcome {
    let present = service.task_definition.clone();
    let is_other = |arn: &&str| Some(*arn) != present.as_deref();
    let previous = service::revisions(&service)
        .find(is_other)
        .map(str::to_owned);
    DeployOutcome {
        is_changed: true,
        previous,
        deployment: deployed_revision(&service).map(str::to_owned),
        changes: Vec::new(),
        service,
    }
}

/// Answers a deploy that was done before: the service as it is now, and what was changed then.
async fn show_again(
    account: &Account,
    arns: &[Arn],
    service: Service,
) -> Result<DeployOutcome, Cause> {
    let of_kind = |kind: &'static str| {
        let arns = arns.iter().map(Arn::as_str);
        arns.filter(move |arn| arn.contains(kind))
    };
    let deployment = of_kind(":service-revision/").next();
    let deployment = deployment.and_then(|arn| arn.rsplit('/').next());
    let mut revisions = of_kind(":task-definition/");
    let (after, before) = (revisions.next(), revisions.next());
    let changes = match before.zip(after) {
        Some((before, after)) if before != after => {
            let names = [before, after].map(TaskDefinitionName::from_answer);
            let (before, after) = tokio::join!(
                describe_revision(account, &names[0], before),
                describe_revision(account, &names[1], after),
            );
            differences(&before?.definition, &after?.definition)
        }
        _ => Vec::new(),
    };
    Ok(DeployOutcome {
        is_changed: !arns.is_empty(),
        previous: before.map(str::to_owned),
        deployment: deployment.map(str::to_owned),
        changes,
        service,
    })
}
