//! AWS's codes and messages → the kinds of failure that callers can tell apart. A code of AWS that is answered with the
//! wrong status gets another kind here; [`problem`](crate::problem) has the status of each kind.

/// The kinds of failure that callers can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The account's role could not be assumed.
    AssumeRole,
    /// STS was not there to be asked, or had too much to do; the call was never made.
    NoSession,
    /// The role lacks a permission.
    AccessDenied,
    /// AWS has blocked the account.
    Blocked,
    /// The resource does not exist.
    NotFound,
    /// The resource's state, or another resource, is in the way.
    Conflict,
    /// A service of that name is still draining: the name is free again in a while.
    Draining,
    /// Something that was just made has not reached all of AWS yet: a role that can't be assumed, for example.
    NotReady,
    /// AWS does not accept what was asked.
    Invalid,
    /// Too many calls, after the SDK's own retries.
    Throttled,
    /// There is no Fargate capacity at the moment.
    NoCapacity,
    /// AWS failed, or answered nonsense, after the SDK's own retries.
    Unavailable,
    /// AWS did not answer in time.
    TimedOut,
}

impl Kind {
    /// Returns `true` if the same call may succeed after a while, without anybody doing anything.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::NoSession
                | Self::Conflict
                | Self::Draining
                | Self::NotReady
                | Self::Throttled
                | Self::NoCapacity
                | Self::Unavailable
                | Self::TimedOut
        )
    }

    /// Returns `true` if AWS may have done the work although the call failed.
    pub fn leaves_outcome_unknown(self) -> bool {
        matches!(self, Self::Unavailable | Self::TimedOut)
    }
}

/// Returns the kind of a refusal, by AWS's code; by the message where AWS puts several under one code.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/cloud-map/latest/api/CommonErrors.html>, and each operation's own list.
pub(super) fn classify(code: Option<&str>, message: &str, status: Option<u16>) -> Kind {
    // EC2's throttling comes as 503, also through services that call it.
    if code.is_some_and(is_throttling) || status == Some(429) {
        return Kind::Throttled;
    }
    let is_client_error = status.is_some_and(|status| (400..500).contains(&status));
    let Some(code) = code.filter(|_| is_client_error) else {
        return Kind::Unavailable;
    };
    // SQS puts the service that refused before the code: `KMS.AccessDeniedException`.
    match code.rsplit('.').next().unwrap_or(code) {
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "OptInRequired" => Kind::AccessDenied,
        "BlockedException" => Kind::Blocked,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature" => Kind::AssumeRole,
        "ResourceInUse"
        | "UpdateInProgressException"
        | "ServiceNotActiveException"
        | "ConflictException"
        | "DuplicateRequest"
        | "ConditionalCheckFailedException"
        | "OperationAbortedException"
        | "ResourceLimitExceeded"
        | "LimitExceededException"
        | "ServiceQuotaExceededException"
        | "ResourceInUseException" => Kind::Conflict,
        "ServerException" | "InternalFailure" | "InternalServerError" | "ServiceUnavailable" => {
            Kind::Unavailable
        }
        "RequestTimeout" | "RequestTimeoutException" => Kind::TimedOut,
        "QueueDoesNotExist" | "NonExistentQueue" | "NoSuchEntity" => Kind::NotFound,
        code if code.contains("NotFound") => Kind::NotFound,
        code if code.contains("AlreadyExists") => Kind::Conflict,
        code if code.starts_with("ClusterContains") => Kind::Conflict,
        _ => classify_by_message(message),
    }
}

/// Returns `true` if AWS's code says that it was called too often.
pub(in crate::aws) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ProvisionedThroughputExceededException"
            | "SlowDown"
    )
}

/// Messages of the codes that stand for many things, `ClientException` and `InvalidParameterException`: each is a part
/// of AWS's text in lower case, and the first that fits decides.
///
/// Most were captured (`tests/fixtures/aws_captured.json`). The others are from
/// <https://github.com/dask/dask-cloudprovider/issues/56> (a limit of EC2 behind ECS),
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html> and
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>.
const MESSAGES: &[(&str, Kind)] = &[
    ("still draining", Kind::Draining),
    ("not idempotent", Kind::Conflict),
    ("this idempotent request are inconsistent", Kind::Conflict),
    ("deployments are active", Kind::Conflict),
    ("in the process of being deleted", Kind::Conflict),
    ("was not active", Kind::Conflict),
    ("cluster is inactive", Kind::Conflict),
    ("task is stopped", Kind::Conflict),
    ("still in active status", Kind::Conflict),
    ("scaled above 0", Kind::Conflict),
    ("you've reached the limit", Kind::Conflict),
    ("request limit exceeded", Kind::Throttled),
    ("requestlimitexceeded", Kind::Throttled),
    ("rate exceeded", Kind::Throttled),
    ("too many concurrent attempts", Kind::Throttled),
    ("unable to assume the service linked role", Kind::NotReady),
    ("ecs was unable to assume the role", Kind::NotReady),
    ("capacity is unavailable", Kind::NoCapacity),
    // A container that the task definition lacks is the caller's mistake, although the rest of the sentence says that
    // something of a task definition does not exist.
    ("container", Kind::Invalid),
    ("unable to describe task definition", Kind::NotFound),
    ("taskdefinition not found", Kind::NotFound),
    ("task definition not found", Kind::NotFound),
    ("task definition does not exist", Kind::NotFound),
    ("task was not found", Kind::NotFound),
];

fn classify_by_message(message: &str) -> Kind {
    let message = message.to_ascii_lowercase();
    MESSAGES
        .iter()
        .find(|(text, _)| message.contains(text))
        .map_or(Kind::Invalid, |(_, kind)| *kind)
}

/// Returns `true` if AWS says under a code of something else that it was called too often.
pub(in crate::aws) fn is_throttling_in_disguise(code: &str, message: &str) -> bool {
    matches!(code, "ClientException" | "InvalidParameterException")
        && classify_by_message(message) == Kind::Throttled
}

/// Returns the kind of a failure that AWS reports within a success, by its reason.
pub(super) fn kind_of_failure(reason: &str) -> Kind {
    match reason {
        "MISSING" | "TASK_DEFINITION_NOT_FOUND" => Kind::NotFound,
        reason => classify_by_message(reason),
    }
}

/// Returns AWS's message, or words for a refusal that AWS leaves without any, as `DeleteService` of a service that is
/// not there.
pub(super) fn in_words(message: &str, code: Option<&str>, kind: Kind) -> String {
    if !message.trim().is_empty() {
        return message.to_owned();
    }
    let code = code.unwrap_or_default();
    let thing = code.strip_suffix("Exception").unwrap_or(code);
    match (kind, thing.strip_suffix("NotFound")) {
        (Kind::NotFound, Some(thing)) if !thing.is_empty() => {
            format!("there is no such {}", spaced(thing))
        }
        _ if code.is_empty() => "AWS says nothing of why".to_owned(),
        _ => format!("AWS says nothing but `{code}`"),
    }
}

/// Puts spaces between words: `TaskSet` → `task set`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests;
