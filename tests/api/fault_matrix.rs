//! Every call of a create and a delete × every fault: what the answer claims is what the account holds.
//!
//! `cargo test --test api -- fault_matrix --nocapture` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use crate::services::documented;
use crate::support::{Answer, Faults, TestAccount, TestApp};

/// How many cases are under way at once: most of them wait.
const AT_ONCE: usize = 40;
/// What API Gateway gives a request.
const LIMIT: Duration = Duration::from_secs(29);
/// How long AWS is silent, in milliseconds, and then does its work after all.
const SILENCE_MS: u64 = 10_000;

/// What goes wrong, in microburst's words. Those that wait come first, so that the others run beside them.
fn faults() -> Vec<(&'static str, Value)> {
    let error = |code: &str, status: u16| json!({"error": {"code": code, "status": status, "message": "injected"}});
    let times = |times: u32, mut fault: Value| {
        fault["times"] = times.into();
        fault
    };
    let silence = json!({"latency": SILENCE_MS});
    let (before, after) = (json!({"reset": true}), json!({"response": {"abort_bytes": 0}}));
    let (cut, garbage) = (json!({"response": {"truncate_frac": 0.5}}), json!({"response": {"corrupt_bytes": 100_000}}));
    vec![
        ("10 s of silence, for ever", silence.clone()),
        ("10 s of silence, once", times(1, silence)),
        ("throttled for ever", error("ThrottlingException", 400)),
        ("500 for ever", error("InternalFailure", 500)),
        ("reset before the work, for ever", before.clone()),
        ("reset after the work, for ever", after.clone()),
        ("answer cut short, for ever", cut.clone()),
        ("answer is garbage, for ever", garbage.clone()),
        ("access denied", error("AccessDeniedException", 400)),
        ("throttled twice", times(2, error("ThrottlingException", 400))),
        ("500 once", times(1, error("InternalFailure", 500))),
        ("reset before the work, once", times(1, before)),
        ("reset after the work, once", times(1, after)),
        ("answer cut short, once", times(1, cut)),
        ("answer is garbage, once", times(1, garbage)),
        ("credentials expired", times(1, error("ExpiredTokenException", 400))),
    ]
}

/// What is done while something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Story {
    Create,
    KeyedCreate,
    /// A create that AWS refuses at its last step.
    Undo,
    KeyedUndo,
    Delete,
}

impl Story {
    const ALL: [Self; 5] = [Self::Create, Self::KeyedCreate, Self::Undo, Self::KeyedUndo, Self::Delete];

    /// What is refused in any case.
    fn refusal(self) -> Option<(&'static str, Value)> {
        let no = json!({"error": {"code": "InvalidParameterException", "status": 400, "message": "no"}});
        matches!(self, Self::Undo | Self::KeyedUndo).then_some(("ecs:CreateService", no))
    }

    async fn furnish(self, account: &TestAccount) -> Value {
        let body = documented(&account.namespace().await);
        if self == Self::Delete {
            let app = TestApp::with_accounts(vec![TestAccount::of("nonprod", account.id.clone())]);
            app.post("/nonprod/services", &body).await.expect(200);
        }
        body
    }

    async fn tell(self, app: &TestApp, body: &Value) -> Answer {
        let request = match self {
            Self::Delete => app.request("DELETE", "/nonprod/services?cluster=myclu&service=webapp&recursive=true"),
            Self::Create | Self::Undo => app.request("POST", "/nonprod/services").json(body),
            Self::KeyedCreate | Self::KeyedUndo => {
                app.request("POST", "/nonprod/services").header("idempotency-key", "deploy-42").json(body)
            }
        };
        request.send().await
    }

    /// The calls of the story without a fault.
    async fn calls(self) -> BTreeSet<String> {
        let mut app = TestApp::with_faults();
        if let Some((operation, fault)) = self.refusal() {
            app.faults().inject(operation, fault);
        }
        let body = self.furnish(app.account()).await;
        let answer = self.tell(&app, &body).await;
        assert_eq!(answer.status, if self.refusal().is_some() { 400 } else { 200 }, "{}", answer.text());
        let calls: Vec<_> = app.faults().calls();
        // Of a create that is refused, only what comes after the refusal is new.
        let told = calls.iter().position(|call| self.refusal().is_some() && call == "ecs:CreateService");
        calls.into_iter().skip(told.map_or(0, |told| told + 1)).collect()
    }
}

/// One call of one story, and what happens to it.
struct Case {
    story: Story,
    operation: String,
    fault: &'static str,
    rule: Value,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// What was asked for is there, or gone, and nothing else.
    Done,
    /// The account is as it was, and the answer says why.
    AsBefore,
    /// A delete that went as far as its answer says, and that the same request finishes.
    GoesOn,
    /// Something is, or may be, left, and the answer lists it with the command that removes it.
    Listed,
}

/// The answer's status and how the case ended, or what is wrong.
type Ended = Result<(u16, End), String>;

