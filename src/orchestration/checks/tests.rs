use aws_sdk_servicediscovery::types::DnsRecord;
use serde_json::{Value, json};

use super::*;
use crate::wire::read::{Input, read};
use crate::wire::validation::{Unknown, Validation};

fn input<T: Input>(value: &Value) -> T {
    let mut validation = Validation::new(Unknown::Refuse);
    let input = read(value, "", &mut validation);
    assert_eq!(validation.finish(), Ok(Vec::new()), "{value}");
    input.expect("without problems there is a value")
}

/// A container `web` that maps 80 by the name `http`, and a sidecar without ports.
fn one_port() -> RegisterTaskDefinitionInput {
    input(
        &json!({"family": "shop", "networkMode": "awsvpc", "containerDefinitions": [
            {"name": "web", "portMappings": [{"containerPort": 80, "name": "http"}]},
            {"name": "sidecar"},
        ]}),
    )
}

fn two_ports() -> RegisterTaskDefinitionInput {
    input(
        &json!({"family": "shop", "networkMode": "awsvpc", "containerDefinitions": [
            {"name": "web", "portMappings": [{"containerPort": 80}, {"containerPortRange": "8000-8010"}]},
            {"name": "admin", "portMappings": [{"containerPort": 81}]},
        ]}),
    )
}

fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}})
}

fn lines(faults: &[ServiceFault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.path, fault.cause))
        .collect()
}

/// The faults of a service that has, beside these members, a name and nothing else.
#[track_caller]
fn faults(members: &Value, task: &RegisterTaskDefinitionInput) -> Vec<String> {
    let mut service = json!({"serviceName": "shop"});
    for (name, value) in members.as_object().unwrap() {
        service[name] = value.clone();
    }
    lines(&service_faults(&input(&service), task.into()))
}

#[test]
fn a_replica_says_how_many_and_a_daemon_does_not() {
    let bridge = input(&json!({"family": "shop", "containerDefinitions": [{"name": "web"}]}));
    for (members, expected) in [
        (json!({"desiredCount": 0}), None),
        (
            json!({}),
            Some("desiredCount: required: the number of tasks to keep running, 0 or more"),
        ),
        (
            json!({"desiredCount": -1}),
            Some("desiredCount: expected 0 or more, got -1"),
        ),
        (json!({"schedulingStrategy": "DAEMON"}), None),
        (
            json!({"schedulingStrategy": "DAEMON", "desiredCount": 1}),
            Some("desiredCount: not taken with the scheduling strategy DAEMON; leave it out"),
        ),
        (
            json!({"schedulingStrategy": "DAEMON", "launchType": "FARGATE"}),
            Some(
                "schedulingStrategy: the scheduling strategy DAEMON is not available on Fargate; expected REPLICA",
            ),
        ),
        (json!({"deploymentController": {"type": "EXTERNAL"}}), None),
    ] {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(faults(&members, &bridge), expected, "{members}");
    }
}

#[test]
fn a_network_is_there_where_and_only_where_tasks_have_one_of_their_own() {
    let bridge = input(&json!({"family": "shop", "containerDefinitions": [{"name": "web"}]}));
    assert_eq!(
        faults(&json!({"desiredCount": 1}), &one_port()),
        [
            "networkConfiguration: required: the task definition's network mode is awsvpc, and the account has no \
             `defaultSubnets`"
        ]
    );
    let with_network = json!({"desiredCount": 1, "networkConfiguration": network()});
    assert!(faults(&with_network, &one_port()).is_empty());
    assert_eq!(
        faults(&with_network, &bridge),
        [
            "networkConfiguration: not taken with the task definition's network mode `bridge`; leave it out"
        ]
    );
}

#[test]
fn a_load_balancer_leads_to_a_container_and_a_port_that_are_there() {
    let of = |balancers: Value| {
        let members = json!({"desiredCount": 1, "networkConfiguration": network(), "loadBalancers": balancers});
        faults(&members, &two_ports())
    };
    assert!(
        of(json!([
            {"containerName": "web", "containerPort": 80},
            {"containerName": "web", "containerPort": 8005},
        ]))
        .is_empty()
    );
    assert_eq!(
        of(json!([
            {"containerName": "app", "containerPort": 80},
            {"containerName": "admin", "containerPort": 80},
        ])),
        [
            "loadBalancers[0].containerName: the task definition has no container `app`; it has `web`, `admin`",
            "loadBalancers[1].containerPort: the container `admin` maps no port 80; it maps 81",
        ]
    );
}

