//! Identifiers of deployments.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::{AccountRegion, Arn, ClusterName, IdError, ServiceName};

answered_id! {
    /// The number of a service revision, as it ends its ARN and the id of its deployment in a service, `ecs-svc/…`.
    ServiceRevisionId
}

impl ServiceRevisionId {
    /// Parses the number of a service revision.
    ///
    /// # Errors
    /// [`IdError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if is_number(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new(text, "the number of a service revision"))
        }
    }

    /// Returns the number at the end of the ARN of a service revision, or of `ecs-svc/…`.
    pub fn of(arn_or_id: &str) -> Self {
        Self::from_answer(arn_or_id.rsplit('/').next().unwrap_or_default())
    }
}

deserialize!(ServiceRevisionId: parse);

answered_id! {
    /// A service deployment, as it ends its ARN.
    ServiceDeploymentId
}

impl ServiceDeploymentId {
    /// Returns the id at the end of a service deployment's ARN.
    pub fn of(arn: &Arn) -> Self {
        Self::from_answer(arn.as_str().rsplit('/').next().unwrap_or_default())
    }
}

/// The name by which a deployment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentName {
    /// The service deployment's own id.
    Own(ServiceDeploymentId),
    /// The service revision that it aims at, which is there before the service deployment is.
    Aim(ServiceRevisionId),
}

impl DeploymentName {
    /// Parses the id or ARN of a service deployment, or the number, ARN or `ecs-svc/…` of a service revision.
    ///
    /// A service deployment's id has 21 letters, digits, `-` and `_`
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>). One of digits alone is
    /// taken for a revision's.
    ///
    /// # Errors
    /// [`IdError`] for any other text, and for an ARN of another account, region, cluster or service.
    pub fn parse(
        text: &str,
        region: &AccountRegion,
        cluster: &ClusterName,
        service: &ServiceName,
    ) -> Result<Self, IdError> {
        let id = match text.strip_prefix("ecs-svc/") {
            Some(number) => Some(number),
            None if text.starts_with("arn:") => {
                let resource = region.resource(text, "ecs")?;
                let of_kind = resource
                    .strip_prefix("service-deployment/")
                    .or_else(|| resource.strip_prefix("service-revision/"));
                let of_service = format!("{cluster}/{service}/");
                of_kind.and_then(|rest| rest.strip_prefix(&of_service))
            }
            None => Some(text),
        };
        match id {
            Some(id) if is_number(id) => Ok(Self::Aim(ServiceRevisionId::from_answer(id))),
            Some(id) if is_deployment_id(id) => Ok(Self::Own(ServiceDeploymentId::from_answer(id))),
            _ => Err(IdError::new(
                text,
                "a deployment of this service: the id or ARN of a service deployment or of the service revision that it aims at",
            )),
        }
    }
}

impl fmt::Display for DeploymentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(id) => id.fmt(f),
            Self::Aim(id) => id.fmt(f),
        }
    }
}

/// Returns `true` for what numbers a service revision.
fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_deployment_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b"-_".contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, IdError> {
        let region = AccountRegion {
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let cluster = ClusterName::bare("shop").unwrap();
        let service = ServiceName::bare("web").unwrap();
        let name = DeploymentName::parse(text, &region, &cluster, &service)?;
        Ok(match name {
            DeploymentName::Own(id) => format!("own {id}"),
            DeploymentName::Aim(id) => format!("aim {id}"),
        })
    }

    #[test]
    fn a_deployment_is_named_by_its_own_id_or_by_the_revision_that_it_aims_at() {
        let arn =
            |kind: &str, rest: &str| format!("arn:aws:ecs:us-east-1:111122223333:{kind}/{rest}");
        for (text, expected) in [
            (
                "NCWGC2ZR-taawPAYrIaU5".to_owned(),
                "own NCWGC2ZR-taawPAYrIaU5",
            ),
            (
                arn("service-deployment", "shop/web/NCWGC2ZR-taawPAYrIaU5"),
                "own NCWGC2ZR-taawPAYrIaU5",
            ),
            ("4330177702079110333".to_owned(), "aim 4330177702079110333"),
            (
                "ecs-svc/4330177702079110333".to_owned(),
                "aim 4330177702079110333",
            ),
            (
                arn("service-revision", "shop/web/4330177702079110333"),
                "aim 4330177702079110333",
            ),
        ] {
            assert_eq!(parse(&text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            String::new(),
            "a b".to_owned(),
            "123456789012345678901".to_owned() + "!",
            arn("service-deployment", "other/web/NCWGC2ZR"),
            arn("service-revision", "shop/other/4330177702079110333"),
            arn("task", "shop/NCWGC2ZR"),
            "arn:aws:ecs:us-east-1:444455556666:service-revision/shop/web/1".to_owned(),
        ] {
            parse(&text).expect_err(&text);
        }
    }
}
