//! Every call of a create and a delete × every fault: what the answer claims is what the account holds, and what was
//! there before survives.
//!
//! `cargo test --test api -- fault_matrix --nocapture` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use fake_aws::{FakeAws, Fault, Work};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::services::{arns, documented};
use crate::support::{Answer, TestApp};

/// The number of threads, each with a clock of its own.
const THREADS: usize = 2;
/// The number of cases of a thread that are under way at once.
const AT_ONCE: usize = 40;
/// The time that API Gateway gives a request.
const LIMIT: Duration = Duration::from_secs(29);
/// The time for which AWS is silent before it does its work after all.
const SILENCE: Duration = Duration::from_secs(10);
/// The time from the failure of a call until AWS does it after all.
const LATE: Duration = Duration::from_millis(1_500);
/// The time for which the record of a request is its own: as long as API Gateway waits, and calls in flight may take.
const LEASE: Duration = Duration::from_secs(35);
/// The namespace of every account.
const NAMESPACE: &str = "ns-y3uaw6neshhbev3f";

/// A fault of a call, and how often it comes.
#[derive(Debug, Clone)]
struct Wrong {
    fault: Fault,
    times: u64,
}

/// Returns the faults, by name. Those that wait come first, so that the others run beside them.
fn faults() -> Vec<(&'static str, Wrong)> {
    let ever = |fault| Wrong {
        fault,
        times: u64::MAX,
    };
    let once = |fault| Wrong { fault, times: 1 };
    let twice = |fault| Wrong { fault, times: 2 };
    let refused = |code| Fault::refuse(code, "injected");
    let silence = || Fault::delay(SILENCE);
    vec![
        ("10 s of silence, for ever", ever(silence())),
        ("10 s of silence, once", once(silence())),
        ("throttled for ever", ever(refused("ThrottlingException"))),
        ("500 for ever", ever(Fault::fail(500))),
        ("reset before the work, for ever", ever(Fault::reset())),
        (
            "reset after the work, for ever",
            ever(Fault::reset().after_work()),
        ),
        ("answer cut short, for ever", ever(Fault::first_half())),
        ("answer is garbage, for ever", ever(Fault::garbage())),
        ("access denied", ever(refused("AccessDeniedException"))),
        ("throttled twice", twice(refused("ThrottlingException"))),
        ("500 once", once(Fault::fail(500))),
        ("reset before the work, once", once(Fault::reset())),
        (
            "reset after the work, once",
            once(Fault::reset().after_work()),
        ),
        ("answer cut short, once", once(Fault::first_half())),
        ("answer is garbage, once", once(Fault::garbage())),
        (
            "credentials expired",
            once(refused("ExpiredTokenException")),
        ),
        (
            "500 once, before the work",
            once(Fault::fail(500).and_work_later(LATE)),
        ),
        (
            "reset once, before the work",
            once(Fault::reset().and_work_later(LATE)),
        ),
    ]
}

/// The work that is under way while something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Story {
    Create,
    KeyedCreate,
    /// A create that AWS refuses at its last step.
    Undo,
    KeyedUndo,
    Delete,
    /// Two identical creates at the same moment; only the first meets the fault.
    Twins,
    /// The same, and AWS refuses the first one's last step.
    TwinsUndo,
}

impl Story {
    const ALL: [Self; 7] = [
        Self::Create,
        Self::KeyedCreate,
        Self::Undo,
        Self::KeyedUndo,
        Self::Delete,
        Self::Twins,
        Self::TwinsUndo,
    ];

    fn is_create(self) -> bool {
        matches!(self, Self::Create | Self::KeyedCreate | Self::Twins)
    }

    fn is_keyed(self) -> bool {
        matches!(
            self,
            Self::KeyedCreate | Self::KeyedUndo | Self::Twins | Self::TwinsUndo
        )
    }

    fn has_twin(self) -> bool {
        matches!(self, Self::Twins | Self::TwinsUndo)
    }

    /// Returns `true` if AWS refuses the service in any case.
    fn is_refused(self) -> bool {
        !self.is_create() && self != Self::Delete
    }

    fn refuse_service(self, aws: &FakeAws) {
        if self.is_refused() {
            aws.on("ecs:CreateService")
                .meets(Fault::refuse("InvalidParameterException", "no"));
        }
    }

