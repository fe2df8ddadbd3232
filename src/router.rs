//! Finds a path in the table of [`routes`](crate::routes), and its parameters.

use lambda_http::http::Method;
use matchit::InsertError;
use percent_encoding::percent_decode_str;

use crate::api::operation::Route;
use crate::error::Error;
use crate::routes::BASE;
use crate::text::printable;

/// The table, ready to be asked.
#[derive(Debug)]
pub struct Router {
    /// The routes of each path.
    paths: matchit::Router<Vec<&'static Route>>,
    /// The most segments that a path of the table has.
    segments_max: usize,
}

/// The routes of a path, and the path's parameters.
#[derive(Debug)]
pub struct RouteMatch<'r> {
    routes: &'r [&'static Route],
    parameters: Vec<(String, String)>,
}

impl Router {
    /// Reads the table.
    ///
    /// # Errors
    /// [`InsertError`] if two paths are in each other's way: a fault of the table that a test meets.
    pub fn new(table: &'static [Route]) -> Result<Self, InsertError> {
        let mut paths = matchit::Router::new();
        let mut known: Vec<&str> = table.iter().map(|route| route.path).collect();
        known.sort_unstable();
        known.dedup();
        let segments_max = known.iter().map(|path| path.matches('/').count()).max();
        for path in known {
            let routes = table.iter().filter(|route| route.path == path).collect();
            paths.insert(path, routes)?;
        }
        Ok(Self {
            paths,
            segments_max: segments_max.unwrap_or_default(),
        })
    }

    /// Finds the routes of a percent-encoded path. One trailing slash is ignored.
    ///
    /// # Errors
    /// [`Error::NoRoute`], also where a parameter is not UTF-8 after decoding.
    pub fn find(&self, path: &str) -> Result<RouteMatch<'_>, Error> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let below = path
            .strip_prefix(BASE)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or(Error::NoRoute)?;
        let segments: Vec<_> = below.split('/').collect();
        if segments.len() > self.segments_max + TAKEN_APART_MAX {
            return Err(Error::NoRoute);
        }
        spellings("", &segments)
            .iter()
            .find_map(|path| self.at(path))
            .ok_or(Error::NoRoute)
    }

    fn at(&self, path: &str) -> Option<RouteMatch<'_>> {
        let found = self.paths.at(path).ok()?;
        let decode = |(name, value): (&str, &str)| {
            let value = percent_decode_str(value).decode_utf8().ok()?;
            Some((name.to_owned(), value.into_owned()))
        };
        Some(RouteMatch {
            parameters: found.params.iter().map(decode).collect::<Option<_>>()?,
            routes: found.value,
        })
    }
}

/// The most segments that a gateway can make of what a path names: a cluster's ARN has one slash, and that of
/// something in a cluster has two.
const TAKEN_APART_MAX: usize = 3;

/// Returns the paths that these segments may stand for, the likeliest first.
///
/// HTTP APIs hand on a path with `%2F` decoded, so that `…/clusters/arn:aws:ecs:us-east-1:111122223333:cluster%2Fmyclu`
/// arrives as two segments. The table decides between an ARN `service/{cluster}/{name}` and the older `service/{name}`
/// with something that follows.
fn spellings(before: &str, segments: &[&str]) -> Vec<String> {
    let Some((segment, rest)) = segments.split_first() else {
        return vec![String::new()];
    };
    let mut found = Vec::new();
    for &count in slashes_within(before, segment) {
        let count = count.min(rest.len());
        let (joined, rest) = rest.split_at(count);
        let last = joined.last().unwrap_or(segment);
        let whole = [&[*segment], joined].concat().join("%2F");
        let paths = spellings(last, rest);
        found.extend(paths.iter().map(|path| format!("/{whole}{path}")));
    }
    found
}

/// Returns how many slashes, each a segment's end now, the name that begins with this segment may have had.
fn slashes_within(before: &str, segment: &str) -> &'static [usize] {
    let kind = segment
        .rsplit(':')
        .next()
        .filter(|_| segment.starts_with("arn:"));
    match kind {
        Some("cluster" | "task-definition") => &[1],
        Some("service" | "task") => &[1, 2],
        // A task as answers name it, `{cluster}/{id}`.
        _ if before == "tasks" => &[0, 1],
        _ => &[0],
    }
}

