//! One request from event to answer: [`App::handle`] answers every request, `Invocation::dispatch` is `?` all the way.

mod cors;
mod invocation;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aws_config::SdkConfig;
use futures_util::future::join;
use lambda_http::LambdaEvent;
use serde_json::Value;
use tokio::time::Instant;

use crate::aws::queue::Queue;
use crate::aws::table::Table;
use crate::aws::{self, Accounts};
use crate::clock::Clock;
use crate::config::{Config, Environment, LogLevel, Metering};
use crate::continuation::Continuation;
use crate::deadline::Deadline;
use crate::directory::{Directories, Origin, ReadingError};
use crate::intake::{self, Payload, UnknownEvent};
use crate::orchestration::record::Records;
use crate::router::Router;
use crate::routes::ROUTES;
use invocation::Invocation;

/// The application: what lives as long as the process.
#[derive(Debug)]
pub struct App {
    router: Router,
    directories: Directories,
    continuation: Option<Continuation>,
    records: Records,
    gateway_alias: Option<String>,
    metering: Metering,
    clock: Clock,
    /// No event has come yet.
    is_fresh: AtomicBool,
}

impl App {
    /// Puts the application together. Calls nothing.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub fn new(config: Config, accounts: &Accounts) -> Self {
        Self::with_clock(config, accounts, Clock::system())
    }

    /// Puts the application together with a time of day of its own. Calls nothing.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub fn with_clock(config: Config, accounts: &Accounts, clock: Clock) -> Self {
        Self::of(config, accounts, None, clock)
    }

    /// Reads the configuration that the environment names, and puts the application together. In a sandbox of Lambda, the
    /// first request finds the connection to STS open.
    ///
    /// # Errors
    /// [`ReadingError`] if the configuration can't be read, or is not valid.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub async fn start(
        environment: Environment,
        function: SdkConfig,
        clock: Clock,
    ) -> Result<Self, ReadingError> {
        let is_sandbox = environment.is_sandbox;
        let warmed = async {
            if is_sandbox {
                aws::warm_up(&function).await;
            }
        };
        let (read, ()) = join(Origin::first_reading(environment, &function), warmed).await;
        let (config, origin) = read?;
        let accounts = Accounts::new(BTreeMap::new(), function);
        Ok(Self::of(config, &accounts, origin, clock))
    }

    fn of(config: Config, accounts: &Accounts, origin: Option<Origin>, clock: Clock) -> Self {
        let own = accounts.own_config();
        let queue = config.cleanup_queue.clone();
        let queue = queue.map(|urls| Arc::new(Queue::new(urls, own)));
        let table = config.records_table.clone();
        let table = table.map(|name| Table::new(name, own));
        Self {
            router: Router::new(&ROUTES).expect("the route table is checked by a test"),
            continuation: queue.clone().map(Continuation::new),
            records: Records::new(table, queue, clock.clone()),
            gateway_alias: config.gateway_alias.clone(),
            metering: config.metering.clone(),
            clock: clock.clone(),
            is_fresh: AtomicBool::new(true),
            directories: Directories::new(config, accounts, origin, clock),
        }
    }

    /// Returns the level of the log that is in force.
    pub fn log_level(&self) -> LogLevel {
        self.directories.log_level()
    }

    /// Answers an event. Whatever goes wrong, a panic included, is an answer too.
    ///
    /// # Errors
    /// [`UnknownEvent`] if the event is of no known kind: then there is no envelope to answer in.
    pub async fn handle(&self, event: LambdaEvent<Payload>) -> Result<Value, UnknownEvent> {
        // Before the configuration is read: who waits for that waits for an answer.
        let started = Instant::now();
        let LambdaEvent { payload, context } = event;
        let alias = self.gateway_alias.as_deref();
        let event = intake::open(payload, &context.invoked_function_arn, alias)?;
        let deadline = Deadline::of(context.deadline, event.gateway_limit());
        let directory = self.directories.current(deadline).await;
        let invocation = Invocation {
            app: self,
            directory: &directory,
            context: &context,
            started,
            deadline,
        };
        // Nothing runs after the answer: what is read beside the request is waited for.
        let (answer, ()) = join(invocation.handle(event), self.directories.refresh(deadline)).await;
        answer
    }
}
