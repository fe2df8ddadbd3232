//! The stack as an installer gets it: `sam deploy` of both templates onto a local AWS that enforces IAM, and the
//! documented requests through the emulated API Gateway. One local AWS has all stacks: what is deployed in another manner is
//! a further stack beside the shared one.

use std::sync::OnceLock;

use fake_aws::{FakeAws, Server};
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::{ChildGuard, TestAccount};

mod callers;
mod cleanup;
mod configuration;
mod operations;
mod permissions;
mod readiness;
mod records;
mod smoke;

/// The account that the stack is deployed into.
const HUB: &str = "123456789012";

/// A door of the local AWS of the deployed stacks, through which a function's calls are led.
struct Door {
    aws: FakeAws,
    server: Server,
}

impl Door {
    fn open() -> Self {
        let aws = FakeAws::of_emulator(Stack::shared().endpoint());
        let server = Server::start(aws.clone()).expect("there is a free port");
        Self { aws, server }
    }

    /// Returns the parameter that leads a stack to this door.
    fn parameter(&self) -> String {
        format!("AwsEndpointUrl={}", self.server.endpoint())
    }
}

/// The deployed stack: a hub account and three members.
struct Stack {
    url: String,
    token: String,
    members: Value,
    /// The report of `deployed.py`.
    ready: Value,
    process: ChildGuard,
}

