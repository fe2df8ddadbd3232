//! The members of bodies and answers, as constants can tell them. The SDK's types are walked, and not listed by hand.
//!
//! Only the generator of `openapi.json` reads any of it.

use serde_json::Value;

use crate::wire::outputs::{Output, Walk};
use crate::wire::read::{Input, read};
use crate::wire::validation::{FieldError, Unknown, Validation};

/// The values of JSON that may stand somewhere.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    /// Anything.
    Anything,
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// The values of this JSON Schema, as text.
    Json(&'static str),
    /// An answer of this SDK type.
    Sdk(Walk),
    /// A body that is read into an SDK input.
    Input(&'static InputSchema),
    /// A list.
    List(&'static Schema),
    /// An answer's object. AWS and this API may add members to it.
    Object(&'static [Member]),
    /// A body's object. Other members are refused.
    Closed(&'static [Member]),
    /// A schema of this API's own, with a name.
    Component(&'static str, &'static Schema),
    /// A component like that of an SDK type, with members that are put in or in place of others. With the name of the type
    /// itself, it stands in its place.
    Extended(&'static str, Walk, &'static [Member]),
    /// One of these.
    AnyOf(&'static [Schema]),
    /// A schema with a sentence of its own.
    Described(&'static Schema, &'static str),
}

impl Schema {
    /// An object about which nothing more is said.
    pub const OBJECT: Self = Self::Json(r#"{"type": "object"}"#);
    /// ARNs.
    pub const ARNS: Self = Self::List(&Self::Text);

    /// Creates the schema of an answer of an SDK type.
    pub const fn sdk<T: Output>() -> Self {
        Self::Sdk(T::WALK)
    }
}

/// A member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The name.
    pub name: &'static str,
    /// The schema of its value.
    pub schema: Schema,
    /// It is always there.
    pub is_always: bool,
    /// It may be `null`, which means absent.
    pub is_nullable: bool,
    /// A sentence about it; empty for what needs none.
    pub description: &'static str,
}

impl Member {
    /// Creates a member that is always there.
    pub const fn always(name: &'static str, schema: Schema) -> Self {
        Self {
            name,
            schema,
            is_always: true,
            is_nullable: false,
            description: "",
        }
    }

    /// Creates a member of an answer that may be absent.
    pub const fn sometimes(name: &'static str, schema: Schema) -> Self {
        Self {
            is_always: false,
            ..Self::always(name, schema)
        }
    }

    /// Creates a member of a body that may be left out, or be `null`.
    pub const fn optional(name: &'static str, schema: Schema) -> Self {
        Self {
            is_nullable: true,
            ..Self::sometimes(name, schema)
        }
    }

    /// Says what it means.
    #[must_use]
    pub const fn described(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }
}

/// An SDK input with what this API adds to it.
#[derive(Debug, Clone, Copy)]
pub struct InputSchema {
    /// Walks the input's type.
    pub walk: Walk,
    /// Reads a body as a request's is read, and returns what is wrong with it.
    pub check: fn(&Value) -> Vec<FieldError>,
    /// The members that AWS answers for the same resource, which may come back.
    pub answered: Option<&'static aws_smithy_schema::Schema<'static>>,
    /// The members of this API's own.
    pub additions: &'static [Addition],
    /// The members that the path gives, so that a body may leave them out.
    pub given_by_path: &'static [&'static str],
    /// A body without any member is refused.
    pub is_never_empty: bool,
}

/// A member of this API's own.
#[derive(Debug, Clone, Copy)]
pub struct Addition {
    /// The structure that it is added to, as the description names it; empty for the input itself.
    pub to: &'static str,
    /// The member.
    pub member: Member,
}

impl InputSchema {
    /// Creates the schema of an input as AWS has it.
    pub const fn of<T: Input>() -> Self {
        Self {
            walk: |source| T::deserialize(source).map(drop),
            check: check::<T>,
            answered: T::ANSWER,
            additions: &[],
            given_by_path: &[],
            is_never_empty: false,
        }
    }

    /// Adds members.
    #[must_use]
    pub const fn with(self, additions: &'static [Addition]) -> Self {
        Self { additions, ..self }
    }
}

fn check<T: Input>(body: &Value) -> Vec<FieldError> {
    let mut validation = Validation::new(Unknown::Refuse);
    let outcome = read::<T>(body, "", &mut validation);
    validation.finish_with(outcome).err().unwrap_or_default()
}

/// A body that an operation reads.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// The schema of its value.
    pub schema: Schema,
    /// A request without it is refused.
    pub is_required: bool,
    /// The operation of AWS whose input it is.
    pub aws: Option<AwsOperation>,
}

/// An operation of AWS.
#[derive(Debug, Clone, Copy)]
pub enum AwsOperation {
    /// One of ECS.
    Ecs(&'static str),
    /// One of Cloud Map.
    CloudMap(&'static str),
}

impl AwsOperation {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecs(name) | Self::CloudMap(name) => name,
        }
    }

    /// Returns the URL of AWS's reference.
    pub fn url(self) -> String {
        match self {
            Self::Ecs(name) => {
                format!("https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_{name}.html")
            }
            Self::CloudMap(name) => {
                format!("https://docs.aws.amazon.com/cloud-map/latest/api/API_{name}.html")
            }
        }
    }
}

/// An answer when nothing goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// A sentence about it.
    pub description: &'static str,
    /// The content type and the schema of its body.
    pub content: Option<(&'static str, Schema)>,
    /// The headers beyond those of every answer.
    pub headers: &'static [&'static str],
}

impl Answer {
    /// Creates a 200 of JSON.
    pub const fn json(description: &'static str, schema: Schema) -> Self {
        Self::of(description, "application/json", schema)
    }

    /// Creates a 200 of one of AWS's own answers.
    pub const fn aws<T: Output>() -> Self {
        Self::json("Done, as AWS answers it.", Schema::sdk::<T>())
    }

    /// Creates a 200 of any content type.
    pub const fn of(description: &'static str, content_type: &'static str, schema: Schema) -> Self {
        Self {
            status: 200,
            description,
            content: Some((content_type, schema)),
            headers: &[],
        }
    }

    /// Adds headers.
    #[must_use]
    pub const fn with_headers(self, headers: &'static [&'static str]) -> Self {
        Self { headers, ..self }
    }
}
