//! Whole pieces of work, beside the script that people write instead.

use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::aws::{Aws, create, event};
use crate::function::Function;
use crate::sections::{Bench, Section};
use crate::table::{Readings, Table};

const ROUNDS: usize = 15;
/// What each call of AWS takes, in milliseconds.
const LATENCIES_MS: [u64; 2] = [0, 100];
const WORK: [&str; 3] = ["create", "show", "delete"];

/// Measures a create, a show and a delete of a service with everything that it needs: ours and by hand.
pub async fn measure(bench: &Bench) -> Section {
    let how = format!(
        "A cluster, a task definition, a registry and a service: created, shown with everything, and deleted with \
         everything, {ROUNDS} times each, by turns. The script (`tests/bench/by_hand.py`) makes the calls of AWS that the same work takes one after the \
         other, keeps no record, and undoes nothing where one fails. In brackets: the function's calls of AWS."
    );
    let columns = [
        "",
        "ms a call of AWS",
        "ecs-api, ms",
        "boto3, ms",
        "ecs-api over boto3",
    ];
    let mut table = Table::new("Whole pieces of work", &how, &columns);
    for latency in LATENCIES_MS {
        let aws = Aws::start()?;
        aws.fake.set_latency(Duration::from_millis(latency));
        let mut ours = Ours::start(bench, &aws).await?;
        let mut by_hand = ByHand::start(bench, &aws)?;
        ours.work(&aws, "first").await;
        by_hand.work("first-by-hand").await?;
        let mut took = WORK.map(|_| [Readings::default(), Readings::default()]);
        let mut calls = [0; 3];
        for round in 0..ROUNDS {
            let taken = ours.work(&aws, &format!("ours-{round}")).await;
            aws.fake.forget_calls();
            let beside = by_hand.work(&format!("by-hand-{round}")).await?;
            for (work, ((time, count), beside)) in taken.into_iter().zip(beside).enumerate() {
                took[work][0].add(time);
                took[work][1].add(beside);
                calls[work] = count;
            }
        }
        for (work, [ours, by_hand]) in took.iter().enumerate() {
            table.row(&[
                format!("{} ({})", WORK[work], calls[work]),
                latency.to_string(),
                ours.milliseconds(),
                by_hand.milliseconds(),
                format!("{:.2}", ours.median() / by_hand.median()),
            ]);
        }
    }
    Ok(table.finish())
}

struct Ours(Function);

impl Ours {
    async fn start(bench: &Bench, aws: &Aws) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self(
            Function::start(&bench.function, &aws.environment()).await?,
        ))
    }

    /// Creates, shows and deletes a service; what each took, and how many calls.
    async fn work(&mut self, aws: &Aws, name: &str) -> [(Duration, usize); 3] {
        let shown = format!("/nonprod/clusters/{name}/services/{name}?all=true");
        let deleted = format!("/nonprod/services?cluster={name}&service={name}&recursive=true");
        [
            self.request(aws, event("POST", "/nonprod/services", &create(name)))
                .await,
            self.request(aws, event("GET", &shown, &Value::Null)).await,
            self.request(aws, event("DELETE", &deleted, &Value::Null))
                .await,
        ]
    }

    async fn request(&mut self, aws: &Aws, event: Value) -> (Duration, usize) {
        aws.fake.forget_calls();
        let begun = Instant::now();
        let taken = self.0.invoke(event).await;
        assert_eq!(taken.answer["statusCode"], 200, "{}", taken.answer);
        (begun.elapsed(), aws.fake.calls().len())
    }
}

/// The script, which does what it is told line by line.
struct ByHand {
    // It ends with this value.
    _child: Child,
    names: ChildStdin,
    took: Lines<BufReader<ChildStdout>>,
}

impl ByHand {
    fn start(bench: &Bench, aws: &Aws) -> io::Result<Self> {
        let mut child = Command::new(&bench.python)
            .arg(bench.repository.join("tests/bench/by_hand.py"))
            .arg(aws.endpoint())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let piped = || io::Error::other("the script is piped");
        let names = child.stdin.take().ok_or_else(piped)?;
        let took = child.stdout.take().ok_or_else(piped)?;
        Ok(Self {
            _child: child,
            names,
            took: BufReader::new(took).lines(),
        })
    }

    /// Creates, shows and deletes a service; what each took.
    async fn work(&mut self, name: &str) -> io::Result<[Duration; 3]> {
        self.names.write_all(format!("{name}\n").as_bytes()).await?;
        let line = self.took.next_line().await?;
        let line = line.ok_or_else(|| io::Error::other("the script has ended"))?;
        let took: [f64; 3] = serde_json::from_str(&line)?;
        Ok(took.map(|milliseconds| Duration::from_secs_f64(milliseconds / 1_000.0)))
    }
}
