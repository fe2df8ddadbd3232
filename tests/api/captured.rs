//! Refusals that real AWS was seen to answer, each with what the caller gets.
//!
//! The texts in `tests/fixtures/aws_captured.json` come out of the captures that <https://github.com/radkawar/stackd>
//! keeps; a situation names the file and the call in brackets, and `[doc]` marks a text of AWS's documentation.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::Config;
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};

/// A refusal of AWS.
#[derive(Debug, Clone)]
struct Refusal {
    status: u16,
    code: String,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// An AWS whose STS gives a session, and that refuses every other call.
#[derive(Debug, Clone)]
struct RefusingAws {
    refusal: Refusal,
    attempts: Arc<AtomicU32>,
}

impl HttpClient for RefusingAws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for RefusingAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().contains("sts.") {
            return HttpConnectorFuture::ready(Ok(session()));
        }
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let Refusal {
            status,
            code,
            message,
        } = &self.refusal;
        let body = if message.is_empty() {
            json!({"__type": code})
        } else {
            json!({"__type": code, "message": message})
        };
        let mut response = HttpResponse::new(
            (*status).try_into().expect("a status is one"),
            SdkBody::from(body.to_string()),
        );
        response
            .headers_mut()
            .insert("x-amzn-requestid", "aws-request-1");
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// The answer of `sts:AssumeRole`.
fn session() -> HttpResponse {
    let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
                <SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>\
                <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    HttpResponse::new(
        200.try_into().expect("a status is one"),
        SdkBody::from(body),
    )
}

fn sdk_config(aws: RefusingAws) -> SdkConfig {
    let credentials = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .time_source(SystemTimeSource::new())
        .sleep_impl(TokioSleep::new())
        .http_client(SharedHttpClient::new(aws))
        .build()
}

/// The answer to a call that AWS refuses so.
#[derive(Debug)]
struct Verdict {
    status: u64,
    code: String,
    detail: String,
    is_retryable: bool,
    retry_after_s: Option<String>,
    attempts: u32,
}

/// Creates a cluster through the front door, which is a single call of AWS.
async fn verdict(refusal: &Refusal) -> Verdict {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let attempts = Arc::default();
    let aws = RefusingAws {
        refusal: refusal.clone(),
        attempts: Arc::clone(&attempts),
    };
    // The SDK keeps a budget for retries by the role: each case has its own.
    let role = NEXT.fetch_add(1, Ordering::Relaxed);
    let config = json!({
        "accounts": {"nonprod": {"roleArn": format!("arn:aws:iam::111122223333:role/captured-{role}"), "region": "us-east-1"}},
        "callers": [{"name": "direct", "invoke": true, "grants": [{"accounts": ["*"], "access": "write"}]}],
    });
    let config = Config::parse(config.to_string().as_bytes()).expect("the configuration is valid");
    let clients = Accounts::new(config.accounts.clone(), sdk_config(aws));
    let app = App::new(config, &clients);
    let event = json!({"method": "POST", "path": "/v1/ecs/nonprod/clusters", "body": {"clusterName": "shop"}});
    let event = LambdaEvent::new(event.into(), Context::default());
    let answer = Box::pin(app.handle(event))
        .await
        .expect("the event is known");
    let body = &answer["body"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Verdict {
        status: answer["status"].as_u64().expect("a status is a number"),
        code: text(&body["code"]).unwrap_or_default(),
        detail: text(&body["detail"]).unwrap_or_default(),
        is_retryable: body["retryable"] == true,
        retry_after_s: text(&answer["headers"]["retry-after"]),
        attempts: attempts.load(Ordering::Relaxed),
    }
}

/// A refusal as the table of the expected has it: the status, `Retry-After` in seconds where the caller may repeat the
/// request, and how often AWS was asked.
type Expectation = (u64, Option<u32>, u32);

const WRONG: Expectation = (400, None, 1);
const DENIED: Expectation = (403, None, 1);
const MISSING: Expectation = (404, None, 1);
const IN_THE_WAY: Expectation = (409, None, 1);
const DRAINING: Expectation = (409, Some(30), 1);
const NOT_READY: Expectation = (409, Some(5), 1);
const THROTTLED: Expectation = (429, Some(5), 3);
const NO_CAPACITY: Expectation = (503, Some(60), 1);
/// The session is given up and made again.
const NO_SESSION: Expectation = (502, None, 3);

/// Captured refusals that are no mistake in the request: a code, or else a whole message.
const CAPTURED: &[(&str, Expectation)] = &[
    ("AccessDenied", DENIED),
    ("AccessDeniedException", DENIED),
    ("KMS.AccessDeniedException", DENIED),
    ("UnrecognizedClientException", NO_SESSION),
    ("InvalidClientTokenId", NO_SESSION),
    ("ClusterNotFoundException", MISSING),
    ("ServiceNotFoundException", MISSING),
    ("ResourceNotFoundException", MISSING),
    ("TaskDefinition not found.", MISSING),
    ("Unable to describe task definition.", MISSING),
    ("ClusterContainsServicesException", IN_THE_WAY),
    ("ClusterContainsTasksException", IN_THE_WAY),
    ("ConditionalCheckFailedException", IN_THE_WAY),
    ("ConflictException", IN_THE_WAY),
    ("ResourceAlreadyExistsException", IN_THE_WAY),
    ("ServiceNotActiveException", IN_THE_WAY),
    (
        "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        IN_THE_WAY,
    ),
    ("Cluster was not ACTIVE.", IN_THE_WAY),
    ("Creation of service was not idempotent.", IN_THE_WAY),
    (
        "The service cannot be stopped while it is scaled above 0.",
        IN_THE_WAY,
    ),
    (
        "The specified cluster is inactive. Specify an active cluster and try again.",
        IN_THE_WAY,
    ),
    (
        "The specified task is stopped. Specify a running task and try again.",
        IN_THE_WAY,
    ),
    (
        "The task definition could not be deregistered because it is in the process of being deleted.",
        IN_THE_WAY,
    ),
    (
        "Unable to Start a service that is still Draining.",
        DRAINING,
    ),
    (
        "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/ROLE' that was provided for this task. \
         Please verify that the role being passed has the proper trust relationship and permissions and that your \
         IAM user has permissions to pass this role.",
        NOT_READY,
    ),
];

/// Refusals that were not captured, each with where it was seen.
const DOCUMENTED: &[(u16, &str, &str, Expectation)] = &[
    // https://github.com/aws/amazon-ecs-agent/issues/1276
    (
        400,
        "InvalidParameterException",
        "The container web does not exist in the task definition.",
        WRONG,
    ),
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html
    (
        400,
        "InvalidParameterException",
        "The service cannot be stopped while deployments are active.",
        IN_THE_WAY,
    ),
    // https://github.com/dask/dask-cloudprovider/issues/56
    (
        400,
        "InvalidParameterException",
        "Error retrieving security group information for [sg-1]: Request limit exceeded. \
         (ErrorCode: RequestLimitExceeded)",
        THROTTLED,
    ),
    (
        503,
        "RequestLimitExceeded",
        "Request limit exceeded.",
        THROTTLED,
    ),
    (
        400,
        "ClientException",
        "Too many concurrent attempts to create a new revision of the specified family.",
        THROTTLED,
    ),
    (400, "ThrottlingException", "Rate exceeded", THROTTLED),
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    (
        400,
        "BlockedException",
        "Your Amazon Web Services account was blocked.",
        DENIED,
    ),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
    (
        400,
        "ClientException",
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        NO_CAPACITY,
    ),
    (
        400,
        "ClientException",
        "You've reached the limit on the number of vCPUs you can run concurrently",
        IN_THE_WAY,
    ),
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    (
        400,
        "InvalidParameterException",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
        NOT_READY,
    ),
    // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    (
        400,
        "LimitExceededException",
        "The limit for the resource was exceeded.",
        IN_THE_WAY,
    ),
    (400, "NamespaceNotFoundException", "", MISSING),
];

/// The captured refusals; what AWS says within a success is none.
fn captured() -> &'static [Value] {
    static CAPTURED: OnceLock<Vec<Value>> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let text = include_str!("../fixtures/aws_captured.json");
        let mut all: Vec<Value> = serde_json::from_str(text).expect("the fixture is JSON");
        all.retain(|case| !case["code"].is_null());
        all
    })
}

