//! The acts of callers on a deployment that is in progress: stop, continue.

use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, ServiceDeployment};

use super::look::{self, Found};
use super::state::{self, State};
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
    let before = InProgress::find(account, place, name, deadline).await?;
    let stopped = ecs::stop_service_deployment(account, &before.arn, stop_type);
    match Box::pin(stopped).await {
        Ok(()) => look::describe(account, place, &before.found, name).await,
        Err(error) => over_meanwhile(account, place, name, &before, deadline, error).await,
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
    let before = InProgress::find(account, place, name, deadline).await?;
    let hook = before.paused_hook(name, wish.hook_id)?;
    let action = if wish.rolls_back {
        DeploymentLifecycleHookAction::Rollback
    } else {
        DeploymentLifecycleHookAction::Continue
    };
    let resumed = ecs::continue_service_deployment(account, &before.arn, &hook, action);
    match Box::pin(resumed).await {
        Ok(()) => look::describe(account, place, &before.found, name).await,
        Err(error) => over_meanwhile(account, place, name, &before, deadline, error).await,
    }
}

/// A deployment that is in progress.
struct InProgress {
    found: Found,
    arn: Arn,
    deployment: ServiceDeployment,
    state: State,
}

impl InProgress {
    /// Finds a deployment, and refuses one that is over, or that ECS has not named yet.
    async fn find(
        account: &Account,
        place: &ServicePlace,
        name: &DeploymentName,
        deadline: Deadline,
    ) -> Result<Self, Cause> {
        let found = look::find(account, place, name, deadline).await?;
        let Some(listed) = &found.listed else {
            return Err(DeploymentFault::Unnamed(name.clone()).into());
        };
        let arn = listed.arn.clone();
        let look = ecs::describe_service_deployments(account, std::slice::from_ref(&arn));
        let deployment = Box::pin(look).await?.pop();
        let deployment = deployment.ok_or_else(|| look::unknown(place, name))?;
        let state = found.assess(listed, &deployment);
        if state.is_over() {
            let name = name.clone();
            return Err(DeploymentFault::Over { name, state }.into());
        }
        Ok(Self {
            found,
            arn,
            deployment,
            state,
        })
    }

    /// Finds the hook that is meant.
    fn paused_hook(
        &self,
        name: &DeploymentName,
        given: Option<String>,
    ) -> Result<String, DeploymentFault> {
        let hooks = state::paused_hooks(&self.deployment);
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
}

/// Looks again after a refusal: the deployment may have ended, or gone on, between the look and the act.
async fn over_meanwhile(
    account: &Account,
    place: &ServicePlace,
    name: &DeploymentName,
    before: &InProgress,
    deadline: Deadline,
    error: crate::aws::Error,
) -> Result<DeploymentView, Cause> {
    let now = InProgress::find(account, place, name, deadline).await?;
    if before.state == State::Waiting && now.state != State::Waiting {
        return Err(DeploymentFault::NotPaused(name.clone()).into());
    }
    Err(error.into())
}
