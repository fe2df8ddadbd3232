"""The main job, end to end, on this machine: `make run`.

    .venv/bin/python tests/local_aws/demo.py [--port PORT] [--once]

Starts a local AWS that enforces IAM, furnishes three member accounts and installs templates/member-account.yaml in
them, starts the function with `cargo lambda watch`, sends it a create in one line and the two documented ones, deploys
what comes up and what does not, shows why a service does not come up, and keeps serving until Ctrl-C. Between the
function and the local AWS are the rules of real AWS, and ECS's deployments, which the local AWS has not. With `--once`
it ends after the requests. Nothing that it starts outlives it.

What others write has their name in front, `function |` or `local AWS |`; all other lines are the demonstration's own.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

import deploys
import estate
import leash
import mapping
from accounts import PROJECT, REGION, Account, create_role, put_policy
from server import HUB, NO_PROXY, LocalAws, local_aws

PREFERRED_PORT = 9000
READY_WITHIN_SECONDS = 60.0
NO_ANSWER = 0
SHOWN_FIRST = "nonprod"
BROKEN = {"name": "broken", "cluster": "demo", "image": "nginx:alpine", "port": 80, "memory": 512}
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
LAST_LINES = ["reading all orders of this year", "allocated 498 MiB of 512 MiB"]
SHORT = {"name": "hello", "cluster": "demo", "image": "nginx:alpine", "port": 80, "tags": {"team": "demo"}}


def main() -> None:
    """Run the demonstration."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--port", type=int, default=PREFERRED_PORT, help="where the function listens on 127.0.0.1")
    arguments.add_argument("--once", action="store_true", help="end after the requests")
    given = arguments.parse_args()

    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        rules = build("build", "--package", "fake-aws", "--example", "in_front_of", what="the rules of AWS")
        build()
        aws = stack.enter_context(local_aws(enforce_iam=True, stderr=subprocess.PIPE))
        label(aws.process.stderr, "local AWS")
        members, credentials = furnish(aws)
        hub = Account(aws.endpoint, HUB)
        queue, table = mapping.create_queue(hub), mapping.create_table(hub)
        url = f"http://127.0.0.1:{choose_port(given.port)}"
        ruled = stack.enter_context(rules_in_front(aws, rules))
        function = stack.enter_context(watch(url, ruled, estate.config(members), queue, table, credentials))
        label(function.stdout, "function")
        wait_until_ready(function, url)
        stack.enter_context(mapping.fed(queue, url))
        show_estate(url, aws, queue, members)

        shown = next(each for each in members if each.name == SHOWN_FIRST)
        services = f"{url}/v1/ecs/{shown.name}/services"
        created = show_request("a service in one line", services, json.dumps(SHORT))
        everything_new = documented_new(shown.furniture.namespace_id)
        made = show_request("new cluster, task definition, registry and service", services, everything_new)
        show_request("a second service, with what exists now", services, documented_existing(made))
        show_running(shown)
        hello = f"{url}/v1/ecs/{shown.name}/clusters/{SHORT['cluster']}/services/{SHORT['name']}"
        deploys.Service(hello, estate.TOKEN, call, say).show(created)
        show_broken(f"{url}/v1/ecs/{shown.name}", shown)
        if given.once:
            return
        show_curl(url, shown)
        serve(function, aws.process, ruled.process)
    say("Ended, and everything that was started with it.")


def build(*how: str, what: str = "the function") -> Path:
    """Compile the function, in the open, so that nobody waits for a silent `watch`, and return its binary.

    `how` is in place of `cargo build`: `cargo test` has dependencies with other features, and would compile them all anew.
    """
    cargo = shutil.which("cargo")
    if cargo is None:
        sys.exit("`cargo` is missing; install Rust from https://rustup.rs, then open a new shell")
    say(f"Building {what} (some minutes the first time)")
    command = [cargo, *(how or ("build",)), "--locked", "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=False)
    if built.returncode:
        sys.exit(f"{what} does not build; the reason is above")
    made = [json.loads(line) for line in built.stdout.splitlines()]
    binaries = [each for each in made if each.get("executable") and each["target"]["kind"] in (["bin"], ["example"])]
    return next(Path(each["executable"]) for each in binaries if not each["profile"]["test"])


@contextlib.contextmanager
def rules_in_front(aws: LocalAws, binary: Path) -> Iterator[LocalAws]:
    """Put the rules of real AWS in front of `aws`, and ECS's deployments; yield the local AWS that the function sees."""
    with leash.kept([str(binary), aws.endpoint], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit(1)  # it has said why
        yield LocalAws(json.loads(line)["endpoint"], process)


def furnish(aws: LocalAws) -> tuple[list[estate.Member], dict[str, str]]:
    """Make the member accounts and the hub's role; return the members and credentials of a session of that role."""
    hub = Account(aws.endpoint, HUB)
    try:
        members = estate.furnish_members(aws.endpoint)
        # What the role of template.yaml may do, which is all that the function gets.
        role = create_role(hub, "ecs-api-function", {"AWS": hub.root})
        put_policy(hub, "ecs-api-function", "sts:AssumeRole", "arn:aws:iam::*:role/ecs-api")
        put_policy(hub, "ecs-api-function", "sqs:SendMessage", f"arn:aws:sqs:{REGION}:{HUB}:ecs-api-cleanup*")
        for action in ["dynamodb:GetItem", "dynamodb:PutItem"]:
            put_policy(hub, "ecs-api-function", action, f"arn:aws:dynamodb:{REGION}:{HUB}:table/ecs-api-records")
        for each in members:
            each.install(role)
        session = hub.client("sts").assume_role(RoleArn=role, RoleSessionName="demo", DurationSeconds=43200)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"local AWS: {error}")
    made = session["Credentials"]
    return members, {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }


def choose_port(preferred: int) -> int:
    """Return `preferred` (0: any free port), or any free port if somebody else listens there."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", preferred)) as listener:
        return int(listener.getsockname()[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = int(listener.getsockname()[1])
    say(f"Port {preferred} is taken; the function listens on {free} instead")
    return free


def environment(aws: LocalAws, config: dict[str, Any], credentials: dict[str, str]) -> dict[str, str]:
    """Return the function's environment: ours, and what every function needs of its own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECS_API_"))}
    theirs = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        # No profile of whoever runs the demonstration may leak in.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **NO_PROXY,
        "ECS_API_CONFIG": json.dumps(config),
    }
    return ours | theirs | credentials


