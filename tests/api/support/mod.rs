//! The tests' way in: [`TestApp`] and its named callers.

mod account;
pub mod alarms;
mod app;
mod described;
pub mod emf;
pub mod leaks;
mod local_aws;
mod process;
pub mod promised;
mod queues;
mod refusals;
pub mod review;
pub mod scripted;
mod ways;

pub use account::TestAccount;
pub use app::{Answer, Caller, TestApp};
pub use local_aws::{ChildGuard, root_config, rules};
pub use process::FunctionProcess;
pub use queues::TestQueues;
pub use ways::{OpenAnswer, Sent, Way};