impl Stack {
    /// The stack that the tests share; each keeps to resources of its own.
    fn shared() -> &'static Self {
        static STACK: OnceLock<Stack> = OnceLock::new();
        STACK.get_or_init(|| Self::deploy(&[]))
    }

    /// Another stack beside the shared one: a function of this name, and members of its own.
    fn beside(name: &str, arguments: &[&str]) -> Self {
        let place = ["--beside", Self::shared().endpoint(), "--name", name];
        Self::deploy(&[&place, arguments].concat())
    }

    fn deploy(arguments: &[&str]) -> Self {
        let function = ["--bootstrap", env!("CARGO_BIN_EXE_ecs-api")];
        let (process, ready) = ChildGuard::start("deployed.py", &[&function, arguments].concat());
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        Self {
            url: text("api_url"),
            token: text("token"),
            members: ready["members"].clone(),
            ready,
            process,
        }
    }

    fn endpoint(&self) -> &str {
        self.ready["endpoint"].as_str().expect("a text")
    }

    /// The function's name.
    fn function(&self) -> &str {
        self.ready["function"].as_str().expect("a text")
    }

    fn output(&self, name: &str) -> &str {
        self.ready["outputs"][name]
            .as_str()
            .unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// A member account, seen as its root user.
    fn member(&self, name: &'static str) -> TestAccount {
        let id = self.members[name]["account"]
            .as_str()
            .expect("a text")
            .to_owned();
        TestAccount::at(self.endpoint(), name, id)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/v1/ecs{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        // As `curl -d` sends it.
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request
            .body(body.map(Value::to_string).unwrap_or_default())
            .expect("the request is valid");
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build();
        let mut answer = ureq::Agent::from(agent)
            .run(request)
            .expect("the API answers");
        let text = answer
            .body_mut()
            .read_to_string()
            .expect("the answer is text");
        (
            answer.status().as_u16(),
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// Sends a GET as the hub's root user.
    fn signed(&self, path: &str) -> (u16, Value) {
        let sent = ureq::get(format!("{}/v1/ecs{path}", self.url))
            .header("authorization", signature(HUB, "execute-api"));
        let mut answer = sent.call().expect("the API answers");
        (
            answer.status().as_u16(),
            answer.body_mut().read_json().expect("the answer is JSON"),
        )
    }

    /// Asks a service of the local AWS as the hub's root user.
    fn ask(&self, service: &str, path: &str, target: &str, body: &Value) -> Value {
        let sent = ureq::post(format!("{}{path}", self.endpoint()))
            .header("authorization", signature(HUB, service));
        let sent = sent
            .content_type("application/x-amz-json-1.0")
            .header("x-amz-target", target);
        let mut answer = sent
            .send(body.to_string())
            .unwrap_or_else(|error| panic!("{service} {path} {target}: {error}"));
        answer.body_mut().read_json().expect("the answer is JSON")
    }

    /// Invokes the function, or an alias of it.
    fn invoke(&self, arn: &str, event: &Value) -> Value {
        let function = arn
            .split(":function:")
            .nth(1)
            .expect("the ARN is a function's")
            .replace(':', "%3A");
        self.ask(
            "lambda",
            &format!("/2015-03-31/functions/{function}/invocations"),
            "",
            event,
        )
    }

    /// Changes something of the hub account as its root user.
    fn change(&self, method: &str, service: &str, path: &str, body: &Value) -> Value {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint()))
            .header("authorization", signature(HUB, service))
            .header("content-type", "application/json")
            .body(body.to_string())
            .expect("the request is valid");
        let mut answer = ureq::run(request).unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.body_mut().read_json().expect("the answer is JSON")
    }

    /// The function's environment.
    fn environment(&self) -> Value {
        let path = format!("/2015-03-31/functions/{}/configuration", self.function());
        let configuration = self.change("GET", "lambda", &path, &Value::Null);
        configuration["Environment"]["Variables"].clone()
    }

    /// Gives the function an environment, with which it begins anew.
    fn reconfigure(&self, variables: &Value) {
        let path = format!("/2015-03-31/functions/{}/configuration", self.function());
        let environment = json!({"Environment": {"Variables": variables}});
        self.change("PUT", "lambda", &path, &environment);
    }

    #[track_caller]
    fn expect(&self, status: u16, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (given, answer) = self.send(method, path, Some(&self.token), body);
        assert_eq!(given, status, "{method} {path}: {answer}");
        answer
    }
}

/// The documented request, with its container's log in CloudWatch Logs.
fn documented_with_log(namespace_id: &str) -> Value {
    let mut body = documented(namespace_id);
    body["taskdefinition"]["containerdefinitions"][0]["logconfiguration"] = json!({"logdriver": "awslogs", "options": {
        "awslogs-group": "/ecs/webapp", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "live",
    }});
    body
}

/// The signature of an account's root user, which the local AWS takes on trust.
fn signature(account: &str, service: &str) -> String {
    let scope = format!("{account}/20261122/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

#[test]
fn the_deployed_stack_does_the_whole_job() {
    let stack = Stack::shared();
    assert_eq!(stack.send("GET", "/ping", None, None), (200, json!("pong")));
    assert_eq!(
        stack.send("GET", "/version", None, None).1["version"],
        env!("CARGO_PKG_VERSION")
    );
    for token in [None, Some("wrong")] {
        assert_eq!(stack.send("GET", "/nonprod/clusters", token, None).0, 401);
    }
    for name in ["nonprod", "prod"] {
        let member = &stack.members[name];
        let body = documented_with_log(member["namespace_id"].as_str().expect("a text"));
        let made = stack.expect(200, "POST", &format!("/{name}/services"), Some(&body));
        assert_eq!(
            made["TaskDefinition"]["ExecutionRoleArn"],
            member["execution_role_arn"]
        );
        let network = &made["Service"]["NetworkConfiguration"]["AwsvpcConfiguration"];
        assert_eq!(
            (&network["Subnets"], &network["SecurityGroups"]),
            (&member["subnets"], &member["security_groups"])
        );
        let account = member["account"].as_str().expect("a text");
        // The hub's role may do nothing but assume the members' roles, and signatures are verified: what lands in
        // an account was signed by that account's role.
        let service = made["Service"]["ServiceArn"].as_str().expect("a text");
        assert!(
            service.starts_with(&format!("arn:aws:ecs:us-east-1:{account}:service/")),
            "{service}"
        );
        let clusters = stack.expect(200, "GET", &format!("/{name}/clusters"), None);
        let cluster = json!(format!("arn:aws:ecs:us-east-1:{account}:cluster/myclu"));
        assert!(
            clusters.as_array().expect("a list").contains(&cluster),
            "{clusters}"
        );
        let existing = json!({"service": {
            "cluster": "myclu", "desiredcount": 1, "servicename": "second", "taskdefinition": "mytaskdef:1",
            "serviceregistries": [{"registryarn": made["ServiceDiscoveryService"]["Arn"]}],
        }});
        let second = stack.expect(200, "POST", &format!("/{name}/services"), Some(&existing));
        assert_eq!(
            second["Service"]["ServiceRegistries"][0]["RegistryArn"],
            made["ServiceDiscoveryService"]["Arn"]
        );
    }
    let shown = stack.expect(200, "GET", "/nonprod/clusters/myclu", None);
    assert_eq!(shown["Clusters"][0]["Status"], "ACTIVE");
    let arn = shown["Clusters"][0]["ClusterArn"]
        .as_str()
        .expect("a text")
        .replace(':', "%3A")
        .replace('/', "%2F");
    assert_eq!(
        stack.expect(200, "GET", &format!("/nonprod/clusters/{arn}"), None),
        shown
    );
    let services = stack.expect(
        200,
        "GET",
        "/nonprod/clusters/myclu/services?all=true",
        None,
    );
    assert_eq!(services.as_array().map(Vec::len), Some(2));
    let whole = stack.expect(
        200,
        "GET",
        "/nonprod/clusters/myclu/services/webapp?all=true",
        None,
    );
    assert_eq!(whole["ServiceEndpoint"], "www.demo.internal");
    assert_eq!(whole["TaskDefinition"]["Family"], "mytaskdef");
    let task = whole["Tasks"][0]
        .as_str()
        .expect("the service runs a task")
        .replace('/', "%2F");
    let log = format!(
        "/nonprod/clusters/myclu/services/webapp/logs?task=%22{task}%22&container=%22webserver%22"
    );
    assert_eq!(stack.expect(200, "GET", &log, None)["Events"], json!([]));
    stack.expect(
        200,
        "GET",
        &format!("/nonprod/clusters/myclu/tasks/{task}"),
        None,
    );
    let run = stack.expect(
        200,
        "POST",
        "/nonprod/clusters/myclu/tasks",
        Some(&json!({"taskDefinition": "mytaskdef"})),
    );
    let started = run["Tasks"][0]["TaskArn"]
        .as_str()
        .expect("a task was started")
        .replace('/', "%2F");
    stack.expect(
        200,
        "DELETE",
        &format!("/nonprod/clusters/myclu/tasks/{started}?reason=done"),
        None,
    );
    for (service, is_last) in [("second", false), ("webapp", true)] {
        let body = json!({"cluster": "myclu", "service": service, "recursive": is_last});
        stack.expect(200, "DELETE", "/nonprod/services", Some(&body));
    }
    assert_eq!(
        stack.expect(404, "GET", "/nonprod/clusters/myclu", None)["code"],
        "NotFound"
    );
    assert_eq!(
        stack
            .expect(200, "GET", "/nonprod/taskdefs?prefix=my", None)
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        stack.expect(200, "GET", "/nonprod/servicediscovery/services", None),
        json!({"Services": []})
    );
    stack.expect(
        200,
        "POST",
        "/nonprod/clusters",
        Some(&json!({"name": "empty"})),
    );
    stack.expect(200, "DELETE", "/nonprod/clusters/empty", None);
    assert_eq!(
        stack.expect(404, "GET", "/nonprod/clusters/empty", None)["code"],
        "NotFound"
    );
    assert_eq!(
        stack.expect(405, "PUT", "/nonprod/clusters", None)["code"],
        "MethodNotAllowed"
    );

    let body = documented(
        stack.members["nonprod"]["namespace_id"]
            .as_str()
            .expect("a text"),
    );
    let keyed = json!({
        "method": "POST", "path": "/v1/ecs/nonprod/services", "body": body,
        "headers": {"X-Auth-Token": stack.token, "Idempotency-Key": "build 7"},
    });
    let [once, again] = [(); 2].map(|()| stack.invoke(stack.output("DirectArn"), &keyed));
    assert_eq!(
        (&once["status"], &again["status"]),
        (&json!(200), &json!(200)),
        "{once} {again}"
    );
    for arn in [
        "/Service/ServiceArn",
        "/TaskDefinition/TaskDefinitionArn",
        "/ServiceDiscoveryService/Arn",
    ] {
        assert!(
            once["body"].pointer(arn).is_some_and(Value::is_string),
            "{arn}: {once}"
        );
        assert_eq!(
            once["body"].pointer(arn),
            again["body"].pointer(arn),
            "{arn}"
        );
    }
}

#[test]
fn the_deployed_function_takes_direct_invocations() {
    let stack = Stack::shared();
    for output in ["DirectArn", "FunctionArn"] {
        let arn = stack.output(output);
        let pong = stack.invoke(arn, &json!({"method": "GET", "path": "/v1/ecs/ping"}));
        assert_eq!(
            (&pong["status"], &pong["body"]),
            (&json!(200), &json!("pong")),
            "{output}: {pong}"
        );
        let headers = json!({"x-auth-token": stack.token});
        let asked = json!({"method": "GET", "path": "/v1/ecs/prod/clusters", "headers": headers, "query": {"limit": 1}});
        assert_eq!(stack.invoke(arn, &asked)["status"], 200);
        let unknown = json!({"method": "GET", "path": "/v1/ecs/elsewhere/clusters"});
        assert_eq!(
            stack.invoke(arn, &unknown)["status"],
            404,
            "the caller of direct invocations has a grant for all"
        );
        let refused = stack.invoke(
            arn,
            &json!({"method": "GET", "path": "/", "requestContext": {}}),
        );
        assert_eq!(refused["errorType"], "UnknownEvent", "{refused}");
    }
}

/// Whoever may invoke the function can write an event of a gateway, with anybody's name in it.
#[test]
fn a_forged_event_of_a_gateway_gets_in_through_the_gateways_alias_alone() {
    let stack = Stack::shared();
    let forged = json!({
        "version": "2.0", "rawPath": "/v1/ecs/ping", "rawQueryString": "", "headers": {}, "isBase64Encoded": false,
        "requestContext": {
            "http": {"method": "GET", "path": "/v1/ecs/ping"}, "stage": "$default",
            "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:root"}},
        },
    });
    for output in ["FunctionArn", "DirectArn"] {
        let refused = stack.invoke(stack.output(output), &forged);
        assert_eq!(refused["errorType"], "UnknownEvent", "{output}: {refused}");
    }
    assert_eq!(
        stack.invoke(stack.output("GatewayArn"), &forged)["statusCode"],
        200
    );
    let direct = json!({"method": "GET", "path": "/v1/ecs/ping"});
    let refused = stack.invoke(stack.output("GatewayArn"), &direct);
    assert_eq!(refused["errorType"], "UnknownEvent", "{refused}");
}