    /// The function. A delete has no queue here: `cleanup.rs` has what the queue goes on with.
    fn app(self) -> TestApp {
        let app = TestApp::scripted_with_logs();
        match self {
            Self::Delete => app.scripted_without_stack(),
            _ => app,
        }
    }

    async fn furnish(self, app: &TestApp) -> Value {
        furnish_account(app.aws(), &app.account().id);
        let body = documented(NAMESPACE);
        if self == Self::Delete {
            let other = app.scripted_twin();
            other.post("/nonprod/services", &body).await.expect(200);
        }
        body
    }

    async fn tell(self, app: &TestApp, body: &Value) -> Answer {
        if self == Self::Delete {
            return app
                .delete("/nonprod/services?cluster=myclu&service=webapp&recursive=true")
                .await;
        }
        let request = app.request("POST", "/nonprod/services").json(body);
        let request = if self.is_keyed() {
            request.header("idempotency-key", "deploy-42")
        } else {
            request
        };
        request.send().await
    }

    /// The calls of the story without a fault.
    async fn calls(self) -> BTreeSet<String> {
        let app = self.app();
        self.refuse_service(app.aws());
        let body = self.furnish(&app).await;
        let answer = self.tell(&app, &body).await;
        let status = if self.is_refused() { 400 } else { 200 };
        assert_eq!(answer.status, status, "{}", answer.text());
        let calls = app.aws().operations();
        // Of a create that is refused, only what comes after the refusal is new.
        let told = calls
            .iter()
            .position(|call| self.is_refused() && call == "ecs:CreateService");
        calls
            .into_iter()
            .skip(told.map_or(0, |told| told + 1))
            .collect()
    }
}

/// Puts in a namespace, and what is no part of any story and must survive each: a cluster with a service, a revision of
/// the story's own family, and a registry in the namespace.
fn furnish_account(aws: &FakeAws, account: &str) {
    aws.put_namespace(account, NAMESPACE, "demo.internal");
    let family = json!({"family": "mytaskdef", "containerDefinitions": [{"name": "app", "image": "nginx:alpine"}]});
    let service = json!({"cluster": "bystander", "serviceName": "webapp", "taskDefinition": "mytaskdef:1",
        "desiredCount": 0});
    let registry = json!({"Name": "bystander", "NamespaceId": NAMESPACE});
    for (operation, input) in [
        ("ecs:CreateCluster", json!({"clusterName": "bystander"})),
        ("ecs:RegisterTaskDefinition", family),
        ("ecs:CreateService", service),
        ("servicediscovery:CreateService", registry),
    ] {
        let put = aws.put(account, operation, &input);
        put.expect("nothing is in the way in an empty account");
    }
}

/// One call of one story, and what happens to it.
struct Case {
    story: Story,
    operation: String,
    fault: &'static str,
    how: Wrong,
}

impl Case {
    /// Returns `true` if the SDK's own retries don't get over it.
    fn is_lasting(&self) -> bool {
        let lasting = ["for ever", "denied", "silence", "expired", "garbage"];
        lasting.iter().any(|word| self.fault.contains(word))
    }
}

/// The end of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The thing that was asked for is there, or gone, and nothing else.
    Done,
    /// The account is as it was, and the answer says why.
    AsBefore,
    /// A delete that went as far as its answer says, and that the same request finishes.
    GoesOn,
    /// Something is, or may be, left, and the answer lists it with the command that removes it.
    Listed,
}

/// The answer's status and how the case ended, or what is wrong.
type CaseResult = Result<(u16, End), String>;

/// Returns why something may stay: only these rows may end as [`End::Listed`].
fn reason(case: &Case) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| case.fault.contains(word));
    let makes = [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "logs:CreateLogGroup",
        "ecs:CreateService",
    ];
    match case.story {
        _ if case.operation == "logs:PutRetentionPolicy" => {
            Some("the service is there, and its log group is kept for ever as yet")
        }
        story
            if story.is_create()
                && is(&["silence"])
                && makes.contains(&case.operation.as_str()) =>
        {
            Some("AWS is still at work, and does after the answer what it did not do before")
        }
        Story::Undo | Story::KeyedUndo | Story::TwinsUndo if is(&["for ever", "access denied"]) => {
            Some("AWS does not let it be undone, or does not say that it was")
        }
        Story::Twins if is(&["for ever", "access denied"]) => Some(
            "the other run made it and had not taken it back yet, or AWS does not say whether it is used",
        ),
        Story::Twins | Story::TwinsUndo => {
            Some("the other run made it, and had not taken it back yet")
        }
        _ => None,
    }
}

