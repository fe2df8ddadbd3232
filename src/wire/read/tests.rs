use serde_json::json;

use super::*;
use crate::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
};
use crate::wire::validation::Unknown;
use crate::wire::write::write;

/// A message without the SDK's version, which changes from week to week.
fn without_sdk(message: &str) -> &str {
    message
        .split_once(" (as of aws-sdk-")
        .map_or(message, |(message, _)| message)
}

fn lines(problems: Vec<FieldError>) -> Vec<String> {
    problems
        .into_iter()
        .map(|problem| format!("{}: {}", problem.path, without_sdk(&problem.message)))
        .collect()
}

/// Reads, and answers the input as it would be written; else the problems.
fn outcome<T: Input>(value: &Value) -> Result<Value, Vec<String>> {
    let mut validation = Validation::new(Unknown::Refuse);
    let input = read::<T>(value, "body", &mut validation);
    validation.finish().map_err(lines)?;
    Ok(write(&input.expect("without problems there is a value")).unwrap())
}

#[test]
fn names_match_in_any_case_and_map_keys_keep_theirs() {
    let expected = json!({
        "Family": "web",
        "ContainerDefinitions": [{
            "Name": "nginx",
            "Cpu": 0,
            "PortMappings": [{"ContainerPort": 80}],
            "DockerLabels": {"com.Example.Team": "A"},
            "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-Group": "g"}},
        }],
    });
    for spelling in [str::to_lowercase, str::to_uppercase, |name: &str| {
        name.to_owned()
    }] {
        let value = json!({
            spelling("family"): "web",
            spelling("containerDefinitions"): [{
                spelling("name"): "nginx",
                spelling("portMappings"): [{spelling("containerPort"): 80}],
                spelling("dockerLabels"): {"com.Example.Team": "A"},
                spelling("logConfiguration"): {
                    spelling("logDriver"): "awslogs", spelling("options"): {"awslogs-Group": "g"},
                },
            }],
        });
        assert_eq!(
            outcome::<RegisterTaskDefinitionInput>(&value),
            Ok(expected.clone())
        );
    }
}

#[test]
fn everything_wrong_with_a_body_is_reported_together() {
    let value = json!({
        "family": 7,
        "cpu": 256,
        "containerDefinitions": [
            {"name": "a", "cpu": "256", "essential": "yes", "memory": 3_000_000_000_u64, "memoryReservation": 1.5},
            "nginx",
            {"command": "run", "dockerLabels": ["x"], "logConfiguration": {"logdriver": "awslogs", "LogDriver": "x"}},
        ],
        "tags": {"a": "b"},
        "volums": [],
    });
    assert_eq!(
        outcome::<RegisterTaskDefinitionInput>(&value).unwrap_err(),
        [
            "body.family: expected string, got integer 7",
            "body.cpu: expected string, got integer 256",
            "body.containerDefinitions[0].cpu: expected integer, got string \"256\"",
            "body.containerDefinitions[0].essential: expected boolean, got string \"yes\"",
            "body.containerDefinitions[0].memory: expected integer of 32 bits, got integer 3000000000",
            "body.containerDefinitions[0].memoryReservation: expected integer, got number 1.5",
            "body.containerDefinitions[1]: expected object, got string \"nginx\"",
            "body.containerDefinitions[2].command: expected list, got string \"run\"",
            "body.containerDefinitions[2].dockerLabels: expected object, got list",
            "body.containerDefinitions[2].logConfiguration.logDriver: given twice, as `logdriver` and as `LogDriver`",
            "body.tags: expected list, got object",
            "body.volums: unknown member; did you mean `volumes`?",
        ]
    );
}

#[test]
fn null_is_absent_except_in_a_list() {
    let value = json!({"clusterName": "a", "tags": null, "configuration": null});
    assert_eq!(
        outcome::<CreateClusterInput>(&value),
        Ok(json!({"ClusterName": "a"}))
    );
    let value = json!({"capacityProviders": ["FARGATE", null]});
    let problems = outcome::<CreateClusterInput>(&value).unwrap_err();
    assert_eq!(
        problems,
        ["body.capacityProviders[1]: expected string, got null"]
    );
}

#[test]
fn what_aws_requires_and_nobody_gave_is_named() {
    let value = json!({"containerDefinitions": [{"logConfiguration": {"options": {}}}]});
    let problems = outcome::<RegisterTaskDefinitionInput>(&value).unwrap_err();
    assert_eq!(
        problems,
        ["body.containerDefinitions[0].logConfiguration.logDriver: required, but absent"]
    );
    let value = json!({"containerDefinitions": [{"ulimits": [{"softLimit": 1, "hardLimit": 1}]}]});
    let problems = outcome::<RegisterTaskDefinitionInput>(&value).unwrap_err();
    assert_eq!(
        problems,
        ["body.containerDefinitions[0].ulimits[0].name: required, but absent"]
    );
    let value = json!({"containerDefinitions": [{"resourceRequirements": [{"value": "1"}]}]});
    let problems = outcome::<RegisterTaskDefinitionInput>(&value).unwrap_err();
    assert_eq!(
        problems,
        ["body.containerDefinitions[0].resourceRequirements[0].type: required, but absent"]
    );
    let value = json!({"networkConfiguration": {"awsvpcConfiguration": {}}});
    assert_eq!(
        outcome::<CreateServiceInput>(&value).unwrap_err(),
        [
            "body.serviceName: required, but absent",
            "body.networkConfiguration.awsvpcConfiguration.subnets: required, but absent"
        ]
    );
    let value = json!({"namespaceId": "ns-1", "dnsConfig": {}});
    assert_eq!(
        outcome::<CreateRegistryInput>(&value).unwrap_err(),
        [
            "body.Name: required, but absent",
            "body.DnsConfig.DnsRecords: required, but absent"
        ]
    );
}

