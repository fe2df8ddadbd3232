//! The metrics that the owner asks for.

use std::collections::BTreeSet;

use serde::Serialize;

use super::ConfigError;

/// The variable that holds the dimensions that there are metrics by.
pub const METRICS_BY: &str = "ECS_API_METRICS_BY";
/// Lambda's variable that holds the function's name.
pub(super) const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// A dimension that there are metrics by: the member of the log's line that has its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The operation that was asked for.
    Operation,
    /// The account, by its name in the configuration.
    Account,
}

/// The place and the dimensions of the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metering {
    /// The namespace: the function's name, so that two stacks of a region keep apart.
    pub namespace: String,
    /// The dimensions that there are metrics by, beside those without any.
    pub by: BTreeSet<Dimension>,
}

impl Default for Metering {
    fn default() -> Self {
        Self {
            namespace: "ecs-api".to_owned(),
            by: BTreeSet::from([Dimension::Operation]),
        }
    }
}

/// Reads a list of dimensions, separated by commas; `none` stands for no dimension.
///
/// # Errors
/// [`ConfigError::MetricsBy`] for anything else.
pub(super) fn dimensions(list: &str) -> Result<BTreeSet<Dimension>, ConfigError> {
    if list == "none" {
        return Ok(BTreeSet::new());
    }
    let dimension = |name: &str| match name {
        "operation" => Ok(Dimension::Operation),
        "account" => Ok(Dimension::Account),
        _ => Err(ConfigError::MetricsBy(list.to_owned())),
    };
    list.split(',').map(dimension).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_dimensions_is_read_whole_or_refused() {
        let read = |list| {
            dimensions(list)
                .map(Vec::from_iter)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("none"), Ok(vec![]));
        assert_eq!(read("account"), Ok(vec![Dimension::Account]));
        let both = vec![Dimension::Operation, Dimension::Account];
        assert_eq!(read("operation,account"), Ok(both));
        for wrong in ["caller", "operation,", "operation,none", ","] {
            let message = format!(
                "ECS_API_METRICS_BY: `{wrong}` is not `operation`, `account`, both with a comma, or `none`"
            );
            assert_eq!(read(wrong), Err(message));
        }
    }
}
