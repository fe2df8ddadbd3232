//! `GET /accounts`: the accounts that a caller may use, and how.

use serde_json::json;

use crate::support::{Caller, TestAccount, TestApp};

fn app() -> TestApp {
    let accounts = vec![TestAccount::new("nonprod"), TestAccount::new("prod")];
    TestApp::build(accounts, &json!({}))
}

#[tokio::test]
async fn a_caller_sees_its_accounts_and_the_most_that_it_may_do_there() {
    let app = app();
    let all = app.get("/accounts").await.expect(200);
    let seen: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|account| (account["Name"].clone(), account["Access"].clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (json!("nonprod"), json!("write")),
            (json!("prod"), json!("write"))
        ]
    );
    let read = app.request("GET", "/accounts").by(Caller::Reader);
    let read = read.send().await.expect(200);
    assert_eq!(read.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&read[0]["Name"], &read[0]["Access"]),
        (&json!("nonprod"), &json!("read"))
    );
    for (caller, status) in [(Caller::Anonymous, 401), (Caller::Stranger, 401)] {
        let answer = app.request("GET", "/accounts").by(caller).send().await;
        answer.problem(status);
    }
}

#[tokio::test]
async fn an_account_is_told_with_its_defaults_and_without_role_or_secret() {
    let account = TestAccount::new("nonprod");
    let mut settings = account.settings();
    settings["tags"] = json!({"team": "web"});
    settings["logs"] = json!({"group": "/ecs/{cluster}", "retentionInDays": 30});
    settings["logRegions"] = json!(["eu-west-1"]);
    let (id, subnets, groups) = (
        account.id.clone(),
        settings["defaultSubnets"].clone(),
        settings["defaultSgs"].clone(),
    );
    let app = TestApp::build(
        vec![account],
        &json!({"accounts": {"nonprod": settings, "bare": {"accountId": "444455556666", "region": "us-east-1"}}}),
    );
    let answer = app.get("/accounts").await;
    assert!(!answer.text().contains("role/"), "{}", answer.text());
    assert!(!answer.text().contains("external-"), "{}", answer.text());
    assert_eq!(
        answer.expect(200),
        json!([
            {"Name": "bare", "AccountId": "444455556666", "Region": "us-east-1", "Access": "write", "Defaults": {
                "Subnets": [], "SecurityGroups": [], "Tags": {}, "LogRegions": ["us-east-1"], "LogGroups": ["*"]}},
            {"Name": "nonprod", "AccountId": id, "Region": "us-east-1", "Access": "write", "Defaults": {
                "Subnets": subnets, "SecurityGroups": groups, "Tags": {"team": "web"},
                "Logs": {"Group": "/ecs/{cluster}", "RetentionInDays": 30},
                "LogRegions": ["us-east-1", "eu-west-1"], "LogGroups": ["*"]}},
        ])
    );
}
