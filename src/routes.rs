//! Every route on one screen. Dispatch, tests and documentation derive from this table.

use lambda_http::http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;

use crate::config::Access;
use crate::error::Error;
use crate::text::printable;

/// What a route does. The names are the log's and, in snake case, the documentation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented by its handler")]
pub enum Endpoint {
    Ping,
    ShowVersion,
    ShowOpenapi,
    ShowDocs,
    CreateOrchestration,
    DeleteOrchestration,
    ListClusters,
    CreateCluster,
    ShowCluster,
    DeleteCluster,
    ListServices,
    CreateService,
    ShowService,
    UpdateService,
    DeleteService,
    ListEvents,
    ShowLogs,
    ListTasks,
    RunTask,
    ShowTask,
    StopTask,
    ListTaskDefinitions,
    RegisterTaskDefinition,
    ShowTaskDefinition,
    DeregisterTaskDefinition,
    ListRegistries,
    CreateRegistry,
    ShowRegistry,
    DeleteRegistry,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Everybody.
    Public,
    /// Callers with this access to the account that the path names.
    Needs(Access),
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// The method. `HEAD` goes where `GET` goes.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub pattern: &'static str,
    /// What it does.
    pub endpoint: Endpoint,
    /// Who may use it.
    pub guard: Guard,
    /// The query parameters that it knows.
    pub query: &'static [&'static str],
}

use Endpoint as E;

/// The route table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    public("/v1/ecs/ping",         E::Ping),
    public("/v1/ecs/version",      E::ShowVersion),
    public("/v1/ecs/openapi.json", E::ShowOpenapi),
    public("/v1/ecs/docs",         E::ShowDocs),

    post("/v1/ecs/{account}/services",   E::CreateOrchestration, &[]),
    delete("/v1/ecs/{account}/services", E::DeleteOrchestration, &["cluster", "service", "recursive"]),

    get("/v1/ecs/{account}/clusters",              E::ListClusters, &["limit", "nextToken"]),
    post("/v1/ecs/{account}/clusters",             E::CreateCluster, &[]),
    get("/v1/ecs/{account}/clusters/{cluster}",    E::ShowCluster, &[]),
    delete("/v1/ecs/{account}/clusters/{cluster}", E::DeleteCluster, &[]),

    get("/v1/ecs/{account}/clusters/{cluster}/services",                  E::ListServices, &["all", "limit", "nextToken", "launchType"]),
    post("/v1/ecs/{account}/clusters/{cluster}/services",                 E::CreateService, &[]),
    get("/v1/ecs/{account}/clusters/{cluster}/services/{service}",        E::ShowService, &["all"]),
    patch("/v1/ecs/{account}/clusters/{cluster}/services/{service}",      E::UpdateService, &[]),
    delete("/v1/ecs/{account}/clusters/{cluster}/services/{service}",     E::DeleteService, &["recursive"]),
    get("/v1/ecs/{account}/clusters/{cluster}/services/{service}/events", E::ListEvents, &[]),
    get("/v1/ecs/{account}/clusters/{cluster}/services/{service}/logs",   E::ShowLogs,
        &["task", "container", "limit", "nextToken", "start", "end", "startFromHead"]),

    get("/v1/ecs/{account}/clusters/{cluster}/tasks",           E::ListTasks,
        &["service", "family", "status", "startedBy", "limit", "nextToken"]),
    post("/v1/ecs/{account}/clusters/{cluster}/tasks",          E::RunTask, &[]),
    get("/v1/ecs/{account}/clusters/{cluster}/tasks/{task}",    E::ShowTask, &[]),
    delete("/v1/ecs/{account}/clusters/{cluster}/tasks/{task}", E::StopTask, &["reason"]),

    get("/v1/ecs/{account}/taskdefs",              E::ListTaskDefinitions, &["status", "family", "prefix", "limit", "nextToken"]),
    post("/v1/ecs/{account}/taskdefs",             E::RegisterTaskDefinition, &[]),
    get("/v1/ecs/{account}/taskdefs/{taskdef}",    E::ShowTaskDefinition, &[]),
    delete("/v1/ecs/{account}/taskdefs/{taskdef}", E::DeregisterTaskDefinition, &[]),

    get("/v1/ecs/{account}/servicediscovery/services",         E::ListRegistries, &["namespace", "limit", "nextToken"]),
    post("/v1/ecs/{account}/servicediscovery/services",        E::CreateRegistry, &[]),
    get("/v1/ecs/{account}/servicediscovery/services/{id}",    E::ShowRegistry, &[]),
    delete("/v1/ecs/{account}/servicediscovery/services/{id}", E::DeleteRegistry, &[]),
];

const fn public(pattern: &'static str, endpoint: Endpoint) -> Route {
    Route {
        method: Method::GET,
        pattern,
        endpoint,
        guard: Guard::Public,
        query: &[],
    }
}

