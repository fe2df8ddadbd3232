//! Service deployments and revisions as AWS describes them.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::course::threshold;
use super::rollout::Rollout;
use super::{History, Revision};
use crate::clock::Clock;
use crate::value::{extend, last, list, pick, text};

/// The members of a service that a revision keeps
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html>).
pub(super) const KEPT: [&str; 13] = [
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "monitoring",
    "gatewayConnectors",
];

/// The members of a service's deployment in `deployments`.
const OF_DEPLOYMENTS: [&str; 7] = [
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "serviceConnectConfiguration",
];

/// Tasks of a revision.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    requested: u64,
    running: u64,
    failed: u64,
}

impl History {
    pub(super) fn revision_arn(&self, number: u64) -> String {
        self.arn_of("service-revision", &format!("{number:019}"))
    }

    pub(super) fn deployment_arn(&self, rollout: &Rollout) -> String {
        self.arn_of("service-deployment", &rollout.id)
    }

    fn arn_of(&self, kind: &str, id: &str) -> String {
        let service = self.arn.replacen(":service/", &format!(":{kind}/"), 1);
        format!("{service}/{id}")
    }

    fn percent(&self, percent: u64) -> u64 {
        (self.desired * percent).div_ceil(100)
    }

    /// Returns the revision that is, or shall be, the service's.
    pub(super) fn primary(&self) -> Option<&Revision> {
        let (number, _) = *self.running().first()?;
        Some(self.revision(number))
    }

    /// Returns the revisions that a service runs now, the newest first, each with its part of the tasks.
    fn running(&self) -> Vec<(u64, Counts)> {
        let counts = |percent, failed| Counts {
            requested: self.desired,
            running: self.percent(percent),
            failed,
        };
        let Some(rollout) = self.rollouts.last() else {
            return Vec::new();
        };
        if let Some(number) = rollout.left() {
            return vec![(number, counts(100, 0))];
        }
        let own = counts(rollout.own, rollout.failures);
        let mut running = vec![(rollout.target, own)];
        let sources = rollout.sources.iter().enumerate();
        running.extend(sources.map(|(place, number)| {
            let percent = if place == 0 { rollout.before } else { 0 };
            (*number, counts(percent, 0))
        }));
        if rollout.back.is_some() && running.len() > 1 {
            running.swap(0, 1);
        }
        running
    }

    /// Writes over what a service says of its deployments.
    pub(super) fn show_in(&self, service: &mut Value, clock: &Clock) {
        let running = self.running();
        let Some((primary, _)) = running.first() else {
            return;
        };
        let definition = self.revision(*primary).kept["taskDefinition"].clone();
        let deployments: Vec<_> = running
            .iter()
            .enumerate()
            .map(|(place, (number, counts))| self.deployment(place, *number, *counts, clock))
            .collect();
        let revisions: Vec<_> = running
            .iter()
            .map(|(number, counts)| {
                json!({"arn": self.revision_arn(*number), "requestedTaskCount": counts.requested,
                    "runningTaskCount": counts.running, "pendingTaskCount": counts.requested - counts.running})
            })
            .collect();
        extend(
            service,
            json!({"taskDefinition": definition, "deployments": deployments, "currentServiceRevisions": revisions}),
        );
        let rollout = self.rollouts.last();
        if let Some(rollout) = rollout.filter(|one| one.is_named && !one.is_over()) {
            service["currentServiceDeployment"] = self.deployment_arn(rollout).into();
        }
    }

    /// Describes one of a service's `deployments`.
    fn deployment(&self, place: usize, number: u64, counts: Counts, clock: &Clock) -> Value {
        let revision = self.revision(number);
        let (state, reason) = self.rollout_state(number);
        let aims_at = |rollout: &&Rollout| rollout.target == number;
        let rollout = self.rollouts.iter().rev().find(aims_at);
        let updated = rollout.and_then(|rollout| rollout.times.updated);
        let mut deployment = json!({"id": format!("ecs-svc/{number:019}"),
            "status": if place == 0 { "PRIMARY" } else { "ACTIVE" },
            "desiredCount": counts.requested, "pendingCount": counts.requested - counts.running,
            "runningCount": counts.running, "failedTasks": counts.failed,
            "createdAt": clock.seconds_at(revision.made_at),
            "updatedAt": clock.seconds_at(updated.unwrap_or(revision.made_at)),
            "rolloutState": state, "rolloutStateReason": reason});
        let mut kept = pick(&revision.kept, &OF_DEPLOYMENTS);
        if kept["platformVersion"] == "LATEST" {
            kept["platformVersion"] = "1.4.0".into();
        }
        extend(&mut deployment, kept);
        deployment
    }

