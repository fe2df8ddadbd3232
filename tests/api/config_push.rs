//! `tools/config_push.py`: puts what differs and nothing else, in an order in which no step leaves a broken configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_aws::{FakeAws, Fault, HUB, Server};
use serde_json::{Value, json};

use crate::openapi::project;
use crate::support::scripted::ScriptedApp;

const PATH: &str = "/ecs-api/config/";
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const EXTERNAL_ID: &str = "external-of-prod";
/// The changes that put the whole folder, in their order.
const ALL_PUT: [&str; 4] = [
    "put defaults",
    "put accounts/prod",
    "put callers/portal",
    "put version",
];

/// Somebody with a folder, and the AWS that it is put into.
#[derive(Debug)]
pub(crate) struct Operator {
    folder: PathBuf,
    aws: FakeAws,
    server: Server,
}

impl Operator {
    /// With a folder of one account and one caller.
    fn new(name: &str) -> Self {
        let operator = Self::of(FakeAws::in_memory(), name);
        operator.write("defaults", &json!({"region": "us-east-1"}));
        operator.write("accounts/prod", &account(1));
        operator.write("callers/portal", &caller(&["prod"]));
        operator
    }

    /// With an empty folder.
    pub(crate) fn of(aws: FakeAws, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("config-push-{name}"));
        // It may be there from an earlier run.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("accounts")).unwrap();
        fs::create_dir_all(folder.join("callers")).unwrap();
        let server = Server::start(aws.clone()).expect("there is a free port");
        Self {
            folder,
            aws,
            server,
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.server.endpoint()
    }

    pub(crate) fn write(&self, part: &str, value: &Value) {
        let file = self.folder.join(format!("{part}.json"));
        fs::write(file, format!("{value:#}\n")).unwrap();
    }

    pub(crate) fn remove(&self, part: &str) {
        fs::remove_file(self.folder.join(format!("{part}.json"))).unwrap();
    }

    fn push(&self, arguments: &[&str]) -> Result<String, String> {
        self.run(PATH, arguments)
    }

