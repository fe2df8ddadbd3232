//! Flows of several AWS calls: each one a file, its undo in the same place. No HTTP and no JSON here.

mod cause;
pub mod checks;
pub mod create;
pub mod defaults;
pub mod delete;
pub mod idempotency;
pub mod launch;
mod ledger;
pub mod lists;
pub mod logs;
pub mod readiness;
pub mod show;
mod site;
pub mod tags;
pub mod task_definitions;
pub mod tasks;
mod undo;

pub use cause::Cause;
pub use undo::{Leftover, Outcome};
