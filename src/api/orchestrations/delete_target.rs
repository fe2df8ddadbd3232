//! The target of an orchestrated delete: members of the body, or parameters of the query.

use serde_json::Value;

use crate::api::Request;
use crate::api::request::boolean;
use crate::error::Error;
use crate::ids::{ClusterName, ServiceName};
use crate::orchestration::delete::Target;
use crate::wire::validation::{Invalid, Validation};

/// Reads the target, and lists the members that were ignored. What the body and the query both say must be the same.
///
/// # Errors
/// [`Error::Input`] with everything that is wrong with it.
pub(super) fn read_target(request: &Request<'_>) -> Result<(Target, Vec<String>), Error> {
    let mut validation = request.validation();
    let mut body = request.optional_object()?;
    let mut given = |name: &str| TargetMember {
        body: validation.take(&mut body, "", name),
        query: request.query(name),
    };
    let (cluster, service, recursive) = (given("cluster"), given("service"), given("recursive"));
    validation.refuse_others(&body, "", ["cluster", "service", "recursive"]);
    let region = request.account.account_region();
    let cluster = cluster.read("cluster", &mut validation, |text| {
        ClusterName::parse(text, &region).map_err(|error| error.to_string())
    });
    let is_recursive = recursive.read_flag("recursive", &mut validation);
    let target = cluster.and_then(|cluster| {
        let service = service.read("service", &mut validation, |text| {
            ServiceName::parse(text, &region, &cluster).map_err(|error| error.to_string())
        })?;
        Ok(Target {
            cluster,
            service,
            is_recursive: is_recursive?,
        })
    });
    validation.finish_with(target).map_err(Error::Input)
}

/// One thing as the body and the query say it.
struct TargetMember<'r> {
    body: Option<Value>,
    query: Option<&'r str>,
}

impl TargetMember<'_> {
    /// Reads a name, which must be given.
    fn read<T: PartialEq>(
        &self,
        name: &str,
        validation: &mut Validation,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Invalid> {
        let body = self.body.as_ref().map(Value::as_str);
        let texts = [body.flatten(), self.query].into_iter().flatten();
        let values: Result<Vec<_>, _> = texts.map(parse).collect();
        match values {
            Ok(values) if body != Some(None) && !values.is_empty() => {
                require_agreement(name, values, validation)
            }
            Ok(_) => {
                let required =
                    format!("required: the {name}'s name, as a member of the body or in the query");
                Err(validation.refuse(name, required))
            }
            Err(message) => Err(validation.refuse(name, message)),
        }
    }

    /// Reads what is true or false; false if it is not given.
    fn read_flag(&self, name: &str, validation: &mut Validation) -> Result<bool, Invalid> {
        let body = self.body.as_ref().map(|value| match value {
            Value::Bool(value) => Some(*value),
            other => other.as_str().and_then(boolean),
        });
        let values: Option<Vec<_>> = body.into_iter().chain(self.query.map(boolean)).collect();
        match values {
            None => Err(validation.refuse(name, "expected `true` or `false`")),
            Some(values) if values.is_empty() => Ok(false),
            Some(values) => require_agreement(name, values, validation),
        }
    }
}

/// Returns the value that all sources give, or refuses a second one.
fn require_agreement<T: PartialEq>(
    name: &str,
    mut values: Vec<T>,
    validation: &mut Validation,
) -> Result<T, Invalid> {
    let all_agree = values.windows(2).all(|pair| pair[0] == pair[1]);
    match values.pop() {
        Some(value) if all_agree => Ok(value),
        _ => Err(validation.refuse(name, "the body and the query differ; give one of them")),
    }
}
