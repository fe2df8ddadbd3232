//! A call of AWS as it comes over the wire.

use serde_json::{Map, Value};

/// The account that the function itself runs in, and that calls without credentials are taken for.
pub const HUB: &str = "123456789012";

/// A call of AWS.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The operation by its IAM name, as `ecs:CreateCluster`.
    pub operation: String,
    /// The access key that signed it.
    pub access_key: String,
    /// The account that the credentials belong to.
    pub account: String,
    /// The region that the signature names.
    pub region: String,
    /// The host that was called.
    pub host: String,
    /// The application's name, `app/NAME` in the user agent.
    pub app: Option<String>,
    /// The whole user agent.
    pub user_agent: String,
    /// The input, as JSON also where the protocol has another form.
    pub input: Value,
}

/// A request, whatever library brings it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The host.
    pub host: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Returns a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The services that speak JSON: the target of their calls, and the IAM name.
const TARGETS: [(&str, &str); 7] = [
    ("AmazonEC2ContainerServiceV20141113", "ecs"),
    ("Route53AutoNaming_v20170314", "servicediscovery"),
    ("Logs_20140328", "logs"),
    ("AmazonSQS", "sqs"),
    ("DynamoDB_20120810", "dynamodb"),
    ("AmazonSSM", "ssm"),
    ("secretsmanager", "secretsmanager"),
];

/// Returns how the target of a service's calls begins.
pub(crate) fn target(service: &str) -> &str {
    let known = TARGETS.iter().find(|(_, name)| *name == service);
    known.map_or(service, |(target, _)| target)
}

impl Call {
    /// Reads a request. The account of an access key is looked up by `account_of`.
    pub fn read(request: &Request, account_of: impl Fn(&str) -> Option<String>) -> Self {
        let (access_key, region) = scope(request.header("authorization"));
        let account = account_of(&access_key)
            .or_else(|| is_account(&access_key).then(|| access_key.clone()))
            .unwrap_or_else(|| HUB.to_owned());
        let (operation, input) = operation(request);
        Self {
            operation,
            access_key,
            account,
            region,
            host: request.host.clone(),
            app: app_name(request.header("x-amz-user-agent"))
                .or_else(|| app_name(request.header("user-agent"))),
            user_agent: request.header("user-agent").to_owned(),
            input,
        }
    }

    /// Returns the service's part of the operation's name.
    pub fn service(&self) -> &str {
        self.operation.split(':').next().unwrap_or_default()
    }

    /// Returns an ARN of this account and region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }
}

/// Returns `true` if a text is the number of an account, which local AWSs take for the key of its root user.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Reads `Credential=KEY/20261126/REGION/ecs/aws4_request` of a signature.
fn scope(authorization: &str) -> (String, String) {
    let credential = authorization.split_once("Credential=");
    let mut parts = credential.map_or("", |(_, rest)| rest).split(['/', ',']);
    let key = parts.next().unwrap_or_default().to_owned();
    let region = parts.nth(1).unwrap_or("us-east-1").to_owned();
    (key, region)
}

fn operation(request: &Request) -> (String, Value) {
    if let Some((service, name)) = request.header("x-amz-target").split_once('.') {
        let known = TARGETS.iter().find(|(target, _)| *target == service);
        let service = known.map_or(service, |(_, name)| name);
        let input = serde_json::from_slice(&request.body).unwrap_or_default();
        return (format!("{service}:{name}"), input);
    }
    // The query protocol of STS and IAM: a form whose `Action` is the operation.
    let form: Map<String, Value> = form_urlencoded::parse(&request.body)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    let action = form.get("Action").and_then(Value::as_str);
    let is_iam = request
        .header("authorization")
        .contains("/iam/aws4_request");
    let service = if is_iam { "iam" } else { "sts" };
    let name = action.map_or_else(
        || request.target.clone(),
        |action| format!("{service}:{action}"),
    );
    (name, form.into())
}

fn app_name(agent: &str) -> Option<String> {
    let mut words = agent.split(' ');
    words.find_map(|word| word.strip_prefix("app/").map(str::to_owned))
}
