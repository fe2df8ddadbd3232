//! The Lambda function: config → telemetry → [`App`] → the Lambda runtime.

use std::process::ExitCode;
use std::sync::Arc;

use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::Config;
use ecs_api::telemetry;
use lambda_http::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("ecs-api does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    telemetry::start(config.log_level);
    let accounts = Accounts::from_environment(config.accounts.clone()).await;
    let app = Arc::new(App::new(config, accounts));
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move { app.handle(event).await }
    });
    match lambda_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ecs-api stops: {error}");
            ExitCode::FAILURE
        }
    }
}