/// Why something may stay: the only rows that may end as [`End::Listed`].
fn reason(case: &Case) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| case.fault.contains(word));
    let makes =
        ["ecs:CreateCluster", "ecs:RegisterTaskDefinition", "servicediscovery:CreateService", "ecs:CreateService"];
    match (case.story, case.operation.as_str()) {
        (Story::Create, "ecs:RegisterTaskDefinition") if is(&["reset after", "cut short", "garbage"]) => {
            Some("without a key, a revision does not say whose it is")
        }
        (Story::Create | Story::KeyedCreate, operation) if is(&["silence"]) && makes.contains(&operation) => {
            Some("AWS is still at work, and does after the answer what it did not do before")
        }
        (Story::Undo | Story::KeyedUndo, _) if is(&["for ever", "access denied"]) => {
            Some("AWS does not let it be undone, or does not say that it was")
        }
        _ => None,
    }
}

/// Everything in an account, by ARN, with its name.
async fn inventory(account: &TestAccount) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let registries = account.discovery().list_services().send().await.expect("the local AWS lists");
    let name_of = |arn: &str| {
        let registry = registries.services().iter().find(|registry| registry.arn() == Some(arn));
        let last = arn.rsplit('/').next().unwrap_or_default();
        let name = registry.and_then(|registry| registry.name()).unwrap_or(last);
        name.split(':').next().unwrap_or_default().to_owned()
    };
    for arn in account.inventory().await {
        let name = name_of(&arn);
        found.insert(arn, name);
    }
    found
}

/// Holds what an answer claims against what the account holds.
struct Claims<'c> {
    answer: &'c Value,
    before: &'c BTreeMap<String, String>,
    after: &'c BTreeMap<String, String>,
}

impl Claims<'_> {
    fn listed(&self, member: &str) -> Vec<&str> {
        let entries = self.answer[member].as_array().into_iter().flatten();
        entries.map(|entry| entry["Arn"].as_str().or(entry.as_str()).expect("an entry has an ARN")).collect()
    }

    fn of_create(&self, status: u16) -> Result<End, String> {
        let new: BTreeMap<_, _> = self.after.iter().filter(|(arn, _)| !self.before.contains_key(*arn)).collect();
        if let Some(gone) = self.before.keys().find(|arn| !self.after.contains_key(*arn)) {
            return Err(format!("{gone} was there before"));
        }
        if status == 200 {
            let parts = [
                "/Cluster/ClusterArn",
                "/TaskDefinition/TaskDefinitionArn",
                "/ServiceDiscoveryService/Arn",
                "/Service/ServiceArn",
            ];
            let answered: BTreeSet<_> = parts.iter().filter_map(|part| self.answer.pointer(part)?.as_str()).collect();
            let there: BTreeSet<_> = new.keys().map(|arn| arn.as_str()).collect();
            return if answered == there {
                Ok(End::Done)
            } else {
                Err(format!("answered {answered:?}, there {there:?}"))
            };
        }
        let (created, back, left) = (self.listed("Created"), self.listed("RolledBack"), self.listed("LeftBehind"));
        if let Some((arn, _)) =
            new.iter().find(|(arn, name)| !left.contains(&arn.as_str()) && !left.contains(&name.as_str()))
        {
            return Err(format!("{arn} is left and not listed"));
        }
        if let Some(arn) = back.iter().find(|arn| self.after.contains_key(**arn)) {
            return Err(format!("{arn} is called rolled back"));
        }
        if let Some(arn) = created.iter().find(|arn| !back.contains(arn) && !left.contains(arn)) {
            return Err(format!("{arn} was created, and nobody says what became of it"));
        }
        let commands =
            self.answer["LeftBehind"].as_array().into_iter().flatten().map(|entry| entry["Command"].as_str());
        if !commands.into_iter().all(|command| command.is_some_and(|command| command.starts_with("aws "))) {
            return Err("something is left without the command that removes it".to_owned());
        }
        Ok(if left.is_empty() { End::AsBefore } else { End::Listed })
    }

    fn of_delete(&self, status: u16) -> Result<End, String> {
        if let Some(arn) = self.listed("Deleted").into_iter().find(|arn| self.after.contains_key(*arn)) {
            return Err(format!("{arn} is called deleted"));
        }
        let is_gone = self.after.keys().all(|arn| arn.contains(":task-definition/"));
        match status {
            200 if is_gone => Ok(End::Done),
            200 => Err(format!("still there: {:?}", self.after.keys())),
            _ if self.after == self.before => Ok(End::AsBefore),
            _ => Ok(End::GoesOn),
        }
    }
}

