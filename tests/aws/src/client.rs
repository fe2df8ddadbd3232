//! The door for clients of the SDK in this process: an HTTP client without a network.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::behind::Backend;
use crate::call::Request;
use crate::fake_aws::{FakeAws, Outcome};

impl FakeAws {
    /// Returns an SDK configuration of an account's root user, for clients and for the function.
    pub fn sdk_config(&self, account: &str) -> SdkConfig {
        let credentials = Credentials::new(account, "test", None, None, "fake-aws");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .time_source(self.clone())
            .sleep_impl(TokioSleep::new())
            .http_client(SharedHttpClient::new(self.clone()));
        match &self.world.backend {
            Backend::Memory(_) => config.build(),
            Backend::Emulator(endpoint) => config.endpoint_url(endpoint).build(),
        }
    }
}

impl HttpClient for FakeAws {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connection {
            aws: self.clone(),
            patience: settings.read_timeout(),
        })
    }
}

/// A connection whose client waits so long for an answer.
#[derive(Debug)]
struct Connection {
    aws: FakeAws,
    patience: Option<Duration>,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = read(&request);
        let aws = self.aws.clone();
        let patience = self.patience;
        HttpConnectorFuture::new(async move {
            // What was sent is done, also if nobody waits for it any more.
            let work = tokio::spawn(aws.serve(request));
            let outcome = match patience {
                None => work.await,
                Some(patience) => timeout(patience, work)
                    .await
                    .map_err(|_| ConnectorError::timeout("AWS did not answer in time".into()))?,
            };
            match outcome {
                Ok(outcome) => respond(outcome),
                Err(error) => Err(ConnectorError::io(error.into())),
            }
        })
    }
}

fn read(request: &HttpRequest) -> Request {
    let (scheme, rest) = request
        .uri()
        .split_once("://")
        .unwrap_or(("", request.uri()));
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    let target = request
        .uri()
        .get(scheme.len() + 3 + host.len()..)
        .filter(|target| !target.is_empty());
    let headers = request.headers().iter();
    Request {
        method: request.method().to_owned(),
        target: target.unwrap_or("/").to_owned(),
        host: host.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: request.body().bytes().unwrap_or_default().to_vec(),
    }
}

fn respond(outcome: Outcome) -> Result<HttpResponse, ConnectorError> {
    let reset = || ConnectorError::io("the connection was reset".into());
    let (answer, body) = match outcome {
        Outcome::Reset => return Err(reset()),
        Outcome::Answer(answer) => {
            let body = SdkBody::from(answer.body.clone());
            (answer, body)
        }
        Outcome::FirstHalf(answer) => {
            let body = SdkBody::from_body_1_x(BrokenBody::half_of(&answer));
            (answer, body)
        }
    };
    let status = StatusCode::try_from(answer.status)
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut response = HttpResponse::new(status, body);
    response
        .headers_mut()
        .insert("x-amzn-requestid", "00000000-0000-4000-8000-00000000aaaa");
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.1");
    Ok(response)
}

/// The first half of an answer, and the end of its connection.
pub(crate) struct BrokenBody(Option<Bytes>);

impl BrokenBody {
    pub(crate) fn half_of(answer: &Answer) -> Self {
        let half = &answer.body[..answer.body.len() / 2];
        Self(Some(Bytes::copy_from_slice(half)))
    }
}

impl Body for BrokenBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(half) => Ok(Frame::data(half)),
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }))
    }
}
