//! SDK values → JSON, by the SDK's schemas.
//!
//! The rules of the answers: members begin with a capital letter, map keys stay untouched, timestamps are
//! RFC 3339 in UTC, an absent member is left out, a list that AWS sent empty stays `[]`.

use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeSerializer};
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document, base64};
use serde_json::{Map, Number, Value};

use super::members::answer_name;

/// Writes any SDK structure as the JSON object of an answer.
///
/// # Errors
/// [`SerdeError`] where the structure holds a kind of value that has no JSON form here: none that the SDKs
/// in use have.
pub fn write(value: &dyn SerializableStruct) -> Result<Value, SerdeError> {
    structure(value, answer_name)
}

/// Writes a structure under AWS's own member names, to hold it against what a caller sent.
pub(super) fn write_with_aws_names(value: &dyn SerializableStruct) -> Result<Value, SerdeError> {
    structure(value, str::to_owned)
}

/// The name of a member in the JSON.
type Naming = fn(&str) -> String;

fn structure(value: &dyn SerializableStruct, naming: Naming) -> Result<Value, SerdeError> {
    let mut members = Writer {
        naming,
        frame: Frame::Members(Map::new()),
    };
    value.serialize_members(&mut members)?;
    Ok(members.finish())
}

struct Writer {
    naming: Naming,
    frame: Frame,
}

/// The thing that the SDK is writing: a structure's members, a list's elements, or a map's keys and values in turn.
enum Frame {
    Members(Map<String, Value>),
    Elements(Vec<Value>),
    Entries(Map<String, Value>, Option<String>),
}

impl Writer {
    fn inside(&self, frame: Frame) -> Self {
        Self {
            naming: self.naming,
            frame,
        }
    }

    fn finish(self) -> Value {
        match self.frame {
            Frame::Members(object) | Frame::Entries(object, _) => Value::Object(object),
            Frame::Elements(list) => Value::Array(list),
        }
    }

    fn put(&mut self, schema: &Schema<'_>, value: Value) -> Result<(), SerdeError> {
        match &mut self.frame {
            Frame::Members(object) => {
                let name = schema
                    .member_name()
                    .ok_or_else(|| SerdeError::custom("a member without a name"))?;
                object.insert((self.naming)(name), value);
            }
            Frame::Elements(list) => list.push(value),
            Frame::Entries(object, key) => match (key.take(), value) {
                (Some(key), value) => {
                    object.insert(key, value);
                }
                (None, Value::String(name)) => *key = Some(name),
                (None, _) => return Err(SerdeError::custom("a map key that is not a string")),
            },
        }
        Ok(())
    }

    fn put_number(
        &mut self,
        schema: &Schema<'_>,
        value: impl Into<Number>,
    ) -> Result<(), SerdeError> {
        self.put(schema, Value::Number(value.into()))
    }

    fn put_text(&mut self, schema: &Schema<'_>, text: impl Into<String>) -> Result<(), SerdeError> {
        self.put(schema, Value::String(text.into()))
    }
}

/// Writes a time as RFC 3339 in UTC.
///
/// # Errors
/// [`SerdeError`] for one that is out of its range.
pub fn timestamp(time: &DateTime) -> Result<String, SerdeError> {
    let text = time.fmt(Format::DateTime);
    text.map_err(|error| SerdeError::custom(error.to_string()))
}

impl ShapeSerializer for Writer {
    fn write_struct(
        &mut self,
        schema: &Schema<'_>,
        value: &dyn SerializableStruct,
    ) -> Result<(), SerdeError> {
        self.put(schema, structure(value, self.naming)?)
    }