def watch(
    url: str, aws: LocalAws, config: dict[str, Any], queue: mapping.Queue, table: str, credentials: dict[str, str]
) -> contextlib.AbstractContextManager[subprocess.Popen[Any]]:
    """Run the function under `cargo lambda watch`, which reloads it when the code changes."""
    host, port = url.removeprefix("http://").split(":")
    tool = Path(sys.executable).parent / "cargo-lambda"
    if not tool.exists():
        sys.exit(f"`cargo-lambda` is not installed in {sys.prefix}; `make run` installs it")
    more = {
        "ECS_API_CLEANUP_QUEUE_URL": queue.url,
        "ECS_API_DEAD_LETTER_QUEUE_URL": queue.dead_letter_url,
        "ECS_API_RECORDS_TABLE": table,
        "RUST_LOG": "warn",  # of cargo-lambda; the function's own level is in its configuration
    }
    say("Starting the function")
    return leash.kept(
        [
            *(sys.executable, str(Path(leash.__file__))),
            *(str(tool), "lambda", "watch", "--quiet", "--disable-cors"),
            *("--invoke-address", host, "--invoke-port", port),
            # cargo-lambda says how many requests are worked on at once, and the function that it works on one at a time.
            *("--config", """target.'cfg(all())'.runner = ["env", "-u", "AWS_LAMBDA_MAX_CONCURRENCY"]"""),
        ],
        cwd=PROJECT,
        env=environment(aws, config, credentials) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def label(log: IO[bytes] | None, name: str) -> None:
    """Print the lines of `log` with `name` in front, as they come."""
    assert log is not None

    def copy() -> None:
        for line in log:
            print(f"{name} | {line.decode(errors='replace').rstrip()}", flush=True)

    threading.Thread(target=copy, daemon=True).start()


def wait_until_ready(function: subprocess.Popen[Any], url: str) -> None:
    """Return once the function answers its ping."""
    ping = f"{url}/v1/ecs/ping"
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    status, body = NO_ANSWER, ""
    while function.poll() is None and status == NO_ANSWER and time.monotonic() < deadline:
        status, body = call("GET", ping)
        if (status, body) == (200, "pong"):
            return
        time.sleep(0.2)
    sys.exit(f"the function is not ready: `{ping}` gave {f'{status} ' if status else ''}{body}; its log is above")


def call(method: str, url: str, body: str | None = None) -> tuple[int, str]:
    """Send one request as the demo's caller and return status and body, or `NO_ANSWER` and the reason."""
    request = urllib.request.Request(
        url,
        method=method,
        data=body.encode() if body else None,
        headers={"X-Auth-Token": estate.TOKEN, "Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=READY_WITHIN_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return NO_ANSWER, str(error)


def documented_new(namespace_id: str) -> str:
    """Return the original's documented body for a new cluster, task definition, service registry and service."""
    event = json.loads((PROJECT / "events" / "create_orchestration.json").read_text())
    body = json.loads(event["body"].replace("ns-y3uaw6neshhbev3f", namespace_id))
    return json.dumps(body, indent=4)


def documented_existing(made: dict[str, Any]) -> str:
    """Return the original's documented body for a new service with existing resources, those in `made`."""
    task_definition = made["TaskDefinition"]
    body = {
        "service": {
            "cluster": made["Cluster"]["ClusterName"],
            "desiredcount": 1,
            "servicename": "webapp2",
            "taskdefinition": f"{task_definition['Family']}:{task_definition['Revision']}",
            "serviceregistries": [{"registryarn": made["ServiceDiscoveryService"]["Arn"]}],
        }
    }
    return json.dumps(body, indent=4)


def show_request(title: str, url: str, body: str) -> dict[str, Any]:
    """Send `body`, show request and answer, and return the answer."""
    say(f"{title}\n\nPOST {url}\n{body}")
    started = time.monotonic()
    status, text = call("POST", url, body)
    took = time.monotonic() - started
    try:
        answer = json.loads(text)
    except ValueError:
        answer = text
    print(f"\n→ {status} in {took * 1000:.0f} ms\n{json.dumps(answer, indent=4)}", flush=True)
    if status != 200:
        sys.exit("the request was expected to succeed")
    return dict(answer)


def show_estate(url: str, aws: LocalAws, queue: mapping.Queue, members: list[estate.Member]) -> None:
    """Say what runs where."""
    say(f"The function     {url}\nThe local AWS    {aws.endpoint}, enforces IAM\nIts queue        {queue.url}")
    for each in members:
        print(f"{each.name:<16} account {each.account.number}, {', '.join(each.furniture.subnets)}", flush=True)


def show_running(member: estate.Member) -> None:
    """Show what the account itself says about its services."""
    ecs = member.account.client("ecs")
    say(f"What account {member.account.number} runs now")
    for cluster in ecs.list_clusters()["clusterArns"]:
        names = ecs.list_services(cluster=cluster)["serviceArns"]
        for each in ecs.describe_services(cluster=cluster, services=names)["services"]:
            print(f"{each['serviceArn']}  {each['runningCount']} of {each['desiredCount']} running", flush=True)


def show_broken(api: str, member: estate.Member) -> None:
    """Show a service that does not come up, its diagnosis and its log.

    The local AWS runs no containers: that the task runs out of memory, and what it wrote before, is told to it.
    """
    made = show_request("a service that does not come up", f"{api}/services", json.dumps(BROKEN))
    container = made["TaskDefinition"]["ContainerDefinitions"][0]
    service = f"{api}/clusters/demo/services/broken"
    task = break_down(member, container)
    show_answer("why it does not", f"{service}/diagnosis")
    show_answer("what it wrote last", f"{service}/logs?task={task}&container={container['Name']}")


def break_down(member: estate.Member, container: dict[str, Any]) -> str:
    """Let the service's tasks write their last lines and stop; return the id of one."""
    ecs, logs = member.account.client("ecs"), member.account.client("logs")
    tasks = ecs.list_tasks(cluster="demo", serviceName="broken")["taskArns"]
    options = container["LogConfiguration"]["Options"]
    ids = [arn.rpartition("/")[2] for arn in tasks]
    stream = f"{options['awslogs-stream-prefix']}/{container['Name']}/{ids[0]}"
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(LAST_LINES)]
    logs.create_log_stream(logGroupName=options["awslogs-group"], logStreamName=stream)
    logs.put_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, logEvents=events)
    for arn in tasks:
        ecs.stop_task(cluster="demo", task=arn, reason=OUT_OF_MEMORY)
    return ids[0]


def show_answer(title: str, url: str) -> None:
    """Ask, and show the answer."""
    say(f"{title}\n\nGET {url}")
    status, text = call("GET", url)
    print(f"\n→ {status}\n{json.dumps(json.loads(text), indent=4)}", flush=True)
    if status != 200:
        sys.exit("the request was expected to succeed")


def show_curl(url: str, member: estate.Member) -> None:
    """Print lines to paste."""
    api = f"{url}/v1/ecs"
    token = f"-H 'X-Auth-Token: {estate.TOKEN}'"
    namespace = member.furniture.namespace_id
    say(f"Yours to try; the token is {estate.TOKEN}, the DNS namespace of {member.name} {namespace}\n")
    for line in (
        f"curl {api}/version",
        f"curl {token} {api}/{member.name}/clusters",
        f"curl {token} {api}/{member.name}/clusters/myclu",
        f"""curl {token} -d '{{"name": "another"}}' {api}/prod/clusters""",
        f"""curl {token} -d '{{"service": {{"desiredCoutn": 1}}}}' {api}/{member.name}/services""",
    ):
        print(f"  {line}", flush=True)
    print(f"\n  {api}/docs in a browser describes the API, and sends requests too", flush=True)
    say("Serving, and reloading when the code changes. Ctrl-C ends everything.")


def serve(*processes: subprocess.Popen[Any]) -> None:
    """Wait for Ctrl-C; complain if one of `processes` ends first."""
    with contextlib.suppress(leash.Signalled):
        while all(each.poll() is None for each in processes):
            time.sleep(0.5)
        sys.exit("something that the demonstration needs has ended; the reason is above")


def say(text: str) -> None:
    """Print a paragraph; on a terminal its first line is bold."""
    first, *rest = text.split("\n")
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        first = f"\033[1m{first}\033[0m"
    print("\n" + "\n".join([first, *rest]), flush=True)


if __name__ == "__main__":
    main()
