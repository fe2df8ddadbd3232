//! The AWS behind the rules: in memory, or an emulator over HTTP.

use std::sync::{Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::answer::{ASSUME_ROLE, Answer, Refusal};
use crate::call::{Call, Request};
use crate::clock::Clock;
use crate::memory::Memory;
use crate::session::Session;

/// The AWS that does what is asked for.
#[derive(Debug)]
pub(crate) enum Backend {
    /// In this process.
    Memory(Box<Mutex<Memory>>),
    /// By the emulator at this URL.
    Emulator(String),
}

/// The AWS behind the rules, for one call.
pub(crate) struct Behind<'b> {
    pub(crate) backend: &'b Backend,
    pub(crate) clock: &'b Clock,
    /// The request as it came, whose credentials every question of the rules has, too.
    pub(crate) request: &'b Request,
    /// The session whose credentials these are, if it is a known one.
    pub(crate) session: Option<Session>,
    pub(crate) connector: Option<&'b SharedHttpConnector>,
}

impl Behind<'_> {
    /// Returns `true` if the AWS behind keeps everything in memory.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.backend, Backend::Memory(_))
    }

    /// Lets an operation be done, with the credentials of `call`.
    pub(crate) async fn ask(
        &self,
        call: &Call,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Refusal> {
        match self.backend {
            Backend::Memory(memory) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                memory.call(call, operation, input, self.clock)
            }
            Backend::Emulator(_) => {
                let answer = self.send(call, operation, input).await?;
                read(operation, &answer)
            }
        }
    }

    /// Hands a request on as it came.
    pub(crate) async fn pass(&self) -> Result<Answer, Refusal> {
        self.exchange(self.request).await
    }

    async fn send(&self, call: &Call, operation: &str, input: &Value) -> Result<Answer, Refusal> {
        if operation == call.operation && *input == call.input {
            return self.pass().await;
        }
        let (service, name) = operation.split_once(':').unwrap_or_default();
        let mut question = self.request.clone();
        question.headers.retain(|(name, _)| name != "x-amz-target");
        let target = format!("{}.{name}", crate::call::target(service));
        question.headers.push(("x-amz-target".to_owned(), target));
        question.body = input.to_string().into_bytes();
        if let Some(session) = &self.session {
            session.sign(call, operation, &mut question);
        }
        self.exchange(&question).await
    }

    async fn exchange(&self, question: &Request) -> Result<Answer, Refusal> {
        let (Backend::Emulator(endpoint), Some(connector)) = (self.backend, self.connector) else {
            return Err(failure("there is no emulator behind"));
        };
        let mut request = HttpRequest::new(SdkBody::from(question.body.clone()));
        let url = format!("{endpoint}{}", question.target);
        let set = request
            .set_uri(url)
            .and_then(|()| request.set_method(&question.method));
        set.map_err(|error| failure(&error.to_string()))?;
        for (name, value) in &question.headers {
            // The host stays the one that the caller has signed.
            if name != "content-length" {
                request.headers_mut().insert(name.clone(), value.clone());
            }
        }
        let response = connector.call(request).await;
        let response = response.map_err(|error| failure(&format!("{error:?}")))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| failure(&error.to_string()))?;
        Ok(Answer {
            status,
            body: body.to_bytes().to_vec(),
        })
    }
}

fn failure(why: &str) -> Refusal {
    Refusal::of(
        "InternalFailure",
        format!("the emulator can't be reached: {why}"),
    )
    .status(500)
}

/// Reads an answer of the emulator.
fn read(operation: &str, answer: &Answer) -> Result<Value, Refusal> {
    if operation == ASSUME_ROLE {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        return if answer.status < 300 {
            Ok(text.into())
        } else {
            let part = |tag: &str| {
                let rest = text.split_once(&format!("<{tag}>"))?.1;
                Some(rest.split_once("</")?.0.to_owned())
            };
            let code = part("Code").unwrap_or_default();
            Err(Refusal::of(code, part("Message").unwrap_or_default()).status(answer.status))
        };
    }
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status < 300 {
        return Ok(body);
    }
    let code = body["__type"].as_str().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = body["message"].as_str().or(body["Message"].as_str());
    let message = message.unwrap_or_default().to_owned();
    let mut refusal = Refusal::of(code, message).status(answer.status);
    if let Some(members) = body.as_object_mut() {
        for name in ["__type", "message", "Message"] {
            members.shift_remove(name);
        }
        refusal.members = std::mem::take(members);
    }
    refusal.source = "the emulator".into();
    Err(refusal)
}
