//! The orchestrated create: cluster, task definition, registry and service by one request, or nothing.
//!
//! Look, plan, make: everything that can be checked is looked at side by side, while the [`record`](super::record) of
//! the request is written; what was found becomes a [plan](super::plan); what is missing is made side by side, then
//! the service. What a failed request has made is taken back before it answers, and of one that died by its watch.

mod look;
mod make;

use aws_sdk_ecs::types::{Cluster, Service, TaskDefinition};
use aws_sdk_servicediscovery::types::Service as Registry;

use super::Cause;
use super::failure::Failure;
use super::flow_context::FlowContext;
use super::leftover::leftover;
use super::mark::Mark;
use super::parts::log_group;
use super::plan::{CreatePlan, ExistingParts};
use super::record::{Beginning, End, History, Lease};
use super::request::{ClusterPart, CreateRequest, NewLogGroup, RegistryPart, TaskDefinitionPart};
use super::undo::{RESERVE_MAX, UndoOutcome, UndoReport, undo};
use super::undo_log::{Change, Entry, UndoLog};
use crate::aws::Account;
use crate::deadline::Deadline;
use crate::ids::Arn;
use look::{look_for_own, look_in_time, show};
use make::make;

/// Said of what belongs to a service that is there.
const IS_KEPT: &str = "it belongs to the service, which is there";

/// The parts that a successful create involved.
#[derive(Debug)]
pub struct Creation {
    /// The cluster, created or found.
    pub cluster: Cluster,
    /// The task definition, registered or found.
    pub task_definition: TaskDefinition,
    /// The first registry, created or found.
    pub registry: Option<Registry>,
    /// The service.
    pub service: Service,
}

/// Creates a service and everything that it needs, once.
///
/// # Errors
/// [`Failure`] with the first cause, after everything that was made was taken back.
pub async fn create(
    context: &FlowContext<'_>,
    request: CreateRequest,
) -> Result<Creation, Failure> {
    let working = context.deadline.keeping_a_third(RESERVE_MAX);
    let fails = |cause| context.failure(cause, UndoReport::default());
    let log_group = request.log_group.clone();
    let (begun, found) = tokio::join!(
        context
            .records
            .begin(&context.identity, request.names(), working),
        look_in_time(context, &request, working),
    );
    let begun = begun.map_err(|error| fails(error.into()))?;
    let prepared = Box::pin(prepare(context, request, begun, found, working)).await;
    let Work { lease, plan, log } = match prepared.map_err(fails)? {
        Preparation::ToMake(work) => *work,
        Preparation::Done(service) => return show(context, *service).await.map_err(fails),
    };
    let mark = lease.mark();
    let making = working.run(make(context, plan, &mark, &log, working));
    let cause = match making.await {
        Ok(creation) => {
            lease
                .end(End::Done(creation.arns()), context.deadline)
                .await;
            return Ok(creation);
        }
        Err(cause) => cause,
    };
    let entries = log.into_newest_first();
    let undone = undo(
        context.account,
        &mark,
        entries.clone(),
        lease.is_watched(),
        context.deadline,
    );
    match Box::pin(undone).await {
        UndoOutcome::Fulfilled(service) => {
            let fails = |cause| context.failure(cause, list_kept(context.account, &entries));
            let completed = complete(context, &lease, log_group.as_ref(), &service).await;
            completed.map_err(fails)?;
            show(context, *service).await.map_err(fails)
        }
        UndoOutcome::TakenBack(report) => {
            lease.end(report.standing.end(), context.deadline).await;
            Err(context.failure(cause, report))
        }
    }
}

/// Does what is left once the service is there, and writes down how the create has ended.
async fn complete(
    context: &FlowContext<'_>,
    lease: &Lease<'_>,
    log_group: Option<&NewLogGroup>,
    service: &Service,
) -> Result<(), Cause> {
    let completed = complete_log_group(context, &lease.mark(), log_group).await;
    let end = match &completed {
        Ok(()) => End::Done(service.service_arn.iter().map(Arn::from_answer).collect()),
        Err(_) => End::Unfinished,
    };
    lease.end(end, context.deadline).await;
    completed
}

async fn complete_log_group(
    context: &FlowContext<'_>,
    mark: &Mark,
    log_group: Option<&NewLogGroup>,
) -> Result<(), Cause> {
    let Some(mut log_group) = log_group.cloned() else {
        return Ok(());
    };
    log_group.mark(mark);
    let work = log_group::complete(context.account, mark, &log_group);
    Ok(context.deadline.limit(Box::pin(work)).await??)
}

/// Plans a create, and changes nothing: neither in AWS nor in the table.
///
/// # Errors
/// [`Cause`] as the same request would get before its first change.
pub async fn plan(context: &FlowContext<'_>, request: CreateRequest) -> Result<CreatePlan, Cause> {
    let deadline = context.deadline;
    let (met, found) = tokio::join!(
        context.records.look_at(&context.identity, deadline),
        look_in_time(context, &request, deadline),
    );
    let mut found = found?;
    if let Some(mark) = met?
        && own_service(&found, &mark, History::Done).is_some()
    {
        // It is done, and would be answered as it is now.
        let service = found.service.take();
        let mut plan = request.plan(found, &context.account.settings)?;
        plan.made_before = service;
        return Ok(plan);
    }
    request.plan(found, &context.account.settings)
}

