//! Amazon ECS: one function per operation, under AWS's own names.

mod account_settings;
mod clusters;
mod deployments;
mod services;
mod tags;
mod task_definitions;
mod tasks;

use super::{Error, Kind};

pub use account_settings::*;
pub use clusters::*;
pub use deployments::*;
pub use services::*;
pub use tags::*;
pub use task_definitions::*;
pub use tasks::*;

/// Takes "there is none" for an answer to a look, not a failure of it.
fn absent<T>(error: Error) -> Result<Option<T>, Error> {
    if error.kind == Kind::NotFound {
        Ok(None)
    } else {
        Err(error)
    }
}
