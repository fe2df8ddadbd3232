//! Tags of what is in ECS.

use serde_json::{Value, json};

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::{last, list as entries, text};

const NO_VALUE: Rule = Rule::new(
    "InvalidParameterException",
    "Tag value can not be null.",
    "[ecs/controls #15, #16]",
);
const NO_VALUE_OF_TASK_DEFINITION: Rule = Rule::new(
    "ClientException",
    "Tag value can not be null.",
    "[ecs/controls #38]",
);
const INACTIVE_CLUSTER: Rule = Rule::new(
    "InvalidParameterException",
    "The specified cluster is inactive. Specify an active cluster and try again.",
    "[ecs/controls #28]",
);
const STOPPED_TASK: Rule = Rule::new(
    "InvalidParameterException",
    "The specified task is stopped. Specify a running task and try again.",
    "[ecs/task_tokens #18, ecs/task_tags #34]",
);
const SHORT_ARN: Rule = Rule::new(
    "InvalidParameterException",
    "Long arn format must be used for tagging operations",
    "https://github.com/boto/boto3/issues/2473",
);
const NO_LONG_ARNS: Rule = Rule::new(
    "InvalidParameterException",
    "The new ARN and resource ID format must be enabled to {}. Opt in to the new format and try again.",
    "https://github.com/hashicorp/terraform-provider-aws/pull/6486, \
     https://github.com/hashicorp/terraform-provider-aws/issues/10762, https://github.com/aws-samples/aws-cdk-examples/issues/108",
);
const RESERVED: Rule = Rule::new(
    "InvalidParameterException",
    "aws: prefixed tag key names are not allowed for external use.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
);
const TOO_MANY: Rule = Rule::new(
    "InvalidParameterException",
    "Resource tags must be less than or equal to 50.",
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html",
);

/// Refuses tags that nothing in ECS may have.
pub(super) fn check(tags: &[Value]) -> Result<(), Refusal> {
    if tags.len() > 50 {
        return TOO_MANY.refuse();
    }
    if tags
        .iter()
        .any(|tag| text(tag, "key").to_lowercase().starts_with("aws:"))
    {
        return RESERVED.refuse();
    }
    if tags.iter().any(|tag| tag["value"].is_null()) {
        return NO_VALUE.refuse();
    }
    Ok(())
}

/// Tags something. One tag without a value, and none of them is set (ecs/controls #15, #16, #38).
pub(super) async fn tag(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let arn = text(exchange.input(), "resourceArn");
    if arn.contains(":task-definition/")
        && check(entries(exchange.input(), "tags")) == NO_VALUE.refuse()
    {
        return NO_VALUE_OF_TASK_DEFINITION.refuse();
    }
    check(entries(exchange.input(), "tags"))?;
    let is_long = exchange.circumstances.has_long_arns;
    if !is_long && (arn.contains(":service/") || arn.contains(":task/")) {
        return SHORT_ARN.refuse();
    }
    exchange.pass().await?;
    Ok(json!({}))
}

/// Lists the tags of something that is still at work.
pub(super) async fn list(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let arn = text(exchange.input(), "resourceArn");
    if arn.contains(":cluster/") {
        exchange.refuse_inactive(arn).await?;
    }
    if arn.contains(":task/") {
        let cluster = arn.rsplit('/').nth(1).unwrap_or("default");
        let input = json!({"cluster": cluster, "tasks": [last(arn)]});
        let answer = exchange.ask("ecs:DescribeTasks", &input).await?;
        if let Some(task) = entries(&answer, "tasks").first() {
            let mut task = task.clone();
            exchange.age(&mut task);
            if text(&task, "lastStatus") == "STOPPED" {
                return STOPPED_TASK.refuse();
            }
        }
    }
    exchange.pass().await
}

impl Exchange<'_> {
    /// Refuses tags where services have no long ARNs.
    pub(super) fn check_long_arns(&self) -> Result<(), Refusal> {
        if self.circumstances.has_long_arns {
            return Ok(());
        }
        let input = self.input();
        let propagates = input["propagateTags"]
            .as_str()
            .is_some_and(|what| what != "NONE");
        match (
            entries(input, "tags"),
            propagates,
            &input["enableECSManagedTags"],
        ) {
            ([_, ..], _, _) => NO_LONG_ARNS.refuse_naming(&["add tags to the service"]),
            (_, true, _) => NO_LONG_ARNS.refuse_naming(&["propagate tags"]),
            (_, _, Value::Bool(true)) => {
                NO_LONG_ARNS.refuse_naming(&["work with ECS managed tags"])
            }
            _ => Ok(()),
        }
    }

    async fn refuse_inactive(&self, arn: &str) -> Result<(), Refusal> {
        match self.cluster(arn).await? {
            Some(cluster) if text(&cluster, "status") == "INACTIVE" => INACTIVE_CLUSTER.refuse(),
            _ => Ok(()),
        }
    }
}
