//! An event as Lambda hands it over, of which no more is kept than can be accepted.
//!
//! A direct invocation may hold 6 MB of JSON
//! (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), and a value in memory takes up to a hundred
//! times the bytes that it is written in. What is read beyond the bounds is skipped, and refused later.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use super::{BODY_MAX_BYTES, MalformedEvent, bounds};

/// An event, read within bounds.
#[derive(Debug, Default)]
pub struct Payload {
    /// The event; what is too long is empty, and of the event itself what came first is there.
    pub(super) event: Value,
    budgets: Budgets,
}

impl Payload {
    /// Refuses an event of which a part was skipped.
    pub(super) fn check(&self) -> Result<(), MalformedEvent> {
        let Budgets { body, rest } = &self.budgets;
        if body.is_spent() {
            return Err(MalformedEvent::BodyTooLong);
        }
        if rest.is_spent() {
            return Err(bounds::too_many_values(rest.values));
        }
        Ok(())
    }
}

impl From<Value> for Payload {
    /// Takes an event that is in memory already.
    fn from(event: Value) -> Self {
        Self {
            event,
            budgets: Budgets::default(),
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut budgets = Budgets::default();
        let part = Part {
            place: Place::Event,
            budgets: &mut budgets,
        };
        let event = part.deserialize(deserializer)?;
        Ok(Self { event, budgets })
    }
}

/// The bytes that values take at least, written as JSON: brackets, commas, colons and quotation marks, and of texts and
/// numbers no more. A text costs no more memory than its length, so that is for others to bound.
#[derive(Debug)]
struct Budget {
    bytes: usize,
    values: usize,
    limit: usize,
}

impl Budget {
    const fn of(limit: usize) -> Self {
        Self {
            bytes: 0,
            values: 0,
            limit,
        }
    }

    fn take_value(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.values += 1;
    }

    fn is_spent(&self) -> bool {
        self.bytes > self.limit
    }
}

/// The budgets of an event. The body has one of its own, as it is the only part that may be long.
#[derive(Debug)]
struct Budgets {
    body: Budget,
    rest: Budget,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            body: Budget::of(BODY_MAX_BYTES),
            rest: Budget::of(bounds::EVENT_MAX_BYTES),
        }
    }
}

/// The place of a value in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The event itself.
    Event,
    /// Its member `body`, or below.
    Body,
    /// Another member, or below.
    Rest,
}

/// A value of an event that is about to be read.
struct Part<'b> {
    place: Place,
    budgets: &'b mut Budgets,
}

impl Part<'_> {
    fn budget(&mut self) -> &mut Budget {
        match self.place {
            Place::Body => &mut self.budgets.body,
            Place::Event | Place::Rest => &mut self.budgets.rest,
        }
    }

    fn is_spent(&mut self) -> bool {
        self.budget().is_spent()
    }

    /// Returns what reads a value below.
    fn below(&mut self, name: &str) -> Part<'_> {
        let place = match self.place {
            Place::Event if name == "body" => Place::Body,
            Place::Event => Place::Rest,
            place => place,
        };
        Part {
            place,
            budgets: self.budgets,
        }
    }

    fn scalar(mut self, bytes: usize, value: impl Into<Value>) -> Value {
        self.budget().take_value(bytes);
        value.into()
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(self.scalar(1, Value::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(self.scalar(1, flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(self.scalar(1, number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(self.scalar(1, number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(self.scalar(
            1,
            Number::from_f64(number).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(self.scalar(2, text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(self.scalar(2, text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        self.budget().take_value(2);
        let mut values = Vec::new();
        while !self.is_spent() {
            let Some(value) = list.next_element_seed(self.below(""))? else {
                return Ok(Value::Array(values));
            };
            self.budget().bytes += usize::from(!values.is_empty());
            values.push(value);
        }
        drop(values);
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        self.budget().take_value(2);
        let mut members = Map::new();
        while !self.is_spent() {
            let Some(name) = object.next_key::<String>()? else {
                return Ok(Value::Object(members));
            };
            let value = object.next_value_seed(self.below(&name))?;
            self.budget().bytes += 3 + usize::from(!members.is_empty());
            members.insert(name, value);
        }
        if self.place != Place::Event {
            members = Map::new();
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(members))
    }
}
