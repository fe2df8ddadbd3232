//! Resident memory of a process.

use serde_json::Value;

use crate::aws::{Aws, event};
use crate::function::Function;
use crate::sections::{Bench, Section};
use crate::table::{Table, megabytes};

const REQUESTS: usize = 1_000;
const SERVICES: usize = 1_000;

/// Measures memory after the start, after many requests, and after the largest answers.
pub async fn measure(bench: &Bench) -> Section {
    let aws = Aws::start()?;
    aws.put_services("large", SERVICES);
    let bare = Function::start(&bench.bare, &[]).await?;
    let mut ours = Function::start(&bench.function, &aws.environment()).await?;
    let how = "Resident memory of the process, shared pages included.";
    let mut table = Table::new("Memory", how, &["", "resident"]);
    let mut row = |what: &str, bytes: u64| table.row(&[what.to_owned(), megabytes(bytes)]);
    row(
        "a bare handler of lambda_http, after its start",
        bare.memory(),
    );
    row("ecs-api, after its start", ours.memory());
    for _ in 0..REQUESTS {
        let path = "/nonprod/clusters/large/services/service-0";
        ours.invoke(event("GET", path, &Value::Null)).await;
        aws.fake.forget_calls();
    }
    row(
        &format!("ecs-api, after {REQUESTS} reads of a service"),
        ours.memory(),
    );
    let path = "/nonprod/clusters/large/services?all=true";
    let mut length = 0;
    for _ in 0..3 {
        let taken = ours.invoke(event("GET", path, &Value::Null)).await;
        length = taken.answer["body"].as_str().map_or(0, str::len);
        aws.fake.forget_calls();
    }
    let what = format!(
        "ecs-api, after three lists of {SERVICES} whole services ({} each)",
        megabytes(length as u64)
    );
    row(&what, ours.memory());
    Ok(table.finish())
}
