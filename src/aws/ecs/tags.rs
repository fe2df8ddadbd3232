//! Tags of ECS's resources.

use aws_sdk_ecs::types::Tag;

use crate::aws::{Account, Error};
use crate::ids::Arn;

/// Calls `ecs:TagResource`: sets tags, and leaves those of other keys as they are.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn tag_resource(account: &Account, arn: &Arn, tags: Vec<Tag>) -> Result<(), Error> {
    let call = account
        .ecs
        .tag_resource()
        .resource_arn(arn.as_str())
        .set_tags(Some(tags));
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("ecs:TagResource"))
}

/// Calls `ecs:UntagResource`: removes the tags of these keys. A key that is not there is no error.
///
/// # Errors
/// [`Error`] with AWS's refusal.
pub async fn untag_resource(account: &Account, arn: &Arn, keys: Vec<String>) -> Result<(), Error> {
    let call = account
        .ecs
        .untag_resource()
        .resource_arn(arn.as_str())
        .set_tag_keys(Some(keys));
    call.send()
        .await
        .map(drop)
        .map_err(account.refused("ecs:UntagResource"))
}
