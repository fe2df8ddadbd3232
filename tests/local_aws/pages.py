"""ministack with lists in pages, as AWS answers them.

ministack answers some lists whole, whatever page size it is asked for. A client that never meets a second page is not
tested, so this ASGI application cuts those answers: as many entries as asked for, at most and by default as many as AWS
gives, and a token for the rest. Everything else passes untouched.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.app import app as ministack

import tokens

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LISTS = {
    # The operation: the member that holds the list, the page size by default, the largest page.
    "AmazonEC2ContainerServiceV20141113.ListClusters": ("clusterArns", 100, 100),
    "AmazonEC2ContainerServiceV20141113.ListServices": ("serviceArns", 10, 100),
    "AmazonEC2ContainerServiceV20141113.ListTaskDefinitionFamilies": ("families", 100, 100),
    "Route53AutoNaming_v20170314.ListServices": ("Services", 100, 100),
}
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html and its neighbours,
https://docs.aws.amazon.com/cloud-map/latest/api/API_ListServices.html."""

TOKEN = "page-from-"


tokens.install()


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve one connection."""
    headers = dict(scope.get("headers") or [])
    paged = LISTS.get(headers.get(b"x-amz-target", b"").decode("latin-1"))
    if scope["type"] != "http" or paged is None:
        await ministack(scope, receive, send)
        return
    asked = await body_of(receive)
    request = json.loads(asked or b"{}")
    token, size = (_spelled(name, paged[0]) for name in ("nextToken", "maxResults"))
    sent: list[Message] = []

    async def collect(message: Message) -> None:
        sent.append(message)

    # The whole list, signature and all: ministack ignores the page size, and a token of ours would mean nothing to it.
    await ministack(scope, replay(asked), collect)
    body = b"".join(message.get("body", b"") for message in sent)
    if sent[0]["status"] == 200:
        body = json.dumps(_page(json.loads(body), token, request.get(token), request.get(size), *paged)).encode()
    kept = [(name, value) for name, value in sent[0]["headers"] if name.lower() != b"content-length"]
    await send(sent[0] | {"headers": [*kept, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


def _spelled(name: str, like: str) -> str:
    """Spell `name` as the service does: ECS begins its members with a small letter, Cloud Map with a capital."""
    return name[0].upper() + name[1:] if like[0].isupper() else name


def _page(
    answer: Message, token: str, start: str | None, asked: int | None, member: str, usual: int, largest: int
) -> Message:
    first = int((start or TOKEN + "0").removeprefix(TOKEN))
    size = min(asked or usual, largest)
    entries = answer[member]
    page = {key: value for key, value in answer.items() if key != token} | {member: entries[first : first + size]}
    return page | ({token: f"{TOKEN}{first + size}"} if first + size < len(entries) else {})


async def body_of(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
