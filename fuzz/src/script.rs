//! The world around a request. An input describes it below a line `---`; one line each, in any order but the faults':
//!
//! ```text
//! furnished                        the account holds what the documentation's bodies make; else nothing
//! queue                            the function has its cleanup queue
//! left 12                          seconds that Lambda gives the invocation, 1 to 29; else 29
//! drains 40                        seconds that a deleted service is DRAINING, 0 to 60; else 3
//! again                            the same request is sent once more, after the answer
//! twin                             the same request is sent once more, at the same time
//! ecs:CreateCluster reset          the connection breaks, and AWS has done nothing
//! ecs:CreateCluster silence        AWS does not answer, and does nothing
//! ecs:CreateCluster 400 Code: no   AWS refuses with this code and message
//! ecs:CreateCluster 200 {}         AWS answers this
//! ecs:CreateCluster done reset     the same, each of them, but AWS has done what it was asked
//! ecs:CreateCluster after 5 ok     AWS takes five seconds; so may each of the above
//! always * 503                     every call, of any operation, from here on
//! ```
//!
//! A fault is for the first call of its operation that none before it was for; `always` is for all that follow. A line
//! that says nothing of these is left out, so that a random change costs one line and not the input.

use std::time::Duration;

/// Refusals that say nothing of what is there.
const REFUSALS: [&str; 4] = [
    "AccessDeniedException: no",
    "ExpiredTokenException: no",
    "InvalidParameterException: no",
    "ThrottlingException: no",
];

/// The world around a request.
#[derive(Debug)]
pub struct Script {
    /// The account holds something.
    pub is_furnished: bool,
    /// There is a cleanup queue.
    pub has_queue: bool,
    /// The time that Lambda gives the invocation.
    pub time_left: Duration,
    /// The time until a deleted service is INACTIVE.
    pub drains_in: Duration,
    /// The moment at which the request is sent once more, if it is.
    pub repeated: Option<Repeated>,
    /// The faults that calls to AWS meet.
    pub faults: Vec<Fault>,
}

/// The moment at which a request is sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// After its answer.
    Again,
    /// At the same time.
    Twin,
}

/// A fault that a call to AWS meets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// The operation's IAM name, or `*`.
    pub operation: String,
    /// The fault is for every call from here on.
    pub is_lasting: bool,
    /// The delay of AWS's answer.
    pub after: Duration,
    /// AWS does what it was asked, whatever it answers.
    pub is_done: bool,
    /// The outcome, as the caller sees it.
    pub back: Back,
}

/// The outcome of a call, as its caller sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Back {
    /// AWS's own answer.
    #[default]
    Answer,
    /// These words, with this status.
    Words(u16, String),
    /// The end of the connection.
    Reset,
    /// Nothing.
    Silence,
}

impl Script {
    /// Reads the lines.
    pub fn parse(text: &str) -> Self {
        let lines = || text.lines().map(str::trim);
        let says = |word: &str| lines().any(|line| line == word);
        let seconds = |word: &str, max: u64| {
            let given =
                lines().find_map(|line| line.strip_prefix(word)?.trim().parse::<u64>().ok());
            given.map(|seconds| Duration::from_secs(seconds.min(max)))
        };
        Self {
            is_furnished: says("furnished"),
            has_queue: says("queue"),
            time_left: seconds("left ", 29)
                .unwrap_or(Duration::from_secs(29))
                .max(Duration::from_secs(1)),
            drains_in: seconds("drains ", 60).unwrap_or(Duration::from_secs(3)),
            repeated: says("twin")
                .then_some(Repeated::Twin)
                .or_else(|| says("again").then_some(Repeated::Again)),
            faults: lines().filter_map(Fault::parse).collect(),
        }
    }

    /// Returns `true` if no answer of AWS contradicts what it has done, so that ours can be held against it.
    pub fn is_truthful(&self) -> bool {
        self.faults.iter().all(Fault::is_truthful)
    }
}

impl Fault {
    fn parse(line: &str) -> Option<Self> {
        let (is_lasting, line) = without("always", line);
        let (operation, line) = line.split_once(' ')?;
        let (is_late, line) = without("after", line);
        let (after, line) = if is_late {
            line.split_once(' ')?
        } else {
            ("0", line)
        };
        let (is_done, line) = without("done", line);
        let is_operation = operation == "*" || operation.contains(':');
        is_operation.then_some(Self {
            operation: operation.to_owned(),
            is_lasting,
            after: Duration::from_secs(after.parse::<u64>().ok()?.min(60)),
            is_done,
            back: Back::parse(line)?,
        })
    }

    fn is_truthful(&self) -> bool {
        match &self.back {
            Back::Answer | Back::Reset | Back::Silence | Back::Words(500.., _) => true,
            Back::Words(400.., words) => !self.is_done && REFUSALS.contains(&words.as_str()),
            // What is empty is an answer too, and not all answers are read.
            Back::Words(_, words) => self.is_done && words.starts_with('<'),
        }
    }
}

impl Back {
    fn parse(line: &str) -> Option<Self> {
        match line {
            "ok" => Some(Self::Answer),
            "reset" => Some(Self::Reset),
            "silence" => Some(Self::Silence),
            words => {
                let (status, words) = words.split_once(' ').unwrap_or((words, ""));
                let status = status
                    .parse()
                    .ok()
                    .filter(|status| (200..600).contains(status))?;
                Some(Self::Words(status, words.to_owned()))
            }
        }
    }
}

/// Returns `true` and the rest of a line that begins with a word, or `false` and the whole line.
fn without<'l>(word: &str, line: &'l str) -> (bool, &'l str) {
    let rest = line
        .strip_prefix(word)
        .and_then(|rest| rest.strip_prefix(' '));
    (rest.is_some(), rest.unwrap_or(line))
}
