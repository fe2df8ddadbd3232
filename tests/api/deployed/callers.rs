//! `templates/callers.yaml`: the callers without HTTP that the documentation shows.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Stack;
use crate::templates::template;

const PATIENCE: Duration = Duration::from_mins(1);

/// Runs the state machine to its end.
fn execute(stack: &Stack, input: &Value) -> Value {
    let machine = &stack.ready["callers"]["StateMachineArn"];
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
    let done = execute(stack, &json!({"account": "prod", "request": request}));
    assert_eq!(done["status"], "SUCCEEDED", "{done}");
    let refused = execute(stack, &json!({"account": "prod", "request": request}));
    assert_eq!(
        (&refused["status"], &refused["error"]),
        (&json!("FAILED"), &json!("AlreadyExists")),
        "{refused}"
    );
    let elsewhere = execute(stack, &json!({"account": "sandbox", "request": request}));
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
