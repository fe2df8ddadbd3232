//! Deployments of a service: what became of each, from ECS's own service deployments and service revisions.

mod act;
mod history;
mod look;
pub mod state;
pub mod view;
mod wait;

pub use act::{Continue, resume, stop};
pub use history::list;
pub use look::show;
pub use state::{Reason, State};
pub use view::DeploymentView;
pub use wait::{POLLS_OF_A_WAIT, wait_until_over};

use crate::ids::{ClusterName, DeploymentName, ServiceName};
use crate::text::quoted;

/// The service whose deployments are asked for.
#[derive(Debug, Clone)]
pub struct ServicePlace {
    /// Its cluster.
    pub cluster: ClusterName,
    /// Its name.
    pub service: ServiceName,
}

/// A reason why nothing can be told of a deployment, or done to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentFault {
    /// ECS knows no such deployment of the service.
    #[error(
        "there is no deployment `{name}` of the service `{service}` in the cluster `{cluster}`; ECS keeps them for 90 days"
    )]
    Unknown {
        /// The name that was asked for.
        name: DeploymentName,
        /// The service.
        service: ServiceName,
        /// Its cluster.
        cluster: ClusterName,
    },
    /// ECS has not named the service deployment yet, so that nothing can be done to it.
    #[error(
        "ECS has not named the service deployment of the revision `{0}` yet; try again in some seconds"
    )]
    Unnamed(DeploymentName),
    /// It is over.
    #[error("the deployment `{name}` is not in progress: it is `{}`", .state.name())]
    Over {
        /// The name that was asked for.
        name: DeploymentName,
        /// The state in which it ended.
        state: State,
    },
    /// It is in progress, and not paused.
    #[error("the deployment `{0}` is not paused at a lifecycle hook")]
    NotPaused(DeploymentName),
    /// It is paused, and not at the hook that was named, or at more than one while none was named.
    #[error("the deployment `{name}` is paused at {}: name one of them as `hookId`", quoted(.hooks))]
    OtherHooks {
        /// The name that was asked for.
        name: DeploymentName,
        /// The hooks at which it is paused.
        hooks: Vec<String>,
    },
}
