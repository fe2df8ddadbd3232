"""ecs-api as an installer gets it: `sam deploy` of the templates onto a local AWS that enforces IAM.

    python tests/local_aws/deployed.py [--config inline | parameter | file] [--parameter NAME=VALUE] [--faults]
        [--deny MEMBER=ACTION]

Deploys template.yaml and templates/callers.yaml into the hub account and templates/member-account.yaml into the members
(see estate.py), with the configuration inline, in an SSM parameter, or in a file of the package. Prints one line of JSON
on standard output

    {"endpoint": "http://127.0.0.1:PORT", "faults": null,
     "api_url": "http://127.0.0.1:PORT/_aws/execute-api/ID/$default",
     "token": "the caller's token",
     "outputs": {"ApiUrl": …, "ApiId": …, "FunctionArn": …, "FunctionRoleArn": …},
     "callers": {"StateMachineArn": …, "RuleArn": …},
     "members": {"nonprod": {"account": …, "external_id": …, "subnets": […], "security_groups": […],
                             "execution_role_arn": …, "namespace_id": …}, "prod": {…}, "sandbox": {…}}}

and serves until standard input closes. With `--faults` the function's calls go through faults.py, whose endpoint is told as
`faults`; with `--deny` a member's role lacks an action. `cargo lambda build` must have left its bootstrap.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import estate
import leash
from accounts import MEMBER_ROLE, MEMBER_STACK, PROJECT, REGION, Account, outputs, put_policy
from server import HUB, NO_PROXY, ROOT_SECRET, local_aws

STACK = "ecs-api"
TEMPLATES = PROJECT / "templates"
ARTIFACTS = "ecs-api-artifacts"
PACKAGE = Path("target") / "lambda" / "ecs-api"
BOOTSTRAP = PROJECT / PACKAGE / "bootstrap"
CONFIG_NAME = "config.json"


def sam_deploy(account: Account, stack: str, template: Path, parameters: dict[str, str]) -> dict[str, str]:
    """Deploy `template` into `account` and return the stack's outputs."""
    bucket = f"{ARTIFACTS}-{account.number}"
    account.client("s3").create_bucket(Bucket=bucket)  # no matter if it is there
    with tempfile.TemporaryDirectory(prefix="ecs-api-sam-") as room:
        given = Path(room) / "parameters.yaml"  # sam takes no .json; every JSON document is YAML
        given.write_text(json.dumps(parameters))
        command = [
            str(Path(sys.executable).parent / "sam"),
            *("deploy", "--stack-name", stack, "--template-file", str(template)),
            *("--s3-bucket", bucket, "--region", REGION, "--parameter-overrides", f"file://{given}"),
            *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"),
            *("--no-confirm-changeset", "--no-progressbar"),
        ]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        theirs = {
            "AWS_ENDPOINT_URL": account.endpoint,
            "AWS_ACCESS_KEY_ID": account.number,
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
    return outputs(account, stack)


def stage(room: Path) -> Path:
    """Copy template and package to `room`, where a configuration can be put beside them, and return the template."""
    if not BOOTSTRAP.is_file():
        sys.exit(f"{BOOTSTRAP.relative_to(PROJECT)} is missing; `make package` builds it")
    (room / PACKAGE).mkdir(parents=True)
    shutil.copy2(BOOTSTRAP, room / PACKAGE)
    return Path(shutil.copy2(PROJECT / "template.yaml", room))


def deploy_hub(
    hub: Account, config: dict[str, Any], kept: str, more: dict[str, str], room: Path
) -> dict[str, str]:
    """Deploy template.yaml into `hub` with the configuration `kept` where the option says, and more parameters."""
    text = json.dumps(config)
    template = stage(room)
    if kept == "inline":
        parameters = {"Config": text}
    elif kept == "parameter":
        made = hub.client("ssm").put_parameter(Name="/ecs-api/config", Type="String", Value=text)
        parameters = {"ConfigParameter": f"/ecs-api/config:{made['Version']}"}
    else:
        (room / PACKAGE / CONFIG_NAME).write_text(text)
        parameters = {"ConfigFile": CONFIG_NAME}
    return sam_deploy(hub, STACK, template, parameters | more)


def deploy_member(member: estate.Member, trusted_role_arn: str) -> None:
    """Deploy templates/member-account.yaml into a member account."""
    template = TEMPLATES / "member-account.yaml"
    parameters = {"TrustedRoleArn": trusted_role_arn, "ExternalId": member.external_id}
    sam_deploy(member.account, MEMBER_STACK, template, parameters)


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
    arguments.add_argument("--config", choices=["inline", "parameter", "file"], default="inline")
    arguments.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="as in AuthMode=iam")
    arguments.add_argument("--faults", action="store_true", help="lead the function's calls through faults.py")
    arguments.add_argument("--deny", action="append", default=[], metavar="MEMBER=ACTION", help="as in prod=ecs:RunTask")
    given = arguments.parse_args()

    leash.stand_apart()
    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecs-api-deployed-")))
        aws = stack.enter_context(local_aws(enforce_iam=True))
        members = estate.furnish_members(aws.endpoint)
        config = estate.config(members)
        # An entry whose external id is not the one that the member's role asks for.
        config["accounts"]["misinformed"] = {"accountId": members[-1].account.number, "externalId": "of-somebody-else"}
        hub = Account(aws.endpoint, HUB)
        for_function = stack.enter_context(faults(aws.endpoint)) if given.faults else aws.endpoint
        more = dict(each.split("=", 1) for each in given.parameter) | {"AwsEndpointUrl": for_function}
        made = deploy_hub(hub, config, given.config, more, room)
        direct = {"DirectArn": made["DirectArn"]}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            callers = pool.submit(sam_deploy, hub, f"{STACK}-callers", TEMPLATES / "callers.yaml", direct)
            list(pool.map(lambda each: deploy_member(each, made["FunctionRoleArn"]), members))
        for name, action in (each.split("=") for each in given.deny):
            member = next(each for each in members if each.name == name)
            put_policy(member.account, MEMBER_ROLE, action, effect="Deny")
        told = {
            "endpoint": aws.endpoint,
            "faults": for_function if given.faults else None,
            "api_url": f"{aws.endpoint}/_aws/execute-api/{made['ApiId']}/$default",
            "token": estate.TOKEN,
            "outputs": made,
            "callers": callers.result(),
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
