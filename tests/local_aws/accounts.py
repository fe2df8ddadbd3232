r"""Accounts of the local AWS, furnished like those that a platform team hands out.

    python tests/local_aws/accounts.py furnish --endpoint URL --account 111122223333
    python tests/local_aws/accounts.py install --endpoint URL --account 111122223333 \
        --trusted-role ARN --external-id ID

`furnish` makes what every member account has before ecs-api comes (a VPC with two subnets and a security
group, the role ecsTaskExecutionRole, a private DNS namespace) and prints it as JSON. `install` creates the
stack of templates/member-account.yaml and prints its role. Two steps, because the member's role trusts the
hub's, whose stack in turn is configured with the members' subnets.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from server import ROOT_SECRET

PROJECT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
MEMBER_STACK = "ecs-api-member"
MEMBER_ROLE = "ecs-api"
EXECUTION_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


@dataclasses.dataclass(frozen=True)
class Account:
    """An account of the local AWS at `endpoint`, worked on as its root user."""

    endpoint: str
    number: str

    def client(self, service: str) -> Any:
        """Return a client for `service` of this account."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.number,
            aws_secret_access_key=ROOT_SECRET,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    @property
    def root(self) -> str:
        """The ARN of the account's root user."""
        return f"arn:aws:iam::{self.number}:root"

    def arn(self, role: str) -> str:
        """Return the ARN of the role of that name."""
        return f"arn:aws:iam::{self.number}:role/{role}"


@dataclasses.dataclass(frozen=True)
class Furniture:
    """What an account has before ecs-api comes."""

    subnets: list[str]
    security_groups: list[str]
    execution_role_arn: str
    namespace_id: str

    def config(self, account: Account, external_id: str) -> dict[str, Any]:
        """Return the account's entry in the configuration of ecs-api."""
        return {
            "accountId": account.number,
            "externalId": external_id,
            "defaultSubnets": self.subnets,
            "defaultSgs": self.security_groups,
        }


def furnish(account: Account) -> Furniture:
    """Make the network, the execution role and the DNS namespace of `account`."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="tasks", Description="Tasks on Fargate")
    execution_role = create_role(account, "ecsTaskExecutionRole", {"Service": "ecs-tasks.amazonaws.com"})
    account.client("iam").attach_role_policy(RoleName="ecsTaskExecutionRole", PolicyArn=EXECUTION_POLICY)
    return Furniture(
        subnets=[each["Subnet"]["SubnetId"] for each in subnets],
        security_groups=[group["GroupId"]],
        execution_role_arn=execution_role,
        namespace_id=create_namespace(account, "demo.internal", vpc),
    )


def create_role(account: Account, name: str, trusts: dict[str, str]) -> str:
    """Create a role that `trusts` may assume and return its ARN."""
    trust = {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
    role = account.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    return str(role["Role"]["Arn"])


def put_policy(account: Account, role: str, action: str, resource: str = "*", effect: str = "Allow") -> None:
    """Allow `role` one action on one resource (pattern), or deny it, whatever its other policies say."""
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    account.client("iam").put_role_policy(
        RoleName=role,
        PolicyName=f"{effect}-{action.replace(':', '-')}",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def create_namespace(account: Account, name: str, vpc: str) -> str:
    """Create a private DNS namespace and return its id."""
    discovery = account.client("servicediscovery")
    operation = discovery.create_private_dns_namespace(Name=name, Vpc=vpc)["OperationId"]
    return str(discovery.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"])


def install(account: Account, trusted_role_arn: str, external_id: str) -> str:
    """Create the member's stack in `account` and return the ARN of its role."""
    template = (PROJECT / "templates" / "member-account.yaml").read_text()
    given = {
        "TrustedRoleArn": trusted_role_arn,
        "ExternalId": external_id,
        "RoleName": MEMBER_ROLE,
        "AllowedCompute": "ANY",  # the local AWS does not know the condition keys that tell Fargate from the rest
    }
    return create_stack(account, MEMBER_STACK, template, given)["RoleArn"]


def create_stack(account: Account, stack: str, template: str, parameters: dict[str, str]) -> dict[str, str]:
    """Create `stack` in `account` and return its outputs."""
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
    return outputs(account, stack)


def outputs(account: Account, stack: str) -> dict[str, str]:
    """Return the outputs of `stack`."""
    found = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def main() -> None:
    """Do one of the two steps for one account."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--endpoint", required=True, help="the local AWS, as printed by server.py")
    common.add_argument("--account", required=True, help="12 digits")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("furnish", parents=[common], help="network, execution role, DNS namespace")
    member = steps.add_parser("install", parents=[common], help="the stack of templates/member-account.yaml")
    member.add_argument("--trusted-role", required=True, help="ARN of the role that ecs-api runs with")
    member.add_argument("--external-id", required=True)
    given = parser.parse_args()

    account = Account(given.endpoint, given.account)
    try:
        if given.step == "furnish":
            print(json.dumps(dataclasses.asdict(furnish(account))))
        else:
            print(json.dumps({"role_arn": install(account, given.trusted_role, given.external_id)}))
    except (BotoCoreError, ClientError, WaiterError) as error:
        sys.exit(f"local AWS, account {account.number}: {error}")


if __name__ == "__main__":
    main()