/// Everything in an account, by ARN, with its name.
fn inventory(app: &TestApp) -> BTreeMap<String, String> {
    let things = app.aws().things(&app.account().id).into_iter();
    things.map(|thing| (thing.arn, thing.name)).collect()
}

/// Holds what an answer claims against what the account holds.
#[derive(Clone, Copy)]
struct Claims<'c> {
    answer: &'c Value,
    before: &'c BTreeMap<String, String>,
    after: &'c BTreeMap<String, String>,
}

impl Claims<'_> {
    fn listed(&self, member: &str) -> Vec<&str> {
        let entries = self.answer[member].as_array().into_iter().flatten();
        entries
            .map(|entry| {
                entry["Arn"]
                    .as_str()
                    .or(entry.as_str())
                    .expect("an entry has an ARN")
            })
            .collect()
    }

    /// The ARNs of the four parts of a create's answer, and of the log group that it does not name.
    fn parts(&self) -> Result<BTreeSet<String>, String> {
        let parts = [
            "Cluster",
            "TaskDefinition",
            "ServiceDiscoveryService",
            "Service",
        ];
        if let Some(missing) = parts.iter().find(|part| self.answer[**part].is_null()) {
            return Err(format!("200 without {missing}"));
        }
        let groups = self.after.keys().filter(|arn| arn.contains(":log-group:"));
        Ok(arns(self.answer)
            .into_iter()
            .chain(groups.cloned())
            .collect())
    }

    fn of_create(&self, status: u16) -> Result<End, String> {
        let new: BTreeMap<_, _> = self
            .after
            .iter()
            .filter(|(arn, _)| !self.before.contains_key(*arn))
            .collect();
        if let Some(gone) = self
            .before
            .keys()
            .find(|arn| !self.after.contains_key(*arn))
        {
            return Err(format!("{gone} was there before"));
        }
        if status == 200 {
            let answered = self.parts()?;
            let there: BTreeSet<_> = new.keys().map(|arn| (*arn).clone()).collect();
            return if answered == there {
                Ok(End::Done)
            } else {
                Err(format!("answered {answered:?}, there {there:?}"))
            };
        }
        let (created, back, left) = (
            self.listed("Created"),
            self.listed("RolledBack"),
            self.listed("LeftBehind"),
        );
        if let Some((arn, _)) = new
            .iter()
            .find(|(arn, name)| !left.contains(&arn.as_str()) && !left.contains(&name.as_str()))
        {
            return Err(format!("{arn} is left and not listed"));
        }
        if let Some(arn) = back.iter().find(|arn| self.after.contains_key(**arn)) {
            return Err(format!("{arn} is called rolled back"));
        }
        if let Some(arn) = created
            .iter()
            .find(|arn| !back.contains(arn) && !left.contains(arn))
        {
            return Err(format!(
                "{arn} was created, and nobody says what became of it"
            ));
        }
        let commands = self.answer["LeftBehind"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| entry["Command"].as_str());
        if !commands
            .into_iter()
            .all(|command| command.is_some_and(|command| command.starts_with("aws ")))
        {
            return Err("something is left without the command that removes it".to_owned());
        }
        Ok(if left.is_empty() {
            End::AsBefore
        } else {
            End::Listed
        })
    }

    /// Of two identical creates: what one answers is there, the other answers the same or fails, and what is there besides
    /// is listed by one of them.
    fn of_twins(&self, status: u16, twin: (u16, &Value)) -> Result<End, String> {
        let new: BTreeMap<_, _> = self
            .after
            .iter()
            .filter(|(arn, _)| !self.before.contains_key(*arn))
            .collect();
        if let Some(gone) = self
            .before
            .keys()
            .find(|arn| !self.after.contains_key(*arn))
        {
            return Err(format!("{gone} was there before"));
        }
        // The other one meets no fault but this one's undo.
        if twin.0 != 200 && twin.1["retryable"] != true {
            return Err(format!(
                "the other answers {}, and that it is final",
                twin.0
            ));
        }
        let other = Claims {
            answer: twin.1,
            ..*self
        };
        let mut answered = BTreeSet::new();
        for (status, claims) in [(status, self), (twin.0, &other)] {
            if status == 200 {
                let parts = claims.parts()?;
                if !answered.is_empty() && parts != answered {
                    return Err(format!("the twins answer {parts:?} and {answered:?}"));
                }
                answered = parts;
            }
        }
        if let Some(gone) = answered.iter().find(|arn| !new.contains_key(arn)) {
            return Err(format!("{gone} is answered and not there"));
        }
        let left: Vec<_> = [self, &other]
            .iter()
            .flat_map(|claims| claims.listed("LeftBehind"))
            .collect();
        let mut besides = new
            .iter()
            .filter(|(arn, _)| !answered.contains(**arn))
            .peekable();
        let is_done = besides.peek().is_none() && !answered.is_empty();
        if let Some((arn, _)) = besides
            .find(|(arn, name)| !left.contains(&arn.as_str()) && !left.contains(&name.as_str()))
        {
            return Err(format!("{arn} is left and not listed"));
        }
        Ok(if is_done {
            End::Done
        } else if left.is_empty() {
            End::AsBefore
        } else {
            End::Listed
        })
    }

    /// Returns the account's things once the delete is done.
    fn without_the_service(&self) -> BTreeMap<String, String> {
        let is_of_story = |arn: &str, name: &str| {
            arn.ends_with(":cluster/myclu")
                || arn.ends_with(":service/myclu/webapp")
                || name == "www"
        };
        let stays = self
            .before
            .iter()
            .filter(|(arn, name)| !is_of_story(arn, name));
        stays
            .map(|(arn, name)| (arn.clone(), name.clone()))
            .collect()
    }

    fn of_delete(&self, status: u16) -> Result<End, String> {
        if let Some(arn) = self
            .listed("Deleted")
            .into_iter()
            .find(|arn| self.after.contains_key(*arn))
        {
            return Err(format!("{arn} is called deleted"));
        }
        let stays = self.without_the_service();
        if let Some(gone) = stays.keys().find(|arn| !self.after.contains_key(*arn)) {
            return Err(format!("{gone} is no part of it"));
        }
        match status {
            200 if *self.after == stays => Ok(End::Done),
            200 => Err(format!("still there: {:?}", self.after.keys())),
            _ if self.after == self.before => Ok(End::AsBefore),
            _ => {
                let told = [self.listed("Deleted"), self.listed("Pending")].concat();
                // AWS did it without saying so; the same delete again says it.
                let is_told =
                    |arn: &&String| told.contains(&arn.as_str()) || self.answer["code"].is_string();
                match self
                    .before
                    .keys()
                    .filter(|arn| !self.after.contains_key(*arn))
                    .find(|arn| !is_told(arn))
                {
                    Some(arn) => Err(format!("{arn} is gone, and nobody says so")),
                    None => Ok(End::GoesOn),
                }
            }
        }
    }
}

