//! The Lambda function: config → telemetry → [`App`] → the Lambda runtime. `check-config FILE` checks a configuration.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;

use ecs_api::app::App;
use ecs_api::aws::sdk_config_from_environment;
use ecs_api::clock::Clock;
use ecs_api::config::{self, Command, Environment};
use ecs_api::intake::Payload;
use ecs_api::telemetry;
use lambda_http::{LambdaEvent, service_fn};

#[cfg(panic = "abort")]
compile_error!("a panic must unwind: it is answered as a 500, and the process goes on");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Command::given() {
        Ok(Command::Serve) => serve().await,
        Ok(Command::CheckConfig(path)) => {
            config::check(&path).map_or_else(failed, |report| succeeded(&report))
        }
        Err(error) => failed(error),
    }
}

async fn serve() -> ExitCode {
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => return failed(format_args!("ecs-api does not start: {error}")),
    };
    let function = sdk_config_from_environment().await;
    let app = match App::start(environment, function, Clock::system()).await {
        Ok(app) => Arc::new(app),
        Err(error) => return failed(format_args!("ecs-api does not start: {error}")),
    };
    telemetry::start(app.log_level());
    let handler = service_fn(move |event: LambdaEvent<Payload>| {
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
