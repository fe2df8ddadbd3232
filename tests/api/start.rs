//! The start of a process: what it does before its first request.

use std::time::Duration;

use fake_aws::{FakeAws, Fault, HUB};
use serde_json::json;
use tokio::time::Instant;

use crate::support::scripted::{MEMBER, ScriptedApp};

const PARAMETER: &str = "/config";
const IDENTITY: &str = "sts:GetCallerIdentity";

/// A hub with a configuration of one account.
fn hub() -> FakeAws {
    let aws = FakeAws::in_memory();
    let config = json!({"accounts": {"nonprod": {"accountId": MEMBER, "region": "us-east-1"}}, "callers": []});
    aws.put_parameter(HUB, PARAMETER, &config.to_string());
    aws
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_opens_its_connection_to_sts_beside_the_reading_of_its_configuration() {
    let aws = hub();
    aws.set_latency(Duration::from_millis(100));
    let app = ScriptedApp::start_in_sandbox(aws, PARAMETER).await.unwrap();
    let mut operations = app.aws.operations();
    operations.sort();
    assert_eq!(operations, ["ssm:GetParameter", IDENTITY]);
    assert_eq!(app.aws.depth(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_other_process_does() {
    let app = ScriptedApp::start(&hub(), PARAMETER).await.unwrap();
    assert_eq!(app.aws.operations(), ["ssm:GetParameter"]);
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_is_out_of_reach_costs_the_start_half_a_second_and_nothing_else() {
    for (fault, time) in [
        (Fault::silence(), Duration::from_millis(500)),
        (Fault::refuse("ExpiredToken", "too late"), Duration::ZERO),
        (Fault::fail(503), Duration::ZERO),
    ] {
        let aws = hub();
        aws.on(IDENTITY).meets(fault);
        let begun = Instant::now();
        let app = ScriptedApp::start_in_sandbox(aws, PARAMETER).await.unwrap();
        assert_eq!(begun.elapsed(), time);
        assert_eq!(app.get_with("", "/ping").await.status, 200);
    }
}