/// Lets one case happen, and holds its answer against the account.
async fn run(case: &Case, app: &TestApp, twin: &TestApp) -> CaseResult {
    let body = case.story.furnish(app).await;
    let before = inventory(app);
    let started = Instant::now();
    let (answer, other) = tokio::join!(case.story.tell(app, &body), async {
        if case.story.has_twin() {
            Some(case.story.tell(twin, &body).await)
        } else {
            None
        }
    });
    let took = started.elapsed();
    if took > LIMIT {
        return Err(format!("it took {took:?}"));
    }
    wait_for_aws(case).await;
    let after = inventory(app);
    let json = check_answer(&answer)?;
    let claims = Claims {
        answer: &json,
        before: &before,
        after: &after,
    };
    let end = match (case.story, &other) {
        (Story::Delete, _) => claims.of_delete(answer.status),
        (_, Some(other)) => claims.of_twins(answer.status, (other.status, &check_answer(other)?)),
        (_, None) => claims.of_create(answer.status),
    };
    let end = end.map_err(|why| {
        let other = other
            .as_ref()
            .map(|other| format!(", the other {} {}", other.status, other.text()));
        format!(
            "{} {why}: {json}{}",
            answer.status,
            other.unwrap_or_default()
        )
    })?;
    if end == End::Listed && reason(case).is_none() {
        return Err(format!(
            "{} leaves something without a reason: {json}",
            answer.status
        ));
    }
    check_repetition(case, app, &body, &claims, &answer, end).await?;
    Ok((answer.status, end))
}

