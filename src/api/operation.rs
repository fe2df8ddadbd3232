//! An endpoint in one place: a constant beside its handler, from which dispatch, the log's name, `openapi.json`,
//! `ecs-api.http` and the documentation's table derive. `docs/adding-an-endpoint.md` walks through one.

use futures_util::future::BoxFuture;
use lambda_http::http::Method;

use super::parameters::Parameter;
use super::schema::{Answer, Body, Member};
use super::{CallerRequest, Request};
use crate::config::Access;
use crate::error::Error;
use crate::intake::Call;
use crate::reply::Reply;

/// An endpoint, with everything that is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The name, `<verb>_<resource>`: that of the handler, in the log, in `openapi.json`, and of the sample event
    /// `events/NAME.json`.
    pub name: &'static str,
    /// The method. `HEAD` goes where `GET` goes.
    pub method: &'static Method,
    /// The path below [`BASE`](crate::routes::BASE), with its parameters in braces.
    pub path: &'static str,
    /// The query parameters that are known; any other is refused.
    pub query: &'static [Parameter],
    /// The function that answers.
    pub handler: Handler,
    /// The thing that the answer waits for, and who sees to it that it is in time.
    pub timing: Timing,
    /// The handler heeds `Idempotency-Key`.
    pub heeds_idempotency_key: bool,
    /// The handler heeds `If-Match`.
    pub heeds_if_match: bool,
    /// The group that the documentation lists it in.
    pub group: Group,
    /// One sentence that says what it does.
    pub summary: &'static str,
    /// A few sentences that a caller should know before.
    pub description: &'static str,
    /// The body that is read, if one is.
    pub body: Option<Body>,
    /// The answers when nothing goes wrong; the first is the usual one.
    pub answers: &'static [Answer],
    /// The problems' own schema, where they tell more than others.
    pub problem: Option<ProblemSchema>,
    /// Statuses of problems beyond those that method, body and handler bring.
    pub other_statuses: &'static [u16],
    /// The sample event whose body is the documentation's example; without it, the one of the operation's name.
    pub example: Option<&'static str>,
}

/// The thing that an operation's answer waits for, and who sees to it that it is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// It waits for AWS's answers, and is cut off at the deadline: a 504.
    CutOff,
    /// It waits for AWS's answers, and the handler answers before the deadline what it has by then, as a list does.
    InTime,
    /// It waits for what AWS does, and the handler answers before the deadline, having taken back what it made.
    Flow,
}

impl Timing {
    /// Returns `true` if the answer is in time by the handler's own care.
    pub fn keeps_its_deadline(self) -> bool {
        self != Self::CutOff
    }

    /// Returns `true` if the answer waits for nothing but AWS's answers.
    pub fn is_prompt(self) -> bool {
        self != Self::Flow
    }
}

/// A problem with members of its own.
#[derive(Debug, Clone, Copy)]
pub struct ProblemSchema {
    /// The schema's name.
    pub name: &'static str,
    /// The members beyond those of every problem.
    pub members: &'static [Member],
}

/// A handler at work.
pub type Work<'r> = BoxFuture<'r, Result<Reply, Error>>;

/// The function that answers, with as much as it may know.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// Answers anybody, and can't reach an account.
    Public(fn(&Call) -> Reply),
    /// Answers a known caller, over the accounts that it has a grant for.
    Caller(for<'r> fn(&'r CallerRequest<'r>) -> Work<'r>),
    /// Answers a caller with a grant for the account that the path names.
    Account(for<'r> fn(&'r Request<'r>) -> Work<'r>),
}