    /// Tells how far the rollout of a revision is (in progress and completed: `ecs/service_revisions` #8 and #17; the others:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>).
    fn rollout_state(&self, number: u64) -> (&'static str, String) {
        let id = format!("ecs-svc/{number:019}");
        let Some(rollout) = self.rollouts.last() else {
            return ("COMPLETED", format!("ECS deployment {id} completed."));
        };
        let is_target = rollout.target == number;
        match (is_target, rollout.back, rollout.status) {
            (true, None, "SUCCESSFUL") | (false, None, _) | (false, _, "ROLLBACK_SUCCESSFUL") => {
                ("COMPLETED", format!("ECS deployment {id} completed."))
            }
            (false, Some(_), "ROLLBACK_FAILED") | (true, None, "STOPPED") | (true, Some(_), _) => (
                "FAILED",
                "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
            ),
            (false, Some(_), _) => (
                "IN_PROGRESS",
                format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
            ),
            (true, None, _) => ("IN_PROGRESS", format!("ECS deployment {id} in progress.")),
        }
    }

    /// Describes a service deployment in brief.
    pub(super) fn brief(&self, rollout: &Rollout, clock: &Clock) -> Value {
        let mut brief = json!({"serviceDeploymentArn": self.deployment_arn(rollout), "serviceArn": self.arn,
            "clusterArn": self.cluster_arn, "targetServiceRevisionArn": self.revision_arn(rollout.target),
            "status": rollout.status});
        let times = rollout.times;
        let moments = [
            ("createdAt", times.created),
            ("startedAt", times.started),
            ("finishedAt", times.finished),
        ];
        add_moments(&mut brief, &moments, clock);
        if let Some(reason) = rollout.reason {
            brief["statusReason"] = reason.into();
        }
        brief
    }

    /// Describes a service deployment.
    pub(super) fn describe(&self, rollout: &Rollout, clock: &Clock) -> Value {
        let mut described = self.brief(rollout, clock);
        crate::value::remove(&mut described, "targetServiceRevisionArn");
        let times = rollout.times;
        let moments = [("stoppedAt", times.stopped), ("updatedAt", times.updated)];
        add_moments(&mut described, &moments, clock);
        let summary = |number: u64, percent: u64, traffic: u64| {
            let running = self.percent(percent);
            json!({"arn": self.revision_arn(number), "requestedTaskCount": self.desired,
                "runningTaskCount": running, "pendingTaskCount": self.desired - running,
                "requestedProductionTrafficWeight": traffic})
        };
        let before = 100 - rollout.traffic;
        let sources = rollout.sources.iter();
        let sources: Vec<_> = sources
            .map(|number| summary(*number, rollout.before, before))
            .collect();
        extend(
            &mut described,
            json!({"sourceServiceRevisions": sources,
                "targetServiceRevision": summary(rollout.target, rollout.own, rollout.traffic),
                "deploymentConfiguration": rollout.configuration,
                "deploymentCircuitBreaker": {"status": rollout.breaker, "failureCount": rollout.failures,
                    "threshold": threshold(self.desired)},
                "alarms": {"status": rollout.alarms, "triggeredAlarmNames": rollout.fired,
                    "alarmNames": list(&rollout.configuration["alarms"], "alarmNames")}}),
        );
        if let Some(stage) = rollout.stage {
            described["lifecycleStage"] = stage.into();
        }
        if !rollout.hooks.is_empty() {
            described["lifecycleHookDetails"] = rollout.hooks.clone().into();
        }
        if let Some((why, since)) = rollout.back {
            let to = rollout.sources.first().copied().unwrap_or_default();
            described["rollback"] = json!({"reason": why, "startedAt": clock.seconds_at(since),
                "serviceRevisionArn": self.revision_arn(to)});
        }
        described
    }

    /// Describes a revision. Images have digests once a task of it has run.
    pub(super) fn describe_revision(&self, revision: &Revision, clock: &Clock) -> Value {
        let mut described = json!({"serviceRevisionArn": self.revision_arn(revision.number),
            "serviceArn": self.arn, "clusterArn": self.cluster_arn, "guardDutyEnabled": false,
            "createdAt": clock.seconds_at(revision.made_at)});
        extend(&mut described, revision.kept.clone());
        let has_run = self.rollouts.iter().any(|rollout| {
            rollout.target == revision.number && rollout.own > 0 && self.desired > 0
        });
        let images = revision.images.iter().map(|(container, image)| {
            let mut described = json!({"containerName": container, "image": image});
            if has_run {
                described["imageDigest"] = digest(image).into();
            }
            described
        });
        described["containerImages"] = images.collect();
        described
    }
}

fn add_moments(thing: &mut Value, moments: &[(&str, Option<Instant>)], clock: &Clock) {
    for (name, moment) in moments {
        if let Some(moment) = moment {
            thing[*name] = clock.seconds_at(*moment).into();
        }
    }
}

/// Returns a digest of an image: the same for the same reference.
fn digest(image: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let part = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (number, image).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    format!("sha256:{}", (0..4).map(part).collect::<String>())
}

/// Returns the containers of a task definition with their images.
pub(super) fn images_of(definition: &Value) -> Vec<(String, String)> {
    let containers = list(definition, "containerDefinitions").iter();
    containers
        .map(|one| (text(one, "name").to_owned(), text(one, "image").to_owned()))
        .collect()
}

/// Returns the id of an ARN in ECS, the part that follows cluster and service.
pub(super) fn id_of(arn: &str) -> &str {
    last(arn)
}
