//! One JSON value as the source that the SDK's generated code reads from.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document, base64};
use serde_json::{Map, Value};

use super::absent::given_member;
use super::{ABSENT, describe, kind, problem};
use crate::text::printable;
use crate::wire::members::{self, join};
use crate::wire::validation::Validation;

/// The most elements of a list or entries of a map. A task definition holds 64 KB
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>), and nothing else that AWS takes
/// is as long; what AWS itself counts, AWS refuses.
const ELEMENTS_MAX: usize = 5_000;

/// The shape of an environment variable.
const NAME_AND_VALUE: &str = "KeyValuePair";

/// One JSON value on its way into the SDK type that asks for it.
pub(super) struct Reader<'a> {
    pub value: &'a Value,
    pub path: String,
    /// The shape that AWS answers for the same resource.
    pub answer: Option<&'static Schema<'static>>,
    pub validation: &'a mut Validation,
}

impl Reader<'_> {
    /// Hands `value` to the SDK's code; what goes wrong inside is one more finding, and the rest is read on.
    fn child(
        &mut self,
        value: &Value,
        path: String,
        consume: impl FnOnce(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) {
        let before = self.validation.count();
        let mut child = Reader {
            value,
            path,
            answer: None,
            validation: self.validation,
        };
        let outcome = consume(&mut child);
        let path = child.path;
        if let Err(error) = outcome
            && self.validation.count() == before
        {
            self.validation.add(problem(&path, &error));
        }
    }

    /// Refuses an environment variable without a name or a value, which AWS would drop without a word.
    fn refuse_half_a_pair(&mut self, schema: &Schema<'_>) {
        if schema.shape_id().shape_name() != NAME_AND_VALUE {
            return;
        }
        let given = self.value.as_object();
        let absent = schema.members().iter().filter_map(|member| {
            let name = member.member_name()?;
            given_member(given?, name).is_none().then_some(name)
        });
        for name in absent {
            self.validation
                .refuse(join(&self.path, name), format!("{ABSENT}; it may be empty"));
        }
    }

    fn mismatch(&self, schema: &Schema<'_>, expected: &str) -> SerdeError {
        let given = if schema.sensitive().is_some() {
            kind(self.value).to_owned()
        } else {
            describe(self.value)
        };
        SerdeError::type_mismatch(format!("expected {expected}, got {given}"))
    }

    fn integer<T: TryFrom<i64>>(&self, schema: &Schema<'_>, bits: u32) -> Result<T, SerdeError> {
        let number = self.value.as_number().filter(|number| !number.is_f64());
        let number = number.ok_or_else(|| self.mismatch(schema, "integer"))?;
        let fitting = number.as_i64().and_then(|value| T::try_from(value).ok());
        fitting.ok_or_else(|| self.mismatch(schema, &format!("integer of {bits} bits")))
    }

    fn text(&self, schema: &Schema<'_>, expected: &str) -> Result<&str, SerdeError> {
        self.value
            .as_str()
            .ok_or_else(|| self.mismatch(schema, expected))
    }

    fn object(&self, schema: &Schema<'_>) -> Result<&Map<String, Value>, SerdeError> {
        self.value
            .as_object()
            .ok_or_else(|| self.mismatch(schema, "object"))
    }
}

