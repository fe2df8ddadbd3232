//! The input that gives a service everything back that an earlier service revision had.

use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_sdk_ecs::types::ServiceRevision;
use serde_json::{Map, Value, json};

use super::definition::FieldChange;
use super::members::{self, answer_name};
use super::read::read;
use super::validation::{FieldError, Unknown, Validation};
use super::write::{write, write_with_aws_names};

/// The member that is forced to deploy: ECS changes how tasks are placed only with a new deployment
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>).
const STRATEGY: &str = "capacityProviderStrategy";

/// The update that gives a service back what a revision had.
#[derive(Debug, Clone)]
pub struct Restoration {
    /// The update, with the names of cluster and service.
    pub update: UpdateServiceInput,
    /// The differences; none if the service has everything already.
    pub changes: Vec<FieldChange>,
}

/// Returns what gives a service with the revision `present` everything that the revision `wanted` had, as far as
/// `UpdateService` takes it. What `wanted` lacks is sent empty.
///
/// # Errors
/// Every [`FieldError`] of an input that would not be valid.
pub fn restore(
    (cluster, service): (&str, &str),
    present: &ServiceRevision,
    wanted: &ServiceRevision,
) -> Result<Restoration, Vec<FieldError>> {
    // AWS's own values always have a JSON form.
    let values = |revision| write_with_aws_names(revision).unwrap_or_default();
    let told = |revision| write(revision).unwrap_or_default();
    let (old, new) = (values(present), values(wanted));
    let (old_told, new_told) = (told(present), told(wanted));
    let mut update = Map::new();
    let mut changes = Vec::new();
    for member in UpdateServiceInput::SCHEMA.members() {
        let Some(name) = member.member_name() else {
            continue;
        };
        let is_kept = members::find(ServiceRevision::SCHEMA, name).is_some();
        let (before, after) = (present_of(&old, name), present_of(&new, name));
        if !is_kept || before == after {
            continue;
        }
        let Some(value) = after.cloned().or_else(|| empty_in_place_of(before?)) else {
            continue;
        };
        update.insert(name.to_owned(), value);
        let answered = answer_name(name);
        changes.push(FieldChange {
            path: name.to_owned(),
            from: present_of(&old_told, &answered).cloned(),
            to: present_of(&new_told, &answered).cloned(),
        });
    }
    if update.contains_key(STRATEGY) {
        update.insert("forceNewDeployment".to_owned(), true.into());
    }
    update.insert("cluster".to_owned(), cluster.into());
    update.insert("service".to_owned(), service.into());
    let mut validation = Validation::new(Unknown::Refuse);
    let update = read::<UpdateServiceInput>(&Value::Object(update), "", &mut validation);
    let (update, _) = validation.finish_with(update)?;
    Ok(Restoration { update, changes })
}

/// Returns a member that says something: an empty list is as good as none.
fn present_of<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|value| **value != json!([]))
}

/// Returns what takes a value away; `None` for what can't be taken away.
fn empty_in_place_of(value: &Value) -> Option<Value> {
    match value {
        Value::Array(_) => Some(json!([])),
        // Service Connect alone has a switch.
        Value::Object(members) if members.contains_key("enabled") => {
            Some(json!({"enabled": false}))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{CapacityProviderStrategyItem, ServiceConnectConfiguration};

    use super::*;

    fn spot() -> CapacityProviderStrategyItem {
        let item = CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT");
        item.build().unwrap()
    }

    fn paths(restoration: &Restoration) -> Vec<&str> {
        let changes = restoration.changes.iter();
        changes.map(|change| change.path.as_str()).collect()
    }

    #[test]
    fn what_differs_is_put_back_and_what_is_lacking_sent_empty() {
        let connect = ServiceConnectConfiguration::builder().enabled(true).build();
        let present = ServiceRevision::builder()
            .task_definition("web:2")
            .platform_version("1.4.0")
            .capacity_provider_strategy(spot())
            .service_connect_configuration(connect)
            .build();
        let wanted = ServiceRevision::builder()
            .task_definition("web:1")
            .platform_version("1.4.0")
            .launch_type("FARGATE".into())
            .set_load_balancers(Some(Vec::new()))
            .build();
        let restored = restore(("shop", "web"), &present, &wanted).unwrap();
        let expected = [
            "taskDefinition",
            "capacityProviderStrategy",
            "serviceConnectConfiguration",
        ];
        assert_eq!(paths(&restored), expected);
        let update = restored.update;
        assert_eq!(update.task_definition(), Some("web:1"));
        assert_eq!(update.capacity_provider_strategy, Some(Vec::new()));
        assert_eq!(update.force_new_deployment, Some(true));
        assert!(!update.service_connect_configuration.unwrap().enabled);
        assert_eq!(
            (update.desired_count, update.platform_version),
            (None, None)
        );
    }

    #[test]
    fn what_is_the_same_is_not_sent() {
        let revision = ServiceRevision::builder()
            .service_revision_arn("arn:1")
            .task_definition("web:1")
            .capacity_provider_strategy(spot())
            .build();
        let mut other = revision.clone();
        other.service_revision_arn = Some("arn:2".to_owned());
        let restored = restore(("shop", "web"), &revision, &other).unwrap();
        assert_eq!(paths(&restored), [""; 0]);
        assert_eq!(restored.update.force_new_deployment, None);
    }
}
