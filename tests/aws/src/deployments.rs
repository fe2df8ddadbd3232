//! ECS's service deployments and service revisions, which take their time: a state of their own, whatever AWS is behind
//! the rules.
//!
//! CreateService and UpdateService make a service revision at once. Some seconds later ECS names the service deployment
//! that aims at it. A test chooses what the world does to it ([`Course`]), and the service's configuration what ECS makes
//! of that.

mod course;
mod rollout;
mod shown;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

pub use self::course::Course;
use self::course::Planner;
use self::rollout::Rollout;
pub(crate) use self::rollout::{Stop, Unwilling};
use crate::circumstances::DeploymentTimes;
use crate::clock::Clock;
use crate::value::{last, list, pick, text};

/// The time for which service deployments are kept
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>).
const KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// The time from a newer deployment to the end of the one that it overtakes
/// (<https://github.com/kayac/ecspresso/issues/899>).
const OVERTAKEN_AFTER: Duration = Duration::from_millis(300);

/// The services of an account in a region whose deployments are known, by ARN.
#[derive(Debug, Default)]
pub(crate) struct Deployments {
    services: BTreeMap<String, History>,
    made: u64,
}

/// The revisions and deployments of a service, the oldest first.
#[derive(Debug)]
struct History {
    arn: String,
    cluster_arn: String,
    desired: u64,
    revisions: Vec<Revision>,
    rollouts: Vec<Rollout>,
}

/// A version of a service.
#[derive(Debug, Clone)]
struct Revision {
    number: u64,
    made_at: Instant,
    /// The members of the service that it keeps.
    kept: Value,
    /// The containers and their images.
    images: Vec<(String, String)>,
}

/// The beginning of a deployment.
pub(crate) struct Begin<'b> {
    /// The service as it shall be.
    pub(crate) service: &'b Value,
    pub(crate) task_definition: &'b Value,
    pub(crate) course: Course,
    pub(crate) times: DeploymentTimes,
}

impl Deployments {
    /// Returns `true` if an update of a service asks for a deployment: it is forced, or something that a revision keeps
    /// becomes another.
    pub(crate) fn asks_for_one(&self, updated: &Value, input: &Value) -> bool {
        let history = self.services.get(text(updated, "serviceArn"));
        let Some(primary) = history.and_then(History::primary) else {
            return true;
        };
        let becomes_another =
            |member: &&str| !input[*member].is_null() && updated[*member] != primary.kept[*member];
        input["forceNewDeployment"] == true || shown::KEPT.iter().any(becomes_another)
    }

    /// Takes in a service that was there before: its deployment is forgotten, as those of before October 2024 are.
    pub(crate) fn adopt(&mut self, service: &Value) {
        if self.services.contains_key(text(service, "serviceArn")) {
            return;
        }
        let number = self.next_number(service);
        let history = self.history(service);
        history.desired = service["desiredCount"].as_u64().unwrap_or_default();
        history
            .revisions
            .push(Revision::new(number, service, Vec::new()));
        history.rollouts.push(Rollout::forgotten(number));
    }

    /// Forgets a service's past: another one takes its name.
    pub(crate) fn forget(&mut self, service_arn: &str) {
        self.services.remove(service_arn);
    }

    /// Begins a deployment of a new revision.
    pub(crate) fn begin(&mut self, begin: Begin<'_>, clock: &Clock) {
        let number = self.next_number(begin.service);
        self.history(begin.service).begin(number, begin, clock);
    }

    /// Returns the number of a new revision: that of the PRIMARY deployment, where the AWS behind has numbered it.
    fn next_number(&mut self, service: &Value) -> u64 {
        let number = primary_number(service).filter(|number| *number > self.made);
        self.made = number.unwrap_or(self.made + 1);
        self.made
    }

    fn history(&mut self, service: &Value) -> &mut History {
        let arn = text(service, "serviceArn").to_owned();
        self.services.entry(arn.clone()).or_insert_with(|| History {
            arn,
            cluster_arn: text(service, "clusterArn").to_owned(),
            desired: 0,
            revisions: Vec::new(),
            rollouts: Vec::new(),
        })
    }

    /// Notes how many tasks a service shall have.
    pub(crate) fn scale(&mut self, service_arn: &str, desired: u64) {
        if let Some(history) = self.services.get_mut(service_arn) {
            history.desired = desired;
        }
    }

    /// Stops what is under way in a service that is deleted.
    pub(crate) fn end(&mut self, service_arn: &str, clock: &Clock) {
        if let Some(history) = self.services.get_mut(service_arn) {
            history.advance(clock);
            if let Some(rollout) = history.rollouts.last_mut() {
                rollout.make_way(OVERTAKEN_AFTER, "The service was deleted.");
            }
        }
    }

    /// Writes what is known of a service's deployments over what the AWS behind says of them.
    pub(crate) fn show_in(&mut self, service: &mut Value, clock: &Clock) {
        if let Some(history) = self.services.get_mut(text(service, "serviceArn")) {
            history.advance(clock);
            history.show_in(service, clock);
        }
    }

