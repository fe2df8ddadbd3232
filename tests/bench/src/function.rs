//! A function as a process of its own, as Lambda starts one.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cpu_share::CpuShare;
use crate::process;
use crate::runtime_api::RuntimeApi;

/// Lambda's variable by which a function knows that it is in a sandbox.
pub const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// A function that waits for events. It ends with this value.
pub struct Function {
    /// From the start of its process until it asked for its first event.
    pub start: Duration,
    child: Child,
    api: RuntimeApi,
}

/// One answer, and what it took.
pub struct Taken {
    /// From the event until the whole answer was here.
    pub time: Duration,
    /// What the function answered, as JSON.
    pub answer: Value,
}

impl Function {
    /// Starts a function, and waits until it asks for an event.
    ///
    /// # Errors
    /// Where it does not start or ends at once.
    pub async fn start(binary: &Path, environment: &[(String, String)]) -> io::Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let begun = Instant::now();
        let child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "ecs-api")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/ecs-api")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env(INITIALIZATION_TYPE, "on-demand")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .env("TZ", ":UTC")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .spawn()?;
        let asked = api.until_asked().await;
        let asked = asked.ok_or_else(|| io::Error::other("the function asks for no event"))?;
        Ok(Self {
            start: asked - begun,
            child,
            api,
        })
    }

    /// Leaves the function this share of a core from here on.
    ///
    /// # Errors
    /// Where this machine does not let it.
    pub fn limit(&self, share: &CpuShare) -> io::Result<()> {
        share.hold(self.child.id())
    }

    /// Returns the time on a CPU that it took so far.
    pub fn cpu(&self) -> Duration {
        process::cpu(self.child.id())
    }

    /// Returns its resident memory in bytes.
    pub fn memory(&self) -> u64 {
        process::memory(self.child.id())
    }

    /// Gives it an event, and waits for the answer.
    ///
    /// # Panics
    /// Where it does not answer any more.
    pub async fn invoke(&mut self, event: Value) -> Taken {
        let answer = self.api.invoke(event).await;
        let answer = answer.expect("the function answers");
        // It asks for the next one before anything else is done with it.
        self.api.until_asked().await;
        Taken {
            time: answer.came - answer.sent,
            answer: serde_json::from_slice(&answer.body).unwrap_or_default(),
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
