//! The course of a deployment: the world's part, which a test chooses, and that of the service's configuration.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use crate::circumstances::DeploymentTimes;
use crate::value::{has, list, text, texts};

/// The world's part in a deployment. ECS's own is a matter of the service's configuration: its strategy, its circuit
/// breaker, its alarms and its lifecycle hooks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Course {
    /// Its tasks come up.
    #[default]
    Succeeds,
    /// Its tasks don't come up. Without a circuit breaker that goes on for ever.
    TasksFail,
    /// Its tasks come up, and then an alarm of this name fires. A service that does not listen to it succeeds.
    AlarmFires(String),
    /// The function of a lifecycle hook says no. A service without such hooks succeeds.
    HookFails,
    /// Its tasks come up, and it is never over.
    Lingers,
    /// Its tasks don't come up, and nor do those of before when ECS rolls back.
    RollbackFails,
}

/// The next thing that happens to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// ECS names it.
    IsNamed,
    Begins,
    Enters(&'static str),
    /// So many percent of its own tasks run, and of those of before.
    Runs {
        own: u64,
        before: u64,
    },
    /// So many percent of the traffic are its own.
    Shifts(u64),
    TaskFails,
    /// A lifecycle hook is called.
    HookBegins(Hook),
    HookEnds {
        succeeds: bool,
    },
    BreakerTriggers,
    AlarmTriggers(String),
    RollsBack(&'static str),
    RolledBack,
    RollbackFailed,
    Stops(&'static str),
    Succeeds,
}

/// A lifecycle hook at one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) id: String,
    /// The function's ARN; none of a pause.
    pub(super) target: Option<String>,
    pub(super) times_out_after: Duration,
    pub(super) timeout_action: String,
}

impl Hook {
    pub(super) fn is_pause(&self) -> bool {
        self.target.is_none()
    }
}

/// The words of a rollback. They were not captured.
pub(super) const BY_BREAKER: &str =
    "Service deployment rolled back because the circuit breaker threshold was exceeded.";
pub(super) const BY_ALARM: &str = "Service deployment rolled back because an alarm was triggered.";
pub(super) const BY_HOOK: &str = "Service deployment rolled back because a lifecycle hook failed.";
pub(super) const BY_STOP: &str =
    "Service deployment rolled back due to a StopServiceDeployment request.";
const STOPPED_BY_BREAKER: &str =
    "Service deployment stopped because the circuit breaker threshold was exceeded.";
const STOPPED_BY_ALARM: &str = "Service deployment stopped because an alarm was triggered.";

/// The stages of a deployment that is not rolling, in their order, up to the shift of the traffic
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>).
const BEFORE_THE_SHIFT: [&str; 6] = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
];

/// The default of a hook's timeout, a day
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookTimeoutConfiguration.html>).
const HOOK_TIMEOUT_MINUTES: u64 = 1_440;

/// The steps of a deployment, each with the time that passes before it.
pub(super) type Steps = VecDeque<(Duration, Step)>;

/// Plans the steps of a deployment.
pub(super) struct Planner<'p> {
    pub(super) course: &'p Course,
    pub(super) configuration: &'p Value,
    pub(super) times: DeploymentTimes,
    /// There is a revision to roll back to.
    pub(super) has_source: bool,
    /// More than one revision runs when it begins.
    pub(super) reconciles: bool,
    pub(super) desired: u64,
}