impl RouteMatch<'_> {
    /// Returns the route for a method.
    ///
    /// # Errors
    /// [`Error::MethodNotAllowed`] with the methods that the path takes.
    pub fn route(&self, method: &Method) -> Result<&'static Route, Error> {
        let method_of_route = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.routes
            .iter()
            .copied()
            .find(|route| route.method == method_of_route)
            .ok_or_else(|| Error::MethodNotAllowed {
                method: printable(method.as_str()),
                allow: self.allow(),
            })
    }

    /// Returns the methods that the path takes, as in `Allow`.
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

    /// Returns a parameter of the path, decoded; empty if the path has none of the name.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// Returns the names in the braces of a path of the table.
pub fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operation::{Handler, Operation};
    use crate::reply::Reply;
    use crate::routes::ROUTES;

    #[test]
    fn no_two_routes_are_in_each_others_way() {
        assert!(Router::new(&ROUTES).is_ok());
    }

    #[test]
    fn parameters_are_decoded_once_after_matching() {
        let router = Router::new(&ROUTES).unwrap();
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
            ("/v1/ecs", None),
            ("/v1/ecsnonprod/clusters/myclu", None),
            ("/V1/ecs/nonprod/clusters/myclu", None),
        ] {
            let found = router
                .find(path)
                .ok()
                .map(|found| found.parameter("cluster").to_owned());
            assert_eq!(found.as_deref(), cluster, "{path}");
        }
    }

    #[test]
    fn what_a_gateway_took_apart_is_joined_as_the_table_says() {
        static TABLE: [Route; 5] = [
            route("/{account}/clusters/{cluster}/services/{service}"),
            route("/{account}/clusters/{cluster}/services/{service}/deployments"),
            route("/{account}/clusters/{cluster}/services/{service}/deployments/{deployment}/stop"),
            route("/{account}/clusters/{cluster}/tasks/{task}"),
            route("/{account}/clusters/{cluster}/tasks/{task}/logs"),
        ];
        const fn route(path: &'static str) -> Route {
            Operation::get("show", path, Handler::Public(|_| Reply::text(""))).route()
        }
        let router = Router::new(&TABLE).unwrap();
        let service = "arn:aws:ecs:us-east-1:1:service";
        let task = "arn:aws:ecs:us-east-1:1:task";
        for (path, name, value) in [
            (
                format!("services/{service}/myclu/web"),
                "service",
                format!("{service}/myclu/web"),
            ),
            (
                format!("services/{service}/web"),
                "service",
                format!("{service}/web"),
            ),
            (
                format!("services/{service}/myclu/web/deployments"),
                "service",
                format!("{service}/myclu/web"),
            ),
            (
                format!("services/{service}/web/deployments"),
                "service",
                format!("{service}/web"),
            ),
            (
                format!("services/{service}/myclu/web/deployments/d1/stop"),
                "service",
                format!("{service}/myclu/web"),
            ),
            (
                format!("services/{service}/myclu/web/deployments/d1/stop"),
                "deployment",
                "d1".to_owned(),
            ),
            (
                format!("tasks/{task}/myclu/0a1b/logs"),
                "task",
                format!("{task}/myclu/0a1b"),
            ),
            (
                format!("tasks/{task}/0a1b/logs"),
                "task",
                format!("{task}/0a1b"),
            ),
            (
                "tasks/myclu/0a1b/logs".to_owned(),
                "task",
                "myclu/0a1b".to_owned(),
            ),
            ("tasks/0a1b/logs".to_owned(), "task", "0a1b".to_owned()),
            (
                "tasks/myclu/0a1b".to_owned(),
                "task",
                "myclu/0a1b".to_owned(),
            ),
        ] {
            let path = format!("/v1/ecs/nonprod/clusters/myclu/{path}");
            let found = router.find(&path).unwrap();
            assert_eq!(found.parameter(name), value, "{path}");
        }
    }

    #[test]
    fn a_path_of_many_arns_leads_nowhere_at_once() {
        let router = Router::new(&ROUTES).unwrap();
        let path = format!("/v1/ecs{}", "/arn:aws:ecs:r:1:service".repeat(160));
        assert!(matches!(router.find(&path), Err(Error::NoRoute)));
    }

    #[test]
    fn allow_lists_what_the_path_takes() {
        let router = Router::new(&ROUTES).unwrap();
        let found = router.find("/v1/ecs/nonprod/clusters").unwrap();
        assert_eq!(found.allow(), "GET, HEAD, POST, OPTIONS");
        assert_eq!(found.route(&Method::HEAD).unwrap().name, "list_clusters");
        assert!(matches!(
            found.route(&Method::PUT),
            Err(Error::MethodNotAllowed { .. })
        ));
    }
}
