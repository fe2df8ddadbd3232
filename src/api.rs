//! The endpoints: one resource a file; an endpoint is a handler (parse, call, shape) and, beside it, the
//! [`Operation`](operation::Operation) that says everything else of it.
//!
//! No retries and no loops over AWS calls here; what takes several calls is a flow of
//! [`orchestration`](crate::orchestration).

pub mod accounts;
mod answers;
pub mod body;
mod caller_request;
pub mod clusters;
pub mod deployments;
pub mod deploys;
pub mod description;
pub mod diagnosis;
pub mod logs;
pub mod meta;
pub mod operation;
pub mod orchestrations;
mod paging;
pub mod parameters;
mod query;
pub mod readiness;
pub mod registries;
mod request;
mod run_body;
pub mod schema;
pub mod search;
pub mod services;
mod shorthands;
mod tags;
pub mod task_definitions;
pub mod tasks;

pub use caller_request::CallerRequest;
pub use request::{IDEMPOTENCY_KEY, Request};
