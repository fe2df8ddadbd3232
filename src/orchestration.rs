//! Flows of several AWS calls: each one a file, its undo in the same place. No HTTP and no JSON here.

mod cause;
pub mod checks;
pub mod create;
pub mod defaults;
pub mod delete;
pub mod deploy;
pub mod deployments;
pub mod diagnosis;
pub mod failure;
pub mod launch;
mod leftover;
pub mod lists;
pub mod logs;
pub mod mark;
pub mod not_ready;
pub mod outcome;
mod parts;
pub mod plan;
pub mod readiness;
pub mod record;
pub mod request;
pub mod rollback;
pub mod search;
pub mod show;
pub mod step;
mod tag_update;
pub mod tags;
pub mod task_definitions;
pub mod task_overrides;
pub mod tasks;
pub mod time_limit;
pub mod undo;
mod undo_log;
mod users;

pub use cause::Cause;
pub use leftover::Leftover;
