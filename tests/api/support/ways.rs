//! The ways in: the same request in every envelope, and its answer out of it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    HttpApi,
    FunctionUrl,
    RestApi,
    /// A REST API's test invocation, or a tool, without the multi-value maps.
    RestApiSingle,
    /// An HTTP API with payload format 1.0.
    HttpApiV1,
    LoadBalancer,
    LoadBalancerMulti,
    Direct,
}

impl Way {
    pub const ALL: [Self; 8] = [
        Self::HttpApi,
        Self::FunctionUrl,
        Self::RestApi,
        Self::RestApiSingle,
        Self::HttpApiV1,
        Self::LoadBalancer,
        Self::LoadBalancerMulti,
        Self::Direct,
    ];

    fn has_multi_value_maps(self) -> bool {
        matches!(
            self,
            Self::RestApi | Self::HttpApiV1 | Self::LoadBalancerMulti
        )
    }

    /// Returns `true` if the way in gives bytes back as bytes.
    pub fn takes_bytes(self) -> bool {
        matches!(
            self,
            Self::HttpApi | Self::FunctionUrl | Self::LoadBalancer | Self::LoadBalancerMulti
        )
    }
}

/// A request that has no envelope yet.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    pub method: &'static str,
    /// Below `/v1/ecs`, percent-encoded.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    pub is_base64_encoded: bool,
}