const fn get(pattern: &'static str, endpoint: Endpoint, query: &'static [&'static str]) -> Route {
    Route {
        method: Method::GET,
        pattern,
        endpoint,
        guard: Guard::Needs(Access::Read),
        query,
    }
}

const fn post(pattern: &'static str, endpoint: Endpoint, query: &'static [&'static str]) -> Route {
    Route {
        method: Method::POST,
        pattern,
        endpoint,
        guard: Guard::Needs(Access::Write),
        query,
    }
}

const fn patch(pattern: &'static str, endpoint: Endpoint, query: &'static [&'static str]) -> Route {
    Route {
        method: Method::PATCH,
        pattern,
        endpoint,
        guard: Guard::Needs(Access::Write),
        query,
    }
}

const fn delete(
    pattern: &'static str,
    endpoint: Endpoint,
    query: &'static [&'static str],
) -> Route {
    Route {
        method: Method::DELETE,
        pattern,
        endpoint,
        guard: Guard::Needs(Access::Write),
        query,
    }
}

/// The table, ready to be asked.
#[derive(Debug)]
pub struct Routes {
    /// Pattern → the routes of that pattern.
    paths: Router<Vec<&'static Route>>,
}

/// The routes of a path, and the path's parameters.
#[derive(Debug)]
pub struct Matched<'r> {
    routes: &'r [&'static Route],
    parameters: Vec<(String, String)>,
}

impl Routes {
    /// Reads the table.
    ///
    /// # Errors
    /// [`InsertError`] if two patterns are in each other's way: a fault of the table that a test meets.
    pub fn new(table: &'static [Route]) -> Result<Self, InsertError> {
        let mut paths = Router::new();
        let mut patterns: Vec<&str> = table.iter().map(|route| route.pattern).collect();
        patterns.sort_unstable();
        patterns.dedup();
        for pattern in patterns {
            paths.insert(
                pattern,
                table
                    .iter()
                    .filter(|route| route.pattern == pattern)
                    .collect(),
            )?;
        }
        Ok(Self { paths })
    }

    /// Finds the routes of a percent-encoded path. One trailing slash is ignored.
    ///
    /// # Errors
    /// [`Error::NoRoute`], also where a parameter is not UTF-8 after decoding.
    pub fn find(&self, path: &str) -> Result<Matched<'_>, Error> {
        let path = rejoin_arns(path.strip_suffix('/').unwrap_or(path));
        self.at(&path).or_else(|error| {
            // A task as answers name it, `{cluster}%2F{id}`, that a gateway took apart.
            let rejoined = path
                .rsplit_once('/')
                .map(|(before, id)| format!("{before}%2F{id}"));
            let found = rejoined.and_then(|path| self.at(&path).ok());
            found
                .filter(|found| {
                    found
                        .routes
                        .iter()
                        .all(|route| route.pattern.ends_with("/{task}"))
                })
                .ok_or(error)
        })
    }

    fn at(&self, path: &str) -> Result<Matched<'_>, Error> {
        let found = self.paths.at(path).map_err(|_| Error::NoRoute)?;
        let decoded = found.params.iter().map(|(name, value)| {
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Error::NoRoute)?;
            Ok((name.to_owned(), value.into_owned()))
        });
        Ok(Matched {
            parameters: decoded.collect::<Result<_, Error>>()?,
            routes: found.value,
        })
    }
}

/// Puts ARNs together again that a gateway took apart: HTTP APIs hand on a path with `%2F` decoded, so that
/// `…/clusters/arn:aws:ecs:us-east-1:111122223333:cluster%2Fmyclu` arrives as two segments.
fn rejoin_arns(path: &str) -> String {
    let mut segments = path.split('/').peekable();
    let mut joined = String::with_capacity(path.len());
    while let Some(segment) = segments.next() {
        joined.push_str(segment);
        let rest = segments.clone().count();
        for _ in 0..segments_of_arn(segment, segments.clone().last().unwrap_or_default(), rest) {
            joined.push_str("%2F");
            joined.push_str(segments.next().unwrap_or_default());
        }
        if segments.peek().is_some() {
            joined.push('/');
        }
    }
    joined
}

/// How many of the `rest` segments after this one, the beginning of an ARN, belong to it.
fn segments_of_arn(segment: &str, last: &str, rest: usize) -> usize {
    let kind = segment
        .rsplit(':')
        .next()
        .filter(|_| segment.starts_with("arn:"));
    match kind {
        Some("cluster" | "task-definition") => rest.min(1),
        // `service/{cluster}/{name}`, or the older `service/{name}`; what may follow a service is known.
        Some("service") if matches!(last, "events" | "logs") => rest.saturating_sub(1).min(2),
        Some("service" | "task") => rest.min(2),
        _ => 0,
    }
}