#[track_caller]
fn check(refusal: &Refusal, verdict: &Verdict, expected: Expectation) {
    let (status, retry_after_s, attempts) = expected;
    let retry_after_s = retry_after_s.map(|seconds| seconds.to_string());
    assert_eq!(
        (verdict.status, &verdict.retry_after_s, verdict.attempts),
        (status, &retry_after_s, attempts),
        "{refusal:?}: {verdict:?}"
    );
    assert_eq!(verdict.is_retryable, retry_after_s.is_some(), "{refusal:?}");
    assert_eq!(verdict.code, refusal.code, "AWS's code is the problem's");
    let has_words = !refusal.message.is_empty() && verdict.detail.contains(&*refusal.message);
    let has_ours = refusal.message.is_empty() && verdict.detail.contains("there is no such ");
    assert!(has_words || has_ours, "{refusal:?}: {}", verdict.detail);
}

#[tokio::test(start_paused = true)]
async fn what_real_aws_refuses_is_what_the_caller_gets() {
    let mut unused: BTreeSet<_> = CAPTURED.iter().map(|(text, _)| *text).collect();
    for case in captured() {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        // SQS's denials were captured without their status.
        let status = case["status"]
            .as_u64()
            .map_or(400, |status| u16::try_from(status).expect("a status"));
        let refusal = Refusal::new(status, text("code"), text("message"));
        let known = CAPTURED
            .iter()
            .find(|(text, _)| *text == refusal.code || *text == refusal.message);
        if let Some((text, _)) = known {
            unused.remove(text);
        }
        let expected = known.map_or(WRONG, |(_, expected)| *expected);
        check(&refusal, &verdict(&refusal).await, expected);
    }
    assert_eq!(unused, BTreeSet::new(), "nothing captured says so");
}

#[tokio::test(start_paused = true)]
async fn what_aws_documents_is_what_the_caller_gets() {
    for (status, code, message, expected) in DOCUMENTED {
        let refusal = Refusal::new(*status, code, message);
        check(&refusal, &verdict(&refusal).await, *expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_message_gets_words_of_ours() {
    let refusal = Refusal::new(400, "ServiceNotFoundException", "");
    assert_eq!(
        verdict(&refusal).await.detail,
        "`ecs:CreateCluster` was refused: there is no such service"
    );
}
