//! `GET /{account}/readiness` against accounts that lack each thing in turn, with IAM enforced: what is told mends it.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::SettingName;
use serde_json::Value;

use super::Stack;
use super::permissions::{Role, actions_of, without};
use crate::support::root_config;

const MEMBER: &str = "sandbox";

impl Stack {
    fn readiness(&self, account: &str) -> Value {
        self.expect(200, "GET", &format!("/{account}/readiness"), None)
    }
}

/// The checks that are not well; nobody looks at the network.
fn failed(readiness: &Value) -> Vec<&Value> {
    let checks = readiness["Checks"].as_array().expect("a list").iter();
    checks
        .filter(|check| check["Ok"] != true && check["Name"] != "Network")
        .collect()
}

/// Returns the fixes of the checks that fail for want of an action.
fn fixes_of(readiness: &Value, action: &str) -> BTreeSet<String> {
    let failed = failed(readiness).into_iter();
    let lacking = failed.filter(|check| {
        let detail = check["Detail"].as_str();
        detail.is_some_and(|detail| detail.contains(&format!("`{action}`")))
    });
    let fixes = lacking.map(|check| check["Fix"].as_str().expect("there is a fix").to_owned());
    fixes.collect()
}

#[track_caller]
fn assert_ready(readiness: &Value, when: &str) {
    assert_eq!(readiness["Ready"], true, "{when}: {readiness}");
    assert!(failed(readiness).is_empty(), "{when}: {readiness}");
}

/// The policy that `aws iam put-role-policy` of a fix puts, with the role's and its own name.
fn put_by(fix: &str) -> (String, String, Value) {
    let after = |option: &str| {
        let (_, rest) = fix.split_once(option).expect("the fix has the option");
        rest.split(' ').next().expect("a word").to_owned()
    };
    assert!(fix.starts_with("aws iam put-role-policy "), "{fix}");
    let policy = fix.split('\'').nth(1).expect("the policy is in quotes");
    let policy = serde_json::from_str(policy).expect("a policy is JSON");
    (after("--role-name "), after("--policy-name "), policy)
}

#[tokio::test]
async fn readiness_names_each_permission_that_a_role_lacks_and_what_it_tells_to_do_mends_it() {
    let stack = Stack::beside("lacking", &[]);
    let account = stack.members[MEMBER]["account"].as_str().expect("a text");
    let iam = aws_sdk_iam::Client::new(&root_config(account, stack.endpoint()));
    let role = Role::of(&stack, account, "ecs-api", "ecs-api");
    let policy = role.policy();
    assert_ready(&stack.readiness(MEMBER), "as it is installed");
    let statements = policy["Statement"].as_array().expect("a list");
    let actions: BTreeSet<_> = statements.iter().flat_map(actions_of).collect();
    for action in actions {
        role.put(&without(&policy, &action));
        let lacking = stack.readiness(MEMBER);
        let fixes = fixes_of(&lacking, &action);
        assert!(!fixes.is_empty(), "{action}: {lacking}");
        for fix in &fixes {
            let (name, policy_name, granted) = put_by(fix);
            Role::of(&stack, account, &name, &policy_name).put(&granted);
        }
        assert_ready(&stack.readiness(MEMBER), &format!("{fixes:?}"));
        for fix in &fixes {
            let (name, policy_name, _) = put_by(fix);
            let delete = iam.delete_role_policy().role_name(&name);
            let delete = delete.policy_name(&policy_name).send();
            delete.await.expect("the policy is there");
        }
    }
    role.put(&policy);
}

#[tokio::test]
async fn readiness_names_what_an_account_lacks_beside_permissions_of_its_role() {
    let stack = Stack::beside("bare", &[]);
    let account = stack.members[MEMBER]["account"].as_str().expect("a text");
    let config = root_config(account, stack.endpoint());
    let iam = aws_sdk_iam::Client::new(&config);
    let ecs = aws_sdk_ecs::Client::new(&config);
    let only = |readiness: &Value, name: &str| -> String {
        let failed = failed(readiness);
        assert_eq!(
            (failed.len(), &failed[0]["Name"]),
            (1, &Value::from(name)),
            "{readiness}"
        );
        assert_eq!(failed[0]["Ok"], false, "{readiness}");
        failed[0]["Fix"].as_str().expect("a text").to_owned()
    };

    let fix = only(&stack.readiness("misinformed"), "AssumeRole");
    assert!(
        fix.starts_with("aws cloudformation deploy --stack-name ecs-api-member"),
        "{fix}"
    );

    let short = SettingName::ServiceLongArnFormat;
    let put = ecs.put_account_setting_default().name(short.clone());
    put.value("disabled")
        .send()
        .await
        .expect("the setting is put");
    let fix = only(&stack.readiness(MEMBER), "LongArns");
    assert!(
        fix.contains("--name serviceLongArnFormat --value enabled"),
        "{fix}"
    );
    let put = ecs.put_account_setting_default().name(short);
    put.value("enabled")
        .send()
        .await
        .expect("the setting is put");
    assert_ready(&stack.readiness(MEMBER), "with long ARNs");

    let (role, attached) = (
        "ecsTaskExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    );
    let detach = iam
        .detach_role_policy()
        .role_name(role)
        .policy_arn(attached);
    detach.send().await.expect("the policy is attached");
    let (name, policy_name, granted) = put_by(&only(&stack.readiness(MEMBER), "ExecutionRoleLogs"));
    assert_eq!(name, role);
    Role::of(&stack, account, &name, &policy_name).put(&granted);
    assert_ready(&stack.readiness(MEMBER), "with a policy for logs");

    let delete = iam
        .delete_role_policy()
        .role_name(role)
        .policy_name(&policy_name);
    delete.send().await.expect("the policy is there");
    iam.delete_role()
        .role_name(role)
        .send()
        .await
        .expect("the role is there");
    let fix = only(&stack.readiness(MEMBER), "ExecutionRole");
    let commands: Vec<_> = fix.split(" && ").collect();
    assert!(
        commands[0].starts_with("aws iam create-role --role-name ecsTaskExecutionRole "),
        "{fix}"
    );
    let trust = commands[0]
        .split('\'')
        .nth(1)
        .expect("the trust is in quotes");
    let create = iam
        .create_role()
        .role_name(role)
        .assume_role_policy_document(trust);
    create.send().await.expect("the role is created");
    assert!(
        commands[1].starts_with("aws iam attach-role-policy --role-name ecsTaskExecutionRole "),
        "{fix}"
    );
    let arn = commands[1].rsplit(' ').next().expect("a word");
    let attach = iam.attach_role_policy().role_name(role).policy_arn(arn);
    attach.send().await.expect("the policy is attached");
    assert_ready(&stack.readiness(MEMBER), "with the role that the fix makes");
}
