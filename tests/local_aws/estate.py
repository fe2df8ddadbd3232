"""The estate that `demo.py` and `deployed.py` show ecs-api on: a hub account and two member accounts."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from accounts import Account, Furniture, furnish, install

MEMBERS = {"nonprod": "111122223333", "prod": "444455556666"}
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


def furnish_members(endpoint: str) -> list[Member]:
    """Furnish the member accounts of the local AWS at `endpoint`."""
    accounts = {name: Account(endpoint, number) for name, number in MEMBERS.items()}
    return [Member(name, each, f"ecs-api-in-{name}", furnish(each)) for name, each in accounts.items()]


def config(members: list[Member]) -> dict[str, Any]:
    """Return the configuration of ecs-api for `members`, with one caller who may do everything."""
    return {
        "accounts": {each.name: each.furniture.config(each.account, each.external_id) for each in members},
        "callers": [
            {
                "name": CALLER,
                "tokenSha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                "grants": [{"accounts": ["*"], "access": "write"}],
            }
        ],
    }