/// Lists everything that was made for a service that is there, and stays.
fn list_kept(account: &Account, newest_first: &[Entry]) -> UndoReport {
    let list = |entry: &Entry| leftover(&entry.change, entry.arn.as_ref(), IS_KEPT, account);
    UndoReport {
        created: newest_first
            .iter()
            .rev()
            .filter_map(|entry| entry.arn.clone())
            .collect(),
        left_behind: newest_first.iter().map(list).collect(),
        ..UndoReport::default()
    }
}

impl Creation {
    fn arns(&self) -> Vec<Arn> {
        let arns = [
            self.service.service_arn(),
            self.task_definition.task_definition_arn(),
            self.registry.as_ref().and_then(Registry::arn),
            self.cluster.cluster_arn(),
        ];
        arns.into_iter().flatten().map(Arn::from_answer).collect()
    }
}

/// The work that is left once everything was looked at.
enum Preparation<'r> {
    /// The service is there: the request is done.
    Done(Box<Service>),
    /// This is to be made.
    ToMake(Box<Work<'r>>),
}

/// A create that is about to begin.
struct Work<'r> {
    /// The lease under which it is done.
    lease: Lease<'r>,
    /// The parts to use and to make.
    plan: CreatePlan,
    /// The changes to take back if it fails: at first those of an invocation that has died.
    log: UndoLog,
}

/// Turns what was found into a plan; where that can't be, the record says so, for which it has the whole time.
async fn prepare<'r>(
    context: &FlowContext<'r>,
    request: CreateRequest,
    begun: Beginning<'r>,
    found: Result<ExistingParts, Cause>,
    working: Deadline,
) -> Result<Preparation<'r>, Cause> {
    let Beginning {
        lease,
        history,
        has_waited,
    } = begun;
    let mark = lease.mark();
    let found = match found {
        // What was looked at meanwhile has changed.
        _ if has_waited => look_in_time(context, &request, working).await,
        found => found,
    };
    let found = match (found, history) {
        // Where the service is there, nothing is made any more.
        (Ok(found), History::Abandoned) if own_service(&found, &mark, history).is_none() => {
            look_for_own(context, &request, &mark, found, working).await
        }
        (found, _) => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(cause) => return Err(give_up(lease, history, cause, context.deadline).await),
    };
    let found = match own_service(&found, &mark, history) {
        // It was perhaps done after it was looked at.
        None if history == History::Done && !has_waited => {
            look_in_time(context, &request, working).await?
        }
        _ => found,
    };
    if let Some(service) = own_service(&found, &mark, history) {
        if history != History::Done {
            complete(context, &lease, request.log_group.as_ref(), &service).await?;
        }
        return Ok(Preparation::Done(Box::new(service)));
    }
    let names = request.names();
    let log = match history {
        History::Abandoned => inherit(&request, &found, &mark),
        History::New | History::Done => UndoLog::default(),
    };
    let mut plan = match request.plan(found, &context.account.settings) {
        Ok(plan) => plan,
        Err(cause) => return Err(give_up(lease, history, cause, context.deadline).await),
    };
    let lease = match history {
        History::Done => lease.reopen(names, working).await?,
        History::New | History::Abandoned => lease,
    };
    plan.mark(&lease.mark());
    Ok(Preparation::ToMake(Box::new(Work { lease, plan, log })))
}

/// Returns what an invocation that died has made of this request and this one uses: it goes, too, if this one fails.
fn inherit(request: &CreateRequest, found: &ExistingParts, mark: &Mark) -> UndoLog {
    let log = UndoLog::default();
    let inherit = |change: Change, arn: Option<&str>| {
        if let Some(arn) = arn {
            log.inherit(change, &Arn::from_answer(arn));
        }
    };
    if let (ClusterPart::New(new), Some(cluster)) = (&request.cluster, &found.cluster)
        && cluster.status() == Some("ACTIVE")
        && mark.is_on(cluster.tags())
    {
        inherit(Change::Cluster(new.name.clone()), cluster.cluster_arn());
    }
    if let (TaskDefinitionPart::New(new), Some(revision)) =
        (&request.task_definition, &found.task_definition)
    {
        for revision in found.other_revisions.iter().rev().chain([revision]) {
            let change = Change::TaskDefinition(new.family.clone());
            inherit(change, revision.task_definition_arn());
        }
    }
    if let (RegistryPart::New(new), Some(registry), true) = (
        &request.registry,
        found.registries.first(),
        found.is_own_registry,
    ) {
        let (name, namespace_id) = (new.name.clone(), new.namespace_id.clone());
        inherit(Change::Registry { name, namespace_id }, registry.arn());
    }
    log
}

/// Writes down that nothing was made, and returns the cause. What an earlier invocation has left is its watch's.
async fn give_up(lease: Lease<'_>, history: History, cause: Cause, deadline: Deadline) -> Cause {
    match history {
        History::New => lease.end(End::Undone, deadline).await,
        History::Abandoned => lease.end(End::Unfinished, deadline).await,
        History::Done => {}
    }
    cause
}

/// Returns the service, if this very request made it and it has not been deleted since.
fn own_service(found: &ExistingParts, mark: &Mark, history: History) -> Option<Service> {
    let service = found.service.as_ref().filter(|_| history != History::New)?;
    let is_own = service.status() == Some("ACTIVE") && mark.is_on(service.tags());
    is_own.then(|| service.clone())
}
