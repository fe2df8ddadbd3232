//! The world that all doors of one AWS share: the accounts, and the rules over them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use serde_json::Value;

use crate::answer::{ASSUME_ROLE, Answer, Refusal};
use crate::behind::{Backend, Behind};
use crate::call::{Call, Request};
use crate::circumstances::Circumstances;
use crate::clock::Clock;
use crate::memory::Memory;
use crate::rules::{Exchange, State};
use crate::session::Session;
use crate::value::text;

/// The memory of an account in a region. It is locked for as long as a call takes.
type SharedState = Arc<tokio::sync::Mutex<State>>;

/// One AWS.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) backend: Backend,
    pub(crate) clock: Clock,
    /// The rules are in front of the AWS behind.
    pub(crate) has_rules: bool,
    states: Mutex<BTreeMap<(String, String), SharedState>>,
    /// The sessions that AssumeRole has answered, by access key.
    sessions: Mutex<BTreeMap<String, Session>>,
    circumstances: Mutex<BTreeMap<String, Circumstances>>,
}

impl World {
    pub(crate) fn new(backend: Backend) -> Self {
        Self {
            backend,
            clock: Clock::new(),
            has_rules: true,
            states: Mutex::default(),
            sessions: Mutex::default(),
            circumstances: Mutex::default(),
        }
    }

    pub(crate) fn read(&self, request: &Request) -> Call {
        let sessions = lock(&self.sessions);
        Call::read(request, |key| {
            sessions.get(key).map(|session| session.account.clone())
        })
    }

    pub(crate) fn change(&self, account: &str, change: impl FnOnce(&mut Circumstances)) {
        let mut circumstances = lock(&self.circumstances);
        change(circumstances.entry(account.to_owned()).or_default());
    }

    /// Returns the account's circumstances, those of the role's account for a role that is assumed.
    fn circumstances_of(&self, call: &Call) -> Circumstances {
        let role = text(&call.input, "RoleArn").split(':').nth(4);
        let account = role.filter(|_| call.operation == ASSUME_ROLE);
        let circumstances = lock(&self.circumstances);
        let found = circumstances.get(account.unwrap_or(&call.account));
        found.cloned().unwrap_or_default()
    }

    fn state(&self, call: &Call) -> SharedState {
        let place = (call.account.clone(), call.region.clone());
        Arc::clone(lock(&self.states).entry(place).or_default())
    }

    /// Does what a call asks for. Calls of one account and region are answered one after the other.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        request: &Request,
        connector: Option<&SharedHttpConnector>,
    ) -> (Answer, Option<Refusal>) {
        let behind = Behind {
            backend: &self.backend,
            clock: &self.clock,
            request,
            session: lock(&self.sessions).get(&call.access_key).cloned(),
            connector,
        };
        let is_ruled = behind.is_memory() || (self.has_rules && has_rules(call));
        if !is_ruled {
            return match behind.pass().await {
                Ok(answer) => (answer, None),
                Err(refusal) => (refusal.answer(&call.operation), Some(refusal)),
            };
        }
        let state = self.state(call);
        let mut exchange = Exchange {
            call,
            state: &mut *state.lock().await,
            circumstances: self.circumstances_of(call),
            behind,
            clock: &self.clock,
        };
        match Box::pin(exchange.answer()).await {
            Ok(output) => {
                self.learn(call, &output);
                (Answer::ok(&call.operation, &output), None)
            }
            Err(refusal) => (refusal.answer(&call.operation), Some(refusal)),
        }
    }

    /// Remembers whose a session is.
    fn learn(&self, call: &Call, output: &Value) {
        if call.operation != ASSUME_ROLE {
            return;
        }
        let member = |name: &str| match output {
            Value::String(xml) => element(xml, name).to_owned(),
            output => text(&output["Credentials"], name).to_owned(),
        };
        let account = text(&call.input, "RoleArn").split(':').nth(4);
        let session = Session {
            account: account.unwrap_or_default().to_owned(),
            secret: member("SecretAccessKey"),
        };
        lock(&self.sessions).insert(member("AccessKeyId"), session);
    }

    /// Lets the AWS in memory do something that no rule looks at.
    pub(crate) fn in_memory<T>(&self, work: impl FnOnce(&mut Memory, &Clock) -> T) -> T {
        let Backend::Memory(memory) = &self.backend else {
            panic!("only an AWS in memory can be looked into");
        };
        work(&mut lock(memory), &self.clock)
    }
}

/// Returns the text of an element that XML has once; else an empty one.
fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let rest = xml.split_once(&format!("<{name}>"));
    let rest = rest.map_or("", |(_, rest)| rest);
    rest.split_once('<').map_or("", |(text, _)| text)
}

/// Returns `true` if a call may meet a rule.
fn has_rules(call: &Call) -> bool {
    ["ecs", "servicediscovery", "logs"].contains(&call.service())
        || [ASSUME_ROLE, "sqs:SendMessage"].contains(&call.operation.as_str())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
