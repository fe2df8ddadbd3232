//! The handle of a test: one door of an AWS, with a script and a journal of its own.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::behind::Backend;
use crate::call::{Call, Request};
use crate::circumstances::Circumstances;
use crate::deployments::Course;
use crate::journal::{self, Journal, JournalEntry};
use crate::script::{Back, Calls, Fault, Line, Script, Work};
use crate::world::{World, lock};

/// A door of an AWS. A clone is the same door.
#[derive(Debug, Clone)]
pub struct FakeAws {
    pub(crate) world: Arc<World>,
    door: Arc<Door>,
}

#[derive(Debug, Default)]
struct Door {
    script: Mutex<Script>,
    journal: Mutex<Journal>,
    latency: Mutex<Latency>,
    kill: Mutex<Option<Kill>>,
    came: Notify,
    connector: OnceLock<SharedHttpConnector>,
}

/// The time that a call is on its way.
#[derive(Debug, Default, Clone, Copy)]
enum Latency {
    #[default]
    None,
    /// There and back.
    Even(Duration),
    /// Each call another one, so that two functions at the same work overtake each other.
    Uneven(u64),
}

/// The call at which a function is killed.
#[derive(Debug)]
struct Kill {
    left: u64,
    moment: Moment,
    killed: Arc<Notify>,
}

/// The moment at which a function is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Its call does not reach AWS any more.
    BeforeWork,
    /// AWS does what the call asks for.
    AfterWork,
}

/// The outcome of a call, as its caller sees it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    FirstHalf(Answer),
    Reset,
}

impl FakeAws {
    /// Makes an empty AWS in memory.
    pub fn in_memory() -> Self {
        Self::of(Arc::new(World::new(Backend::Memory(Box::default()))))
    }

    /// Makes an AWS of an emulator, and of the rules in front of it.
    pub fn in_front_of(endpoint: impl Into<String>) -> Self {
        Self::of(Arc::new(World::new(Backend::Emulator(endpoint.into()))))
    }

    /// Makes a door of an emulator that answers all by itself, without the rules.
    pub fn of_emulator(endpoint: impl Into<String>) -> Self {
        let mut world = World::new(Backend::Emulator(endpoint.into()));
        world.has_rules = false;
        Self::of(Arc::new(world))
    }

    fn of(world: Arc<World>) -> Self {
        let door = Arc::default();
        Self { world, door }
    }

