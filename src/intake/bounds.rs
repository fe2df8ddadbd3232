//! Bounds on everything of an event but its body, held against the event as it arrived: before any of it is decoded,
//! copied or searched.
//!
//! No gateway hands on what is beyond them. A direct invocation may hold 6 MB of it
//! (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), and each name and each value costs a
//! hundred times its own length once it is taken apart. Empty ones have no length at all, so there is a number too.

use serde_json::Value;

use super::{Envelope, MalformedEvent};

/// The longest path, as it is sent. Three names of AWS have 255 characters each.
const PATH: Size = Size {
    bytes: 4096,
    values: usize::MAX,
};
/// The longest query, as it is sent. A token that AWS gives for the next page has some kilobytes at most; no route knows
/// more than a dozen parameters, and each may be given once.
const QUERY: Size = Size {
    bytes: 16_384,
    values: 50,
};
/// The longest headers: those of a load balancer, which takes the most
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>).
const HEADERS: Size = Size {
    bytes: 65_536,
    values: 500,
};
/// The longest rest: what a gateway says of itself and of who calls, and headers and query a second time.
const EVENT: Size = Size {
    bytes: 262_144,
    values: 5_000,
};

/// The longest rest in bytes.
pub(super) const EVENT_MAX_BYTES: usize = EVENT.bytes;

/// Creates the refusal of a rest that was not even read to its end.
pub(super) fn too_many_values(at_least: usize) -> MalformedEvent {
    MalformedEvent::TooLong {
        part: "event beside its body has at least",
        given: at_least,
        unit: "values",
        limit: EVENT.values,
    }
}

/// The amount of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    /// The bytes of its names and values.
    bytes: usize,
    /// The number of its values, empty ones too.
    values: usize,
}

/// Refuses an event of which a part is longer than is accepted.
pub(super) fn check(event: &Value, envelope: Envelope) -> Result<(), MalformedEvent> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = match envelope {
        Envelope::HttpApi => text("rawPath"),
        Envelope::RestApi(_) | Envelope::LoadBalancer(_) | Envelope::Direct => text("path"),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Size::of_text(path).within(PATH, "path has")?;
    for query in [query, text("rawQueryString")] {
        Size::of_query(query).within(QUERY, "query has")?;
    }
    let members = [
        ("query", QUERY, "query has"),
        ("queryStringParameters", QUERY, "query has"),
        ("multiValueQueryStringParameters", QUERY, "query has"),
        ("headers", HEADERS, "headers have"),
        ("multiValueHeaders", HEADERS, "headers have"),
    ];
    for (name, limit, part) in members {
        let size = event.get(name).map(Size::of).unwrap_or_default();
        size.within(limit, part)?;
    }
    let members = event.as_object().into_iter().flatten();
    let rest = Size::of_members(members.filter(|(name, _)| *name != "body"));
    rest.within(EVENT, "event beside its body has")
}

/// An empty value.
const ONE_VALUE: Size = Size {
    bytes: 0,
    values: 1,
};

impl Size {
    fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            values: self.values + other.values,
        }
    }

    fn of_text(text: &str) -> Self {
        Self {
            bytes: text.len(),
            values: 0,
        }
    }

    /// Measures `a=b&c=d`, still encoded.
    fn of_query(query: &str) -> Self {
        let values = if query.is_empty() {
            0
        } else {
            1 + query.matches('&').count()
        };
        Self {
            bytes: query.len(),
            values,
        }
    }

    fn of_members<'m>(members: impl IntoIterator<Item = (&'m String, &'m Value)>) -> Self {
        members
            .into_iter()
            .fold(Self::default(), |size, (name, value)| {
                size.plus(Self::of_text(name)).plus(Self::of(value))
            })
    }

    /// Measures what a value holds at every depth. (`serde_json` reads no more than 127 levels.)
    fn of(value: &Value) -> Self {
        match value {
            Value::Array(list) if !list.is_empty() => {
                list.iter().map(Self::of).fold(Self::default(), Self::plus)
            }
            Value::Object(members) if !members.is_empty() => Self::of_members(members),
            Value::String(text) => ONE_VALUE.plus(Self::of_text(text)),
            _ => ONE_VALUE,
        }
    }

    fn within(self, limit: Self, part: &'static str) -> Result<(), MalformedEvent> {
        for (given, limit, unit) in [
            (self.bytes, limit.bytes, "bytes"),
            (self.values, limit.values, "values"),
        ] {
            if given > limit {
                return Err(MalformedEvent::TooLong {
                    part,
                    given,
                    unit,
                    limit,
                });
            }
        }
        Ok(())
    }
}
