"""A proxy in front of the local AWS that delays, throttles, refuses and answers calls, and keeps them.

    python tests/local_aws/faults.py

For each line on standard input, the endpoint of a local AWS, it starts a microburst on a free port of 127.0.0.1 and prints one
line of JSON on standard output

    {"endpoint": "http://127.0.0.1:PORT"}

All of them serve until standard input closes or a signal comes. They know nothing of each other: the rules of each are set, and
the calls they fired on are read, below `/_microburst/` of its endpoint, where there also are

    POST   answers  {"ecs:RunTask": {…}}: what these operations answer from here on, without a call to the local AWS
    POST   late     [{"operation": "ecs:RunTask", "after_ms": 1500, "status": 500, "name": "app-1"}]: the next call of each
                    operation (of the app of this name, if one is given) is answered with this status at once, or without
                    one by a reset, and the local AWS does it after all, that much later
    GET    bodies   [{"operation": "ecs:RunTask", "body": {…}}]: what was sent, in its order
    DELETE fired    forgets both the calls and the bodies
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from typing import Any

from aiohttp import ClientConnectionResetError, ClientSession, web
from microburst.app import make_app
from microburst.core.pipeline import Microburst
from microburst.detection import detect, host

from server import listen


class Proxy(Microburst):
    """microburst, whose own rules make errors only, with answers of the test's and an ear for what is sent."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.answers: dict[str, Any] = {}
        self.late: list[dict[str, Any]] = []
        self.at_work: set[asyncio.Task[None]] = set()
        self.bodies: list[dict[str, Any]] = []
        self.pass_on = self.upstream.relay
        self.upstream.relay = self.answer_or_pass_on
        outbound = self.upstream._outbound_headers
        # The caller has signed the host that it sees. microburst would put the upstream's in its place, and an AWS
        # that verifies signatures would refuse every call. (Private, but the version is pinned.)
        self.upstream._outbound_headers = lambda request: outbound(request) | {"host": request.host}

    async def handle_control(self, request: web.Request) -> web.StreamResponse:
        """Serve what is below `/_microburst/`."""
        asked = (request.method, request.match_info.get("tail"))
        if asked == ("POST", "answers"):
            self.answers = await request.json()
            return web.json_response(self.answers)
        if asked == ("POST", "late"):
            self.late = await request.json()
            return web.json_response(self.late)
        if asked == ("GET", "bodies"):
            return web.json_response(self.bodies)
        if asked == ("DELETE", "fired"):
            self.bodies.clear()
        return await super().handle_control(request)

    async def answer_or_pass_on(
        self, request: web.Request, body: bytes | None, **options: Any
    ) -> web.StreamResponse:
        """Do what comes after the rules."""
        call = detect(request.headers, request.method, request.path, request.query, body)
        operation = f"{call.service}:{call.operation}"
        if "json" in request.content_type:
            self.bodies.append({"operation": operation, "body": json.loads(body or b"{}")})
        if operation in self.answers:
            return web.json_response(self.answers[operation], content_type="application/x-amz-json-1.1")
        late = self.late_for(operation, request.headers.get("x-amz-user-agent", ""))
        if late:
            return self.fail_and_do_it_later(request, body, late)
        try:
            return await self.pass_on(request, body, **options)
        except ClientConnectionResetError:
            return web.Response()  # to nobody: the caller did not wait

    def late_for(self, operation: str, caller: str) -> dict[str, Any] | None:
        """Take the fault that makes this call late, if there is one: it is for one call."""
        for fault in self.late:
            if fault["operation"] == operation and f"app/{fault['name']}" in caller + "app/":
                self.late.remove(fault)
                return fault
        return None

    def fail_and_do_it_later(
        self, request: web.Request, body: bytes | None, fault: dict[str, Any]
    ) -> web.StreamResponse:
        """Answer a failure, or nothing, and let the local AWS do its work after that."""
        url, headers = self.upstream.base_url + request.path_qs, self.upstream._outbound_headers(request)

        async def work() -> None:
            await asyncio.sleep(fault["after_ms"] / 1000)
            async with ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
                await answer.read()

        task = asyncio.get_running_loop().create_task(work())
        self.at_work.add(task)  # the loop alone would not keep it
        task.add_done_callback(self.at_work.discard)
        if fault.get("status") is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        failure = {"__type": "InternalFailure", "message": "injected"}
        return web.json_response(failure, status=fault["status"], content_type="application/x-amz-json-1.1")


async def start(upstream: str) -> tuple[str, web.AppRunner]:
    """Start a proxy and return its endpoint, and what ends it."""
    listener = listen(0)
    app = make_app(Proxy(upstream))
    app._client_max_size = 64 << 20  # for the answers of tests; its own 1 MiB is for rules (private, too)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)  # calls that are held are not waited for
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", runner


async def serve() -> None:
    """Start the proxies that are asked for, until the caller is gone."""
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, asyncio.current_task().cancel)  # type: ignore[union-attr]
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    runners = []
    try:
        while line := await asked.readline():
            endpoint, runner = await start(line.decode().strip())
            runners.append(runner)
            print(json.dumps({"endpoint": endpoint}), flush=True)
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))


def main() -> None:
    """Serve until the caller is gone."""
    logging.basicConfig(level=logging.WARNING)
    # At the first call microburst would read the models of all services of AWS, for seconds, to see whether one of them
    # has the name 127.0.0.1. (Private, but the version is pinned.)
    host._endpoint_prefix_map = dict
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
