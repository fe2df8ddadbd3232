//! Every call of a create and a delete × every fault: what the answer claims is what the account holds, and what was
//! there before survives.
//!
//! `cargo test --test api -- fault_matrix --nocapture` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use aws_sdk_ecs::types::ContainerDefinition;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use crate::services::{arns, documented};
use crate::support::{Answer, Faults, TestAccount, TestApp};

/// How many cases are under way at once: most of them wait.
const AT_ONCE: usize = 40;
/// What API Gateway gives a request.
const LIMIT: Duration = Duration::from_secs(29);
/// How long AWS is silent, in milliseconds, and then does its work after all.
const SILENCE_MS: u64 = 10_000;
/// How long after AWS failed a call it does it after all, in milliseconds.
const LATE_MS: u32 = 1_500;

/// What goes wrong with a call.
#[derive(Debug, Clone)]
enum Fault {
    /// A rule of microburst.
    Rule(Value),
    /// AWS fails the call, with an answer or a reset, and does it after all.
    Late { is_reset: bool },
}

/// What goes wrong. What waits comes first, so that the others run beside it.
fn faults() -> Vec<(&'static str, Fault)> {
    let error = |code: &str, status: u16| json!({"error": {"code": code, "status": status, "message": "injected"}});
    let times = |times: u32, mut fault: Value| {
        fault["times"] = times.into();
        fault
    };
    let silence = json!({"latency": SILENCE_MS});
    let (before, after) = (
        json!({"reset": true}),
        json!({"response": {"abort_bytes": 0}}),
    );
    let (cut, garbage) = (
        json!({"response": {"truncate_frac": 0.5}}),
        json!({"response": {"corrupt_bytes": 100_000}}),
    );
    let rules = [
        ("10 s of silence, for ever", silence.clone()),
        ("10 s of silence, once", times(1, silence)),
        ("throttled for ever", error("ThrottlingException", 400)),
        ("500 for ever", error("InternalFailure", 500)),
        ("reset before the work, for ever", before.clone()),
        ("reset after the work, for ever", after.clone()),
        ("answer cut short, for ever", cut.clone()),
        ("answer is garbage, for ever", garbage.clone()),
        ("access denied", error("AccessDeniedException", 400)),
        (
            "throttled twice",
            times(2, error("ThrottlingException", 400)),
        ),
        ("500 once", times(1, error("InternalFailure", 500))),
        ("reset before the work, once", times(1, before)),
        ("reset after the work, once", times(1, after)),
        ("answer cut short, once", times(1, cut)),
        ("answer is garbage, once", times(1, garbage)),
        (
            "credentials expired",
            times(1, error("ExpiredTokenException", 400)),
        ),
    ];
    let mut faults: Vec<_> = rules
        .into_iter()
        .map(|(name, rule)| (name, Fault::Rule(rule)))
        .collect();
    faults.push(("500 once, before the work", Fault::Late { is_reset: false }));
    faults.push((
        "reset once, before the work",
        Fault::Late { is_reset: true },
    ));
    faults
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

    /// What is refused in any case.
    fn refusal(self) -> Option<(&'static str, Value)> {
        let no =
            json!({"error": {"code": "InvalidParameterException", "status": 400, "message": "no"}});
        (!self.is_create() && self != Self::Delete).then_some(("ecs:CreateService", no))
    }

    async fn furnish(self, account: &TestAccount) -> Value {
        let namespace = account.namespace().await;
        put_bystanders(account, &namespace).await;
        let body = documented(&namespace);
        if self == Self::Delete {
            let app = TestApp::with_accounts(vec![TestAccount::of("nonprod", account.id.clone())]);
            app.post("/nonprod/services", &body).await.expect(200);
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
        let mut app = TestApp::with_faults();
        if let Some((operation, fault)) = self.refusal() {
            app.faults().inject(operation, fault);
        }
        let body = self.furnish(app.account()).await;
        let answer = self.tell(&app, &body).await;
        assert_eq!(
            answer.status,
            if self.refusal().is_some() { 400 } else { 200 },
            "{}",
            answer.text()
        );
        let calls: Vec<_> = app.faults().calls();
        // Of a create that is refused, only what comes after the refusal is new.
        let told = calls
            .iter()
            .position(|call| self.refusal().is_some() && call == "ecs:CreateService");
        calls
            .into_iter()
            .skip(told.map_or(0, |told| told + 1))
            .collect()
    }
}

/// What is no part of any story and must survive each: a cluster with a service, a revision of the story's own family, and
/// a registry in its namespace.
async fn put_bystanders(account: &TestAccount, namespace: &str) {
    let (ecs, discovery) = (account.ecs(), account.discovery());
    ecs.create_cluster()
        .cluster_name("bystander")
        .send()
        .await
        .unwrap();
    let container = ContainerDefinition::builder()
        .name("app")
        .image("nginx:alpine")
        .build();
    let family = ecs
        .register_task_definition()
        .family("mytaskdef")
        .container_definitions(container);
    family.send().await.unwrap();
    let service = ecs
        .create_service()
        .cluster("bystander")
        .service_name("webapp")
        .task_definition("mytaskdef:1");
    service.desired_count(0).send().await.unwrap();
    discovery
        .create_service()
        .name("bystander")
        .namespace_id(namespace)
        .send()
        .await
        .unwrap();
}

/// One call of one story, and what happens to it.
struct Case {
    story: Story,
    operation: String,
    fault: &'static str,
    how: Fault,
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
    let makes = [
        "ecs:CreateCluster",
        "ecs:RegisterTaskDefinition",
        "servicediscovery:CreateService",
        "ecs:CreateService",
    ];
    match case.story {
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
async fn inventory(account: &TestAccount) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let registries = account
        .discovery()
        .list_services()
        .send()
        .await
        .expect("the local AWS lists");
    let name_of = |arn: &str| {
        let registry = registries
            .services()
            .iter()
            .find(|registry| registry.arn() == Some(arn));
        let last = arn.rsplit('/').next().unwrap_or_default();
        let name = registry
            .and_then(|registry| registry.name())
            .unwrap_or(last);
        name.split(':').next().unwrap_or_default().to_owned()
    };
    for arn in account.inventory().await {
        let name = name_of(&arn);
        found.insert(arn, name);
    }
    found
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

    /// The ARNs of the four parts of a create's answer.
    fn parts(&self) -> Result<BTreeSet<String>, String> {
        let parts = [
            "Cluster",
            "TaskDefinition",
            "ServiceDiscoveryService",
            "Service",
        ];
        match parts.iter().find(|part| self.answer[**part].is_null()) {
            Some(missing) => Err(format!("200 without {missing}")),
            None => Ok(arns(self.answer).into_iter().collect()),
        }
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

    /// What the account holds once the delete is done.
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
async fn run(case: &Case, app: &TestApp, twin: &TestApp) -> Ended {
    let body = case.story.furnish(app.account()).await;
    let before = inventory(app.account()).await;
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
    let after = inventory(app.account()).await;
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
    let is_silent = case.fault.contains("silence");
    let pause = match case.how {
        Fault::Late { .. } => u64::from(LATE_MS),
        Fault::Rule(_) if is_silent => SILENCE_MS,
        Fault::Rule(_) => 0,
    };
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

/// What calls itself repeatable is: the same request again, without the fault, ends as it should, with nothing twice.
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
    let again = case.story.tell(&app.without_faults(), body).await;
    let (json, after) = (check_answer(&again)?, inventory(app.account()).await);
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

/// What a caller must see of a fault.
fn expected(case: &Case, status: u16) -> bool {
    let is_sts = case.operation == "sts:AssumeRole";
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

fn table(results: &[(Case, Ended)]) -> String {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_every_call_ends_done_or_as_before_or_is_listed() {
    let mut cases = Vec::new();
    let stories = stream::iter(Story::ALL).map(|story| async move { (story, story.calls().await) });
    let stories: Vec<_> = stories.buffered(2).collect().await;
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
    let name = |index: usize| format!("case-{index:04}");
    let mut proxy = Faults::none();
    let (mut rules, mut late) = (Vec::new(), Vec::new());
    for (index, case) in cases.iter().enumerate() {
        match &case.how {
            Fault::Rule(rule) => rules.push((name(index), case.operation.clone(), rule.clone())),
            Fault::Late { is_reset } => {
                late.push((name(index), case.operation.clone(), LATE_MS, *is_reset));
            }
        }
        rules.extend(
            case.story
                .refusal()
                .map(|(operation, rule)| (name(index), operation.to_owned(), rule)),
        );
    }
    proxy.inject_for(rules);
    proxy.do_it_late_for(late);
    let endpoint = proxy.endpoint().to_owned();
    let runs = stream::iter(cases.into_iter().enumerate()).map(|(index, case)| {
        let (endpoint, name) = (endpoint.clone(), name(index));
        async move {
            let app = TestApp::behind(&endpoint, &name);
            let twin = app.twin_behind(&endpoint, &name.replace("case", "twin"));
            let result = Box::pin(run(&case, &app, &twin)).await;
            let result = result.and_then(|(status, end)| {
                if expected(&case, status) {
                    Ok((status, end))
                } else {
                    Err(format!(
                        "{status} {end:?} is not what a caller may see of it"
                    ))
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
