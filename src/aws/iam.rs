//! IAM's policy simulator: one function per operation, under AWS's own names.

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
    ResourceSpecificResult,
};

use super::{Account, Error};
use crate::ids::RoleArn;

/// The results of one page, at most; IAM may answer fewer, and the others on pages of their own
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>).
const PAGE: i32 = 1000;

/// A decision of the simulator about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The policies allow it.
    Allowed,
    /// No policy allows it.
    NotAllowed,
    /// A policy, the permissions boundary or the organization forbids it: to allow it changes nothing.
    Forbidden,
    /// The policies do not allow it as it was asked for, but ask for these keys of a request, which a simulation has not.
    Depends(Vec<String>),
}

/// A key of a request and its values, which the simulator takes as given.
#[derive(Debug, Clone, Copy)]
pub struct ContextValue {
    /// The key: `iam:PassedToService`.
    pub key: &'static str,
    /// The kind of the key, which the key's documentation names.
    pub kind: ContextKind,
    /// The value, or the only element of the list.
    pub value: &'static str,
}

/// The kinds of keys that are simulated.
#[derive(Debug, Clone, Copy)]
pub enum ContextKind {
    /// A text.
    Text,
    /// A list of texts.
    List,
}

/// Calls `iam:SimulatePrincipalPolicy`: what a role may do with a resource, each action with its decision.
///
/// Nothing is done. Of the organization's policies, those with conditions are left out
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html>).
///
/// # Errors
/// [`Error`] with AWS's refusal; [`Kind::NotFound`](super::Kind::NotFound) without such a role.
pub async fn simulate_principal_policy(
    account: &Account,
    role: &RoleArn,
    actions: &[&'static str],
    resource: &str,
    context: &[ContextValue],
) -> Result<Vec<(String, Decision)>, Error> {
    let names = actions.iter().map(|action| (*action).to_owned()).collect();
    let entries = context.iter().copied().map(entry).collect();
    let pages = account
        .iam
        .simulate_principal_policy()
        .policy_source_arn(role.as_str())
        .set_action_names(Some(names))
        .resource_arns(resource)
        .set_context_entries(Some(entries))
        .max_items(PAGE)
        .into_paginator();
    let results: Result<Vec<_>, _> = pages.items().send().collect().await;
    let results = results.map_err(account.refused("iam:SimulatePrincipalPolicy"))?;
    Ok(results.into_iter().map(read).collect())
}

fn entry(value: ContextValue) -> ContextEntry {
    let kind = match value.kind {
        ContextKind::Text => ContextKeyTypeEnum::String,
        ContextKind::List => ContextKeyTypeEnum::StringList,
    };
    ContextEntry::builder()
        .context_key_name(value.key)
        .context_key_type(kind)
        .context_key_values(value.value)
        .build()
}

fn read(result: EvaluationResult) -> (String, Decision) {
    let decision = decision(&result);
    (result.eval_action_name, decision)
}

fn decision(result: &EvaluationResult) -> Decision {
    let is_outside = is_stopped_outside(result);
    match result.eval_decision {
        PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
        PolicyEvaluationDecisionType::ImplicitDeny if !is_outside => {
            let missing = missing_keys(result);
            if missing.is_empty() {
                Decision::NotAllowed
            } else {
                Decision::Depends(missing)
            }
        }
        _ => Decision::Forbidden,
    }
}

/// Returns `true` if the role's own policies have no say.
fn is_stopped_outside(result: &EvaluationResult) -> bool {
    let organization = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    organization.is_some_and(|detail| !detail.allowed_by_organizations())
        || boundary.is_some_and(|detail| !detail.allowed_by_permissions_boundary())
}

/// Returns the keys that policies ask for and that were not given, wherever IAM tells of them.
fn missing_keys(result: &EvaluationResult) -> Vec<String> {
    let of_resources = result.resource_specific_results().iter();
    let of_resources = of_resources.flat_map(ResourceSpecificResult::missing_context_values);
    let mut keys: Vec<_> = result
        .missing_context_values()
        .iter()
        .chain(of_resources)
        .cloned()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