/// Waits until AWS has done what it does for a call that nobody waits for any more.
async fn wait_for_aws(case: &Case) {
    let fault = &case.how.fault;
    let later = match fault.work {
        Work::Later(later) => later,
        Work::Before | Work::Never => Duration::ZERO,
    };
    sleep(later + fault.delay).await;
}

/// Checks a request that calls itself repeatable: sent again, without the fault, it ends as it should, with nothing
/// twice.
async fn check_repetition(
    case: &Case,
    app: &TestApp,
    body: &Value,
    claims: &Claims<'_>,
    answer: &Answer,
    end: End,
) -> Result<(), String> {
    let is_retryable = claims.answer["retryable"] == true;
    let is_final = case.fault == "access denied" || case.operation == "sts:AssumeRole";
    if end == End::AsBefore && matches!(answer.status, 429 | 502..) && !is_final && !is_retryable {
        return Err(format!(
            "{} could be repeated, and is not called so",
            answer.status
        ));
    }
    if end == End::Listed && !case.story.is_keyed() && is_retryable {
        return Err(format!(
            "{} leaves something in the way of its repetition",
            answer.status
        ));
    }
    let is_unfinished_delete = case.story == Story::Delete && end != End::Done;
    if !is_retryable && !is_unfinished_delete {
        return Ok(());
    }
    let again = repeat(case.story, app, body).await;
    let (json, after) = (check_answer(&again)?, inventory(app));
    let claims = Claims {
        answer: &json,
        after: &after,
        ..*claims
    };
    let ended = match case.story {
        Story::Delete if again.status == 404 => claims.of_delete(200),
        Story::Delete => claims.of_delete(again.status),
        _ => claims.of_create(again.status),
    };
    match ended {
        Ok(End::Done) => Ok(()),
        other => Err(format!(
            "{} and again {} {other:?}: {json}",
            answer.status, again.status
        )),
    }
}

