//! AWS in place of the network: every call is answered here, as an input's faults and its `account` say, in no time at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::fake_aws::{FakeAws, Refusal, Thing};
use super::script::{Back, Fault, Script};

/// What STS answers, unless an input says otherwise.
const SESSION: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>\
    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// The operation of STS, the only one that does not speak JSON.
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The HTTP client and all that is behind it.
#[derive(Debug, Clone)]
pub struct Wire(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    fake_aws: FakeAws,
    faults: Vec<Fault>,
    calls: u64,
}

impl Wire {
    /// An AWS as the script says.
    pub fn new(script: &Script) -> Self {
        let mut fake_aws = FakeAws::new(script.drains_in);
        if script.is_furnished {
            fake_aws.furnish();
        }
        Self(Arc::new(Mutex::new(World {
            fake_aws,
            faults: script.faults.clone(),
            calls: 0,
        })))
    }

    /// What is in the account.
    pub fn things(&self) -> Vec<Thing> {
        self.world().fake_aws.things()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(self, operation: String, input: Value) -> Result<HttpResponse, ConnectorError> {
        let (fault, lag) = self.world().next(&operation);
        sleep(lag + fault.after).await;
        let is_done = fault.is_done || fault.back == Back::Answer;
        let done = is_done.then(|| self.world().fake_aws(&operation, &input));
        sleep(lag).await;
        match (fault.back, done) {
            (Back::Words(status, words), _) => Ok(respond(status, said(&operation, status, words))),
            (Back::Reset, _) => Err(ConnectorError::io("the connection was reset".into())),
            (Back::Answer, Some(Ok(answer))) => Ok(respond(200, answer)),
            (Back::Answer, Some(Err((code, message)))) => {
                Ok(respond(400, error(&operation, code, message)))
            }
            (Back::Silence | Back::Answer, _) => std::future::pending().await,
        }
    }
}

impl World {
    /// What becomes of the next call, and how long it is on its way there and back. Not all are equally long, so that
    /// twins overtake each other.
    fn next(&mut self, operation: &str) -> (Fault, Duration) {
        self.calls += 1;
        let lag = Duration::from_millis(10 + self.calls * 7 % 13);
        let fault = match self.faults.iter().position(|fault| fault.is_for(operation)) {
            Some(place) if self.faults[place].is_lasting => self.faults[place].clone(),
            Some(place) => self.faults.remove(place),
            None => Fault::default(),
        };
        (fault, lag)
    }

    fn fake_aws(&mut self, operation: &str, input: &Value) -> Result<String, Refusal> {
        if operation == ASSUME_ROLE {
            return Ok(SESSION.to_owned());
        }
        self.fake_aws
            .call(operation, input)
            .map(|answer| answer.to_string())
    }
}

/// A refusal is `Code: message` where it is not written out.
fn said(operation: &str, status: u16, words: String) -> String {
    if status < 400 || words.is_empty() || words.starts_with(['{', '<']) {
        return words;
    }
    let (code, message) = words.split_once(": ").unwrap_or((&words, "no"));
    error(operation, code, message)
}

fn error(operation: &str, code: &str, message: &str) -> String {
    if operation == ASSUME_ROLE {
        return format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
    }
    json!({"__type": code, "message": message}).to_string()
}

fn respond(status: u16, body: String) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a script has no other status");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response
        .headers_mut()
        .insert("x-amzn-requestid", "aws-request-1");
    response
}

/// The IAM name of what a request asks for: `AmazonEC2ContainerServiceV20141113.ListClusters` → `ecs:ListClusters`.
fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let Some((service, name)) = target.split_once('.') else {
        return ASSUME_ROLE.to_owned();
    };
    let service = match service {
        "AmazonSQS" => "sqs",
        service if service.starts_with("AmazonEC2") => "ecs",
        service if service.starts_with("Route53") => "servicediscovery",
        _ => "logs",
    };
    format!("{service}:{name}")
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let patience = settings.read_timeout().unwrap_or(Duration::from_mins(1));
        SharedHttpConnector::new(Connection {
            wire: self.clone(),
            patience,
        })
    }
}

/// A connection whose client waits so long for an answer.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    patience: Duration,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let input = request
            .body()
            .bytes()
            .and_then(|body| serde_json::from_slice(body).ok())
            .unwrap_or_default();
        let answer = self.wire.clone().answer(operation(&request), input);
        let work = timeout(self.patience, answer);
        let too_late = || ConnectorError::timeout("AWS did not answer in time".into());
        HttpConnectorFuture::new(async move { work.await.unwrap_or_else(|_| Err(too_late())) })
    }
}
