use aws_sdk_ecs::types::TaskDefinition;
use serde_json::{Map, Value, json};

use super::*;
use crate::wire::read::read;
use crate::wire::validation::{Unknown, Validation};
use crate::wire::write::write_with_aws_names;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// Reads a change, and what is wrong with it as `path: message`.
fn take(body: Value) -> Result<DefinitionChange, Vec<String>> {
    let mut body = object(body);
    let mut validation = Validation::new(Unknown::Refuse);
    let change = DefinitionChange::take(&mut body, &mut validation);
    assert!(body.is_empty(), "left: {body:?}");
    let outcome = validation.finish_with(change);
    outcome.map(|(change, _)| change).map_err(|problems| {
        let said = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message));
        said.collect()
    })
}

/// A definition with two containers, as ECS describes one.
fn present() -> TaskDefinition {
    let input = json!({
        "family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [
            {"name": "web", "image": "host:5000/team/web:1", "essential": true, "cpu": 0,
                "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "EMPTY"}],
                "secrets": [{"name": "S", "valueFrom": "arn:aws:ssm:::parameter/s"}],
                "command": ["serve"], "dockerLabels": {"x": "1", "y": "2"},
                "portMappings": [{"containerPort": 80, "protocol": "tcp", "hostPort": 80}]},
            {"name": "sidecar", "image": "sidecar", "essential": false, "cpu": 0},
        ],
    });
    let mut definition = TaskDefinition::builder()
        .task_definition_arn("arn:aws:ecs:us-east-1:111122223333:task-definition/web:7")
        .revision(7)
        .status("ACTIVE".into())
        .build();
    let mut validation = Validation::new(Unknown::Refuse);
    // As AWS sends it, and not as a caller may.
    let mut without_half = input.clone();
    let variables = without_half["containerDefinitions"][0]["environment"]
        .as_array_mut()
        .unwrap();
    variables.pop();
    let read: RegisterTaskDefinitionInput = read(&without_half, "", &mut validation).unwrap();
    definition.family = read.family;
    definition.cpu = read.cpu;
    definition.memory = read.memory;
    definition.network_mode = read.network_mode;
    definition.requires_compatibilities = read.requires_compatibilities;
    definition.container_definitions = read.container_definitions;
    let container = &mut definition.container_definitions.as_mut().unwrap()[0];
    let half = aws_sdk_ecs::types::KeyValuePair::builder()
        .name("EMPTY")
        .build();
    container.environment.as_mut().unwrap().push(half);
    definition
}

#[track_caller]
fn merged(body: Value) -> (Value, Vec<Value>) {
    let change = take(body).unwrap_or_else(|problems| panic!("{problems:?}"));
    let merged = change
        .merge(&present())
        .unwrap_or_else(|error| panic!("{error}"));
    let told = merged.changes.into_iter().map(|change| {
        let mut told = json!({"path": change.path});
        if let Some(from) = change.from {
            told["from"] = from;
        }
        if let Some(to) = change.to {
            told["to"] = to;
        }
        told
    });
    let told = told.collect();
    (write_with_aws_names(&merged.input).unwrap(), told)
}

#[test]
fn what_is_not_named_stays() {
    let (definition, changes) = merged(json!({}));
    assert_eq!(changes, Vec::<Value>::new());
    let before = write_with_aws_names(&present()).unwrap();
    for member in [
        "family",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
    ] {
        assert_eq!(definition[member], before[member], "{member}");
    }
    assert_eq!(
        definition["containerDefinitions"][1],
        before["containerDefinitions"][1]
    );
    assert!(definition.get("revision").is_none());
    assert!(definition.get("status").is_none());
}

#[test]
fn a_tag_changes_the_image_of_the_only_essential_container() {
    let (definition, changes) = merged(json!({"Tag": "2"}));
    assert_eq!(
        definition["containerDefinitions"][0]["image"],
        "host:5000/team/web:2"
    );
    assert_eq!(
        changes,
        [
            json!({"path": "containers.web.image", "from": "host:5000/team/web:1", "to": "host:5000/team/web:2"})
        ]
    );
}