    /// Opens another door of the same AWS, with a script and a journal of its own.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::of(Arc::clone(&self.world))
    }

    /// Chooses the circumstances of an account.
    pub fn circumstances(&self, account: &str, change: impl FnOnce(&mut Circumstances)) {
        self.world.change(account, change);
    }

    /// Chooses what the world does to the deployments of a service that begin from now on.
    pub fn deployments_go(&self, account: &str, service: &str, course: Course) {
        self.circumstances(account, |account| {
            account.courses.insert(service.to_owned(), course);
        });
    }

    /// Begins a line of the script for an operation by its IAM name; `ecs:*` and `*` are all that begin so.
    pub fn on(&self, operation: &str) -> Calls<'_> {
        Calls::new(self, operation)
    }

    pub(crate) fn write(&self, line: Line) {
        lock(&self.door.script).push(line);
    }

    /// Forgets the script.
    pub fn forget_script(&self) {
        lock(&self.door.script).clear();
    }

    /// Lets each call take so long, there and back.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.door.latency) = Latency::Even(latency);
    }

    /// Lets calls take from 20 to 44 ms, no two neighbours the same.
    pub fn set_uneven_latency(&self) {
        *lock(&self.door.latency) = Latency::Uneven(0);
    }

    /// Returns the calls that came through this door, in their order.
    pub fn calls(&self) -> Vec<JournalEntry> {
        lock(&self.door.journal).calls()
    }

    /// Visits the calls that came through this door since this many of them, and returns how many there are.
    pub fn visit_calls_since(&self, seen: usize, visit: impl FnMut(&JournalEntry)) -> usize {
        lock(&self.door.journal).visit_since(seen, visit)
    }

    /// Returns the operations of the calls so far, in their order.
    pub fn operations(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls.map(|recorded| recorded.call.operation).collect()
    }

    /// Returns what was sent with the calls of an operation so far, in their order.
    pub fn sent(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls().into_iter().map(|recorded| recorded.call);
        let of_operation = calls.filter(|call| call.operation == operation);
        of_operation.map(|call| call.input).collect()
    }

    /// Returns how many calls there were one after the other: the depth of the round trips.
    pub fn depth(&self) -> usize {
        journal::depth(&self.calls())
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        lock(&self.door.journal).clear();
    }

    /// Waits until an operation has been called, once or more.
    pub async fn until_called(&self, operation: &str) {
        loop {
            let came = self.door.came.notified();
            if self.operations().iter().any(|called| called == operation) {
                return;
            }
            came.await;
        }
    }

    /// Lets a function work until its call of this number, counted from one, and drops it there, as Lambda does when it
    /// kills one. Without an answer it was killed; with one it made fewer calls.
    pub async fn kill_at<T>(
        &self,
        number: u64,
        moment: Moment,
        function: impl Future<Output = T>,
    ) -> Option<T> {
        let killed = Arc::new(Notify::new());
        *lock(&self.door.kill) = Some(Kill {
            left: number,
            moment,
            killed: Arc::clone(&killed),
        });
        let answer = tokio::select! {
            biased;
            () = killed.notified() => None,
            answer = function => Some(answer),
        };
        *lock(&self.door.kill) = None;
        answer
    }

    /// Returns when the function is killed, if it is at this call.
    fn kill(&self) -> Option<Kill> {
        let mut kill = lock(&self.door.kill);
        let at = kill.as_mut()?;
        at.left = at.left.saturating_sub(1);
        kill.take_if(|kill| kill.left == 0)
    }

    /// Answers a call, or does with it what the script says. Never returns where that is silence.
    pub(crate) async fn serve(self, request: Request) -> Outcome {
        let call = self.world.read(&request);
        let number = lock(&self.door.journal).begin(call.clone());
        self.door.came.notify_waiters();
        let lag = lock(&self.door.latency).next();
        if let Some(kill) = self.kill() {
            if kill.moment == Moment::AfterWork {
                self.work(&call, &request).await;
            }
            kill.killed.notify_one();
            std::future::pending::<()>().await;
        }
        let fault = lock(&self.door.script).next(&call);
        let fault = fault.unwrap_or_else(|| Fault::delay(Duration::ZERO));
        pause(lag + fault.delay).await;
        let done = match fault.work {
            Work::Before => Some(self.work(&call, &request).await),
            Work::Never => None,
            Work::Later(later) => {
                let (aws, call) = (self.clone(), call.clone());
                tokio::spawn(async move {
                    sleep(later).await;
                    aws.work(&call, &request).await;
                });
                None
            }
        };
        pause(lag).await;
        let refused = done.as_ref().and_then(|(_, refused)| refused.clone());
        let answer = done.map(|(answer, _)| answer);
        let (outcome, refused) = come_back(&call, fault.back, answer, refused).await;
        let status = match &outcome {
            Outcome::Answer(answer) => Some(answer.status),
            Outcome::FirstHalf(_) | Outcome::Reset => None,
        };
        lock(&self.door.journal).end(number, status, refused);
        outcome
    }

    /// Lets AWS do its work. What was refused, and by which rule, is for the journal.
    async fn work(&self, call: &Call, request: &Request) -> (Answer, RuleRefusal) {
        let connector = match &self.world.backend {
            Backend::Memory(_) => None,
            Backend::Emulator(_) => {
                let connector = || SharedHttpConnector::new(Connector::builder().build_http());
                Some(self.door.connector.get_or_init(connector))
            }
        };
        let (answer, refusal) = self.world.answer(call, request, connector).await;
        let refused =
            refusal.map(|refusal| (refusal.code.into_owned(), refusal.source.into_owned()));
        (answer, refused)
    }

    /// Returns the time in AWS, which passes as tokio's does.
    pub fn now(&self) -> SystemTime {
        self.world.clock.now()
    }

    /// Returns the same in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.world.clock.millis()
    }
}

/// The code of a refusal, and the source of its rule.
type RuleRefusal = Option<(String, String)>;

async fn come_back(
    call: &Call,
    back: Back,
    answer: Option<Answer>,
    refused: RuleRefusal,
) -> (Outcome, RuleRefusal) {
    let answer = match (back, answer) {
        (Back::Refusal(refusal), _) => {
            let refused = (refusal.code.to_string(), refusal.source.to_string());
            return (
                Outcome::Answer(refusal.answer(&call.operation)),
                Some(refused),
            );
        }
        (Back::Body(status, body), _) => Answer {
            status,
            body: body.into_bytes(),
        },
        (Back::Reset, _) => return (Outcome::Reset, refused),
        (Back::Answer, Some(answer)) => answer,
        (Back::FirstHalf, Some(answer)) => return (Outcome::FirstHalf(answer), refused),
        (Back::Garbage, Some(answer)) => Answer {
            body: vec![b'#'; answer.body.len()],
            ..answer
        },
        (Back::Silence | Back::Answer | Back::FirstHalf | Back::Garbage, _) => {
            std::future::pending().await
        }
    };
    (Outcome::Answer(answer), refused)
}

/// Waits, and lets nobody else in before where there is nothing to wait for.
async fn pause(duration: Duration) {
    if duration > Duration::ZERO {
        sleep(duration).await;
    }
}

impl Latency {
    /// Returns how long the next call takes in each direction.
    fn next(&mut self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Even(both_ways) => *both_ways / 2,
            Self::Uneven(calls) => {
                *calls += 1;
                Duration::from_millis(10 + *calls * 7 % 13)
            }
        }
    }
}

impl TimeSource for FakeAws {
    fn now(&self) -> SystemTime {
        self.world.clock.now()
    }
}
