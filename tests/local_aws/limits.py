"""ministack with AWS's limits on numbers of tasks.

ministack starts as many tasks as it is asked for, one after the other: two billion keep it busy. AWS refuses more than
ten a call (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html), and more in a service than its
quota allows, which may be any number: here it is a small one.
"""

from __future__ import annotations

import json
from typing import Any

import corrections  # noqa: F401
from pages import Message, Receive, Send, body_of, replay
from pages import app as paged

LIMITS = {
    "AmazonEC2ContainerServiceV20141113.RunTask": ("count", 1, 10),
    "AmazonEC2ContainerServiceV20141113.CreateService": ("desiredCount", 0, 250),
    "AmazonEC2ContainerServiceV20141113.UpdateService": ("desiredCount", 0, 250),
}
"""The operation: the member, its least and its greatest value."""


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve one connection."""
    headers = dict(scope.get("headers") or [])
    limit = LIMITS.get(headers.get(b"x-amz-target", b"").decode("latin-1"))
    if scope["type"] != "http" or limit is None:
        await paged(scope, receive, send)
        return
    asked = await body_of(receive)
    member, least, greatest = limit
    given: Any = json.loads(asked or b"{}").get(member)
    if given is None or least <= given <= greatest:
        await paged(scope, replay(asked), send)
        return
    message = f"{member} must be from {least} to {greatest}"
    body = json.dumps({"__type": "InvalidParameterException", "message": message}).encode()
    headers_sent = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers_sent})
    await send({"type": "http.response.body", "body": body})