#[test]
fn an_image_may_be_given_whole_for_any_container() {
    let (definition, _) =
        merged(json!({"image": "a/b", "containers": {"sidecar": {"image": "c:1"}}}));
    assert_eq!(definition["containerDefinitions"][0]["image"], "a/b");
    assert_eq!(definition["containerDefinitions"][1]["image"], "c:1");
    let (definition, _) = merged(json!({"containers": {"sidecar": {"TAG": "9"}}}));
    assert_eq!(definition["containerDefinitions"][1]["image"], "sidecar:9");
}

#[test]
fn maps_are_merged_and_null_removes() {
    let (definition, changes) = merged(json!({"containers": {"web": {
        "environment": {"A": "one", "B": null, "C": "3", "GONE": null},
        "secrets": {"S": null, "T": "arn:aws:ssm:::parameter/t"},
        "dockerLabels": {"x": null, "y": "two", "z": "3"},
        "command": null,
    }}}));
    let web = &definition["containerDefinitions"][0];
    let expected = json!([
        {"name": "A", "value": "one"}, {"name": "EMPTY", "value": ""}, {"name": "C", "value": "3"},
    ]);
    assert_eq!(web["environment"], expected);
    assert_eq!(
        web["secrets"],
        json!([{"name": "T", "valueFrom": "arn:aws:ssm:::parameter/t"}])
    );
    assert_eq!(web["dockerLabels"], json!({"y": "two", "z": "3"}));
    assert!(web.get("command").is_none());
    let expected = [
        json!({"path": "containers.web.command", "from": ["serve"]}),
        json!({"path": "containers.web.environment.B"}),
        json!({"path": "containers.web.environment.A"}),
        json!({"path": "containers.web.environment.C"}),
        json!({"path": "containers.web.secrets.S"}),
        json!({"path": "containers.web.secrets.T"}),
        json!({"path": "containers.web.dockerLabels.x", "from": "1"}),
        json!({"path": "containers.web.dockerLabels.y", "from": "2", "to": "two"}),
        json!({"path": "containers.web.dockerLabels.z", "to": "3"}),
    ];
    for change in &expected {
        assert!(
            changes.contains(change),
            "{change} is not among {changes:?}"
        );
    }
    assert_eq!(changes.len(), expected.len());
}

#[test]
fn everything_else_replaces_in_whatever_case_it_is_written() {
    let (definition, changes) = merged(json!({"containers": {"web": {
        "Command": ["run"],
        "PORTMAPPINGS": [{"ContainerPort": 8080}],
        "environment": [{"name": "ONLY", "value": "1"}],
    }}, "cpu": 512, "memory": "1024"}));
    let web = &definition["containerDefinitions"][0];
    assert_eq!(web["command"], json!(["run"]));
    assert_eq!(web["portMappings"], json!([{"containerPort": 8080}]));
    assert_eq!(web["environment"], json!([{"name": "ONLY", "value": "1"}]));
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&json!("512"), &json!("1024"))
    );
    assert!(changes.contains(&json!({"path": "cpu", "from": "256", "to": "512"})));
}

#[test]
fn what_is_there_already_is_no_change() {
    for body in [
        json!({"tag": "1"}),
        json!({"image": "host:5000/team/web:1"}),
        json!({"cpu": 256, "memory": 512}),
        json!({"containers": {"web": {"environment": {"A": "1", "NONE": null}, "command": ["serve"]}}}),
        json!({"containers": {"web": {"environment": {"EMPTY": ""}}, "sidecar": null}}),
        json!({"containers": {}}),
    ] {
        let (_, changes) = merged(body.clone());
        assert_eq!(changes, Vec::<Value>::new(), "{body}");
    }
}

#[test]
fn values_that_may_be_secret_are_not_told() {
    let (_, changes) = merged(json!({"containers": {"web": {
        "logConfiguration": {"logDriver": "splunk", "options": {"splunk-token": "hush"}},
        "environment": {"A": "hush"}, "secrets": {"S": "hush"},
    }}}));
    assert_eq!(changes.len(), 3);
    assert!(!json!(changes).to_string().contains("hush"));
}

