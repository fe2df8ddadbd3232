//! The AWS of the tests: real SDK clients talk to it, and nothing but the network is not AWS's own.
//!
//! ```
//! use fake_aws::{FakeAws, Fault};
//!
//! # async fn show() {
//! let aws = FakeAws::in_memory();
//! aws.on("ecs:CreateService").nth(1).meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
//! aws.circumstances("111122223333", |account| account.has_long_arns = false);
//! let config = aws.sdk_config("111122223333"); // for any client of the SDK, and for the function
//! // … then, what came:
//! assert!(aws.calls().is_empty());
//! assert_eq!(aws.depth(), 0);
//! # }
//! ```
//!
//! A call passes, from the outside in:
//!
//! 1. a door: the SDK's HTTP client ([`FakeAws`] is one), or a [`Server`] for other processes;
//! 2. the [script](Fault), which delays, refuses, breaks or silences it, before or after AWS did its work. What was sent
//!    is done even if nobody waits any more, as at AWS. [`FakeAws::kill_at`] ends a function at its nth call;
//! 3. the rules: what real AWS refuses, leaves out, or takes its time for, each with its source beside it.
//!    [`Circumstances`] are what a test chooses of an account;
//! 4. an AWS behind them: [in memory](FakeAws::in_memory), or an [emulator](FakeAws::in_front_of). An emulator
//!    may verify signatures: what the rules ask is signed. It also has a [door without rules](FakeAws::of_emulator).
//!
//! All time is tokio's: with `#[tokio::test(start_paused = true)]` nothing waits. An emulator needs real time.

#![allow(
    clippy::doc_markdown,
    reason = "operations are spelled as AWS spells them"
)]

mod answer;
mod behind;
mod call;
mod circumstances;
mod client;
mod clock;
mod contents;
mod deployments;
mod fake_aws;
mod journal;
mod memory;
mod rules;
mod script;
mod server;
mod session;
mod value;
mod world;

pub use answer::Refusal;
pub use call::{Call, HUB};
pub use circumstances::{Circumstances, DeploymentTimes};
pub use contents::{Message, Thing};
pub use deployments::Course;
pub use fake_aws::{FakeAws, Moment};
pub use journal::JournalEntry;
pub use script::{Back, Calls, Fault, Work};
pub use server::Server;