impl Planner<'_> {
    pub(super) fn plan(&self) -> Steps {
        let step = self.times.step;
        let mut steps = Steps::from([
            (self.times.named_after, Step::IsNamed),
            (Duration::from_millis(100), Step::Begins),
        ]);
        match text(self.configuration, "strategy") {
            "" | "ROLLING" => self.roll(&mut steps),
            strategy => self.shift(strategy, &mut steps),
        }
        if *self.course == Course::Lingers {
            steps.retain(|(_, step)| *step != Step::Succeeds);
        }
        for (after, next) in &mut steps {
            if after.is_zero() && !matches!(next, Step::HookBegins(_)) {
                *after = step;
            }
        }
        steps
    }

    fn has_trouble(&self) -> bool {
        matches!(self.course, Course::TasksFail | Course::RollbackFails) && self.desired > 0
    }

    fn roll(&self, steps: &mut Steps) {
        if self.has_trouble() {
            return self.fail(steps);
        }
        let zero = Duration::ZERO;
        steps.push_back((
            zero,
            Step::Runs {
                own: 50,
                before: 100,
            },
        ));
        if self.alarm(steps) {
            return;
        }
        steps.push_back((
            zero,
            Step::Runs {
                own: 100,
                before: 0,
            },
        ));
        steps.push_back((zero, Step::Succeeds));
    }

    /// Lets tasks fail until the circuit breaker triggers, or for ever
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>).
    fn fail(&self, steps: &mut Steps) {
        let breaker = &self.configuration["deploymentCircuitBreaker"];
        for _ in 0..threshold(self.desired) {
            steps.push_back((Duration::ZERO, Step::TaskFails));
        }
        if breaker["enable"] != true {
            return;
        }
        steps.push_back((Duration::from_millis(50), Step::BreakerTriggers));
        let rolls_back = breaker["rollback"] == true;
        self.give_up(steps, rolls_back, BY_BREAKER, STOPPED_BY_BREAKER);
    }

    /// Lets the alarm fire, if the service listens to it.
    fn alarm(&self, steps: &mut Steps) -> bool {
        let Course::AlarmFires(name) = self.course else {
            return false;
        };
        let alarms = &self.configuration["alarms"];
        if alarms["enable"] != true || !has(alarms, "alarmNames", name) {
            return false;
        }
        steps.push_back((Duration::ZERO, Step::AlarmTriggers(name.clone())));
        self.give_up(
            steps,
            alarms["rollback"] == true,
            BY_ALARM,
            STOPPED_BY_ALARM,
        );
        true
    }

    fn give_up(
        &self,
        steps: &mut Steps,
        rolls_back: bool,
        why_back: &'static str,
        why: &'static str,
    ) {
        if rolls_back && self.has_source {
            steps.extend(rollback(self.course, why_back, Duration::from_millis(50)));
        } else {
            steps.push_back((Duration::from_millis(50), Step::Stops(why)));
        }
    }

    /// Goes through the stages of a blue/green, linear or canary deployment.
    fn shift(&self, strategy: &str, steps: &mut Steps) {
        let zero = Duration::ZERO;
        if self.reconciles && !self.enter("RECONCILE_SERVICE", steps) {
            return;
        }
        for stage in BEFORE_THE_SHIFT {
            if !self.enter(stage, steps) {
                return;
            }
            if stage == "SCALE_UP" {
                if self.has_trouble() {
                    return self.fail(steps);
                }
                steps.push_back((
                    zero,
                    Step::Runs {
                        own: 100,
                        before: 100,
                    },
                ));
            }
        }
        for percent in shifts(strategy, self.configuration) {
            if !self.enter("PRODUCTION_TRAFFIC_SHIFT", steps) {
                return;
            }
            steps.push_back((zero, Step::Shifts(percent)));
        }
        for stage in ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"] {
            if !self.enter(stage, steps) {
                return;
            }
        }
        if self.alarm(steps) {
            return;
        }
        let bake = self.configuration["bakeTimeInMinutes"]
            .as_u64()
            .unwrap_or_default();
        let bake = Duration::from_secs(bake * 60).max(self.times.step);
        steps.push_back((bake, Step::Enters("CLEAN_UP")));
        steps.push_back((
            zero,
            Step::Runs {
                own: 100,
                before: 0,
            },
        ));
        steps.push_back((zero, Step::Succeeds));
    }

    /// Enters a stage and calls its hooks. Claims that the deployment goes on after them.
    fn enter(&self, stage: &'static str, steps: &mut Steps) -> bool {
        steps.push_back((Duration::ZERO, Step::Enters(stage)));
        let hooks = list(self.configuration, "lifecycleHooks").iter();
        for (number, hook) in hooks.enumerate() {
            if !texts(hook, "lifecycleStages").any(|name| name == stage) {
                continue;
            }
            let hook = read_hook(hook, number, stage);
            let calls = !hook.is_pause();
            steps.push_back((Duration::ZERO, Step::HookBegins(hook)));
            if !calls {
                continue;
            }
            let succeeds = *self.course != Course::HookFails;
            steps.push_back((Duration::ZERO, Step::HookEnds { succeeds }));
            if !succeeds {
                self.give_up(steps, true, BY_HOOK, BY_HOOK);
                return false;
            }
        }
        true
    }
}

fn read_hook(hook: &Value, number: usize, stage: &str) -> Hook {
    let timeout = &hook["timeoutConfiguration"];
    let minutes = timeout["timeoutInMinutes"]
        .as_u64()
        .unwrap_or(HOOK_TIMEOUT_MINUTES);
    let is_pause = text(hook, "targetType") == "PAUSE";
    Hook {
        id: format!("hook-{number}-{}", stage.to_lowercase().replace('_', "-")),
        target: (!is_pause).then(|| text(hook, "hookTargetArn").to_owned()),
        times_out_after: Duration::from_secs(minutes * 60),
        timeout_action: timeout["action"].as_str().unwrap_or("ROLLBACK").to_owned(),
    }
}

/// Returns the parts of the traffic that the new revision gets, one after the other.
fn shifts(strategy: &str, configuration: &Value) -> Vec<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a percentage"
    )]
    let percent = |of: &Value, usual: f64| of.as_f64().unwrap_or(usual) as u64;
    match strategy {
        "CANARY" => vec![
            percent(&configuration["canaryConfiguration"]["canaryPercent"], 5.0),
            100,
        ],
        "LINEAR" => {
            let step = percent(&configuration["linearConfiguration"]["stepPercent"], 10.0);
            let step = step.max(1);
            (1..=100_u64.div_ceil(step))
                .map(|number| (number * step).min(100))
                .collect()
        }
        _ => vec![100],
    }
}

/// Returns the tasks that must fail before the circuit breaker triggers: half of those that are desired, from 3 to 200.
pub(super) fn threshold(desired: u64) -> u64 {
    desired.div_ceil(2).clamp(3, 200)
}

/// Returns the steps of a rollback that begins after some time.
pub(super) fn rollback(course: &Course, why: &'static str, after: Duration) -> Steps {
    let end = if *course == Course::RollbackFails {
        Step::RollbackFailed
    } else {
        Step::RolledBack
    };
    Steps::from([(after, Step::RollsBack(why)), (Duration::ZERO, end)])
}
