//! Names of namespaces that were looked at lately: a namespace never gets another name, and stays as long as a service is
//! in it. Each account has its own, and none sees another's.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Account, Error, discovery};
use crate::ids::NamespaceId;

/// The most names of an account that are remembered: as many as an account may have namespaces
/// (<https://docs.aws.amazon.com/cloud-map/latest/dg/cloud-map-limits.html>).
const REMEMBERED_MAX: usize = 50;

/// The names of an account's namespaces that were looked at lately, the latest first.
#[derive(Debug, Default)]
pub(super) struct NamespaceNames(Mutex<VecDeque<(NamespaceId, String)>>);

impl NamespaceNames {
    fn find(&self, id: &NamespaceId) -> Option<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = names.iter().find(|(known, _)| known == id);
        found.map(|(_, name)| name.clone())
    }

    fn remember(&self, id: &NamespaceId, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|(known, _)| known != id);
        names.push_front((id.clone(), name.to_owned()));
        names.truncate(REMEMBERED_MAX);
    }
}

/// Returns the name of a namespace in which a service was just seen: as it was looked at before, or by
/// `servicediscovery:GetNamespace`.
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](super::Kind::NotFound) if there is none.
pub async fn namespace_name(account: &Account, id: &NamespaceId) -> Result<Option<String>, Error> {
    if let Some(known) = account.namespaces.find(id) {
        return Ok(Some(known));
    }
    let name = discovery::get_namespace(account, id).await?.name;
    if let Some(name) = &name {
        account.namespaces.remember(id, name);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_fifty_names_are_remembered() {
        let names = NamespaceNames::default();
        let id = |number| NamespaceId::from_answer(format!("ns-{number:016}"));
        for number in (1..=50).chain([1, 51]) {
            names.remember(&id(number), &format!("{number}.internal"));
        }
        assert_eq!(names.find(&id(1)).as_deref(), Some("1.internal"));
        assert_eq!(names.find(&id(51)).as_deref(), Some("51.internal"));
        assert_eq!(names.find(&id(2)), None);
    }
}
