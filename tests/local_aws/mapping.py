"""What Lambda does between an SQS queue and a function, for a function under `cargo lambda watch`.

<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from accounts import REGION, Account

BATCH_SIZE = 1
LOOKS_EVERY_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Queue:
    """The queue that feeds the function, and the one for its dead letters."""

    account: Account
    url: str
    dead_letter_url: str

    @property
    def arn(self) -> str:
        """The ARN of the queue."""
        return f"arn:aws:sqs:{REGION}:{self.account.number}:{self.url.rpartition('/')[2]}"


def create_queue(hub: Account) -> Queue:
    """Create both queues in `hub`, as template.yaml has them."""
    sqs = hub.client("sqs")
    name = "ecs-api-cleanup"
    dead = sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{hub.number}:{name}-dead-letters", "maxReceiveCount": 5}
    attributes = {"VisibilityTimeout": "120", "RedrivePolicy": json.dumps(redrive)}
    return Queue(hub, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"], dead)


def create_table(hub: Account) -> str:
    """Create the table of records in `hub`, as template.yaml has it, and return its name."""
    name = "ecs-api-records"
    hub.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return name


@contextlib.contextmanager
def fed(queue: Queue, function_url: str) -> Iterator[None]:
    """Hand the queue's messages to the function at `function_url` while the block lasts."""
    ended = threading.Event()
    thread = threading.Thread(target=_feed, args=(queue, function_url, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LOOKS_EVERY_SECONDS)


def _feed(queue: Queue, function_url: str, ended: threading.Event) -> None:
    sqs = queue.account.client("sqs")
    while not ended.wait(LOOKS_EVERY_SECONDS):
        try:
            received = sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=BATCH_SIZE).get("Messages", [])
            failed = _invoke(function_url, queue, received) if received else set()
            for each in received:
                if each["MessageId"] not in failed:
                    sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=each["ReceiptHandle"])
        except (BotoCoreError, ClientError, OSError, ValueError, KeyError, TypeError) as error:
            # The queue delivers again what was not deleted.
            print(f"the function took no batch of its queue: {error}", flush=True)


def _invoke(function_url: str, queue: Queue, messages: list[dict[str, Any]]) -> set[str]:
    """Hand over one batch and return the ids of the messages that failed."""
    records = [
        {
            "messageId": each["MessageId"],
            "receiptHandle": each["ReceiptHandle"],
            "body": each["Body"],
            "attributes": {},
            "messageAttributes": {},
            "md5OfBody": each["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": REGION,
        }
        for each in messages
    ]
    request = urllib.request.Request(
        f"{function_url}/2015-03-31/functions/ecs-api/invocations",
        data=json.dumps({"Records": records}).encode(),
        headers={"Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return {each["itemIdentifier"] for each in json.load(answer)["batchItemFailures"]}
