//! The checks of any input whatsoever: `make fuzz` looks for one that fails them. The same checks run on the checked-in
//! corpus in `make test`, where `tests/api/fuzz_corpus.rs` includes this file.

mod answer;
mod ending;
mod function;
mod script;
mod sent;
mod world;

use std::sync::OnceLock;

use ecs_api::api::parameters::OF_PATHS;
use ecs_api::config::Config;
use ecs_api::ids::{
    AccountRegion, ClusterName, RegistryId, RoleArn, ServiceName, TaskDefinitionName, TaskId,
};
use ecs_api::router::Router;
use ecs_api::routes::ROUTES;
use ecs_api::wire::inputs::{
    CreateClusterInput, CreateRegistryInput, CreateServiceInput, RegisterTaskDefinitionInput,
    RunTaskInput, UpdateServiceInput,
};
use ecs_api::wire::json;
use ecs_api::wire::read::{Input, read};
use ecs_api::wire::validation::{Unknown, Validation};
use ecs_api::wire::write::write;
use serde_json::Value;

use self::ending::Ending;
use self::function::{EXTERNAL_ID, Function};
use self::script::{Repeated, Script};
use self::sent::Sent;

/// Lambda's ids of the invocations.
const RUNS: [&str; 2] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
];

/// Any event is answered, or refused as of no known kind. A line `---` and a [`Script`] may follow the event.
pub fn events(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (event, script) = split(text);
    let Ok(event) = serde_json::from_str::<Value>(event) else {
        return;
    };
    let work = async {
        Function::new(&Script::parse(script))
            .invoke(event, RUNS[0])
            .await
    };
    let (answer, log) = function::run(work);
    answer::check_log(&log, &[]);
    if let Ok(answer) = answer {
        answer::check(&answer);
        assert!(
            text.contains(EXTERNAL_ID) || !answer.to_string().contains(EXTERNAL_ID),
            "{answer}"
        );
    }
}

/// Any request is answered in its time, whatever AWS does, tells no secrets, and claims what is so. After a line `---` a
/// [`Script`] says what AWS does.
pub fn requests(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (request, script) = split(text);
    let (Some(sent), script) = (Sent::parse(request), Script::parse(script)) else {
        return;
    };
    let mut secrets = sent.secrets(text);
    secrets.extend((!text.contains(EXTERNAL_ID)).then(|| EXTERNAL_ID.to_owned()));
    let (ending, log) = function::run(Box::pin(ending(&sent, &script)));
    answer::check_log(&log, &secrets);
    for answer in &ending.answers {
        let is_problem = answer::check(answer).is_some_and(|body| body["code"].is_string());
        let told = secrets
            .iter()
            .find(|secret| is_problem && answer.to_string().contains(secret.as_str()));
        assert_eq!(told, None, "{answer}");
    }
    if script.is_truthful() {
        ending.check(&log);
    }
}

/// Sends the request as often as the script says.
async fn ending(sent: &Sent<'_>, script: &Script) -> Ending {
    let function = Function::new(script);
    let before = function.things();
    let answer = async |run| {
        function
            .invoke(sent.invocation(), run)
            .await
            .expect("a direct invocation is answered")
    };
    let answers = match script.repeated {
        None => vec![answer(RUNS[0]).await],
        Some(Repeated::Again) => vec![answer(RUNS[0]).await, answer(RUNS[1]).await],
        Some(Repeated::Twin) => {
            let (first, second) = tokio::join!(answer(RUNS[0]), answer(RUNS[1]));
            vec![first, second]
        }
    };
    Ending {
        is_keyed: sent.is_keyed(),
        answers,
        before,
        after: function.things(),
    }
}

/// Splits a text at its first line `---`.
fn split(text: &str) -> (&str, &str) {
    text.split_once("\n---\n").unwrap_or((text, ""))
}

/// A body that can be read is written so that it reads the same; what is wrong with another can be said.
pub fn bodies(input: &[u8]) {
    let Some((kind, text)) = input.split_first() else {
        return;
    };
    let Ok(value) = json::parse(text) else { return };
    let unknown = if kind & 0x80 == 0 {
        Unknown::Refuse
    } else {
        Unknown::Ignore
    };
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
    let mut validation = Validation::new(unknown);
    let read_once = read::<T>(value, "", &mut validation);
    match validation.finish_with(read_once) {
        Ok((input, _)) => {
            let written = write(&input).expect("what was read can be written");
            let mut validation = Validation::new(Unknown::Refuse);
            let again = read::<T>(&written, "", &mut validation);
            let (again, dropped) = validation
                .finish_with(again)
                .expect("what was written can be read");
            assert_eq!(dropped, Vec::<String>::new(), "{written}");
            assert_eq!(
                write(&again).expect("what was read can be written"),
                written
            );
        }
        Err(problems) => {
            assert!(
                !problems.is_empty(),
                "neither a value nor a problem: {value}"
            );
            for problem in problems {
                assert!(!problem.message.is_empty(), "{problem:?}");
                assert!(
                    !problem.message.contains(char::is_control)
                        && !problem.path.contains(char::is_control),
                    "{problem:?}"
                );
            }
        }
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
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let router =
        ROUTER.get_or_init(|| Router::new(&ROUTES).expect("the route table is checked by a test"));
    if let Ok(found) = router.find(text) {
        assert!(!found.allow().is_empty());
        for parameter in OF_PATHS {
            ids(found.parameter(parameter.name));
        }
    }
    ids(text);
}

fn ids(text: &str) {
    let region = AccountRegion {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let is_plain = |id: &str, also: &str| {
        assert!(!id.is_empty() && id.len() <= 300, "{id}");
        assert!(
            id.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || also.contains(letter)),
            "{id}"
        );
    };
    if let Ok(id) = ClusterName::parse(text, &region) {
        is_plain(id.as_str(), "-_");
        if let Ok(id) = ServiceName::parse(text, &region, &id) {
            is_plain(id.as_str(), "-_");
        }
        if let Ok(id) = TaskId::parse(text, &region, &id) {
            is_plain(id.as_str(), "-_");
        }
    }
    if let Ok(id) = TaskDefinitionName::parse(text, &region) {
        is_plain(id.as_str(), "-_:");
    }
    if let Ok(id) = RegistryId::parse(text, &region) {
        is_plain(id.as_str(), "-");
    }
    if let Ok(role) = RoleArn::parse(text) {
        assert_eq!(role.account_id().len(), 12);
    }
}
