//! IAM's opinion of the permissions that a role needs.

use serde_json::{Value, json};

use super::permissions::{CONTEXT, Permissions, SIMULATE, Simulation, Target};
use super::{Check, Group};
use crate::aws::iam::{Decision, simulate_principal_policy};
use crate::aws::{Account, Error, Kind};
use crate::deadline::Deadline;
use crate::ids::RoleArn;
use crate::text::quoted;

/// A simulation with the resource that it is about in an account.
pub(super) struct Question {
    simulation: &'static Simulation,
    target: Target,
}

/// IAM's answer to a question.
pub(super) struct Simulated {
    simulation: &'static Simulation,
    target: Target,
    decisions: Result<Decisions, Error>,
}

/// IAM's decisions about actions, each by the action's name.
#[derive(Debug)]
pub(super) struct Decisions(Vec<(String, Decision)>);

impl Decisions {
    /// Returns the decision about an action; `None` if it is none of these.
    pub fn about(&self, action: &str) -> Option<&Decision> {
        let mut decisions = self.0.iter();
        let found = decisions.find(|(name, _)| name.eq_ignore_ascii_case(action));
        found.map(|(_, decision)| decision)
    }

    /// Returns those of the actions whose decision is a wanted one.
    pub fn select<'a>(
        &self,
        actions: &[&'a str],
        is_wanted: fn(Option<&Decision>) -> bool,
    ) -> Vec<&'a str> {
        let actions = actions.iter().copied();
        actions
            .filter(|action| is_wanted(self.about(action)))
            .collect()
    }
}

impl Question {
    /// Creates the question; `None` if the configuration names no resource to ask about.
    pub fn of(
        account: &Account,
        simulation: &'static Simulation,
        group: Option<&Group>,
    ) -> Option<Self> {
        let target = simulation.on.target(account, group)?;
        Some(Self { simulation, target })
    }

    /// Asks what the account's role may do.
    pub async fn ask(self, account: &Account, deadline: Deadline) -> Simulated {
        let groups = self.simulation.groups.iter();
        let actions: Vec<_> = groups.flat_map(|group| group.actions).copied().collect();
        let role = &account.settings.role_arn;
        let decisions = simulate(account, role, &actions, &self.target.arn, deadline).await;
        Simulated {
            simulation: self.simulation,
            target: self.target,
            decisions,
        }
    }
}

/// Asks what a role may do with a resource.
pub(super) async fn simulate(
    account: &Account,
    role: &RoleArn,
    actions: &[&'static str],
    resource: &str,
    deadline: Deadline,
) -> Result<Decisions, Error> {
    let call = simulate_principal_policy(account, role, actions, resource, &CONTEXT);
    let answer = account.in_time(SIMULATE, deadline, call).await;
    answer.map(Decisions)
}

impl Simulated {
    /// Returns the check of each group of permissions.
    pub fn checks(&self, account: &Account) -> impl Iterator<Item = Check> {
        let groups = self.simulation.groups.iter();
        groups.map(|group| Check {
            is_needed: group.is_needed,
            ..self.check(account, group)
        })
    }

    /// Returns the decision about an action; `None` if it is none of these, or IAM could not be asked.
    pub fn decision(&self, action: &str) -> Option<&Decision> {
        self.decisions.as_ref().ok()?.about(action)
    }

    fn check(&self, account: &Account, group: &'static Permissions) -> Check {
        let role = &account.settings.role_arn;
        let decisions = match &self.decisions {
            Ok(decisions) => decisions,
            Err(error) => {
                let grant = Grant {
                    role,
                    check: "Readiness",
                    resource: role.as_str(),
                    condition: "",
                };
                return not_asked(group.name, &grant, error);
            }
        };
        let of = |is_wanted| decisions.select(group.actions, is_wanted);
        let grant = Grant {
            role,
            check: group.name,
            resource: &self.target.arn,
            condition: group.condition,
        };
        let forbidden = of(|decision| decision == Some(&Decision::Forbidden));
        let lacking = of(|decision| decision == Some(&Decision::NotAllowed));
        let unclear = of(|decision| matches!(decision, None | Some(Decision::Depends(_))));
        let purpose = group.purpose;
        if !forbidden.is_empty() {
            let detail = format!(
                "the role needs {} {purpose}; a policy with `Deny`, its permissions boundary or the organization forbids it",
                quoted(&forbidden)
            );
            return Check::of(group.name, Some(false), detail)
                .fixed_by(grant.explanation(&forbidden));
        }
        if !lacking.is_empty() && self.target.is_pattern {
            let detail = format!(
                "not known: the role may do {} for some of `{}` at most, {purpose}",
                quoted(&lacking),
                self.target.arn
            );
            return Check::of(group.name, None, detail).fixed_by(grant.command(&lacking));
        }
        if !lacking.is_empty() {
            let detail = format!("the role needs {} {purpose}", quoted(&lacking));
            return Check::of(group.name, Some(false), detail).fixed_by(grant.command(&lacking));
        }
        if !unclear.is_empty() {
            let detail = format!(
                "not known: {} {purpose}{}",
                quoted(&unclear),
                self.conditions(&unclear)
            );
            return Check::of(group.name, None, detail);
        }
        Check::of(
            group.name,
            Some(true),
            format!("the role has what it needs {purpose}"),
        )
    }

    /// Returns the end of a sentence about actions that IAM did not decide.
    fn conditions(&self, actions: &[&str]) -> String {
        let mut keys: Vec<_> = actions
            .iter()
            .filter_map(|action| match self.decision(action) {
                Some(Decision::Depends(keys)) => Some(keys.iter().map(String::as_str)),
                _ => None,
            })
            .flatten()
            .collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            "; IAM did not answer of it".to_owned()
        } else {
            format!("; policies ask for {} of a request", quoted(&keys))
        }
    }
}

/// Creates the check of a role that IAM was not asked about, with the grant that lets it be asked where that lacks.
pub(super) fn not_asked(check: &'static str, grant: &Grant<'_>, error: &Error) -> Check {
    let unknown = Check::unknown(check, error);
    if error.kind == Kind::AccessDenied {
        unknown.fixed_by(grant.command(&[SIMULATE]))
    } else {
        unknown
    }
}

/// A permission that a role lacks.
pub(super) struct Grant<'g> {
    /// The role that gets it.
    pub role: &'g RoleArn,
    /// The check that asks for it.
    pub check: &'g str,
    /// The resource that it is for.
    pub resource: &'g str,
    /// Its condition, as JSON; empty for none.
    pub condition: &'g str,
}

impl Grant<'_> {
    /// Returns the command that allows actions, by a policy of its own.
    pub fn command(&self, actions: &[&str]) -> String {
        let mut statement =
            json!({"Effect": "Allow", "Action": actions, "Resource": self.resource});
        if let Ok(condition) = serde_json::from_str::<Value>(self.condition) {
            statement["Condition"] = condition;
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        format!(
            "aws iam put-role-policy --role-name {} --policy-name ecs-api-{} --policy-document '{policy}'",
            name_of(self.role),
            self.check
        )
    }

    /// Returns the command that shows which policy forbids actions.
    pub fn explanation(&self, actions: &[&str]) -> String {
        format!(
            "aws iam simulate-principal-policy --policy-source-arn {} --action-names {} --resource-arns '{}'",
            self.role.as_str(),
            actions.join(" "),
            self.resource
        )
    }
}

/// Returns the name of a role without its path, as the commands of IAM take it.
pub(super) fn name_of(role: &RoleArn) -> &str {
    role.as_str().rsplit('/').next().unwrap_or_default()
}
