//! One event on its way to the answer, by one reading of the configuration.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use futures_util::FutureExt as _;
use lambda_http::Context;
use lambda_http::http::header::{self, HeaderName};
use lambda_http::http::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::App;
use super::cors::with_cors;
use crate::api::operation::{Handler, Route, Work};
use crate::api::{CallerRequest, IDEMPOTENCY_KEY, Request};
use crate::aws::Attribution;
use crate::config::Caller;
use crate::continuation::Stack;
use crate::deadline::Deadline;
use crate::directory::Directory;
use crate::error::{Bug, Error};
use crate::intake::batch::{self, Batch};
use crate::intake::{Call, Envelope, EnvelopedCall, Event, MalformedEvent, UnknownEvent};
use crate::problem;
use crate::reply::{Body, Reply};
use crate::router::RouteMatch;
use crate::routes::ROUTES;
use crate::telemetry::{Exchange, RequestLog};
use crate::text::{printable, quoted, quoted_or};
use crate::wire::validation::FieldError;

/// An event, and everything that it is answered with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invocation<'i> {
    pub app: &'i App,
    pub directory: &'i Directory,
    pub context: &'i Context,
    /// The moment at which the event came.
    pub started: Instant,
    /// The moment at which the answer must be on its way.
    pub deadline: Deadline,
}

impl<'i> Invocation<'i> {
    /// Answers an event. Whatever goes wrong with a request, a panic included, is an answer too.
    pub async fn handle(self, event: Event) -> Result<Value, UnknownEvent> {
        match event {
            Event::Request(opened) => Ok(self.handle_request(&opened).await),
            Event::Batch(batch) => self.handle_batch(&batch).await,
        }
    }

    fn request_id(self) -> &'i str {
        &self.context.request_id
    }

    async fn handle_request(self, opened: &EnvelopedCall) -> Value {
        let mut log = RequestLog {
            is_first: self.app.is_fresh.swap(false, Ordering::Relaxed),
            ..RequestLog::default()
        };
        let reply = self.answer(&opened.call, opened.envelope, &mut log).await;
        log.configuration_failures = self.app.directories.take_failures();
        let exchange = Exchange {
            call: &opened.call,
            reply: &reply,
            context: self.context,
            took: self.started.elapsed(),
            now_ms: self.app.clock.now_ms(),
        };
        log.write(exchange, &self.app.metering);
        opened.envelope.seal(reply)
    }

    /// Goes on with work that has outlived its request. A panic fails the invocation, and SQS delivers the batch
    /// again.
    async fn handle_batch(self, batch: &Batch) -> Result<Value, UnknownEvent> {
        let continuation = self
            .app
            .continuation
            .as_ref()
            .filter(|continuation| continuation.owns(batch))
            .ok_or(UnknownEvent::Kind)?;
        let stack = Stack {
            accounts: &self.directory.accounts,
            records: &self.app.records,
            authority: &self.directory.authority,
            metering: &self.app.metering,
            clock: &self.app.clock,
        };
        let failed = continuation.work(stack, batch, self.deadline).await;
        Ok(batch::failures(failed))
    }

    async fn answer(
        self,
        call: &Result<Call, MalformedEvent>,
        envelope: Envelope,
        log: &mut RequestLog,
    ) -> Reply {
        let outcome = match call {
            Ok(call) => {
                let work = AssertUnwindSafe(Box::pin(self.dispatch(call, envelope, log)));
                work.catch_unwind()
                    .await
                    .unwrap_or_else(|panic| Err(Error::Bug(Bug::Panic(panic_message(&*panic)))))
            }
            Err(malformed) => Err(malformed.clone().into()),
        };
        let repeats_safely = call.as_ref().is_ok_and(repeats_safely);
        let reply = outcome.unwrap_or_else(|error| {
            let reply = problem::reply(&error, self.request_id(), repeats_safely);
            log.error = Some(error);
            reply
        });
        self.finish(reply, call.as_ref().ok(), envelope)
    }

    /// Adds what every answer carries, and compresses it.
    fn finish(self, reply: Reply, call: Option<&Call>, envelope: Envelope) -> Reply {
        let request_id = self.request_id();
        let accepted = call
            .and_then(|call| call.headers.get(header::ACCEPT_ENCODING))
            .filter(|_| envelope.takes_bytes());
        // Where no bytes arrive as bytes, the gateway compresses by itself, or IAM knows who asks.
        let reply = if envelope.takes_bytes() && !reply.suits(accepted) {
            problem::reply(&Error::OnlyCompressed, request_id, true)
        } else {
            reply
        };
        let reply = reply
            .with_header(HeaderName::from_static("x-request-id"), request_id)
            .with_default_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .with_default_header(header::CACHE_CONTROL, "no-store");
        let Some(call) = call else { return reply };
        let reply = with_cors(reply, call, &self.directory.cors_origins).compressed_for(accepted);
        if call.method == Method::HEAD {
            Reply {
                body: Body::Empty,
                ..reply
            }
        } else {
            reply
        }
    }

    /// Finds the route, the caller and the account, and lets the handler answer.
    ///
    /// # Errors
    /// [`Error`] of any kind; [`problem`] gives each its status.
    async fn dispatch(
        self,
        call: &Call,
        envelope: Envelope,
        log: &mut RequestLog,
    ) -> Result<Reply, Error> {
        let path = self.app.router.find(&call.path)?;
        if call.method == Method::OPTIONS {
            return Ok(
                Reply::empty(StatusCode::NO_CONTENT).with_header(header::ALLOW, &path.allow())
            );
        }
        let route = path.route(&call.method)?;
        log.operation = Some(route.name);
        log.is_prompt = is_prompt(call, route);
        match route.handler {
            Handler::Public(answer) => {
                check_query(call, route)?;
                Ok(answer(call))
            }
            Handler::Caller(work) => {
                let caller = self.admit(call, route, None, log)?;
                let request = CallerRequest {
                    call,
                    caller,
                    accounts: &self.directory.accounts,
                    deadline: self.deadline,
                    request_id: self.request_id(),
                    answer_max_bytes: envelope.answer_max_bytes(),
                };
                self.run(work(&request), route, caller, log).await
            }
            Handler::Account(work) => {
                let name = path.parameter("account");
                let caller = self.admit(call, route, Some(name), log)?;
                let request = self
                    .account_request(call, &path, &caller.name, envelope)
                    .await?;
                log.account = Some(name.to_owned());
                self.run(work(&request), route, caller, log).await
            }
        }
    }

    /// Finds the caller, and holds its grants against the account that the path names, if it names one; then refuses a query
    /// and a key that the route does not know.
    fn admit(
        self,
        call: &Call,
        route: &Route,
        account: Option<&str>,
        log: &mut RequestLog,
    ) -> Result<&'i Caller, Error> {
        let caller = self.directory.authority.identify(&call.evidence)?;
        log.caller = Some(caller.name.clone());
        if let Some(account) = account {
            caller.check(account, route.access())?;
        }
        check_query(call, route)?;
        check_idempotency_key(call, route)?;
        Ok(caller)
    }

    /// Lets a handler work, but not past the deadline, and its calls of AWS say for whom they are made.
    async fn run(
        self,
        work: Work<'_>,
        route: &Route,
        caller: &Caller,
        log: &mut RequestLog,
    ) -> Result<Reply, Error> {
        let attribution = Attribution::new(&caller.name, self.request_id());
        log.attribution = Some(attribution.clone());
        let work = attribution.scope(work);
        if route.timing.keeps_its_deadline() {
            work.await
        } else {
            self.deadline.run(work).await
        }
    }

    async fn account_request<'r>(
        self,
        call: &'r Call,
        path: &'r RouteMatch<'r>,
        caller: &'r str,
        envelope: Envelope,
    ) -> Result<Request<'r>, Error>
    where
        'i: 'r,
    {
        let name = path.parameter("account");
        let account = self.directory.accounts.get(name).await;
        Ok(Request {
            call,
            path,
            account: account.ok_or_else(|| Error::UnknownAccount(printable(name)))?,
            caller,
            continuation: self.app.continuation.as_ref(),
            records: &self.app.records,
            clock: &self.app.clock,
            deadline: self.deadline,
            request_id: self.request_id(),
            answer_max_bytes: envelope.answer_max_bytes(),
            body: Mutex::default(),
        })
    }
}