/// The groups of operations, in the documentation's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The accounts, and what is in all of them.
    Accounts,
    /// A service with everything around it.
    WholeServices,
    /// Clusters.
    Clusters,
    /// Services of a cluster.
    Services,
    /// Tasks of a cluster.
    Tasks,
    /// Task definitions.
    TaskDefinitions,
    /// Services of Cloud Map.
    Registries,
    /// The API itself.
    ThisApi,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 8] = [
        Self::Accounts,
        Self::WholeServices,
        Self::Clusters,
        Self::Services,
        Self::Tasks,
        Self::TaskDefinitions,
        Self::Registries,
        Self::ThisApi,
    ];

    /// Returns the group's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "Accounts",
            Self::WholeServices => "Whole services",
            Self::Clusters => "Clusters",
            Self::Services => "Services",
            Self::Tasks => "Tasks",
            Self::TaskDefinitions => "Task definitions",
            Self::Registries => "Registries",
            Self::ThisApi => "This API",
        }
    }

    /// Returns a sentence that says what the group holds.
    pub fn description(self) -> &'static str {
        match self {
            Self::Accounts => "The accounts that a caller may use, and a search over all of them.",
            Self::WholeServices => "A service with everything around it, by one request.",
            Self::Clusters => "ECS clusters.",
            Self::Services => "The services of a cluster, their events and their logs.",
            Self::Tasks => "The tasks of a cluster.",
            Self::TaskDefinitions => "Families of task definitions and their revisions.",
            Self::Registries => "Cloud Map services, which give ECS services a DNS name.",
            Self::ThisApi => "What the API says of itself. Public: no credentials.",
        }
    }
}

impl Operation {
    /// Creates a GET of a name, path and handler. Group, summary and answers are still to be given.
    pub const fn get(name: &'static str, path: &'static str, handler: Handler) -> Self {
        Self::new(&Method::GET, name, path, handler)
    }

    /// Creates a POST, as [`get`](Self::get).
    pub const fn post(name: &'static str, path: &'static str, handler: Handler) -> Self {
        Self::new(&Method::POST, name, path, handler)
    }

    /// Creates a PATCH, as [`get`](Self::get).
    pub const fn patch(name: &'static str, path: &'static str, handler: Handler) -> Self {
        Self::new(&Method::PATCH, name, path, handler)
    }

    /// Creates a DELETE, as [`get`](Self::get).
    pub const fn delete(name: &'static str, path: &'static str, handler: Handler) -> Self {
        Self::new(&Method::DELETE, name, path, handler)
    }

    const fn new(
        method: &'static Method,
        name: &'static str,
        path: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            name,
            method,
            path,
            query: &[],
            handler,
            timing: Timing::CutOff,
            heeds_idempotency_key: false,
            heeds_if_match: false,
            group: Group::ThisApi,
            summary: "",
            description: "",
            body: None,
            answers: &[],
            problem: None,
            other_statuses: &[],
            example: None,
        }
    }

    /// Returns the access to the account that a caller needs; a public operation needs no caller.
    pub fn access(&self) -> Option<Access> {
        match self.handler {
            Handler::Public(_) => None,
            Handler::Caller(_) | Handler::Account(_) => Some(self.route().access()),
        }
    }

    /// Returns what dispatch needs of it. The rest is for the generator of the documentation alone, and no part of the
    /// function's binary.
    pub const fn route(&self) -> Route {
        Route {
            name: self.name,
            method: self.method,
            path: self.path,
            query: self.query,
            handler: self.handler,
            timing: self.timing,
            heeds_idempotency_key: self.heeds_idempotency_key,
        }
    }
}

/// The part of an [`Operation`] that dispatch needs.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The operation's name.
    pub name: &'static str,
    /// The method.
    pub method: &'static Method,
    /// The path below [`BASE`](crate::routes::BASE), with its parameters in braces.
    pub path: &'static str,
    /// The query parameters that are known.
    pub query: &'static [Parameter],
    /// The function that answers.
    pub handler: Handler,
    /// The thing that the answer waits for, and who sees to it that it is in time.
    pub timing: Timing,
    /// The handler heeds `Idempotency-Key`; any other POST and PATCH refuses one.
    pub heeds_idempotency_key: bool,
}

impl Route {
    /// Returns the access that a caller needs: what is safe by HTTP's meaning reads, and all else writes.
    pub fn access(&self) -> Access {
        if self.method.is_safe() {
            Access::Read
        } else {
            Access::Write
        }
    }
}
