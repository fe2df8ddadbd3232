//! From a process that starts to one that is ready.

use crate::aws::Aws;
use crate::function::{Function, INITIALIZATION_TYPE};
use crate::sections::{Bench, Section};
use crate::table::{Readings, Table};

/// The starts of each, by turns.
const ROUNDS: usize = 60;

/// Measures starts, the bare handler's and ours by turns.
pub async fn measure(bench: &Bench) -> Section {
    let aws = Aws::start()?;
    let environment = aws.environment();
    let mut alone = environment.clone();
    alone.push((INITIALIZATION_TYPE.to_owned(), String::new()));
    let mut candidates = vec![
        ("a bare handler of lambda_http", &bench.bare, &[][..]),
        (
            "ecs-api, which reaches STS within it",
            &bench.function,
            &environment,
        ),
        ("ecs-api, which does not", &bench.function, &alone),
    ];
    if let Some(before) = &bench.before {
        candidates.push(("the one before, which reaches STS", before, &environment));
        candidates.push(("the one before, which does not", before, &alone));
    }
    let mut readings: Vec<_> = candidates.iter().map(|_| Readings::default()).collect();
    for _ in 0..ROUNDS {
        for ((_, binary, environment), readings) in candidates.iter().zip(&mut readings) {
            readings.add(Function::start(binary, environment).await?.start);
        }
    }
    let how = format!(
        "From the start of the process until it asks the Runtime API for its first event, {ROUNDS} times each, by turns. AWS \
         answers at once, from this machine and without TLS."
    );
    let columns = ["", "ms: median (middle half)", "over the bare one"];
    let mut table = Table::new("Start to ready", &how, &columns);
    let bare = readings[0].median();
    for ((name, ..), readings) in candidates.iter().zip(&readings) {
        table.row(&[
            (*name).to_owned(),
            readings.milliseconds(),
            format!("{:+.1}", readings.median() - bare),
        ]);
    }
    Ok(table.finish())
}
