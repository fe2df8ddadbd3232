//! One request from event to answer: [`App::handle`] never fails, `App::dispatch` is `?` all the way.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use lambda_http::http::header::{self, HeaderName};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Context, LambdaEvent};
use serde_json::Value;
use tokio::time::Instant;

use crate::api::IDEMPOTENCY_KEY;
use crate::api::Request;
use crate::api::operation::{Handler, Route};
use crate::auth::Authority;
use crate::aws::queue::Queue;
use crate::aws::table::Table;
use crate::aws::{Accounts, Attribution};
use crate::clock::Clock;
use crate::config::{Config, Metering};
use crate::continuation::{Continuation, Stack};
use crate::deadline::Deadline;
use crate::error::{Bug, Error};
use crate::intake::batch::{self, Batch};
use crate::intake::{self, Call, Envelope, EnvelopedCall, Event, MalformedEvent, UnknownEvent};
use crate::orchestration::record::Records;
use crate::problem;
use crate::reply::{Body, Reply};
use crate::router::{RouteMatch, Router};
use crate::routes::ROUTES;
use crate::telemetry::{Answered, RequestLog};
use crate::text::printable;
use crate::wire::validation::FieldError;

/// The headers of an answer that a page may read.
const EXPOSED_HEADERS: &str =
    "ETag, Link, Location, Preference-Applied, Retry-After, X-Ignored-Members, X-Request-Id";

/// The application: what lives as long as the process.
#[derive(Debug)]
pub struct App {
    router: Router,
    authority: Authority,
    accounts: Accounts,
    continuation: Option<Continuation>,
    records: Records,
    cors_origins: Vec<String>,
    gateway_alias: Option<String>,
    metering: Metering,
    clock: Clock,
    /// No event has come yet.
    is_fresh: AtomicBool,
}

