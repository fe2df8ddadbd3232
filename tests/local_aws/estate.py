"""The estate that `demo.py` and `deployed.py` show ecs-api on: a hub account and three member accounts."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from typing import Any

from accounts import MEMBER_ROLE, REGION, Account, Furniture, furnish, install
from server import HUB

MEMBERS = {"nonprod": "111122223333", "prod": "444455556666", "sandbox": "777788889999"}
CALLER = "demo"
TOKEN = "demo-token"
"""A secret only in form: it opens nothing but a local AWS."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A member account, furnished; `name` is what callers of ecs-api say."""

    name: str
    account: Account
    external_id: str
    furniture: Furniture

    def install(self, trusted_role_arn: str) -> None:
        """Let the hub's role work in this account."""
        install(self.account, trusted_role_arn, self.external_id)


def furnish_members(endpoint: str, estate: str = "") -> list[Member]:
    """Furnish the member accounts of the local AWS at `endpoint`; those of an estate with a name are its own."""
    numbers = {name: f"{zlib.crc32(f'{estate}/{name}'.encode()):012}" for name in MEMBERS} if estate else MEMBERS
    accounts = {name: Account(endpoint, number) for name, number in numbers.items()}
    return [Member(name, each, f"ecs-api-in-{name}", furnish(each)) for name, each in accounts.items()]


def config(members: list[Member]) -> dict[str, Any]:
    """Return the configuration of ecs-api for `members`, whose callers may do everything or read."""
    return {
        "defaults": {
            "roleName": MEMBER_ROLE,
            "region": REGION,
            "executionRoleName": "ecsTaskExecutionRole",
            "logs": {"group": "/ecs/{cluster}", "retentionInDays": 30},
        },
        "accounts": {each.name: each.furniture.config(each.account, each.external_id) for each in members},
        "callers": [
            caller_of(CALLER, TOKEN, "write", ["*"]),
            # Those of the sample events, which are known without a token.
            caller("deploy-bot", "read", principal=f"arn:aws:iam::{HUB}:role/deploy-*"),
            caller("root", "read", principal=f"arn:aws:iam::{HUB}:root"),
            caller("team-a", "read", claims={"client_id": "abc"}),
            caller("nightly", "write", invoke=True),
        ],
    }


def caller_of(name: str, token: str, access: str, accounts: list[str]) -> dict[str, Any]:
    """Return a caller of ecs-api with a token and a grant for these accounts."""
    grants = [{"accounts": accounts, "access": access}]
    return {"name": name, "tokenSha256": hashlib.sha256(token.encode()).hexdigest(), "grants": grants}


def caller(name: str, access: str, **known_by: Any) -> dict[str, Any]:
    """Return a caller of ecs-api with a grant for every account."""
    return {"name": name, **known_by, "grants": [{"accounts": ["*"], "access": access}]}