/// Lets one case happen, and holds its answer against the account.
async fn run(case: &Case, app: &TestApp) -> Ended {
    let body = case.story.furnish(app.account()).await;
    let before = inventory(app.account()).await;
    let started = Instant::now();
    let answer = case.story.tell(app, &body).await;
    let took = started.elapsed();
    if took > LIMIT {
        return Err(format!("it took {took:?}"));
    }
    if case.fault.contains("silence") {
        // What AWS had to do for a call that nobody waits for any more, it has done by then.
        tokio::time::sleep(Duration::from_millis(SILENCE_MS)).await;
    }
    let after = inventory(app.account()).await;
    let json = if answer.status < 400 { answer.json() } else { check_problem(&answer)? };
    let claims = Claims { answer: &json, before: &before, after: &after };
    let end = match case.story {
        Story::Delete => claims.of_delete(answer.status),
        _ => claims.of_create(answer.status),
    };
    let end = end.map_err(|why| format!("{} {why}: {json}", answer.status))?;
    if end == End::Listed && reason(case).is_none() {
        return Err(format!("{} leaves something without a reason: {json}", answer.status));
    }
    if case.story == Story::Delete && end != End::Done {
        let again = case.story.tell(&app.without_faults(), &body).await;
        let left = inventory(app.account()).await;
        if !matches!(again.status, 200 | 404) || !left.keys().all(|arn| arn.contains(":task-definition/")) {
            return Err(format!("the same delete again answers {}: {left:?}", again.status));
        }
    }
    Ok((answer.status, end))
}

/// A problem has its fixed members, and says when to come back where that helps.
fn check_problem(answer: &Answer) -> Result<Value, String> {
    let problem = answer.json();
    for fixed in ["type", "title", "status", "detail", "code", "requestId", "retryable"] {
        if problem[fixed].is_null() {
            return Err(format!("{fixed} is missing: {problem}"));
        }
    }
    if matches!(answer.status, 429 | 503) && answer.header("retry-after").is_none() {
        return Err(format!("{} without Retry-After", answer.status));
    }
    Ok(problem)
}

/// What a caller must see of some faults, whatever call they hit.
fn expected(case: &Case, status: u16) -> bool {
    let is_create = matches!(case.story, Story::Create | Story::KeyedCreate);
    match case.fault {
        // The function's own credentials are Lambda's to renew.
        "credentials expired" if case.operation == "sts:AssumeRole" => status == 502,
        "throttled twice" | "credentials expired" if is_create || case.story == Story::Delete => status == 200,
        "throttled for ever" if is_create => status == if case.operation == "sts:AssumeRole" { 502 } else { 429 },
        "access denied" if is_create => status == if case.operation == "sts:AssumeRole" { 502 } else { 403 },
        _ => true,
    }
}

fn table(results: &[(Case, Ended)]) -> String {
    let mut table = String::new();
    let mut counts: BTreeMap<(Story, End), usize> = BTreeMap::new();
    for (case, result) in results {
        let Case { story, operation, fault, .. } = case;
        let said = match result {
            Ok((status, end)) => {
                *counts.entry((*story, *end)).or_default() += 1;
                let why = if *end == End::Listed { reason(case).unwrap_or_default() } else { "" };
                format!("{status} {end:?} {why}")
            }
            Err(why) => format!("WRONG: {why}"),
        };
        let _ = writeln!(table, "{:<12} {operation:<40} {fault:<32} {said}", format!("{story:?}"));
    }
    let _ = writeln!(table, "{} cases: {counts:?}", results.len());
    table
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_every_call_ends_done_or_as_before_or_is_listed() {
    let mut cases = Vec::new();
    let stories = stream::iter(Story::ALL).map(|story| async move { (story, story.calls().await) });
    let stories: Vec<_> = stories.buffered(2).collect().await;
    for (fault, rule) in faults() {
        for (story, calls) in &stories {
            let new =
                |operation: &String| Case { story: *story, operation: operation.clone(), fault, rule: rule.clone() };
            cases.extend(calls.iter().map(new));
        }
    }
    let name = |index: usize| format!("case-{index:04}");
    let mut proxy = Faults::none();
    let rules = cases.iter().enumerate().flat_map(|(index, case)| {
        let refusal = case.story.refusal().map(|(operation, rule)| (name(index), operation.to_owned(), rule));
        [Some((name(index), case.operation.clone(), case.rule.clone())), refusal].into_iter().flatten()
    });
    proxy.inject_for(rules.collect::<Vec<_>>());
    let endpoint = proxy.endpoint().to_owned();
    let runs = stream::iter(cases.into_iter().enumerate()).map(|(index, case)| {
        let (endpoint, name) = (endpoint.clone(), name(index));
        async move {
            let app = TestApp::behind(&endpoint, &name);
            let result = Box::pin(run(&case, &app)).await;
            let result = result.and_then(|(status, end)| {
                if expected(&case, status) {
                    Ok((status, end))
                } else {
                    Err(format!("{status} {end:?} is not what a caller may see of it"))
                }
            });
            (case, result)
        }
    });
    let mut results: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;
    results.sort_by(|(one, _), (other, _)| {
        (one.story, &one.operation, one.fault).cmp(&(other.story, &other.operation, other.fault))
    });
    let table = table(&results);
    println!("{table}");
    let wrong: Vec<_> = table.lines().filter(|line| line.contains("WRONG")).collect();
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), results.len(), wrong.join("\n"));
}