    /// Lists the deployments of a service that ECS has named, the newest first.
    pub(crate) fn list(&mut self, service_arn: &str, clock: &Clock) -> Vec<Value> {
        let Some(history) = self.services.get_mut(service_arn) else {
            return Vec::new();
        };
        history.advance(clock);
        let named = history.named();
        named.map(|rollout| history.brief(rollout, clock)).collect()
    }

    /// Describes a deployment by its ARN.
    pub(crate) fn describe(
        &mut self,
        service_arn: &str,
        arn: &str,
        clock: &Clock,
    ) -> Option<Value> {
        let history = self.services.get_mut(service_arn)?;
        history.advance(clock);
        let rollout = history.named().find(|one| one.id == shown::id_of(arn))?;
        Some(history.describe(rollout, clock))
    }

    /// Describes a revision by its ARN.
    pub(crate) fn describe_revision(
        &mut self,
        service_arn: &str,
        arn: &str,
        clock: &Clock,
    ) -> Option<Value> {
        let history = self.services.get_mut(service_arn)?;
        history.advance(clock);
        let number: u64 = shown::id_of(arn).parse().ok()?;
        let revision = history.revisions.iter().find(|one| one.number == number)?;
        Some(history.describe_revision(revision, clock))
    }

    /// Stops a deployment. `None` where there is none.
    pub(crate) fn stop(
        &mut self,
        service_arn: &str,
        arn: &str,
        stop: Stop,
        clock: &Clock,
    ) -> Option<Result<(), Unwilling>> {
        Some(self.rollout(service_arn, arn, clock)?.stop(stop))
    }

    /// Continues a deployment at a pause, or rolls it back from there. `None` where there is none.
    pub(crate) fn resume(
        &mut self,
        service_arn: &str,
        arn: &str,
        (hook_id, action): (&str, &str),
        clock: &Clock,
    ) -> Option<Result<(), Unwilling>> {
        let rollout = self.rollout(service_arn, arn, clock)?;
        Some(rollout.resume(hook_id, action))
    }

    fn rollout(&mut self, service_arn: &str, arn: &str, clock: &Clock) -> Option<&mut Rollout> {
        let history = self.services.get_mut(service_arn)?;
        history.advance(clock);
        let mut rollouts = history.rollouts.iter_mut();
        rollouts.find(|one| one.is_named && one.id == shown::id_of(arn))
    }
}

impl Revision {
    fn new(number: u64, service: &Value, images: Vec<(String, String)>) -> Self {
        let mut kept = pick(service, &shown::KEPT);
        if let Some(members) = kept.as_object_mut() {
            // An emulator writes what it has not as an empty text.
            members.retain(|_, value| !value.is_null() && *value != "");
        }
        Self {
            number,
            made_at: Instant::now(),
            kept,
            images,
        }
    }
}

/// Returns the number of the PRIMARY deployment, as the AWS behind has numbered it.
fn primary_number(service: &Value) -> Option<u64> {
    let mut deployments = list(service, "deployments").iter();
    let primary = deployments.find(|one| text(one, "status") == "PRIMARY")?;
    last(text(primary, "id")).parse().ok()
}

impl History {
    /// Returns a revision that there is.
    fn revision(&self, number: u64) -> &Revision {
        let mut revisions = self.revisions.iter();
        let found = revisions.find(|revision| revision.number == number);
        found.expect("revisions are never forgotten")
    }

    fn advance(&mut self, clock: &Clock) {
        for rollout in &mut self.rollouts {
            rollout.advance(clock);
        }
    }

    /// Returns the deployments that ECS has named and not forgotten, the newest first.
    fn named(&self) -> impl Iterator<Item = &Rollout> {
        let is_kept =
            |rollout: &&Rollout| rollout.is_named && rollout.began_at.elapsed() < KEPT_FOR;
        self.rollouts.iter().rev().filter(is_kept)
    }

    /// Returns the revisions that a new deployment replaces, the one to go back to first.
    fn sources(&self) -> Vec<u64> {
        let Some(last) = self.rollouts.last() else {
            return Vec::new();
        };
        if let Some(number) = last.left() {
            return vec![number];
        }
        let mut sources = last.sources.clone();
        if last.own > 0 || sources.is_empty() {
            sources.push(last.target);
        }
        sources
    }

    fn begin(&mut self, number: u64, begin: Begin<'_>, clock: &Clock) {
        self.advance(clock);
        self.desired = begin.service["desiredCount"].as_u64().unwrap_or_default();
        let sources = self.sources();
        if let Some(last) = self.rollouts.last_mut() {
            let after = begin.times.named_after + OVERTAKEN_AFTER;
            last.make_way(
                after,
                "Service deployment stopped because a newer one began.",
            );
        }
        let images = shown::images_of(begin.task_definition);
        self.revisions
            .push(Revision::new(number, begin.service, images));
        let configuration = begin.service["deploymentConfiguration"].clone();
        let planner = Planner {
            course: &begin.course,
            configuration: &configuration,
            times: begin.times,
            has_source: !sources.is_empty(),
            reconciles: sources.len() > 1,
            desired: self.desired,
        };
        let steps = planner.plan();
        let id = format!("deployment-{number:010}");
        let step = begin.times.step;
        self.rollouts.push(Rollout::new(
            id,
            number,
            sources,
            configuration,
            begin.course,
            steps,
            step,
        ));
    }
}
