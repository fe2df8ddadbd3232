//! One service deployment of ECS, from the call that asks for it to its end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::course::{BY_HOOK, BY_STOP, Course, Hook, Step, Steps, rollback};
use crate::clock::Clock;
use crate::value::extend;

/// A service deployment.
#[derive(Debug, Clone)]
pub(super) struct Rollout {
    pub(super) id: String,
    /// The revision that it aims at.
    pub(super) target: u64,
    /// The revisions that ran when it began, the one to go back to first.
    pub(super) sources: Vec<u64>,
    pub(super) began_at: Instant,
    pub(super) status: &'static str,
    pub(super) is_named: bool,
    /// Percent of its own tasks that run, and of those of before.
    pub(super) own: u64,
    pub(super) before: u64,
    pub(super) traffic: u64,
    pub(super) stage: Option<&'static str>,
    pub(super) failures: u64,
    pub(super) breaker: &'static str,
    pub(super) alarms: &'static str,
    pub(super) fired: Vec<String>,
    pub(super) reason: Option<&'static str>,
    pub(super) times: Times,
    /// The cause of its way back, and the time at which that began.
    pub(super) back: Option<(&'static str, Instant)>,
    pub(super) hooks: Vec<Value>,
    /// The service's deployment configuration when it began.
    pub(super) configuration: Value,
    course: Course,
    step: Duration,
    pause: Option<(Hook, Instant)>,
    steps: Steps,
    moment: Instant,
}

/// The moments that AWS tells of a service deployment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) created: Option<Instant>,
    pub(super) started: Option<Instant>,
    pub(super) finished: Option<Instant>,
    pub(super) stopped: Option<Instant>,
    pub(super) updated: Option<Instant>,
}

/// The way in which a deployment is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Rollback,
    Abort,
}

/// The reason why a deployment does not do as it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwilling {
    IsOver,
    HasNoSuchPause,
}

impl Rollout {
    pub(super) fn new(
        id: String,
        target: u64,
        sources: Vec<u64>,
        configuration: Value,
        course: Course,
        steps: Steps,
        step: Duration,
    ) -> Self {
        let is_on = |claim: &Value| {
            if claim["enable"] == true {
                "MONITORING"
            } else {
                "DISABLED"
            }
        };
        let now = Instant::now();
        Self {
            id,
            target,
            sources,
            began_at: now,
            status: "PENDING",
            is_named: false,
            own: 0,
            before: 100,
            traffic: 0,
            stage: None,
            failures: 0,
            breaker: is_on(&configuration["deploymentCircuitBreaker"]),
            alarms: is_on(&configuration["alarms"]),
            fired: Vec::new(),
            reason: None,
            times: Times::default(),
            back: None,
            hooks: Vec::new(),
            configuration,
            course,
            step,
            pause: None,
            steps,
            moment: now,
        }
    }

    /// Makes one that was over before anybody looked, and that AWS does not tell of any more.
    pub(super) fn forgotten(target: u64) -> Self {
        let course = Course::default();
        let (steps, step) = (Steps::new(), Duration::ZERO);
        Self {
            status: "SUCCESSFUL",
            own: 100,
            before: 0,
            traffic: 100,
            ..Self::new(
                String::new(),
                target,
                Vec::new(),
                Value::Null,
                course,
                steps,
                step,
            )
        }
    }

