//! The one line of a request.

use std::time::Duration;

use lambda_http::Context;
use serde::Serialize;

use super::metrics::{Measurements, Members, Metric};
use super::write_measured;
use crate::aws::Attribution;
use crate::config::{Dimension, Metering};
use crate::error::{Error, causes};
use crate::intake::{Call, MalformedEvent};
use crate::problem::Fault;
use crate::reply::Reply;
use crate::text::printable_up_to;

/// The most characters of a path that are logged.
const LOGGED_PATH_MAX: usize = 2048;
/// The most characters of a method that are logged: more than any known one has.
const LOGGED_METHOD_MAX: usize = 32;
/// The most characters of a cause that are logged; AWS's messages have fewer.
const LOGGED_CAUSE_MAX: usize = 4096;
/// The most characters of a trace's id that are logged; X-Ray's have 35
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>).
const LOGGED_TRACE_MAX: usize = 64;

/// The members of a request's log line that become known on its way.
#[derive(Debug, Default)]
pub struct RequestLog {
    /// The request is the first one of its process.
    pub is_first: bool,
    /// The operation's name.
    pub operation: Option<&'static str>,
    /// The answer waits for nothing but AWS's answers: neither a flow nor a long poll.
    pub is_prompt: bool,
    /// The name of the caller.
    pub caller: Option<String>,
    /// The account's name in the configuration.
    pub account: Option<String>,
    /// The caller that AWS is called for, AWS's ids of what it changed, and the counts of the calls.
    pub attribution: Option<Attribution>,
    /// The error that the request ended with.
    pub error: Option<Error>,
    /// The number of readings of the configuration that failed beside it.
    pub configuration_failures: u64,
}

/// A request and its answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The request, or why it can't be read.
    pub call: &'a Result<Call, MalformedEvent>,
    /// The answer.
    pub reply: &'a Reply,
    /// Lambda's own words on the invocation.
    pub context: &'a Context,
    /// The time that it took.
    pub took: Duration,
    /// The milliseconds since 1970.
    pub now_ms: u64,
}

/// The line.
#[derive(Debug, Serialize)]
struct Line<'l> {
    message: &'static str,
    request_id: &'l str,
    trace_id: String,
    method: String,
    path: String,
    operation: &'l str,
    caller: &'l str,
    account: &'l str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    changed: String,
    aws_writes: String,
    cause: String,
    #[serde(flatten)]
    members: Members<'l>,
}

impl RequestLog {
    /// Writes the request's one line.
    pub fn write(&self, exchange: Exchange<'_>, metering: &Metering) {
        let Exchange {
            call,
            reply,
            context,
            now_ms,
            ..
        } = exchange;
        let (method, path) = call
            .as_ref()
            .map_or(("", ""), |call| (call.method.as_str(), call.path.as_str()));
        let fault = self.fault(reply);
        let attribution = self.attribution.as_ref();
        let cause = self.error.as_ref().map(|error| causes(error));
        let line = Line {
            message: "request",
            request_id: &context.request_id,
            trace_id: trace_id(context),
            method: printable_up_to(LOGGED_METHOD_MAX, method),
            path: printable_up_to(LOGGED_PATH_MAX, path),
            operation: self.operation.unwrap_or_default(),
            caller: self.caller.as_deref().unwrap_or_default(),
            account: self.account.as_deref().unwrap_or_default(),
            status: reply.status.as_u16(),
            fault,
            changed: attribution
                .map(|attribution| attribution.changes().join(" "))
                .unwrap_or_default(),
            aws_writes: attribution
                .map(|attribution| attribution.writes().join(" "))
                .unwrap_or_default(),
            cause: printable_up_to(LOGGED_CAUSE_MAX, &cause.unwrap_or_default()),
            members: self.measurements(fault, exchange.took).members(
                metering,
                &self.dimensions(),
                now_ms,
            ),
        };
        write_measured(fault, &line);
    }

    fn fault(&self, reply: &Reply) -> Option<Fault> {
        self.error
            .as_ref()
            .map_or_else(|| Fault::of_status(reply.status), Fault::of)
    }

    /// Returns the dimensions that the request has a value of.
    fn dimensions(&self) -> Vec<Dimension> {
        let operation = self.operation.map(|_| Dimension::Operation);
        let account = self.account.as_ref().map(|_| Dimension::Account);
        operation.into_iter().chain(account).collect()
    }

    fn measurements(&self, fault: Option<Fault>, took: Duration) -> Measurements {
        let mut measured = Measurements::default();
        measured.put(Metric::Requests, 1);
        for (whose, metric) in [
            (Fault::Caller, Metric::CallerFaults),
            (Fault::Aws, Metric::AwsFaults),
            (Fault::Own, Metric::OwnFaults),
        ] {
            measured.put(metric, u64::from(fault == Some(whose)));
        }
        measured.put_time(Metric::Duration, took);
        if self.is_prompt {
            measured.put_time(Metric::PromptDuration, took);
        }
        if let Some(attribution) = &self.attribution {
            measured.put_time(Metric::AwsDuration, attribution.calls().busy());
            measured.put_calls(attribution.calls());
        }
        measured.put_rare(Metric::ColdStarts, u64::from(self.is_first));
        measured.put_rare(Metric::ConfigurationFailures, self.configuration_failures);
        measured
    }
}

/// Returns the id of the trace that the invocation is a part of: `Root=1-5759e988-…;Parent=…;Sampled=0` has it first.
fn trace_id(context: &Context) -> String {
    let header = context.xray_trace_id.as_deref().unwrap_or_default();
    let root = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="));
    printable_up_to(LOGGED_TRACE_MAX, root.unwrap_or_default())
}
