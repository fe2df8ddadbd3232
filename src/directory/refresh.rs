//! Reads the configuration again as it ages: beside a request, and before it where too much time has passed.
//!
//! A configuration that can't be read, or is not valid, changes nothing: the one before stays in force, and the log says
//! so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use tracing::{error, info};

use super::Directory;
use crate::aws::Accounts;
use crate::aws::parameters::{Parameters, ReadError};
use crate::clock::{Clock, milliseconds};
use crate::config::{Config, ConfigError, Environment, LogLevel, Source};
use crate::deadline::{Deadline, Elapsed};
use crate::error::causes;
use crate::telemetry;

/// The age at which a configuration is read again beside a request.
const OLD: Duration = Duration::from_mins(1);
/// The age at which it is read again before anybody is let in: a function that has been idle knows nothing of who was
/// shut out meanwhile.
const TOO_OLD: Duration = Duration::from_mins(5);
/// The longest that a request waits for a reading.
const READING_MAX: Duration = Duration::from_secs(5);
/// The time from a reading that failed to the next, so that a silent SSM does not slow every request down.
const PAUSE: Duration = Duration::from_secs(15);

/// The directory that is in force.
#[derive(Debug)]
pub struct Directories {
    in_force: Mutex<InForce>,
    origin: Option<Origin>,
    clock: Clock,
    /// Held by whoever reads: one reading at a time.
    reading: tokio::sync::Mutex<()>,
    /// The readings that have failed and that no line of the log has counted yet.
    untold_failures: AtomicU64,
}

#[derive(Debug)]
struct InForce {
    directory: Arc<Directory>,
    /// The digest of the configuration's text.
    digest: String,
    /// The beginning of the last reading that was taken, in milliseconds since 1970: the time of day, because no other
    /// clock is known to go on while Lambda freezes the process.
    read_at_ms: u64,
    /// The beginning of the last reading that failed.
    failed_at_ms: Option<u64>,
}

/// The parameters that the configuration is read from again and again.
#[derive(Debug)]
pub struct Origin {
    parameters: Parameters,
    environment: Environment,
    /// The digest of the first reading.
    digest: String,
}

/// A reading that does not become the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// The parameters can't be read.
    #[error("the configuration can't be read: {0}")]
    Unread(#[from] ReadError),
    /// The configuration is not valid.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// SSM did not answer in time.
    #[error("the configuration can't be read: SSM did not answer in time")]
    Late(#[from] Elapsed),
}

impl Origin {
    /// Reads the configuration for the first time. One that is not kept in SSM has no origin to be read from again.
    ///
    /// # Errors
    /// [`ReadingError`] if the configuration can't be read, or is not valid.
    pub async fn first_reading(
        environment: Environment,
        function: &SdkConfig,
    ) -> Result<(Config, Option<Self>), ReadingError> {
        let name = match &environment.source {
            Source::Here(texts) => return Ok((environment.config(texts)?, None)),
            Source::Parameter(name) => name.clone(),
        };
        let parameters = Parameters::new(name, function.clone());
        let texts = parameters.read().await?;
        let config = environment.config(&texts)?;
        let origin = Self {
            parameters,
            environment,
            digest: texts.digest(),
        };
        Ok((config, Some(origin)))
    }
}

impl Directories {
    /// Begins with a configuration that has just been read.
    pub fn new(config: Config, accounts: &Accounts, origin: Option<Origin>, clock: Clock) -> Self {
        let in_force = InForce {
            directory: Arc::new(Directory::new(config, accounts)),
            digest: origin
                .as_ref()
                .map(|origin| origin.digest.clone())
                .unwrap_or_default(),
            read_at_ms: clock.now_ms(),
            failed_at_ms: None,
        };
        Self {
            in_force: Mutex::new(in_force),
            origin,
            clock,
            reading: tokio::sync::Mutex::new(()),
            untold_failures: AtomicU64::new(0),
        }
    }

    /// Returns the directory that is in force, after reading the configuration again where it is too old to let anybody
    /// in by it.
    pub async fn current(&self, deadline: Deadline) -> Arc<Directory> {
        self.read_if_older_than(TOO_OLD, deadline).await;
        Arc::clone(&self.in_force().directory)
    }

    /// Reads the configuration again where it is old: beside a request, and to be joined before its answer, because
    /// nothing runs after that.
    pub async fn refresh(&self, deadline: Deadline) {
        self.read_if_older_than(OLD, deadline).await;
    }

    /// Returns the number of readings that have failed since it was last asked for. One beside a request may fail after that
    /// request's line is written, and is then counted by the next.
    pub fn take_failures(&self) -> u64 {
        self.untold_failures.swap(0, Ordering::Relaxed)
    }

    /// Returns the level of the log that is in force.
    pub fn log_level(&self) -> LogLevel {
        self.in_force().directory.log_level
    }

    async fn read_if_older_than(&self, age: Duration, deadline: Deadline) {
        let Some(origin) = &self.origin else { return };
        if !self.is_due(age) {
            return;
        }
        let _one_at_a_time = self.reading.lock().await;
        if self.is_due(age) {
            self.read(origin, deadline).await;
        }
    }

    /// Returns `true` if the last reading is that old, and no other has just failed. A time of day that went backwards says
    /// nothing of an age: then it counts as old.
    fn is_due(&self, age: Duration) -> bool {
        let now_ms = self.clock.now_ms();
        let is_over = |since_ms: u64, time: Duration| {
            now_ms
                .checked_sub(since_ms)
                .is_none_or(|passed_ms| passed_ms > milliseconds(time))
        };
        let in_force = self.in_force();
        is_over(in_force.read_at_ms, age)
            && in_force
                .failed_at_ms
                .is_none_or(|failed_at_ms| is_over(failed_at_ms, PAUSE))
    }

    async fn read(&self, origin: &Origin, deadline: Deadline) {
        let begun_ms = self.clock.now_ms();
        let reading = deadline.within(READING_MAX).run(self.read_changes(origin));
        match reading.await {
            Ok(changed) => {
                let mut in_force = self.in_force();
                (in_force.read_at_ms, in_force.failed_at_ms) = (begun_ms, None);
                if let Some((directory, digest)) = changed {
                    telemetry::set_level(directory.log_level);
                    in_force.directory = Arc::new(directory);
                    in_force.digest = digest;
                }
            }
            Err(error) => {
                error!(
                    parameter = origin.parameters.name(),
                    cause = causes(&error),
                    "configuration: the one before stays in force"
                );
                self.in_force().failed_at_ms = Some(begun_ms);
                self.untold_failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Reads the configuration, and makes a directory of it where it is another one than that in force.
    async fn read_changes(
        &self,
        origin: &Origin,
    ) -> Result<Option<(Directory, String)>, ReadingError> {
        let texts = origin.parameters.read().await?;
        let digest = texts.digest();
        let before = {
            let in_force = self.in_force();
            if digest == in_force.digest {
                return Ok(None);
            }
            Arc::clone(&in_force.directory)
        };
        let config = origin.environment.config(&texts)?;
        info!(
            parameter = origin.parameters.name(),
            accounts = config.accounts.len(),
            callers = config.callers.len(),
            "configuration: another one is in force"
        );
        Ok(Some((Directory::new(config, &before.accounts), digest)))
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
