//! The Lambda function: config → telemetry → [`App`] → the Lambda runtime. `check-config FILE` checks a configuration.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;

use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::{self, Command, Config};
use ecs_api::telemetry;
use lambda_http::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Command::given() {
        Ok(Command::Serve) => serve().await,
        Ok(Command::CheckConfig(path)) => {
            config::check_file(&path).map_or_else(failed, |report| succeeded(&report))
        }
        Err(error) => failed(error),
    }
}

async fn serve() -> ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => return failed(format_args!("ecs-api does not start: {error}")),
    };
    telemetry::start(config.log_level);
    let accounts = Accounts::from_environment(config.accounts.clone()).await;
    let app = Arc::new(App::new(config, accounts));
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let app = Arc::clone(&app);
        async move { app.handle(event).await }
    });
    lambda_runtime::run(handler).await.map_or_else(
        |error| failed(format_args!("ecs-api stops: {error}")),
        |()| ExitCode::SUCCESS,
    )
}

fn succeeded(report: &str) -> ExitCode {
    print!("{report}");
    ExitCode::SUCCESS
}

fn failed(error: impl Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
