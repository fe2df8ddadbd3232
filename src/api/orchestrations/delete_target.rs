//! What an orchestrated delete is to delete: members of the body, or parameters of the query.

use serde_json::{Map, Value};

use crate::api::Request;
use crate::api::request::boolean;
use crate::error::Error;
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::Target;
use crate::text::printable;
use crate::wire::validation::Validation;

/// What to delete: members of the body, or query parameters of the same names.
pub(super) fn target(request: &Request<'_>) -> Result<(Target, Vec<String>), Error> {
    let mut validation = request.validation();
    let mut body = if request.call.body.is_empty() {
        Map::new()
    } else {
        request.object()?
    };
    let mut given = |name: &str, validation: &mut Validation| match (
        validation.take(&mut body, "", name),
        request.query(name),
    ) {
        (Some(value), Some(_)) => {
            validation.refuse(name, "given in the body and in the query; give one of them");
            Some(value)
        }
        (Some(value), None) => Some(value),
        (None, query) => query.map(Value::from),
    };
    let cluster = given("cluster", &mut validation);
    let service = given("service", &mut validation);
    let recursive = given("recursive", &mut validation);
    for (name, _) in body.iter().filter(|(_, value)| !value.is_null()) {
        validation.unknown_member(
            printable(name),
            name,
            ["cluster", "service", "recursive"].into_iter(),
        );
    }
    let region = request.account.account_region();
    let cluster = text("cluster", cluster.as_ref(), &mut validation).and_then(|text| {
        ClusterName::parse(text, &region)
            .map_err(|error| validation.refuse("cluster", error.to_string()))
            .ok()
    });
    let service = text("service", service.as_ref(), &mut validation)
        .zip(cluster.as_ref())
        .and_then(|(text, cluster)| {
            let service = ServiceName::parse(text, &region, cluster);
            service
                .map_err(|error| validation.refuse("service", error.to_string()))
                .ok()
        });
    let is_recursive = match recursive {
        None => Some(false),
        Some(Value::Bool(value)) => Some(value),
        Some(other) => other.as_str().and_then(boolean),
    };
    if is_recursive.is_none() {
        validation.refuse("recursive", "expected `true` or `false`");
    }
    let ignored = validation.finish().map_err(Error::Input)?;
    match (cluster, service, is_recursive) {
        (Some(cluster), Some(service), Some(is_recursive)) => Ok((
            Target {
                cluster: cluster.to_string(),
                service: service.to_string(),
                is_recursive,
            },
            ignored,
        )),
        _ => Err(Error::Bug(
            "a target read without problem or value".to_owned(),
        )),
    }
}

fn text<'v>(name: &str, value: Option<&'v Value>, validation: &mut Validation) -> Option<&'v str> {
    let text = value.and_then(Value::as_str);
    if text.is_none() {
        validation.refuse(
            name,
            format!("required: the {name}'s name, as a member of the body or in the query"),
        );
    }
    text
}
