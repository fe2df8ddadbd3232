//! Flows of several AWS calls: each one a file, its undo in the same place. No HTTP and no JSON here.

pub mod create;
pub mod defaults;
mod ledger;

pub use ledger::{Leftover, Outcome};
