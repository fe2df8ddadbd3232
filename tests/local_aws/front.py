"""An API Gateway in front of the function, both on this machine: HTTP → events of an HTTP API (payload format 2.0).

The function is its own binary, which asks for its events over Lambda's runtime API
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), as it does in Lambda; several of it run side by side.
ministack has an API Gateway and a Lambda too, which deployed.py shows, but they take their time with each request.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.server
import json
import queue
import socketserver
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leash

TIMEOUT_SECONDS = 29
STAGE = "prod"
"""A stage with a name puts it in front of every path."""


@dataclasses.dataclass
class Invocation:
    """An event on its way through the function."""

    event: bytes
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    answer: queue.Queue[dict[str, Any]] = dataclasses.field(default_factory=lambda: queue.Queue(1))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A server of the loopback interface, on any free port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone."""


class Quiet(http.server.BaseHTTPRequestHandler):
    """What both servers have in common."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the function does."""

    def body(self) -> bytes:
        """Read what was sent."""
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer, and keep the connection."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def runtime_api(waiting: queue.Queue[Invocation]) -> type[Quiet]:
    """Return the handler that hands events to the function and takes its answers."""
    running: dict[str, Invocation] = {}

    class RuntimeApi(Quiet):
        def do_GET(self) -> None:
            invocation = waiting.get()
            running[invocation.id] = invocation
            headers = {
                "lambda-runtime-aws-request-id": invocation.id,
                "lambda-runtime-deadline-ms": str(int((time.time() + TIMEOUT_SECONDS) * 1000)),
                "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:123456789012:function:ecs-api",
            }
            self.reply(200, headers, invocation.event)

        def do_POST(self) -> None:
            answer = json.loads(self.body() or b"{}")
            *_, id, kind = self.path.split("/")
            failed = {"statusCode": 500, "body": json.dumps(answer), "headers": {}}
            running.pop(id).answer.put(answer if kind == "response" else failed)
            self.reply(202, {}, b"")

    return RuntimeApi


def gateway(waiting: queue.Queue[Invocation]) -> type[Quiet]:
    """Return the handler that turns requests into events and answers into responses."""

    class Gateway(Quiet):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):  # any method
                return self.forward
            raise AttributeError(name)

        def forward(self) -> None:
            invocation = Invocation(json.dumps(self.event()).encode())
            waiting.put(invocation)
            answer = invocation.answer.get(timeout=TIMEOUT_SECONDS + 1)
            text = answer.get("body") or ""
            body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
            self.reply(answer["statusCode"], answer.get("headers") or {}, body)

        def event(self) -> dict[str, Any]:
            path, _, query = self.path.partition("?")
            body = self.body()
            try:
                text, encoded = body.decode(), False
            except UnicodeDecodeError:
                text, encoded = base64.b64encode(body).decode(), True
            headers: dict[str, str] = {}
            for name, value in self.headers.items():
                headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
            return {
                "version": "2.0",
                "routeKey": "$default",
                "rawPath": path,
                "rawQueryString": query,
                "headers": headers,
                "queryStringParameters": dict(urllib.parse.parse_qsl(query)),
                "requestContext": {
                    "accountId": "123456789012",
                    "apiId": "front",
                    "stage": STAGE,
                    "requestId": str(uuid.uuid4()),
                    "time": "22/Nov/2026:14:08:06 +0000",
                    "timeEpoch": int(time.time() * 1000),
                    "http": {
                        "method": self.command,
                        "path": path,
                        "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1",
                        "userAgent": headers.get("user-agent", ""),
                    },
                },
                "body": text,
                "isBase64Encoded": encoded,
            }

    return Gateway


@contextlib.contextmanager
def front(bootstrap: Path, environment: dict[str, str], *, functions: int = 2) -> Iterator[str]:
    """Run the function; yield the URL of its API, stage and all."""
    waiting: queue.Queue[Invocation] = queue.Queue()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(handler(waiting))) for handler in (runtime_api, gateway)]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        runtime, outside = (f"127.0.0.1:{server.server_address[1]}" for server in servers)
        lambdas = {
            "AWS_LAMBDA_RUNTIME_API": runtime,
            "AWS_LAMBDA_FUNCTION_NAME": "ecs-api",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
        for _ in range(functions):
            watched = [sys.executable, leash.__file__, str(bootstrap)]
            stack.enter_context(leash.kept(watched, env=environment | lambdas))
        yield f"http://{outside}/{STAGE}"
