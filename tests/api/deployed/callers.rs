//! `templates/callers.yaml`: the callers without HTTP that the documentation shows.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Stack;
use crate::templates::template;

const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the state machine of an output to its end.
fn execute(stack: &Stack, output: &str, input: &Value) -> Value {
    let machine = &stack.ready["callers"][output];
    let given = json!({"stateMachineArn": machine, "input": input.to_string()});
    let started = stack.ask("states", "/", "AWSStepFunctions.StartExecution", &given);
    let since = Instant::now();
    loop {
        let execution = json!({"executionArn": started["executionArn"]});
        let execution = stack.ask(
            "states",
            "/",
            "AWSStepFunctions.DescribeExecution",
            &execution,
        );
        if execution["status"] != "RUNNING" {
            return execution;
        }
        assert!(since.elapsed() < PATIENCE, "{execution}");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_state_machine_creates_a_service_and_succeeds_once_its_tasks_run() {
    let stack = Stack::shared();
    let container = json!([{"name": "web", "image": "nginx:alpine"}]);
    let request = json!({
        "cluster": {"name": "machine-made"},
        "taskDefinition": {"family": "machine-made", "cpu": "256", "memory": "512", "containerDefinitions": container},
        "service": {"serviceName": "web", "desiredCount": 1},
    });
    let done = execute(
        stack,
        "StateMachineArn",
        &json!({"account": "prod", "request": request}),
    );
    assert_eq!(done["status"], "SUCCEEDED", "{done}");
    let refused = execute(
        stack,
        "StateMachineArn",
        &json!({"account": "prod", "request": request}),
    );
    assert_eq!(
        (&refused["status"], &refused["error"]),
        (&json!("FAILED"), &json!("AlreadyExists")),
        "{refused}"
    );
    let elsewhere = execute(
        stack,
        "StateMachineArn",
        &json!({"account": "sandbox", "request": request}),
    );
    assert_eq!(
        (&elsewhere["status"], &elsewhere["error"]),
        (&json!("FAILED"), &json!("NotListed")),
        "the function's caller may do it, but this state machine may not: {elsewhere}"
    );
    scale_down_as_the_rule_does(stack);
}

/// EventBridge invokes the target with the rule's input, when the time has come.
fn scale_down_as_the_rule_does(stack: &Stack) {
    let rule = template("templates/callers.yaml")["Resources"]["NightlyRule"]["Properties"].clone();
    let mut input = rule["Targets"][0]["Input"]["Fn::Sub"]
        .as_str()
        .expect("a text")
        .to_owned();
    for (parameter, value) in [
        ("Account", "prod"),
        ("Cluster", "machine-made"),
        ("Service", "web"),
    ] {
        input = input.replace(&format!("${{{parameter}}}"), value);
    }
    let event = serde_json::from_str(&input).expect("the input is JSON");
    assert_eq!(rule["Targets"][0]["Arn"], json!({"Ref": "DirectArn"}));
    let answer = stack.invoke(stack.output("DirectArn"), &event);
    assert_eq!(
        (
            &answer["status"],
            &answer["body"]["Service"]["DesiredCount"]
        ),
        (&json!(200), &json!(0)),
        "{answer}"
    );
}

/// That of a deployment, which the local AWS keeps none of: the branches before it is asked for.
#[test]
fn the_state_machine_that_deploys_tells_what_needs_no_deployment_from_what_is_refused() {
    let stack = Stack::shared();
    let container = json!([{"name": "web", "image": "nginx:alpine"}]);
    let request = json!({
        "cluster": {"name": "machine-deployed"},
        "taskDefinition": {"family": "machine-deployed", "cpu": "256", "memory": "512", "containerDefinitions": container},
        "service": {"serviceName": "web", "desiredCount": 0},
    });
    stack.expect(200, "POST", "/prod/services", Some(&request));
    let deploy = |account: &str, service: &str| {
        let change = json!({"desiredCount": 1});
        let input = json!({"account": account, "cluster": "machine-deployed", "service": service, "change": change});
        let done = execute(stack, "DeployStateMachineArn", &input);
        (done["status"].clone(), done["error"].clone())
    };
    assert_eq!(deploy("prod", "web"), (json!("SUCCEEDED"), Value::Null));
    let shown = stack.expect(
        200,
        "GET",
        "/prod/clusters/machine-deployed/services/web",
        None,
    );
    assert_eq!(shown["Services"][0]["DesiredCount"], 1);
    assert_eq!(
        deploy("prod", "none"),
        (json!("FAILED"), json!("ServiceNotFoundException"))
    );
    assert_eq!(
        deploy("sandbox", "web"),
        (json!("FAILED"), json!("NotListed"))
    );
}