impl Matched<'_> {
    /// The route for a method.
    ///
    /// # Errors
    /// [`Error::MethodNotAllowed`] with the methods that the path takes.
    pub fn route(&self, method: &Method) -> Result<&'static Route, Error> {
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let route = self
            .routes
            .iter()
            .copied()
            .find(|route| route.method == wanted);
        route.ok_or_else(|| Error::MethodNotAllowed {
            method: printable(method.as_str()),
            allow: self.allow(),
        })
    }

    /// The methods that the path takes, as in `Allow`.
    pub fn allow(&self) -> String {
        let mut methods = Vec::new();
        for route in self.routes {
            methods.push(route.method.as_str());
            if route.method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// A parameter of the path, decoded; empty if the pattern has none of the name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_routes_are_in_each_others_way() {
        assert!(Routes::new(ROUTES).is_ok());
        for (index, route) in ROUTES.iter().enumerate() {
            let twin = ROUTES[..index]
                .iter()
                .any(|other| (&other.method, other.pattern) == (&route.method, route.pattern));
            assert!(!twin, "{} {} is there twice", route.method, route.pattern);
        }
    }

    #[test]
    fn a_route_that_changes_something_needs_write_access() {
        for route in ROUTES {
            let expected = match (route.guard, &route.method) {
                (Guard::Public, _) => continue,
                (_, &Method::GET) => Guard::Needs(Access::Read),
                _ => Guard::Needs(Access::Write),
            };
            assert_eq!(route.guard, expected, "{} {}", route.method, route.pattern);
            assert!(
                route.pattern.starts_with("/v1/ecs/{account}/"),
                "{}",
                route.pattern
            );
        }
    }

    #[test]
    fn parameters_are_decoded_once_after_matching() {
        let routes = Routes::new(ROUTES).unwrap();
        for (path, cluster) in [
            ("/v1/ecs/nonprod/clusters/myclu", Some("myclu")),
            ("/v1/ecs/nonprod/clusters/myclu/", Some("myclu")),
            ("/v1/ecs/nonprod/clusters/a%2Fb%252F", Some("a/b%2F")),
            (
                "/v1/ecs/nonprod/clusters/arn:aws:ecs:us-east-1:1:cluster/myclu",
                Some("arn:aws:ecs:us-east-1:1:cluster/myclu"),
            ),
            (
                "/v1/ecs/nonprod/clusters/arn:aws:ecs:us-east-1:1:cluster",
                Some("arn:aws:ecs:us-east-1:1:cluster"),
            ),
            (
                "/v1/ecs/nonprod/clusters/arn:aws:ecs:us-east-1:1:cluster/myclu/services/arn:aws:ecs:r:1:service/myclu/web",
                Some("arn:aws:ecs:us-east-1:1:cluster/myclu"),
            ),
            (
                "/v1/ecs/nonprod/clusters/myclu/services/arn:aws:ecs:us-east-1:1:service/myclu/web/logs",
                Some("myclu"),
            ),
            (
                "/v1/ecs/nonprod/clusters/myclu/services/arn:aws:ecs:us-east-1:1:service/web/events",
                Some("myclu"),
            ),
            (
                "/v1/ecs/nonprod/clusters/myclu/services/arn:aws:ecs:us-east-1:1:service/myclu/web/x",
                None,
            ),
            (
                "/v1/ecs/nonprod/clusters/myclu/tasks/arn:aws:ecs:us-east-1:1:task/myclu/0a1b",
                Some("myclu"),
            ),
            (
                "/v1/ecs/nonprod/clusters/myclu/tasks/myclu/0a1b",
                Some("myclu"),
            ),
            ("/v1/ecs/nonprod/clusters/myclu/tasks/myclu/0a1b/c", None),
            ("/v1/ecs/nonprod/clusters/myclu/services/web/x", None),
            ("/v1/ecs/nonprod/clusters/%FF", None),
            ("/v1/ecs/nonprod/clusters/a/b", None),
            ("/v1/ecs/nonprod/clusters/myclu//", None),
            ("/V1/ecs/nonprod/clusters/myclu", None),
        ] {
            let found = routes
                .find(path)
                .ok()
                .map(|found| found.parameter("cluster").to_owned());
            assert_eq!(found.as_deref(), cluster, "{path}");
        }
    }

    #[test]
    fn allow_lists_what_the_path_takes() {
        let routes = Routes::new(ROUTES).unwrap();
        let found = routes.find("/v1/ecs/nonprod/clusters").unwrap();
        assert_eq!(found.allow(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(
            found.route(&Method::HEAD).unwrap().endpoint,
            Endpoint::ListClusters
        );
        assert!(matches!(
            found.route(&Method::PUT),
            Err(Error::MethodNotAllowed { .. })
        ));
    }
}
