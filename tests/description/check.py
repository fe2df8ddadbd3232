"""The API's description, held against the API.

    .venv/bin/python tests/description/check.py [--examples N] [--seed N] [STEP …]

Starts a local AWS that enforces IAM, and the function's own binary behind an API Gateway with a stage (see
tests/local_aws/front.py); then, each by openapi.json alone:

    lint         openapi-spec-validator and Redocly
    typescript   a generated client compiles and creates a service
    python       another one does
    page         /docs in headless Chromium
    fuzz         Schemathesis sends random requests, valid and not, and holds every answer against the description

The function is the one that `cargo test` builds; `make test` installs the tools.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
sys.path.insert(0, str(PROJECT / "tests" / "local_aws"))

import demo  # noqa: E402
import estate  # noqa: E402
import leash  # noqa: E402
from front import front  # noqa: E402
from server import NO_PROXY, local_aws  # noqa: E402

BIN = Path(sys.executable).parent
NODE_BIN = HERE / "node_modules" / ".bin"
GENERATED = HERE / "generated"
OPENAPI = PROJECT / "openapi.json"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


@dataclasses.dataclass(frozen=True)
class Target:
    """The API that is checked."""

    url: str
    names: dict[str, str]
    """What is there, by the names of parameters."""
    examples: int
    """How many random requests an operation gets."""
    seed: int | None
    """Which."""


def run(*command: str | Path, **environment: str) -> None:
    """Run a tool of the project's own; leave if it fails."""
    path = f"{NODE_BIN}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=HERE, env=os.environ | {"PATH": path} | NO_PROXY | environment, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(words)}` failed; the reason is above")


def furnish(url: str, members: list[estate.Member]) -> dict[str, str]:
    """Make what the document's examples name, by the documented request; return the names of it all."""
    member = next(each for each in members if each.name == demo.SHOWN_FIRST)
    api = f"{url}/v1/ecs/{member.name}"
    namespace = member.furniture.namespace_id
    made = ask("POST", f"{api}/services", demo.documented_new(namespace))
    shown = ask("GET", f"{api}/clusters/myclu/services/webapp?all=true")
    return {
        "account": member.name,
        "cluster": "myclu",
        "service": "webapp",
        "task": shown["Tasks"][0].split("/")[1],
        "taskdef": "mytaskdef:1",
        "id": made["ServiceDiscoveryService"]["Id"],
        "namespace": namespace,
    }


def ask(method: str, url: str, body: str | None = None) -> dict[str, Any]:
    """Send a request that succeeds."""
    status, answer = demo.call(method, url, body)
    if status != 200:
        sys.exit(f"{method} {url} was answered {status}: {answer}")
    return dict(json.loads(answer))


def lint(_target: Target) -> None:
    """Check the document by itself."""
    run("openapi-spec-validator", OPENAPI)
    run("redocly", "lint", "--extends", "recommended-strict", OPENAPI, **QUIET)


def typescript(target: Target) -> None:
    """Generate, compile and use a client in TypeScript."""
    run("openapi-typescript", OPENAPI, "-o", GENERATED / "api.ts")
    run("tsc", "--project", HERE)
    run("node", "create_service.ts", target.url, estate.TOKEN)


def python(target: Target) -> None:
    """Generate, compile and use a client in Python."""
    client = GENERATED / "ecs_api_client"
    generate = ("openapi-python-client", "generate", "--meta", "none", "--overwrite", "--fail-on-warning")
    run(*generate, "--path", OPENAPI, "--output-path", client)
    run("python", "-m", "compileall", "-q", client)
    run("python", "create_service.py", target.url, estate.TOKEN, PYTHONPATH=str(GENERATED))


def page(target: Target) -> None:
    """Use the page."""
    run("python", "page.py", target.url, estate.TOKEN)


def fuzz(target: Target) -> None:
    """Send random requests: those that the document suggests, and some more for each operation."""
    # Deletes at the end: of what is gone nothing but 404 can be learnt.
    send(target, "--exclude-method", "DELETE")
    send(target, "--include-method", "DELETE")


def send(target: Target, *options: str) -> None:
    """Let Schemathesis send requests for what is there, and for what is not."""
    # The documentation's namespace stands in the example of a body.
    document = json.loads(OPENAPI.read_text().replace("ns-y3uaw6neshhbev3f", target.names["namespace"]))
    for parameter in parameters(document):
        if "example" in parameter:
            parameter["example"] = target.names.get(parameter["name"], parameter["example"])
        if parameter.get("name") == "account":  # there are no others
            parameter["schema"] = {"enum": [parameter["example"]]}
    seed = () if target.seed is None else ("--seed", str(target.seed))
    described = GENERATED / "openapi.json"
    described.write_text(json.dumps(document))
    command = ("schemathesis", "--config-file", HERE / "schemathesis.toml", "run", described)
    amount = ("--checks", "all", "--max-examples", str(target.examples), *seed)
    run(*command, "--url", f"{target.url}/v1/ecs", *amount, *options, TOKEN=estate.TOKEN)


def parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return every parameter of every operation."""
    for methods in document["paths"].values():
        for operation in methods.values():
            yield from operation["parameters"]


STEPS = {step.__name__: step for step in (lint, typescript, python, page, fuzz)}


def main() -> None:
    """Check."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--examples", type=int, default=5, help="random requests for each operation (default: 5)")
    arguments.add_argument("--seed", type=int, help="other random requests than always")
    arguments.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)} (default: all)")
    given = arguments.parse_args()
    if unknown := set(given.steps) - STEPS.keys():
        arguments.error(f"unknown: {', '.join(unknown)}")
    GENERATED.mkdir(exist_ok=True)
    bootstrap = demo.build("test", "--no-run")
    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        aws = stack.enter_context(local_aws(enforce_iam=True))
        members, credentials = demo.furnish(aws)
        config = estate.config(members) | {"logLevel": "error"}
        url = stack.enter_context(front(bootstrap, demo.environment(aws, config, credentials)))
        target = Target(url, furnish(url, members), given.examples, given.seed)
        for name in given.steps or STEPS:
            started = time.monotonic()
            print(f"\n--- {name}", flush=True)
            STEPS[name](target)
            print(f"--- {name}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
