//! `make smoke`, asked about the deployed stack by an operator: while it is well, and while one thing after another is broken.

use std::process::Command;

use serde_json::json;

use super::Stack;
use super::permissions::{Role, without};
use crate::openapi::project;

/// The page that the configuration lets in.
const PORTAL: &str = "https://portal.example.com";

/// Runs the command, and returns what it printed.
fn smoke(url: &str, token: &str, origin: &str) -> String {
    // Only the local gateway's URL names the stage, whose `$` make and the shell would take for theirs.
    let url = url.replace('$', "%24");
    let ran = Command::new("make")
        .current_dir(project(""))
        .arg("--no-print-directory")
        .args(["smoke", &format!("URL={url}"), &format!("ORIGIN={origin}")])
        .envs([("TOKEN", token), ("NO_PROXY", "127.0.0.1")])
        .output()
        .expect("make runs");
    let printed = String::from_utf8(ran.stdout).expect("text");
    assert_eq!(
        ran.status.success(),
        !printed.contains("WRONG"),
        "{printed}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    printed
}

/// Asserts that one thing is wrong with the stack, and that the command says which, and where to look.
#[track_caller]
fn assert_finds(printed: &str, wrong: &str, look: &str) {
    let beginning = |start: &str| -> Vec<_> {
        let lines = printed.lines();
        lines.filter(|line| line.starts_with(start)).collect()
    };
    let (found, places) = (beginning("WRONG  "), beginning("       look: "));
    assert_eq!((found.len(), places.len()), (1, 1), "{printed}");
    assert!(found[0].contains(wrong), "{wrong}: {printed}");
    assert!(places[0].contains(look), "{look}: {printed}");
}

impl Stack {
    /// The token of somebody who may read two accounts.
    fn operators_token(&self) -> &str {
        self.ready["operators_token"].as_str().expect("a text")
    }

    fn smoke(&self) -> String {
        smoke(&self.url, self.operators_token(), "")
    }
}

#[test]
fn smoke_passes_on_the_deployed_stack() {
    let stack = Stack::shared();
    let printed = smoke(&stack.url, stack.operators_token(), PORTAL);
    let version = format!("ok     version {}, commit ", env!("CARGO_PKG_VERSION"));
    for told in [
        version.as_str(),
        "ok     /openapi.json",
        "ok     /docs",
        "ok     a request without a token is refused, with a problem that names its request",
        "ok     CORS: a page of elsewhere is not let in",
        "ok     CORS: https://portal.example.com is let in",
        "ok     accounts: nonprod (read), prod (read)",
        "ok     account nonprod is ready: ",
        "ok     account prod is ready: ",
        "nothing is wrong, in ",
    ] {
        assert!(printed.contains(told), "{told}: {printed}");
    }
}

#[test]
fn smoke_names_what_is_broken_of_a_deployed_stack_and_where_to_look() {
    let stack = Stack::beside("broken", &[]);
    let printed = stack.smoke();
    assert!(!printed.contains("WRONG"), "{printed}");

    // Somebody else's token, and one whose accounts are not all well.
    let printed = smoke(&stack.url, "somebody-elses", "");
    assert_finds(&printed, "the token: 401", "tokenSha256");
    let printed = smoke(&stack.url, &stack.token, "");
    let wrong = "account misinformed, AssumeRole: ";
    assert_finds(&printed, wrong, "aws cloudformation deploy");

    let member = stack.members["prod"]["account"].as_str().expect("a text");
    let role = Role::of(&stack, member, "ecs-api", "ecs-api");
    let policy = role.policy();
    role.put(&without(&policy, "ecs:CreateService"));
    let wrong = "account prod, EcsPermissions: the role needs `ecs:CreateService`";
    assert_finds(&stack.smoke(), wrong, "aws iam put-role-policy");
    role.put(&policy);

    let nowhere = stack.url.replace(stack.output("ApiId"), "0123456789");
    let printed = smoke(&nowhere, stack.operators_token(), "");
    assert_finds(&printed, "ping: 404", "is URL the output ApiUrl");

    let variables = stack.environment();
    stack.reconfigure(&json!({"ECS_API_CONFIG": "{"}));
    let printed = stack.smoke();
    assert_finds(&printed, "ping: 50", "it does not start");
    stack.reconfigure(&variables);

    let api = format!("/v2/apis/{}", stack.output("ApiId"));
    let open = json!({"corsConfiguration": {"allowOrigins": ["*"]}});
    stack.change("PATCH", "apigateway", &api, &open);
    let look = "has the gateway got one of its own";
    assert_finds(&stack.smoke(), "any page is let in (*)", look);
}
