//! Groups, streams and events of CloudWatch Logs. [Rules](crate::rules::logs) cut them into pages.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::At;
use crate::answer::Refusal;
use crate::rules::logs::{GROUP_EXISTS, GROUP_NOT_FOUND, STREAM_EXISTS, STREAM_NOT_FOUND};
use crate::value::{list, text};

/// Groups by name.
pub(super) type Logs = BTreeMap<String, Group>;

/// A log group.
#[derive(Debug)]
pub(super) struct Group {
    created_at: u64,
    retention: Option<Value>,
    tags: Value,
    pub(super) streams: BTreeMap<String, Stream>,
}

/// A log stream.
#[derive(Debug)]
pub(super) struct Stream {
    created_at: u64,
    /// In the order of their times; those of one millisecond in the order in which they came.
    pub(super) events: Vec<Event>,
}

/// A log event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) time: i64,
    /// The time of its arrival, in milliseconds since 1970.
    pub(super) ingested: u64,
    pub(super) message: String,
    /// A number that rises from event to event, of all streams.
    pub(super) number: u64,
}

impl At<'_> {
    pub(super) fn logs(&mut self, name: &str, input: &Value) -> Option<Result<Value, Refusal>> {
        Some(match name {
            "CreateLogGroup" => self.create_log_group(input),
            "DescribeLogGroups" => Ok(self.describe_log_groups(input)),
            "PutRetentionPolicy" => self.put_retention(input, input["retentionInDays"].clone()),
            "DeleteRetentionPolicy" => self.put_retention(input, Value::Null),
            "DeleteLogGroup" => self.delete_log_group(input),
            "CreateLogStream" => self.create_log_stream(input),
            "DescribeLogStreams" => self.describe_log_streams(input),
            "DeleteLogStream" => self.delete_log_stream(input),
            "PutLogEvents" => self.put_log_events(input),
            "GetLogEvents" => self.get_log_events(input),
            "FilterLogEvents" => self.filter_log_events(input),
            "ListTagsForResource" => Ok(self.list_group_tags(input)),
            _ => return None,
        })
    }

    pub(super) fn group(&mut self, input: &Value) -> Result<&mut Group, Refusal> {
        let name = input["logGroupName"]
            .as_str()
            .or(input["logGroupIdentifier"].as_str())
            .unwrap_or_default();
        let name = name
            .split_once(":log-group:")
            .map_or(name, |(_, rest)| rest);
        let name = name.trim_end_matches(":*");
        let group = self.place.logs.get_mut(name);
        group.ok_or_else(|| GROUP_NOT_FOUND.refusal())
    }

    fn stream(&mut self, input: &Value) -> Result<&mut Stream, Refusal> {
        let stream = self
            .group(input)?
            .streams
            .get_mut(text(input, "logStreamName"));
        stream.ok_or_else(|| STREAM_NOT_FOUND.refusal())
    }

    fn create_log_group(&mut self, input: &Value) -> Result<Value, Refusal> {
        let name = text(input, "logGroupName");
        if self.place.logs.contains_key(name) {
            return GROUP_EXISTS.refuse();
        }
        let group = Group {
            created_at: self.clock.millis(),
            retention: None,
            tags: input.get("tags").cloned().unwrap_or_else(|| json!({})),
            streams: BTreeMap::new(),
        };
        self.place.logs.insert(name.to_owned(), group);
        Ok(json!({}))
    }

    fn describe_log_groups(&self, input: &Value) -> Value {
        let prefix = text(input, "logGroupNamePrefix");
        let groups = self.place.logs.iter();
        let groups = groups.filter(|(name, _)| name.starts_with(prefix));
        let shown = |(name, group): (&String, &Group)| {
            let arn = self.arn("logs", &format!("log-group:{name}"));
            // As they are answered [logs/ingestion].
            let mut shown = json!({"logGroupName": name, "creationTime": group.created_at, "arn": format!("{arn}:*"),
                "logGroupArn": arn, "storedBytes": 0, "metricFilterCount": 0, "logGroupClass": "STANDARD",
                "deletionProtectionEnabled": false, "bearerTokenAuthenticationEnabled": false});
            if let Some(days) = &group.retention {
                shown["retentionInDays"] = days.clone();
            }
            shown
        };
        json!({"logGroups": groups.map(shown).collect::<Vec<_>>()})
    }

    fn list_group_tags(&self, input: &Value) -> Value {
        let arn = text(input, "resourceArn");
        let name = arn.split_once(":log-group:").map_or("", |(_, name)| name);
        let group = self.place.logs.get(name.trim_end_matches(":*"));
        json!({"tags": group.map_or(json!({}), |group| group.tags.clone())})
    }

    fn put_retention(&mut self, input: &Value, days: Value) -> Result<Value, Refusal> {
        self.group(input)?.retention = Some(days).filter(|days| !days.is_null());
        Ok(json!({}))
    }

    fn delete_log_group(&mut self, input: &Value) -> Result<Value, Refusal> {
        match self.place.logs.remove(text(input, "logGroupName")) {
            Some(_) => Ok(json!({})),
            None => GROUP_NOT_FOUND.refuse(),
        }
    }

    fn create_log_stream(&mut self, input: &Value) -> Result<Value, Refusal> {
        let created_at = self.clock.millis();
        let group = self.group(input)?;
        let name = text(input, "logStreamName").to_owned();
        if group.streams.contains_key(&name) {
            return STREAM_EXISTS.refuse();
        }
        let events = Vec::new();
        group.streams.insert(name, Stream { created_at, events });
        Ok(json!({}))
    }

    fn describe_log_streams(&mut self, input: &Value) -> Result<Value, Refusal> {
        let arn = self.arn(
            "logs",
            &format!("log-group:{}", text(input, "logGroupName")),
        );
        let prefix = text(input, "logStreamNamePrefix");
        let streams = self.group(input)?.streams.iter();
        let streams = streams.filter(|(name, _)| name.starts_with(prefix));
        let shown = |(name, stream): (&String, &Stream)| {
            json!({"logStreamName": name, "creationTime": stream.created_at, "storedBytes": 0,
                "arn": format!("{arn}:log-stream:{name}")})
        };
        Ok(json!({"logStreams": streams.map(shown).collect::<Vec<_>>()}))
    }

    fn delete_log_stream(&mut self, input: &Value) -> Result<Value, Refusal> {
        let name = text(input, "logStreamName");
        match self.group(input)?.streams.remove(name) {
            Some(_) => Ok(json!({})),
            None => STREAM_NOT_FOUND.refuse(),
        }
    }

    fn put_log_events(&mut self, input: &Value) -> Result<Value, Refusal> {
        let now = self.clock.millis();
        let events = list(input, "logEvents");
        let first = *self.made + 1;
        *self.made += events.len() as u64;
        let stream = self.stream(input)?;
        for (number, event) in (first..).zip(events) {
            let time = event["timestamp"].as_i64().unwrap_or_default();
            let place = stream.events.partition_point(|other| other.time <= time);
            let event = Event {
                time,
                ingested: now,
                message: text(event, "message").to_owned(),
                number,
            };
            stream.events.insert(place, event);
        }
        Ok(json!({"nextSequenceToken": "0"}))
    }

    fn get_log_events(&mut self, input: &Value) -> Result<Value, Refusal> {
        let shown = |event: &Event| {
            json!({"timestamp": event.time, "message": event.message,
                "ingestionTime": event.ingested})
        };
        let events: Vec<_> = self.stream(input)?.events.iter().map(shown).collect();
        Ok(json!({"events": events, "nextForwardToken": "f/0/s", "nextBackwardToken": "b/0/s"}))
    }
}
