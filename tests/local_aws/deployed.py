"""ecs-api as an installer gets it: `sam deploy` of the templates onto a local AWS that enforces IAM.

    python tests/local_aws/deployed.py [--faults] [--deny MEMBER=ACTION]

Deploys template.yaml into the hub account and templates/member-account.yaml into the members (see estate.py),
prints one line of JSON on standard output

    {"endpoint": "http://127.0.0.1:PORT", "faults": null,
     "api_url": "http://127.0.0.1:PORT/_aws/execute-api/ID/$default",
     "token": "the caller's token",
     "outputs": {"ApiUrl": …, "ApiId": …, "FunctionArn": …, "FunctionRoleArn": …},
     "members": {"nonprod": {"account": …, "external_id": …, "subnets": […], "security_groups": […],
                             "execution_role_arn": …, "namespace_id": …}, "prod": {…}}}

and serves until standard input closes. With `--faults` the function's calls go through faults.py, whose endpoint is told as
`faults`; with `--deny` a member's role lacks an action. `cargo lambda build --release` must have left its bootstrap.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import estate
import leash
from accounts import MEMBER_ROLE, PROJECT, REGION, Account, outputs, put_policy
from server import HUB, NO_PROXY, ROOT_SECRET, local_aws

STACK = "ecs-api"
ARTIFACTS = "ecs-api-artifacts"
BOOTSTRAP = PROJECT / "target" / "lambda" / "ecs-api" / "bootstrap"


def sam_deploy(hub: Account, config: str, function_endpoint: str, room: Path) -> dict[str, str]:
    """Deploy template.yaml into `hub` and return the stack's outputs."""
    hub.client("s3").create_bucket(Bucket=ARTIFACTS)
    parameters = room / "parameters.yaml"  # sam takes no .json; every JSON document is YAML
    parameters.write_text(json.dumps({"Config": config, "AwsEndpointUrl": function_endpoint}))
    command = [
        str(Path(sys.executable).parent / "sam"),
        *("deploy", "--stack-name", STACK, "--template-file", str(PROJECT / "template.yaml")),
        *("--s3-bucket", ARTIFACTS, "--capabilities", "CAPABILITY_IAM", "--region", REGION),
        *("--parameter-overrides", f"file://{parameters}"),
        *("--no-confirm-changeset", "--no-progressbar"),
    ]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    theirs = {
        "AWS_ENDPOINT_URL": hub.endpoint,
        "AWS_ACCESS_KEY_ID": hub.number,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        # No profile of whoever runs the test may leak in.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **NO_PROXY,
        "SAM_CLI_POLL_DELAY": "0.1",  # seconds; here every step is done at once
        "SAM_CLI_TELEMETRY": "0",
    }
    done = subprocess.run(command, env=ours | theirs, cwd=room, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`sam deploy` failed:\n{done.stdout}{done.stderr}")
    return outputs(hub, STACK)


@contextlib.contextmanager
def faults(endpoint: str) -> Iterator[str]:
    """Run the proxy that injects faults in front of `endpoint`, and yield its own."""
    script = str(Path(__file__).parent / "faults.py")
    with leash.kept([sys.executable, script, "--upstream", endpoint], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["endpoint"]


def main() -> None:
    """Deploy, tell, and serve until the caller is gone."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--faults", action="store_true", help="lead the function's calls through faults.py")
    arguments.add_argument("--deny", action="append", default=[], metavar="MEMBER=ACTION", help="as in prod=ecs:RunTask")
    given = arguments.parse_args()
    if not BOOTSTRAP.is_file():
        sys.exit(f"{BOOTSTRAP.relative_to(PROJECT)} is missing; `make package` builds it")
    leash.stand_apart()
    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecs-api-deployed-")))
        aws = stack.enter_context(local_aws(enforce_iam=True))
        members = estate.furnish_members(aws.endpoint)
        hub = Account(aws.endpoint, HUB)
        for_function = stack.enter_context(faults(aws.endpoint)) if given.faults else aws.endpoint
        made = sam_deploy(hub, json.dumps(estate.config(members)), for_function, room)
        for each in members:
            each.install(made["FunctionRoleArn"])
        for name, action in (each.split("=") for each in given.deny):
            member = next(each for each in members if each.name == name)
            put_policy(member.account, MEMBER_ROLE, action, effect="Deny")
        told = {
            "endpoint": aws.endpoint,
            "faults": for_function if given.faults else None,
            "api_url": f"{aws.endpoint}/_aws/execute-api/{made['ApiId']}/$default",
            "token": estate.TOKEN,
            "outputs": made,
            "members": {
                each.name: {"account": each.account.number, "external_id": each.external_id}
                | dataclasses.asdict(each.furniture)
                for each in members
            },
        }
        print(json.dumps(told), flush=True)
        leash.hold(aws.process)


if __name__ == "__main__":
    main()
