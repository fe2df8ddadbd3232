//! The sessions of roles, in whose name the rules ask an emulator that enforces IAM.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use crate::call::{Call, Request};

/// The headers that say who asks, and those that the connection writes itself.
const WRITTEN_ANEW: [&str; 4] = [
    "authorization",
    "content-length",
    "x-amz-date",
    "x-amz-security-token",
];

/// The headers of a question that are signed, which are those that a proxy leaves alone.
const SIGNED: [&str; 3] = ["content-type", "host", "x-amz-target"];

/// A session that AssumeRole has answered.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The account of the role.
    pub(crate) account: String,
    /// The secret access key.
    pub(crate) secret: String,
}

impl Session {
    /// Signs a question of the rules that differs from the call that led to it.
    ///
    /// The caller's own operation is signed by the caller, so that IAM judges it. Any other is asked by the root user of
    /// the account, as ECS looks at what is its own without the caller's permissions.
    pub(crate) fn sign(&self, call: &Call, operation: &str, question: &mut Request) {
        let token = question.header("x-amz-security-token").to_owned();
        let is_written_anew = |name: &str| WRITTEN_ANEW.contains(&name);
        question.headers.retain(|(name, _)| !is_written_anew(name));
        let service = operation.split(':').next().unwrap_or_default();
        let signature = if operation == call.operation {
            self.signature_of_caller(call, service, token, question)
        } else {
            vec![self.signature_of_root(call, service)]
        };
        question.headers.extend(signature);
    }

    fn signature_of_caller(
        &self,
        call: &Call,
        service: &str,
        token: String,
        question: &Request,
    ) -> Vec<(String, String)> {
        let identity = Credentials::new(
            &call.access_key,
            &self.secret,
            Some(token),
            None,
            "fake-aws",
        )
        .into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&call.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("all that a signature needs is there")
            .into();
        let headers = question.headers.iter();
        let headers = headers.filter(|(name, _)| SIGNED.contains(&name.as_str()));
        let request = SignableRequest::new(
            &question.method,
            format!("http://{}{}", question.host, question.target),
            headers.map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(&question.body),
        );
        let signed = request.and_then(|request| sign(request, &parameters));
        let (instructions, _) = signed.expect("what came can be signed").into_parts();
        let (headers, _) = instructions.into_parts();
        headers
            .into_iter()
            .map(|header| (header.name().to_owned(), header.value().to_owned()))
            .collect()
    }

    /// Returns what an emulator takes for the root user's: the account's number is the access key, and nobody verifies it.
    fn signature_of_root(&self, call: &Call, service: &str) -> (String, String) {
        let scope = format!(
            "{}/20261122/{}/{service}/aws4_request",
            self.account, call.region
        );
        let signature =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        ("authorization".to_owned(), signature)
    }
}
