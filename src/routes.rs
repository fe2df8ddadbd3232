//! Every route on one screen. Dispatch, tests and documentation derive from this table.

use lambda_http::http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;

use crate::config::Access;
use crate::error::Error;

/// What a route does. The names are the log's and, in snake case, the documentation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented by its handler")]
pub enum Endpoint {
    Ping,
    ShowVersion,
    CreateOrchestration,
    ListClusters,
    CreateCluster,
    ShowCluster,
    DeleteCluster,
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

const PAGE: &[&str] = &["limit", "nextToken"];

/// The route table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    public(Method::GET, "/v1/ecs/ping",    E::Ping),
    public(Method::GET, "/v1/ecs/version", E::ShowVersion),

    write(Method::POST, "/v1/ecs/{account}/services", E::CreateOrchestration),

    read(Method::GET,     "/v1/ecs/{account}/clusters",           E::ListClusters, PAGE),
    write(Method::POST,   "/v1/ecs/{account}/clusters",           E::CreateCluster),
    read(Method::GET,     "/v1/ecs/{account}/clusters/{cluster}", E::ShowCluster, &[]),
    write(Method::DELETE, "/v1/ecs/{account}/clusters/{cluster}", E::DeleteCluster),
];

const fn public(method: Method, pattern: &'static str, endpoint: Endpoint) -> Route {
    Route { method, pattern, endpoint, guard: Guard::Public, query: &[] }
}

const fn read(method: Method, pattern: &'static str, endpoint: Endpoint, query: &'static [&'static str]) -> Route {
    Route { method, pattern, endpoint, guard: Guard::Needs(Access::Read), query }
}

const fn write(method: Method, pattern: &'static str, endpoint: Endpoint) -> Route {
    Route { method, pattern, endpoint, guard: Guard::Needs(Access::Write), query: &[] }
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
            paths.insert(pattern, table.iter().filter(|route| route.pattern == pattern).collect())?;
        }
        Ok(Self { paths })
    }

    /// Finds the routes of a percent-encoded path. One trailing slash is ignored.
    ///
    /// # Errors
    /// [`Error::NoRoute`], also where a parameter is not UTF-8 after decoding.
    pub fn find(&self, path: &str) -> Result<Matched<'_>, Error> {
        let path = rejoin_arns(path.strip_suffix('/').unwrap_or(path));
        let found = self.paths.at(&path).map_err(|_| Error::NoRoute)?;
        let decoded = found.params.iter().map(|(name, value)| {
            let value = percent_decode_str(value).decode_utf8().map_err(|_| Error::NoRoute)?;
            Ok((name.to_owned(), value.into_owned()))
        });
        Ok(Matched { parameters: decoded.collect::<Result<_, Error>>()?, routes: found.value })
    }
}

/// Puts ARNs together again that a gateway took apart: HTTP APIs hand on a path with `%2F` decoded, so that
/// `…/clusters/arn:aws:ecs:us-east-1:111122223333:cluster%2Fmyclu` arrives as two segments.
fn rejoin_arns(path: &str) -> String {
    let mut joined = String::with_capacity(path.len());
    let mut is_open = false;
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            joined.push_str(if is_open { "%2F" } else { "/" });
        }
        joined.push_str(segment);
        is_open = segment.starts_with("arn:") && segment.ends_with(":cluster");
    }
    joined
}

impl Matched<'_> {
    /// The route for a method.
    ///
    /// # Errors
    /// [`Error::MethodNotAllowed`] with the methods that the path takes.
    pub fn route(&self, method: &Method) -> Result<&'static Route, Error> {
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let route = self.routes.iter().copied().find(|route| route.method == wanted);
        route.ok_or_else(|| Error::MethodNotAllowed { method: method.to_string(), allow: self.allow() })
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
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_routes_are_in_each_others_way() {
        assert!(Routes::new(ROUTES).is_ok());
        for (index, route) in ROUTES.iter().enumerate() {
            let twin =
                ROUTES[..index].iter().any(|other| (&other.method, other.pattern) == (&route.method, route.pattern));
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
            assert!(route.pattern.starts_with("/v1/ecs/{account}/"), "{}", route.pattern);
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
            ("/v1/ecs/nonprod/clusters/arn:aws:ecs:us-east-1:1:cluster", Some("arn:aws:ecs:us-east-1:1:cluster")),
            ("/v1/ecs/nonprod/clusters/%FF", None),
            ("/v1/ecs/nonprod/clusters/a/b", None),
            ("/v1/ecs/nonprod/clusters/myclu//", None),
            ("/V1/ecs/nonprod/clusters/myclu", None),
        ] {
            let found = routes.find(path).ok().map(|found| found.parameter("cluster").to_owned());
            assert_eq!(found.as_deref(), cluster, "{path}");
        }
    }

    #[test]
    fn allow_lists_what_the_path_takes() {
        let routes = Routes::new(ROUTES).unwrap();
        let found = routes.find("/v1/ecs/nonprod/clusters").unwrap();
        assert_eq!(found.allow(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(found.route(&Method::HEAD).unwrap().endpoint, Endpoint::ListClusters);
        assert!(matches!(found.route(&Method::PUT), Err(Error::MethodNotAllowed { .. })));
    }
}
