//! A request to a process that has answered others.

use serde_json::Value;

use crate::aws::{Aws, event};
use crate::function::Function;
use crate::sections::{Bench, Section};
use crate::table::{Readings, Table};

/// The requests of each kind, by turns.
const ROUNDS: usize = 500;
/// The requests before anything is measured.
const BEFORE: usize = 50;

/// Measures what the function adds to the Runtime API's own time.
pub async fn measure(bench: &Bench) -> Section {
    let aws = Aws::start()?;
    aws.put_services("warm", 1);
    let mut bare = Function::start(&bench.bare, &[]).await?;
    let mut ours = Function::start(&bench.function, &aws.environment()).await?;
    let requests = [
        ("ecs-api: GET /ping", "/ping"),
        (
            "ecs-api: GET …/clusters (one call of AWS)",
            "/nonprod/clusters",
        ),
        (
            "ecs-api: GET …/services/{s} (one call of AWS)",
            "/nonprod/clusters/warm/services/service-0",
        ),
    ];
    let mut rows = [(); 4].map(|()| Readings::default());
    for round in 0..BEFORE + ROUNDS {
        let is_measured = round >= BEFORE;
        let taken = bare.invoke(event("GET", "/ping", &Value::Null)).await;
        if is_measured {
            rows[0].add(taken.time);
        }
        for (row, (_, path)) in requests.iter().enumerate() {
            let taken = ours.invoke(event("GET", path, &Value::Null)).await;
            assert_eq!(taken.answer["statusCode"], 200, "{path}: {}", taken.answer);
            if is_measured {
                rows[row + 1].add(taken.time);
            }
        }
        aws.fake.forget_calls();
    }
    let how = format!(
        "From the event until the whole answer is at the Runtime API, {ROUNDS} times each, by turns, in processes that \
         have answered {BEFORE} before. AWS answers at once, from this machine."
    );
    let mut table = Table::new("A warm request", &how, &["", "ms: median (middle half)"]);
    let names = requests.map(|(name, _)| name);
    let names = ["a bare handler of lambda_http: pong"]
        .into_iter()
        .chain(names);
    for (name, readings) in names.zip(&rows) {
        table.row(&[name.to_owned(), readings.milliseconds()]);
    }
    Ok(table.finish())
}
