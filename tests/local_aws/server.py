"""A whole AWS on this machine, for tests and for `make run`.

    python tests/local_aws/server.py [--enforce-iam] [--port PORT]

Starts ministack on 127.0.0.1, waits until it answers, prints one line of JSON on standard output

    {"endpoint": "http://127.0.0.1:PORT"}

and serves until standard input closes or a signal comes; then nothing of it is left. State lives in memory
and in a directory that is removed at the end. ministack's log goes to standard error.

A 12-digit access key with the secret `test` is the root user of the account of that number. With
`--enforce-iam` policies of IAM, roles' trust and resources are enforced, and signatures are verified, except those of
root users, which are taken on trust.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leash

READY_WITHIN_SECONDS = 60.0
ROOT_SECRET = "test"
NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
HUB = "123456789012"
"""The account whose API Gateway answers: requests without a signature, as callers of an API send them, land here."""


def environment(port: int, room: str, *, enforce_iam: bool) -> dict[str, str]:
    """Return ministack's environment: ours without anything that would lead it out of its room."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_"))}
    return ours | {
        "AUTH": "true" if enforce_iam else "false",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "GATEWAY_PORT": str(port),
        "PYTHONPATH": str(Path(__file__).parent),  # limits.py, pages.py
        "MINISTACK_ACCOUNT_ID": HUB,
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": os.environ.get("LOCAL_AWS_LOG_LEVEL", "WARNING"),
        "TMPDIR": room,
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        # Listeners on fixed ports would collide between servers that run side by side.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # With a Docker daemon in reach, ministack would pull images and run the tasks of ECS for real.
        "DOCKER_HOST": f"unix://{room}/no-docker",
        "LAMBDA_EXECUTOR": "local",
        **NO_PROXY,  # for the functions, which inherit all this
    }


def start(listener: socket.socket, room: str, *, enforce_iam: bool) -> subprocess.Popen[bytes]:
    """Start ministack on the socket `listener`."""
    if importlib.util.find_spec("ministack") is None:
        sys.exit(f"local AWS: ministack is not installed in {sys.prefix}; `make run` and `make test` install it")
    # The same command as ministack's own, but with a socket that is bound already: no port can be lost
    # between choosing and taking it, and an early caller waits instead of being refused.
    command = [sys.executable, "-m", "hypercorn", "--workers", "0", "--keep-alive", "75", "--log-level", "WARNING"]
    return leash.spawn(
        [*command, "--bind", f"fd://{listener.fileno()}", "limits:app"],
        env=environment(listener.getsockname()[1], room, enforce_iam=enforce_iam),
        cwd=room,
        pass_fds=[listener.fileno()],
        stdout=sys.stderr,
    )


def wait_until_ready(child: subprocess.Popen[bytes], endpoint: str) -> None:
    """Return once `endpoint` answers; leave with a message if it does not come up."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with direct.open(f"{endpoint}/_ministack/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    why = "it ended at once" if child.returncode is not None else f"no answer in {READY_WITHIN_SECONDS:.0f} s"
    sys.exit(f"local AWS: ministack did not start on {endpoint}: {why}; its log is above")


def listen(port: int) -> socket.socket:
    """Bind `port` of the loopback interface, 0 for any free one."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=512)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        sys.exit(f"local AWS: cannot listen on 127.0.0.1:{port}: {why}; choose another --port, or none")


@dataclasses.dataclass(frozen=True)
class LocalAws:
    """A running local AWS; `process` is the one that serves it."""

    endpoint: str
    process: subprocess.Popen[Any]


@contextlib.contextmanager
def local_aws(*, enforce_iam: bool, stderr: int | None = None) -> Iterator[LocalAws]:
    """Run a local AWS that is ready when the block begins and gone when it ends; its log goes to `stderr`."""
    command = [sys.executable, __file__, *(["--enforce-iam"] if enforce_iam else [])]
    with leash.kept(command, stdout=subprocess.PIPE, stderr=stderr) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit(1)  # it has said why
        yield LocalAws(json.loads(line)["endpoint"], process)


def main() -> None:
    """Serve until the caller is gone."""
    arguments = argparse.ArgumentParser(description="Serve a local AWS until standard input closes.")
    arguments.add_argument("--enforce-iam", action="store_true", help="verify signatures and enforce policies")
    arguments.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    given = arguments.parse_args()

    leash.stand_apart()
    with (
        leash.leaving_on_signals(),
        tempfile.TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True) as room,
        listen(given.port) as listener,
    ):
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        child = start(listener, room, enforce_iam=given.enforce_iam)
        try:
            wait_until_ready(child, endpoint)
            print(json.dumps({"endpoint": endpoint}), flush=True)
            leash.hold(child)
        finally:
            leash.end(child)


if __name__ == "__main__":
    main()
