//! One HTTPS API over Amazon ECS Fargate, Cloud Map and CloudWatch Logs for many AWS accounts, as one AWS
//! Lambda function.
//!
//! # A request's walk through the house
//!
//! 1. `main.rs` reads the [`config`], starts the log ([`telemetry`]) and hands each event to [`app::App::handle`].
//! 2. [`intake`] takes the event apart into a [`intake::Call`]; credentials become [`auth::Evidence`].
//! 3. [`directory`] has the accounts and callers that are in force. [`app`] lets [`router`] find the operation in the
//!    table of [`routes`], [`auth`] finds the caller and holds its grants against the account, and [`aws::Accounts`] has
//!    that account's clients.
//! 4. A handler of [`api`] parses ([`ids`], [`wire::read`](mod@wire::read)), calls, and shapes
//!    ([`wire::write`](mod@wire::write)).
//! 5. One AWS call is a function of [`aws::ecs`] or [`aws::discovery`]; several are a flow of [`orchestration`],
//!    with its undo, within the request's [`deadline`].
//!    A delete that takes longer goes on from the stack's own queue: [`continuation`].
//! 6. The answer is a [`reply::Reply`]. An [`error::Error`] becomes one in [`problem`], the only status table.
//! 7. [`intake`] puts it into the envelope that the event's sender reads.
//!
//! # Where to look
//!
//! - A route is added: a constant and its handler in [`api`], a line in [`routes`]; `docs/adding-an-endpoint.md`.
//! - A body is read: `intake/parts.rs` takes its bytes out of the event, [`api::body`] makes JSON of them, and
//!   [`wire::read`](mod@wire::read) an input of the SDK.
//! - Who may call: [`auth`], asked by `Invocation::dispatch`. Who there is, and with which grants: [`config`].
//! - An AWS error gets its status: `aws/error/kind.rs` finds the [`aws::Kind`] of AWS's code, and [`problem`] the status of
//!   the kind.
//! - A create fails: [`orchestration::create`] notes what it makes, and [`orchestration::undo`] takes that back before the
//!   answer.
//!
//! Everything that is told of an endpoint stands beside its handler, in an [`api::operation::Operation`]. The package
//! `openapi` of this workspace makes `openapi.json` of these and of the SDK's schemas; nothing of it is in the function.

pub mod app;
pub mod intake;
pub mod reply;

pub mod auth;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod digest;
pub mod directory;
pub mod ids;
pub mod image;
pub mod pattern;
pub mod router;
pub mod routes;
pub mod text;

pub mod api;
pub mod continuation;
pub mod orchestration;

pub mod aws;
pub mod wire;

pub mod error;
pub mod problem;
pub mod telemetry;
