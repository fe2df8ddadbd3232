//! The steps of a flow, as a dry run shows them: what would be done, to what, and why.

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The operation as IAM names it.
    pub operation: &'static str,
    /// The ARN of what is there, or the name of what is not.
    pub resource: String,
    /// The effect on it.
    pub does: Does,
    /// The reason.
    pub why: String,
}

/// The effect of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Creates the resource.
    Create,
    /// Uses what is there.
    Use,
    /// Deletes the resource.
    Delete,
    /// Leaves the resource where it is.
    Keep,
    /// Waits for something to happen.
    Wait,
}

impl Does {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Use => "use",
            Self::Delete => "delete",
            Self::Keep => "keep",
            Self::Wait => "wait",
        }
    }
}

impl Step {
    /// Returns a step.
    pub fn new(
        operation: &'static str,
        does: Does,
        resource: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            operation,
            resource: resource.into(),
            does,
            why: why.into(),
        }
    }
}
