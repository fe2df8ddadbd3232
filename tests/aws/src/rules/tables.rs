//! Tables of DynamoDB.

use crate::answer::Rule;

pub(crate) const TABLE_NOT_FOUND: Rule = Rule::new(
    "ResourceNotFoundException",
    "Requested resource not found",
    "[dynamodb/data #28]",
);
pub(crate) const CONDITION_FAILED: Rule = Rule::new(
    "ConditionalCheckFailedException",
    "The conditional request failed",
    "[dynamodb/data #33]",
);
