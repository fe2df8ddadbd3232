//! A change of a task definition: what a body names is merged, by the SDK's schemas, into the definition that is there.
//!
//! Maps are merged, `null` removes, and everything else replaces. No member of a container is listed here by hand,
//! beyond those that a body writes shorter than AWS.

mod differences;
mod merge;
mod read;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::validation::FieldError;
use crate::image::{ImageError, ImageReference, Tag};
use crate::text::quoted;

pub use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
pub use differences::{FieldChange, differences, member_changes};

/// A change of a task definition, as a body asks for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DefinitionChange {
    /// The image of the only essential container.
    image: Option<ImageChange>,
    /// The containers, by name.
    containers: Vec<ContainerChange>,
    /// The CPU units of the task.
    cpu: Option<String>,
    /// The memory of the task, in MiB.
    memory: Option<String>,
}

/// A change of an image.
#[derive(Debug, Clone, PartialEq)]
enum ImageChange {
    /// Another image, or the same under another reference.
    Whole(ImageReference),
    /// Another tag of the present image.
    Tag(Tag),
}

/// A change of one container.
#[derive(Debug, Clone, PartialEq)]
struct ContainerChange {
    name: String,
    image: Option<ImageChange>,
    /// The other members, by AWS's names.
    members: Vec<(&'static str, MemberChange)>,
}

/// A change of one member of a container.
#[derive(Debug, Clone, PartialEq)]
enum MemberChange {
    Remove,
    Replace(Value),
    /// Entries to be set, or removed where there is no value.
    Merge(Vec<(String, Option<String>)>),
}

/// A definition with a change merged into it.
#[derive(Debug, Clone)]
pub struct MergedDefinition {
    /// The revision to be registered, without tags.
    pub input: RegisterTaskDefinitionInput,
    /// The differences from the definition before; none if nothing changes.
    pub changes: Vec<FieldChange>,
}

/// A change that does not fit the definition that is there.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// It has no such container.
    #[error("the task definition has no container `{name}`; it has {}", quoted(.known))]
    NoContainer {
        /// The container that was named.
        name: String,
        /// The containers that there are.
        known: Vec<String>,
    },
    /// It has several essential containers, or none.
    #[error(
        "the task definition has not exactly one essential container; say in `containers` which of {} is meant",
        quoted(.0)
    )]
    NoOnlyContainer(Vec<String>),
    /// A tag is to be changed, and the present image is no reference of one.
    #[error(
        "the image of the container `{container}` has no tag to be changed: {cause}; give the whole `image`"
    )]
    PresentImage {
        /// The container.
        container: String,
        /// The fault of the present image.
        cause: ImageError,
    },
    /// The definition that would come of it is not valid.
    #[error("the task definition that would come of it is not valid")]
    Invalid(Vec<FieldError>),
}

impl MergeError {
    /// Returns the place in the body that is at fault.
    pub fn path(&self) -> String {
        match self {
            Self::NoContainer { name, .. } => format!("containers.{name}"),
            Self::NoOnlyContainer(_) => "image".to_owned(),
            Self::PresentImage { container, .. } => format!("containers.{container}.tag"),
            Self::Invalid(_) => String::new(),
        }
    }
}

impl DefinitionChange {
    /// Returns `true` if nothing of the definition is to be changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