impl Sent {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            ..Self::default()
        }
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn base64(mut self) -> Self {
        self.is_base64_encoded = true;
        self
    }

    /// The event that brings the request this way.
    pub fn by(&self, way: Way) -> Value {
        match way {
            Way::HttpApi | Way::FunctionUrl => self.v2(way),
            Way::RestApi | Way::RestApiSingle | Way::HttpApiV1 => self.v1(way),
            Way::LoadBalancer | Way::LoadBalancerMulti => self.elb(way),
            Way::Direct => self.direct(),
        }
    }

    fn full_path(&self) -> String {
        format!("/v1/ecs{}", self.path)
    }

    fn v2(&self, way: Way) -> Value {
        let domain = match way {
            Way::FunctionUrl => "abc.lambda-url.us-east-1.on.aws",
            _ => "api.example.com",
        };
        let query: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": self.full_path(), "rawQueryString": query.join("&"),
            "headers": joined(&self.headers),
            "requestContext": {
                "accountId": "123456789012", "apiId": "a1b2c3d4e5", "domainName": domain, "stage": "$default",
                "http": {"method": self.method, "path": self.full_path(), "protocol": "HTTP/1.1",
                         "sourceIp": "192.0.2.1", "userAgent": "test"},
                "time": "22/Nov/2026:14:08:06 +0000", "timeEpoch": 1_795_356_486_000_u64,
            },
        });
        self.add_body(&mut event);
        event
    }

    fn v1(&self, way: Way) -> Value {
        let path = self.full_path();
        // A REST API strips its stage from the path, an HTTP API does not.
        let (resource, arrived) = if way == Way::HttpApiV1 {
            ("$default", format!("/prod{path}"))
        } else {
            ("/{proxy+}", path.clone())
        };
        let mut event = json!({
            "resource": resource, "path": arrived, "httpMethod": self.method,
            "pathParameters": {"proxy": path.strip_prefix('/')}, "stageVariables": null,
            "requestContext": {
                "accountId": "123456789012", "apiId": "a1b2c3d4e5", "resourcePath": resource, "stage": "prod",
                "path": format!("/prod{path}"), "httpMethod": self.method, "authorizer": null,
                "identity": {"sourceIp": "192.0.2.1", "userArn": null}, "requestTimeEpoch": 1_795_356_486_000_u64,
            },
        });
        if way == Way::HttpApiV1 {
            event["version"] = "1.0".into();
        }
        self.add_maps(&mut event, way, ToOwned::to_owned);
        self.add_body(&mut event);
        event
    }

    fn elb(&self, way: Way) -> Value {
        let group = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/ecs-api/61f1fdd113474a4b";
        let mut event = json!({
            "requestContext": {"elb": {"targetGroupArn": group}},
            "httpMethod": self.method, "path": self.full_path(),
        });
        self.add_maps(&mut event, way, encoded);
        self.add_body(&mut event);
        if event["body"].is_null() {
            event["body"] = "".into(); // as a load balancer writes none
        }
        event
    }

    fn direct(&self) -> Value {
        let mut event = json!({"method": self.method, "path": self.full_path()});
        if !self.query.is_empty() {
            event["query"] = several(&self.query, ToOwned::to_owned);
        }
        if !self.headers.is_empty() {
            event["headers"] = joined(&self.headers);
        }
        if let Some(body) = &self.body {
            event["body"] = body.clone();
        }
        event
    }

    /// Headers and query, once or twice, as the way in does.
    fn add_maps(&self, event: &mut Value, way: Way, written: fn(&str) -> String) {
        let last: Map<_, _> = self
            .query
            .iter()
            .map(|(name, value)| (written(name), written(value).into()))
            .collect();
        let (headers, query) = (joined(&self.headers), Value::Object(last));
        if way.has_multi_value_maps() {
            let headers: Vec<_> = self
                .headers
                .iter()
                .map(|(name, value)| (*name, value.clone()))
                .collect();
            event["multiValueHeaders"] = lists(&headers, ToOwned::to_owned);
            event["multiValueQueryStringParameters"] = lists(&self.query, written);
        }
        // A load balancer sends either, a REST API both.
        if way != Way::LoadBalancerMulti {
            event["headers"] = headers;
            event["queryStringParameters"] = query;
        }
    }

    fn add_body(&self, event: &mut Value) {
        let text = self.body.as_ref().map(|body| {
            body.as_str()
                .map_or_else(|| body.to_string(), ToOwned::to_owned)
        });
        event["body"] = match text {
            Some(text) if self.is_base64_encoded => STANDARD.encode(text).into(),
            text => text.into(),
        };
        event["isBase64Encoded"] = self.is_base64_encoded.into();
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn joined(headers: &[(&'static str, String)]) -> Value {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.clone())))
        .collect::<Map<_, _>>()
        .into()
}

fn lists(pairs: &[(&'static str, String)], written: fn(&str) -> String) -> Value {
    let mut lists = Map::new();
    for (name, value) in pairs {
        let list = lists.entry(written(name)).or_insert_with(|| json!([]));
        list.as_array_mut()
            .expect("a list")
            .push(written(value).into());
    }
    lists.into()
}

/// One text, or a list where the name is there more than once.
fn several(pairs: &[(&'static str, String)], written: fn(&str) -> String) -> Value {
    let Value::Object(lists) = lists(pairs, written) else {
        unreachable!("made as an object")
    };
    let shorten = |list: Value| {
        if list.as_array().is_some_and(|list| list.len() == 1) {
            list[0].clone()
        } else {
            list
        }
    };
    lists
        .into_iter()
        .map(|(name, list)| (name, shorten(list)))
        .collect::<Map<_, _>>()
        .into()
}

/// An answer out of its envelope: status, headers, body.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAnswer {
    pub status: u64,
    pub headers: BTreeMap<String, String>,
    /// JSON where it is JSON, else the text.
    pub body: Value,
}

impl OpenAnswer {
    /// Opens the answer of a way in, which has the shape that this way in reads.
    #[track_caller]
    pub fn of(way: Way, answer: &Value) -> Self {
        let members = answer.as_object().expect("an answer is an object");
        let mut names: Vec<_> = members.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected: &[&str] = match way {
            Way::HttpApi | Way::FunctionUrl => &[
                "body",
                "cookies",
                "headers",
                "isBase64Encoded",
                "statusCode",
            ],
            Way::RestApi | Way::HttpApiV1 => {
                &["body", "isBase64Encoded", "multiValueHeaders", "statusCode"]
            }
            Way::RestApiSingle => &["body", "headers", "isBase64Encoded", "statusCode"],
            Way::LoadBalancer => &[
                "body",
                "headers",
                "isBase64Encoded",
                "statusCode",
                "statusDescription",
            ],
            Way::LoadBalancerMulti => &[
                "body",
                "isBase64Encoded",
                "multiValueHeaders",
                "statusCode",
                "statusDescription",
            ],
            Way::Direct => &["body", "headers", "status"],
        };
        assert_eq!(names, expected, "{way:?}");
        let headers = members
            .get("headers")
            .or_else(|| members.get("multiValueHeaders"))
            .expect("headers");
        let text = |value: &Value| match value {
            Value::Array(list) => list
                .iter()
                .map(|each| each.as_str().expect("a text"))
                .collect::<Vec<_>>()
                .join(", "),
            one => one.as_str().expect("a text").to_owned(),
        };
        let headers = headers
            .as_object()
            .expect("a map")
            .iter()
            .map(|(name, value)| (name.clone(), text(value)));
        let status = answer
            .get("status")
            .or_else(|| answer.get("statusCode"))
            .and_then(Value::as_u64);
        let body = match &answer["body"] {
            Value::String(text) if way != Way::Direct => {
                serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
            }
            Value::Null => "".into(),
            json => json.clone(),
        };
        Self {
            status: status.expect("a status"),
            headers: headers.collect(),
            body,
        }
    }

    /// The answer without what differs from request to request, and from way to way for a reason.
    #[must_use]
    pub fn compared(mut self) -> Self {
        self.headers.remove("x-request-id");
        if let Some(problem) = self.body.as_object_mut() {
            problem.remove("requestId");
            problem.remove("awsRequestId");
        }
        // A stage in front is in the link.
        if let Some(link) = self.headers.get_mut("link") {
            *link = link.replace("/prod/", "/");
        }
        self
    }
}
