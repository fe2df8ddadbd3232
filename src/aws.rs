//! AWS: clients per account, and one thin function per operation.
//!
//! A function here batches to AWS's limits, follows pages and maps errors. It decides nothing and knows
//! neither HTTP nor JSON.

pub mod accounts;
mod attribution;
pub mod calls;
pub mod discovery;
pub mod ecs;
pub mod error;
mod http;
pub mod iam;
mod lazy_client;
pub mod log_groups;
pub mod logs;
pub mod namespaces;
mod pace;
pub mod pages;
pub mod parameters;
pub mod queue;
mod retries;
pub mod revisions;
mod sessions;
pub mod table;
mod whole_input;

pub use accounts::{Account, Accounts, sdk_config_from_environment, warm_up};
pub use attribution::Attribution;
pub use calls::{CallCounts, Service};
pub use error::{Error, Kind};
