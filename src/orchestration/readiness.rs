//! Readiness of an account: what a create needs there, looked at without a change.
//!
//! The role asks IAM's policy simulator what it may do itself. What can't be seen is told as unknown, never guessed.

mod permissions;
mod setup;
mod simulated;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use self::permissions::SIMULATIONS;
use self::simulated::Question;
use crate::aws::{Account, Error, Kind, ecs, log_groups};
use crate::deadline::Deadline;
use crate::ids::LogGroupName;

pub use permissions::{OWN_ACTIONS, actions};

/// The most questions to IAM at the same time.
const AT_ONCE: usize = 4;

/// One thing that a create, or another request, needs of an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// The name, which stays the same: `AssumeRole`.
    pub name: &'static str,
    /// The result; `None` if it can't be known.
    pub ok: Option<bool>,
    /// The thing that was seen, in a sentence.
    pub detail: String,
    /// A command that mends it.
    pub fix: Option<String>,
    /// A create fails without it.
    pub is_needed: bool,
}

impl Check {
    fn of(name: &'static str, ok: Option<bool>, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok,
            detail: detail.into(),
            fix: None,
            is_needed: true,
        }
    }

    fn fixed_by(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }

    /// Creates a check that could not be made.
    fn unknown(name: &'static str, error: &Error) -> Self {
        Self::of(name, None, format!("not known: {error}"))
    }
}

/// The checks of an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The checks, those that a create needs first of all first.
    pub checks: Vec<Check>,
}

impl Readiness {
    /// Returns `true` if the account can take a create: nothing that was looked at lacks, and all that a create needs was seen.
    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| match check.ok {
            Some(is_ok) => is_ok,
            None => !check.is_needed,
        })
    }
}

/// Looks at everything that a create needs of the account, and changes nothing.
///
/// # Errors
/// [`Error`] if STS or ECS could not be asked at all, or not in time.
pub async fn readiness(account: &Account, deadline: Deadline) -> Result<Readiness, Error> {
    let settings = ecs::list_account_settings(account);
    let settings = match account
        .in_time("ecs:ListAccountSettings", deadline, settings)
        .await
    {
        Err(error) if error.kind == Kind::AssumeRole => {
            let checks = vec![setup::role_not_assumed(account, &error), setup::network()];
            return Ok(Readiness { checks });
        }
        Err(error) if error.kind != Kind::AccessDenied => return Err(error),
        settings => settings,
    };
    let group = group_name(account);
    let questions = SIMULATIONS
        .iter()
        .filter_map(|simulation| Question::of(account, simulation, group.as_ref()));
    let asked: Vec<_> = questions
        .map(|question| question.ask(account, deadline).boxed())
        .collect();
    let (simulated, execution, found) = tokio::join!(
        stream::iter(asked).buffered(AT_ONCE).collect::<Vec<_>>(),
        setup::ask_execution_role(account, group.as_ref(), deadline),
        look_for_group(account, group.as_ref(), deadline),
    );
    let mut checks = vec![
        setup::role_assumed(account),
        setup::long_arns(account, &settings),
    ];
    checks.extend(simulated.iter().flat_map(|each| each.checks(account)));
    checks.extend(setup::execution_role(account, group.as_ref(), execution));
    checks.extend(setup::log_group(account, group.as_ref(), found, &simulated));
    checks.push(setup::network());
    Ok(Readiness { checks })
}

/// The name that stands for a cluster's and a service's in the name of a group.
const SAMPLE: &str = "ecs-api";

/// The group of containers that name none.
struct Group {
    name: LogGroupName,
    /// There is one for each cluster or service, of which the name is an example.
    is_example: bool,
}

fn group_name(account: &Account) -> Option<Group> {
    let logs = account.settings.logs.as_ref()?;
    let name = logs.group_of(SAMPLE, SAMPLE);
    let is_example = name != logs.group;
    // The configuration has been checked for names that can be none.
    let name = LogGroupName::parse(&name).ok()?;
    Some(Group { name, is_example })
}

/// Returns `true` if the group is there; `None` if there is none to look for.
async fn look_for_group(
    account: &Account,
    group: Option<&Group>,
    deadline: Deadline,
) -> Option<Result<bool, Error>> {
    let group = group.filter(|group| !group.is_example)?;
    let look = log_groups::describe_log_group(account, &group.name);
    let found = account
        .in_time("logs:DescribeLogGroups", deadline, look)
        .await;
    Some(found.map(|found| found.is_some()))
}