    fn write_list(
        &mut self,
        schema: &Schema<'_>,
        write_elements: &dyn Fn(&mut dyn ShapeSerializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut elements = self.inside(Frame::Elements(Vec::new()));
        write_elements(&mut elements)?;
        self.put(schema, elements.finish())
    }

    fn write_map(
        &mut self,
        schema: &Schema<'_>,
        write_entries: &dyn Fn(&mut dyn ShapeSerializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut entries = self.inside(Frame::Entries(Map::new(), None));
        write_entries(&mut entries)?;
        self.put(schema, entries.finish())
    }

    fn write_boolean(&mut self, schema: &Schema<'_>, value: bool) -> Result<(), SerdeError> {
        self.put(schema, Value::Bool(value))
    }

    fn write_byte(&mut self, schema: &Schema<'_>, value: i8) -> Result<(), SerdeError> {
        self.put_number(schema, value)
    }

    fn write_short(&mut self, schema: &Schema<'_>, value: i16) -> Result<(), SerdeError> {
        self.put_number(schema, value)
    }

    fn write_integer(&mut self, schema: &Schema<'_>, value: i32) -> Result<(), SerdeError> {
        self.put_number(schema, value)
    }

    fn write_long(&mut self, schema: &Schema<'_>, value: i64) -> Result<(), SerdeError> {
        self.put_number(schema, value)
    }

    fn write_float(&mut self, schema: &Schema<'_>, value: f32) -> Result<(), SerdeError> {
        self.write_double(schema, f64::from(value))
    }

    fn write_double(&mut self, schema: &Schema<'_>, value: f64) -> Result<(), SerdeError> {
        // JSON has no NaN and no infinity; Smithy writes them as these strings.
        match Number::from_f64(value) {
            Some(number) => self.put(schema, Value::Number(number)),
            None => self.put_text(schema, value.to_string()),
        }
    }

    fn write_big_integer(
        &mut self,
        schema: &Schema<'_>,
        value: &BigInteger,
    ) -> Result<(), SerdeError> {
        self.put_text(schema, value.as_ref())
    }

    fn write_big_decimal(
        &mut self,
        schema: &Schema<'_>,
        value: &BigDecimal,
    ) -> Result<(), SerdeError> {
        self.put_text(schema, value.as_ref())
    }

    fn write_string(&mut self, schema: &Schema<'_>, value: &str) -> Result<(), SerdeError> {
        self.put_text(schema, value)
    }

    fn write_blob(&mut self, schema: &Schema<'_>, value: Blob) -> Result<(), SerdeError> {
        self.put_text(schema, base64::encode(value.as_ref()))
    }

    fn write_timestamp(&mut self, schema: &Schema<'_>, value: &DateTime) -> Result<(), SerdeError> {
        let text = timestamp(value)?;
        self.put_text(schema, text)
    }

    fn write_document(&mut self, schema: &Schema<'_>, value: &Document) -> Result<(), SerdeError> {
        self.put(schema, document(value))
    }

    fn write_null(&mut self, schema: &Schema<'_>) -> Result<(), SerdeError> {
        self.put(schema, Value::Null)
    }
}

fn document(value: &Document) -> Value {
    match value {
        Document::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone(), document(value)))
                .collect(),
        ),
        Document::Array(list) => Value::Array(list.iter().map(document).collect()),
        Document::Number(number) => match *number {
            aws_smithy_types::Number::PosInt(value) => value.into(),
            aws_smithy_types::Number::NegInt(value) => value.into(),
            aws_smithy_types::Number::Float(value) => value.into(),
        },
        Document::String(text) => Value::String(text.clone()),
        Document::Bool(value) => Value::Bool(*value),
        Document::Null => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{Service, Tag};
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_capitalised_absent_ones_left_out_and_empty_lists_kept() {
        let service = Service::builder()
            .service_name("web")
            .desired_count(0)
            .set_load_balancers(Some(Vec::new()))
            .tags(Tag::builder().key("team").value("a").build())
            .created_at(DateTime::from_secs(1_795_356_486))
            .build();
        assert_eq!(
            write(&service).unwrap(),
            json!({
                "ServiceName": "web", "LoadBalancers": [], "DesiredCount": 0, "RunningCount": 0, "PendingCount": 0,
                "CreatedAt": "2026-11-22T14:08:06Z", "Tags": [{"Key": "team", "Value": "a"}],
                "EnableECSManagedTags": false, "EnableExecuteCommand": false,
            })
        );
    }

    #[test]
    fn a_time_has_fractions_only_where_they_are_not_zero() {
        for (millis, expected) in [
            (1_795_356_486_000, "2026-11-22T14:08:06Z"),
            (1_795_356_486_120, "2026-11-22T14:08:06.12Z"),
        ] {
            let service = Service::builder()
                .created_at(DateTime::from_millis(millis))
                .build();
            assert_eq!(write(&service).unwrap()["CreatedAt"], expected);
        }
    }
}