#[test]
fn what_aws_answers_may_come_back() {
    let value = json!({
        "family": "web", "containerDefinitions": [{"name": "a"}],
        "revision": 3, "status": "ACTIVE", "registeredAt": "2026-11-22T14:08:06Z", "taskDefinitionArn": "arn:x",
        "compatibilities": ["FARGATE"], "requiresAttributes": [{"name": "x"}], "registeredBy": "arn:y",
    });
    let expected = json!({"Family": "web", "ContainerDefinitions": [{"Name": "a", "Cpu": 0}]});
    assert_eq!(outcome::<RegisterTaskDefinitionInput>(&value), Ok(expected));
    let nested = json!({"family": "web", "containerDefinitions": [{"name": "a", "revision": 3}]});
    let problems = outcome::<RegisterTaskDefinitionInput>(&nested).unwrap_err();
    assert_eq!(
        problems,
        ["body.containerDefinitions[0].revision: unknown member"]
    );
}

#[test]
fn lenient_reading_drops_the_unknown_and_lists_it() {
    let value = json!({"clusterName": "a", "colour": "red", "tags": [{"key": "a", "valeu": "b"}]});
    let mut validation = Validation::new(Unknown::Ignore);
    let input = read::<CreateClusterInput>(&value, "", &mut validation).unwrap();
    assert_eq!(
        validation.finish(),
        Ok(vec!["colour".to_owned(), "tags[0].valeu".to_owned()])
    );
    assert_eq!(
        write(&input).unwrap(),
        json!({"ClusterName": "a", "Tags": [{"Key": "a"}]})
    );
}

#[test]
fn a_name_with_control_characters_can_not_forge_a_line() {
    let problems = outcome::<CreateClusterInput>(&json!({"a\r\nb": 1})).unwrap_err();
    assert_eq!(problems, ["body.a\u{fffd}\u{fffd}b: unknown member"]);
}

#[test]
fn what_the_sdk_does_not_know_may_be_new_at_aws() {
    let mut validation = Validation::new(Unknown::Refuse);
    let value = json!({"clusterName": "a", "colour": "red", "setings": []});
    let read_once = read::<CreateClusterInput>(&value, "", &mut validation);
    let version = aws_sdk_ecs::meta::PKG_VERSION;
    let of_sdk = format!("(as of aws-sdk-ecs {version}; AWS may know more)");
    let messages = validation.finish_with(read_once).unwrap_err();
    let messages: Vec<_> = messages.iter().map(|problem| &*problem.message).collect();
    assert_eq!(
        messages,
        [
            format!("unknown member {of_sdk}"),
            format!("unknown member; did you mean `settings`? {of_sdk}")
        ]
    );
    let mut validation = Validation::new(Unknown::Refuse);
    let value = json!({"Name": "a", "Colour": 1});
    let read_once = read::<CreateRegistryInput>(&value, "", &mut validation);
    let mut problems = validation.finish_with(read_once).unwrap_err();
    let message = problems.remove(0).message;
    assert!(message.contains("aws-sdk-servicediscovery 1."), "{message}");
}

#[test]
fn what_would_get_lost_is_refused() {
    let container = |member: &str, value: Value| {
        let value = json!({"family": "web", "containerDefinitions": [{member: value}]});
        outcome::<RegisterTaskDefinitionInput>(&value)
            .map(|read| read["ContainerDefinitions"][0].clone())
    };
    let environment = |value: Value| container("environment", value);
    let at = |path: &str, message: &str| {
        Err(vec![format!(
            "body.containerDefinitions[0].{path}: {message}"
        )])
    };
    let absent = "required, but absent; it may be empty";
    for value in [
        json!([{"name": "A", "value": null}]),
        json!([{"name": "A"}]),
        json!([{"Name": "A", "VALUE": null}]),
    ] {
        assert_eq!(environment(value), at("environment[0].value", absent));
    }
    assert_eq!(
        environment(json!([{"name": "A", "value": ""}, {"value": "b"}])),
        at("environment[1].name", absent)
    );
    let empty = environment(json!([{"NAME": "A", "Value": ""}])).unwrap();
    assert_eq!(empty["Environment"], json!([{"Name": "A", "Value": ""}]));
    for (member, value, path, expected) in [
        ("environment", json!([null]), "environment[0]", "object"),
        ("portMappings", json!([null]), "portMappings[0]", "object"),
        ("command", json!(["a", null]), "command[1]", "string"),
        (
            "dockerLabels",
            json!({"a": null}),
            "dockerLabels.a",
            "string",
        ),
    ] {
        let message = format!("expected {expected}, got null");
        assert_eq!(container(member, value), at(path, &message));
    }
}

#[test]
fn numbers_lists_and_documents_survive() {
    let value = json!({
        "serviceName": "web",
        "healthCheckGracePeriodSeconds": -1,
        "deploymentConfiguration": {"lifecycleHooks": [
            {"hookDetails": {"a": [1, -2, 1.5, "x", true, null, {}]}, "lifecycleStages": []},
        ]},
    });
    let expected = json!({
        "ServiceName": "web",
        "DeploymentConfiguration": {"LifecycleHooks": [
            {"LifecycleStages": [], "HookDetails": {"a": [1, -2, 1.5, "x", true, null, {}]}},
        ]},
        "HealthCheckGracePeriodSeconds": -1,
    });
    assert_eq!(outcome::<CreateServiceInput>(&value), Ok(expected));
}