impl App {
    /// Puts the application together. Calls nothing.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub fn new(config: Config, accounts: Accounts) -> Self {
        Self::with_clock(config, accounts, Clock::system())
    }

    /// Puts the application together with a time of day of its own. Calls nothing.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub fn with_clock(config: Config, accounts: Accounts, clock: Clock) -> Self {
        let own = accounts.own_config();
        let queue = config
            .cleanup_queue
            .map(|urls| Arc::new(Queue::new(urls, own)));
        let table = config.records_table.map(|name| Table::new(name, own));
        Self {
            router: Router::new(&ROUTES).expect("the route table is checked by a test"),
            authority: Authority::new(config.callers, config.list_claims),
            accounts,
            continuation: queue.clone().map(Continuation::new),
            records: Records::new(table, queue, clock.clone()),
            cors_origins: config.cors_origins,
            gateway_alias: config.gateway_alias,
            metering: config.metering,
            clock,
            is_fresh: AtomicBool::new(true),
        }
    }

    /// Answers an event. Whatever goes wrong, a panic included, is an answer too.
    ///
    /// # Errors
    /// [`UnknownEvent`] if the event is of no known kind: then there is no envelope to answer in.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, UnknownEvent> {
        let LambdaEvent { payload, context } = event;
        let alias = self.gateway_alias.as_deref();
        match intake::open(payload, &context.invoked_function_arn, alias)? {
            Event::Request(opened) => Ok(self.handle_request(&opened, &context).await),
            Event::Batch(batch) => self.handle_batch(&batch, &context).await,
        }
    }

    async fn handle_request(&self, opened: &EnvelopedCall, context: &Context) -> Value {
        let started = Instant::now();
        let mut log = RequestLog {
            is_first: self.is_fresh.swap(false, Ordering::Relaxed),
            ..RequestLog::default()
        };
        let reply = self
            .answer(&opened.call, opened.envelope, context, &mut log)
            .await;
        let answered = Answered {
            call: &opened.call,
            reply: &reply,
            context,
            took: started.elapsed(),
            now_ms: self.clock.now_ms(),
        };
        log.write(answered, &self.metering);
        opened.envelope.seal(reply)
    }

    /// Goes on with work that has outlived its request. A panic fails the invocation, and SQS delivers the batch
    /// again.
    async fn handle_batch(&self, batch: &Batch, context: &Context) -> Result<Value, UnknownEvent> {
        let continuation = self
            .continuation
            .as_ref()
            .filter(|continuation| continuation.owns(batch))
            .ok_or(UnknownEvent::Kind)?;
        let deadline = Deadline::of(context.deadline, None);
        let stack = Stack {
            accounts: &self.accounts,
            records: &self.records,
            authority: &self.authority,
            metering: &self.metering,
            clock: &self.clock,
        };
        let failed = continuation.work(stack, batch, deadline).await;
        Ok(batch::failures(failed))
    }

    async fn answer(
        &self,
        call: &Result<Call, MalformedEvent>,
        envelope: Envelope,
        context: &Context,
        log: &mut RequestLog,
    ) -> Reply {
        let outcome = match call {
            Ok(call) => {
                let work = AssertUnwindSafe(Box::pin(self.dispatch(call, envelope, context, log)));
                work.catch_unwind()
                    .await
                    .unwrap_or_else(|panic| Err(Error::Bug(Bug::Panic(panic_message(&*panic)))))
            }
            Err(malformed) => Err(malformed.clone().into()),
        };
        let repeats_safely = call.as_ref().is_ok_and(repeats_safely);
        let reply = outcome.unwrap_or_else(|error| {
            let reply = problem::reply(&error, &context.request_id, repeats_safely);
            log.error = Some(error);
            reply
        });
        self.finish(reply, call.as_ref().ok(), envelope, &context.request_id)
    }

    /// Adds what every answer carries, and compresses it.
    fn finish(
        &self,
        reply: Reply,
        call: Option<&Call>,
        envelope: Envelope,
        request_id: &str,
    ) -> Reply {
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
        let reply = self.with_cors(reply, call).compressed_for(accepted);
        if call.method == Method::HEAD {
            Reply {
                body: Body::Empty,
                ..reply
            }
        } else {
            reply
        }
    }

    fn with_cors(&self, mut reply: Reply, call: &Call) -> Reply {
        if self.cors_origins.is_empty() {
            return reply;
        }
        reply = reply.with_header(header::VARY, "Origin");
        let origin = call
            .headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok());
        let Some(origin) =
            origin.filter(|origin| self.cors_origins.iter().any(|known| known == origin))
        else {
            return reply;
        };
        reply = reply
            .with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)
            .with_header(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        let allow = reply
            .headers
            .get(header::ALLOW)
            .filter(|_| call.method == Method::OPTIONS)
            .cloned();
        if let Some(allow) = allow {
            reply
                .headers
                .insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow);
            let allowed = "Authorization, X-Auth-Token, Auth-Token, X-Amz-Date, X-Amz-Security-Token, \
                           X-Amz-Content-Sha256, Content-Type, Prefer, Idempotency-Key, If-Match";
            reply = reply.with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        reply
    }

    /// Finds the route, the caller and the account, and lets the handler answer.
    ///
    /// # Errors
    /// [`Error`] of any kind; [`problem`] gives each its status.
    async fn dispatch(
        &self,
        call: &Call,
        envelope: Envelope,
        context: &Context,
        log: &mut RequestLog,
    ) -> Result<Reply, Error> {
        let path = self.router.find(&call.path)?;
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
            Handler::Account(work) => {
                let caller = self.authority.identify(&call.evidence)?;
                log.caller = Some(caller.name.clone());
                caller.check(path.parameter("account"), route.access())?;
                check_query(call, route)?;
                check_idempotency_key(call, route)?;
                let request = self
                    .account_request(call, &path, &caller.name, envelope, context)
                    .await?;
                log.account = Some(path.parameter("account").to_owned());
                let attribution = Attribution::new(&caller.name, &context.request_id);
                log.attribution = Some(attribution.clone());
                let work = attribution.scope(work(&request));
                if route.keeps_its_deadline {
                    work.await
                } else {
                    request.deadline.run(work).await
                }
            }
        }
    }

    async fn account_request<'r>(
        &'r self,
        call: &'r Call,
        path: &'r RouteMatch<'r>,
        caller: &'r str,
        envelope: Envelope,
        context: &'r Context,
    ) -> Result<Request<'r>, Error> {
        let name = path.parameter("account");
        let account = self
            .accounts
            .get(name)
            .await
            .ok_or_else(|| Error::UnknownAccount(printable(name)))?;
        Ok(Request {
            call,
            path,
            account,
            caller,
            continuation: self.continuation.as_ref(),
            records: &self.records,
            clock: &self.clock,
            deadline: Deadline::of(context.deadline, envelope.gateway_limit()),
            request_id: &context.request_id,
            answer_max_bytes: envelope.answer_max_bytes(),
        })
    }
}

/// Returns `true` if the answer to a request waits for nothing but AWS's answers: a flow waits for what AWS does, and a
/// long poll for something to happen.
fn is_prompt(call: &Call, route: &Route) -> bool {
    let is_poll = call.query.iter().any(|(name, _)| name == "wait");
    !(route.keeps_its_deadline || is_poll)
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
        let message = "not heeded by this operation; leave it out. `POST /{account}/services`, `POST …/tasks`, `PATCH …/services/{service}` and `POST …/rollback` heed it";
        return Err(Error::input("Idempotency-Key", message));
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
                names_of(route)
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

/// Returns the query parameters that a route knows, for people.
fn names_of(route: &Route) -> String {
    if route.query.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<_> = route
        .query
        .iter()
        .map(|parameter| format!("`{}`", parameter.name))
        .collect();
    names.join(", ")
}
