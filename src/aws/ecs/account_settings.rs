//! Settings of the account.

use aws_sdk_ecs::types::Setting;

use crate::aws::{Account, Error};

/// Calls `ecs:ListAccountSettings`: the settings that are in force for the role, those of the account and of AWS included.
///
/// There are a dozen of them, less than a page.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn list_account_settings(account: &Account) -> Result<Vec<Setting>, Error> {
    let call = account.ecs.list_account_settings().effective_settings(true);
    let answer = call.send().await;
    let answer = answer.map_err(account.refused("ecs:ListAccountSettings"))?;
    Ok(answer.settings.unwrap_or_default())
}