/// Sends the request again without the fault, and again as long as it is told that the first one may be at work.
async fn repeat(story: Story, app: &TestApp, body: &Value) -> Answer {
    let client = match story {
        Story::Delete => app.scripted_twin().scripted_without_stack(),
        _ => app.scripted_twin(),
    };
    let since = Instant::now();
    loop {
        let answer = story.tell(&client, body).await;
        let is_under_way = answer.status == 409 && answer.json()["code"] == "RequestUnderWay";
        if !is_under_way || since.elapsed() > LEASE {
            return answer;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The body of an answer. A problem has its fixed members, and says when to come back where that helps; none is ours.
fn check_answer(answer: &Answer) -> Result<Value, String> {
    let json = answer.json();
    if answer.status < 400 {
        return Ok(json);
    }
    for fixed in [
        "type",
        "title",
        "status",
        "detail",
        "code",
        "requestId",
        "retryable",
    ] {
        if json[fixed].is_null() {
            return Err(format!("{fixed} is missing: {json}"));
        }
    }
    if matches!(answer.status, 429 | 503) && answer.header("retry-after").is_none() {
        return Err(format!("{} without Retry-After", answer.status));
    }
    if answer.status == 500 {
        Err(format!("a bug of ours: {json}"))
    } else {
        Ok(json)
    }
}

/// Returns `true` if a caller may see this status of a case's fault.
fn expected(case: &Case, status: u16) -> bool {
    let is_sts = case.operation == "sts:AssumeRole";
    let is_own = case.operation.starts_with("dynamodb:") || case.operation.starts_with("sqs:");
    // What comes after the refusal does not change what the refusal is.
    let is_undo = !case.story.is_create() && case.story != Story::Delete;
    if is_undo {
        let undoes = case.operation.contains(":Delete") || case.operation.contains(":Deregister");
        return !undoes || matches!(status, 400 | 409) || (case.story.has_twin() && status == 200);
    }
    if case.story.has_twin() && status == 200 {
        return true; // the other one did it
    }
    match case.fault {
        // Before the first change: nothing is begun without a record and its watch.
        _ if is_own && case.is_lasting() => matches!(status, 200 | 503),
        // AWS has done it by the time that it is looked for.
        "10 s of silence, for ever"
            if [
                "servicediscovery:CreateService",
                "logs:CreateLogGroup",
                "logs:PutRetentionPolicy",
            ]
            .contains(&case.operation.as_str()) =>
        {
            matches!(status, 200 | 504)
        }
        // The function's own credentials are Lambda's to renew. The SDK makes nothing of STS's garbage, and does not ask
        // again.
        "credentials expired" | "answer is garbage, once" if is_sts => status == 502,
        // AWS is not asked twice for a revision while it may be at work on it.
        "10 s of silence, once" if case.operation == "ecs:RegisterTaskDefinition" => {
            matches!(status, 200 | 504)
        }
        // AWS has done it by the time that it is looked for.
        "10 s of silence, for ever" if case.operation == "ecs:CreateService" => {
            matches!(status, 200 | 504)
        }
        // A delete says in a 202 what it waits for.
        "10 s of silence, for ever" if case.story == Story::Delete => matches!(status, 202 | 504),
        // Whose a registry is that this run was answered is looked at again otherwise, or later.
        _ if case.operation == "servicediscovery:ListTagsForResource" => status == 200,
        "10 s of silence, for ever" => status == 504,
        "throttled for ever" => status == if is_sts { 502 } else { 429 },
        "access denied" => status == if is_sts { 502 } else { 403 },
        fault if fault.ends_with("for ever") => matches!(status, 200 | 502),
        _ => status == 200,
    }
}

fn table(results: &[(Case, CaseResult)]) -> String {
    let mut table = String::new();
    let mut counts: BTreeMap<(Story, End), usize> = BTreeMap::new();
    for (case, result) in results {
        let Case {
            story,
            operation,
            fault,
            ..
        } = case;
        let said = match result {
            Ok((status, end)) => {
                *counts.entry((*story, *end)).or_default() += 1;
                let why = if *end == End::Listed {
                    reason(case).unwrap_or_default()
                } else {
                    ""
                };
                format!("{status} {end:?} {why}")
            }
            Err(why) => format!("WRONG: {why}"),
        };
        let _ = writeln!(
            table,
            "{:<12} {operation:<40} {fault:<32} {said}",
            format!("{story:?}")
        );
    }
    let _ = writeln!(table, "{} cases: {counts:?}", results.len());
    table
}

/// Lets every case of a thread's share happen, on a clock that stands still unless all of them wait.
fn run_share(cases: Vec<Case>) -> Vec<(Case, CaseResult)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runs = stream::iter(cases).map(|case| async move {
        let ended = Box::pin(run_case(&case)).await;
        (case, ended)
    });
    let all = runs.buffer_unordered(AT_ONCE).collect();
    runtime.expect("a runtime").block_on(all)
}

/// Lets one case happen in an AWS of its own.
async fn run_case(case: &Case) -> CaseResult {
    let app = case.story.app();
    let twin = app.scripted_twin();
    let calls = app.aws().on(&case.operation).times(case.how.times);
    calls.meets(case.how.fault.clone());
    case.story.refuse_service(app.aws());
    let (status, end) = run(case, &app, &twin).await?;
    if expected(case, status) {
        Ok((status, end))
    } else {
        Err(format!(
            "{status} {end:?} is not what a caller may see of it"
        ))
    }
}

/// Returns every call of every story with every fault.
async fn all_cases() -> Vec<Case> {
    let mut stories = Vec::new();
    for story in Story::ALL {
        stories.push((story, story.calls().await));
    }
    let mut cases = Vec::new();
    for (fault, how) in faults() {
        for (story, calls) in &stories {
            let new = |operation: &String| Case {
                story: *story,
                operation: operation.clone(),
                fault,
                how: how.clone(),
            };
            cases.extend(calls.iter().map(new));
        }
    }
    cases
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_every_call_ends_done_or_as_before_or_is_listed() {
    let mut shares: [Vec<Case>; THREADS] = Default::default();
    for (number, case) in all_cases().await.into_iter().enumerate() {
        shares[number % THREADS].push(case);
    }
    let threads = shares.map(|share| thread::spawn(|| run_share(share)));
    let ended = threads.map(|thread| thread.join().expect("no case panics"));
    let mut results: Vec<_> = ended.into_iter().flatten().collect();
    results.sort_by(|(one, _), (other, _)| {
        (one.story, &one.operation, one.fault).cmp(&(other.story, &other.operation, other.fault))
    });
    let table = table(&results);
    println!("{table}");
    let wrong: Vec<_> = table
        .lines()
        .filter(|line| line.contains("WRONG"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases are wrong:\n{}",
        wrong.len(),
        results.len(),
        wrong.join("\n")
    );
}