    /// Runs the command, and returns what it printed: an error if it did not do all of it.
    fn run(&self, path: &str, arguments: &[&str]) -> Result<String, String> {
        let ran = Command::new(project(".venv/bin/python"))
            .arg(project("tools/config_push.py"))
            .arg(&self.folder)
            .args([path, "--check", env!("CARGO_BIN_EXE_ecs-api")])
            .args(arguments)
            .env_clear()
            .envs([
                ("AWS_ENDPOINT_URL", self.server.endpoint()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_DEFAULT_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", HUB),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_CONFIG_FILE", "/dev/null"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
                ("NO_PROXY", "127.0.0.1"),
                ("PYTHONUTF8", "1"),
            ])
            .stdin(Stdio::null())
            .output()
            .expect("`make test-tools` has installed Python");
        let printed = [ran.stdout, ran.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        for secret in [DIGEST, EXTERNAL_ID] {
            assert!(!printed.contains(secret), "{printed}");
        }
        assert!(!printed.contains("Traceback"), "{printed}");
        if ran.status.success() {
            Ok(printed)
        } else {
            Err(printed)
        }
    }

    /// Puts all of it.
    #[track_caller]
    fn push_all(&self) -> String {
        self.push_below(PATH)
    }

    /// Puts all of it below a path.
    #[track_caller]
    pub(crate) fn push_below(&self, path: &str) -> String {
        self.run(path, &["--yes"])
            .unwrap_or_else(|printed| panic!("{printed}"))
    }

    /// Returns the changes, in order, since it was last asked for them.
    fn changed(&self) -> Vec<String> {
        let calls = self.aws.calls();
        let changes = calls.iter().filter_map(|call| {
            let name = call.input()["Name"].as_str()?.strip_prefix(PATH)?;
            match call.operation() {
                "ssm:PutParameter" => Some(format!("put {name}")),
                "ssm:DeleteParameter" => Some(format!("delete {name}")),
                _ => None,
            }
        });
        let changes = changes.collect();
        self.aws.forget_calls();
        changes
    }
}

fn account(number: u64) -> Value {
    json!({"accountId": format!("{:012}", 444_400_000_000 + number), "externalId": EXTERNAL_ID})
}

fn caller(accounts: &[&str]) -> Value {
    json!({"tokenSha256": DIGEST, "grants": [{"accounts": accounts, "access": "write"}]})
}

#[test]
fn a_folder_becomes_parameters_and_a_second_push_changes_nothing() {
    let operator = Operator::new("first");
    let printed = operator.push_all();
    for line in [
        "  + accounts/prod\n    accountId: \"444400000001\"\n    externalId: exte…\n",
        "    tokenSha256: 9f86…\n",
        "Put. It is in force within two minutes",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    assert_eq!(operator.changed(), ALL_PUT);
    let printed = operator.push(&[]).unwrap();
    assert!(printed.contains("Nothing differs from what is below /ecs-api/config/"));
    assert_eq!(operator.changed(), [""; 0]);
    // Written otherwise, it still means the same.
    let text = account(1).to_string();
    fs::write(operator.folder.join("accounts/prod.json"), text).unwrap();
    operator.push_all();
    assert_eq!(operator.changed(), [""; 0]);
}

#[test]
fn what_is_hidden_in_a_folder_is_not_put() {
    let operator = Operator::new("hidden");
    for (inner, file) in [
        (".git", "HEAD"),
        (".vscode", "settings.json"),
        ("accounts", "._prod.json"),
    ] {
        fs::create_dir_all(operator.folder.join(inner)).unwrap();
        fs::write(operator.folder.join(inner).join(file), "no JSON").unwrap();
    }
    fs::write(operator.folder.join(".eslintrc.json"), "no JSON").unwrap();
    operator.push_all();
    assert_eq!(operator.changed(), ALL_PUT);
}

#[test]
fn accounts_come_before_their_callers_and_go_after_them() {
    let operator = Operator::new("order");
    operator.write("accounts/old", &account(2));
    let grants = json!([{"accounts": ["old"], "access": "read"}]);
    operator.write("callers/leaver", &json!({"invoke": true, "grants": grants}));
    operator.push_all();
    operator.changed();
    operator.remove("accounts/old");
    operator.remove("callers/leaver");
    operator.write("accounts/added", &account(3));
    operator.write("callers/portal", &caller(&["prod", "added"]));
    operator.write("corsOrigins", &json!(["https://portal.example.com"]));
    let printed = operator.push_all();
    let order = [
        "put corsOrigins",
        "put accounts/added",
        "put callers/portal",
        "delete callers/leaver",
        "delete accounts/old",
        "put version",
    ];
    assert_eq!(operator.changed(), order);
    for line in [
        "  ~ callers/portal\n    grants: [{\"accounts\": [\"prod\"], \"access\": \"write\"}] → [{",
        "  - accounts/old\n",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}

/// There is no transaction over parameters: the function reads what is there, and each step must leave a configuration.
#[tokio::test]
async fn a_failure_in_the_middle_says_what_is_put_and_the_next_push_puts_the_rest() {
    let operator = Operator::new("middle");
    operator.write("accounts/old", &account(2));
    operator.write("callers/portal", &caller(&["prod", "old"]));
    operator.push_all();
    operator.remove("accounts/old");
    operator.write("accounts/added", &account(3));
    operator.write("callers/portal", &caller(&["prod", "added"]));
    for (operation, part, made) in [
        ("ssm:PutParameter", "accounts/added", "nothing"),
        ("ssm:PutParameter", "callers/portal", "+ accounts/added"),
        ("ssm:DeleteParameter", "accounts/old", "~ callers/portal"),
        ("ssm:PutParameter", "version", "- accounts/old"),
    ] {
        let name = format!("{PATH}{part}");
        let denied = Fault::refuse("AccessDeniedException", "User is not authorized to perform");
        let fails = operator.aws.on(operation);
        fails
            .whose(move |input| input["Name"] == name.as_str())
            .meets(denied);
        let printed = operator.push(&["--yes"]).unwrap_err();
        operator.aws.forget_script();
        for told in [
            format!("`{PATH}{part}`: An error occurred"),
            format!("\nmade: {made}\n"),
        ] {
            assert!(printed.contains(&told), "{told}: {printed}");
        }
        let left = printed.lines().find(|line| line.starts_with("not made: "));
        let left = left.unwrap_or_else(|| panic!("{printed}"));
        assert!(left.contains(part) && left.ends_with("~ version"), "{left}");
        // A function that starts now has a configuration.
        let app = ScriptedApp::start(&operator.aws, PATH).await;
        app.unwrap_or_else(|error| panic!("before {part}: {error}"));
    }
    operator.push_all();
    assert!(operator.push_all().contains("Nothing differs"));
}

#[test]
fn what_the_function_would_refuse_is_not_put() {
    let operator = Operator::new("invalid");
    operator.write("callers/portal", &caller(&["prodd"]));
    let printed = operator.push(&["--yes"]).unwrap_err();
    assert!(printed.contains("`prodd`"), "{printed}");
    assert!(
        printed.contains("is no valid configuration; nothing is put"),
        "{printed}"
    );
    assert_eq!(operator.aws.operations(), [""; 0]);
}

#[test]
fn nothing_is_put_before_somebody_says_yes() {
    let operator = Operator::new("unasked");
    let printed = operator.push(&[]).unwrap_err();
    assert!(printed.contains("+ accounts/prod"), "{printed}");
    assert!(printed.contains("nobody said `yes`"), "{printed}");
    assert_eq!(operator.changed(), [""; 0]);
}

#[test]
fn a_part_that_is_too_large_is_named_before_anything_is_put() {
    let operator = Operator::new("large");
    let mut large = account(1);
    large["defaultSubnets"] = (0..200)
        .map(|number| format!("subnet-{number:017x}"))
        .collect();
    operator.write("accounts/prod", &large);
    let printed = operator.push(&["--yes"]).unwrap_err();
    assert!(
        printed.contains("`/ecs-api/config/accounts/prod` would have "),
        "{printed}"
    );
    assert!(
        printed.contains("a standard parameter takes 4096"),
        "{printed}"
    );
    assert_eq!(operator.changed(), [""; 0]);
    operator.push(&["--yes", "--advanced"]).unwrap();
    let tiers: Vec<_> = operator
        .aws
        .sent("ssm:PutParameter")
        .iter()
        .map(|input| input["Tier"].clone())
        .collect();
    assert_eq!(
        tiers,
        [Value::Null, "Advanced".into(), Value::Null, Value::Null]
    );
}

#[test]
fn with_a_key_all_but_the_version_is_a_secure_string_and_no_type_is_changed() {
    let operator = Operator::new("key");
    operator
        .push(&["--yes", "--kms-key", "alias/ours"])
        .unwrap();
    for input in operator.aws.sent("ssm:PutParameter") {
        let is_version = input["Name"].as_str().unwrap().ends_with("/version");
        let expected = if is_version {
            json!(["String", null])
        } else {
            json!(["SecureString", "alias/ours"])
        };
        assert_eq!(json!([input["Type"], input["KeyId"]]), expected);
    }
    operator.write("accounts/prod", &account(2));
    operator.changed();
    let printed = operator.push(&["--yes"]).unwrap_err();
    assert!(printed.contains("give its key as KMS_KEY"), "{printed}");
    assert_eq!(operator.changed(), [""; 0]);
}
