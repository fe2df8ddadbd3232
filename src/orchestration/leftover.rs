//! The things that a flow could not take back, each with the command that does.

use super::tag_update::TagUpdate;
use super::undo_log::Change;
use crate::aws::Account;
use crate::ids::{Arn, RegistryId};

/// Something that could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its ARN, or its name where AWS never answered.
    pub arn: String,
    /// The reason why it is still there.
    pub error: String,
    /// The command that takes it back.
    pub command: String,
}

/// Describes what is still there of a change.
pub(super) fn leftover(
    change: &Change,
    arn: Option<&Arn>,
    why: &str,
    account: &Account,
) -> Leftover {
    let region = &account.settings.region;
    let command = match change {
        Change::Cluster(name) => format!("aws ecs delete-cluster --cluster {name}"),
        Change::LogGroup(name) => format!("aws logs delete-log-group --log-group-name {name}"),
        Change::TaskDefinition(family) => {
            let revision = arn.map_or_else(|| format!("{family}:REVISION"), Arn::to_string);
            format!("aws ecs deregister-task-definition --task-definition {revision}")
        }
        Change::Registry { .. } => {
            let place = account.account_region();
            let id = arn.map(|arn| RegistryId::of(arn.as_str(), &place));
            let id = id.as_ref().map_or("SERVICE_ID", RegistryId::as_str);
            format!("aws servicediscovery delete-service --id {id}")
        }
        Change::Service { cluster, service } => {
            format!("aws ecs delete-service --cluster {cluster} --service {service} --force")
        }
        Change::Update {
            cluster,
            service,
            previous,
            ..
        } => {
            let before = previous.as_ref().map_or("REVISION", Arn::as_str);
            format!(
                "aws ecs update-service --cluster {cluster} --service {service} --task-definition {before}"
            )
        }
        Change::Tags(back) => put_back_tags(back, region),
    };
    Leftover {
        arn: arn.map_or(change.name(), Arn::as_str).to_owned(),
        error: why.to_owned(),
        command: format!("{command} --region {region}"),
    }
}

/// Returns the command that puts tags back, but for the region of its end.
fn put_back_tags(back: &TagUpdate, region: &str) -> String {
    let arn = &back.arn;
    // AWS takes no quotes in tags.
    let set = back.set.iter();
    let set: Vec<_> = set
        .map(|(key, value)| format!("'key={key},value={value}'"))
        .collect();
    let unset: Vec<_> = back.unset.iter().map(|key| format!("'{key}'")).collect();
    let (set, unset) = (set.join(" "), unset.join(" "));
    let tag = format!("aws ecs tag-resource --resource-arn {arn} --tags {set}");
    let untag = format!("aws ecs untag-resource --resource-arn {arn} --tag-keys {unset}");
    match (back.set.is_empty(), back.unset.is_empty()) {
        (false, true) => tag,
        (true, _) => untag,
        (false, false) => format!("{tag} --region {region} && {untag}"),
    }
}

#[cfg(test)]
mod tests {

    use super::put_back_tags;
    use crate::ids::Arn;
    use crate::orchestration::tag_update::TagUpdate;

    #[test]
    fn each_command_that_puts_tags_back_has_its_region() {
        let arn = "arn:aws:ecs:eu-west-1:111122223333:service/shop/cart";
        let both = TagUpdate {
            arn: Arn::from_answer(arn),
            set: vec![("team".to_owned(), "a".to_owned())],
            unset: vec!["stage".to_owned()],
        };
        assert_eq!(
            put_back_tags(&both, "eu-west-1"),
            format!(
                "aws ecs tag-resource --resource-arn {arn} --tags 'key=team,value=a' --region eu-west-1 \
                 && aws ecs untag-resource --resource-arn {arn} --tag-keys 'stage'"
            )
        );
    }
}
