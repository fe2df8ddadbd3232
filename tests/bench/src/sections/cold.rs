//! The first request of a sandbox: TLS, a role, and the call that was asked for.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{Aws, event};
use crate::cpu_share::CpuShare;
use crate::function::{Function, INITIALIZATION_TYPE};
use crate::sections::{Bench, Section};
use crate::slow_tls::SlowTls;
use crate::table::{Readings, Table};

const ROUNDS: usize = 15;
/// The milliseconds of a round trip: to another region, and within one.
const ROUND_TRIPS_MS: [u64; 2] = [20, 2];
/// The smallest memory of a function: a fourteenth of a core.
const MEGABYTES: u32 = 128;

/// A function, and what was measured of it.
struct Candidate<'b> {
    name: &'static str,
    binary: &'b Path,
    /// It takes itself for a function in Lambda, which opens its connection to STS in its start.
    is_sandbox: bool,
    start: Readings,
    request: Readings,
    /// The round trips of the last first request.
    trips: u64,
    cpu: Readings,
    second: Readings,
}

impl<'b> Candidate<'b> {
    fn new(name: &'static str, binary: &'b Path, is_sandbox: bool) -> Self {
        Self {
            name,
            binary,
            is_sandbox,
            start: Readings::default(),
            request: Readings::default(),
            trips: 0,
            cpu: Readings::default(),
            second: Readings::default(),
        }
    }

    /// Starts a process, and gives it two requests with a share of a core.
    async fn measure(
        &mut self,
        environment: &[(String, String)],
        slow: &SlowTls,
        share: Option<&CpuShare>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut environment = environment.to_vec();
        if !self.is_sandbox {
            environment.push((INITIALIZATION_TYPE.to_owned(), String::new()));
        }
        let mut function = Function::start(self.binary, &environment).await?;
        self.start.add(function.start);
        if let Some(share) = share {
            function.limit(share)?;
        }
        let (cpu, trips) = (function.cpu(), slow.trips());
        let request = || event("GET", "/nonprod/clusters", &Value::Null);
        let first = function.invoke(request()).await;
        assert_eq!(first.answer["statusCode"], 200, "{}", first.answer);
        self.request.add(first.time);
        self.cpu.add(function.cpu().saturating_sub(cpu));
        self.trips = slow.trips() - trips;
        self.second.add(function.invoke(request()).await.time);
        Ok(())
    }

    fn row(&self, trip: &str, share: &str) -> [String; 8] {
        [
            self.name.to_owned(),
            trip.to_owned(),
            share.to_owned(),
            self.start.milliseconds(),
            self.request.milliseconds(),
            self.trips.to_string(),
            self.cpu.milliseconds(),
            self.second.milliseconds(),
        ]
    }
}

/// Measures the first read and the second, each in a new process.
pub async fn measure(bench: &Bench) -> Section {
    let how = format!(
        "`GET …/clusters` by a process that was just started, over TLS 1.3, {ROUNDS} times each, by turns. As at Lambda, the start has \
         a whole core, and the request the share of a function of {MEGABYTES} MB, or a whole one. STS and ECS have hosts of their \
         own, so that the first call to each opens a connection. Who waits for the start too waits for the sum."
    );
    let columns = [
        "",
        "ms a round trip",
        "share of a core",
        "start, ms",
        "first request, ms",
        "round trips of it",
        "CPU of it, ms",
        "second request, ms",
    ];
    let mut table = Table::new("The first request of a cold sandbox", &how, &columns);
    for round_trip in ROUND_TRIPS_MS {
        measure_over(bench, round_trip, &mut table).await?;
    }
    Ok(table.finish())
}

/// Adds the rows of one round trip, with a whole core and with a share of it.
async fn measure_over(
    bench: &Bench,
    round_trip_ms: u64,
    table: &mut Table,
) -> Result<(), Box<dyn std::error::Error>> {
    let aws = Aws::start()?;
    aws.put_services("cold", 1);
    let round_trip = Duration::from_millis(round_trip_ms);
    let slow = SlowTls::start(aws.endpoint(), round_trip, &bench.folder).await?;
    let mut environment = aws.environment_at(&slow.endpoint);
    let roots = slow.roots.display().to_string();
    environment.push(("SSL_CERT_FILE".to_owned(), roots));
    let sts = slow.other_endpoint.clone();
    environment.push(("AWS_ENDPOINT_URL_STS".to_owned(), sts));
    let trip = round_trip_ms.to_string();
    let share = CpuShare::of_memory(MEGABYTES);
    for (name, share) in [
        ("a whole one", None),
        ("a fourteenth", Some(share.as_ref())),
    ] {
        let share = match share.transpose() {
            Ok(share) => share,
            Err(error) => {
                let missing =
                    format!("not measured: this machine makes no group of processes, {error}");
                table.row(&["", &trip, name, &missing, "", "", "", ""].map(str::to_owned));
                continue;
            }
        };
        let mut candidates = candidates(bench);
        for _ in 0..ROUNDS {
            for candidate in &mut candidates {
                candidate.measure(&environment, &slow, share).await?;
                aws.fake.forget_calls();
            }
        }
        for candidate in &candidates {
            table.row(&candidate.row(&trip, name));
        }
    }
    Ok(())
}

fn candidates(bench: &Bench) -> Vec<Candidate<'_>> {
    let mut candidates = vec![
        Candidate::new("STS reached by the first request", &bench.function, false),
        Candidate::new("ecs-api", &bench.function, true),
    ];
    if let Some(before) = &bench.before {
        candidates.push(Candidate::new(
            "the one before, STS reached by the first request",
            before,
            false,
        ));
        candidates.push(Candidate::new("the one before", before, true));
    }
    candidates
}
