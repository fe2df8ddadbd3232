"""ecs-api as an installer gets it: `sam deploy` of the templates onto a local AWS that enforces IAM.

    python tests/local_aws/deployed.py

Deploys template.yaml into the hub account and templates/member-account.yaml into the members (see estate.py),
prints one line of JSON on standard output

    {"endpoint": "http://127.0.0.1:PORT",
     "api_url": "http://127.0.0.1:PORT/_aws/execute-api/ID/$default",
     "token": "the caller's token",
     "outputs": {"ApiUrl": …, "ApiId": …, "FunctionArn": …, "FunctionRoleArn": …},
     "members": {"nonprod": {"account": …, "external_id": …, "subnets": […], "security_groups": […],
                             "execution_role_arn": …, "namespace_id": …}, "prod": {…}}}

and serves until standard input closes. `cargo lambda build --release` must have left its bootstrap.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import estate
import leash
from accounts import PROJECT, REGION, Account, outputs
from server import HUB, NO_PROXY, ROOT_SECRET, local_aws

STACK = "ecs-api"
ARTIFACTS = "ecs-api-artifacts"
BOOTSTRAP = PROJECT / "target" / "lambda" / "ecs-api" / "bootstrap"


def sam_deploy(hub: Account, config: str, room: Path) -> dict[str, str]:
    """Deploy template.yaml into `hub` and return the stack's outputs."""
    hub.client("s3").create_bucket(Bucket=ARTIFACTS)
    parameters = room / "parameters.yaml"  # sam takes no .json; every JSON document is YAML
    parameters.write_text(json.dumps({"Config": config, "AwsEndpointUrl": hub.endpoint}))
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


def main() -> None:
    """Deploy, tell, and serve until the caller is gone."""
    if not BOOTSTRAP.is_file():
        sys.exit(f"{BOOTSTRAP.relative_to(PROJECT)} is missing; `make package` builds it")
    leash.stand_apart()
    with contextlib.ExitStack() as stack:
        stack.enter_context(leash.leaving_on_signals())
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecs-api-deployed-")))
        aws = stack.enter_context(local_aws(enforce_iam=True))
        members = estate.furnish_members(aws.endpoint)
        hub = Account(aws.endpoint, HUB)
        made = sam_deploy(hub, json.dumps(estate.config(members)), room)
        for each in members:
            each.install(made["FunctionRoleArn"])
        told = {
            "endpoint": aws.endpoint,
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
