//! One request from event to answer: [`App::handle`] never fails, `App::dispatch` is `?` all the way.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;
use lambda_http::http::header::{self, HeaderName};
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Context, LambdaEvent};
use serde_json::Value;

use crate::api::{self, Request};
use crate::auth::Authority;
use crate::aws::Accounts;
use crate::aws::queue::Queue;
use crate::cleanup::Cleanup;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::intake::batch::{self, Batch};
use crate::intake::{self, Call, Envelope, Event, Malformed, Opened, UnknownEvent};
use crate::problem;
use crate::reply::{Body, Reply};
use crate::routes::{Endpoint, Guard, Matched, ROUTES, Route, Routes};
use crate::telemetry::RequestLog;
use crate::text::printable;
use crate::wire::validation::FieldError;

/// The headers of an answer that a page may read.
const EXPOSED_HEADERS: &str =
    "Link, Preference-Applied, Retry-After, X-Ignored-Members, X-Request-Id";

/// The application: what lives as long as the process.
#[derive(Debug)]
pub struct App {
    routes: Routes,
    authority: Authority,
    accounts: Accounts,
    cleanup: Option<Cleanup>,
    cors_origins: Vec<String>,
}

impl App {
    /// Puts the application together. Calls nothing.
    ///
    /// # Panics
    /// If the route table is in conflict with itself, which a unit test rules out.
    pub fn new(config: Config, accounts: Accounts) -> Self {
        let queue = config
            .cleanup_queue
            .map(|urls| Queue::new(urls, accounts.own_config()));
        Self {
            routes: Routes::new(ROUTES).expect("the route table is checked by a test"),
            authority: Authority::new(config.callers),
            accounts,
            cleanup: queue.map(Cleanup::new),
            cors_origins: config.cors_origins,
        }
    }

