//! Whole answers, AWS's and ours, that come back as bodies: what is in them is what was meant.
//!
//! `{"taskDefinition": {…}, "tags": […]}` and `{"Services": [one], "Failures": []}` stand for what they hold.

use serde_json::{Map, Value};

use crate::orchestration::tags::is_own;
use crate::wire::members::{join, key_of};
use crate::wire::validation::Validation;

/// The members under which answers hold a resource: alone, and in a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapping {
    one: &'static str,
    list: &'static str,
}

/// Answers that hold a cluster.
pub(super) const CLUSTER: Wrapping = Wrapping {
    one: "cluster",
    list: "clusters",
};
/// Answers that hold a task definition.
pub(super) const TASK_DEFINITION: Wrapping = Wrapping {
    one: "taskDefinition",
    list: "taskDefinitions",
};
/// Answers that hold a service, of ECS or of Cloud Map.
pub(super) const SERVICE: Wrapping = Wrapping {
    one: "service",
    list: "services",
};

/// The members that stand beside a resource in answers.
const BESIDE: [&str; 2] = ["tags", "failures"];

/// Puts in place of an answer what it holds. Tags beside a resource that has none become the resource's; a body that
/// is no answer stays as it is.
pub(super) fn unwrap(
    object: &mut Map<String, Value>,
    path: &str,
    wrapping: Wrapping,
    validation: &mut Validation,
) {
    let Some((name, mut resource)) = take_resource(object, path, wrapping, validation) else {
        return;
    };
    validation.take(object, path, "failures");
    if let Some(tags) = validation.take(object, path, "tags")
        && key_of(&resource, "tags").is_none_or(|key| resource[&key].is_null())
    {
        resource.insert("tags".to_owned(), tags);
    }
    validation.refuse_others(object, path, [name].into_iter().chain(BESIDE));
    *object = resource;
}

/// Takes the one resource of an answer out of it.
fn take_resource(
    object: &mut Map<String, Value>,
    path: &str,
    wrapping: Wrapping,
    validation: &mut Validation,
) -> Option<(&'static str, Map<String, Value>)> {
    let holds = |name: &str, is_kind: fn(&Value) -> bool| {
        key_of(object, name).is_some_and(|key| is_kind(&object[&key]))
    };
    let name = if holds(wrapping.one, Value::is_object) {
        wrapping.one
    } else if holds(wrapping.list, Value::is_array) {
        wrapping.list
    } else {
        return None;
    };
    match validation.take(object, path, name)? {
        Value::Object(resource) => Some((name, resource)),
        Value::Array(mut list) if list.len() == 1 && list[0].is_object() => {
            let only = list.remove(0);
            Some((name, only.as_object().cloned().unwrap_or_default()))
        }
        Value::Array(list) => {
            let message = format!("expected one object, got a list of {}", list.len());
            validation.refuse(join(path, name), message);
            None
        }
        _ => None,
    }
}

/// Takes out of a service's answer what this API adds to it: with `all`, its tasks and endpoint, and its task definition
/// in place of the ARN. Returns whether it is an answer, which a service's ARN tells.
pub(super) fn plain_service(
    object: &mut Map<String, Value>,
    path: &str,
    validation: &mut Validation,
) -> bool {
    if key_of(object, "serviceArn").is_none() {
        return false;
    }
    validation.take(object, path, "serviceEndpoint");
    validation.take(object, path, "tasks");
    if let Some(key) = key_of(object, "taskDefinition")
        && let Value::Object(definition) = &object[&key]
    {
        let arn = key_of(definition, "taskDefinitionArn").map(|key| definition[&key].clone());
        object.insert(key, arn.unwrap_or(Value::Null));
    }
    true
}

/// Returns `true` if nobody but AWS or this API may set a tag
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>).
///
/// A body may be an earlier answer, with the tags of the request that it answered. With these, a caller's resource would
/// be taken for that other request's.
fn is_reserved(tag: &Value) -> bool {
    let tag = tag.as_object();
    let key = tag.and_then(|tag| tag.get(&key_of(tag, "key")?)?.as_str());
    key.is_some_and(is_reserved_key)
}

