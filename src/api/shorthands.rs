//! The shorthands of the original's documentation, and answers that come back, put into AWS's form before a body is read.

use serde_json::{Map, Value, json};

use super::{answers, tags};
use crate::wire::members::{join, key_of};
use crate::wire::validation::Validation;

/// Takes a cluster's `name` for its `clusterName`.
pub(super) fn cluster(object: &mut Map<String, Value>, path: &str, validation: &mut Validation) {
    answers::unwrap(object, path, answers::CLUSTER, validation);
    tags::as_list(object, path, validation);
    let Some(name) = validation.take(object, path, "name") else {
        return;
    };
    if validation.take(object, path, "clusterName").is_some() {
        validation.refuse(
            join(path, "name"),
            "given beside `clusterName`, which it is short for; give one of them",
        );
        return;
    }
    object.insert("clusterName".to_owned(), name);
}

/// Takes a service's answer for the service.
pub(super) fn service(object: &mut Map<String, Value>, path: &str, validation: &mut Validation) {
    answers::unwrap(object, path, answers::SERVICE, validation);
    answers::plain_service(object, path, validation);
    tags::as_list(object, path, validation);
}

/// Takes a container's `ports` for port mappings of these container ports.
pub(super) fn task_definition(
    object: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) {
    answers::unwrap(object, path, answers::TASK_DEFINITION, validation);
    tags::as_list(object, path, validation);
    let containers = key_of(object, "containerDefinitions").and_then(|key| object.get_mut(&key));
    let containers = containers
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    for (index, container) in containers.enumerate() {
        if let Value::Object(container) = container {
            ports(
                container,
                &join(path, &format!("containerDefinitions[{index}]")),
                validation,
            );
        }
    }
}

/// Takes `ports` of one container for port mappings of these container ports.
pub(super) fn ports(container: &mut Map<String, Value>, path: &str, validation: &mut Validation) {
    let Some(ports) = validation.take(container, path, "ports") else {
        return;
    };
    let path = join(path, "ports");
    if validation.take(container, &path, "portMappings").is_some() {
        validation.refuse(
            path,
            "given beside `portMappings`, which it is short for; give one of them",
        );
        return;
    }
    let is_port = |port: &Value| {
        port.as_u64()
            .is_some_and(|port| u16::try_from(port).is_ok())
    };
    match ports.as_array() {
        Some(ports) if ports.iter().all(is_port) => {
            let mapping = |port: &Value| json!({"containerPort": port, "protocol": "tcp"});
            container.insert(
                "portMappings".to_owned(),
                ports.iter().map(mapping).collect(),
            );
        }
        _ => {
            validation.refuse(path, "expected a list of whole numbers from 0 to 65535");
        }
    }
}

/// Drops a registry's `cluster`, which means nothing to Cloud Map, and moves the namespace beside the DNS config.
pub(super) fn registry(object: &mut Map<String, Value>, path: &str, validation: &mut Validation) {
    answers::unwrap(object, path, answers::SERVICE, validation);
    tags::as_list(object, path, validation);
    validation.take(object, path, "cluster");
    let config = key_of(object, "DnsConfig")
        .and_then(|key| object.get_mut(&key))
        .and_then(Value::as_object_mut);
    let nested =
        config.and_then(|config| validation.take(config, &join(path, "DnsConfig"), "NamespaceId"));
    let Some(nested) = nested else { return };
    let given = validation.take(object, path, "NamespaceId");
    if given.as_ref().is_some_and(|given| *given != nested) {
        validation.refuse(
            join(path, "DnsConfig.NamespaceId"),
            "differs from `NamespaceId`; give one of them",
        );
    }
    object.insert("NamespaceId".to_owned(), nested);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::validation::Unknown;

    type Shorthand = fn(&mut Map<String, Value>, &str, &mut Validation);

    #[track_caller]
    fn becomes(shorthand: Shorthand, given: Value, expected: Result<Value, &str>) {
        let Value::Object(mut object) = given else {
            panic!("the case is not an object")
        };
        let mut validation = Validation::new(Unknown::Refuse);
        shorthand(&mut object, "at", &mut validation);
        let result = validation
            .finish()
            .map(|_| Value::Object(object))
            .map_err(|mut problems| problems.remove(0).path);
        assert_eq!(result, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_clusters_name_is_its_cluster_name() {
        becomes(
            cluster,
            json!({"name": "a"}),
            Ok(json!({"clusterName": "a"})),
        );
        becomes(
            cluster,
            json!({"NAME": "a", "tags": []}),
            Ok(json!({"tags": [], "clusterName": "a"})),
        );
        becomes(cluster, json!({"name": null}), Ok(json!({})));
        becomes(
            cluster,
            json!({"name": "a", "clustername": null}),
            Ok(json!({"clusterName": "a"})),
        );
        becomes(
            cluster,
            json!({"name": "a", "clustername": "b"}),
            Err("at.name"),
        );
        becomes(cluster, json!({"name": "a", "Name": "b"}), Err("at.name"));
    }

    #[test]
    fn ports_are_port_mappings() {
        becomes(
            task_definition,
            json!({"containerdefinitions": [{"ports": [80, 443]}, {"name": "x"}]}),
            Ok(json!({"containerdefinitions": [
                {"portMappings": [
                    {"containerPort": 80, "protocol": "tcp"},
                    {"containerPort": 443, "protocol": "tcp"},
                ]},
                {"name": "x"},
            ]})),
        );
        becomes(
            task_definition,
            json!({"containerDefinitions": [{"ports": [], "portMappings": null}]}),
            Ok(json!({"containerDefinitions": [{"portMappings": []}]})),
        );
        let at = "at.containerDefinitions[0].ports";
        becomes(
            task_definition,
            json!({"containerDefinitions": [{"ports": [1], "PORTS": [2]}]}),
            Err(at),
        );
        becomes(
            task_definition,
            json!({"containerDefinitions": [{"Ports": ["80"]}]}),
            Err(at),
        );
        becomes(
            task_definition,
            json!({"containerDefinitions": [{"ports": 80}]}),
            Err(at),
        );
        becomes(
            task_definition,
            json!({"containerDefinitions": [{"ports": [1], "portmappings": []}]}),
            Err(at),
        );
    }

    #[test]
    fn a_registrys_namespace_given_twice_is_refused() {
        let twice = json!({"dnsConfig": {"namespaceid": "ns-1", "NamespaceId": "ns-2"}});
        becomes(registry, twice, Err("at.DnsConfig.NamespaceId"));
    }

    #[test]
    fn a_registrys_namespace_moves_to_the_top_and_its_cluster_goes() {
        becomes(
            registry,
            json!({"cluster": "c", "dnsconfig": {"namespaceid": "ns-1", "dnsrecords": []}}),
            Ok(json!({"dnsconfig": {"dnsrecords": []}, "NamespaceId": "ns-1"})),
        );
        becomes(
            registry,
            json!({"namespaceId": "ns-1", "dnsConfig": {"NamespaceId": "ns-1"}}),
            Ok(json!({"dnsConfig": {}, "NamespaceId": "ns-1"})),
        );
        becomes(
            registry,
            json!({"namespaceId": "ns-1", "dnsConfig": {"NamespaceId": "ns-2"}}),
            Err("at.DnsConfig.NamespaceId"),
        );
    }
}