#[test]
fn service_connect_names_a_port_mapping() {
    let of = |name: &str| {
        let connect = json!({"enabled": true, "services": [{"portName": name}]});
        let members = json!({"desiredCount": 1, "networkConfiguration": network(), "serviceConnectConfiguration": connect});
        faults(&members, &one_port())
    };
    assert!(of("http").is_empty());
    assert_eq!(
        of("grpc"),
        [
            "serviceConnectConfiguration.services[0].portName: no port mapping of the task definition has the name \
             `grpc`; there are `http`"
        ]
    );
}

fn records(kinds: &[RecordType]) -> DnsConfig {
    let record = |kind: &RecordType| {
        let record = DnsRecord::builder().r#type(kind.clone()).ttl(30);
        record.build().unwrap()
    };
    let records = kinds.iter().map(record).collect();
    DnsConfig::builder()
        .set_dns_records(Some(records))
        .build()
        .unwrap()
}

/// A completed entry as `container:port`, or the fault.
fn completed(
    given: &Value,
    kinds: &[RecordType],
    task: &RegisterTaskDefinitionInput,
) -> Result<String, String> {
    let service: CreateServiceInput =
        input(&json!({"serviceName": "shop", "serviceRegistries": given}));
    let entry = service.service_registries().first();
    complete_registry(entry, Some(&records(kinds)), task.into())
        .map(|entry| {
            format!(
                "{}:{}",
                entry.container_name().unwrap_or_default(),
                entry
                    .container_port()
                    .or(entry.port())
                    .map_or_else(String::new, |port| port.to_string())
            )
        })
        .map_err(|fault| lines(&[fault]).remove(0))
}

#[test]
fn an_srv_record_has_the_port_that_the_service_names_or_the_only_one() {
    const SRV: &[RecordType] = &[RecordType::Srv];
    let ok = |target: &str| Ok(target.to_owned());
    let err = |fault: &str| Err(format!("serviceRegistries[0]{fault}"));
    let (one, two) = (one_port(), two_ports());
    for (given, task, expected) in [
        (json!([]), &one, ok("web:80")),
        (
            json!([]),
            &two,
            err(
                ": required for an SRV record: `containerName` and `containerPort`, since the task definition has 2 \
                 port mappings and not one",
            ),
        ),
        (
            json!([{"containerName": "admin", "containerPort": 81}]),
            &two,
            ok("admin:81"),
        ),
        (
            json!([{"containerName": "app", "containerPort": 81}]),
            &two,
            err(
                ".containerName: the task definition has no container `app`; it has `web`, `admin`",
            ),
        ),
        (
            json!([{"containerName": "admin", "containerPort": 80}]),
            &two,
            err(".containerPort: the container `admin` maps no port 80; it maps 81"),
        ),
        (
            json!([{"containerName": "admin"}]),
            &two,
            err(": give `containerName` and `containerPort` together"),
        ),
        (json!([{"port": 8080}]), &two, ok(":8080")),
        (
            json!([{"containerName": "web", "containerPort": 80, "port": 80}]),
            &two,
            err(".port: given beside `containerName` and `containerPort`; give one or the other"),
        ),
    ] {
        assert_eq!(completed(&given, SRV, task), expected, "{given}");
    }
    let both = [RecordType::A, RecordType::Srv];
    assert_eq!(completed(&json!([]), &both, &one), ok("web:80"));
}

#[test]
fn an_a_record_takes_no_port() {
    const A: &[RecordType] = &[RecordType::A];
    assert_eq!(completed(&json!([]), A, &two_ports()), Ok(":".to_owned()));
    for (given, member) in [
        (
            json!([{"containerName": "web", "containerPort": 80}]),
            "containerName",
        ),
        (json!([{"port": 80}]), "port"),
    ] {
        let fault = format!(
            "serviceRegistries[0].{member}: not taken for a registry without SRV records; leave it out"
        );
        assert_eq!(completed(&given, A, &two_ports()), Err(fault));
    }
    // A namespace for `DiscoverInstances` alone has no records at all.
    let entry = complete_registry(None, None, (&two_ports()).into());
    assert_eq!(entry, Ok(ServiceRegistry::builder().build()));
}
