//! The API through its front door: events into `App`, real SDK clients, the local AWS.
//!
//! The modules mirror the paths below `/v1/ecs`; what belongs to every path stands beside them. Each test has
//! accounts of its own, so that all run side by side against one local AWS.

mod support;

mod callers;
mod clusters;
mod deployed;
mod events;
mod http;
mod meta;
mod services;