/// Returns `true` if nobody but AWS or this API may set a tag of this key.
pub(super) fn is_reserved_key(key: &str) -> bool {
    let is_of_aws = key
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    is_of_aws || is_own(key)
}

/// Gives the registry of an orchestrated create's answer the name that the create's body has for it.
pub(super) fn name_registry(body: &mut Map<String, Value>, validation: &mut Validation) {
    if key_of(body, "serviceRegistry").is_none()
        && let Some(registry) = validation.take(body, "", "serviceDiscoveryService")
    {
        body.insert("serviceRegistry".to_owned(), registry);
    }
}

/// Drops the tags that nobody but AWS and this API may set from every list of tags of a body, at whatever depth.
pub(super) fn drop_reserved_tags(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::Array(tags) if name.eq_ignore_ascii_case("tags") => {
                        tags.retain(|tag| !is_reserved(tag));
                    }
                    other => drop_reserved_tags(other),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(drop_reserved_tags),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::validation::Unknown;

    #[track_caller]
    fn unwrapped(wrapping: Wrapping, given: Value) -> Result<Value, String> {
        let Value::Object(mut object) = given else {
            panic!("the case is not an object")
        };
        let mut validation = Validation::new(Unknown::Refuse);
        unwrap(&mut object, "", wrapping, &mut validation);
        validation
            .finish()
            .map(|_| Value::Object(object))
            .map_err(|mut problems| {
                let first = problems.remove(0);
                format!("{}: {}", first.path, first.message)
            })
    }

    #[test]
    fn an_answer_stands_for_what_it_holds() {
        for (wrapping, given, expected) in [
            (
                TASK_DEFINITION,
                json!({"TaskDefinition": {"family": "a"}, "Tags": [{"key": "b"}]}),
                json!({"family": "a", "tags": [{"key": "b"}]}),
            ),
            (
                SERVICE,
                json!({"services": [{"serviceName": "a", "tags": []}], "failures": []}),
                json!({"serviceName": "a", "tags": []}),
            ),
            (
                CLUSTER,
                json!({"CLUSTER": {"clusterName": "a"}, "other": null}),
                json!({"clusterName": "a"}),
            ),
            // No answers: a member that is a text, and a body without any of it.
            (
                SERVICE,
                json!({"service": "web", "desiredCount": 1}),
                json!({"service": "web", "desiredCount": 1}),
            ),
            (CLUSTER, json!({}), json!({})),
        ] {
            assert_eq!(unwrapped(wrapping, given), Ok(expected));
        }
    }

    #[test]
    fn an_answer_that_holds_several_or_something_else_is_refused() {
        for (given, expected) in [
            (
                json!({"Services": [{}, {}], "Failures": []}),
                "services: expected one object, got a list of 2",
            ),
            (
                json!({"Services": [], "Failures": [{"reason": "MISSING"}]}),
                "services: expected one object, got a list of 0",
            ),
            (
                json!({"Service": {}, "desiredCount": 1}),
                "desiredCount: unknown member",
            ),
        ] {
            assert_eq!(unwrapped(SERVICE, given), Err(expected.to_owned()));
        }
    }

    #[test]
    fn reserved_tags_go_and_all_others_stay_at_every_depth() {
        let mut body = json!({
            "tags": [
                {"key": "aws:cloudformation:stack-name", "value": "x"}, {"key": "team", "value": "a"},
                {"Key": "AWS:x", "Value": "x"}, {"key": "ecs-api:request-id", "value": "x"}, {"key": "awesome"},
            ],
            "volumes": [{"tagSpecifications": [{"tags": [{"key": "aws:x"}, {"key": "b"}]}]}],
            "dockerLabels": {"tags": "aws:x"},
        });
        drop_reserved_tags(&mut body);
        let expected = json!({
            "tags": [{"key": "team", "value": "a"}, {"key": "awesome"}],
            "volumes": [{"tagSpecifications": [{"tags": [{"key": "b"}]}]}],
            "dockerLabels": {"tags": "aws:x"},
        });
        assert_eq!(body, expected);
    }
}
