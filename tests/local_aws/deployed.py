"""ecs-api as an installer gets it: `sam deploy` of the templates onto a local AWS that enforces IAM.

    python tests/local_aws/deployed.py --bootstrap PATH [OPTIONS]
    python tests/local_aws/deployed.py --bootstrap PATH --beside ENDPOINT --name NAME [OPTIONS]

    OPTIONS: [--config inline | parameter | path | file] [--parameter NAME=VALUE] [--deny MEMBER=ACTION]

The first form starts a local AWS and deploys template.yaml and templates/callers.yaml into the hub account and
templates/member-account.yaml into the members (see estate.py), with the configuration inline, in an SSM parameter that is read
when it is deployed, below a path of parameters that the function reads, or in a file of the package. The second makes a further
stack with members of its own in the local AWS of the first, from the package that is there. Both print one line of JSON on
standard output

    {"endpoint": "http://127.0.0.1:PORT", "function": "ecs-api",
     "api_url": "http://127.0.0.1:PORT/_aws/execute-api/ID/$default",
     "token": "the caller's token", "operators_token": "of one who may read nonprod and prod",
     "outputs": {"ApiUrl": …, "ApiId": …, "FunctionArn": …, "FunctionRoleArn": …},
     "callers": {"StateMachineArn": …, "RuleArn": …},
     "members": {"nonprod": {"account": …, "external_id": …, "subnets": […], "security_groups": […],
                             "execution_role_arn": …, "namespace_id": …}, "prod": {…}, "sandbox": {…}}}

and keep what they have started until standard input closes. With `--parameter AwsEndpointUrl=URL` the function's calls go
there; with `--deny` a member's role lacks an action. A further stack has no `callers`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import estate
import leash
from accounts import MEMBER_ROLE, PROJECT, REGION, Account, create_stack, outputs, put_policy
from server import HUB, NO_PROXY, ROOT_SECRET, local_aws

STACK = "ecs-api"
TEMPLATES = PROJECT / "templates"
ARTIFACTS = "ecs-api-artifacts"
PACKAGE = Path("target") / "lambda" / "ecs-api"
CONFIG_NAME = "config.json"
OPERATORS_TOKEN = "operators-token"
PORTAL = "https://portal.example.com"


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


def stage(bootstrap: Path, room: Path) -> Path:
    """Copy template and package to `room`, where a configuration can be put beside them, and return the template."""
    (room / PACKAGE).mkdir(parents=True)
    shutil.copy2(bootstrap, room / PACKAGE / "bootstrap")
    return Path(shutil.copy2(PROJECT / "template.yaml", room))


def keep_config(hub: Account, function: str, config: str, kept: str, package: Path) -> dict[str, str]:
    """Put the configuration where `kept` says, if that is not the stack, and return the parameters that lead to it."""
    if kept == "inline":
        return {"Config": config}
    if kept == "parameter":
        name = f"/{function}/config"
        made = hub.client("ssm").put_parameter(Name=name, Type="String", Value=config)
        return {"ConfigParameter": f"{name}:{made['Version']}"}
    if kept == "path":
        path = f"/{function}/config/"
        for part, value in parts(json.loads(config)).items():
            hub.client("ssm").put_parameter(Name=f"{path}{part}", Type="String", Value=json.dumps(value))
        return {"ConfigParameter": path}
    (package / CONFIG_NAME).write_text(config)
    return {"ConfigFile": CONFIG_NAME}


def parts(config: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a configuration by their names below a path."""
    lists = {"accounts", "callers"}
    accounts = {f"accounts/{name}": account for name, account in config["accounts"].items()}
    callers = {f"callers/{caller.pop('name')}": caller for caller in config["callers"]}
    return {name: value for name, value in config.items() if name not in lists} | accounts | callers


def deploy_again(hub: Account, stack: str, parameters: dict[str, str]) -> dict[str, str]:
    """Make a further stack of the template and the package that are deployed already, and return its outputs."""
    deployed = hub.client("cloudformation").get_template(StackName=STACK, TemplateStage="Original")
    template = deployed["TemplateBody"]
    return create_stack(hub, stack, template if isinstance(template, str) else json.dumps(template), parameters)


def main() -> None:
    """Deploy, tell, and serve until the caller is gone."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--bootstrap", type=Path, required=True, help="the function's binary")
    arguments.add_argument("--beside", metavar="ENDPOINT", help="a local AWS that this program has deployed to")
    arguments.add_argument("--name", default="", help="of a further stack")
    arguments.add_argument("--config", choices=["inline", "parameter", "path", "file"], default="inline")
    arguments.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="as in AuthMode=iam")
    arguments.add_argument("--deny", action="append", default=[], metavar="MEMBER=ACTION", help="as in prod=ecs:RunTask")
    given = arguments.parse_args()
    if bool(given.beside) != bool(given.name):
        arguments.error("a further stack needs --beside and --name, the first one neither")

    leash.stand_apart()
    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecs-api-deployed-")))
        held = None
        if given.beside:
            endpoint = given.beside
        else:
            aws = stack.enter_context(local_aws(enforce_iam=True))
            endpoint, held = aws.endpoint, aws.process
        more = {"AwsEndpointUrl": endpoint} | dict(each.split("=", 1) for each in given.parameter)
        print(json.dumps(deploy(endpoint, given, more, room)), flush=True)
        if held:
            leash.hold(held)


def deploy(endpoint: str, given: argparse.Namespace, more: dict[str, str], room: Path) -> dict[str, Any]:
    """Deploy what is `given`, with more parameters, and return what is there then."""
    hub = Account(endpoint, HUB)
    function = f"{STACK}-{given.name}" if given.name else STACK
    members = estate.furnish_members(endpoint, given.name)
    config = estate.config(members)
    # An entry whose external id is not the one that the member's role asks for.
    config["accounts"]["misinformed"] = {"accountId": members[-1].account.number, "externalId": "of-somebody-else"}
    config["corsOrigins"] = [PORTAL]
    config["callers"].append(estate.caller_of("operator", OPERATORS_TOKEN, "read", ["nonprod", "prod"]))
    template = stage(given.bootstrap, room)
    kept = keep_config(hub, function, json.dumps(config), given.config, room / PACKAGE)
    parameters = kept | more | {"FunctionName": function}
    if given.beside and given.config != "file":
        made = deploy_again(hub, function, parameters)
    else:
        made = sam_deploy(hub, function, template, parameters)
    for each in members:
        each.install(made["FunctionRoleArn"])
    for name, action in (each.split("=") for each in given.deny):
        member = next(each for each in members if each.name == name)
        put_policy(member.account, MEMBER_ROLE, action, effect="Deny")
    callers = None
    if not given.beside:
        listed = {"DirectArn": made["DirectArn"], "Accounts": "nonprod,prod"}
        callers = sam_deploy(hub, f"{STACK}-callers", TEMPLATES / "callers.yaml", listed)
    return {
        "endpoint": endpoint,
        "function": function,
        "api_url": f"{endpoint}/_aws/execute-api/{made['ApiId']}/$default",
        "token": estate.TOKEN,
        "operators_token": OPERATORS_TOKEN,
        "outputs": made,
        "callers": callers,
        "members": {
            each.name: {"account": each.account.number, "external_id": each.external_id}
            | dataclasses.asdict(each.furniture)
            for each in members
        },
    }


if __name__ == "__main__":
    main()
