//! The metrics of the log's lines, in CloudWatch's embedded metric format: CloudWatch Logs makes them of the line, without
//! a call and without an agent.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! Every combination of a name with values of dimensions is a series that AWS bills for each hour in which it has a value.
//! The number of series is bounded: names and operations are listed in this code, accounts in the configuration. No
//! dimension has a caller, a path or an id.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::aws::{CallCounts, Service};
use crate::clock::milliseconds;
use crate::config::{Dimension, Metering};

/// A number that a line of the log carries, in a member of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Metric {
    /// Requests.
    Requests,
    /// Requests that failed by their caller's fault.
    CallerFaults,
    /// Requests that failed by AWS's fault.
    AwsFaults,
    /// Requests that failed by our own fault: a bug, or the stack or a role that is not as it should be.
    OwnFaults,
    /// The time from an event to its answer.
    Duration,
    /// The same, of the requests that wait for nothing but AWS's answers: neither a flow nor a long poll.
    PromptDuration,
    /// The part of the time in which at least one call to AWS was under way.
    AwsDuration,
    /// Calls to AWS.
    AwsCalls,
    /// Attempts beyond the first of each call.
    AwsRetries,
    /// Attempts that AWS refused because there were too many.
    AwsThrottles,
    /// Those of them of Amazon ECS.
    EcsThrottles,
    /// Those of them of AWS Cloud Map.
    CloudMapThrottles,
    /// Those of them of Amazon CloudWatch Logs.
    LogsThrottles,
    /// Those of them of AWS IAM.
    IamThrottles,
    /// Those of them of AWS STS.
    StsThrottles,
    /// Those of them of Amazon SQS.
    SqsThrottles,
    /// Those of them of Amazon DynamoDB.
    DynamoDbThrottles,
    /// Processes that were started for a request.
    ColdStarts,
    /// Looks at deletes that go on without their callers.
    DeleteAttempts,
    /// Looks at what was begun and may have died.
    WatchAttempts,
    /// Looks at tasks that have a time limit.
    TimeLimitAttempts,
    /// Deletes, watches and time limits that can't be finished, and lie in the queue of dead letters.
    GivenUp,
    /// Readings of the configuration that failed; the one before stays in force.
    ConfigurationFailures,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 23] = [
        Self::Requests,
        Self::CallerFaults,
        Self::AwsFaults,
        Self::OwnFaults,
        Self::Duration,
        Self::PromptDuration,
        Self::AwsDuration,
        Self::AwsCalls,
        Self::AwsRetries,
        Self::AwsThrottles,
        Self::EcsThrottles,
        Self::CloudMapThrottles,
        Self::LogsThrottles,
        Self::IamThrottles,
        Self::StsThrottles,
        Self::SqsThrottles,
        Self::DynamoDbThrottles,
        Self::ColdStarts,
        Self::DeleteAttempts,
        Self::WatchAttempts,
        Self::TimeLimitAttempts,
        Self::GivenUp,
        Self::ConfigurationFailures,
    ];

    /// The metrics that there are for each operation too.
    pub const BY_OPERATION: [Self; 4] = [
        Self::Requests,
        Self::AwsFaults,
        Self::OwnFaults,
        Self::Duration,
    ];

    /// The metrics that there are for each account too, where the owner asks for it.
    pub const BY_ACCOUNT: [Self; 4] = [
        Self::Requests,
        Self::AwsFaults,
        Self::OwnFaults,
        Self::AwsThrottles,
    ];

    fn unit(self) -> &'static str {
        match self {
            Self::Duration | Self::PromptDuration | Self::AwsDuration => "Milliseconds",
            _ => "Count",
        }
    }

    fn throttles_of(service: Service) -> Self {
        match service {
            Service::Ecs => Self::EcsThrottles,
            Service::CloudMap => Self::CloudMapThrottles,
            Service::Logs => Self::LogsThrottles,
            Service::Iam => Self::IamThrottles,
            Service::Sts => Self::StsThrottles,
            Service::Sqs => Self::SqsThrottles,
            Service::DynamoDb => Self::DynamoDbThrottles,
        }
    }
}

/// Returns the metrics that there are by a dimension.
fn metrics_by(dimension: Dimension) -> &'static [Metric] {
    match dimension {
        Dimension::Operation => &Metric::BY_OPERATION,
        Dimension::Account => &Metric::BY_ACCOUNT,
    }
}

/// The numbers of one line.
#[derive(Debug, Clone, Default)]
pub struct Measurements(Vec<(Metric, u64)>);

impl Measurements {
    /// Adds a number, 0 too.
    pub fn put(&mut self, metric: Metric, value: u64) {
        self.0.push((metric, value));
    }

    /// Adds a number of something that seldom happens, unless it is 0: what never happens is no series.
    pub fn put_rare(&mut self, metric: Metric, value: u64) {
        if value > 0 {
            self.put(metric, value);
        }
    }

    /// Adds the time that something took.
    pub fn put_time(&mut self, metric: Metric, time: Duration) {
        self.put(metric, milliseconds(time));
    }

    /// Adds the numbers of calls to AWS.
    pub fn put_calls(&mut self, calls: &CallCounts) {
        let throttles = Service::ALL.map(|service| (service, calls.throttles(service)));
        self.put(Metric::AwsCalls, calls.calls());
        self.put(Metric::AwsRetries, calls.retries());
        self.put(
            Metric::AwsThrottles,
            throttles.iter().map(|(_, count)| count).sum(),
        );
        for (service, count) in throttles {
            self.put_rare(Metric::throttles_of(service), count);
        }
    }

    /// Returns the members of a line with these numbers, of which `known` are the dimensions that the line has a value of.
    pub fn members<'m>(
        self,
        metering: &'m Metering,
        known: &[Dimension],
        now_ms: u64,
    ) -> Members<'m> {
        let measured = self.0.iter().map(|(metric, _)| *metric).collect::<Vec<_>>();
        let all = Directive {
            namespace: &metering.namespace,
            dimensions: [vec![]],
            metrics: measured.iter().copied().map(Definition::of).collect(),
        };
        let wanted = known
            .iter()
            .filter(|dimension| metering.by.contains(dimension));
        let by = wanted.map(|dimension| Directive {
            namespace: &metering.namespace,
            dimensions: [vec![*dimension]],
            metrics: measured
                .iter()
                .filter(|metric| metrics_by(*dimension).contains(metric))
                .copied()
                .map(Definition::of)
                .collect(),
        });
        let directives = std::iter::once(all)
            .chain(by)
            .filter(|directive| !directive.metrics.is_empty())
            .collect();
        Members {
            metadata: Metadata {
                timestamp: now_ms,
                directives,
            },
            measurements: self,
        }
    }
}

/// The members of a line that CloudWatch reads: the numbers, and `_aws`, which says what to make of them.
#[derive(Debug)]
pub struct Members<'m> {
    metadata: Metadata<'m>,
    measurements: Measurements,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for (metric, value) in &self.measurements.0 {
            members.serialize_entry(metric, value)?;
        }
        members.serialize_entry("_aws", &self.metadata)?;
        members.end()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'m> {
    timestamp: u64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive<'m>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'m> {
    namespace: &'m str,
    dimensions: [Vec<Dimension>; 1],
    metrics: Vec<Definition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: Metric,
    unit: &'static str,
}

impl Definition {
    fn of(metric: Metric) -> Self {
        Self {
            name: metric,
            unit: metric.unit(),
        }
    }
}