impl ShapeDeserializer for Reader<'_> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        state: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let value = self.value;
        self.object(schema)?;
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            let Some(member) = members::find(schema, name) else {
                let answered = self
                    .answer
                    .is_some_and(|answer| members::find(answer, name).is_some());
                if !answered {
                    let known = schema
                        .members()
                        .iter()
                        .filter_map(|member| member.member_name());
                    let path = join(&self.path, &printable(name));
                    let sdk = sdk(schema);
                    self.validation.unknown_member_of(&sdk, path, name, known);
                }
                continue;
            };
            let known = member.member_name().unwrap_or_default();
            let path = join(&self.path, known);
            if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == known) {
                self.validation
                    .refuse(path, format!("given twice, as `{first}` and as `{name}`"));
                continue;
            }
            seen.push((known, name));
            if !value.is_null() {
                self.child(value, path, |child| state(member, child));
            }
        }
        self.refuse_half_a_pair(schema);
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &Schema<'_>,
        state: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let value = self.value;
        let list = value
            .as_array()
            .ok_or_else(|| self.mismatch(schema, "list"))?;
        check_length(list.len())?;
        for (index, element) in list.iter().enumerate() {
            let path = format!("{}[{index}]", self.path);
            self.child(element, path, |child| state(child));
        }
        Ok(())
    }

    fn read_map(
        &mut self,
        schema: &Schema<'_>,
        state: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let value = self.value;
        check_length(self.object(schema)?.len())?;
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = join(&self.path, &printable(key));
            self.child(value, path, |child| state(key.clone(), child));
        }
        Ok(())
    }

    fn read_boolean(&mut self, schema: &Schema<'_>) -> Result<bool, SerdeError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.mismatch(schema, "boolean"))
    }

    fn read_byte(&mut self, schema: &Schema<'_>) -> Result<i8, SerdeError> {
        self.integer(schema, i8::BITS)
    }

    fn read_short(&mut self, schema: &Schema<'_>) -> Result<i16, SerdeError> {
        self.integer(schema, i16::BITS)
    }

    fn read_integer(&mut self, schema: &Schema<'_>) -> Result<i32, SerdeError> {
        self.integer(schema, i32::BITS)
    }

    fn read_long(&mut self, schema: &Schema<'_>) -> Result<i64, SerdeError> {
        self.integer(schema, i64::BITS)
    }

    fn read_float(&mut self, schema: &Schema<'_>) -> Result<f32, SerdeError> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "JSON numbers are doubles; AWS asks for a float"
        )]
        self.read_double(schema).map(|value| value as f32)
    }

    fn read_double(&mut self, schema: &Schema<'_>) -> Result<f64, SerdeError> {
        self.value
            .as_f64()
            .ok_or_else(|| self.mismatch(schema, "number"))
    }

    fn read_big_integer(&mut self, schema: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        let number = self.value.as_number().filter(|number| !number.is_f64());
        let text = number.map(ToString::to_string);
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| self.mismatch(schema, "integer"))
    }

    fn read_big_decimal(&mut self, schema: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        let text = self.value.as_number().map(ToString::to_string);
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| self.mismatch(schema, "number"))
    }

    fn read_string(&mut self, schema: &Schema<'_>) -> Result<String, SerdeError> {
        self.text(schema, "string").map(str::to_owned)
    }

    fn read_blob(&mut self, schema: &Schema<'_>) -> Result<Blob, SerdeError> {
        let expected = "base64 string";
        let bytes = base64::decode(self.text(schema, expected)?);
        bytes
            .map(Blob::new)
            .map_err(|_| self.mismatch(schema, expected))
    }

    fn read_timestamp(&mut self, schema: &Schema<'_>) -> Result<DateTime, SerdeError> {
        let expected = "RFC 3339 timestamp";
        let time = DateTime::from_str(self.text(schema, expected)?, Format::DateTimeWithOffset);
        time.map_err(|_| self.mismatch(schema, expected))
    }

    fn read_document(&mut self, _schema: &Schema<'_>) -> Result<Document, SerdeError> {
        Ok(document(self.value))
    }

    fn is_null(&self) -> bool {
        self.value.is_null()
    }

    fn container_size(&self) -> Option<usize> {
        self.value
            .as_array()
            .map(Vec::len)
            .or_else(|| self.value.as_object().map(Map::len))
    }
}

fn check_length(given: usize) -> Result<(), SerdeError> {
    if given <= ELEMENTS_MAX {
        return Ok(());
    }
    Err(SerdeError::type_mismatch(format!(
        "expected at most {ELEMENTS_MAX} elements, got {given}"
    )))
}

fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => number.as_f64().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(list) => Document::Array(list.iter().map(document).collect()),
        Value::Object(object) => Document::Object(
            object
                .iter()
                .map(|(key, value)| (key.clone(), document(value)))
                .collect(),
        ),
    }
}

/// Returns the SDK that a schema comes from, with its version.
fn sdk(schema: &Schema<'_>) -> String {
    // Inputs are in a namespace of their own: `com.amazonaws.ecs.synthetic`.
    match schema.shape_id().namespace().split('.').nth(2) {
        Some("ecs") => format!("aws-sdk-ecs {}", aws_sdk_ecs::meta::PKG_VERSION),
        Some("servicediscovery") => format!(
            "aws-sdk-servicediscovery {}",
            aws_sdk_servicediscovery::meta::PKG_VERSION
        ),
        _ => String::new(),
    }
}
