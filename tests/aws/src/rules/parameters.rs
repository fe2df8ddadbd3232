//! Parameters of Systems Manager.

use crate::answer::Rule;

pub(crate) const NOT_FOUND: Rule = Rule::new(
    "ParameterNotFound",
    "",
    "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
);
pub(crate) const ALREADY_EXISTS: Rule = Rule::new(
    "ParameterAlreadyExists",
    "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
);