    /// Returns `true` if it has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(
            self.status,
            "SUCCESSFUL" | "STOPPED" | "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED"
        )
    }

    /// Returns the revision that runs after it, if it is one.
    pub(super) fn left(&self) -> Option<u64> {
        match self.status {
            "SUCCESSFUL" => Some(self.target),
            "ROLLBACK_SUCCESSFUL" => self.sources.first().copied(),
            _ => None,
        }
    }

    /// Lets everything happen that was due by now.
    pub(super) fn advance(&mut self, clock: &Clock) {
        while !self.is_over() {
            let now = Instant::now();
            if let Some((hook, expires_at)) = self.pause.clone() {
                if now < expires_at {
                    return;
                }
                self.moment = expires_at;
                self.end_hook(&hook.id, "TIMED_OUT");
                self.go_on(&hook.timeout_action);
                continue;
            }
            let Some((after, _)) = self.steps.front() else {
                return;
            };
            let due = self.moment + *after;
            if now < due {
                return;
            }
            self.moment = due;
            let (_, step) = self.steps.pop_front().expect("there is one");
            self.times.updated = Some(due);
            self.take(step, clock);
        }
    }

    fn take(&mut self, step: Step, clock: &Clock) {
        let now = self.moment;
        match step {
            Step::IsNamed => {
                self.is_named = true;
                self.times.created = Some(now);
            }
            Step::Begins => {
                self.status = "IN_PROGRESS";
                self.times.started = Some(now);
            }
            Step::Enters(stage) => self.stage = Some(stage),
            Step::Runs { own, before } => (self.own, self.before) = (own, before),
            Step::Shifts(percent) => self.traffic = percent,
            Step::TaskFails => self.failures += 1,
            Step::HookBegins(hook) => self.begin_hook(hook, clock),
            Step::HookEnds { succeeds } => {
                let status = if succeeds { "SUCCEEDED" } else { "FAILED" };
                let last = self.hooks.last().map(|hook| hook["hookId"].clone());
                let id = last.unwrap_or_default();
                self.end_hook(id.as_str().unwrap_or_default(), status);
            }
            Step::BreakerTriggers => self.breaker = "TRIGGERED",
            Step::AlarmTriggers(name) => {
                self.alarms = "TRIGGERED";
                self.fired.push(name);
            }
            Step::RollsBack(why) => {
                self.status = "ROLLBACK_IN_PROGRESS";
                self.back = Some((why, now));
                (self.reason, self.traffic) = (Some(why), 0);
            }
            Step::RolledBack => {
                (self.own, self.before) = (0, 100);
                self.end("ROLLBACK_SUCCESSFUL");
            }
            Step::RollbackFailed => self.end("ROLLBACK_FAILED"),
            Step::Stops(why) => {
                self.reason = Some(why);
                self.times.stopped = Some(now);
                self.end("STOPPED");
            }
            Step::Succeeds => self.end("SUCCESSFUL"),
        }
    }

    fn end(&mut self, status: &'static str) {
        self.status = status;
        self.times.finished = Some(self.moment);
        self.steps.clear();
        for monitor in [&mut self.breaker, &mut self.alarms] {
            if *monitor == "MONITORING" {
                *monitor = "MONITORING_COMPLETE";
            }
        }
    }

    fn begin_hook(&mut self, hook: Hook, clock: &Clock) {
        let status = if hook.is_pause() {
            "AWAITING_ACTION"
        } else {
            "IN_PROGRESS"
        };
        let expires_at = self.moment + hook.times_out_after;
        let kind = if hook.is_pause() {
            "PAUSE"
        } else {
            "AWS_LAMBDA"
        };
        let mut detail = json!({"hookId": hook.id, "targetType": kind, "status": status,
            "expiresAt": clock.seconds_at(expires_at), "timeoutAction": hook.timeout_action});
        if let Some(target) = &hook.target {
            extend(&mut detail, json!({"targetArn": target}));
        }
        self.hooks.push(detail);
        if hook.is_pause() {
            self.pause = Some((hook, expires_at));
        }
    }

    fn end_hook(&mut self, id: &str, status: &str) {
        let mut hooks = self.hooks.iter_mut();
        if let Some(hook) = hooks.find(|hook| hook["hookId"] == id) {
            hook["status"] = status.into();
        }
        self.pause = None;
    }

    /// Continues after a pause, or goes back.
    fn go_on(&mut self, action: &str) {
        if action == "ROLLBACK" {
            self.request_rollback(BY_HOOK);
        }
    }

    fn request_rollback(&mut self, why: &'static str) {
        self.pause = None;
        if self.sources.is_empty() {
            self.status = "STOP_REQUESTED";
            self.steps = Steps::from([(self.step, Step::Stops(why))]);
            return;
        }
        self.status = "ROLLBACK_REQUESTED";
        self.steps = rollback(&self.course, why, self.step);
        for (after, _) in &mut self.steps {
            *after = self.step;
        }
    }

    /// Stops it, unless it is over. One that stops already goes on stopping
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html>).
    pub(super) fn stop(&mut self, stop: Stop) -> Result<(), Unwilling> {
        if self.is_over() {
            return Err(Unwilling::IsOver);
        }
        if !["PENDING", "IN_PROGRESS"].contains(&self.status) {
            return Ok(());
        }
        self.moment = Instant::now();
        match stop {
            Stop::Rollback => self.request_rollback(BY_STOP),
            Stop::Abort => {
                self.pause = None;
                self.status = "STOP_REQUESTED";
                let why = "Service deployment stopped due to a StopServiceDeployment request.";
                self.steps = Steps::from([(self.step, Step::Stops(why))]);
            }
        }
        Ok(())
    }

    /// Stops it since another one begins, or since the service is deleted. An overtaken one was seen STOPPED 0.3 s after
    /// the next one was created (<https://github.com/kayac/ecspresso/issues/899>).
    pub(super) fn make_way(&mut self, after: Duration, why: &'static str) {
        if self.is_over() {
            return;
        }
        self.pause = None;
        let named = self
            .steps
            .iter()
            .position(|(_, step)| *step == Step::IsNamed);
        let named = named.and_then(|place| self.steps.remove(place));
        self.steps.clear();
        self.steps.extend(named);
        self.moment = if self.steps.is_empty() {
            Instant::now()
        } else {
            self.moment
        };
        self.steps.push_back((after, Step::Stops(why)));
    }

    /// Continues at a pause, or rolls back from it.
    pub(super) fn resume(&mut self, hook_id: &str, action: &str) -> Result<(), Unwilling> {
        match &self.pause {
            Some((hook, _)) if hook.id == hook_id => {}
            _ => return Err(Unwilling::HasNoSuchPause),
        }
        self.moment = Instant::now();
        self.end_hook(hook_id, "SUCCEEDED");
        self.go_on(action);
        Ok(())
    }
}
