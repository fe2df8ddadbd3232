//! The endpoints: one resource a file, one handler an endpoint: parse, call, shape.
//!
//! No retries and no loops over AWS calls here; what takes several calls is a flow of
//! [`orchestration`](crate::orchestration).

pub mod clusters;
pub mod description;
pub mod logs;
pub mod meta;
pub mod orchestrations;
pub mod registries;
mod request;
pub mod services;
mod shorthands;
pub mod task_definitions;
pub mod tasks;

pub use request::{BODY_MAX_BYTES, Request};
