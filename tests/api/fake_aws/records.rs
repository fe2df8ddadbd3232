//! Conditional writes of single items, and delayed messages: what a create's record stands on.

use fake_aws::{FakeAws, HUB, Refusal};
use serde_json::{Value, json};

const CONDITION: &str = "attribute_not_exists(id) OR expires < :now OR (body = :body AND (#state = :undone OR \
    (#state = :running AND lease < :now)))";

fn begin(aws: &FakeAws, body: &str, now: u64) -> Result<Value, Refusal> {
    let item = json!({"id": {"S": "create-1"}, "body": {"S": body}, "state": {"S": "running"},
        "lease": {"N": (now + 35).to_string()}, "expires": {"N": (now + 86_400).to_string()}});
    let input = json!({
        "TableName": "records", "Item": item, "ConditionExpression": CONDITION,
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":now": {"N": now.to_string()}, ":body": {"S": body}, ":undone": {"S": "undone"},
            ":running": {"S": "running"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    aws.put(HUB, "dynamodb:PutItem", &input)
}

fn end(aws: &FakeAws, state: &str) -> Result<Value, Refusal> {
    let input = json!({
        "TableName": "records", "Key": {"id": {"S": "create-1"}}, "ReturnValues": "UPDATED_NEW",
        "UpdateExpression": "SET #state = :state, tries = if_not_exists(tries, :zero) + :one REMOVE lease",
        "ConditionExpression": "#state <> :done", "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":state": {"S": state}, ":done": {"S": "done"}, ":zero": {"N": "0"},
            ":one": {"N": "1"}},
    });
    aws.put(HUB, "dynamodb:UpdateItem", &input)
}

fn records() -> FakeAws {
    let aws = FakeAws::in_memory();
    aws.put_table(HUB, "records", "id");
    aws
}

#[test]
fn a_record_begins_where_there_is_none_or_it_is_over() {
    let aws = records();
    begin(&aws, "a", 1_000).unwrap();
    let refused = begin(&aws, "a", 1_001).unwrap_err();
    assert_eq!(refused.code, "ConditionalCheckFailedException");
    assert_eq!(refused.members["Item"]["lease"], json!({"N": "1035"}));
    begin(&aws, "b", 2_000).unwrap_err();
    begin(&aws, "a", 1_036).unwrap();
    assert_eq!(
        end(&aws, "undone").unwrap()["Attributes"]["tries"],
        json!({"N": "1"})
    );
    begin(&aws, "b", 1_037).unwrap_err();
    begin(&aws, "a", 1_037).unwrap();
    end(&aws, "done").unwrap();
    end(&aws, "undone").unwrap_err();
    begin(&aws, "a", 1_100).unwrap_err();
    begin(&aws, "b", 1_037 + 86_401).unwrap();
}

/// A condition, and whether it holds of `{n: 7, s: "abc", inside: {one: 1}}`.
const CONDITIONS: [(&str, bool); 16] = [
    ("n = :seven", true),
    ("n = :text", false),
    ("n <> :text", true),
    ("absent <> :seven", true),
    ("absent < :seven", false),
    ("n > :five AND n < :nine", true),
    ("NOT n > :five", false),
    ("NOT (n > :five AND n > :nine) OR s = :seven", true),
    ("n BETWEEN :five AND :nine", true),
    ("n IN (:five, :seven)", true),
    ("begins_with(s, :ab)", true),
    ("contains(s, :ab)", true),
    ("attribute_type(n, :number)", true),
    ("size(s) < :five", true),
    (
        "attribute_exists(inside.one) and attribute_not_exists(inside.two)",
        true,
    ),
    ("inside.one >= :five", false),
];

#[test]
fn conditions_hold_as_the_documentation_says() {
    let values = json!({":seven": {"N": "7.0"}, ":text": {"S": "7"}, ":five": {"N": "5"}, ":nine": {"N": "9"},
        ":ab": {"S": "ab"}, ":number": {"S": "N"}});
    for (condition, holds) in CONDITIONS {
        let aws = records();
        let item = json!({"id": {"S": "1"}, "n": {"N": "7"}, "s": {"S": "abc"}, "inside": {"M": {"one": {"N": "1"}}}});
        let put = json!({"TableName": "records", "Item": item});
        aws.put(HUB, "dynamodb:PutItem", &put).unwrap();
        let mut used = values.clone();
        used.as_object_mut()
            .unwrap()
            .retain(|name, _| condition.contains(name));
        let delete = json!({"TableName": "records", "Key": {"id": {"S": "1"}}, "ConditionExpression": condition,
            "ExpressionAttributeValues": used});
        let answer = aws.put(HUB, "dynamodb:DeleteItem", &delete);
        assert_eq!(answer.is_ok(), holds, "{condition}: {answer:?}");
        assert_eq!(aws.items(HUB, "records").is_empty(), holds, "{condition}");
    }
}

#[test]
fn expressions_that_dynamodb_does_not_read_are_refused() {
    let aws = records();
    for (condition, values) in [
        ("state = :a", json!({":a": {"S": "a"}})),
        ("s = :a", json!({":a": {"S": "a"}, ":unused": {"S": "b"}})),
        ("s = :a", json!({})),
        ("s == :a", json!({":a": {"S": "a"}})),
        ("s = :a OR", json!({":a": {"S": "a"}})),
        ("nosuch(s)", json!({})),
    ] {
        let put = json!({"TableName": "records", "Item": {"id": {"S": "1"}}, "ConditionExpression": condition,
            "ExpressionAttributeValues": values});
        let refused = aws.put(HUB, "dynamodb:PutItem", &put).unwrap_err();
        assert_eq!(refused.code, "ValidationException", "{condition}");
    }
    let put = json!({"TableName": "other", "Item": {"id": {"S": "1"}}});
    let refused = aws.put(HUB, "dynamodb:PutItem", &put).unwrap_err();
    assert_eq!(refused.message, "Requested resource not found");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_delayed_by_at_most_fifteen_minutes() {
    let aws = FakeAws::in_memory();
    let queue = aws.put_queue(HUB, "cleanup");
    let sqs = aws_sdk_sqs::Client::new(&aws.sdk_config(HUB));
    let send = |seconds| {
        let message = sqs.send_message().queue_url(&queue).message_body("watch");
        message.delay_seconds(seconds).send()
    };
    send(901).await.unwrap_err();
    send(900).await.unwrap();
    let receive = async || {
        let received = sqs
            .receive_message()
            .queue_url(&queue)
            .send()
            .await
            .unwrap();
        received.messages().len()
    };
    assert_eq!(receive().await, 0);
    assert_eq!(aws.messages(&queue)[0].body, "watch");
    tokio::time::sleep(std::time::Duration::from_secs(901)).await;
    assert_eq!(receive().await, 1);
    assert_eq!(receive().await, 0);
}