/// Returns `true` if the answer to a request waits for nothing but AWS's answers: a flow waits for what AWS does, and a
/// long poll for something to happen.
fn is_prompt(call: &Call, route: &Route) -> bool {
    let is_poll = call.query.iter().any(|(name, _)| name == "wait");
    route.timing.is_prompt() && !is_poll
}

/// Returns a panic's message, for the log.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

/// Returns `true` if the request, sent again, does nothing twice: it changes nothing, or has a key, which is heeded or
/// refused.
fn repeats_safely(call: &Call) -> bool {
    call.method.is_safe() || call.headers.contains_key(IDEMPOTENCY_KEY)
}

/// Refuses a key that would not be heeded: its sender relies on it.
fn check_idempotency_key(call: &Call, route: &Route) -> Result<(), Error> {
    let is_change = matches!(call.method, Method::POST | Method::PATCH);
    if is_change && !route.heeds_idempotency_key && call.headers.contains_key(IDEMPOTENCY_KEY) {
        let heeding = ROUTES.iter().filter(|route| route.heeds_idempotency_key);
        let heeding = quoted(heeding.map(|route| format!("{} {}", route.method, route.path)));
        let message =
            format!("not heeded by this operation; leave it out. These heed it: {heeding}");
        return Err(Error::input("Idempotency-Key", &message));
    }
    Ok(())
}

/// Refuses query parameters that the route does not know, and repeated ones.
fn check_query(call: &Call, route: &Route) -> Result<(), Error> {
    let mut problems = Vec::new();
    for (index, (name, _)) in call.query.iter().enumerate() {
        let mut earlier = call.query[..index].iter().map(|(earlier, _)| earlier);
        let message = if route.query.iter().all(|known| known.name != name) {
            format!(
                "unknown query parameter; this path knows {}",
                quoted_or("none", route.query.iter().map(|known| known.name))
            )
        } else if earlier.any(|earlier| earlier == name) {
            "given twice".to_owned()
        } else {
            continue;
        };
        problems.push(FieldError {
            path: printable(name),
            message,
        });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Input(problems))
    }
}
