//! Roles that are passed to ECS.

use serde_json::Value;

use super::Exchange;
use crate::answer::{Refusal, Rule};
use crate::value::{list, text};

/// The text is (applicationautoscaling/ecs_authorization #47)'s, with the action of this.
const NOT_PASSABLE: Rule = Rule::new(
    "AccessDeniedException",
    "User: {} is not authorized to perform: iam:PassRole on resource: {} because no identity-based policy allows the \
     iam:PassRole action",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_troubleshoot.html",
);
const UNASSUMABLE: Rule = Rule::new(
    "ClientException",
    "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being passed has \
     the proper trust relationship and permissions and that your IAM user has permissions to pass this role.",
    "[ecs/task_role_trust #44-#47]",
);
const NOT_VALID: Rule = Rule::new(
    "ClientException",
    "Role is not valid",
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
);

impl Exchange<'_> {
    /// Refuses roles that the caller may not pass, and such that there are not.
    pub(super) fn check_passed_roles(&self, definition: &Value) -> Result<(), Refusal> {
        for member in ["executionRoleArn", "taskRoleArn"] {
            let Some(role) = definition[member].as_str() else {
                continue;
            };
            if self
                .circumstances
                .missing_roles
                .iter()
                .any(|missing| missing == role)
            {
                return NOT_VALID.refuse();
            }
            self.check_passable(role)?;
        }
        Ok(())
    }

    fn check_passable(&self, role: &str) -> Result<(), Refusal> {
        let is_passable = match &self.circumstances.passable_roles {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| matches(pattern, role)),
        };
        if is_passable {
            Ok(())
        } else {
            let caller = format!(
                "arn:aws:sts::{}:assumed-role/ecs-api/ecs-api",
                self.call.account
            );
            NOT_PASSABLE.refuse_naming(&[&caller, role])
        }
    }

    /// Refuses roles of overrides, which are passed at the start of a task.
    pub(super) fn check_overrides(&self) -> Result<(), Refusal> {
        self.check_passed_roles(&self.input()["overrides"])?;
        // Roles for volumes and networks go to ecs.amazonaws.com.
        for volume in list(self.input(), "volumeConfigurations") {
            let role = text(&volume["managedEBSVolume"], "roleArn");
            if !role.is_empty() {
                self.check_passable(role)?;
            }
        }
        Ok(())
    }

    /// Refuses a task whose role ECS can't assume: RunTask itself looks.
    pub(super) fn check_trust(&self, definition: &Value) -> Result<(), Refusal> {
        let overridden = self.input()["overrides"]["taskRoleArn"].as_str();
        let role = overridden.unwrap_or_else(|| text(definition, "taskRoleArn"));
        if self
            .circumstances
            .unassumable_roles
            .iter()
            .any(|other| other == role)
        {
            return UNASSUMABLE.refuse_naming(&[role]);
        }
        Ok(())
    }
}

/// Returns `true` if a pattern, whose end may be `*`, is for a role.
fn matches(pattern: &str, role: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => role.starts_with(begin),
        None => pattern == role,
    }
}
