//! `check-config`: the program itself, given a file or a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

/// A folder of this test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It may be there from an earlier run.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("accounts")).unwrap();
    fs::create_dir_all(folder.join("callers")).unwrap();
    folder
}

/// Returns the program's verdict on a configuration that is not local.
fn check(path: &Path) -> Result<String, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_ecs-api"))
        .arg("check-config")
        .arg(path)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if done.status.success() {
        Ok(text(done.stdout))
    } else {
        Err(text(done.stderr))
    }
}

fn write(folder: &Path, name: &str, value: &serde_json::Value) {
    fs::write(folder.join(name), value.to_string()).unwrap();
}

#[test]
fn a_folder_is_checked_as_the_parameters_that_it_becomes() {
    let folder = folder("check-config-folder");
    write(&folder, "defaults.json", &json!({"region": "us-east-1"}));
    let account = json!({"accountId": "444455556666", "externalId": "of-prod"});
    write(&folder, "accounts/prod.v2.json", &account);
    let caller = json!({"invoke": true, "grants": [{"accounts": ["*"], "access": "read"}]});
    write(&folder, "callers/nightly.json", &caller);
    write(&folder, ".notes", &json!(null));
    let report = check(&folder).unwrap();
    for line in [
        "1 account\n  prod.v2: arn:aws:iam::444455556666:role/ecs-api in us-east-1",
        "nightly: known by a direct invocation; reads every account",
        "The configuration is valid.",
    ] {
        assert!(report.contains(line), "{report}");
    }
    // As long as what a standard parameter takes, and spaces.
    let spaced = format!("{account}{}", " ".repeat(4096));
    fs::write(folder.join("accounts/prod.v2.json"), &spaced).unwrap();
    let (report, bytes) = (check(&folder).unwrap(), spaced.len());
    assert!(
        report.contains(&format!(
            "note: `accounts/prod.v2` has {bytes} bytes: more than 4096 make an advanced"
        )),
        "{report}"
    );
}

#[test]
fn a_folder_with_something_else_in_it_is_refused_by_name() {
    let folder = folder("check-config-refused");
    write(&folder, "accounts/prod.jsn", &json!({}));
    let refusal = check(&folder).unwrap_err();
    assert!(
        refusal.contains("`accounts/prod.jsn` is no part: the name of one ends in `.json`"),
        "{refusal}"
    );
    fs::remove_file(folder.join("accounts/prod.jsn")).unwrap();
    fs::write(folder.join("accounts/prod.json"), " ".repeat(8193)).unwrap();
    let refusal = check(&folder).unwrap_err();
    assert!(
        refusal.contains("`accounts/prod` has 8193 bytes; a parameter takes 8192"),
        "{refusal}"
    );
    fs::remove_file(folder.join("accounts/prod.json")).unwrap();
    write(&folder, "origins.json", &json!([]));
    let refusal = check(&folder).unwrap_err();
    assert!(
        refusal.contains("`origins` is no part of a configuration; its parts are `accounts/NAME`"),
        "{refusal}"
    );
}

/// A repository, an editor and Finder leave things in a folder that are nobody's parts.
#[test]
fn what_is_hidden_in_a_folder_is_no_part() {
    let folder = folder("check-config-hidden");
    let account = json!({"accountId": "444455556666", "region": "us-east-1"});
    write(&folder, "accounts/prod.json", &account);
    let caller = json!({"invoke": true, "grants": [{"accounts": ["*"], "access": "read"}]});
    write(&folder, "callers/nightly.json", &caller);
    for (inner, file) in [
        (".git", "HEAD"),
        (".vscode", "settings.json"),
        ("accounts", "._prod.json"),
        ("callers", ".draft.json"),
    ] {
        fs::create_dir_all(folder.join(inner)).unwrap();
        fs::write(folder.join(inner).join(file), "no JSON").unwrap();
    }
    fs::write(folder.join(".eslintrc.json"), "no JSON").unwrap();
    let report = check(&folder).unwrap();
    assert!(report.contains("1 account\n  prod: "), "{report}");
    assert!(report.contains("1 caller\n  nightly: "), "{report}");
}
