//! The acts of callers on a deployment that is in progress: stop, continue.

use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, DeploymentLifecycleHookStatus};

use super::look::{self, Found};
use super::state::State;
use super::view::DeploymentView;
use super::{DeploymentFault, ServicePlace};
use crate::aws::ecs::Stop;
use crate::aws::{Account, ecs};
use crate::deadline::Deadline;
use crate::ids::{Arn, DeploymentName};
use crate::orchestration::Cause;

/// A wish to continue a paused deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continue {
    /// The hook at which it is paused; the only one, where none is named.
    pub hook_id: Option<String>,
    /// It goes back instead of on.
    pub rolls_back: bool,
}

/// Stops a deployment that is in progress: by going back to the revision of before, or where it stands. One that is stopping
/// already goes on with that.
///
/// # Errors
/// [`Cause`] as [`show`](look::show), if the deployment is over, or not named yet.
pub async fn stop(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    stop_type: Stop,
    deadline: Deadline,
) -> Result<DeploymentView, Cause> {
    let (found, view) = in_progress(account, place, name, deadline).await?;
    let arn = named(&found, name)?;
    let stopped = Box::pin(ecs::stop_service_deployment(account, arn, stop_type)).await;
    match stopped {
        Ok(()) => look::show(account, place, name, deadline).await,
        Err(error) => over_meanwhile(account, place, name, &view, deadline, error).await,
    }
}

/// Continues a deployment that is paused at a lifecycle hook, or lets it go back.
///
/// # Errors
/// [`Cause`] as [`show`](look::show), if the deployment is over, not named yet, or not paused at that hook.
pub async fn resume(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    wish: Continue,
    deadline: Deadline,
) -> Result<DeploymentView, Cause> {
    let (found, view) = in_progress(account, place, name, deadline).await?;
    let arn = named(&found, name)?;
    let hook = paused_hook(&view, name, wish.hook_id)?;
    let action = if wish.rolls_back {
        DeploymentLifecycleHookAction::Rollback
    } else {
        DeploymentLifecycleHookAction::Continue
    };
    let resumed = ecs::continue_service_deployment(account, arn, &hook, action);
    match Box::pin(resumed).await {
        Ok(()) => look::show(account, place, name, deadline).await,
        Err(error) => over_meanwhile(account, place, name, &view, deadline, error).await,
    }
}

async fn in_progress(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    deadline: Deadline,
) -> Result<(Found, DeploymentView), Cause> {
    let found = look::find(account, place, name, deadline).await?;
    let view = look::describe(account, place, &found, name).await?;
    refuse_over(name, view.state)?;
    Ok((found, view))
}

fn refuse_over(name: &DeploymentName, state: State) -> Result<(), DeploymentFault> {
    if state.is_over() {
        let name = name.clone();
        return Err(DeploymentFault::Over { name, state });
    }
    Ok(())
}

fn named<'f>(found: &'f Found, name: &DeploymentName) -> Result<&'f Arn, DeploymentFault> {
    let listed = found.listed.as_ref();
    let arn = listed.map(|listed| &listed.arn);
    arn.ok_or_else(|| DeploymentFault::Unnamed(name.clone()))
}

/// Finds the hook that is meant.
fn paused_hook(
    view: &DeploymentView,
    name: &DeploymentName,
    given: Option<String>,
) -> Result<String, DeploymentFault> {
    let paused = Some(&DeploymentLifecycleHookStatus::AwaitingAction);
    let hooks = view.hooks.iter().filter(|hook| hook.status() == paused);
    let hooks: Vec<_> = hooks.filter_map(|hook| hook.hook_id()).collect();
    match (given, &hooks[..]) {
        (_, []) => Err(DeploymentFault::NotPaused(name.clone())),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(given), hooks) if hooks.contains(&given.as_str()) => Ok(given),
        (_, hooks) => Err(DeploymentFault::OtherHooks {
            name: name.clone(),
            hooks: hooks.iter().map(|hook| (*hook).to_owned()).collect(),
        }),
    }
}

/// Looks again after a refusal: the deployment may have ended, or gone on, between the look and the act.
async fn over_meanwhile(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    before: &DeploymentView,
    deadline: Deadline,
    error: crate::aws::Error,
) -> Result<DeploymentView, Cause> {
    let now = look::show(account, place, name, deadline).await?;
    refuse_over(name, now.state)?;
    if before.state == State::Waiting && now.state != State::Waiting {
        return Err(DeploymentFault::NotPaused(name.clone()).into());
    }
    Err(error.into())
}