#[test]
fn a_change_that_does_not_fit_says_what_would() {
    let merge = |body: Value| {
        let error = take(body).unwrap().merge(&present()).unwrap_err();
        format!("{}: {error}", error.path())
    };
    assert_eq!(
        merge(json!({"containers": {"Web": {"tag": "2"}}})),
        "containers.Web: the task definition has no container `Web`; it has `web`, `sidecar`"
    );
    let mut several = present();
    several.container_definitions.as_mut().unwrap()[1].essential = None;
    let error = take(json!({"tag": "2"}))
        .unwrap()
        .merge(&several)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the task definition has not exactly one essential container; say in `containers` which of `web`, `sidecar` \
         is meant"
    );
    let mut odd = present();
    odd.container_definitions.as_mut().unwrap()[0].image = Some("Odd".to_owned());
    let error = take(json!({"tag": "2"})).unwrap().merge(&odd).unwrap_err();
    assert!(
        error.to_string().ends_with("give the whole `image`"),
        "{error}"
    );
}

#[test]
fn everything_wrong_with_a_change_is_said_together() {
    let problems = take(json!({
        "image": "Team/Web", "cpu": true,
        "containers": {"web": {"image": "a", "tag": "b", "environment": {"A": 1}, "name": "other",
            "comand": ["x"], "essential": "yes"}, "x": 1},
    }))
    .unwrap_err();
    let expected = [
        "image: `Team/Web` has upper case in the repository's name, which registries refuse; write it in lower case",
        "containers.web.tag: given beside `image`, which has a tag of its own; give one of them",
        "containers.web.name: a container keeps its name; the member of `containers` says which it is",
        "containers.web.environment.A: expected string, or null to remove it, got integer",
        "containers.web.essential: expected boolean, got string \"yes\"",
    ];
    assert_eq!(problems[..5], expected);
    assert!(
        problems[5].starts_with("containers.web.comand: unknown member; did you mean `command`?"),
        "{problems:?}"
    );
    assert_eq!(
        problems[6..],
        [
            "containers.x: expected object, got integer",
            "cpu: expected string or integer, got boolean"
        ]
    );
}

#[test]
fn containers_are_compared_by_their_names() {
    let web =
        json!({"name": "web", "image": "web:1", "environment": [{"name": "A", "value": "1"}]});
    let newer =
        json!({"name": "web", "image": "web:2", "environment": [{"name": "A", "value": "2"}]});
    let sidecar = json!({"name": "sidecar", "image": "proxy:1", "secrets": [{"name": "B", "valueFrom": "arn"}]});
    let between = |before: &[&Value], after: &[&Value]| {
        let [before, after] = [before, after].map(|containers| {
            let body = json!({"family": "web", "containerDefinitions": containers});
            let mut validation = Validation::new(Unknown::Refuse);
            read::<RegisterTaskDefinitionInput>(&body, "", &mut validation).unwrap()
        });
        let before =
            TaskDefinition::builder().set_container_definitions(before.container_definitions);
        let after =
            TaskDefinition::builder().set_container_definitions(after.container_definitions);
        let told = differences(&before.build(), &after.build());
        let told = told
            .into_iter()
            .map(|change| json!([change.path, change.from, change.to]));
        told.collect::<Vec<_>>()
    };
    let updated = [
        json!(["containers.web.image", "web:1", "web:2"]),
        json!(["containers.web.environment.A", null, null]),
    ];
    let shown = json!({"Name": "sidecar", "Image": "proxy:1"});
    let added = json!(["containers.sidecar", null, shown]);
    let removed = json!(["containers.sidecar", shown, null]);
    assert_eq!(
        between(&[&web], &[&sidecar, &web]),
        std::slice::from_ref(&added)
    );
    assert_eq!(
        between(&[&sidecar, &web], &[&web]),
        std::slice::from_ref(&removed)
    );
    assert_eq!(
        between(&[&sidecar, &web], &[&web, &sidecar]),
        [json!(null); 0]
    );
    assert_eq!(
        between(&[&web], &[&sidecar, &newer]),
        [&updated[..], &[added]].concat()
    );
    assert_eq!(
        between(&[&sidecar, &web], &[&newer]),
        [&[removed], &updated[..]].concat()
    );
}
