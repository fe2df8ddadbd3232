//! What must hold for any input whatsoever: `make fuzz` looks for one for which it does not. The same checks hold the
//! checked-in corpus in `make test`, where `tests/api/fuzz_corpus.rs` includes this file.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ecs_api::app::App;
use ecs_api::aws::Accounts;
use ecs_api::config::Config;
use ecs_api::ids::{ClusterName, Home, RegistryId, RoleArn, ServiceName, TaskDefinitionName, TaskId};
use ecs_api::routes::{ROUTES, Routes};
use ecs_api::wire::findings::{Findings, Unknown};
use ecs_api::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput, RunTaskInput,
    UpdateServiceInput,
};
use ecs_api::wire::json;
use ecs_api::wire::read::{Input, read};
use ecs_api::wire::write::write;
use lambda_http::{Context, LambdaEvent};
use serde_json::Value;

/// Any event is answered, or refused as of no known kind; an answer has a status, and a problem its fixed members.
pub fn events(input: &[u8]) {
    static APP: OnceLock<App> = OnceLock::new();
    let Ok(event) = serde_json::from_slice::<Value>(input) else { return };
    let app = APP.get_or_init(|| {
        // Nobody may call, so that nothing is asked of AWS.
        let accounts = r#"{"accounts": {"nonprod": {"roleArn": "arn:aws:iam::111122223333:role/ecs-api", "region": "us-east-1"}}}"#;
        let config = Config::parse(accounts.as_bytes()).expect("the configuration is valid");
        let clients = Accounts::new(BTreeMap::new(), aws_config::SdkConfig::builder().build());
        App::new(config, clients)
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut context = Context::default();
    context.request_id.push_str("00000000-0000-4000-8000-000000000001");
    let Ok(answer) = runtime.block_on(app.handle(LambdaEvent::new(event, context))) else { return };
    let Some(status) = answer.get("statusCode").or_else(|| answer.get("status")).and_then(Value::as_u64) else {
        // A batch of the queue is answered with what of it failed.
        assert!(answer["batchItemFailures"].is_array(), "{answer}");
        return;
    };
    assert!((200..600).contains(&status) && status != 500, "{answer}");
    // A direct invocation is answered with JSON, every other way with a text.
    let body = match &answer["body"] {
        Value::String(text) => serde_json::from_str::<Value>(text).ok(),
        body => Some(body.clone()),
    };
    if status >= 400
        && let Some(problem) = body.filter(Value::is_object)
    {
        for fixed in ["type", "title", "status", "detail", "code", "requestId", "retryable"] {
            assert!(!problem[fixed].is_null(), "{fixed} is missing: {problem}");
        }
        assert!(!problem["detail"].as_str().unwrap_or_default().contains(char::is_control), "{problem}");
    }
}

/// A body that can be read is written so that it reads the same; what is wrong with another can be said.
pub fn bodies(input: &[u8]) {
    let Some((kind, text)) = input.split_first() else { return };
    let Ok(value) = json::parse(text) else { return };
    let unknown = if kind & 0x80 == 0 { Unknown::Refuse } else { Unknown::Ignore };
    match kind % 6 {
        0 => body::<CreateClusterInput>(&value, unknown),
        1 => body::<RegisterTaskDefinitionInput>(&value, unknown),
        2 => body::<CreateServiceInput>(&value, unknown),
        3 => body::<UpdateServiceInput>(&value, unknown),
        4 => body::<RunTaskInput>(&value, unknown),
        _ => body::<CreateRegistryInput>(&value, unknown),
    }
}

fn body<T: Input>(value: &Value, unknown: Unknown) {
    let mut findings = Findings::new(unknown);
    let read_once = read::<T>(value, "", &mut findings);
    match (read_once, findings.finish()) {
        (Some(input), Ok(_)) => {
            let written = write(&input).expect("what was read can be written");
            let mut findings = Findings::new(Unknown::Refuse);
            let again = read::<T>(&written, "", &mut findings);
            assert_eq!(findings.finish(), Ok(Vec::new()), "{written}");
            let again = again.expect("what was written can be read");
            assert_eq!(write(&again).expect("what was read can be written"), written);
        }
        (_, Err(problems)) => {
            for problem in problems {
                assert!(!problem.message.is_empty(), "{problem:?}");
                assert!(
                    !problem.message.contains(char::is_control) && !problem.path.contains(char::is_control),
                    "{problem:?}"
                );
            }
        }
        (None, Ok(_)) => panic!("neither a value nor a problem: {value}"),
    }
}

/// A configuration is taken, or refused in words.
pub fn config(input: &[u8]) {
    if let Err(error) = Config::parse(input) {
        assert!(!error.to_string().is_empty());
    }
}

/// A path leads somewhere or nowhere, and what it names is an identifier of AWS's syntax or refused.
pub fn paths(input: &[u8]) {
    static ROUTING: OnceLock<Routes> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(input) else { return };
    let routes = ROUTING.get_or_init(|| Routes::new(ROUTES).expect("the route table is checked by a test"));
    if let Ok(found) = routes.find(text) {
        assert!(!found.allow().is_empty());
        for name in ["account", "cluster", "service", "task", "taskdef", "id"] {
            ids(found.parameter(name));
        }
    }
    ids(text);
}

fn ids(text: &str) {
    let home = Home { account_id: "111122223333".to_owned(), region: "us-east-1".to_owned() };
    let is_plain = |id: &str, also: &str| {
        assert!(!id.is_empty() && id.len() <= 300, "{id}");
        assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric() || also.contains(letter)), "{id}");
    };
    if let Ok(id) = ClusterName::parse(text, &home) {
        is_plain(id.as_str(), "-_");
        if let Ok(id) = ServiceName::parse(text, &home, &id) {
            is_plain(id.as_str(), "-_");
        }
        if let Ok(id) = TaskId::parse(text, &home, &id) {
            is_plain(id.as_str(), "-_");
        }
    }
    if let Ok(id) = TaskDefinitionName::parse(text, &home) {
        is_plain(id.as_str(), "-_:");
    }
    if let Ok(id) = RegistryId::parse(text, &home) {
        is_plain(id.as_str(), "-");
    }
    if let Ok(role) = RoleArn::parse(text) {
        assert_eq!(role.account_id().len(), 12);
    }
}
