//! The answers of AWS.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// An answer on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or XML where the service speaks that.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the answer of an operation that did its work.
    pub(crate) fn ok(operation: &str, output: &Value) -> Self {
        let body = match output {
            // What does not speak JSON is kept as it came.
            Value::String(text) => text.clone(),
            _ if operation == ASSUME_ROLE => session_xml(output),
            output => output.to_string(),
        };
        Self {
            status: 200,
            body: body.into_bytes(),
        }
    }
}

/// The operation of STS, which speaks XML.
pub(crate) const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Returns `true` if an operation is one of the query protocol, which answers in XML.
fn speaks_xml(operation: &str) -> bool {
    operation.starts_with("sts:") || operation.starts_with("iam:")
}

fn session_xml(output: &Value) -> String {
    let credentials = &output["Credentials"];
    let part = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let user = &output["AssumedRoleUser"];
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{}</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>",
        part(user, "AssumedRoleId"),
        part(user, "Arn"),
        part(credentials, "AccessKeyId"),
        part(credentials, "SecretAccessKey"),
        part(credentials, "SessionToken"),
        part(credentials, "Expiration"),
    )
}

/// A refusal of AWS: its code and message, and where they were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code.
    pub code: Cow<'static, str>,
    /// AWS's own message.
    pub message: Cow<'static, str>,
    /// Members beside the message.
    pub members: Map<String, Value>,
    /// The place where real AWS, or its documentation, says so.
    pub source: Cow<'static, str>,
}

impl Refusal {
    /// Makes a refusal that a test asks for.
    pub fn of(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
            members: Map::new(),
            source: "the test".into(),
        }
    }

    /// Takes another HTTP status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Adds a member beside the message.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the refusal as it is on the wire.
    pub(crate) fn answer(&self, operation: &str) -> Answer {
        let body = if speaks_xml(operation) {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>",
                self.code,
                escaped(&self.message)
            )
        } else {
            let mut body = json!({"__type": self.code, "message": self.message});
            if operation.starts_with("dynamodb:") {
                body["Message"] = self.message.as_ref().into();
            }
            crate::value::extend(&mut body, self.members.clone().into());
            body.to_string()
        };
        Answer {
            status: self.status,
            body: body.into_bytes(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A refusal whose words are always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code.
    pub code: &'static str,
    /// AWS's own message. `{}` stands for what is refused.
    pub message: &'static str,
    /// The place where real AWS, or its documentation, says so.
    pub source: &'static str,
}

impl Rule {
    /// Makes a refusal with status 400, as almost all are.
    pub(crate) const fn new(
        code: &'static str,
        message: &'static str,
        source: &'static str,
    ) -> Self {
        Self {
            status: 400,
            code,
            message,
            source,
        }
    }

    /// Refuses.
    pub(crate) fn refuse<T>(self) -> Result<T, Refusal> {
        Err(self.refusal())
    }

    /// Refuses something by name.
    pub(crate) fn refuse_naming<T>(self, names: &[&str]) -> Result<T, Refusal> {
        Err(self.naming(names))
    }

    /// Returns the refusal.
    pub(crate) fn refusal(self) -> Refusal {
        self.naming(&[])
    }

    /// Returns the refusal with what is refused in the places of `{}`.
    pub(crate) fn naming(self, names: &[&str]) -> Refusal {
        let mut message = self.message.to_owned();
        for name in names {
            message = message.replacen("{}", name, 1);
        }
        Refusal {
            status: self.status,
            code: self.code.into(),
            message: message.into(),
            members: Map::new(),
            source: self.source.into(),
        }
    }
}