    /// Answers an event. Whatever goes wrong, a panic included, is an answer too.
    ///
    /// # Errors
    /// [`UnknownEvent`] if the event is of no known kind: then there is no envelope to answer in.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, UnknownEvent> {
        let LambdaEvent { payload, context } = event;
        match intake::open(payload, &context.invoked_function_arn)? {
            Event::Request(opened) => Ok(self.handle_request(&opened, &context).await),
            Event::Batch(batch) => self.handle_batch(&batch, &context).await,
        }
    }

    async fn handle_request(&self, opened: &Opened, context: &Context) -> Value {
        let started = Instant::now();
        let mut log = RequestLog::default();
        let reply = self
            .answer(&opened.call, opened.envelope, context, &mut log)
            .await;
        log.log(&opened.call, &reply, &context.request_id, started.elapsed());
        opened.envelope.seal(reply)
    }

    /// Goes on with deletes that have outlived their requests. A panic fails the invocation, and SQS delivers the batch
    /// again.
    async fn handle_batch(&self, batch: &Batch, context: &Context) -> Result<Value, UnknownEvent> {
        let cleanup = self
            .cleanup
            .as_ref()
            .filter(|cleanup| cleanup.owns(batch))
            .ok_or(UnknownEvent::Kind)?;
        let failed = cleanup
            .work(&self.accounts, batch, Deadline::of(context.deadline, None))
            .await;
        Ok(batch::failures(failed))
    }

    async fn answer(
        &self,
        call: &Result<Call, Malformed>,
        envelope: Envelope,
        context: &Context,
        log: &mut RequestLog,
    ) -> Reply {
        let outcome = match call {
            Ok(call) => {
                let work = AssertUnwindSafe(Box::pin(self.dispatch(call, envelope, context, log)));
                work.catch_unwind()
                    .await
                    .unwrap_or_else(|panic| Err(Error::Bug(panic_message(&*panic))))
            }
            Err(malformed) => Err(malformed.clone().into()),
        };
        let is_safe = call.as_ref().is_ok_and(|call| call.method.is_safe());
        let reply = outcome.unwrap_or_else(|error| {
            let reply = problem::reply(&error, &context.request_id, is_safe);
            log.error = Some(error);
            reply
        });
        self.finish(reply, call.as_ref().ok(), envelope, &context.request_id)
    }

    /// What every answer carries.
    fn finish(
        &self,
        reply: Reply,
        call: Option<&Call>,
        envelope: Envelope,
        request_id: &str,
    ) -> Reply {
        let reply = reply.with_header(HeaderName::from_static("x-request-id"), request_id);
        let Some(call) = call else { return reply };
        let accepted = call
            .headers
            .get(header::ACCEPT_ENCODING)
            .filter(|_| envelope.takes_bytes());
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
                           X-Amz-Content-Sha256, Content-Type, Prefer, Idempotency-Key";
            reply = reply.with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        reply
    }

    /// Route, caller, account, handler.
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
        let path = self.routes.find(&call.path)?;
        if call.method == Method::OPTIONS {
            return Ok(
                Reply::empty(StatusCode::NO_CONTENT).with_header(header::ALLOW, &path.allow())
            );
        }
        let route = path.route(&call.method)?;
        log.endpoint = Some(route.endpoint);
        match route.guard {
            Guard::Public => {
                check_query(call, route)?;
                public(route.endpoint, call)
            }
            Guard::Needs(access) => {
                let caller = self.authority.identify(&call.evidence)?;
                log.caller = Some(caller.name.clone());
                caller.check(path.parameter("account"), access)?;
                check_query(call, route)?;
                self.account_request(call, &path, route.endpoint, &caller.name, envelope, context)
                    .await
            }
        }
    }

    async fn account_request(
        &self,
        call: &Call,
        path: &Matched<'_>,
        endpoint: Endpoint,
        caller: &str,
        envelope: Envelope,
        context: &Context,
    ) -> Result<Reply, Error> {
        let name = path.parameter("account");
        let account = self
            .accounts
            .get(name)
            .await
            .ok_or_else(|| Error::UnknownAccount(printable(name)))?;
        let deadline = Deadline::of(context.deadline, envelope.gateway_limit());
        let request = Request {
            call,
            path,
            account,
            caller,
            cleanup: self.cleanup.as_ref(),
            deadline,
            request_id: &context.request_id,
            answer_max_bytes: envelope.answer_max_bytes(),
        };
        let work = match endpoint {
            Endpoint::CreateOrchestration => {
                api::orchestrations::create_orchestration(&request).boxed()
            }
            Endpoint::DeleteOrchestration => {
                api::orchestrations::delete_orchestration(&request).boxed()
            }
            Endpoint::ListClusters => api::clusters::list_clusters(&request).boxed(),
            Endpoint::CreateCluster => api::clusters::create_cluster(&request).boxed(),
            Endpoint::ShowCluster => api::clusters::show_cluster(&request).boxed(),
            Endpoint::DeleteCluster => api::clusters::delete_cluster(&request).boxed(),
            Endpoint::ListServices => api::services::list_services(&request).boxed(),
            Endpoint::CreateService => api::services::create_service(&request).boxed(),
            Endpoint::ShowService => api::services::show_service(&request).boxed(),
            Endpoint::UpdateService => api::services::update_service(&request).boxed(),
            Endpoint::DeleteService => api::services::delete_service(&request).boxed(),
            Endpoint::ListEvents => api::services::list_events(&request).boxed(),
            Endpoint::ShowLogs => api::logs::show_logs(&request).boxed(),
            Endpoint::ListTasks => api::tasks::list_tasks(&request).boxed(),
            Endpoint::RunTask => api::tasks::run_task(&request).boxed(),
            Endpoint::ShowTask => api::tasks::show_task(&request).boxed(),
            Endpoint::StopTask => api::tasks::stop_task(&request).boxed(),
            Endpoint::ListTaskDefinitions => {
                api::task_definitions::list_task_definitions(&request).boxed()
            }
            Endpoint::RegisterTaskDefinition => {
                api::task_definitions::register_task_definition(&request).boxed()
            }
            Endpoint::ShowTaskDefinition => {
                api::task_definitions::show_task_definition(&request).boxed()
            }
            Endpoint::DeregisterTaskDefinition => {
                api::task_definitions::deregister_task_definition(&request).boxed()
            }
            Endpoint::ListRegistries => api::registries::list_registries(&request).boxed(),
            Endpoint::CreateRegistry => api::registries::create_registry(&request).boxed(),
            Endpoint::ShowRegistry => api::registries::show_registry(&request).boxed(),
            Endpoint::DeleteRegistry => api::registries::delete_registry(&request).boxed(),
            Endpoint::Ping | Endpoint::ShowVersion | Endpoint::ShowOpenapi | Endpoint::ShowDocs => {
                return public(endpoint, call);
            }
        };
        if keeps_its_deadline(endpoint) {
            work.await
        } else {
            deadline.limit(work).await?
        }
    }
}

/// Whether a handler answers before the deadline by itself: a flow takes back what it made or says how far it came,
/// and a list answers what it has.
fn keeps_its_deadline(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::CreateOrchestration
            | Endpoint::DeleteOrchestration
            | Endpoint::DeleteService
            | Endpoint::ListClusters
            | Endpoint::ListServices
            | Endpoint::ListTasks
            | Endpoint::ListTaskDefinitions
            | Endpoint::ListRegistries
    )
}

/// What a panic said, for the log.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without a message"))
}

fn public(endpoint: Endpoint, call: &Call) -> Result<Reply, Error> {
    match endpoint {
        Endpoint::Ping => Ok(api::meta::ping()),
        Endpoint::ShowVersion => Ok(api::meta::show_version()),
        Endpoint::ShowOpenapi => Ok(api::description::show_openapi(call)),
        Endpoint::ShowDocs => Ok(api::description::show_docs(call)),
        _ => Err(Error::Bug(
            "a route is public whose endpoint is not".to_owned(),
        )),
    }
}

/// Refuses query parameters that the route does not know, and repeated ones.
fn check_query(call: &Call, route: &Route) -> Result<(), Error> {
    let problem = |(index, (name, _)): (usize, &(String, String))| {
        let message = if !route.query.contains(&name.as_str()) {
            let known: Vec<_> = route.query.iter().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            format!("unknown query parameter; this path knows {known}")
        } else if call.query[..index]
            .iter()
            .any(|(earlier, _)| earlier == name)
        {
            "given twice".to_owned()
        } else {
            return None;
        };
        Some(FieldError {
            path: printable(name),
            message,
        })
    };
    let problems: Vec<_> = call.query.iter().enumerate().filter_map(problem).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Input(problems))
    }
}
