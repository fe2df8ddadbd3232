//! The namespace of a short form that is given by its name.

use crate::api::Request;
use crate::aws::discovery;
use crate::aws::pages::PageRequest;
use crate::error::{Error, NotFound};
use crate::text::quoted;

/// Returns the id of the only namespace of a name in which a service is found by DNS.
///
/// # Errors
/// [`Error::NotFound`] if there is none; [`Error::Input`] if there are several, or it is for HTTP alone; else what AWS
/// refuses.
pub(super) async fn find_namespace(request: &Request<'_>, name: &str) -> Result<String, Error> {
    let page = PageRequest::whole(request.deadline);
    let listed = discovery::list_namespaces(request.account, name, page).await?;
    let named = listed
        .entries
        .into_iter()
        .filter(|found| found.name() == Some(name));
    let (http, dns): (Vec<_>, Vec<_>) =
        named.partition(|found| found.r#type().is_some_and(|kind| kind.as_str() == "HTTP"));
    let mut ids: Vec<_> = dns.into_iter().filter_map(|found| found.id).collect();
    match (ids.pop(), ids.is_empty()) {
        (Some(id), true) => Ok(id),
        (Some(last), false) => {
            let message = format!(
                "several namespaces have this name: give one of {}",
                quoted(ids.iter().chain([&last]))
            );
            Err(Error::input("namespace", &message))
        }
        (None, _) if http.is_empty() => Err(NotFound::Namespace(name.to_owned()).into()),
        (None, _) => {
            let message =
                "nothing is found by DNS in this namespace, which is for calls by HTTP alone";
            Err(Error::input("namespace", message))
        }
    }
}
