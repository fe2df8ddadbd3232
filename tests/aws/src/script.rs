//! A script of what goes wrong: which call meets which fault.
//!
//! ```
//! # use fake_aws::{FakeAws, Fault};
//! # use std::time::Duration;
//! let aws = FakeAws::in_memory();
//! // AWS refuses the second CreateService, whoever calls.
//! aws.on("ecs:CreateService").nth(2).meets(Fault::refuse("ThrottlingException", "Rate exceeded"));
//! // It makes the cluster, and the connection breaks before its answer is here.
//! aws.on("ecs:CreateCluster").once().meets(Fault::reset().after_work());
//! // Everything that the application `twin` calls takes a second longer.
//! aws.on("*").by("twin").meets(Fault::delay(Duration::from_secs(1)));
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Refusal;
use crate::call::Call;
use crate::fake_aws::FakeAws;

/// A fault that a call meets.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The time that passes before AWS begins.
    pub delay: Duration,
    /// The moment at which AWS does its work.
    pub work: Work,
    /// The outcome, as the caller sees it.
    pub back: Back,
}

/// The moment at which AWS does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Before what comes back.
    Before,
    /// Never.
    Never,
    /// So long after what comes back.
    Later(Duration),
}

/// The outcome of a call, as its caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Back {
    /// AWS's own answer.
    Answer,
    /// A refusal.
    Refusal(Refusal),
    /// This status and body.
    Body(u16, String),
    /// The end of the connection.
    Reset,
    /// Nothing, for ever.
    Silence,
    /// The first half of AWS's own answer, and then the end of the connection.
    FirstHalf,
    /// As many bytes as AWS's own answer has, which make no sense.
    Garbage,
}

impl Fault {
    fn new(work: Work, back: Back) -> Self {
        Self {
            delay: Duration::ZERO,
            work,
            back,
        }
    }

    /// Answers as AWS does, that much later.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Work::Before, Back::Answer).after(delay)
    }

    /// Refuses with status 400.
    pub fn refuse(code: &str, message: &str) -> Self {
        Self::refusal(Refusal::of(code.to_owned(), message.to_owned()))
    }

    /// Refuses in any way.
    pub fn refusal(refusal: Refusal) -> Self {
        Self::new(Work::Never, Back::Refusal(refusal))
    }

    /// Fails with this status, as a fault of AWS.
    pub fn fail(status: u16) -> Self {
        Self::refusal(Refusal::of("InternalFailure", "injected").status(status))
    }

    /// Answers this, and does nothing.
    pub fn answer(output: &Value) -> Self {
        Self::body(200, output.to_string())
    }

    /// Answers this status and body, and does nothing.
    pub fn body(status: u16, body: impl Into<String>) -> Self {
        Self::new(Work::Never, Back::Body(status, body.into()))
    }

    /// Breaks the connection before AWS does anything.
    pub fn reset() -> Self {
        Self::new(Work::Never, Back::Reset)
    }

    /// Never answers, and does nothing.
    pub fn silence() -> Self {
        Self::new(Work::Never, Back::Silence)
    }

    /// Does the work, and breaks the connection in the middle of the answer.
    pub fn first_half() -> Self {
        Self::new(Work::Before, Back::FirstHalf)
    }

    /// Does the work, and answers nonsense.
    pub fn garbage() -> Self {
        Self::new(Work::Before, Back::Garbage)
    }

    /// Lets AWS do its work first, whatever comes back.
    #[must_use]
    pub fn after_work(self) -> Self {
        let work = Work::Before;
        Self { work, ..self }
    }

    /// Lets AWS do its work that much after what comes back.
    #[must_use]
    pub fn and_work_later(self, later: Duration) -> Self {
        let work = Work::Later(later);
        Self { work, ..self }
    }

    /// Lets that much time pass first.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// A fault, and the calls that meet it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    operation: String,
    app: Option<String>,
    account: Option<String>,
    input: Option<InputClaim>,
    /// The calls that match are counted from one.
    seen: u64,
    first: u64,
    last: u64,
    fault: Fault,
}

/// A claim about the input of a call.
#[derive(Clone)]
struct InputClaim(Arc<dyn Fn(&Value) -> bool + Send + Sync>);

impl fmt::Debug for InputClaim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InputClaim")
    }
}

impl Line {
    fn is_for(&self, call: &Call) -> bool {
        let is_operation = match self.operation.strip_suffix('*') {
            Some(begin) => call.operation.starts_with(begin),
            None => call.operation == self.operation,
        };
        is_operation
            && self
                .app
                .as_ref()
                .is_none_or(|app| call.app.as_ref() == Some(app))
            && self
                .account
                .as_ref()
                .is_none_or(|account| call.account == *account)
            && self
                .input
                .as_ref()
                .is_none_or(|InputClaim(holds)| holds(&call.input))
    }
}

/// All faults, in the order in which they were written.
#[derive(Debug, Default)]
pub(crate) struct Script(Vec<Line>);

impl Script {
    pub(crate) fn push(&mut self, line: Line) {
        self.0.push(line);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the first fault that is for a call. A fault counts the calls that reach it: those that met none before it.
    pub(crate) fn next(&mut self, call: &Call) -> Option<Fault> {
        for line in self.0.iter_mut().filter(|line| line.is_for(call)) {
            line.seen += 1;
            if (line.first..=line.last).contains(&line.seen) {
                return Some(line.fault.clone());
            }
        }
        None
    }
}

/// The calls that meet a fault: all of an operation, unless it says otherwise.
#[must_use = "nothing happens before it says what the calls meet"]
pub struct Calls<'a> {
    aws: &'a FakeAws,
    line: Line,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(aws: &'a FakeAws, operation: &str) -> Self {
        let line = Line {
            operation: operation.to_owned(),
            app: None,
            account: None,
            input: None,
            seen: 0,
            first: 1,
            last: u64::MAX,
            fault: Fault::silence(),
        };
        Self { aws, line }
    }

    /// The call of this number alone, counted from one.
    pub fn nth(mut self, number: u64) -> Self {
        (self.line.first, self.line.last) = (number, number);
        self
    }

    /// The first of the calls alone.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// So many of the calls, from the first on.
    pub fn times(mut self, count: u64) -> Self {
        (self.line.first, self.line.last) = (1, count);
        self
    }

    /// All calls from the one of this number on, counted from one.
    pub fn since(mut self, number: u64) -> Self {
        self.line.first = number;
        self
    }

    /// Those of the application of this name.
    pub fn by(mut self, app: &str) -> Self {
        self.line.app = Some(app.to_owned());
        self
    }

    /// Those with credentials of this account.
    pub fn of(mut self, account: &str) -> Self {
        self.line.account = Some(account.to_owned());
        self
    }

    /// Those for which this holds of what is sent.
    pub fn whose(mut self, holds: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        self.line.input = Some(InputClaim(Arc::new(holds)));
        self
    }

    /// Says what they meet.
    pub fn meets(mut self, fault: Fault) {
        self.line.fault = fault;
        self.aws.write(self.line);
    }
}
